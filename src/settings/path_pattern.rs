//! Paths and path patterns of the settings.
//!
//! In a pattern, `*` matches any characters within one segment, and a trailing `/**` matches only what is below.

use std::borrow::Cow;

use super::declaration::{Demand, Format};
use super::wildcard;
use crate::kubernetes::file_path::{FilePath, segments_of};
use crate::text::{is_unprintable, quoted};

/// An absolute path, which includes everything below it.
pub const PATH: Format = Format { check: check_parent, demands: LITERAL, choices: None };

/// An absolute path of a file.
pub const FILE: Format = Format { check: check_file, demands: LITERAL, choices: None };

const LITERAL: &[Demand] =
    &[Demand::Matches("^/"), Demand::MatchesNot(NOT_NORMALIZED), Demand::MatchesNot(r"\*")];

/// A pattern of absolute paths.
pub const PATH_PATTERN: Format = Format {
    check: check_pattern,
    demands: &[
        Demand::Matches("^/"),
        Demand::MatchesNot(NOT_NORMALIZED),
        Demand::MatchesNot(r"\*\*[\s\S]|[^/]\*\*$"),
    ],
    choices: None,
};

/// What a path contains that is not normalized.
pub const NOT_NORMALIZED: &str = r"//|/\.\.?(/|$)";

/// Checks a path.
///
/// # Errors
/// If the path is relative, contains `.`, `..` or `//`, or something that messages cannot show as it is.
pub fn check_path(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("expected an absolute path, got {}", quoted(path)));
    }
    if path.contains("//") || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(format!("must be a normalized path (no \".\", \"..\" or \"//\"), got {}", quoted(path)));
    }
    if path.chars().any(is_unprintable) {
        return Err(format!("must not contain invisible characters, got {}", quoted(path)));
    }
    Ok(())
}

/// Checks the path of a file, in which a star has no meaning.
fn check_file(path: &str) -> Result<(), String> {
    check_path(path)?;
    if path.contains('*') {
        return Err(format!("\"*\" has no special meaning here, got {}", quoted(path)));
    }
    Ok(())
}

/// Checks a path that includes everything below it, so that it needs no star at its end.
fn check_parent(path: &str) -> Result<(), String> {
    check_path(path)?;
    let parent = path.strip_suffix("/**").or_else(|| path.strip_suffix("/*"));
    match parent.filter(|parent| !parent.contains('*')) {
        Some(parent) => {
            let parent = if parent.is_empty() { "/" } else { parent };
            let (parent, path) = (quoted(parent), quoted(path));
            Err(format!("\"*\" has no special meaning here, write {parent} instead of {path}"))
        }
        None => check_file(path),
    }
}

/// Checks a pattern of paths.
///
/// # Errors
/// If [`check_path`] refuses it, or if `**` is anywhere but at its end.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    check_path(pattern)?;
    if split_pattern(pattern).0.contains("**") {
        return Err(format!(
            "\"**\" is supported only at the end, as in \"/data/**\", got {}",
            quoted(pattern)
        ));
    }
    Ok(())
}

/// Whether a path certainly matches a pattern, or is below a path that does.
#[must_use]
pub fn is_within(path: &FilePath<'_>, pattern: &str) -> bool {
    let (parent, only_below) = split_pattern(pattern);
    let parent = if path.ignores_case() { parent.to_ascii_lowercase().into() } else { Cow::from(parent) };
    // Most paths differ from most patterns before the first star.
    let (pattern_rest, rest) = wildcard::without_common_start(parent.as_bytes(), path.as_str().as_bytes());
    if !rest.is_empty() && pattern_rest.first().is_some_and(|byte| *byte != b'*') {
        return false;
    }
    let mut segments = path.segments();
    let is_within = segments_of(&parent)
        .all(|part| segments.next().is_some_and(|segment| wildcard::matches(part, segment)));
    !path.is_ambiguous() && is_within && (!only_below || segments.next().is_some())
}

/// Whether everything that a pattern matches is at a path or below it, so that denying the path denies all of it.
#[must_use]
pub fn lies_within(pattern: &str, path: &str) -> bool {
    let mut parts = segments_of(split_pattern(pattern).0);
    segments_of(path).all(|segment| parts.next() == Some(segment))
}

