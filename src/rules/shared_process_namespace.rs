//! `sharedProcessNamespace`: the containers of a pod do not see each other's processes.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

pub(crate) struct SharedProcessNamespace;

impl Rule<'_> for SharedProcessNamespace {
    const META: RuleMeta = RuleMeta {
        id: "sharedProcessNamespace",
        severity: Severity::Low,
        default_mode: Mode::Off,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "The containers of a pod do not share a process namespace.",
        finding: "a pod with `shareProcessNamespace: true`",
        fix: None,
        why: "\
In a shared process namespace, each container sees the root filesystem of the others at `/proc/PID/root`, and can write there as far
as users and mounts permit.",
        how: None,
        limits: None,
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        if pod.spec.share_process_namespace {
            findings
                .at_pod(pod, "shareProcessNamespace")
                .message("must not share a process namespace between its containers");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

    #[test]
    fn containers_keep_their_processes_to_themselves() {
        assert_eq!(
            check(RuleId::SharedProcessNamespace, &json!({}), &json!({"shareProcessNamespace": true})),
            [
                "spec.shareProcessNamespace: the pod must not share a process namespace between its containers \
              [sharedProcessNamespace]"
            ]
        );
        for good in [json!(false), json!(null)] {
            assert_eq!(
                check(RuleId::SharedProcessNamespace, &json!({}), &json!({"shareProcessNamespace": good})),
                [""; 0]
            );
        }
    }
}
