//! The text of a document, from which positions are computed when they are asked for.

use std::sync::OnceLock;

use serde_json::Value;

use super::compose::compose;
use super::json_tree;
use super::locate::{Step, locate};
use super::node::Node;
use super::split::Chunk;
use crate::input::{Position, Problem};

/// The syntax of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    Yaml,
    Json,
}

/// The text of a document.
#[derive(Debug)]
pub(crate) struct Origin {
    text: String,
    /// The position of the text in its file.
    start: Position,
    syntax: Syntax,
    /// The positions of the values. All objects of a document share them.
    tree: OnceLock<Option<Node>>,
}

impl Origin {
    /// Parses a document. The value of an empty document is null.
    pub(crate) fn parse(chunk: Chunk, syntax: Syntax) -> Result<(Value, Self), Problem> {
        let Chunk { text, start } = chunk;
        let text = String::from_utf8(text).map_err(|error| {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            not_utf_8(valid, start)
        })?;
        let (value, syntax) = match syntax {
            Syntax::Json => (json(&text, start)?, Syntax::Json),
            Syntax::Yaml => yaml(&text, start)?,
        };
        Ok((value, Self { text, start, syntax, tree: OnceLock::new() }))
    }

    /// Returns the position of the text in its file.
    pub(crate) fn start(&self) -> Position {
        self.start
    }

    /// Returns the syntax of the text.
    pub(crate) fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// Returns the text of the document.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the position of a field, or of its closest parent.
    pub(crate) fn position(&self, steps: &[Step], path: &str) -> Option<Position> {
        let tree = self.tree.get_or_init(|| match self.syntax {
            Syntax::Yaml => compose(&self.text, self.start.line).ok().flatten(),
            Syntax::Json => json_tree::tree(&self.text, self.start),
        });
        tree.as_ref().map(|root| locate(root, steps, path))
    }
}

fn yaml(text: &str, start: Position) -> Result<(Value, Syntax), Problem> {
    match compose(text, start.line) {
        Ok(root) => Ok((root.map_or(Value::Null, Node::into_value), Syntax::Yaml)),
        // kubectl parses a document that starts like this as JSON first. JSON has other escapes.
        Err(problem) if text.trim_ascii_start().starts_with('{') => match json(text, start) {
            Ok(value) if !json_tree::has_duplicates(text) => Ok((value, Syntax::Json)),
            _ => Err(problem),
        },
        Err(problem) => Err(problem),
    }
}

fn json(text: &str, start: Position) -> Result<Value, Problem> {
    serde_json::from_str(text).map_err(|error| json_error(&error, start))
}

/// Returns the problem of a JSON text that starts at a position of a file.
pub(crate) fn json_error(error: &serde_json::Error, start: Position) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let suffix = format!(" at line {line} column {column}");
    let (line, column) = (line as u64, column as u64);
    let column = if line == 1 { start.column + column - 1 } else { column };
    Problem::Syntax {
        position: Some(Position { line: start.line + line - 1, column }),
        message: message.strip_suffix(&suffix).unwrap_or(&message).to_owned(),
    }
}

fn not_utf_8(valid: &[u8], start: Position) -> Problem {
    let valid = String::from_utf8_lossy(valid);
    let line = valid.rsplit('\n').next().unwrap_or_default();
    let first = if valid.contains('\n') { 1 } else { start.column };
    Problem::Syntax {
        position: Some(Position {
            line: start.line + valid.matches('\n').count() as u64,
            column: first + line.chars().count() as u64,
        }),
        message: "not UTF-8 text".to_owned(),
    }
}
