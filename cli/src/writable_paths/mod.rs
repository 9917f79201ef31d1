//! Proposes `writablePaths`: the volumes that a container with a read-only root needs.
//!
//! Inputs are images, what a container has written (`docker diff`), logs of a container that could not write, and a table of known
//! images. Each yields [`Evidence`], from which a [`Proposal`] is made. Nothing is unpacked to disk.

mod diff;
mod evidence;
mod image;
mod known_images;
mod lines;
mod log;
mod proposal;
mod yaml;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use self::diff::Diff;
use self::image::stream::{Meter, Stream};
use crate::input::{InputError, Problem, Source};

pub use self::evidence::Evidence;
pub use self::image::Platform;
pub use self::proposal::{LeftOut, Proposal, ProposedPath};

/// What is wrong with a file that is neither an image nor a text.
const NEITHER: &str = "neither a tar archive, which can be compressed with gzip or zstd, nor a text: expected an image, a diff or a log";

/// Reads an input, which is recognised by its content: an image as folder or archive, a diff, or a log. `-` is stdin.
///
/// # Errors
///
/// If the input cannot be read, or does not show where a container writes.
pub fn read(path: &Path, platform: Option<&Platform>) -> Result<Evidence, InputError> {
    if path == Path::new("-") {
        return read_from("stdin", io::stdin().lock(), platform);
    }
    let name = path.display().to_string();
    if path.is_dir() {
        let evidence = image::in_folder(path, platform).map_err(|message| error(&name, unusable(message)))?;
        return Ok(evidence.of_input(&name));
    }
    match File::open(path) {
        Ok(file) => read_from(&name, file, platform),
        Err(failure) => Err(error(&name, Problem::Read(failure))),
    }
}

/// Reads a file or a stream with a name.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(name: &str, reader: impl Read, platform: Option<&Platform>) -> Result<Evidence, InputError> {
    let evidence = recognise(reader, platform).map_err(|problem| error(name, problem))?;
    Ok(evidence.of_input(name))
}

fn recognise(reader: impl Read, platform: Option<&Platform>) -> Result<Evidence, Problem> {
    let meter = Meter::default();
    let stream = Stream::decompressed(meter.input(reader), &meter).map_err(Problem::Read)?;
    if stream.is_tar() {
        return image::in_archive(stream.reader, &meter, platform).map_err(unusable);
    }
    if stream.head.contains(&0) {
        return Err(unusable(NEITHER.to_owned()));
    }
    let head = String::from_utf8_lossy(&stream.head).into_owned();
    if diff::is_lines(&head) {
        return Diff::read_lines(stream.reader).map(|diff| diff.evidence());
    }
    if diff::is_json(&head) {
        return Diff::read_json(stream.reader).map(|diff| diff.evidence());
    }
    log::evidence(stream.reader)
}

fn error(name: &str, problem: Problem) -> InputError {
    InputError::new(Source::file(name), problem)
}

fn unusable(message: String) -> Problem {
    Problem::Syntax { position: None, message }
}
