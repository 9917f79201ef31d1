//! Paths of files and directories, as a container or a node sees them, compared segment by segment.
//!
//! Links are not followed: nothing that a policy can see says where one leads.

use std::borrow::Cow;

use crate::settings::wildcard;
use crate::text::{is_unprintable, quoted};

/// A path that somebody wrote into a pod, from the root, without `.`, `..` and empty segments.
#[derive(Debug, PartialEq, Eq)]
pub struct FilePath<'p> {
    /// Empty for the root; otherwise it begins with a slash and does not end in one.
    path: Cow<'p, str>,
    ignores_case: bool,
    /// Whether it may lead elsewhere than it seems to. Then it lies nowhere for certain.
    is_doubtful: bool,
}

impl<'p> FilePath<'p> {
    /// Reads a path as Linux does. A relative one starts at the root, as in the mounts of a container.
    #[must_use]
    pub fn linux(path: &'p str) -> Self {
        let path = if is_normal(path) { Cow::Borrowed(path) } else { normalised(path).into() };
        Self { path, ignores_case: false, is_doubtful: false }
    }

    /// Reads a path as Windows does: `\` separates as well, case makes no difference, the drive `C:` is the root, and dots
    /// and spaces at the end of names may count for nothing.
    ///
    /// Source: "File path formats on Windows systems" in the documentation of .NET.
    #[must_use]
    pub fn windows(path: &str) -> Self {
        let path = path.replace('\\', "/").to_ascii_lowercase();
        // The names of devices lead to drives too.
        let of_device = path.strip_prefix("//?/").or_else(|| path.strip_prefix("//./"));
        let path = of_device.filter(|path| path.starts_with("c:")).unwrap_or(&path);
        // What begins with two slashes is a device, or on another machine.
        let is_elsewhere = path.starts_with("//");
        let path = path.strip_prefix("c:").unwrap_or(path);
        let plain = without_ends(path);
        Self {
            is_doubtful: is_elsewhere || plain != path,
            path: normalised(&plain).into(),
            ignores_case: true,
        }
    }

    /// Reads a path of a pod that may run anywhere. One that only Windows would take for absolute lies nowhere for certain,
    /// and may be what Windows takes it for.
    #[must_use]
    pub fn unknown(path: &'p str) -> Self {
        if matches!(path.as_bytes(), [b'\\', ..] | [_, b':', ..]) {
            Self { is_doubtful: true, ..Self::windows(path) }
        } else {
            Self::linux(path)
        }
    }

    /// Whether it is a place of the settings, or lies below it, for certain.
    #[must_use]
    pub fn is_within(&self, place: &str) -> bool {
        !self.is_doubtful && self.common(place).is_some_and(|(_, rest)| rest.is_empty())
    }

    /// Whether it is a place of the settings, or the place lies below it.
    #[must_use]
    pub fn holds(&self, place: &str) -> bool {
        self.common(place).is_some_and(|(rest, _)| rest.is_empty())
    }

    /// Whether one of the two may be the other, or lie below it.
    #[must_use]
    #[inline]
    pub fn overlaps(&self, place: &str) -> bool {
        // The byte behind the first slash spares most places the call: each mount is held against all of them.
        let differ =
            self.path.as_bytes().get(1).zip(place.as_bytes().get(1)).is_some_and(|(own, other)| own != other);
        (!differ || self.ignores_case) && self.common(place).is_some()
    }

    /// Whether it is a place that a pattern names, or lies below one, for certain. In a pattern `*` stands for any run of characters
    /// within a segment; one that ends in `/**` names only what lies below.
    #[must_use]
    pub fn is_within_pattern(&self, pattern: &str) -> bool {
        let (place, only_below) = split_pattern(pattern);
        let place = if self.ignores_case { place.to_ascii_lowercase().into() } else { Cow::from(place) };
        // Most paths differ from most patterns before the first star.
        let (pattern_rest, rest) = wildcard::without_common_start(place.as_bytes(), self.path.as_bytes());
        if !rest.is_empty() && pattern_rest.first().is_some_and(|byte| *byte != b'*') {
            return false;
        }
        let mut mine = segments_of(&self.path);
        let is_within =
            segments_of(&place).all(|part| mine.next().is_some_and(|own| wildcard::matches(part, own)));
        !self.is_doubtful && is_within && (!only_below || mine.next().is_some())
    }

