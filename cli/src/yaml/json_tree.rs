//! Builds the tree of a JSON text, for the positions of its keys and items.

use std::collections::BTreeMap;

use serde_json::Value;

use super::node::{Content, Entry, Node};
use crate::input::Position;

/// Returns the tree of a valid text that starts at a position of a file. The scalars are null: nothing asks for them.
pub(super) fn tree(text: &str, start: Position) -> Option<Node> {
    Reader { rest: text, position: start, has_duplicates: false }.value()
}

/// Returns whether a mapping of a valid text contains a key twice.
pub(super) fn has_duplicates(text: &str) -> bool {
    let mut reader = Reader { rest: text, position: Position::START, has_duplicates: false };
    reader.value().is_some() && reader.has_duplicates
}

/// Reads a valid text. `serde_json` limits its depth to 128, so the reader may recurse.
struct Reader<'t> {
    rest: &'t str,
    position: Position,
    has_duplicates: bool,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Option<Node> {
        self.skip_white_space();
        let position = self.position;
        let content = match self.rest.bytes().next()? {
            b'{' => self.object()?,
            b'[' => self.array()?,
            b'"' => {
                self.string()?;
                Content::Scalar(Value::Null)
            }
            _ => {
                let end = self.rest.find(|character: char| ",]} \t\r\n".contains(character));
                self.pass(end.unwrap_or(self.rest.len()));
                Content::Scalar(Value::Null)
            }
        };
        Some(Node { position, content })
    }

    fn array(&mut self) -> Option<Content> {
        let mut items = Vec::new();
        self.pass(1);
        while !self.ends_with(']') {
            items.push(self.value()?);
        }
        Some(Content::Sequence(items))
    }

    fn object(&mut self) -> Option<Content> {
        let mut entries = BTreeMap::new();
        self.pass(1);
        while !self.ends_with('}') {
            let key = self.position;
            let name = serde_json::from_str(self.string()?).ok()?;
            self.skip_white_space();
            self.pass(1);
            // Like in the parser, the last of equal keys wins.
            let value = self.value()?;
            self.has_duplicates |= entries.insert(name, Entry { key, value, own: true }).is_some();
        }
        Some(Content::Mapping(entries))
    }

    /// Passes a comma or the end of a collection. Returns whether it was the end.
    fn ends_with(&mut self, bracket: char) -> bool {
        self.skip_white_space();
        if self.rest.starts_with(',') {
            self.pass(1);
            self.skip_white_space();
        }
        let ends = self.rest.is_empty() || self.rest.starts_with(bracket);
        if ends {
            self.pass(1);
        }
        ends
    }

    /// Passes a string, and returns it with its quotes.
    fn string(&mut self) -> Option<&'t str> {
        let mut is_escaped = false;
        let end = self.rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            ends
        })?;
        self.pass(end + 2)
    }

    fn skip_white_space(&mut self) {
        let length = self.rest.len() - self.rest.trim_ascii_start().len();
        self.pass(length);
    }

    fn pass(&mut self, length: usize) -> Option<&'t str> {
        let (passed, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        for character in passed.chars() {
            if character == '\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else {
                self.position.column += 1;
            }
        }
        Some(passed)
    }
}
