//! What a container has written, as `docker diff` and `podman diff` print it.

use std::collections::BTreeMap;
use std::io::Read;

use serde::Deserialize;

use super::evidence::{Candidate, Evidence, Place, Reason, parent};
use super::lines;
use crate::input::{Position, Problem};

/// Files that container engines create themselves.
const OF_ENGINES: [&str; 6] =
    ["/.dockerenv", "/etc/hostname", "/etc/hosts", "/etc/mtab", "/etc/resolv.conf", "/run/.containerenv"];

/// Maximum size of all paths, in bytes.
const MAX_BYTES: usize = 128 << 20;

/// The changes by path.
#[derive(Debug, Default)]
pub(super) struct Diff {
    kinds: BTreeMap<String, Kind>,
    bytes: usize,
}

/// What happened to a file. A changed directory is one in which something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Changed,
    Deleted,
}

/// The output of `podman diff --format json`.
///
/// Source: <https://docs.podman.io/en/latest/markdown/podman-diff.1.html>
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PodmanDiff {
    #[serde(default)]
    added: Vec<String>,
    #[serde(default)]
    changed: Vec<String>,
    #[serde(default)]
    deleted: Vec<String>,
}

/// Returns whether a text begins like a diff.
pub(super) fn is_lines(head: &str) -> bool {
    head.lines().find(|line| !line.is_empty()).is_some_and(|line| change(line).is_some())
}

/// Returns whether a text begins like a diff of podman in JSON.
pub(super) fn is_json(head: &str) -> bool {
    let key = head.trim_start().strip_prefix('{').map(str::trim_start);
    let keys = ["\"added\"", "\"changed\"", "\"deleted\""];
    key.is_some_and(|key| keys.iter().any(|known| key.starts_with(known)))
}

impl Diff {
    /// Reads lines such as `A /run/nginx.pid`.
    pub(super) fn read_lines(reader: impl Read) -> Result<Self, Problem> {
        let mut diff = Self::default();
        lines::for_each(reader, |number, line| match change(line) {
            Some((kind, path)) => diff.add(kind, path),
            None if line.is_empty() => Ok(()),
            None => Err(Problem::Syntax {
                position: Some(Position { line: number, column: 1 }),
                message: "expected A, C or D, a space and a path, as `docker diff` prints them".to_owned(),
            }),
        })?;
        Ok(diff)
    }

    /// Reads the JSON of podman.
    pub(super) fn read_json(reader: impl Read) -> Result<Self, Problem> {
        let mut text = Vec::new();
        reader.take(MAX_BYTES as u64).read_to_end(&mut text).map_err(Problem::Read)?;
        let PodmanDiff { added, changed, deleted } = serde_json::from_slice(&text)
            .map_err(|error| Problem::Syntax { position: None, message: error.to_string() })?;
        let mut diff = Self::default();
        for (kind, paths) in [(Kind::Added, added), (Kind::Changed, changed), (Kind::Deleted, deleted)] {
            for path in paths {
                diff.add(kind, &path)?;
            }
        }
        Ok(diff)
    }

    fn add(&mut self, kind: Kind, path: &str) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(path.len());
        if self.bytes > MAX_BYTES {
            return Err(Problem::Syntax { position: None, message: "the diff is too large".to_owned() });
        }
        self.kinds.insert(path.to_owned(), kind);
        Ok(())
    }

    /// Returns the directories in which something was written, and the files of the image that were replaced.
    pub(super) fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::default();
        for (path, kind) in &self.kinds {
            let has_content = self.has_content(path);
            let is_reported = match kind {
                // What changed is below.
                Kind::Changed => !has_content,
                // The directory above is new.
                Kind::Added | Kind::Deleted => !self.is_within_same(path, *kind),
            };
            if !is_reported || OF_ENGINES.contains(&&**path) {
                continue;
            }
            let is_file = !has_content && *kind != Kind::Added;
            if is_file {
                evidence.replaced_files.insert(path.clone());
            }
            let reason = Reason::Written(format!("{} {path}", kind.letter()));
            let can_be_directory = has_content || (*kind == Kind::Changed && is_likely_directory(path));
            let place = if can_be_directory { Place::AboveOrAt } else { Place::Above };
            evidence.add(Candidate::new(path, place, reason));
        }
        evidence
    }

    /// Returns whether the diff contains something below a path.
    fn has_content(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.kinds.range(below.clone()..).next().is_some_and(|(next, _)| next.starts_with(&below))
    }

    /// Returns whether the directory of a path was added or deleted with the path.
    fn is_within_same(&self, path: &str, kind: Kind) -> bool {
        path.rsplit_once('/').is_some_and(|(parent, _)| self.kinds.get(parent) == Some(&kind))
    }
}

