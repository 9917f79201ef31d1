//! Splits a file into documents before they are parsed, like kubectl, so that only one document is in memory.
//!
//! Source: `YAMLReader` in `k8s.io/apimachinery/pkg/util/yaml`.

mod json;
mod lines;
mod yaml;

use std::io::BufRead;
use std::path::Path;

use crate::input::{Position, Problem};

use super::Syntax;
use json::JsonChunks;
use lines::Lines;
use yaml::YamlChunks;

/// The text of one document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// The text, which may not be UTF-8.
    pub(crate) text: Vec<u8>,
    /// The position of the first byte in the file.
    pub(crate) start: Position,
}

/// The documents of a file.
pub(crate) enum Chunks<R> {
    Yaml(YamlChunks<R>),
    Json(JsonChunks<R>),
}

impl<R: BufRead> Chunks<R> {
    /// Starts to read a file. Its name decides the syntax; the text decides if the name has another extension.
    pub(crate) fn new(file: &str, reader: R) -> Result<Self, Problem> {
        let mut lines = Lines::new(reader);
        let extension = Path::new(file).extension().unwrap_or_default();
        let is_json = if extension == "json" {
            true
        } else if extension == "yaml" || extension == "yml" {
            // YAML in flow style starts like JSON.
            false
        } else {
            matches!(lines.first_character().map_err(Problem::Read)?, Some(b'{' | b'['))
        };
        Ok(if is_json { Self::Json(JsonChunks::new(lines)) } else { Self::Yaml(YamlChunks::new(lines)) })
    }

    /// Returns the syntax of the documents.
    pub(crate) fn syntax(&self) -> Syntax {
        match self {
            Self::Yaml(_) => Syntax::Yaml,
            Self::Json(_) => Syntax::Json,
        }
    }
}

impl<R: BufRead> Iterator for Chunks<R> {
    type Item = Result<Chunk, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Yaml(chunks) => chunks.next(),
            Self::Json(chunks) => chunks.next(),
        }
    }
}
