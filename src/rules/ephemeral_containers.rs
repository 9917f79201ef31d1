//! `ephemeralContainers`: nothing is added to a pod while it runs.
//!
//! A finding is an ephemeral (debug) container that the old object does not have
//!
//! `kubectl debug` adds one to a running pod, where it stays as long as the pod does: those that are there already
//! hold up nobody. Ephemeral containers are told apart by their names. Only `ephemeralContainers` is judged, so the
//! other lists of containers give no findings.

use super::{Definition, Kind, Rule};
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::{ContainerList, Pod};
use crate::rules::finding::Finding;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "ephemeralContainers", mode: None, can_fix: false, kind: Kind::EphemeralContainers };

pub(crate) struct EphemeralContainers;

impl EphemeralContainers {
    pub(super) fn new(_: &mut Options<'_, '_>) -> Self {
        Self
    }
}

impl Rule for EphemeralContainers {
    fn check_change<'p>(&self, old: Option<&'p Pod<'_>>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let known = old.map(|old| &*old.spec.ephemeral_containers).unwrap_or_default();
        let places = Places::of(known.iter().map(|container| &*container.name));
        for at in new.all_containers().filter(|at| at.list == ContainerList::Ephemeral) {
            if places.get(&at.container.name).is_none() {
                Finding::of_container(found, at, "", "", "must not be added to the pod");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::check_change;
    use super::*;

    fn pod(names: &[&str]) -> Value {
        let debuggers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"containers": [{"name": "web"}], "ephemeralContainers": debuggers})
    }

    #[test]
    fn finds_only_what_was_not_there() {
        let second = "spec.ephemeralContainers[1]: ephemeral container \"b\" must not be added to the pod [ephemeralContainers]";
        assert_eq!(check_change(&RULE, &json!({}), Some(&pod(&["a"])), &pod(&["a", "b"])), [second]);
        assert_eq!(check_change(&RULE, &json!({}), Some(&pod(&["b", "a"])), &pod(&["a", "b"])), [""; 0]);
        assert_eq!(check_change(&RULE, &json!({}), Some(&pod(&["a", "b"])), &pod(&["a"])), [""; 0]);
        assert_eq!(check_change(&RULE, &json!({}), Some(&pod(&[])), &pod(&["a", "b"])).len(), 2);
        assert_eq!(check_change(&RULE, &json!({}), None, &pod(&["a"])).len(), 1);
        assert_eq!(check_change(&RULE, &json!({}), None, &pod(&[])), [""; 0]);
    }

    #[test]
    fn a_name_of_another_list_is_not_known() {
        let old = json!({"containers": [{"name": "a"}], "initContainers": [{"name": "b"}]});
        assert_eq!(check_change(&RULE, &json!({}), Some(&old), &pod(&["a", "b"])).len(), 2);
    }
}
