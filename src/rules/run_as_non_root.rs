//! `runAsNonRoot`: containers do not run as root.

mod options;
mod windows;

use super::finding::{Findings, flag};
use super::responsible::ResponsibleContainer;
use super::rule::{ImageConfig, ImageViolation, Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::Fix;
use crate::settings::declaration::Declared;
use crate::settings::mode::Mode;
use crate::settings::range::{Range, listed};
use crate::settings::reader::ObjectReader;
use crate::text::quoted;
use options::{
    ALLOW_IN_USER_NAMESPACE, ALLOW_WINDOWS_ADMINISTRATORS, GROUP_RANGES, GROUPS, INSPECT_IMAGE, NAMED_USERS,
    NamedUsers, POD_SECURITY, REQUIRE, Required, USER_RANGES,
};

#[expect(clippy::struct_excessive_bools, reason = "each is a setting of users")]
pub(crate) struct RunAsNonRoot {
    required: Required,
    user_ranges: Vec<Range>,
    groups: bool,
    group_ranges: Vec<Range>,
    allow_in_user_namespace: bool,
    allow_windows_administrators: bool,
    /// Whether values count that others override.
    judges_every_value: bool,
    /// What is accepted of the users of images, if images are looked up.
    inspect_image: Option<NamedUsers>,
}

/// What is wrong with one container.
struct Violation<'p> {
    /// Whether the wrong value is that of the pod.
    is_inherited: bool,
    field: &'static str,
    value: &'p str,
    message: String,
    resolution: Resolution,
}

/// What can resolve a violation besides a change of the manifest.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resolution {
    None,
    /// A fix: nothing but a missing value is wrong.
    Fix,
    /// The image, whose user may be another one than root.
    Image,
}

const RUN_AS_USER: &str = "securityContext.runAsUser";
const RUN_AS_NON_ROOT: &str = "securityContext.runAsNonRoot";
const NOT_UID_0: &str = "must not run as UID 0";

/// Says what is wrong with one container, if anything.
type Check = for<'p, 'a> fn(&RunAsNonRoot, &'p Pod<'a>, ContainerAt<'p, 'a>) -> Option<Violation<'p>>;

impl RunAsNonRoot {
    /// Whether a named user is accepted. A name is in no range.
    fn accepts_names(&self) -> bool {
        self.inspect_image == Some(NamedUsers::Allow) && self.user_ranges.is_empty()
    }

    fn accepts_root(&self, pod: &Pod<'_>) -> bool {
        self.allow_in_user_namespace && pod.has_user_namespace()
    }

