//! A layer of an image: what it adds and removes.

use std::io::{self, Read};

use super::budget::Budget;
use super::stream::{Meter, Stream};
use super::tar::{self, Member, Owner};

/// The name of a file that hides the content that a directory has in the layers below.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts>
const OPAQUE: &[u8] = b".wh..wh..opq";

/// The beginning of the name of a file that removes another one from the layers below.
const WHITEOUT: &[u8] = b".wh.";

/// The beginning of the names of files that file systems of runtimes use themselves.
const RESERVED: &[u8] = b".wh..wh.";

/// The path of the file with the users and their homes.
const PASSWD: &[u8] = b"/etc/passwd";

/// Maximum size of the file with the users, in bytes.
const MAX_PASSWD_BYTES: u64 = 1 << 20;

/// What a layer adds to the layers below, and removes from them.
#[derive(Debug, Default)]
pub(super) struct Layer {
    /// In the order of the archive.
    pub(super) changes: Vec<Change>,
    /// The content of `/etc/passwd`, if the layer has one.
    pub(super) passwd: Option<Vec<u8>>,
}

/// A change of a layer, with an absolute path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    Add(Box<[u8]>, Node),
    /// Removes a path of the layers below.
    Remove(Box<[u8]>),
    /// Removes the content that a directory has in the layers below.
    Clear(Box<[u8]>),
}

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Directory(Owner),
    /// A symbolic link, with its target as it is written.
    Link(Box<[u8]>),
    /// Every other file.
    File,
}

impl Layer {
    /// Reads a layer, which can be compressed.
    pub(super) fn read(reader: impl Read, meter: &Meter, budget: &mut Budget) -> io::Result<Self> {
        let stream = Stream::decompressed(reader, meter)?;
        if !stream.is_tar() {
            return Err(tar::invalid(
                "not a tar archive, or compressed with another program than gzip and zstd",
            ));
        }
        let mut layer = Self::default();
        tar::for_each(stream.reader, |member| layer.add(member, budget))?;
        Ok(layer)
    }

    fn add(&mut self, mut member: Member<'_>, budget: &mut Budget) -> io::Result<()> {
        let Some(path) = member.path.take() else { return Ok(()) };
        let node = match member.kind {
            kind if kind.is_dir() => Node::Directory(member.owner),
            kind if kind.is_symlink() => Node::Link(member.link.unwrap_or_default().into()),
            kind if kind.is_pax_global_extensions() => return Ok(()),
            _ => Node::File,
        };
        budget.take_entry(&path)?;
        if path == PASSWD && node == Node::File && member.size <= MAX_PASSWD_BYTES {
            let mut content = Vec::new();
            member.content.read_to_end(&mut content)?;
            self.passwd = Some(content);
        }
        self.changes.extend(change(path, node));
        Ok(())
    }
}

/// Returns what an entry of a layer changes.
fn change(path: Vec<u8>, node: Node) -> Option<Change> {
    let start = path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
    let (parent, name) = path.split_at_checked(start)?;
    let parent = parent.strip_suffix(b"/").unwrap_or(parent);
    match name.strip_prefix(WHITEOUT) {
        None => Some(Change::Add(path.into(), node)),
        Some(_) if name == OPAQUE => Some(Change::Clear(parent.into())),
        Some(_) if name.starts_with(RESERVED) => None,
        Some(removed) => Some(Change::Remove([parent, b"/", removed].concat().into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_whiteouts_remove() {
        let file = |path: &str| change(path.as_bytes().to_vec(), Node::File);
        assert_eq!(file("/a/b"), Some(Change::Add(b"/a/b".as_slice().into(), Node::File)));
        assert_eq!(file("/a/.wh.b"), Some(Change::Remove(b"/a/b".as_slice().into())));
        assert_eq!(file("/.wh.b"), Some(Change::Remove(b"/b".as_slice().into())));
        assert_eq!(file("/a/.wh..wh..opq"), Some(Change::Clear(b"/a".as_slice().into())));
        assert_eq!(file("/.wh..wh..opq"), Some(Change::Clear(b"".as_slice().into())));
        assert_eq!(file("/a/.wh..wh.plnk"), None);
    }
}
