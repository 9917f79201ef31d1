//! Where the documents and layers of an image are: in a folder, or in an archive that is read once.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::budget::{Budget, MAX_DOCUMENT_BYTES};
use super::layer::Layer;
use super::message;
use super::stream::{Meter, peek};
use super::tar::{self, Member, invalid, normalized};

/// The files of an image by their names.
pub(super) trait Blobs {
    /// Returns whether there is a file with a name.
    fn has(&self, name: &str) -> bool;

    /// Returns the content of a document.
    fn document(&mut self, name: &str) -> io::Result<Vec<u8>>;

    /// Returns what a layer changes.
    fn layer(&mut self, name: &str) -> io::Result<Rc<Layer>>;
}

/// The error for a file that the image names but does not have.
fn missing() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the file is missing")
}

/// The files in a folder.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) root: PathBuf,
    pub(super) meter: Meter,
    pub(super) budget: Budget,
}

impl Folder {
    /// Opens a file. Other names could lead out of the folder, or wait for a writer.
    fn open(&self, name: &str) -> io::Result<File> {
        let path = self.path(name).ok_or_else(missing)?;
        let metadata = fs::metadata(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => error,
        })?;
        if metadata.is_file() { File::open(path) } else { Err(invalid("expected a file")) }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        let normalized = normalized(name.as_bytes())?;
        let relative = str::from_utf8(normalized.strip_prefix(b"/")?).ok()?;
        Some(self.root.join(Path::new(relative)))
    }
}

impl Blobs for Folder {
    fn has(&self, name: &str) -> bool {
        self.path(name).is_some_and(|path| path.is_file())
    }

    fn document(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.open(name)?.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut content)?;
        if content.len() as u64 > MAX_DOCUMENT_BYTES {
            return Err(invalid("the document is larger than 4 MiB"));
        }
        self.budget.take_document(content.len())?;
        Ok(content)
    }

    fn layer(&mut self, name: &str) -> io::Result<Rc<Layer>> {
        let file = self.open(name)?;
        Layer::read(self.meter.input(file), &self.meter, &mut self.budget).map(Rc::new)
    }
}

/// The files of an archive. What they are for is known only after the archive was read, so every file that can be a document or a
/// layer is read as one.
#[derive(Debug, Default)]
pub(super) struct Archive {
    documents: BTreeMap<Vec<u8>, Vec<u8>>,
    layers: BTreeMap<Vec<u8>, Result<Rc<Layer>, String>>,
    /// The targets of links: `docker save` writes equal layers once.
    links: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Archive {
    /// Reads an archive that is not compressed any more.
    pub(super) fn read(reader: impl Read, meter: &Meter) -> io::Result<Self> {
        let mut archive = Self::default();
        let mut budget = Budget::default();
        tar::for_each(reader, |member| archive.add(member, meter, &mut budget))?;
        Ok(archive)
    }

    fn add(&mut self, member: Member<'_>, meter: &Meter, budget: &mut Budget) -> io::Result<()> {
        let Some(path) = member.path else { return Ok(()) };
        if let Some(target) = member.link.filter(|_| member.kind.is_symlink() || member.kind.is_hard_link()) {
            budget.take_entry(&path)?;
            self.links
                .extend(link_target(&path, &target, member.kind.is_symlink()).map(|target| (path, target)));
            return Ok(());
        }
        if !member.kind.is_file() {
            return Ok(());
        }
        budget.take_entry(&path)?;
        let (head, mut content) = peek(member.content)?;
        let is_document = matches!(head.trim_ascii_start().first(), Some(b'{' | b'['));
        if is_document && member.size <= MAX_DOCUMENT_BYTES {
            let mut document = Vec::new();
            content.read_to_end(&mut document)?;
            budget.take_document(document.len())?;
            self.documents.insert(path, document);
        } else {
            let layer = Layer::read(content, meter, budget).map_err(|error| message(&error));
            self.layers.insert(path, layer.map(Rc::new));
        }
        Ok(())
    }

    /// Returns the path of a file, which can be a link to another one.
    fn resolved(&self, name: &str) -> Option<Vec<u8>> {
        let path = normalized(name.as_bytes())?;
        Some(self.links.get(&path).cloned().unwrap_or(path))
    }
}

/// Returns the path to which a link in an archive leads. A symbolic link starts at its folder, every other link at the root.
fn link_target(path: &[u8], target: &[u8], is_symbolic: bool) -> Option<Vec<u8>> {
    let folder = path.iter().rposition(|byte| *byte == b'/').and_then(|slash| path.get(..slash));
    let folder = folder.filter(|_| is_symbolic && !target.starts_with(b"/")).unwrap_or_default();
    normalized(&[folder, b"/", target].concat())
}

impl Blobs for Archive {
    fn has(&self, name: &str) -> bool {
        let has = |path: &Vec<u8>| self.documents.contains_key(path) || self.layers.contains_key(path);
        self.resolved(name).is_some_and(|path| has(&path))
    }

    fn document(&mut self, name: &str) -> io::Result<Vec<u8>> {
        let path = self.resolved(name).ok_or_else(missing)?;
        self.documents.get(&path).cloned().ok_or_else(missing)
    }

    fn layer(&mut self, name: &str) -> io::Result<Rc<Layer>> {
        let path = self.resolved(name).ok_or_else(missing)?;
        let layer = self.layers.get(&path).ok_or_else(missing)?;
        layer.clone().map_err(|message| invalid(&message))
    }
}
