//! Names, and where in a list each of them stands.

use std::borrow::Cow;
use std::collections::HashMap;

/// The places of names in a list. Of names that are the same, the first counts.
///
/// One type of map serves for all names: each would take a kilobyte of the module.
#[derive(Debug, Default)]
pub struct Places<'n> {
    /// The first names, which are compared one by one: that is faster than hashing as long as they are few.
    few: Vec<(Cow<'n, str>, usize)>,
    many: HashMap<Cow<'n, str>, usize>,
}

const FEW: usize = 8;

impl<'n> Places<'n> {
    /// The places of these names.
    #[must_use]
    pub fn of(names: impl Iterator<Item = &'n str>) -> Self {
        let mut places = Self::default();
        for (place, name) in names.enumerate() {
            places.add(name.into(), place);
        }
        places
    }

    /// Adds a name and its place, unless there is such a name already; tells whether there was none.
    pub fn add(&mut self, name: Cow<'n, str>, place: usize) -> bool {
        if self.get(&name).is_some() {
            return false;
        }
        if self.few.len() < FEW {
            self.few.push((name, place));
        } else {
            self.many.insert(name, place);
        }
        true
    }

    /// The place of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<usize> {
        let first = self.few.iter().find(|(known, _)| known == name).map(|(_, place)| *place);
        if first.is_some() || self.many.is_empty() { first } else { self.many.get(name).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_name_counts() {
        let places = Places::of(["a", "b", "a", "c"].into_iter());
        assert_eq!(["a", "b", "c", "d"].map(|name| places.get(name)), [Some(0), Some(1), Some(3), None]);
    }

    #[test]
    fn finds_each_of_many() {
        let names: Vec<_> = (0..100).map(|number| format!("name-{number}")).collect();
        let places = Places::of(names.iter().chain(&names).map(String::as_str));
        for (place, name) in names.iter().enumerate() {
            assert_eq!(places.get(name), Some(place));
        }
        assert_eq!(places.get("name-100"), None);
    }

    #[test]
    fn tells_whether_a_name_is_new() {
        let mut places = Places::of(["a"].into_iter());
        assert!(!places.add("a".into(), 7));
        assert!(places.add("b".into(), 7));
        assert!(!places.add("b".into(), 8));
        assert_eq!((places.get("a"), places.get("b")), (Some(0), Some(7)));
    }
}