impl Kind {
    fn letter(self) -> char {
        match self {
            Self::Added => 'A',
            Self::Changed => 'C',
            Self::Deleted => 'D',
        }
    }
}

fn change(line: &str) -> Option<(Kind, &str)> {
    let (kind, path) = line.split_once(' ')?;
    let kind = match kind {
        "A" => Kind::Added,
        "C" => Kind::Changed,
        "D" => Kind::Deleted,
        _ => return None,
    };
    path.starts_with('/').then_some((kind, path))
}

/// Returns whether a path is probably a directory such as `/tmp` and `/var/log`. A diff does not contain types.
fn is_likely_directory(path: &str) -> bool {
    matches!(parent(path), "/" | "/var") && !path.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(text: &str) -> Vec<(String, Place)> {
        let evidence = Diff::read_lines(text.as_bytes()).unwrap().evidence();
        evidence.candidates.into_iter().map(|candidate| (candidate.path, candidate.place)).collect()
    }

    #[track_caller]
    fn are(text: &str, expected: &[(&str, Place)]) {
        let expected: Vec<_> = expected.iter().map(|(path, place)| ((*path).to_owned(), *place)).collect();
        assert_eq!(candidates(text), expected);
    }

    #[test]
    fn the_lowest_changes_are_reported() {
        let nginx = "C /var\nC /var/cache\nC /var/cache/nginx\nA /var/cache/nginx/client_temp\n\
                     A /var/cache/nginx/proxy_temp\nC /run\nA /run/nginx.pid\n";
        are(
            nginx,
            &[
                ("/run/nginx.pid", Place::Above),
                ("/var/cache/nginx/client_temp", Place::Above),
                ("/var/cache/nginx/proxy_temp", Place::Above),
            ],
        );
    }

    #[test]
    fn a_new_directory_is_reported_once() {
        are("A /data\nA /data/db\nA /data/db/x\n", &[("/data", Place::AboveOrAt)]);
    }

    #[test]
    fn a_changed_directory_without_changes_can_be_known() {
        are("C /tmp\n", &[("/tmp", Place::AboveOrAt)]);
        are("C /var/log\n", &[("/var/log", Place::AboveOrAt)]);
        are("C /run.sh\n", &[("/run.sh", Place::Above)]);
        are("C /var/lib/dpkg/status\n", &[("/var/lib/dpkg/status", Place::Above)]);
    }

    #[test]
    fn changed_files_are_files_of_the_image() {
        let diff =
            Diff::read_lines("C /etc/nginx\r\nC /etc/nginx/nginx.conf\r\nD /srv/old\r\n".as_bytes()).unwrap();
        let replaced: Vec<String> = diff.evidence().replaced_files.into_iter().collect();
        assert_eq!(replaced, ["/etc/nginx/nginx.conf", "/srv/old"]);
    }

    #[test]
    fn files_of_engines_are_ignored() {
        are("A /.dockerenv\nC /etc\nC /etc/hosts\n", &[]);
    }

    #[test]
    fn podman_prints_json_too() {
        let json = r#"{"changed": ["/run"], "added": ["/run/nginx.pid"]}"#;
        assert!(is_json(json) && !is_lines(json));
        let diff = Diff::read_json(json.as_bytes()).unwrap();
        assert_eq!(diff.evidence().candidates.len(), 1);
    }

    #[test]
    fn other_lines_are_rejected() {
        let error = Diff::read_lines("A /run\nB /x\n".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "expected A, C or D, a space and a path, as `docker diff` prints them");
    }
}