    /// What is left of the path, and of a place of the settings, behind all that they have in common, if one of the two is
    /// the other or lies below it. Nearly always a byte or two tell that none does.
    fn common<'s>(&self, place: &'s str) -> Option<(&[u8], &'s [u8])> {
        let (mine, theirs) = (self.path.as_bytes(), without_end(place).as_bytes());
        let length = mine.len().min(theirs.len());
        let (rest, their_rest) = (mine.get(length..)?, theirs.get(length..)?);
        let ends_segment = matches!((rest, their_rest), ([], []) | ([b'/', ..], _) | (_, [b'/', ..]));
        let same =
            |(own, other): (&u8, &u8)| own == other || self.ignores_case && own.eq_ignore_ascii_case(other);
        (ends_segment && mine.iter().zip(theirs).all(same)).then_some((rest, their_rest))
    }
}

/// A place of the settings without the slash at its end.
fn without_end(place: &str) -> &str {
    place.strip_suffix('/').unwrap_or(place)
}

/// Whether nothing that a pattern names can lie outside of a place, so that a place which is refused refuses it all.
#[must_use]
pub fn pattern_lies_within(pattern: &str, place: &str) -> bool {
    let mut parts = segments_of(split_pattern(pattern).0);
    segments_of(place).all(|segment| parts.next() == Some(segment))
}

/// Refuses what is no place in a file system, in settings.
///
/// # Errors
/// When the path is relative, or has `.`, `..`, `//` or something in it that messages could not show as it is.
pub fn check_place(path: &str) -> Result<(), String> {
    if !path.starts_with('/') {
        return Err(format!("must be an absolute path, not {}", quoted(path)));
    }
    let has_empty_segment = path.as_bytes().windows(2).any(|pair| pair == b"//");
    if has_empty_segment || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(format!("must be a path without ., .. and //, not {}", quoted(path)));
    }
    if path.chars().any(is_unprintable) {
        return Err(format!("must be a path without invisible characters, not {}", quoted(path)));
    }
    Ok(())
}

/// Refuses what is no pattern for places in a file system, in settings.
///
/// # Errors
/// When [`check_place`] refuses it, or `**` stands anywhere but at its end.
pub fn check_pattern(pattern: &str) -> Result<(), String> {
    check_place(pattern)?;
    if split_pattern(pattern).0.as_bytes().windows(2).any(|pair| pair == b"**") {
        return Err(format!("may have ** only at the end, as in /data/**, not {}", quoted(pattern)));
    }
    Ok(())
}

fn split_pattern(pattern: &str) -> (&str, bool) {
    match pattern.strip_suffix("/**") {
        Some(place) => (place, true),
        None => (pattern, false),
    }
}

fn segments_of(place: &str) -> impl Iterator<Item = &str> {
    place.split('/').filter(|segment| !segment.is_empty())
}

/// Whether a path is sure to stand as it would be normalised.
fn is_normal(path: &str) -> bool {
    let slash_ends = |pair: &[u8; 2]| matches!(pair, [b'/', b'/' | b'.']);
    path.starts_with('/') && !path.ends_with('/') && !path.as_bytes().array_windows().any(slash_ends)
}

/// A path without dots and spaces at the end of names.
fn without_ends(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        let plain_segment = match segment {
            "." | ".." => segment,
            _ => segment.trim_end_matches(['.', ' ']),
        };
        plain.extend([if index == 0 { "" } else { "/" }, plain_segment]);
    }
    plain
}

