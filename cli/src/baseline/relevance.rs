//! Which entries can matter for an object. A trial with these entries alone gives the verdict of all entries.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Entry;

/// The entries by the objects for which they can matter.
pub(super) struct Relevance {
    /// The entries that were added for each object.
    own: BTreeMap<usize, BTreeSet<Entry>>,
    /// The exemptions in each namespace. Another object can have added one that covers this object too.
    exemptions: BTreeMap<Option<String>, BTreeSet<Entry>>,
}

impl Relevance {
    /// Sorts entries, each with the objects that need it.
    pub(super) fn of(entries: &BTreeMap<Entry, BTreeSet<usize>>) -> Self {
        let mut relevance = Self { own: BTreeMap::new(), exemptions: BTreeMap::new() };
        for (entry, needed_by) in entries {
            for index in needed_by {
                relevance.own.entry(*index).or_default().insert(entry.clone());
            }
            if let Some(exempt) = entry.exempt() {
                relevance.exemptions.entry(exempt.namespace.clone()).or_default().insert(entry.clone());
            }
        }
        relevance
    }

    /// Returns the entries that can matter for an object: its own, those of the directories above its paths, and the exemptions of
    /// its namespace or without a namespace.
    pub(super) fn entries_for(&self, index: usize, namespace: Option<&str>) -> BTreeSet<Entry> {
        let own = self.own.get(&index);
        let mut entries: BTreeSet<_> = own.into_iter().flatten().cloned().collect();
        for entry in own.into_iter().flatten() {
            match entry {
                Entry::HostPath(path) => entries.extend(parents(path).map(Entry::HostPath)),
                Entry::WritablePath(path) => entries.extend(parents(path).map(Entry::WritablePath)),
                Entry::Repository(_) | Entry::Exemption(_) => {}
            }
        }
        for namespace in [namespace.map(str::to_owned), None] {
            entries.extend(self.exemptions.get(&namespace).into_iter().flatten().cloned());
        }
        entries
    }
}

/// Returns the directories above a path: `/a` of `/a/b`, and `/`.
fn parents(path: &str) -> impl Iterator<Item = String> {
    let ends = path.match_indices('/').map(|(end, _)| end.max(1));
    ends.filter_map(|end| path.get(..end)).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_the_directories_above() {
        assert!(parents("/a/b/c").eq(["/", "/a", "/a/b"]));
        assert!(parents("/").eq(["/"]));
    }

    #[test]
    fn entries_of_other_objects_matter_only_if_they_can_cover() {
        let path = |path: &str| Entry::WritablePath(path.to_owned());
        let entries = BTreeMap::from([
            (path("/a"), BTreeSet::from([1])),
            (path("/a/b"), BTreeSet::from([0])),
            (path("/c"), BTreeSet::from([1])),
        ]);
        let relevant = Relevance::of(&entries).entries_for(0, Some("shop"));
        assert!(relevant.contains(&path("/a")) && relevant.contains(&path("/a/b")));
        assert!(!relevant.contains(&path("/c")));
    }
}
