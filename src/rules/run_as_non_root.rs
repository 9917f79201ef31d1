//! `runAsNonRoot`: no container may run as root, who can undo most of what the other rules ask for.
//!
//! A finding is a container that may run as root: its `runAsUser`, or else the pod's, is 0; or neither is set, and
//! `runAsNonRoot` is not `true`
//!
//! A fix sets `runAsNonRoot` to `true` on a container where nothing decides; not with `inspectImage`
//!
//! A container's value overrides the pod's. The finding stands at the field that holds the wrong value, which may be
//! the pod's; where nothing is set, at the container's. On Windows, `runAsNonRoot` is met by
//! `windowsOptions.runAsUserName` as well, if it is another user than `ContainerAdministrator` and `SYSTEM`, written in any
//! case and with any domain; numeric users and groups have no meaning there. A container of an image that runs as root does not
//! start with `runAsNonRoot: true`, whoever has set it.
//!
//! Settings:
//!
//! - `groups`: whether GID 0 is refused too, in `runAsGroup`, `fsGroup` and `supplementalGroups`.
//! - `userRanges`: where given, `runAsUser` must be set, and lie in one of them: `[{min: 10000, max: 65535}]`.
//!   - `min`, `max`: the first and the last UID of a range.
//! - `groupRanges`: the same for `runAsGroup`; `fsGroup` and `supplementalGroups` must lie in one of them where they
//!   are set.
//!   - `min`, `max`: the first and the last GID of a range.
//! - `allowInUserNamespace`: whether root is accepted where `hostUsers: false` makes it nobody on the node.
//! - `inspectImage`: whether the `USER` of the image counts where the pod spec sets neither. A number other than 0 passes. The
//!   policy asks its host, which asks the registry, once for each image; the host must grant it
//!   `oci/v1/oci_manifest_config`, and uses credentials of its own. What cannot be looked up is a finding. Windows
//!   pods are not looked up.
//! - `namedUsers`: `allow` lets the `USER` of an image be a name other than `root`, which may stand for any UID.

use super::{Definition, Kind, Rule};
use crate::fix::apply::Fix;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::finding::{Concern, Concerns, Finding, flag};
use crate::rules::settings::Severity;
use crate::settings::reader::Options;
use crate::text::quoted;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "runAsNonRoot", mode: Some(Severity::Deny), can_fix: true, kind: Kind::RunAsNonRoot };

pub(crate) struct RunAsNonRoot {
    groups: bool,
    user_ranges: Vec<Range>,
    group_ranges: Vec<Range>,
    allow_in_user_namespace: bool,
    /// Whether images are asked for their users, and if so, what is made of names.
    inspect_image: Option<NamedUsers>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NamedUsers {
    Deny,
    Allow,
}

/// The ids from one to another, both of them included.
struct Range {
    min: i64,
    max: i64,
}

/// The users of Windows that may do anything in a container. `SYSTEM` is `NT AUTHORITY\SYSTEM` in full.
const ADMINISTRATORS: [&str; 2] = ["ContainerAdministrator", "SYSTEM"];

/// What is wrong about one container: the field, what it holds, and what must be done about it.
struct Wrong<'p> {
    on_pod: bool,
    field: &'static str,
    value: &'p str,
    demand: String,
    way_out: WayOut,
}

/// Says what is wrong about one container, if anything.
type Judge = for<'p, 'a> fn(&RunAsNonRoot, &'p Pod<'a>, ContainerAt<'p, 'a>) -> Option<Wrong<'p>>;

/// What else there is to be done about it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WayOut {
    None,
    /// Nothing but a missing value is wrong, and `true` would mend it.
    Fix,
    /// The image may say that nothing is wrong.
    Image,
}

