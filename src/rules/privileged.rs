//! `privileged`: containers are not privileged.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

const HOST_PROCESS: &str = "securityContext.windowsOptions.hostProcess";

const MESSAGE: &str = "must not set it to true";

pub(crate) struct Privileged;

impl Rule<'_> for Privileged {
    const META: RuleMeta =
        RuleMeta { id: "privileged", severity: Severity::Critical, default_mode: Mode::Deny, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers are not privileged.",
        finding: "a container with `securityContext.privileged: true`, or a container or pod with \
                  `securityContext.windowsOptions.hostProcess: true`",
        fix: None,
        why: "\
A privileged container controls its node and every container on it.",
        how: Some(
            "\
Each field that is `true` is a finding, even if a container overrides the `hostProcess` of the pod: Kubernetes requires all containers of a
pod to agree on it.",
        ),
        limits: None,
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        if pod.spec.security_context.windows_options.host_process {
            findings.at_pod(pod, HOST_PROCESS).message(MESSAGE);
        }
        for container in pod.all_containers() {
            let context = &container.container.security_context;
            if context.privileged {
                findings.at(container, "securityContext.privileged").message(MESSAGE);
            }
            if context.windows_options.host_process {
                findings.at(container, HOST_PROCESS).message(MESSAGE);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

    #[test]
    fn refuses_privileged_containers_of_every_kind() {
        let privileged = |name: &str| json!({"name": name, "securityContext": {"privileged": true}});
        let pod = json!({
            "initContainers": [privileged("a")],
            "containers": [privileged("b"), {"name": "c", "securityContext": {"privileged": false}}, {"name": "d"}],
            "ephemeralContainers": [privileged("e")],
        });
        assert_eq!(
            check(RuleId::Privileged, &json!({}), &pod),
            [
                r#"spec.initContainers[0].securityContext.privileged: init container "a" must not set it to true [privileged]"#,
                r#"spec.containers[0].securityContext.privileged: container "b" must not set it to true [privileged]"#,
                r#"spec.ephemeralContainers[0].securityContext.privileged: ephemeral container "e" must not set it to true [privileged]"#,
            ]
        );
    }

    #[test]
    fn refuses_host_process_on_the_pod_and_on_containers() {
        let host_process = json!({"windowsOptions": {"hostProcess": true}});
        let pod = json!({
            "os": {"name": "windows"},
            "securityContext": host_process,
            "containers": [{"name": "a", "securityContext": host_process},
                           {"name": "b", "securityContext": {"windowsOptions": {"hostProcess": false}}}],
        });
        assert_eq!(
            check(RuleId::Privileged, &json!({}), &pod),
            [
                "spec.securityContext.windowsOptions.hostProcess: the pod must not set it to true [privileged]",
                r#"spec.containers[0].securityContext.windowsOptions.hostProcess: container "a" must not set it to true [privileged]"#,
            ]
        );
    }

    #[test]
    fn host_process_counts_whatever_the_os_says() {
        let pod = json!({"containers": [{"securityContext": {"windowsOptions": {"hostProcess": true}}}]});
        assert_eq!(check(RuleId::Privileged, &json!({}), &pod).len(), 1);
    }
}
