//! Writes a JSON document with one long list, without keeping the list.

use std::io::{self, Write};

use serde::Serialize;

/// A document whose last opened value is a list.
#[derive(Debug)]
pub(super) struct JsonList<W> {
    out: W,
    /// The text before the first item.
    head: String,
    is_started: bool,
}

impl<W: Write> JsonList<W> {
    /// Begins a document. `head` ends in the bracket that opens the list.
    pub(super) fn new(out: W, head: String) -> Self {
        Self { out, head, is_started: false }
    }

    /// Writes an item on its own line.
    pub(super) fn push(&mut self, item: &impl Serialize) -> io::Result<()> {
        self.out.write_all(if self.is_started { b",\n" } else { self.head.as_bytes() })?;
        if !self.is_started {
            self.out.write_all(b"\n")?;
            self.is_started = true;
        }
        serde_json::to_writer(&mut self.out, item)?;
        Ok(())
    }

    /// Ends the document. `tail` begins with the bracket that closes the list.
    pub(super) fn end(&mut self, tail: &str) -> io::Result<()> {
        if !self.is_started {
            self.out.write_all(self.head.as_bytes())?;
        }
        writeln!(self.out, "{tail}")?;
        self.out.flush()
    }
}