impl RunAsNonRoot {
    pub(super) fn new(options: &mut Options<'_, '_>) -> Self {
        let rule = Self {
            groups: options.flag("groups", false),
            user_ranges: options.objects("userRanges", Range::new),
            group_ranges: options.objects("groupRanges", Range::new),
            allow_in_user_namespace: options.flag("allowInUserNamespace", false),
            inspect_image: inspection(options),
        };
        if !rule.allow_in_user_namespace && rule.user_ranges.iter().any(|range| range.max == 0) {
            options.refuse("userRanges", "no user can lie in 0-0, for UID 0 is root");
        }
        rule
    }

    /// Whether a name may be any user. It lies in no range.
    fn accepts_names(&self) -> bool {
        self.inspect_image == Some(NamedUsers::Allow) && self.user_ranges.is_empty()
    }

    fn accepts_root(&self, pod: &Pod<'_>) -> bool {
        self.allow_in_user_namespace && pod.has_user_namespace()
    }

    fn judge_user<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Wrong<'p>> {
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let (user, inherited) = effective(own.run_as_user, shared.run_as_user);
        // The demand has the number in it, so that no other value needs to be told.
        let wrong = |demand| {
            Some(Wrong {
                on_pod: inherited,
                way_out: WayOut::None,
                field: "securityContext.runAsUser",
                value: "",
                demand,
            })
        };
        match user {
            Some(0) if self.accepts_root(pod) => None,
            Some(0) => wrong("must not run as UID 0".to_owned()),
            Some(user) if is_outside(&self.user_ranges, user) => {
                wrong(format!("must run as a UID in {}, not {user}", listed(&self.user_ranges)))
            }
            Some(_) => None,
            None if !self.user_ranges.is_empty() => {
                let wrong = wrong(format!("must set it to a UID in {}", listed(&self.user_ranges)))?;
                Some(self.unless_image_decides(wrong, at))
            }
            None if self.accepts_root(pod) => None,
            None => {
                let wrong = judge_non_root(pod, at, "runAsUser to a UID other than 0")?;
                Some(if wrong.way_out == WayOut::Fix { self.unless_image_decides(wrong, at) } else { wrong })
            }
        }
    }

    /// What is wrong where the user of the image decides, if it is to be asked for.
    fn unless_image_decides<'p>(&self, wrong: Wrong<'p>, at: ContainerAt<'p, '_>) -> Wrong<'p> {
        if self.inspect_image.is_none() {
            return wrong;
        }
        let demand = if self.user_ranges.is_empty() {
            "must set it to a UID other than 0".to_owned()
        } else {
            wrong.demand
        };
        Wrong {
            field: "securityContext.runAsUser",
            value: &at.container.image,
            demand,
            way_out: WayOut::Image,
            ..wrong
        }
    }

    /// What is wrong with the user that an image runs as, if anything.
    fn judge_image_user(&self, user: &str) -> Option<String> {
        let (name, _) = user.split_once(':').unwrap_or((user, ""));
        // What is no such number is looked up as a name.
        // Source: `WithUser` in `pkg/oci` of containerd.
        match name.parse().ok().filter(|uid| i32::try_from(*uid).is_ok()) {
            Some(uid @ 1..) if !is_outside(&self.user_ranges, uid) => None,
            Some(_) => Some(format!("runs as {}", quoted(user))),
            None if name.is_empty() => Some("names no user, so it runs as root".to_owned()),
            None if self.accepts_names() && !is_root_or_number(name) => None,
            None if name == "root" => Some(format!("runs as {}", quoted(user))),
            None => Some(format!("runs as {}, which may be any UID", quoted(user))),
        }
    }

    fn judge_group<'p>(&self, pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Wrong<'p>> {
        let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
        let (group, inherited) = effective(own.run_as_group, shared.run_as_group);
        let demand = match group {
            Some(group) => self.judge_gid(pod, group)?,
            None if self.group_ranges.is_empty() => return None,
            None => format!("must set it to a GID in {}", listed(&self.group_ranges)),
        };
        Some(Wrong {
            on_pod: inherited,
            way_out: WayOut::None,
            field: "securityContext.runAsGroup",
            value: "",
            demand,
        })
    }

    /// What must be done about a group.
    fn judge_gid(&self, pod: &Pod<'_>, group: i64) -> Option<String> {
        match group {
            0 if self.accepts_root(pod) => None,
            0 if self.groups => Some("must not use GID 0".to_owned()),
            _ if is_outside(&self.group_ranges, group) => {
                Some(format!("must use a GID in {}, not {group}", listed(&self.group_ranges)))
            }
            _ => None,
        }
    }

    /// The findings about each container. Many of them may inherit one wrong value of the pod: it is to be changed once,
    /// on the account of all of them.
    fn collect<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>, judge: Judge) {
        let mut shared: Vec<(Wrong, Vec<Concern>)> = Vec::new();
        for at in pod.all_containers() {
            let Some(wrong) = judge(self, pod, at) else { continue };
            if !wrong.on_pod {
                let finding = Finding::of_container(found, at, wrong.field, wrong.value, wrong.demand);
                match wrong.way_out {
                    WayOut::None => {}
                    WayOut::Fix => finding.fix = Some(Fix::set(at, wrong.field, true)),
                    WayOut::Image => finding.decided_by = Some(&at.container.image),
                }
                continue;
            }
            match shared.iter_mut().find(|(known, _)| known.field == wrong.field) {
                Some((_, concerns)) => concerns.push(at.concern()),
                None => shared.push((wrong, vec![at.concern()])),
            }
        }
        for (wrong, concerns) in shared {
            let finding = Finding::of_pod(found, pod, wrong.field, wrong.value, wrong.demand);
            finding.concerns = Concerns::Only(concerns);
        }
    }

    /// What is wrong with the groups that all containers of the pod have besides.
    fn check_pod_groups<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let context = &pod.spec.security_context;
        if let Some(group) = context.fs_group {
            self.check_pod_group(pod, "securityContext.fsGroup", group, found);
        }
        for (index, group) in context.supplemental_groups.iter().enumerate() {
            self.check_pod_group(
                pod,
                &of_item("securityContext.supplementalGroups", index, ""),
                *group,
                found,
            );
        }
    }

    fn check_pod_group<'p>(&self, pod: &'p Pod<'_>, field: &str, group: i64, found: &mut Vec<Finding<'p>>) {
        if let Some(demand) = self.judge_gid(pod, group) {
            Finding::of_pod(found, pod, field, "", demand);
        }
    }
}