    fn user_violation<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Violation<'p>> {
        if let Some(violation) = self.administrator_violation(pod, at) {
            return Some(violation);
        }
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let (user, is_inherited) = effective(own.run_as_user, shared.run_as_user);
        let violation = |message| {
            // The message contains the number, so no other value needs to be compared.
            let (field, value, resolution) = (RUN_AS_USER, "", Resolution::None);
            Some(Violation { is_inherited, field, value, message, resolution })
        };
        match user {
            Some(0) if self.accepts_root(pod) => None,
            Some(0) => violation(NOT_UID_0.to_owned()),
            Some(user) if is_outside(&self.user_ranges, user) => {
                violation(format!("must run as a UID in {}, not {user}", listed(&self.user_ranges)))
            }
            Some(_) => None,
            None if !self.user_ranges.is_empty() => {
                let violation = violation(format!("must set it to a UID in {}", listed(&self.user_ranges)))?;
                Some(self.unless_image_decides(violation, at))
            }
            None if self.accepts_root(pod) || self.judges_flag_of(pod, at) => None,
            None => {
                let violation = non_root_violation(pod, at, ", or runAsUser to a UID other than 0")?;
                Some(match violation.resolution {
                    Resolution::Fix => self.unless_image_decides(violation, at),
                    _ => violation,
                })
            }
        }
    }

    /// What is wrong with `runAsNonRoot`, if it counts by itself.
    fn flag_violation<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Violation<'p>> {
        if self.accepts_root(pod) || !self.judges_flag_of(pod, at) {
            return None;
        }
        non_root_violation(pod, at, "")
    }

    /// Whether the `runAsNonRoot` of a container counts, whatever its user is.
    fn judges_flag_of(&self, pod: &Pod<'_>, at: ContainerAt<'_, '_>) -> bool {
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let is_false = || own.run_as_non_root.or(shared.run_as_non_root) == Some(false);
        self.required == Required::Field || self.judges_every_value && is_false()
    }

    fn administrator_violation<'p>(
        &self,
        pod: &'p Pod<'_>,
        at: ContainerAt<'p, '_>,
    ) -> Option<Violation<'p>> {
        if self.allow_windows_administrators { None } else { windows::administrator_violation(pod, at) }
    }

    /// What is wrong with a container in a Windows pod, whose user has a name.
    fn windows_violation<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Violation<'p>> {
        let is_judged_alone =
            self.required == Required::Field || self.judges_flag_of(pod, at) && !self.accepts_root(pod);
        if windows::has_user_name(pod, at) || is_judged_alone {
            return self.administrator_violation(pod, at);
        }
        non_root_violation(
            pod,
            at,
            ", or windowsOptions.runAsUserName to a user other than ContainerAdministrator",
        )
    }

    /// What is wrong with the UID of a container in a Windows pod, which has no meaning there.
    fn windows_uid_violation<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Violation<'p>> {
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let (user, is_inherited) = effective(own.run_as_user, shared.run_as_user);
        let is_other = self.accepts_root(pod) || self.administrator_violation(pod, at).is_some();
        let (field, message, resolution) = (RUN_AS_USER, NOT_UID_0.to_owned(), Resolution::None);
        (user == Some(0) && !is_other).then_some(Violation {
            is_inherited,
            field,
            value: "",
            message,
            resolution,
        })
    }

    /// The violation that is left to the user of the image, if images are looked up.
    fn unless_image_decides<'p>(&self, violation: Violation<'p>, at: ContainerAt<'p, '_>) -> Violation<'p> {
        if self.inspect_image.is_none() {
            return violation;
        }
        let message = if self.user_ranges.is_empty() {
            "must set it to a UID other than 0".to_owned()
        } else {
            violation.message
        };
        Violation {
            field: RUN_AS_USER,
            value: &at.container.image,
            message,
            resolution: Resolution::Image,
            ..violation
        }
    }

    /// What is wrong with the user of an image, if anything.
    fn image_user_violation(&self, user: &str) -> Option<String> {
        let (name, _) = user.split_once(':').unwrap_or((user, ""));
        // Runtimes look up anything but such a number as a name.
        // Source: `WithUser` in `pkg/oci` of containerd.
        match name.parse().ok().filter(|uid| i32::try_from(*uid).is_ok()) {
            Some(uid @ 1..) if !is_outside(&self.user_ranges, uid) => None,
            Some(_) => Some(format!("runs as {}", quoted(user))),
            None if name.is_empty() => Some("has no USER, so it runs as root".to_owned()),
            None if self.accepts_names() && !is_root_or_number(name) => None,
            None if name == "root" => Some(format!("runs as {}", quoted(user))),
            None => Some(format!("runs as {}, which may be any UID", quoted(user))),
        }
    }

    fn group_violation<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Violation<'p>> {
        if self.administrator_violation(pod, at).is_some() {
            return None;
        }
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let (group, is_inherited) = effective(own.run_as_group, shared.run_as_group);
        let message = match group {
            Some(group) => self.gid_violation(pod, group)?,
            None if !self.group_ranges.is_empty() => {
                format!("must set it to a GID in {}", listed(&self.group_ranges))
            }
            None if self.groups && !self.accepts_root(pod) => "must set it to a GID other than 0".to_owned(),
            None => return None,
        };
        let (field, value, resolution) = ("securityContext.runAsGroup", "", Resolution::None);
        Some(Violation { is_inherited, field, value, message, resolution })
    }

    /// What must be done about a group, if anything.
    fn gid_violation(&self, pod: &Pod<'_>, group: i64) -> Option<String> {
        match group {
            0 if self.accepts_root(pod) => None,
            0 if self.groups => Some("must not use GID 0".to_owned()),
            _ if is_outside(&self.group_ranges, group) => {
                Some(format!("must use a GID in {}, not {group}", listed(&self.group_ranges)))
            }
            _ => None,
        }
    }

    /// Reports the violations of every container. A wrong value of the pod is one finding, for which all the containers that inherit
    /// it are responsible.
    fn report<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>, check: Check) {
        let mut inherited: Vec<(Violation<'p>, Vec<ResponsibleContainer<'p>>)> = Vec::new();
        for at in pod.all_containers() {
            let Some(violation) = check(self, pod, at) else { continue };
            if violation.is_inherited {
                let container = ResponsibleContainer::of(at);
                match inherited.iter_mut().find(|(known, _)| known.field == violation.field) {
                    Some((_, containers)) => containers.push(container),
                    None => inherited.push((violation, vec![container])),
                }
                continue;
            }
            let finding = findings.at(at, violation.field);
            finding.message(violation.message).value(violation.value);
            match violation.resolution {
                Resolution::None => {}
                Resolution::Fix => _ = finding.fix(Fix::set(at, violation.field, true)),
                Resolution::Image => _ = finding.pending_image(at),
            }
        }
        for (violation, containers) in inherited {
            let finding = findings.at_pod(pod, violation.field);
            finding.message(violation.message).value(violation.value).responsible(containers);
        }
    }

    /// Reports values of the pod that every container overrides.
    fn report_overridden<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        if self.accepts_root(pod) {
            return;
        }
        let shared = &pod.spec.security_context;
        let contexts = || pod.all_containers().map(|at| &at.container.security_context);
        if shared.run_as_user == Some(0) && contexts().all(|own| own.run_as_user.is_some()) {
            findings.at_pod(pod, RUN_AS_USER).message(NOT_UID_0);
        }
        if shared.run_as_non_root == Some(false) && contexts().all(|own| own.run_as_non_root.is_some()) {
            findings.at_pod(pod, RUN_AS_NON_ROOT).message("must set it to true").value(flag(Some(false)));
        }
    }

    /// Reports what is wrong with the groups that all containers of the pod have.
    fn report_pod_groups<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let context = &pod.spec.security_context;
        if let Some(message) = context.fs_group.and_then(|group| self.gid_violation(pod, group)) {
            findings.at_pod(pod, "securityContext.fsGroup").message(message);
        }
        for (index, group) in context.supplemental_groups.iter().enumerate() {
            if let Some(message) = self.gid_violation(pod, *group) {
                let field = of_item("securityContext.supplementalGroups", index, "");
                findings.at_pod(pod, &field).message(message);
            }
        }
    }
}

