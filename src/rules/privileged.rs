//! `privileged`: no container has the run of its node, from where it can change itself and every other.
//!
//! A finding is a container with `securityContext.privileged: true`, or `windowsOptions.hostProcess: true` on a
//! container or the pod
//!
//! Each field that holds `true` is one, also where a container overrides the pod's `hostProcess`: Kubernetes wants
//! all containers of a pod to agree on it.

use super::{Definition, Kind, Rule};
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::settings::Severity;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "privileged", mode: Some(Severity::Deny), can_fix: false, kind: Kind::Privileged };

const DEMAND: &str = "must not set it to true";

pub(crate) struct Privileged;

impl Privileged {
    pub(super) fn new(_: &mut Options<'_, '_>) -> Self {
        Self
    }
}

impl Rule for Privileged {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        const HOST_PROCESS: &str = "securityContext.windowsOptions.hostProcess";
        if pod.spec.security_context.windows_options.host_process {
            Finding::of_pod(found, pod, HOST_PROCESS, "", DEMAND);
        }
        for at in pod.all_containers() {
            let context = &at.container.security_context;
            if context.privileged {
                Finding::of_container(found, at, "securityContext.privileged", "", DEMAND);
            }
            if context.windows_options.host_process {
                Finding::of_container(found, at, HOST_PROCESS, "", DEMAND);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;
    use super::*;

    #[test]
    fn refuses_privileged_containers_of_every_kind() {
        let privileged = |name: &str| json!({"name": name, "securityContext": {"privileged": true}});
        let pod = json!({
            "initContainers": [privileged("a")],
            "containers": [privileged("b"), {"name": "c", "securityContext": {"privileged": false}}, {"name": "d"}],
            "ephemeralContainers": [privileged("e")],
        });
        assert_eq!(
            check(&RULE, &json!({}), &pod),
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
            check(&RULE, &json!({}), &pod),
            [
                "spec.securityContext.windowsOptions.hostProcess: the pod must not set it to true [privileged]",
                r#"spec.containers[0].securityContext.windowsOptions.hostProcess: container "a" must not set it to true [privileged]"#,
            ]
        );
    }

    #[test]
    fn host_process_counts_whatever_the_os_says() {
        let pod = json!({"containers": [{"securityContext": {"windowsOptions": {"hostProcess": true}}}]});
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 1);
    }
}
