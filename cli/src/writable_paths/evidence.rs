//! What inputs show about the paths that a container writes to.

use std::collections::BTreeSet;
use std::fmt;

use super::image::Tree;

/// What one or several inputs show.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The names of images, as inputs have them.
    pub(super) images: BTreeSet<String>,
    pub(super) candidates: BTreeSet<Candidate>,
    /// Files of the image that a diff shows because they were changed or deleted.
    pub(super) replaced_files: BTreeSet<String>,
    /// The files of images.
    pub(super) trees: Vec<Tree>,
    /// What could not be used, one sentence each.
    pub(super) warnings: Vec<String>,
    /// Sentences about images that start as root. What they write to is not visible in the permissions of their files.
    pub(super) started_as_root: Vec<String>,
}

/// A path that a container may write to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) path: String,
    pub(super) place: Place,
    pub(super) reason: Reason,
}

/// Where the volume for a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// At the path, which is a directory.
    At,
    /// At the directory of the path, so that the files next to it can be written too. If that is not possible, at the path.
    AboveOrAt,
    /// At the directory of the path, which is a file.
    Above,
}

/// Why a container may write to a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reason {
    /// The image declares the path as a volume.
    Volume,
    /// The documentation of the image names the path. Contains the address.
    Known(String),
    /// A container has written there. Contains the line of the diff.
    Written(String),
    /// A container could not write there. Contains the path in the log.
    Failed(String),
    WorkingDirectory,
    Home,
    /// The user of the image can write there. Contains the permission.
    Access(String),
}

impl Evidence {
    pub(super) fn add(&mut self, candidate: Candidate) {
        self.candidates.insert(candidate);
    }

    /// Adds what another input shows.
    pub fn merge(&mut self, other: Self) {
        self.images.extend(other.images);
        self.candidates.extend(other.candidates);
        self.replaced_files.extend(other.replaced_files);
        self.trees.extend(other.trees);
        self.warnings.extend(other.warnings);
        self.started_as_root.extend(other.started_as_root);
    }

    /// Returns what users should know about the inputs, one sentence each.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        let is_more_than_image = self
            .candidates
            .iter()
            .any(|candidate| candidate.reason.is_observed() || candidate.reason.is_known());
        let started_as_root = self.started_as_root.iter().filter(move |_| !is_more_than_image);
        self.warnings.iter().chain(started_as_root).map(String::as_str)
    }

    /// Returns the evidence with the name of its input in each warning.
    pub(super) fn of_input(mut self, name: &str) -> Self {
        for warning in self.warnings.iter_mut().chain(&mut self.started_as_root) {
            *warning = format!("{name}: {warning}");
        }
        self
    }
}

impl Candidate {
    /// A directory.
    pub(super) fn at(path: &str, reason: Reason) -> Self {
        Self::new(path, Place::At, reason)
    }

    pub(super) fn new(path: &str, place: Place, reason: Reason) -> Self {
        Self { path: without_final_slash(path).to_owned(), place, reason }
    }

    /// Returns the paths at which a volume can be, the best one first.
    pub(super) fn paths(&self, trees: &[Tree]) -> Vec<String> {
        let resolve = |path: &str| trees.iter().fold(path.to_owned(), |path, tree| tree.resolve(&path));
        let path = &self.path;
        let is_directory = trees.iter().any(|tree| tree.has_directory(&tree.resolve(path)));
        let is_file = !is_directory && trees.iter().any(|tree| tree.has_file(&tree.resolve(path)));
        match self.place {
            Place::At => vec![resolve(path)],
            _ if is_directory => vec![resolve(path)],
            Place::AboveOrAt if !is_file => vec![resolve(parent(path)), resolve(path)],
            Place::Above | Place::AboveOrAt => vec![resolve(parent(path))],
        }
    }
}

impl Reason {
    /// Returns whether the volume is needed in any case. The others are not proposed if a volume would hide files of the image.
    pub(super) fn is_declared(&self) -> bool {
        matches!(self, Self::Volume | Self::Known(_))
    }

    pub(super) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_))
    }

    /// Returns whether the path was seen in a running container.
    pub(super) fn is_observed(&self) -> bool {
        matches!(self, Self::Written(_) | Self::Failed(_))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Volume => f.write_str("VOLUME"),
            Self::Known(source) => write!(f, "known: {source}"),
            Self::Written(line) => write!(f, "written: {line}"),
            Self::Failed(path) => write!(f, "read-only: {path}"),
            Self::WorkingDirectory => f.write_str("WORKDIR"),
            Self::Home => f.write_str("HOME"),
            Self::Access(access) => f.write_str(access),
        }
    }
}

fn without_final_slash(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}

/// Returns the directory of a path.
pub(super) fn parent(path: &str) -> &str {
    match without_final_slash(path).rsplit_once('/') {
        None | Some(("", _)) => "/",
        Some((parent, _)) => without_final_slash(parent),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, place: Place) -> Vec<String> {
        Candidate::new(path, place, Reason::Volume).paths(&[])
    }

    #[test]
    fn the_volume_is_at_the_directory_of_a_file() {
        for (path, expected) in [("/run/nginx.pid", "/run"), ("/data/", "/"), ("/a//b", "/a"), ("/", "/")] {
            assert_eq!(paths(path, Place::Above), [expected], "{path}");
        }
        assert_eq!(paths("/data/", Place::AboveOrAt), ["/", "/data"]);
        assert_eq!(paths("/data/", Place::At), ["/data"]);
    }
}
