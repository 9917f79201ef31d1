//! Turns evidence into the paths for the settings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::json;

use super::evidence::{Candidate, Evidence, Reason};
use crate::Policy;
use crate::policy::Error;

/// Directories whose content may disappear at any time, so that a container does not need the files of its image there.
///
/// Source: <https://refspecs.linuxfoundation.org/FHS_3.0/fhs-3.0.html>
const TEMPORARY: [&str; 4] = ["/run", "/tmp", "/var/run", "/var/tmp"];

/// Directories in which images prepare directories for sockets and for the numbers of processes. A program usually does not create
/// them again, so a volume above does not replace a volume at such a directory.
const WITH_PREPARED_DIRECTORIES: [&str; 2] = ["/run", "/var/run"];

/// Directories in which images usually have files of several programs.
///
/// Source: as above.
const SHARED: [&str; 10] =
    ["/home", "/media", "/mnt", "/opt", "/srv", "/usr/share", "/var", "/var/cache", "/var/lib", "/var/spool"];

/// Names of files that only keep a directory in a repository, or that every home has.
const NOT_NEEDED: [&str; 8] =
    [".bash_logout", ".bashrc", ".cshrc", ".gitignore", ".gitkeep", ".keep", ".placeholder", ".profile"];

/// Maximum number of reasons that are shown for one path.
const MAX_REASONS: usize = 3;

/// Paths for the settings.
#[derive(Debug)]
pub struct Proposal {
    /// The images that the paths are for. Empty if they are not known.
    pub images: Vec<String>,
    /// The paths, sorted. No path contains another one.
    pub paths: Vec<ProposedPath>,
    /// The paths that are not proposed, sorted.
    pub left_out: Vec<LeftOut>,
}

/// A path for the settings.
#[derive(Debug)]
pub struct ProposedPath {
    /// The path of the directory.
    pub path: String,
    reasons: BTreeSet<Reason>,
    hidden: Option<Files>,
}

/// A path that is not proposed.
#[derive(Debug)]
pub struct LeftOut {
    /// The path of the directory.
    pub path: String,
    reasons: BTreeSet<Reason>,
    cause: Cause,
}

/// Why a path is not proposed.
#[derive(Debug, Clone)]
enum Cause {
    /// The policy refuses the path. Contains its message.
    Refused(String),
    HidesFiles(Files),
    /// The files of the image are not known, but images usually have some there.
    MayHideFiles,
}

/// Files of an image in a directory.
#[derive(Debug, Clone)]
struct Files {
    count: usize,
    example: String,
}

impl Proposal {
    /// Returns the paths that the evidence shows and that the policy accepts.
    ///
    /// # Errors
    ///
    /// If the policy does not answer.
    pub fn of(evidence: &Evidence, policy: &Policy) -> Result<Self, Error> {
        let mut selection =
            Selection { evidence, policy, accepted: BTreeMap::new(), left_out: BTreeMap::new() };
        for candidate in &evidence.candidates {
            selection.add(candidate)?;
        }
        selection.merge_accepted();
        let left_out = selection.left_out();
        let paths = selection.accepted.into_iter().map(|(path, reasons)| {
            let hidden = files_below(&path, evidence);
            ProposedPath { path, reasons, hidden }
        });
        Ok(Self { images: evidence.images.iter().cloned().collect(), paths: paths.collect(), left_out })
    }
}

/// Paths that are accepted so far, and paths that are not.
struct Selection<'e> {
    evidence: &'e Evidence,
    policy: &'e Policy,
    accepted: BTreeMap<String, BTreeSet<Reason>>,
    left_out: BTreeMap<String, (BTreeSet<Reason>, Cause)>,
}