impl Rule for RunAsNonRoot {
    fn settle(&self, user: Result<&str, &str>, image: &str) -> Option<String> {
        let image = quoted(image);
        match user {
            Ok(user) => self.judge_image_user(user).map(|reason| format!("its image {image} {reason}")),
            Err(reason) => Some(format!("the user of its image {image} is not known: {reason}")),
        }
    }

    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            self.collect(pod, found, |_, pod, at| judge_windows_user(pod, at));
            return;
        }
        self.collect(pod, found, Self::judge_user);
        if self.groups || !self.group_ranges.is_empty() {
            self.collect(pod, found, Self::judge_group);
            self.check_pod_groups(pod, found);
        }
    }
}

/// The container's own value or else the pod's, and whether it is the pod's.
fn effective<T>(own: Option<T>, shared: Option<T>) -> (Option<T>, bool) {
    let inherited = own.is_none() && shared.is_some();
    (own.or(shared), inherited)
}

/// What is wrong where only `runAsNonRoot` can decide, or another field that is left to be set.
fn judge_non_root<'p>(pod: &'p Pod<'_>, at: ContainerAt<'p, '_>, alternative: &str) -> Option<Wrong<'p>> {
    let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
    let (value, inherited) = effective(own.run_as_non_root, shared.run_as_non_root);
    (value != Some(true)).then(|| Wrong {
        on_pod: inherited,
        way_out: if value.is_none() { WayOut::Fix } else { WayOut::None },
        field: "securityContext.runAsNonRoot",
        value: flag(value),
        demand: ["must set it to true, or ", alternative].concat(),
    })
}

