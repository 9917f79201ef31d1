//! Places in a file system, as Linux and as Windows read paths.

use super::patterns::fits_in_segments;

/// Where a path leads. On Windows, the drive C: is the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    drive: String,
    segments: Vec<String>,
    /// Whether the path says where it begins.
    pub(super) is_absolute: bool,
    /// Whether it leads there for certain. Only then can it lead to what is allowed.
    pub(super) is_certain: bool,
}

impl Place {
    /// Where a path leads.
    pub(super) fn of(path: &str, is_windows: bool) -> Self {
        if !is_windows {
            return Self {
                drive: String::new(),
                segments: segments(path),
                is_absolute: path.starts_with('/'),
                is_certain: true,
            };
        }
        let path = path.replace('\\', "/").to_lowercase();
        let path = path.strip_prefix("//?/c:").or(path.strip_prefix("//./c:")).unwrap_or(&path);
        // What is left of two slashes leads to a device, or to another machine.
        let is_of_here = !path.starts_with("//");
        let (drive, path) = match path.split_once(':') {
            Some((drive, rest)) if drive.len() == 1 => (drive, rest),
            _ => ("c", path),
        };
        let is_certain = is_of_here && !path.split('/').any(has_end);
        let without_ends = |segment: &String| segment.trim_end_matches(['.', ' ']).to_owned();
        Self {
            drive: drive.to_owned(),
            segments: segments(path).iter().map(without_ends).collect(),
            is_absolute: path.starts_with('/'),
            is_certain,
        }
    }

    /// Whether it is the other place, or lies below it. The root holds the other drives as well.
    pub(super) fn is_in(&self, other: &Self) -> bool {
        let has_all_drives = other.segments.is_empty() && other.drive == "c";
        has_all_drives || (self.drive == other.drive && self.segments.starts_with(&other.segments))
    }

    /// How many segments lead there.
    pub(super) fn depth(&self) -> usize {
        self.segments.len()
    }

    /// Whether it is a place that a pattern means, or lies below one; with a trailing `/**`, whether it lies below one.
    pub(super) fn is_in_pattern(&self, pattern: &str, is_windows: bool) -> bool {
        let (pattern, below) = pattern.strip_suffix("/**").map_or((pattern, 0), |above| (above, 1));
        let pattern = Self::of(pattern, is_windows);
        let is_deep_enough = self.depth() >= pattern.depth() + below;
        let mut pairs = pattern.segments.iter().zip(&self.segments);
        self.is_certain
            && self.drive == pattern.drive
            && is_deep_enough
            && pairs.all(|(part, name)| fits_in_segments(part, name))
    }
}

/// Whether Windows may overlook the end of a name.
fn has_end(name: &str) -> bool {
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
