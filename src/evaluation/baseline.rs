//! The baseline of an update: findings that the old object already has do not count.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};

use crate::kubernetes::container::Container;
use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::fingerprint::Fingerprint;
use crate::rules::responsible::ResponsibleContainers;

/// Maximum number of equal findings that are compared by their containers. Findings are equal only if their paths are so long that
/// they are truncated.
const MAX_MATCH_CANDIDATES: usize = 8;

/// The findings of the old object.
pub(super) struct Baseline<'j> {
    /// The responsible containers of each finding, by what identifies the finding in both objects. The rest of a finding is
    /// dropped, because there may be many.
    responsible: HashMap<Fingerprint, VecDeque<ResponsibleContainers<'j>>>,
}

impl<'j> Baseline<'j> {
    pub(super) fn new(findings: Vec<Finding<'j>>) -> Self {
        let mut responsible: HashMap<_, VecDeque<_>> = HashMap::with_capacity(findings.len());
        for finding in findings {
            match responsible.entry(finding.identity()) {
                Entry::Occupied(mut others) => others.get_mut().push_back(finding.responsible),
                Entry::Vacant(entry) => _ = entry.insert(VecDeque::from([finding.responsible])),
            }
        }
        Self { responsible }
    }

    /// Removes findings that the old object already has. Each of its findings removes one: of two equal findings, one may be new.
    pub(super) fn remove_from(mut self, findings: &mut Vec<Finding<'_>>) {
        findings.retain(|finding| {
            let Some(others) = self.responsible.get_mut(&finding.identity()) else { return true };
            let mut candidates = others.iter().take(MAX_MATCH_CANDIDATES);
            let same = candidates.position(|other| finding.responsible.are_among(other));
            same.and_then(|index| others.remove(index)).is_none()
        });
    }
}

/// Returns whether all findings of an update count with `onUpdate: all`, because the update can change what runs and the old object
/// is not being deleted.
///
/// Pod Security Admission makes the same distinction for pods: `isSignificantPodUpdate` of
/// `k8s.io/pod-security-admission/admission`. Controllers must be able to remove finalizers and to scale down what violates a rule.
#[must_use]
pub(super) fn is_significant(old_metadata: Metadata<'_>, old: &[Pod<'_>], new: &[Pod<'_>]) -> bool {
    let by_path = NameIndex::of(old.iter().map(|pod| &*pod.path));
    let is_unchanged = |pod: &Pod<'_>| {
        let replaced = by_path.get(&pod.path).and_then(|index| old.get(index));
        replaced.is_some_and(|replaced| !runs_something_else(replaced, pod))
    };
    !new.iter().all(is_unchanged) && !old_metadata.is_deleted()
}

fn runs_something_else(old: &Pod<'_>, new: &Pod<'_>) -> bool {
    if new.is_template {
        return old.json.0 != new.json.0;
    }
    let (old, new) = (&old.spec, &new.spec);
    images(&old.init_containers).ne(images(&new.init_containers))
        || images(&old.containers).ne(images(&new.containers))
        || has_new_debugger(&old.ephemeral_containers, &new.ephemeral_containers)
}

fn images<'p>(containers: &'p [Container<'_>]) -> impl Iterator<Item = (&'p str, &'p str)> {
    containers.iter().map(|container| (&*container.name, &*container.image))
}