/// The pattern without a trailing `/**`, and whether it had one.
fn split_pattern(pattern: &str) -> (&str, bool) {
    match pattern.strip_suffix("/**") {
        Some(parent) => (parent, true),
        None => (pattern, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_within_a_segment_and_all_below() {
        let path = |path| FilePath::linux(path);
        for (inside, pattern) in [
            ("/data", "/data"),
            ("/data/x/y", "/data"),
            ("/data/a", "/data/*"),
            ("/data/a/b", "/data/*"),
            ("/var/lib/app-1", "/var/lib/app-*"),
            ("/data/x", "/data/**"),
            ("/data/x/y", "/data/**"),
            ("/x", "/**"),
        ] {
            assert!(is_within(&path(inside), pattern), "{inside} {pattern}");
        }
        for (outside, pattern) in [
            ("/database", "/data"),
            ("/data", "/data/*"),
            ("/data", "/data/**"),
            ("/data/", "/data/**"),
            ("/", "/**"),
            ("/var/lib/x/app", "/var/*/app"),
            ("/data/../etc", "/data"),
        ] {
            assert!(!is_within(&path(outside), pattern), "{outside} {pattern}");
        }
    }

    #[test]
    fn windows_paths_match_in_any_case_and_only_if_they_are_unambiguous() {
        assert!(is_within(&FilePath::windows(r"c:\program files\app\"), "/program*/A*"));
        for ambiguous in [r"C:\Data.", r"C:\data ", r"\x\.. \..\data "] {
            assert!(!is_within(&FilePath::windows(ambiguous), "/data"), "{ambiguous}");
        }
    }

    #[test]
    fn a_pattern_may_lie_within_a_place() {
        assert!(lies_within("/usr/bin", "/usr/bin"));
        assert!(lies_within("/usr/bin/x*", "/usr/bin"));
        assert!(lies_within("/usr/bin/**", "/usr/bin"));
        assert!(!lies_within("/usr", "/usr/bin"));
        assert!(!lies_within("/usr/*", "/usr/bin"));
        assert!(!lies_within("/usr/**", "/usr/bin"));
    }

    #[test]
    fn a_path_that_includes_what_is_below_needs_no_star() {
        for (path, instead) in [("/opt/*", "/opt"), ("/opt/**", "/opt"), ("/*", "/")] {
            let reason = format!("\"*\" has no special meaning here, write {instead:?} instead of {path:?}");
            assert_eq!(check_parent(path), Err(reason));
        }
        for path in ["/opt/*/bin", "/o*t/*", "/opt/web*"] {
            assert_eq!(check_parent(path), Err(format!("\"*\" has no special meaning here, got {path:?}")));
        }
        assert_eq!(check_parent("/opt"), Ok(()));
    }

    #[test]
    fn settings_name_places_plainly() {
        for path in ["/", "/data", "/data/", "/a.b/..c"] {
            assert_eq!(check_pattern(path), Ok(()), "{path}");
        }
        assert_eq!(check_pattern("/data/**"), Ok(()));
        assert_eq!(check_path("data").unwrap_err(), "expected an absolute path, got \"data\"");
        assert_eq!(check_path("").unwrap_err(), "expected an absolute path, got \"\"");
        assert_eq!(
            check_path("/a/../b").unwrap_err(),
            r#"must be a normalized path (no ".", ".." or "//"), got "/a/../b""#
        );
        for (path, shown) in [("/a\nb", r"/a\u{a}b"), ("/a\u{7f}", r"/a\u{7f}"), ("/\u{202e}", r"/\u{202e}")]
        {
            assert_eq!(
                check_path(path).unwrap_err(),
                format!("must not contain invisible characters, got \"{shown}\"")
            );
        }
        assert_eq!(check_path("/données"), Ok(()));
        assert_eq!(
            check_pattern("/a/**/b").unwrap_err(),
            r#""**" is supported only at the end, as in "/data/**", got "/a/**/b""#
        );
        assert!(check_pattern("/a/x**").is_err());
    }
}