impl Rule<'_> for RunAsNonRoot {
    const META: RuleMeta =
        RuleMeta { id: "runAsNonRoot", severity: Severity::High, default_mode: Mode::Deny, can_fix: true };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers do not run as root.",
        finding: "a container that can run as root: its `runAsUser`, or else that of the pod, is 0; or neither is set, and \
                  `runAsNonRoot` is not `true`; with `require: field`, a container whose `runAsNonRoot` is not `true`",
        fix: Some("sets `runAsNonRoot: true` on containers for which no user is specified, unless `inspectImage` is set; with \
                   `require: field`, on containers for which it is unset"),
        why: "\
Root can undo most of what the other rules enforce.",
        how: Some(
            "\
The value of a container overrides that of the pod. The path of a finding is that of the wrong value, which can be the pod's; if nothing is
set, it is that of the container. With `runAsNonRoot: true`, a container does not start if its image runs as root.

For Windows pods, `windowsOptions.runAsUserName` counts too, and numeric users and groups have no meaning. Unless a pod sets `os: linux`,
its Windows user must not be `ContainerAdministrator`, `SYSTEM`, `LocalSystem` or `Administrator`, whatever `runAsNonRoot` says: the kubelet
refuses only the exact name `ContainerAdministrator`. Case, domain, and dots and spaces at the end do not matter, and the security
identifiers of these users count too.",
        ),
        limits: Some(
            "\
Names that Windows translates, such as `Administrateur`, are not known.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = options::SETTINGS;

    fn configure(reader: &mut ObjectReader<'_, '_>) -> Self {
        let rule = Self {
            required: reader.get(&REQUIRE),
            user_ranges: reader.get(&USER_RANGES),
            groups: reader.get(&GROUPS),
            group_ranges: reader.get(&GROUP_RANGES),
            allow_in_user_namespace: reader.get(&ALLOW_IN_USER_NAMESPACE),
            allow_windows_administrators: reader.get(&ALLOW_WINDOWS_ADMINISTRATORS),
            judges_every_value: reader.get(&POD_SECURITY),
            inspect_image: inspection(reader),
        };
        if !rule.allow_in_user_namespace && rule.user_ranges.iter().any(|range| range.max == 0) {
            reader.refuse(USER_RANGES.key, "range 0-0 allows no user: UID 0 is root");
        }
        rule
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let check = if pod.is_windows() { Self::windows_violation } else { Self::user_violation };
        self.report(pod, findings, check);
        if pod.is_windows() && self.judges_every_value {
            self.report(pod, findings, Self::windows_uid_violation);
        }
        if self.required == Required::Field || self.judges_every_value {
            self.report(pod, findings, Self::flag_violation);
        }
        if self.judges_every_value {
            self.report_overridden(pod, findings);
        }
        if pod.is_windows() {
            return;
        }
        if self.groups || !self.group_ranges.is_empty() {
            self.report(pod, findings, Self::group_violation);
            self.report_pod_groups(pod, findings);
        }
    }

    fn image_violations(&self, image: &str, config: &ImageConfig) -> Vec<ImageViolation> {
        let image = quoted(image);
        let reason = match &config.user {
            Ok(user) => self.image_user_violation(user).map(|reason| format!("image {image} {reason}")),
            Err(reason) => Some(format!("the user of image {image} is unknown: {reason}")),
        };
        reason.map(ImageViolation::Reason).into_iter().collect()
    }
}

