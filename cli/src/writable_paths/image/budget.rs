//! Limits of memory for what an image contains.

use std::io;

/// Maximum number of files and directories in all layers. The largest images have a few hundred thousand.
const MAX_ENTRIES: usize = 1_000_000;

/// Maximum length of all paths in all layers, in bytes.
const MAX_PATH_BYTES: usize = 128 << 20;

/// Maximum size of all manifests and configurations, in bytes.
const MAX_JSON_BYTES: usize = 64 << 20;

/// Maximum size of one manifest or configuration, in bytes.
///
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md>, "Pushing Manifests".
pub(super) const MAX_DOCUMENT_BYTES: u64 = 4 << 20;

/// What may still be kept in memory.
#[derive(Debug)]
pub(crate) struct Budget {
    entries: usize,
    path_bytes: usize,
    json_bytes: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { entries: MAX_ENTRIES, path_bytes: MAX_PATH_BYTES, json_bytes: MAX_JSON_BYTES }
    }
}

impl Budget {
    /// Takes the memory for an entry of a layer.
    pub(super) fn take_entry(&mut self, path: &[u8]) -> io::Result<()> {
        take(&mut self.entries, 1, too_many_files)?;
        take(&mut self.path_bytes, path.len(), || "the paths of the image are too long".to_owned())
    }

    /// Takes the time to apply a layer, which an image can contain several times.
    pub(super) fn take_changes(&mut self, changes: usize) -> io::Result<()> {
        take(&mut self.entries, changes, too_many_files)
    }

    /// Takes the memory for a document.
    pub(super) fn take_document(&mut self, bytes: usize) -> io::Result<()> {
        take(&mut self.json_bytes, bytes, || "the manifests of the image are too large".to_owned())
    }
}

fn too_many_files() -> String {
    format!("the layers have more than {MAX_ENTRIES} files")
}

fn take(left: &mut usize, amount: usize, message: impl FnOnce() -> String) -> io::Result<()> {
    *left = left.checked_sub(amount).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, message()))?;
    Ok(())
}
