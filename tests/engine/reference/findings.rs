//! Findings: fields that violate a rule, each with its responsible containers.

use std::collections::BTreeMap;
use std::fmt;

/// A segment of a field path. The policy reports the findings of a rule in the order of their paths, where `.` sorts before `[`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PathSegment {
    Key(String),
    Index(usize),
    QuotedKey(String),
}

/// The path of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FieldPath(Vec<PathSegment>);

impl FieldPath {
    /// Returns the path of a field below this path, for keys that are separated by dots.
    pub(super) fn field(&self, keys: &str) -> Self {
        keys.split('.').fold(self.clone(), |path, key| path.key(key))
    }

    /// Returns the path of a key below this path, for a key with any characters.
    pub(super) fn key(&self, key: &str) -> Self {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        let is_quoted = key.is_empty() || !key.chars().all(is_plain);
        self.join(if is_quoted {
            PathSegment::QuotedKey(key.to_owned())
        } else {
            PathSegment::Key(key.to_owned())
        })
    }

    /// Returns the path of an item of the list at this path.
    pub(super) fn item(&self, index: usize) -> Self {
        self.join(PathSegment::Index(index))
    }

    /// Returns the path of the object that contains this field, and whether the field has this key.
    pub(super) fn parent_of(&self, key: &str) -> (Self, bool) {
        let Some((last, parent)) = self.0.split_last() else { return (self.clone(), false) };
        (Self(parent.to_vec()), *last == PathSegment::Key(key.to_owned()))
    }

    /// Whether both paths are items of the same list.
    pub(super) fn has_same_list(&self, other: &Self) -> bool {
        let list = |path: &Self| path.0.split_last().map(|(_, list)| list.to_vec());
        list(self) == list(other)
    }

    fn join(&self, segment: PathSegment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Index(item) => write!(formatter, "[{item}]")?,
                PathSegment::QuotedKey(key) => write!(formatter, "[{key}]")?,
                PathSegment::Key(key) if index == 0 => formatter.write_str(key)?,
                PathSegment::Key(key) => write!(formatter, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// A responsible container, with the fields that the request sets.
#[derive(Clone, Debug, Default)]
pub(super) struct ResponsibleContainer {
    /// The field of the pod spec that lists the container.
    pub(super) list: String,
    /// Whether the container is a sidecar.
    pub(super) is_sidecar: bool,
    pub(super) name: Option<String>,
    pub(super) image: Option<String>,
}

impl ResponsibleContainer {
    /// Whether both are the same container before and after an update.
    fn is_same(&self, other: &Self) -> bool {
        self.list == other.list && self.is_sidecar == other.is_sidecar && self.name == other.name
    }
}

/// The responsible containers of a finding.
#[derive(Clone, Debug, Default)]
pub(super) struct ResponsibleContainers {
    pub(super) all: Vec<ResponsibleContainer>,
    /// Whether the finding is about the whole pod, so that the containers do not matter in an update.
    pub(super) are_whole_pod: bool,
}

impl ResponsibleContainers {
    /// Whether the old finding had all of these responsible containers.
    pub(super) fn is_subset_of(&self, old: &Self) -> bool {
        let is_known =
            |responsible: &ResponsibleContainer| old.all.iter().any(|other| responsible.is_same(other));
        self.are_whole_pod || (!old.are_whole_pod && self.all.iter().all(is_known))
    }

    /// Whether the old finding had the same container names in other lists.
    pub(super) fn have_moved_since(&self, old: &Self) -> bool {
        let has_name =
            |responsible: &ResponsibleContainer| old.all.iter().any(|other| responsible.name == other.name);
        !self.are_whole_pod && !self.is_subset_of(old) && self.all.iter().all(has_name)
    }
}

impl From<ResponsibleContainer> for ResponsibleContainers {
    fn from(responsible: ResponsibleContainer) -> Self {
        Self { all: vec![responsible], are_whole_pod: false }
    }
}

/// A finding about a field.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldFinding {
    pub(super) responsible: ResponsibleContainers,
    /// Whether a fix could resolve the finding.
    pub(super) is_fixable: bool,
    /// Whether an update may leave the finding out, because another finding that it may leave out replaces this one.
    pub(super) is_optional: bool,
}

/// The findings of a rule, by field path.
#[derive(Debug, Default)]
pub(super) struct Findings(BTreeMap<(FieldPath, usize), FieldFinding>);

impl Findings {
    /// Adds a finding, or adds responsible containers to the finding about the same field.
    pub(super) fn add(&mut self, path: FieldPath, responsible: impl Into<ResponsibleContainers>) {
        let ResponsibleContainers { all, are_whole_pod } = responsible.into();
        let known = &mut self.0.entry((path, 0)).or_default().responsible;
        known.all.extend(all);
        known.are_whole_pod |= are_whole_pod;
    }

    /// Adds another finding about a field that may have a finding already.
    pub(super) fn add_another(&mut self, path: FieldPath, responsible: ResponsibleContainers) {
        let number = self.0.keys().filter(|(known, _)| *known == path).count();
        self.0.insert((path, number), FieldFinding { responsible, ..FieldFinding::default() });
    }

    /// Adds a finding about an unset field that a fix may resolve.
    pub(super) fn add_unset(
        &mut self,
        path: FieldPath,
        responsible: impl Into<ResponsibleContainers>,
        is_fixable: bool,
    ) {
        let finding = FieldFinding { responsible: responsible.into(), is_fixable, is_optional: false };
        self.0.insert((path, 0), finding);
    }

    /// Adds a finding of an update that another finding replaces if the update reports that one.
    pub(super) fn add_optional(&mut self, path: FieldPath, responsible: ResponsibleContainer) {
        self.add(path.clone(), responsible);
        self.0.entry((path, 0)).or_default().is_optional = true;
    }

    /// Returns the findings in the order of their paths.
    pub(super) fn into_fields(self) -> impl Iterator<Item = (FieldPath, FieldFinding)> {
        self.0.into_iter().map(|((path, _), finding)| (path, finding))
    }
}
