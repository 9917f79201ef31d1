//! `appArmorProfile`: no container switches off its AppArmor profile.

use super::finding::Findings;
use super::profiles::{ALLOWED, AllowedProfiles, LOCALHOST, ProfileField, RUNTIME_DEFAULT, UNCONFINED};
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::metadata::{APP_ARMOR_PREFIX, Annotation};
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;
use crate::settings::declaration::{Declared, Flag, Setting};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;

const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Counts the profile of the pod even if every container overrides it, as Pod Security Admission does.",
    kind: Flag,
};

const FIELD: ProfileField = ProfileField {
    path: "securityContext.appArmorProfile",
    of_pod: |context| &context.app_armor_profile,
    of_container: |context| &context.app_armor_profile,
};

pub(crate) struct AppArmorProfile<'s> {
    profiles: AllowedProfiles<'s>,
}

impl AppArmorProfile<'_> {
    /// Whether the value of an annotation names a profile that is accepted.
    ///
    /// Source: `allowedAnnotationValue` in `policy/check_appArmorProfile.go` of `k8s.io/pod-security-admission`, for Kubernetes 1.37.
    fn accepts(&self, value: &str) -> bool {
        let kind = match value {
            "" => return true,
            "runtime/default" => RUNTIME_DEFAULT,
            "unconfined" => UNCONFINED,
            _ if value.starts_with("localhost/") => LOCALHOST,
            _ => return false,
        };
        self.profiles.types.contains(&kind)
    }

    fn report_annotations<'p>(
        &self,
        pod: &'p Pod<'p>,
        annotations: &[Annotation<'_>],
        findings: &mut Findings<'p>,
    ) {
        let mut refused = annotations.iter().filter(|annotation| !self.accepts(&annotation.value)).peekable();
        if refused.peek().is_none() {
            return;
        }
        let containers = ContainersByName::of(pod);
        for annotation in refused {
            let name = annotation.key.strip_prefix(APP_ARMOR_PREFIX).unwrap_or_default();
            let message = format!("must not set AppArmor profile {}", quoted(&annotation.value));
            let finding = findings.at_annotation(pod, &annotation.key).message(message);
            if let Some(containers) = containers.get(name) {
                finding.responsible(containers.clone());
            }
        }
    }
}

/// The containers of a pod by name, because both containers and annotations may be many. API servers refuse containers with the
/// same name, but only after this policy.
#[derive(Default)]
struct ContainersByName<'p> {
    index: NameIndex<'p>,
    containers: Vec<Vec<ResponsibleContainer<'p>>>,
}

impl<'p> ContainersByName<'p> {
    fn of(pod: &'p Pod<'p>) -> Self {
        let mut by_name = Self::default();
        for at in pod.all_containers() {
            let container = ResponsibleContainer::of(at);
            let index = by_name.index.add((&*at.container.name).into(), by_name.containers.len());
            match by_name.containers.get_mut(index) {
                Some(same) => same.push(container),
                None => by_name.containers.push(vec![container]),
            }
        }
        by_name
    }

    fn get(&self, name: &str) -> Option<&Vec<ResponsibleContainer<'p>>> {
        self.containers.get(self.index.get(name)?)
    }
}

impl<'s> Rule<'s> for AppArmorProfile<'s> {
    const META: RuleMeta = RuleMeta {
        id: "appArmorProfile",
        severity: Severity::Medium,
        default_mode: Mode::Off,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers keep the AppArmor profile of their runtime, or have another one.",
        finding: "a container whose AppArmor profile, or else that of the pod, has a type that is not in `allowed`; an annotation \
                  `container.apparmor.security.beta.kubernetes.io/…` with such a profile",
        fix: None,
        why: "\
AppArmor limits which files and capabilities a process can use. It exists only on nodes whose kernel has it, so no profile is required:
without one, the runtime uses its own.",
        how: Some(
            "\
The value of a container overrides that of the pod. Annotations were the only way before Kubernetes 1.30, and kubelets still read them.
Every annotation counts, even if a field overrides it.",
        ),
        limits: Some(
            "\
The policy does not read what a `Localhost` profile permits, or its name.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED, &POD_SECURITY];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let (types, judges_every_value) = (reader.get(&ALLOWED), reader.get(&POD_SECURITY));
        Self { profiles: AllowedProfiles { types, names: None, judges_every_value } }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        self.profiles.report(pod, &FIELD, findings);
        match pod.app_armor_annotations() {
            Ok(annotations) => self.report_annotations(pod, &annotations, findings),
            Err(_) => _ = findings.at_annotation(pod, "").message("must have annotations that can be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::check;

    fn pod(pod: &Value, container: &Value) -> Value {
        json!({
            "securityContext": {"appArmorProfile": pod},
            "containers": [{"name": "a", "securityContext": {"appArmorProfile": container}}],
        })
    }

    #[test]
    fn the_effective_profile_counts() {
        let findings = |settings: Value, shared: &Value, own: &Value| {
            check(RuleId::AppArmorProfile, &settings, &pod(shared, own))
        };
        let (none, default, unconfined) =
            (json!(null), json!({"type": "RuntimeDefault"}), json!({"type": "Unconfined"}));
        assert_eq!(findings(json!({}), &none, &none), [""; 0]);
        assert_eq!(findings(json!({}), &default, &none), [""; 0]);
        assert_eq!(findings(json!({}), &unconfined, &default), [""; 0]);
        let in_pod = "spec.securityContext.appArmorProfile.type: the pod must set it to RuntimeDefault or Localhost, \
                      not \"Unconfined\" [appArmorProfile]";
        assert_eq!(findings(json!({}), &unconfined, &none), [in_pod]);
        assert_eq!(findings(json!({"podSecurity": true}), &unconfined, &default), [in_pod]);
        assert_eq!(
            findings(json!({"allowed": ["Localhost"]}), &none, &default),
            [
                "spec.containers[0].securityContext.appArmorProfile.type: container \"a\" must set it to Localhost, \
              not \"RuntimeDefault\" [appArmorProfile]"
            ]
        );
    }
}
