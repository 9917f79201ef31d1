//! Paths, one a line, against a slow reading of them: lists of segments, of which one may begin with another.

#![no_main]

use immutable_pods_policy::file_path::{FilePath, check_pattern, check_place, pattern_lies_within};
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

/// A path as Linux would write what Windows reads.
fn translated(path: &str) -> String {
    let path = path.replace('\\', "/").to_ascii_lowercase();
    path.strip_prefix("c:").unwrap_or(&path).to_owned()
}

fn normal(path: &str) -> String {
    format!("/{}", segments(path).join("/"))
}

fuzz_target!(|text: &str| {
    let paths: Vec<_> = text.split('\n').take(4).collect();
    for first in &paths {
        let (linux, windows) = (FilePath::linux(first), FilePath::windows(first));
        assert_eq!(linux, FilePath::linux(&normal(first)), "normalising changes where a path leads");
        assert_eq!(windows, FilePath::windows(&normal(&translated(first))));
        assert!(linux.is_within(&normal(first)) && linux.holds(&normal(first)));
        for second in &paths {
            assert_eq!(linux == FilePath::linux(second), segments(first) == segments(second));
            check_order(&paths, first, second);
            check_place_of_settings(&linux, first, second, second);
            check_pattern_of_settings(&linux, first, second, second);
            let (first, folded) = (translated(first), second.to_ascii_lowercase());
            check_place_of_settings(&windows, &first, second, &folded);
            check_pattern_of_settings(&windows, &first, second, &folded);
        }
    }
});

/// To lie within is an order: of two that lie within each other both are the same, and what lies within what lies within
/// a third lies within that as well.
fn check_order(paths: &[&str], first: &str, second: &str) {
    let is_within = |inner: &str, outer: &str| FilePath::linux(inner).is_within(&normal(outer));
    if !is_within(first, second) {
        return;
    }
    assert_eq!(is_within(second, first), FilePath::linux(first) == FilePath::linux(second));
    for third in paths {
        assert!(!is_within(second, third) || is_within(first, third));
    }
}

/// Compares with a place of the settings. `path` is what was read as Linux writes it, and `folded` the place likewise.
fn check_place_of_settings(read: &FilePath<'_>, path: &str, place: &str, folded: &str) {
    if check_place(place).is_err() {
        return;
    }
    let (path, folded) = (segments(path), segments(folded));
    let (is_within, holds) = (path.starts_with(&folded), folded.starts_with(&path));
    assert_eq!(read.is_within(place), is_within, "{place}");
    assert_eq!(read.holds(place), holds, "{place}");
    assert_eq!(read.overlaps(place), is_within || holds, "{place}");
}

/// Compares with a pattern of the settings, likewise.
fn check_pattern_of_settings(read: &FilePath<'_>, path: &str, pattern: &str, folded: &str) {
    let stars = pattern.bytes().filter(|byte| *byte == b'*').count();
    if stars > MOST_STARS || check_pattern(pattern).is_err() {
        return;
    }
    let (place, only_below) = folded.strip_suffix("/**").map_or((folded, false), |place| (place, true));
    let (path, parts) = (segments(path), segments(place));
    let is_within = path.len() >= parts.len() + usize::from(only_below)
        && parts.iter().zip(&path).all(|(part, own)| matches(part.as_bytes(), own.as_bytes()));
    assert_eq!(read.is_within_pattern(pattern), is_within, "{pattern}");
    if is_within && !place.contains('*') && pattern_lies_within(folded, place) {
        assert!(read.is_within(place), "{pattern} names something outside of {place}");
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