impl Selection<'_> {
    /// Accepts the best path for a candidate, or leaves it out.
    fn add(&mut self, candidate: &Candidate) -> Result<(), Error> {
        let reason = &candidate.reason;
        let paths = candidate.paths(&self.evidence.trees);
        let covering = paths.iter().find_map(|path| self.covering(path).next());
        if let Some(reasons) = covering.map(str::to_owned).and_then(|path| self.accepted.get_mut(&path)) {
            reasons.insert(reason.clone());
            return Ok(());
        }
        let mut cause = None;
        for path in &paths {
            cause = self.cause_against(path, reason)?;
            if cause.is_none() {
                self.accepted.entry(path.clone()).or_default().insert(reason.clone());
                return Ok(());
            }
        }
        if let Some((cause, path)) = cause.zip(paths.last()) {
            let left_out = self.left_out.entry(path.clone()).or_insert_with(|| (BTreeSet::new(), cause));
            left_out.0.insert(reason.clone());
        }
        Ok(())
    }

    /// Returns the accepted paths that make a volume at a path unnecessary: the path itself, and directories above it.
    fn covering<'p>(&self, path: &'p str) -> impl Iterator<Item = &'p str> {
        let is_prepared = self.evidence.trees.iter().any(|tree| tree.has_directory(path));
        let covers = move |above: &&str| {
            let is_separate = is_prepared && *above != path && WITH_PREPARED_DIRECTORIES.contains(above);
            self.accepted.contains_key(*above) && !is_separate
        };
        with_ancestors(path).filter(covers)
    }

    /// Returns why a path cannot be a volume.
    fn cause_against(&self, path: &str, reason: &Reason) -> Result<Option<Cause>, Error> {
        let files =
            Some(path).filter(|_| !reason.is_declared()).and_then(|path| files_below(path, self.evidence));
        // Most directories of an image have files. The policy is not asked about each of them.
        if let (Reason::Access(_), Some(files)) = (reason, &files) {
            return Ok(Some(Cause::HidesFiles(files.clone())));
        }
        if let Some(message) = refusal(self.policy, path)? {
            return Ok(Some(Cause::Refused(message)));
        }
        let is_unknown = self.evidence.trees.is_empty() && reason.is_observed();
        let may_hide_files = is_unknown && (SHARED.contains(&path) || path.starts_with("/etc/"));
        Ok(files.map(Cause::HidesFiles).or(may_hide_files.then_some(Cause::MayHideFiles)))
    }

    /// Removes accepted paths that are below another one, which gets their reasons.
    fn merge_accepted(&mut self) {
        let covered: Vec<(String, String)> = self
            .accepted
            .keys()
            .filter_map(|path| {
                let highest = self.covering(path).skip(1).last()?;
                Some((path.clone(), highest.to_owned()))
            })
            .collect();
        for (path, highest) in covered {
            let reasons = self.accepted.remove(&path).unwrap_or_default();
            self.accepted.entry(highest).or_default().extend(reasons);
        }
    }

    /// Returns what is left out and not covered otherwise. What only may be written is named once, by the highest path.
    fn left_out(&self) -> Vec<LeftOut> {
        let is_worth_a_line = |path: &str, reasons: &BTreeSet<Reason>| {
            let is_covered = self.covering(path).next().is_some();
            let is_below = with_ancestors(path).skip(1).any(|path| self.left_out.contains_key(path));
            let is_certain = reasons.iter().any(|reason| reason.is_declared() || reason.is_observed());
            !is_covered && (is_certain || !is_below)
        };
        let left_out = self.left_out.iter().filter(|(path, (reasons, _))| is_worth_a_line(path, reasons));
        let left_out = left_out.map(|(path, (reasons, cause))| LeftOut {
            path: path.clone(),
            reasons: reasons.clone(),
            cause: cause.clone(),
        });
        left_out.collect()
    }
}

/// Returns a path and the directories above it, without the root.
fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| {
        path.rsplit_once('/').map(|(parent, _)| parent).filter(|parent| !parent.is_empty())
    })
}

/// Returns the files of the image that a volume at a path would hide.
fn files_below(path: &str, evidence: &Evidence) -> Option<Files> {
    if TEMPORARY.contains(&path) {
        return None;
    }
    let below = format!("{}/", path.trim_end_matches('/'));
    let in_trees = evidence.trees.iter().flat_map(|tree| tree.files_below(path));
    let is_replaced = |file: &&String| evidence.trees.is_empty() && file.starts_with(&below);
    let replaced = evidence.replaced_files.iter().filter(is_replaced).map(|file| file.as_str().into());
    let mut files = in_trees.chain(replaced).filter(|file| is_needed(file));
    let example = files.next()?.into_owned();
    Some(Files { count: 1 + files.count(), example })
}

fn is_needed(file: &str) -> bool {
    file.rsplit('/').next().is_some_and(|name| !NOT_NEEDED.contains(&name))
}

/// Returns why the policy refuses a writable path.
///
/// # Errors
///
/// If the policy does not answer.
pub(super) fn refusal(policy: &Policy, path: &str) -> Result<Option<String>, Error> {
    let settings = json!({"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": [path]}]});
    let answer = policy.validate_settings(&settings)?;
    let message = answer.message.unwrap_or_default();
    let line = message.lines().next().unwrap_or_default();
    let message = line.strip_prefix("writablePaths[0].paths[0]: ").unwrap_or(line).to_owned();
    Ok((!answer.valid).then_some(message))
}

impl fmt::Display for ProposedPath {
    /// Writes why a container writes to the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_reasons(f, &self.reasons)?;
        match &self.hidden {
            Some(files) => write!(f, "; hides {files}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: left out (", self.path)?;
        write_reasons(f, &self.reasons)?;
        f.write_str("): ")?;
        match &self.cause {
            Cause::Refused(message) => f.write_str(message),
            Cause::HidesFiles(files) => write!(f, "a volume would hide {files}"),
            Cause::MayHideFiles => {
                f.write_str("a volume would hide what the image has there: pass the image too")
            }
        }
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, reasons: &BTreeSet<Reason>) -> fmt::Result {
    for (index, reason) in reasons.iter().take(MAX_REASONS).enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        write!(f, "{separator}{reason}")?;
    }
    match reasons.len().saturating_sub(MAX_REASONS) {
        0 => Ok(()),
        more => write!(f, "; {more} more"),
    }
}

impl fmt::Display for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            1 => write!(f, "{} of the image", self.example),
            count => write!(f, "{count} files of the image, such as {}", self.example),
        }
    }
}