fn has_new_debugger(old: &[Container<'_>], new: &[Container<'_>]) -> bool {
    let by_name = NameIndex::of(old.iter().map(|container| &*container.name));
    let is_known = |(name, image): (&str, &str)| {
        let known = by_name.get(name).and_then(|index| old.get(index));
        known.is_some_and(|known| &*known.image == image)
    };
    !images(new).all(is_known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::payload::Payload;
    use crate::kubernetes::operation::Operation;

    fn is_significant_update(kind: &str, old: &str, new: &str) -> bool {
        let payload = format!(
            r#"{{"request": {{"kind": {kind}, "operation": "UPDATE", "object": {new}, "oldObject": {old}}}}}"#
        );
        let request = Payload::read(payload.as_bytes()).unwrap().request;
        let Operation::Update { old, new } = &request.operation else { panic!("{payload}") };
        is_significant(request.old_metadata, old, new)
    }

    fn pod(fields: &str) -> String {
        format!(r#"{{"metadata": {{"name": "web"}}, "spec": {{{fields}}}}}"#)
    }

    const POD: &str = r#"{"group": "", "kind": "Pod"}"#;
    const REPLICA_SET: &str = r#"{"group": "apps", "kind": "ReplicaSet"}"#;
    const FLEET: &str = r#"{"group": "example.com", "kind": "Fleet"}"#;

    #[test]
    fn a_pod_runs_something_else_with_another_image_or_debugger() {
        let old = pod(
            r#""initContainers": [{"name": "i", "image": "i:1"}], "containers": [{"name": "a", "image": "a:1"}],
            "ephemeralContainers": [{"name": "d", "image": "d:1"}]"#,
        );
        for (from, to, expected) in [
            ("a:1", "a:2", true),
            ("i:1", "i:2", true),
            ("d:1", "d:2", true),
            (
                r#"{"name": "d", "image": "d:1"}"#,
                r#"{"name": "d", "image": "d:1"}, {"name": "e", "image": "d:1"}"#,
                true,
            ),
            (
                r#"{"name": "a", "image": "a:1"}"#,
                r#"{"name": "a", "image": "a:1"}, {"name": "b", "image": "a:1"}"#,
                true,
            ),
            (r#"{"name": "d", "image": "d:1"}"#, "", false),
            ("\"name\": \"web\"", "\"name\": \"web\", \"labels\": {\"a\": \"b\"}", false),
            (r#""image": "a:1""#, r#""image": "a:1", "resources": {"limits": {"cpu": "1"}}"#, false),
            (r#""spec": {"#, r#""spec": {"activeDeadlineSeconds": 1, "hostPID": true, "#, false),
        ] {
            let new = old.replace(from, to);
            assert_ne!(old, new, "{from}");
            assert_eq!(is_significant_update(POD, &old, &new), expected, "{to}");
        }
    }

    #[test]
    fn a_template_runs_something_else_if_it_differs() {
        let set = |replicas: u32, image: &str| {
            format!(
                r#"{{"spec": {{"replicas": {replicas}, "template": {{"metadata": {{}}, "spec": {{"containers": [{{"image": "{image}"}}]}}}}}}}}"#
            )
        };
        for kind in [REPLICA_SET, FLEET] {
            assert!(!is_significant_update(kind, &set(3, "a:1"), &set(2, "a:1")), "{kind}");
            assert!(is_significant_update(kind, &set(3, "a:1"), &set(3, "a:2")), "{kind}");
        }
        let moved = set(3, "a:1").replace("template", "other");
        assert!(is_significant_update(FLEET, &set(3, "a:1"), &moved));
        let two = set(3, "a:1").replace(
            "\"spec\": {\"replicas\"",
            "\"other\": {\"containers\": [{\"name\": \"x\"}]}, \"spec\": {\"replicas\"",
        );
        assert!(is_significant_update(FLEET, &set(3, "a:1"), &two));
        assert!(!is_significant_update(FLEET, &two, &set(3, "a:1")));
    }

    #[test]
    fn updates_of_deleted_objects_are_not_significant() {
        let deleted = pod(r#""containers": [{"name": "a", "image": "a:1"}]"#)
            .replace("\"name\": \"web\"", "\"deletionTimestamp\": \"2026-11-01T00:00:00Z\"");
        let alive = pod(r#""containers": [{"name": "a", "image": "a:2"}]"#);
        assert!(!is_significant_update(POD, &deleted, &alive));
        assert!(is_significant_update(POD, &alive, &deleted));
    }
}
