//! `procMount`: the kernel's own files stay out of reach, as container runtimes mask them.
//!
//! A finding is a container whose `securityContext.procMount` is neither unset nor `Default`
//!
//! A read-only root does not cover `/proc`, through which a container can change its node. Windows pods may not set
//! the field, so nothing is asked of them. API servers accept `Unmasked` only in pods with `hostUsers: false`.
//!
//! Settings:
//!
//! - `allowInUserNamespace`: whether `Unmasked` is accepted where `hostUsers: false` makes root nobody on the node.

use super::{Definition, Kind, Rule};
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::settings::Severity;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "procMount", mode: Some(Severity::Deny), can_fix: false, kind: Kind::ProcMount };

pub(crate) struct ProcMount {
    allow_in_user_namespace: bool,
}

impl ProcMount {
    pub(super) fn new(options: &mut Options<'_, '_>) -> Self {
        Self { allow_in_user_namespace: options.flag("allowInUserNamespace", false) }
    }
}

impl Rule for ProcMount {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        let allows_unmasked = self.allow_in_user_namespace && pod.has_user_namespace();
        for at in pod.all_containers() {
            let value = &at.container.security_context.proc_mount;
            let is_allowed = match &**value {
                "" | "Default" => true,
                "Unmasked" => allows_unmasked,
                _ => false,
            };
            if !is_allowed {
                // What would help besides is told only where it would.
                let demand = if self.allow_in_user_namespace && &**value == "Unmasked" {
                    "must leave it unset, or set it to Default, or the pod's hostUsers to false"
                } else {
                    "must leave it unset, or set it to Default"
                };
                Finding::of_container(found, at, "securityContext.procMount", value, demand);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::check;
    use super::*;

    fn pod(proc_mount: &Value) -> Value {
        json!({"containers": [{"name": "a", "securityContext": {"procMount": proc_mount}}]})
    }

    #[test]
    fn accepts_the_default_alone() {
        for good in [json!("Default"), json!(null), json!("")] {
            assert_eq!(check(&RULE, &json!({}), &pod(&good)), [""; 0], "{good}");
        }
        for bad in ["Unmasked", "default", "UNMASKED"] {
            assert_eq!(
                check(&RULE, &json!({}), &pod(&json!(bad))),
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
            check(&RULE, &settings, &pod),
            ["spec.containers[0].securityContext.procMount: container \"a\" \
              must leave it unset, or set it to Default, or the pod's hostUsers to false [procMount]"]
        );
        pod["hostUsers"] = true.into();
        assert_eq!(check(&RULE, &settings, &pod).len(), 1);
        pod["hostUsers"] = false.into();
        assert_eq!(check(&RULE, &settings, &pod), [""; 0]);
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn sees_every_kind_of_container_but_those_of_windows() {
        let bad = |name: &str| json!({"name": name, "securityContext": {"procMount": "Unmasked"}});
        let mut pod = json!({
            "initContainers": [bad("a")], "containers": [bad("b")], "ephemeralContainers": [bad("c")],
        });
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 3);
        pod["os"] = json!({"name": "windows"});
        assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
    }
}
