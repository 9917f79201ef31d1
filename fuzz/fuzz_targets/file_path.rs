//! Paths, one a line, against a slow reading of them: lists of segments, of which one may begin with another.

#![no_main]

use immutable_pods_policy::kubernetes::file_path::{FilePath, check_pattern, check_place};
use libfuzzer_sys::fuzz_target;

/// The most stars of a pattern: to try all runs takes ever longer.
const MOST_STARS: usize = 4;

/// The segments of a path, from the root.
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

fn normal(path: &str) -> String {
    format!("/{}", segments(path).join("/"))
}

/// A path as Linux would write what Windows reads, and whether Windows may read something else.
fn translated(path: &str) -> (String, bool) {
    let path = path.replace('\\', "/").to_ascii_lowercase();
    let device = path.strip_prefix("//?/c:").or_else(|| path.strip_prefix("//./c:"));
    // What is left of two slashes leads to another machine, or to another device.
    let is_elsewhere = device.is_none() && path.starts_with("//");
    let path = device.or_else(|| path.strip_prefix("c:")).unwrap_or(&path);
    let without_end = |part: &str| match part {
        "." | ".." => part.to_owned(),
        _ => part.trim_end_matches(['.', ' ']).to_owned(),
    };
    let plain = path.split('/').map(without_end).collect::<Vec<_>>().join("/");
    let is_doubtful = is_elsewhere || plain != path;
    (plain, is_doubtful)
}

/// Whether it is an absolute path to Windows alone.
fn is_of_windows(path: &str) -> bool {
    path.starts_with('\\') || path.as_bytes().get(1) == Some(&b':')
}

fuzz_target!(|text: &str| {
    let paths: Vec<_> = text.split('\n').take(4).collect();
    for first in &paths {
        let (plain, is_doubtful) = translated(first);
        let linux = Read { path: FilePath::linux(first), plain: first, is_doubtful: false, folds: false };
        let windows = Read { path: FilePath::windows(first), plain: &plain, is_doubtful, folds: true };
        let unknown = if is_of_windows(first) {
            Read { path: FilePath::unknown(first), is_doubtful: true, ..windows }
        } else {
            Read { path: FilePath::unknown(first), ..linux }
        };
        assert_eq!(linux.path, FilePath::linux(&normal(first)), "normalising changes where a path leads");
        for second in &paths {
            assert_eq!(linux.path == FilePath::linux(second), segments(first) == segments(second));
            check_order(&paths, first, second);
            for read in [&linux, &windows, &unknown] {
                read.check_place(second);
                read.check_pattern(second);
            }
        }
    }
});

/// To lie within is an order: of two that lie within each other both are the same, and what lies within what lies within
/// a third lies within that as well.
fn check_order(paths: &[&str], first: &str, second: &str) {
    let is_within = |inner: &str, outer: &str| FilePath::linux(inner).starts_with(&normal(outer));
    if !is_within(first, second) {
        return;
    }
    assert_eq!(is_within(second, first), FilePath::linux(first) == FilePath::linux(second));
    for third in paths {
        assert!(!is_within(second, third) || is_within(first, third));
    }
}

/// A path that was read, and what is known of it.
struct Read<'p> {
    path: FilePath<'p>,
    /// The same as Linux writes it.
    plain: &'p str,
    /// Whether it lies nowhere for certain.
    is_doubtful: bool,
    /// Whether case makes no difference.
    folds: bool,
}

impl Read<'_> {
    /// Compares with a place of the settings.
    fn check_place(&self, place: &str) {
        if check_place(place).is_err() {
            return;
        }
        let folded = self.folded(place);
        let (path, segments) = (segments(self.plain), segments(&folded));
        let (is_within, holds) = (path.starts_with(&segments), segments.starts_with(&path));
        assert_eq!(self.path.starts_with(place), is_within && !self.is_doubtful, "{place}");
        assert_eq!(self.path.contains(place), holds, "{place}");
        assert_eq!(self.path.overlaps(place), is_within || holds, "{place}");
    }

    /// Compares with a pattern of the settings.
    fn check_pattern(&self, pattern: &str) {
        let stars = pattern.bytes().filter(|byte| *byte == b'*').count();
        if stars > MOST_STARS || check_pattern(pattern).is_err() {
            return;
        }
        let folded = self.folded(pattern);
        let (place, only_below) = folded.strip_suffix("/**").map_or((&*folded, false), |place| (place, true));
        let (path, parts) = (segments(self.plain), segments(place));
        let is_within = path.len() >= parts.len() + usize::from(only_below)
            && parts.iter().zip(&path).all(|(part, own)| matches(part.as_bytes(), own.as_bytes()));
        assert_eq!(self.path.is_within_pattern(pattern), is_within && !self.is_doubtful, "{pattern}");
    }

    fn folded(&self, place: &str) -> String {
        if self.folds { place.to_ascii_lowercase() } else { place.to_owned() }
    }
}

/// Whether a text is what a pattern says, by trying every run that a star may stand for.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) if matches(rest, text) => true,
        ([b'*', ..], [_, behind @ ..]) => matches(pattern, behind),
        ([first, rest @ ..], [byte, behind @ ..]) => first == byte && matches(rest, behind),
        _ => false,
    }
}
