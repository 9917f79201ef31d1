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

/// A responsible container, as far as a request names it.
#[derive(Clone, Debug, Default)]
pub(super) struct Holder {
    /// The list of the container.
    pub(super) list: String,
    /// Whether the container is a sidecar.
    pub(super) is_sidecar: bool,
    /// The name of the container.
    pub(super) name: Option<String>,
    /// The image of the container.
    pub(super) image: Option<String>,
}

impl Holder {
    /// Whether both are the same container before and after an update.
    fn is_same(&self, other: &Self) -> bool {
        self.list == other.list && self.is_sidecar == other.is_sidecar && self.name == other.name
    }
}

/// The responsible containers of a finding.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    /// All of the containers.
    pub(super) all: Vec<Holder>,
    /// Whether the field belongs to the whole pod, so that its containers make no difference to an update.
    pub(super) are_whole_pod: bool,
}

impl Holders {
    /// Whether an update leaves the responsible containers as they were, or takes some away.
    pub(super) fn are_among(&self, old: &Self) -> bool {
        let is_known = |holder: &Holder| old.all.iter().any(|other| holder.is_same(other));
        self.are_whole_pod || (!old.are_whole_pod && self.all.iter().all(is_known))
    }

    /// Whether the same names are in other lists than before.
    pub(super) fn have_moved_since(&self, old: &Self) -> bool {
        let has_name = |holder: &Holder| old.all.iter().any(|other| holder.name == other.name);
        !self.are_whole_pod && !self.are_among(old) && self.all.iter().all(has_name)
    }
}

impl From<Holder> for Holders {
    fn from(holder: Holder) -> Self {
        Self { all: vec![holder], are_whole_pod: false }
    }
}

/// What a rule objects to at a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Objection {
    /// The responsible containers.
    pub(super) holders: Holders,
    /// Whether a fix could fill in the field.
    pub(super) can_be_filled: bool,
}

/// The fields that a rule objects to.
#[derive(Debug, Default)]
pub(super) struct Found(BTreeMap<Path, Objection>);

impl Found {
    /// Adds a field, or responsible containers to the others of the field.
    pub(super) fn add(&mut self, path: Path, holders: impl Into<Holders>) {
        let Holders { all, are_whole_pod } = holders.into();
        let known = &mut self.0.entry(path).or_default().holders;
        known.all.extend(all);
        known.are_whole_pod |= are_whole_pod;
    }

    /// Adds a field of a container, and whether a fix could fill it in.
    pub(super) fn add_unset(&mut self, path: Path, holder: Holder, can_be_filled: bool) {
        self.0.insert(path, Objection { holders: holder.into(), can_be_filled });
    }

    /// The fields in their order.
    pub(super) fn into_fields(self) -> impl Iterator<Item = (Path, Objection)> {
        self.0.into_iter()
    }
}