fn normalised(path: &str) -> String {
    let mut normalised = String::with_capacity(path.len() + 1);
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            // Above the root is the root.
            ".." => normalised.truncate(normalised.rsplit_once('/').map_or(0, |(above, _)| above.len())),
            _ => {
                normalised.push('/');
                normalised.push_str(segment);
            }
        }
    }
    normalised
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_what_a_pod_says() {
        for path in [
            "/usr/bin",
            "/usr/bin/",
            "//usr///bin",
            "/./usr/./bin/.",
            "/a/../usr/bin",
            "/../usr/bin",
            "usr/bin",
        ] {
            assert_eq!(FilePath::linux(path), FilePath::linux("/usr/bin"), "{path}");
        }
        for root in ["", "/", "/.", "/..", "/a/..", "//"] {
            assert!(FilePath::linux(root).path.is_empty(), "{root}");
        }
        assert_ne!(FilePath::linux(r"/usr\bin"), FilePath::linux("/usr/bin"));
    }

    #[test]
    fn compares_by_segments() {
        let path = |path| FilePath::linux(path);
        assert!(path("/foo/bar").is_within("/foo"));
        assert!(path("/foo").is_within("/foo/"));
        assert!(path("/foo").is_within("/"));
        assert!(!path("/foobar").is_within("/foo"));
        assert!(!path("/foo/../bar").is_within("/foo"));
        assert!(!path("/").is_within("/foo"));
        assert!(path("/").holds("/foo"));
        assert!(path("/foo").holds("/foo"));
        assert!(path("/foo").holds("/foo/bar"));
        assert!(!path("/foo").holds("/foobar"));
        assert!(!path("/foo/bar").holds("/foo"));
    }

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
            assert!(path(inside).is_within_pattern(pattern), "{inside} {pattern}");
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
            assert!(!path(outside).is_within_pattern(pattern), "{outside} {pattern}");
        }
    }

    #[test]
    fn windows_has_its_own_way() {
        for same in [
            r"C:\Program Files\App",
            r"c:\program files\app\",
            "/Program Files/App",
            r"C:/x\..\Program Files/app",
        ] {
            let path = FilePath::windows(same);
            assert!(path.is_within("/program files/app"), "{same}");
            assert!(path.holds("/PROGRAM FILES/app/x"), "{same}");
            assert!(path.is_within_pattern("/program*/A*"), "{same}");
        }
        assert!(!FilePath::windows(r"D:\app").is_within("/app"));
        assert!(FilePath::windows("é").is_within("/é"));
    }

    #[test]
    fn what_windows_may_read_otherwise_overlaps_and_lies_nowhere() {
        for doubtful in [r"C:\Data.", r"C:\data ", r"C:\data. .\x", r"C:\data\...", r"\x\.. \..\data "] {
            let path = FilePath::windows(doubtful);
            assert!(path.overlaps("/data"), "{doubtful}");
            assert!(!path.is_within("/data"), "{doubtful}");
            assert!(!path.is_within_pattern("/data"), "{doubtful}");
        }
        for plain in [r"\\?\C:\Data\x", r"\\.\c:\data", r"C:\.\data\..\data", r"C:\\data"] {
            assert!(FilePath::windows(plain).is_within("/data"), "{plain}");
        }
        for elsewhere in [r"\\.\pipe\data", r"\\data\x"] {
            assert!(!FilePath::windows(elsewhere).is_within("/"), "{elsewhere}");
        }
    }

    #[test]
    fn a_path_of_nobody_knows_where_may_be_one_of_windows() {
        for path in [r"C:\Data\x", r"c:/data", r"\data"] {
            assert!(FilePath::unknown(path).overlaps("/data"), "{path}");
            assert!(!FilePath::unknown(path).is_within("/data"), "{path}");
        }
        assert!(FilePath::unknown("/data/x").is_within("/data"));
        assert!(!FilePath::unknown("/Data").overlaps("/data"));
        assert!(FilePath::unknown("data").is_within("/data"));
    }

    #[test]
    fn a_pattern_may_lie_within_a_place() {
        assert!(pattern_lies_within("/usr/bin", "/usr/bin"));
        assert!(pattern_lies_within("/usr/bin/x*", "/usr/bin"));
        assert!(pattern_lies_within("/usr/bin/**", "/usr/bin"));
        assert!(!pattern_lies_within("/usr", "/usr/bin"));
        assert!(!pattern_lies_within("/usr/*", "/usr/bin"));
        assert!(!pattern_lies_within("/usr/**", "/usr/bin"));
    }

    #[test]
    fn settings_name_places_plainly() {
        for path in ["/", "/data", "/data/", "/a.b/..c"] {
            assert_eq!(check_pattern(path), Ok(()), "{path}");
        }
        assert_eq!(check_pattern("/data/**"), Ok(()));
        assert_eq!(check_place("data").unwrap_err(), "must be an absolute path, not \"data\"");
        assert_eq!(check_place("").unwrap_err(), "must be an absolute path, not \"\"");
        assert_eq!(
            check_place("/a/../b").unwrap_err(),
            "must be a path without ., .. and //, not \"/a/../b\""
        );
        for (path, shown) in [("/a\nb", r"/a\u{a}b"), ("/a\u{7f}", r"/a\u{7f}"), ("/\u{202e}", r"/\u{202e}")]
        {
            assert_eq!(
                check_place(path).unwrap_err(),
                format!("must be a path without invisible characters, not \"{shown}\"")
            );
        }
        assert_eq!(check_place("/données"), Ok(()));
        assert_eq!(
            check_pattern("/a/**/b").unwrap_err(),
            "may have ** only at the end, as in /data/**, not \"/a/**/b\""
        );
        assert!(check_pattern("/a/x**").is_err());
    }
}
