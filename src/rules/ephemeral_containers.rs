//! `ephemeralContainers`: running pods do not get additional containers.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::ContainerList;
use crate::kubernetes::name_index::NameIndex;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

pub(crate) struct EphemeralContainers;

impl Rule<'_> for EphemeralContainers {
    const META: RuleMeta = RuleMeta {
        id: "ephemeralContainers",
        severity: Severity::Medium,
        default_mode: Mode::Off,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Running pods do not get ephemeral containers.",
        finding: "an ephemeral container that the old object does not have",
        fix: None,
        why: "\
`kubectl debug` adds an ephemeral container to a running pod, which keeps it until the pod is deleted.",
        how: Some(
            "\
Ephemeral containers that the old object already has are not findings; they are compared by name. The rule checks only
`ephemeralContainers`, not the other lists of containers.

The rule needs UPDATE of `pods/ephemeralcontainers` in the `rules` of the policy's manifest.",
        ),
        limits: Some(
            "\
`kubectl debug --copy-to` creates a new pod, which the other rules evaluate.",
        ),
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Target::Update { old, new } = *target else { return };
        let known = old.map(|old| &*old.spec.ephemeral_containers).unwrap_or_default();
        let names = NameIndex::of(known.iter().map(|container| &*container.name));
        for container in new.all_containers().filter(|container| container.list == ContainerList::Ephemeral) {
            if names.get(&container.container.name).is_none() {
                findings.at(container, "").message("must not be added to the pod");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::check_change;

    fn pod(names: &[&str]) -> Value {
        let debuggers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"containers": [{"name": "web"}], "ephemeralContainers": debuggers})
    }

    #[test]
    fn finds_only_what_was_not_there() {
        let second = "spec.ephemeralContainers[1]: ephemeral container \"b\" must not be added to the pod [ephemeralContainers]";
        assert_eq!(
            check_change(RuleId::EphemeralContainers, &json!({}), Some(&pod(&["a"])), &pod(&["a", "b"])),
            [second]
        );
        assert_eq!(
            check_change(RuleId::EphemeralContainers, &json!({}), Some(&pod(&["b", "a"])), &pod(&["a", "b"])),
            [""; 0]
        );
        assert_eq!(
            check_change(RuleId::EphemeralContainers, &json!({}), Some(&pod(&["a", "b"])), &pod(&["a"])),
            [""; 0]
        );
        assert_eq!(
            check_change(RuleId::EphemeralContainers, &json!({}), Some(&pod(&[])), &pod(&["a", "b"])).len(),
            2
        );
        assert_eq!(check_change(RuleId::EphemeralContainers, &json!({}), None, &pod(&["a"])).len(), 1);
        assert_eq!(check_change(RuleId::EphemeralContainers, &json!({}), None, &pod(&[])), [""; 0]);
    }

    #[test]
    fn a_name_of_another_list_is_not_known() {
        let old = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "b"}]});
        assert_eq!(
            check_change(RuleId::EphemeralContainers, &json!({}), Some(&old), &pod(&["a", "b"])).len(),
            2
        );
    }
}
