//! File paths, resolved as Linux and Windows resolve them.

use super::patterns::matches_by_segment;

/// A resolved file path. On Windows, drive C: is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePath {
    drive: String,
    segments: Vec<String>,
    pub(super) is_absolute: bool,
    /// Whether every runtime resolves the path to the same file. An ambiguous path does not match an allowed path.
    pub(super) is_unambiguous: bool,
}

impl FilePath {
    /// Resolves a path.
    pub(super) fn parse(path: &str, is_windows: bool) -> Self {
        if !is_windows {
            return Self {
                drive: String::new(),
                segments: segments(path),
                is_absolute: path.starts_with('/'),
                is_unambiguous: true,
            };
        }
        let path = path.replace('\\', "/").to_lowercase();
        let path = path.strip_prefix("//?/c:").or(path.strip_prefix("//./c:")).unwrap_or(&path);
        // Other paths that start with two slashes name a device or another machine.
        let is_local = !path.starts_with("//");
        let (drive, path) = match path.split_once(':') {
            Some((drive, rest)) if drive.len() == 1 => (drive, rest),
            _ => ("c", path),
        };
        let is_unambiguous = is_local && !path.split('/').any(has_ignored_end);
        let without_ends = |segment: &String| segment.trim_end_matches(['.', ' ']).to_owned();
        Self {
            drive: drive.to_owned(),
            segments: segments(path).iter().map(without_ends).collect(),
            is_absolute: path.starts_with('/'),
            is_unambiguous,
        }
    }

    /// Whether the path is the other path or is below it. The root contains the other drives too.
    pub(super) fn starts_with(&self, other: &Self) -> bool {
        let has_all_drives = other.segments.is_empty() && other.drive == "c";
        has_all_drives || (self.drive == other.drive && self.segments.starts_with(&other.segments))
    }

    /// Whether one of the paths is the other path or is below it.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.starts_with(other) || other.starts_with(self)
    }

    /// Returns the same path on Windows, where a path without a drive is on the system drive.
    pub(super) fn on_windows(&self) -> Self {
        let drive = if self.drive.is_empty() { "c" } else { &self.drive }.to_owned();
        Self { drive, ..self.clone() }
    }

    /// Returns the names of the segments.
    pub(super) fn names(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Returns the path without its first segments.
    pub(super) fn skip(&self, number: usize) -> Self {
        Self { segments: self.segments.iter().skip(number).cloned().collect(), ..self.clone() }
    }

    /// Returns the path of another path below this path.
    pub(super) fn join(&self, below: &Self) -> Self {
        Self { segments: [self.segments.clone(), below.segments.clone()].concat(), ..self.clone() }
    }

    /// Returns the number of segments.
    pub(super) fn depth(&self) -> usize {
        self.segments.len()
    }

    /// Whether the path, or a path above it, matches a pattern. With a trailing `/**`, only paths above it count.
    pub(super) fn matches(&self, pattern: &str, is_windows: bool) -> bool {
        let (pattern, below) = pattern.strip_suffix("/**").map_or((pattern, 0), |above| (above, 1));
        let pattern = Self::parse(pattern, is_windows);
        let is_deep_enough = self.depth() >= pattern.depth() + below;
        let mut pairs = pattern.segments.iter().zip(&self.segments);
        self.is_unambiguous
            && self.drive == pattern.drive
            && is_deep_enough
            && pairs.all(|(part, name)| matches_by_segment(part, name))
    }
}

/// Whether Windows may ignore the end of a file name.
fn has_ignored_end(name: &str) -> bool {
    !["", ".", ".."].contains(&name) && name.ends_with(['.', ' '])
}

fn segments(path: &str) -> Vec<String> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            name => segments.push(name.to_owned()),
        }
    }
    segments
}
