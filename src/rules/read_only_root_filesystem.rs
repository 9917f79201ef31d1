//! `readOnlyRootFilesystem`: nothing in a container can write to the files its image brought.
//!
//! A finding is a container whose `securityContext.readOnlyRootFilesystem` is not `true`
//!
//! A fix sets it to `true` where it is unset, and mounts what `writablePaths` names
//!
//! Where Kubernetes is told nothing, the root is writable. Give the container an `emptyDir` for each place that it
//! must write to. The field is not asked of Windows pods, which may not set it.

use super::{Definition, Kind, Rule};
use crate::fix::apply::{Fix, READ_ONLY_ROOT};
use crate::kubernetes::pod::Pod;
use crate::rules::finding::{Finding, flag};
use crate::rules::settings::Severity;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "readOnlyRootFilesystem",
    mode: Some(Severity::Deny),
    can_fix: true,
    kind: Kind::ReadOnlyRootFilesystem,
};

pub(crate) struct ReadOnlyRootFilesystem;

impl ReadOnlyRootFilesystem {
    pub(super) fn new(_: &mut Options<'_, '_>) -> Self {
        Self
    }
}

impl Rule for ReadOnlyRootFilesystem {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        for at in pod.all_containers() {
            let value = at.container.security_context.read_only_root_filesystem;
            if value != Some(true) {
                let demand = "must set it to true";
                let finding = Finding::of_container(found, at, READ_ONLY_ROOT, flag(value), demand);
                if value.is_none() {
                    finding.fix = Some(Fix::set(at, READ_ONLY_ROOT, true));
                }
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
    fn accepts_nothing_but_true() {
        let pod = json!({"containers": [
            {"name": "a", "securityContext": {"readOnlyRootFilesystem": true}},
            {"name": "b", "securityContext": {"readOnlyRootFilesystem": false}},
            {"name": "c", "securityContext": {"readOnlyRootFilesystem": null}},
            {"name": "d", "securityContext": {}},
            {"name": "e"},
        ]});
        let finding = |index: usize, name: &str| {
            format!(
                "spec.containers[{index}].securityContext.readOnlyRootFilesystem: \
                 container \"{name}\" must set it to true [readOnlyRootFilesystem]"
            )
        };
        assert_eq!(
            check(&RULE, &json!({}), &pod),
            [finding(1, "b"), finding(2, "c"), finding(3, "d"), finding(4, "e")]
        );
    }

    #[test]
    fn is_not_inherited_from_the_pod() {
        let pod = json!({"securityContext": {"readOnlyRootFilesystem": true}, "containers": [{"name": "a"}]});
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn sees_every_kind_of_container() {
        let pod = json!({
            "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}],
            "containers": [{"name": "c"}],
            "ephemeralContainers": [{"name": "d"}],
        });
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 4);
    }

    #[test]
    fn asks_nothing_of_windows() {
        assert_eq!(
            check(&RULE, &json!({}), &json!({"os": {"name": "windows"}, "containers": [{}]})),
            [""; 0]
        );
        assert_eq!(check(&RULE, &json!({}), &json!({"os": {"name": "linux"}, "containers": [{}]})).len(), 1);
    }
}