/// The value of the container or else that of the pod, and whether it is that of the pod.
fn effective<T>(own: Option<T>, shared: Option<T>) -> (Option<T>, bool) {
    let is_inherited = own.is_none() && shared.is_some();
    (own.or(shared), is_inherited)
}

/// What is wrong if only `runAsNonRoot` decides, or another field that is unset.
fn non_root_violation<'p>(
    pod: &'p Pod<'_>,
    at: ContainerAt<'p, '_>,
    alternative: &str,
) -> Option<Violation<'p>> {
    let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
    let (value, is_inherited) = effective(own.run_as_non_root, shared.run_as_non_root);
    (value != Some(true)).then(|| Violation {
        is_inherited,
        field: RUN_AS_NON_ROOT,
        value: flag(value),
        message: format!("must set it to true{alternative}"),
        resolution: if value.is_none() { Resolution::Fix } else { Resolution::None },
    })
}

/// Whether a name is that of root, or a number that is not a UID.
fn is_root_or_number(name: &str) -> bool {
    name == "root" || name.strip_prefix(['+', '-']).unwrap_or(name).bytes().all(|byte| byte.is_ascii_digit())
}

fn inspection(reader: &mut ObjectReader<'_, '_>) -> Option<NamedUsers> {
    let inspects = reader.get(&INSPECT_IMAGE);
    let named_users = reader.get(&NAMED_USERS);
    if !inspects && named_users == NamedUsers::Allow {
        reader.refuse(NAMED_USERS.key, format_args!("has no effect without {}", INSPECT_IMAGE.key));
    }
    inspects.then_some(named_users)
}

