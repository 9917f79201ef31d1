//! An index of a list by name.

use std::borrow::Cow;
use std::collections::HashMap;

/// The indices of names in a list. If a name occurs more than once, the first occurrence counts.
#[derive(Debug, Default)]
pub struct NameIndex<'n> {
    /// The first names. Comparing a few names one by one is faster than hashing them.
    first: Vec<(Cow<'n, str>, usize)>,
    others: HashMap<Cow<'n, str>, usize>,
}

/// Maximum number of names that are compared one by one.
const LINEAR_SCAN_MAX: usize = 8;

/// The index of a name that is taken but does not belong to an item of the list.
pub const NO_INDEX: usize = usize::MAX;

impl<'n> NameIndex<'n> {
    /// Creates an index of these names.
    #[must_use]
    pub fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut index_of = Self::default();
        for (index, name) in names.enumerate() {
            index_of.add(name.into(), index);
        }
        index_of
    }

    /// Adds a name with its index unless the name is known. Returns the index that the name has then.
    pub fn add(&mut self, name: Cow<'n, str>, index: usize) -> usize {
        if let Some(known) = self.get(&name) {
            return known;
        }
        if self.first.len() < LINEAR_SCAN_MAX {
            self.first.push((name, index));
        } else {
            self.others.insert(name, index);
        }
        index
    }

    /// Sets the index of a name, in place of the index that it has.
    pub fn set(&mut self, name: Cow<'n, str>, index: usize) {
        if let Some((_, known)) = self.first.iter_mut().find(|(known, _)| *known == name) {
            *known = index;
        } else if self.first.len() < LINEAR_SCAN_MAX {
            self.first.push((name, index));
        } else {
            self.others.insert(name, index);
        }
    }

    /// Returns the index of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<usize> {
        let first = self.first.iter().find(|(known, _)| known == name).map(|(_, index)| *index);
        // Hashing takes time even if the map is empty.
        if first.is_some() || self.others.is_empty() { first } else { self.others.get(name).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_occurrence_of_a_name_counts() {
        let names = NameIndex::of(["a", "b", "a", "c"].into_iter());
        assert_eq!(["a", "b", "c", "d"].map(|name| names.get(name)), [Some(0), Some(1), Some(3), None]);
    }

    #[test]
    fn many_names_are_found() {
        let all: Vec<_> = (0..100).map(|number| format!("name-{number}")).collect();
        let names = NameIndex::of(all.iter().chain(&all).map(String::as_str));
        for (index, name) in all.iter().enumerate() {
            assert_eq!(names.get(name), Some(index));
        }
        assert_eq!(names.get("name-100"), None);
    }

    #[test]
    fn only_new_names_are_added() {
        let mut names = NameIndex::of(["a"].into_iter());
        assert_eq!(names.add("a".into(), 7), 0);
        assert_eq!(names.add("b".into(), 7), 7);
        assert_eq!(names.add("b".into(), 8), 7);
        assert_eq!((names.get("a"), names.get("b")), (Some(0), Some(7)));
    }

    #[test]
    fn the_last_index_that_is_set_counts() {
        let all: Vec<_> = (0..20).map(|number| format!("name-{number}")).collect();
        let mut names = NameIndex::default();
        for (index, name) in all.iter().chain(&all).enumerate() {
            names.set(name.into(), index);
        }
        assert_eq!(names.get("name-0"), Some(20));
        assert_eq!(names.get("name-19"), Some(39));
    }
}
