//! `readOnlyRootFilesystem`: the root filesystem of containers is read-only.

use super::finding::{Findings, flag};
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::rules::fix::{Fix, READ_ONLY_ROOT};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

pub(crate) struct ReadOnlyRootFilesystem;

impl Rule<'_> for ReadOnlyRootFilesystem {
    const META: RuleMeta = RuleMeta {
        id: "readOnlyRootFilesystem",
        severity: Severity::High,
        default_mode: Mode::Deny,
        can_fix: true,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "The root filesystem of containers is read-only.",
        finding: "a container whose `securityContext.readOnlyRootFilesystem` is not `true`",
        fix: Some("sets it to `true` if it is unset, and mounts the `writablePaths` of the container"),
        why: "\
A container with a writable root filesystem can replace its own programs. The root filesystem is writable by default.",
        how: Some(
            "\
Mount an `emptyDir` at each path that the container writes to. Windows pods are skipped because they cannot set this field.",
        ),
        limits: Some(
            "\
`/dev/shm` is writable in every container, and a process can execute code from its memory.",
        ),
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.linux_pod() else { return };
        for container in pod.all_containers() {
            let value = container.container.security_context.read_only_root_filesystem;
            if value == Some(true) {
                continue;
            }
            let finding = findings.at(container, READ_ONLY_ROOT);
            finding.message("must set it to true").value(flag(value));
            if value.is_none() {
                finding.fix(Fix::set(container, READ_ONLY_ROOT, true));
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
            check(RuleId::ReadOnlyRootFilesystem, &json!({}), &pod),
            [finding(1, "b"), finding(2, "c"), finding(3, "d"), finding(4, "e")]
        );
    }

    #[test]
    fn is_not_inherited_from_the_pod() {
        let pod = json!({"securityContext": {"readOnlyRootFilesystem": true}, "containers": [{"name": "a"}]});
        assert_eq!(check(RuleId::ReadOnlyRootFilesystem, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn sees_every_kind_of_container() {
        let pod = json!({
            "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}],
            "containers": [{"name": "c"}],
            "ephemeralContainers": [{"name": "d"}],
        });
        assert_eq!(check(RuleId::ReadOnlyRootFilesystem, &json!({}), &pod).len(), 4);
    }

    #[test]
    fn asks_nothing_of_windows() {
        assert_eq!(
            check(
                RuleId::ReadOnlyRootFilesystem,
                &json!({}),
                &json!({"os": {"name": "windows"}, "containers": [{}]})
            ),
            [""; 0]
        );
        assert_eq!(
            check(
                RuleId::ReadOnlyRootFilesystem,
                &json!({}),
                &json!({"os": {"name": "linux"}, "containers": [{}]})
            )
            .len(),
            1
        );
    }
}
