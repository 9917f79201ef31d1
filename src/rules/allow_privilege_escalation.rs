//! `allowPrivilegeEscalation`: no process gains more privileges than its parent.

use super::finding::{Findings, flag};
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::Container;
use crate::rules::fix::Fix;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

const FIELD: &str = "securityContext.allowPrivilegeEscalation";

pub(crate) struct AllowPrivilegeEscalation;

impl Rule<'_> for AllowPrivilegeEscalation {
    const META: RuleMeta = RuleMeta {
        id: "allowPrivilegeEscalation",
        severity: Severity::High,
        default_mode: Mode::Deny,
        can_fix: true,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "No process of a container gains more privileges than its parent process.",
        finding: "a container whose `securityContext.allowPrivilegeEscalation` is not `false`",
        fix: Some("sets it to `false` if it is unset"),
        why: "\
Escalation is allowed by default. With it, a program with the setuid bit, such as `sudo`, gives root to the process that starts it.",
        how: Some(
            "\
Windows pods are skipped because they cannot set this field.",
        ),
        limits: Some(
            "\
If a container is privileged or adds `CAP_SYS_ADMIN`, Kubernetes rejects `false`, so a fix is not possible.",
        ),
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.linux_pod() else { return };
        for container in pod.all_containers() {
            let value = container.container.security_context.allow_privilege_escalation;
            if value == Some(false) {
                continue;
            }
            let finding = findings.at(container, FIELD);
            finding.message("must set it to false").value(flag(value));
            if value.is_none() && can_be_false(container.container) {
                finding.fix(Fix::set(container, FIELD, false));
            }
        }
    }
}

/// Whether Kubernetes accepts `false` for a container.
///
/// Source: `validateSecurityContext` in `pkg/apis/core/validation` of Kubernetes, which compares the name as it is written.
fn can_be_false(Container { security_context, .. }: &Container<'_>) -> bool {
    !security_context.privileged
        && !security_context.capabilities.add.iter().any(|name| &**name == "CAP_SYS_ADMIN")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

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
            check(RuleId::AllowPrivilegeEscalation, &json!({}), &pod),
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
            check(
                RuleId::AllowPrivilegeEscalation,
                &json!({}),
                &json!({"os": {"name": "windows"}, "containers": [{}]})
            ),
            [""; 0]
        );
    }
}
