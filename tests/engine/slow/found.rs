//! What is found: fields of the object, each with those who answer for it.

use std::collections::BTreeMap;
use std::fmt;

/// A step on the way to a field. Findings of a rule are told in the order of their paths, in which `.` goes before `[`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(String),
    Index(usize),
    OddKey(String),
}

/// The way to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(Vec<Step>);

impl Path {
    /// The path of a field below this one: keys with dots between them.
    pub(super) fn to(&self, keys: &str) -> Self {
        keys.split('.').fold(self.clone(), |path, key| path.key(key))
    }

    /// The path of a key below this one, whatever it is made of.
    pub(super) fn key(&self, key: &str) -> Self {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let is_odd = key.is_empty() || !key.chars().all(is_plain);
        self.step(if is_odd { Step::OddKey(key.to_owned()) } else { Step::Key(key.to_owned()) })
    }

    /// The path of an item of this list.
    pub(super) fn item(&self, index: usize) -> Self {
        self.step(Step::Index(index))
    }

    /// Whether both are the paths of items in one list.
    pub(super) fn has_same_list(&self, other: &Self) -> bool {
        let list = |path: &Self| path.0.split_last().map(|(_, list)| list.to_vec());
        list(self) == list(other)
    }

    fn step(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(formatter, "[{index}]")?,
                Step::OddKey(key) => write!(formatter, "[{key}]")?,
                Step::Key(key) if place == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// Somebody who answers for a finding: a container, as far as a request tells it.
#[derive(Clone, Debug, Default)]
pub(super) struct Holder {
    /// Its name.
    pub(super) name: Option<String>,
    /// Its image.
    pub(super) image: Option<String>,
}

/// The fields that a rule objects to.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<Path, Vec<Holder>>);

impl Found {
    /// Adds a field, or those who answer for it to others who do.
    pub(super) fn add(&mut self, path: Path, holders: impl IntoIterator<Item = Holder>) {
        self.0.entry(path).or_default().extend(holders);
    }

    /// The fields in their order.
    pub(super) fn into_fields(self) -> impl Iterator<Item = (Path, Vec<Holder>)> {
        self.0.into_iter()
    }
}
