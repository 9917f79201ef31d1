//! `procMount`: the masked and read-only paths of `/proc` stay that way.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::settings::declaration::{Declared, Flag, Setting};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

const ALLOW_IN_USER_NAMESPACE: Setting<Flag> = Setting {
    key: "allowInUserNamespace",
    label: "Allow in user namespaces",
    doc: "Allows `Unmasked` in pods with `hostUsers: false`, in which root has no privileges on the node.",
    kind: Flag,
};

const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Counts an empty value and the values of Windows pods too, as Pod Security Admission does.",
    kind: Flag,
};

pub(crate) struct ProcMount {
    judges_every_value: bool,
    allow_in_user_namespace: bool,
}

impl Rule<'_> for ProcMount {
    const META: RuleMeta =
        RuleMeta { id: "procMount", severity: Severity::High, default_mode: Mode::Deny, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers use the default `/proc` mount, in which the runtime masks files of the kernel.",
        finding: "a container whose `securityContext.procMount` is neither unset nor `Default`",
        fix: None,
        why: "\
A read-only root filesystem does not cover `/proc`, through which a container can change its node.",
        how: Some(
            "\
Windows pods are skipped because they cannot set this field. API servers accept `Unmasked` only in pods with `hostUsers: false`.",
        ),
        limits: None,
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOW_IN_USER_NAMESPACE, &POD_SECURITY];

    fn configure(reader: &mut ObjectReader<'_, '_>) -> Self {
        let judges_every_value = reader.get(&POD_SECURITY);
        Self { judges_every_value, allow_in_user_namespace: reader.get(&ALLOW_IN_USER_NAMESPACE) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let pod = if self.judges_every_value { target.pod() } else { target.linux_pod() };
        let Some(pod) = pod else { return };
        let allows_unmasked = self.allow_in_user_namespace && pod.has_user_namespace();
        for container in pod.all_containers() {
            let Some(value) = &container.container.security_context.proc_mount else { continue };
            let is_allowed = match &**value {
                "Default" => true,
                "" => !self.judges_every_value,
                "Unmasked" => allows_unmasked,
                _ => false,
            };
            if is_allowed {
                continue;
            }
            // `hostUsers` is named only if it would help.
            let message = if self.allow_in_user_namespace && *value == "Unmasked" {
                "must leave it unset, or set it to Default, or the pod's hostUsers to false"
            } else {
                "must leave it unset, or set it to Default"
            };
            findings.at(container, "securityContext.procMount").message(message).value(&**value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::check;

    fn pod(proc_mount: &Value) -> Value {
        json!({"containers": [{"name": "a", "securityContext": {"procMount": proc_mount}}]})
    }

    #[test]
    fn accepts_the_default_alone() {
        for good in [json!("Default"), json!(null), json!("")] {
            assert_eq!(check(RuleId::ProcMount, &json!({}), &pod(&good)), [""; 0], "{good}");
        }
        for bad in ["Unmasked", "default", "UNMASKED"] {
            assert_eq!(
                check(RuleId::ProcMount, &json!({}), &pod(&json!(bad))),
                ["spec.containers[0].securityContext.procMount: container \"a\" \
                  must leave it unset, or set it to Default [procMount]"],
                "{bad}"
            );
        }
    }

    #[test]
    fn may_accept_more_where_root_is_nobody() {
        let settings = json!({"allowInUserNamespace": true});
        let mut pod = pod(&json!("Unmasked"));
        assert_eq!(
            check(RuleId::ProcMount, &settings, &pod),
            ["spec.containers[0].securityContext.procMount: container \"a\" \
              must leave it unset, or set it to Default, or the pod's hostUsers to false [procMount]"]
        );
        pod["hostUsers"] = true.into();
        assert_eq!(check(RuleId::ProcMount, &settings, &pod).len(), 1);
        pod["hostUsers"] = false.into();
        assert_eq!(check(RuleId::ProcMount, &settings, &pod), [""; 0]);
        assert_eq!(check(RuleId::ProcMount, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn sees_every_kind_of_container_but_those_of_windows() {
        let bad = |name: &str| json!({"name": name, "securityContext": {"procMount": "Unmasked"}});
        let mut pod = json!({
            "initContainers": [bad("a")], "containers": [bad("b")], "ephemeralContainers": [bad("c")],
        });
        assert_eq!(check(RuleId::ProcMount, &json!({}), &pod).len(), 3);
        pod["os"] = json!({"name": "windows"});
        assert_eq!(check(RuleId::ProcMount, &json!({}), &pod), [""; 0]);
    }
}
