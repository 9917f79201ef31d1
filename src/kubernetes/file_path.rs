//! Paths of files and directories, as a container or a node sees them, compared segment by segment.
//!
//! Links are not followed: nothing that a policy can see says where one leads.

use std::borrow::Cow;

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

    /// The segments of the path.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        segments_of(&self.path)
    }

    /// The path as it is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.path
    }

    /// Whether the case of letters makes no difference.
    #[must_use]
    pub fn ignores_case(&self) -> bool {
        self.ignores_case
    }

    /// Whether the path may lead elsewhere than it seems to.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        self.is_doubtful
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

/// The segments of a path, without empty ones.
pub fn segments_of(place: &str) -> impl Iterator<Item = &str> {
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
}
