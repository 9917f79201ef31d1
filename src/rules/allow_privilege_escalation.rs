//! `allowPrivilegeEscalation`: no process in a container gains more privileges than the one that started it.
//!
//! A finding is a container whose `securityContext.allowPrivilegeEscalation` is not `false`
//!
//! A fix sets it to `false` where it is unset
//!
//! Where Kubernetes is told nothing, escalation is allowed. The field is not asked of Windows pods, which may not set
//! it. On a container that is privileged or adds `CAP_SYS_ADMIN` Kubernetes refuses `false`, so there is nothing to fix.

use super::{Definition, Kind, Rule};
use crate::fix::apply::Fix;
use crate::kubernetes::pod::{Container, Pod};
use crate::rules::finding::{Finding, flag};
use crate::rules::settings::Severity;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "allowPrivilegeEscalation",
    mode: Some(Severity::Deny),
    can_fix: true,
    kind: Kind::AllowPrivilegeEscalation,
};

const FIELD: &str = "securityContext.allowPrivilegeEscalation";

pub(crate) struct AllowPrivilegeEscalation;

impl AllowPrivilegeEscalation {
    pub(super) fn new(_: &mut Options<'_, '_>) -> Self {
        Self
    }
}

impl Rule for AllowPrivilegeEscalation {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        for at in pod.all_containers() {
            let value = at.container.security_context.allow_privilege_escalation;
            if value != Some(false) {
                let finding = Finding::of_container(found, at, FIELD, flag(value), "must set it to false");
                if value.is_none() && may_be_false(at.container) {
                    finding.fix = Some(Fix::set(at, FIELD, false));
                }
            }
        }
    }
}

/// Whether Kubernetes takes `false` for a container.
///
/// Source: `validateSecurityContext` in `pkg/apis/core/validation` of Kubernetes, which compares the name as it is written.
fn may_be_false(Container { security_context, .. }: &Container<'_>) -> bool {
    !security_context.privileged
        && !security_context.capabilities.add.iter().any(|name| &**name == "CAP_SYS_ADMIN")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;
    use super::*;

    #[test]
    fn accepts_nothing_but_false() {
        let pod = json!({
            "initContainers": [{"name": "a", "restartPolicy": "Always"}],
            "containers": [
                {"name": "b", "securityContext": {"allowPrivilegeEscalation": true}},
                {"name": "c", "securityContext": {"allowPrivilegeEscalation": false}},
                {"name": "d", "securityContext": {"allowPrivilegeEscalation": null}},
            ],
            "ephemeralContainers": [{"name": "e"}],
        });
        let finding = |place: &str, label: &str| {
            format!(
                "spec.{place}.securityContext.allowPrivilegeEscalation: \
                 {label} must set it to false [allowPrivilegeEscalation]"
            )
        };
        assert_eq!(
            check(&RULE, &json!({}), &pod),
            [
                finding("initContainers[0]", "sidecar \"a\""),
                finding("containers[0]", "container \"b\""),
                finding("containers[2]", "container \"d\""),
                finding("ephemeralContainers[0]", "ephemeral container \"e\""),
            ]
        );
    }

    #[test]
    fn asks_nothing_of_windows() {
        assert_eq!(
            check(&RULE, &json!({}), &json!({"os": {"name": "windows"}, "containers": [{}]})),
            [""; 0]
        );
    }
}
