//! Compares paths, one per line, with a simple implementation: lists of segments and their prefixes.

#![no_main]

use immutable_pods_policy::kubernetes::file_path::FilePath;
use immutable_pods_policy::settings::path_pattern::{check_path, check_pattern, is_within};
use libfuzzer_sys::fuzz_target;

/// Maximum number of stars in a pattern, because [`matches`] takes exponential time.
const MAX_STARS: usize = 4;

/// Returns the segments of a path, from the root.
fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments
}

fn normalized(path: &str) -> String {
    format!("/{}", segments(path).join("/"))
}

/// Converts a Windows path to a Linux path, and returns whether the Windows path is ambiguous.
fn from_windows(path: &str) -> (String, bool) {
    let path = path.replace('\\', "/").to_ascii_lowercase();
    let device = path.strip_prefix("//?/c:").or_else(|| path.strip_prefix("//./c:"));
    // Other paths that start with two slashes name another machine or device.
    let is_remote = device.is_none() && path.starts_with("//");
    let path = device.or_else(|| path.strip_prefix("c:")).unwrap_or(&path);
    let without_end = |part: &str| match part {
        "." | ".." => part.to_owned(),
        _ => part.trim_end_matches(['.', ' ']).to_owned(),
    };
    let plain = path.split('/').map(without_end).collect::<Vec<_>>().join("/");
    let is_ambiguous = is_remote || plain != path;
    (plain, is_ambiguous)
}

/// Whether a path is absolute on Windows but not on Linux.
fn is_windows_only(path: &str) -> bool {
    path.starts_with('\\') || path.as_bytes().get(1) == Some(&b':')
}

fuzz_target!(|text: &str| {
    let paths: Vec<_> = text.split('\n').take(4).collect();
    for first in &paths {
        let (plain, is_ambiguous) = from_windows(first);
        let linux =
            Parsed { path: FilePath::linux(first), plain: first, is_ambiguous: false, ignores_case: false };
        let windows =
            Parsed { path: FilePath::windows(first), plain: &plain, is_ambiguous, ignores_case: true };
        let unknown = if is_windows_only(first) {
            Parsed { path: FilePath::unknown(first), is_ambiguous: true, ..windows }
        } else {
            Parsed { path: FilePath::unknown(first), ..linux }
        };
        assert_eq!(
            linux.path,
            FilePath::linux(&normalized(first)),
            "normalization changes the target of a path"
        );
        for second in &paths {
            assert_eq!(linux.path == FilePath::linux(second), segments(first) == segments(second));
            check_order(&paths, first, second);
            for parsed in [&linux, &windows, &unknown] {
                parsed.check_prefix(second);
                parsed.check_pattern(second);
            }
        }
    }
});

/// Checks that `starts_with` is a partial order: paths that start with each other are equal, and the relation is transitive.
fn check_order(paths: &[&str], first: &str, second: &str) {
    let starts_with = |inner: &str, outer: &str| FilePath::linux(inner).starts_with(&normalized(outer));
    if !starts_with(first, second) {
        return;
    }
    assert_eq!(starts_with(second, first), FilePath::linux(first) == FilePath::linux(second));
    for third in paths {
        assert!(!starts_with(second, third) || starts_with(first, third));
    }
}

/// A parsed path, with the expected properties.
struct Parsed<'p> {
    path: FilePath<'p>,
    /// The same path in Linux notation.
    plain: &'p str,
    /// Whether the path is ambiguous, so that it is not within any path.
    is_ambiguous: bool,
    /// Whether upper and lower case are equal.
    ignores_case: bool,
}

impl Parsed<'_> {
    /// Compares the path with a path in the settings.
    fn check_prefix(&self, prefix: &str) {
        if check_path(prefix).is_err() {
            return;
        }
        let folded = self.folded(prefix);
        let (path, segments) = (segments(self.plain), segments(&folded));
        let (starts_with, contains) = (path.starts_with(&segments), segments.starts_with(&path));
        assert_eq!(self.path.starts_with(prefix), starts_with && !self.is_ambiguous, "{prefix}");
        assert_eq!(self.path.contains(prefix), contains, "{prefix}");
        assert_eq!(self.path.overlaps(prefix), starts_with || contains, "{prefix}");
    }

    /// Compares the path with a pattern in the settings.
    fn check_pattern(&self, pattern: &str) {
        let stars = pattern.bytes().filter(|byte| *byte == b'*').count();
        if stars > MAX_STARS || check_pattern(pattern).is_err() {
            return;
        }
        let folded = self.folded(pattern);
        let (above, only_below) = folded.strip_suffix("/**").map_or((&*folded, false), |above| (above, true));
        let (path, parts) = (segments(self.plain), segments(above));
        let is_match = path.len() >= parts.len() + usize::from(only_below)
            && parts.iter().zip(&path).all(|(part, own)| matches(part.as_bytes(), own.as_bytes()));
        assert_eq!(is_within(&self.path, pattern), is_match && !self.is_ambiguous, "{pattern}");
    }

    fn folded(&self, path: &str) -> String {
        if self.ignores_case { path.to_ascii_lowercase() } else { path.to_owned() }
    }
}

/// Whether a pattern matches a text. Tries every number of characters for each star.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) if matches(rest, text) => true,
        ([b'*', ..], [_, others @ ..]) => matches(pattern, others),
        ([first, rest @ ..], [byte, others @ ..]) => first == byte && matches(rest, others),
        _ => false,
    }
}
