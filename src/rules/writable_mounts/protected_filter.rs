//! A fast check for paths that overlap no protected path. Most volumes are mounted where nothing is protected.

/// What all protected paths have in common, by two of their letters. Upper and lower case letters are equal.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ProtectedFilter {
    /// The first letters of all paths.
    first_letters: u32,
    /// The first letters of paths without a second letter.
    short: u32,
    /// The first and second letters of the other paths.
    pairs: u64,
}

/// The index of the second letter: in `/etc/passwd` and `/usr/bin`, it is the first one of the second segment.
const SECOND: usize = 5;

impl ProtectedFilter {
    /// Creates the filter for protected paths.
    pub(super) fn of<'p>(protected: impl Iterator<Item = &'p &'p str>) -> Self {
        let mut filter = Self::default();
        for path in protected {
            let first = first_letter(path);
            filter.first_letters |= first;
            match pair(path) {
                Some(pair) => filter.pairs |= pair,
                None => filter.short |= first,
            }
        }
        filter
    }

    /// Returns whether no protected path can overlap a path.
    pub(super) fn excludes(self, path: &str) -> bool {
        let first = first_letter(path);
        match pair(path) {
            // Of two paths that overlap, one begins with the other.
            Some(pair) => self.short & first == 0 && self.pairs & pair == 0,
            None => self.first_letters & first == 0,
        }
    }
}

/// Returns the first letter of a path as a bit. The root overlaps paths of every letter.
fn first_letter(path: &str) -> u32 {
    path.as_bytes().get(1).map_or(u32::MAX, |letter| 1 << (letter % 32))
}

/// Returns the first and the second letter of a path as one bit, if the path is long enough.
fn pair(path: &str) -> Option<u64> {
    let (first, second) = (path.as_bytes().get(1)?, path.as_bytes().get(SECOND)?);
    Some(1 << ((first % 32 * 7 + second % 32) % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_overlap_nothing_are_excluded() {
        let filter = ProtectedFilter::of(["/bin", "/usr/bin", "/etc/passwd", "/Windows"].iter());
        for path in
            ["", "/", "/bin", "/bin/x/y", "/usr", "/usr/", "/USR/BIN/x", "/etc/passwd", "/etc", "/windows/x"]
        {
            assert!(!filter.excludes(path), "{path}");
        }
        for path in ["/data", "/var/run", "/usr/share", "/etc/nginx", "/tmp"] {
            assert!(filter.excludes(path), "{path}");
        }
    }
}