fn judge_windows_user<'p>(pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> Option<Wrong<'p>> {
    let alternative = "windowsOptions.runAsUserName to a user other than ContainerAdministrator";
    let wrong = judge_non_root(pod, at, alternative)?;
    let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
    let inherited = own.windows_options.run_as_user_name.is_empty();
    let windows_options = if inherited { &shared.windows_options } else { &own.windows_options };
    let name = &windows_options.run_as_user_name;
    if name.is_empty() {
        return Some(wrong);
    }
    administrator(name).map(|user| Wrong {
        on_pod: inherited,
        way_out: WayOut::None,
        field: "securityContext.windowsOptions.runAsUserName",
        value: name,
        demand: ["must not run as ", user].concat(),
    })
}

/// Whether a name is that of root, or a number that is none of a user.
fn is_root_or_number(name: &str) -> bool {
    name == "root" || name.strip_prefix(['+', '-']).unwrap_or(name).bytes().all(|byte| byte.is_ascii_digit())
}

/// The user that a name stands for, if that one may do anything in a container.
fn administrator(user_name: &str) -> Option<&'static str> {
    let (_, name) = user_name.rsplit_once('\\').unwrap_or(("", user_name));
    ADMINISTRATORS.into_iter().find(|user| name.trim().eq_ignore_ascii_case(user))
}

fn inspection(options: &mut Options<'_, '_>) -> Option<NamedUsers> {
    let words = [("deny", NamedUsers::Deny), ("allow", NamedUsers::Allow)];
    let named_users = options.one_of("namedUsers", NamedUsers::Deny, &words);
    let inspects = options.flag("inspectImage", false);
    if !inspects && named_users == NamedUsers::Allow {
        options.refuse("namedUsers", "has no effect without inspectImage");
    }
    inspects.then_some(named_users)
}

impl Range {
    fn new(options: &mut Options<'_, '_>) -> Option<Self> {
        let mut bound = |key| {
            options.require(key, "a range has a min and a max");
            options.natural(key)
        };
        let (min, max) = (bound("min"), bound("max"));
        let (min, max) = (min?, max?);
        if min > max {
            options.refuse_object(&format!("no id can lie in it: min {min} is greater than max {max}"));
        }
        Some(Self { min, max })
    }
}

/// Whether there are ranges, and an id lies in none of them.
fn is_outside(ranges: &[Range], id: i64) -> bool {
    !ranges.is_empty() && !ranges.iter().any(|range| (range.min..=range.max).contains(&id))
}

