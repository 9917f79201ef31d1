//! Joins exemptions of single containers, so that they cover exactly the same.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Exempt;

/// An exemption that covers every combination of its values. A key without values matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Joined {
    pub(super) images: BTreeSet<String>,
    pub(super) containers: BTreeSet<String>,
    pub(super) namespaces: BTreeSet<String>,
    pub(super) rules: BTreeSet<String>,
    /// The objects that need it.
    pub(super) needed_by: BTreeSet<usize>,
}

/// A key of an exemption.
#[derive(Clone, Copy)]
enum Key {
    Rules,
    Containers,
    Images,
    Namespaces,
}

/// The keys, in the order in which exemptions are joined: first the rules of one container.
const KEYS: [Key; 4] = [Key::Rules, Key::Namespaces, Key::Containers, Key::Images];

impl Joined {
    fn of(exempt: &Exempt, needed_by: &BTreeSet<usize>) -> Self {
        let set = |value: &Option<String>| value.iter().cloned().collect();
        Self {
            images: set(&exempt.image),
            containers: set(&exempt.container),
            namespaces: set(&exempt.namespace),
            rules: BTreeSet::from([exempt.rule.to_owned()]),
            needed_by: needed_by.clone(),
        }
    }

    fn values(&mut self, key: Key) -> &mut BTreeSet<String> {
        match key {
            Key::Rules => &mut self.rules,
            Key::Containers => &mut self.containers,
            Key::Images => &mut self.images,
            Key::Namespaces => &mut self.namespaces,
        }
    }
}

/// Joins exemptions that differ in one key only.
pub(super) fn join<'e>(exempts: impl Iterator<Item = (&'e Exempt, &'e BTreeSet<usize>)>) -> Vec<Joined> {
    let mut joined: Vec<_> = exempts.map(|(exempt, needed_by)| Joined::of(exempt, needed_by)).collect();
    for key in KEYS {
        joined = join_by(key, joined);
    }
    joined.sort();
    joined
}

/// Joins exemptions that differ in one key, if both have values for it.
fn join_by(key: Key, exemptions: Vec<Joined>) -> Vec<Joined> {
    let mut by_rest: BTreeMap<(bool, Joined), (BTreeSet<String>, BTreeSet<usize>)> = BTreeMap::new();
    for mut exemption in exemptions {
        let values = std::mem::take(exemption.values(key));
        let needed_by = std::mem::take(&mut exemption.needed_by);
        let (all, by_all) = by_rest.entry((values.is_empty(), exemption)).or_default();
        all.extend(values);
        by_all.extend(needed_by);
    }
    let restore = |((_, mut rest), (values, needed_by)): ((bool, Joined), _)| {
        *rest.values(key) = values;
        rest.needed_by = needed_by;
        rest
    };
    by_rest.into_iter().map(restore).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exempt(rule: &'static str, image: Option<&str>, container: &str, namespace: &str) -> Exempt {
        let text = str::to_owned;
        Exempt {
            rule,
            image: image.map(text),
            container: Some(text(container)),
            namespace: Some(text(namespace)),
        }
    }

    /// Returns every combination that exemptions cover.
    fn covered(exemptions: &[Joined]) -> Vec<String> {
        let mut covered = Vec::new();
        for Joined { images, containers, namespaces, rules, .. } in exemptions {
            for rule in rules {
                for namespace in namespaces {
                    for container in containers {
                        covered.push(format!("{rule} {namespace} {container} {images:?}"));
                    }
                }
            }
        }
        covered.sort();
        covered
    }

    #[test]
    fn joined_exemptions_cover_nothing_else() {
        let exempts = [
            exempt("privileged", Some("a/x"), "x", "one"),
            exempt("capabilities", Some("a/x"), "x", "one"),
            exempt("privileged", Some("a/x"), "x", "two"),
            exempt("capabilities", Some("a/x"), "x", "two"),
            exempt("privileged", Some("a/y"), "y", "one"),
            exempt("privileged", None, "y", "one"),
        ];
        let nobody = BTreeSet::new();
        let each: Vec<_> = exempts.iter().map(|exempt| Joined::of(exempt, &nobody)).collect();
        let joined = join(exempts.iter().map(|exempt| (exempt, &nobody)));
        assert_eq!(joined.len(), 3);
        assert_eq!(covered(&joined), covered(&each));
    }

    #[test]
    fn the_objects_that_need_an_exemption_are_joined_too() {
        let exempts = [exempt("privileged", None, "x", "one"), exempt("sysctls", None, "x", "one")];
        let needed_by = [BTreeSet::from([1, 2]), BTreeSet::from([2, 3])];
        let joined = join(exempts.iter().zip(&needed_by));
        assert_eq!(joined[0].needed_by, BTreeSet::from([1, 2, 3]));
    }
}
