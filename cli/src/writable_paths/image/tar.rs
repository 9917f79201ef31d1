//! Reads tar archives as streams, within bounds.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use tar::{Archive, EntryType, Header};

/// Maximum size of the headers of an entry, in bytes. The library keeps long names and extended headers in memory.
const MAX_HEADER_BYTES: u64 = 1 << 20;

/// Maximum length of a path, in bytes: `PATH_MAX` of Linux.
const MAX_PATH_BYTES: usize = 4096;

/// An entry of an archive.
pub(super) struct Member<'c> {
    /// The absolute path, without `.`, `..` and slashes at the end. Nothing if it is longer than every path of Linux.
    pub(super) path: Option<Vec<u8>>,
    pub(super) kind: EntryType,
    pub(super) owner: Owner,
    /// The target of a link, as it is written.
    pub(super) link: Option<Vec<u8>>,
    /// The size of the content, in bytes.
    pub(super) size: u64,
    pub(super) content: &'c mut dyn Read,
}

/// The owner of a file, and the permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u64,
    pub(super) gid: u64,
    /// The permissions, as in `chmod`.
    pub(super) mode: u32,
}

/// Calls a function for every entry of an archive, in their order.
pub(super) fn for_each(
    reader: impl Read,
    mut visit: impl FnMut(Member<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let allowance = Rc::new(Cell::new(MAX_HEADER_BYTES));
    let mut archive = Archive::new(Allowed { reader, left: Rc::clone(&allowance) });
    for entry in archive.entries()? {
        let mut entry = entry?;
        let kind = entry.header().entry_type();
        // Its size can be any number, without any content.
        if kind.is_gnu_sparse() {
            return Err(invalid("sparse files are not supported"));
        }
        allowance.set(u64::MAX);
        let size = entry.size();
        let path = normalized(&entry.path_bytes());
        let link = entry.link_name_bytes().map(std::borrow::Cow::into_owned);
        let owner = owner(entry.header());
        let mut content = Counting { reader: &mut entry, bytes: 0 };
        visit(Member { path, kind, owner, link, size, content: &mut content })?;
        io::copy(&mut content, &mut io::sink())?;
        if content.bytes < size {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        allowance.set(MAX_HEADER_BYTES);
    }
    Ok(())
}

/// Returns the owner. Tools leave fields empty that they do not need, and mean 0.
fn owner(header: &Header) -> Owner {
    Owner {
        uid: header.uid().unwrap_or_default(),
        gid: header.gid().unwrap_or_default(),
        mode: header.mode().unwrap_or_default(),
    }
}

/// Returns the absolute form of a path in an archive, as runtimes resolve it: `..` does not leave the root.
pub(super) fn normalized(path: &[u8]) -> Option<Vec<u8>> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    let mut normalized = Vec::with_capacity(path.len() + 1);
    for name in names {
        normalized.push(b'/');
        normalized.extend(name);
    }
    if normalized.is_empty() {
        normalized.push(b'/');
    }
    (normalized.len() <= MAX_PATH_BYTES).then_some(normalized)
}

pub(super) fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// Counts the bytes of a content that were read.
struct Counting<'e, R> {
    reader: &'e mut R,
    bytes: u64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        Ok(bytes)
    }
}

/// A reader that fails after an allowance, which changes from entry to entry.
struct Allowed<R> {
    reader: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(buffer)?;
        let left = self.left.get().checked_sub(bytes as u64);
        self.left.set(left.ok_or_else(|| invalid("the headers of an entry are larger than 1 MiB"))?);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        for (path, expected) in [
            ("etc/passwd", "/etc/passwd"),
            ("./etc/passwd/", "/etc/passwd"),
            ("/etc//passwd", "/etc/passwd"),
            ("../../etc/passwd", "/etc/passwd"),
            ("a/../../etc", "/etc"),
            ("./", "/"),
            ("", "/"),
        ] {
            assert_eq!(normalized(path.as_bytes()).as_deref(), Some(expected.as_bytes()), "{path}");
        }
        assert_eq!(normalized("a/".repeat(2100).as_bytes()), None);
    }
}