/// Whether there are ranges, and none of them contains an id.
fn is_outside(ranges: &[Range], id: i64) -> bool {
    !ranges.is_empty() && !ranges.iter().any(|range| range.contains(id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    fn findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(RuleId::RunAsNonRoot, &json!({}), &pod)
    }

    fn windows_findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "os": {"name": "windows"},
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(RuleId::RunAsNonRoot, &json!({}), &pod)
    }

    const UNSET: &str = "spec.containers[0].securityContext.runAsNonRoot: container \"a\" \
                         must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]";
    const POD_FALSE: &str = "spec.securityContext.runAsNonRoot: the pod \
                             must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]";
    const ZERO: &str =
        "spec.containers[0].securityContext.runAsUser: container \"a\" must not run as UID 0 [runAsNonRoot]";
    const POD_ZERO: &str = "spec.securityContext.runAsUser: the pod must not run as UID 0 [runAsNonRoot]";

    #[test]
    fn follows_what_the_container_inherits() {
        let none = [""; 0];
        let cases = [
            (json!({}), json!({}), &[UNSET][..]),
            (json!(null), json!(null), &[UNSET]),
            (json!({"runAsNonRoot": true}), json!({}), &none),
            (json!({}), json!({"runAsNonRoot": true}), &none),
            (json!({"runAsNonRoot": false}), json!({"runAsNonRoot": true}), &none),
            (json!({"runAsNonRoot": true}), json!({"runAsNonRoot": false}), &[UNSET]),
            (json!({"runAsNonRoot": false}), json!({}), &[POD_FALSE]),
            (json!({"runAsUser": 101}), json!({}), &none),
            (json!({}), json!({"runAsUser": 101}), &none),
            (json!({"runAsUser": 101}), json!({"runAsNonRoot": false}), &none),
            (json!({"runAsUser": 0}), json!({"runAsUser": 101}), &none),
            (json!({"runAsUser": 0}), json!({}), &[POD_ZERO]),
            (json!({"runAsUser": 101}), json!({"runAsUser": 0}), &[ZERO]),
            (json!({"runAsNonRoot": true}), json!({"runAsUser": 0}), &[ZERO]),
            (json!({"runAsNonRoot": true, "runAsUser": 0}), json!({"runAsNonRoot": true}), &[POD_ZERO]),
            (json!({"runAsUser": 0}), json!({"runAsUser": null}), &[POD_ZERO]),
        ];
        for (pod, container, expected) in cases {
            assert_eq!(findings(&pod, &container), expected, "pod {pod}, container {container}");
        }
    }

    #[test]
    fn names_of_users_matter_only_where_images_are_inspected() {
        assert_eq!(
            errors(RuleId::RunAsNonRoot, &json!({"namedUsers": "allow"})),
            ["runAsNonRoot.namedUsers: has no effect without inspectImage"]
        );
        for fine in [json!({"namedUsers": "deny"}), json!({"inspectImage": true, "namedUsers": "allow"})] {
            assert_eq!(errors(RuleId::RunAsNonRoot, &fine), [""; 0]);
        }
        assert_eq!(
            errors(RuleId::RunAsNonRoot, &json!({"inspectImage": "yes", "namedUsers": true})),
            [
                "runAsNonRoot.inspectImage: expected true or false, got a string",
                "runAsNonRoot.namedUsers: expected one of deny, allow, got a boolean",
            ]
        );
    }

    #[test]
    fn one_wrong_value_of_the_pod_is_one_finding() {
        let pod = json!({
            "securityContext": {"runAsUser": 0},
            "initContainers": [{"name": "a"}, {"name": "b", "securityContext": {"runAsUser": 7}}],
            "containers": [{"name": "c"}, {"name": "d", "securityContext": {"runAsUser": 0}}],
        });
        assert_eq!(
            check(RuleId::RunAsNonRoot, &json!({}), &pod),
            [
                "spec.containers[1].securityContext.runAsUser: container \"d\" must not run as UID 0 [runAsNonRoot]",
                POD_ZERO,
            ]
        );
    }

    #[test]
    fn windows_users_have_names() {
        let named = |name: &str| json!({"windowsOptions": {"runAsUserName": name}});
        assert_eq!(windows_findings(&json!({"runAsNonRoot": true}), &json!({})), [""; 0]);
        assert_eq!(windows_findings(&json!({}), &named("ContainerUser")), [""; 0]);
        assert_eq!(windows_findings(&named("ContainerUser"), &json!({})), [""; 0]);
        assert_eq!(windows_findings(&named("ContainerAdministrator"), &named("app")), [""; 0]);
        for name in
            ["ContainerAdministrator", "CONTAINERADMINISTRATOR", r"User Manager\containeradministrator"]
        {
            assert_eq!(
                windows_findings(&named("app"), &named(name)),
                ["spec.containers[0].securityContext.windowsOptions.runAsUserName: container \"a\" \
                  must not run as ContainerAdministrator [runAsNonRoot]"],
                "{name}"
            );
        }
        assert_eq!(
            windows_findings(&named("ContainerAdministrator"), &json!({"runAsNonRoot": false})),
            ["spec.securityContext.windowsOptions.runAsUserName: the pod \
              must not run as ContainerAdministrator [runAsNonRoot]"]
        );
    }

    #[test]
    fn windows_pods_without_a_user_are_told_how_to_name_one() {
        let unset = "spec.containers[0].securityContext.runAsNonRoot: container \"a\" must set it to true, or \
                     windowsOptions.runAsUserName to a user other than ContainerAdministrator [runAsNonRoot]";
        // A numeric user has no meaning on Windows.
        for context in
            [json!({}), json!({"runAsUser": 1000}), json!({"windowsOptions": {"runAsUserName": ""}})]
        {
            assert_eq!(windows_findings(&context, &json!({})), [unset], "{context}");
        }
    }

    const RANGES: [(&str, &str); 2] = [("userRanges", "runAsUser"), ("groupRanges", "runAsGroup")];

    #[test]
    fn ids_may_have_to_lie_in_a_range() {
        for (key, field) in RANGES {
            let settings = json!({key: [{"min": 1000, "max": 1999}, {"min": 5000, "max": 5000}]});
            let lines = |pod: &Value, container: &Value| {
                let (mut pod, mut container) = (pod.clone(), container.clone());
                if field == "runAsGroup" {
                    pod["runAsUser"] = 1.into();
                    container["runAsUser"] = 1.into();
                }
                let spec = json!({"securityContext": pod, "containers": [{"name": "a", "securityContext": container}]});
                check(RuleId::RunAsNonRoot, &settings, &spec)
            };
            let (verb, id) = if field == "runAsUser" { ("run as", "UID") } else { ("use", "GID") };
            for good in [1000, 1500, 1999, 5000] {
                assert_eq!(lines(&json!({}), &json!({field: good})), [""; 0], "{good}");
                assert_eq!(lines(&json!({field: good}), &json!({})), [""; 0], "{good}");
                assert_eq!(lines(&json!({field: 7}), &json!({field: good})), [""; 0], "{good}");
            }
            for bad in [999, 2000, 4999, 5001] {
                assert_eq!(
                    lines(&json!({field: 1000}), &json!({field: bad})),
                    [format!(
                        "spec.containers[0].securityContext.{field}: container \"a\" must {verb} a {id} in \
                         1000-1999 or 5000-5000, not {bad} [runAsNonRoot]"
                    )]
                );
                assert_eq!(
                    lines(&json!({field: bad}), &json!({})),
                    [format!(
                        "spec.securityContext.{field}: the pod must {verb} a {id} in \
                         1000-1999 or 5000-5000, not {bad} [runAsNonRoot]"
                    )]
                );
            }
            assert_eq!(
                lines(&json!({"runAsNonRoot": true}), &json!({})),
                [format!(
                    "spec.containers[0].securityContext.{field}: container \"a\" must set it to a {id} in \
                     1000-1999 or 5000-5000 [runAsNonRoot]"
                )]
            );
        }
    }

    #[test]
    fn zero_is_root_in_any_range() {
        let settings = json!({"userRanges": [{"min": 0, "max": 10}]});
        let pod = json!({"containers": [{"name": "a", "securityContext": {"runAsUser": 0}}]});
        assert_eq!(check(RuleId::RunAsNonRoot, &settings, &pod), [ZERO]);
    }

    #[test]
    fn the_group_of_root_may_be_refused() {
        let pod = json!({
            "securityContext": {"runAsUser": 1, "runAsGroup": 0, "fsGroup": 0, "supplementalGroups": [5, 0]},
            "initContainers": [{"name": "a", "securityContext": {"runAsGroup": 1}}],
            "containers": [{"name": "b"}, {"name": "c", "securityContext": {"runAsGroup": 0}}],
        });
        assert_eq!(check(RuleId::RunAsNonRoot, &json!({}), &pod), [""; 0]);
        assert_eq!(
            check(RuleId::RunAsNonRoot, &json!({"groups": true}), &pod),
            [
                "spec.containers[1].securityContext.runAsGroup: container \"c\" must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.runAsGroup: the pod must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.fsGroup: the pod must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.supplementalGroups[1]: the pod must not use GID 0 [runAsNonRoot]",
            ]
        );
        let unset = json!({"containers": [{"name": "a", "securityContext": {"runAsUser": 1}}]});
        assert_eq!(
            check(RuleId::RunAsNonRoot, &json!({"groups": true}), &unset),
            [
                "spec.containers[0].securityContext.runAsGroup: container \"a\" must set it to a GID other than 0 [runAsNonRoot]"
            ]
        );
    }

    #[test]
    fn group_ranges_hold_for_the_groups_of_the_pod() {
        let settings = json!({"groupRanges": [{"min": 10, "max": 20}]});
        let pod = json!({
            "securityContext": {"runAsUser": 1, "runAsGroup": 10, "fsGroup": 9, "supplementalGroups": [20, 0, 21]},
            "containers": [{"name": "a"}],
        });
        assert_eq!(
            check(RuleId::RunAsNonRoot, &settings, &pod),
            [
                "spec.securityContext.fsGroup: the pod must use a GID in 10-20, not 9 [runAsNonRoot]",
                "spec.securityContext.supplementalGroups[1]: the pod must use a GID in 10-20, not 0 [runAsNonRoot]",
                "spec.securityContext.supplementalGroups[2]: the pod must use a GID in 10-20, not 21 [runAsNonRoot]",
            ]
        );
    }

    #[test]
    fn root_may_be_accepted_where_it_is_nobody() {
        let settings = json!({"allowInUserNamespace": true, "groups": true});
        let root = json!({"runAsUser": 0, "runAsGroup": 0, "fsGroup": 0});
        for (host_users, accepted) in [(json!(null), false), (json!(true), false), (json!(false), true)] {
            for context in [root.clone(), json!({}), json!({"runAsNonRoot": false})] {
                let pod = json!({"hostUsers": host_users, "securityContext": context, "containers": [{"name": "a"}]});
                assert_eq!(check(RuleId::RunAsNonRoot, &settings, &pod).is_empty(), accepted, "{pod}");
                assert!(!check(RuleId::RunAsNonRoot, &json!({"groups": true}), &pod).is_empty(), "{pod}");
            }
        }
        let ranges = json!({"allowInUserNamespace": true, "userRanges": [{"min": 1, "max": 2}]});
        let pod = |context: Value| json!({"hostUsers": false, "securityContext": context, "containers": [{"name": "a"}]});
        assert_eq!(check(RuleId::RunAsNonRoot, &ranges, &pod(json!({"runAsUser": 0}))), [""; 0]);
        assert_eq!(check(RuleId::RunAsNonRoot, &ranges, &pod(json!({"runAsUser": 3}))).len(), 1);
        assert_eq!(check(RuleId::RunAsNonRoot, &ranges, &pod(json!({}))).len(), 1);
    }

    #[test]
    fn numeric_ids_mean_nothing_on_windows() {
        let settings = json!({"groups": true, "userRanges": [{"min": 1, "max": 2}], "groupRanges": [{"min": 1, "max": 2}]});
        let pod = json!({"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true, "fsGroup": 0},
                         "containers": [{"name": "a"}]});
        assert_eq!(check(RuleId::RunAsNonRoot, &settings, &pod), [""; 0]);
    }

    #[test]
    fn refuses_ranges_that_hold_nothing() {
        let settings = json!({
            "groups": "yes",
            "userRanges": [{"min": 2, "max": 1}, {"min": 1}, {"min": -1, "max": 1.5}, {"min": "1", "max": 2, "x": 1}, 7],
            "groupRanges": {"min": 1, "max": 2},
        });
        assert_eq!(
            errors(RuleId::RunAsNonRoot, &settings),
            [
                "runAsNonRoot.userRanges[0]: empty range: min 2 is greater than max 1",
                "runAsNonRoot.userRanges[1].max: missing: a range has a min and a max",
                "runAsNonRoot.userRanges[2].min: expected a non-negative integer, got -1",
                "runAsNonRoot.userRanges[2].max: expected a non-negative integer of at most 63 bits",
                "runAsNonRoot.userRanges[3].min: expected a non-negative integer, got a string",
                "runAsNonRoot.userRanges[3].x: unknown key (allowed: min, max)",
                "runAsNonRoot.userRanges[4]: expected an object, got a number",
                "runAsNonRoot.groups: expected true or false, got a string",
                "runAsNonRoot.groupRanges: expected a list, got an object",
            ]
        );
        assert_eq!(
            errors(RuleId::RunAsNonRoot, &json!({"userRanges": [{"min": 0, "max": 0}]})),
            ["runAsNonRoot.userRanges: range 0-0 allows no user: UID 0 is root"]
        );
    }
}