fn listed(ranges: &[Range]) -> String {
    let ranges: Vec<_> = ranges.iter().map(|Range { min, max }| format!("{min}-{max}")).collect();
    ranges.join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    fn findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(&RULE, &json!({}), &pod)
    }

    fn windows_findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "os": {"name": "windows"},
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(&RULE, &json!({}), &pod)
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
            errors(&RULE, &json!({"namedUsers": "allow"})),
            ["runAsNonRoot.namedUsers: has no effect without inspectImage"]
        );
        for fine in [json!({"namedUsers": "deny"}), json!({"inspectImage": true, "namedUsers": "allow"})] {
            assert_eq!(errors(&RULE, &fine), [""; 0]);
        }
        assert_eq!(
            errors(&RULE, &json!({"inspectImage": "yes", "namedUsers": true})),
            [
                "runAsNonRoot.namedUsers: must be one of deny, allow, not a boolean",
                "runAsNonRoot.inspectImage: must be true or false, not a string",
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
            check(&RULE, &json!({}), &pod),
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
                check(&RULE, &settings, &spec)
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
        assert_eq!(check(&RULE, &settings, &pod), [ZERO]);
    }

    #[test]
    fn the_group_of_root_may_be_refused() {
        let pod = json!({
            "securityContext": {"runAsUser": 1, "runAsGroup": 0, "fsGroup": 0, "supplementalGroups": [5, 0]},
            "initContainers": [{"name": "a", "securityContext": {"runAsGroup": 1}}],
            "containers": [{"name": "b"}, {"name": "c", "securityContext": {"runAsGroup": 0}}],
        });
        assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
        assert_eq!(
            check(&RULE, &json!({"groups": true}), &pod),
            [
                "spec.containers[1].securityContext.runAsGroup: container \"c\" must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.runAsGroup: the pod must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.fsGroup: the pod must not use GID 0 [runAsNonRoot]",
                "spec.securityContext.supplementalGroups[1]: the pod must not use GID 0 [runAsNonRoot]",
            ]
        );
        let unset = json!({"containers": [{"name": "a", "securityContext": {"runAsUser": 1}}]});
        assert_eq!(check(&RULE, &json!({"groups": true}), &unset), [""; 0]);
    }

    #[test]
    fn group_ranges_hold_for_the_groups_of_the_pod() {
        let settings = json!({"groupRanges": [{"min": 10, "max": 20}]});
        let pod = json!({
            "securityContext": {"runAsUser": 1, "runAsGroup": 10, "fsGroup": 9, "supplementalGroups": [20, 0, 21]},
            "containers": [{"name": "a"}],
        });
        assert_eq!(
            check(&RULE, &settings, &pod),
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
                assert_eq!(check(&RULE, &settings, &pod).is_empty(), accepted, "{pod}");
                assert!(!check(&RULE, &json!({"groups": true}), &pod).is_empty(), "{pod}");
            }
        }
        let ranges = json!({"allowInUserNamespace": true, "userRanges": [{"min": 1, "max": 2}]});
        let pod = |context: Value| json!({"hostUsers": false, "securityContext": context, "containers": [{"name": "a"}]});
        assert_eq!(check(&RULE, &ranges, &pod(json!({"runAsUser": 0}))), [""; 0]);
        assert_eq!(check(&RULE, &ranges, &pod(json!({"runAsUser": 3}))).len(), 1);
        assert_eq!(check(&RULE, &ranges, &pod(json!({}))).len(), 1);
    }

    #[test]
    fn numeric_ids_mean_nothing_on_windows() {
        let settings = json!({"groups": true, "userRanges": [{"min": 1, "max": 2}], "groupRanges": [{"min": 1, "max": 2}]});
        let pod = json!({"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true, "fsGroup": 0},
                         "containers": [{"name": "a"}]});
        assert_eq!(check(&RULE, &settings, &pod), [""; 0]);
    }

    #[test]
    fn refuses_ranges_that_hold_nothing() {
        let settings = json!({
            "groups": "yes",
            "userRanges": [{"min": 2, "max": 1}, {"min": 1}, {"min": -1, "max": 1.5}, {"min": "1", "max": 2, "x": 1}, 7],
            "groupRanges": {"min": 1, "max": 2},
        });
        assert_eq!(
            errors(&RULE, &settings),
            [
                "runAsNonRoot.groups: must be true or false, not a string",
                "runAsNonRoot.userRanges[0]: no id can lie in it: min 2 is greater than max 1",
                "runAsNonRoot.userRanges[1].max: missing: a range has a min and a max",
                "runAsNonRoot.userRanges[2].min: must be an integer from 0 on",
                "runAsNonRoot.userRanges[2].max: must be an integer from 0 on",
                "runAsNonRoot.userRanges[3].min: must be an integer, not a string",
                "runAsNonRoot.userRanges[3].x: unknown key (allowed: min, max)",
                "runAsNonRoot.userRanges[4]: must be an object, not a number",
                "runAsNonRoot.groupRanges: must be a list, not an object",
            ]
        );
        assert_eq!(
            errors(&RULE, &json!({"userRanges": [{"min": 0, "max": 0}]})),
            ["runAsNonRoot.userRanges: no user can lie in 0-0, for UID 0 is root"]
        );
    }
}
