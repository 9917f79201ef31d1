//! Splits a stream of JSON values.

use std::io::{self, BufRead};

use crate::input::{Position, Problem};

use super::Chunk;
use super::lines::Lines;

/// The values of a JSON file.
///
/// Finds where each value ends: at its last bracket or quote, or before white space. The parser finds what is wrong with the value.
#[derive(Debug)]
pub(crate) struct JsonChunks<R> {
    lines: Lines<R>,
    /// The lines of the current value.
    buffer: Vec<u8>,
    /// The number of bytes in the buffer that were passed.
    passed: usize,
    position: Position,
    at_end: bool,
}

impl<R: BufRead> JsonChunks<R> {
    pub(super) fn new(lines: Lines<R>) -> Self {
        Self { lines, buffer: Vec::new(), passed: 0, position: Position::START, at_end: false }
    }

    /// Returns the byte at an offset from the passed bytes. Reads lines as needed.
    fn peek(&mut self, offset: usize) -> io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.buffer.get(self.passed + offset) {
                return Ok(Some(*byte));
            }
            self.buffer.drain(..self.passed);
            self.passed = 0;
            if self.at_end || !self.lines.append_to(&mut self.buffer)? {
                self.at_end = true;
                return Ok(None);
            }
        }
    }

    /// Passes bytes, and returns them.
    fn pass(&mut self, length: usize) -> Vec<u8> {
        let rest = self.buffer.get(self.passed..).unwrap_or_default();
        let bytes = rest.get(..length).unwrap_or(rest).to_vec();
        self.passed += bytes.len();
        for byte in &bytes {
            if *byte == b'\n' {
                self.position = Position { line: self.position.line + 1, column: 1 };
            } else {
                self.position.column += 1;
            }
        }
        bytes
    }

    fn next_chunk(&mut self) -> io::Result<Option<Chunk>> {
        while self.peek(0)?.is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.pass(1);
        }
        let mut end = End::default();
        let mut length = 0;
        while let Some(byte) = self.peek(length)? {
            match end.after(byte) {
                Found::Inside => length += 1,
                Found::Last => {
                    length += 1;
                    break;
                }
                Found::Next => break,
            }
        }
        let start = self.position;
        Ok((length > 0).then(|| Chunk { text: self.pass(length), start }))
    }
}

impl<R: BufRead> Iterator for JsonChunks<R> {
    type Item = Result<Chunk, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let chunk = self.next_chunk();
        if chunk.is_err() {
            self.at_end = true;
            self.buffer.clear();
            self.passed = 0;
        }
        chunk.map_err(Problem::Read).transpose()
    }
}

/// Finds the end of a value.
#[derive(Debug, Default)]
struct End {
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether the value is a word or a number, which ends before the next value.
    is_bare: bool,
}

/// Where a byte is.
enum Found {
    Inside,
    /// The byte is the last byte of the value.
    Last,
    /// The byte is after the value.
    Next,
}

impl End {
    fn after(&mut self, byte: u8) -> Found {
        if self.in_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.in_string = false;
                    return self.closed();
                }
                _ => {}
            }
            return Found::Inside;
        }
        if self.is_bare && (byte.is_ascii_whitespace() || matches!(byte, b'{' | b'[' | b'"')) {
            return Found::Next;
        }
        match byte {
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return self.closed();
            }
            _ => self.is_bare = self.depth == 0,
        }
        Found::Inside
    }

    fn closed(&self) -> Found {
        if self.depth == 0 { Found::Last } else { Found::Inside }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(u64, u64, String)> {
        JsonChunks::new(Lines::new(text.as_bytes()))
            .map(|chunk| {
                let Chunk { text, start } = chunk.unwrap();
                (start.line, start.column, String::from_utf8(text).unwrap())
            })
            .collect()
    }

    #[test]
    fn values_know_their_position() {
        let value = |line, column, text: &str| (line, column, text.to_owned());
        assert_eq!(
            split("\n {\"a\": \"}\\\"\"}[\n]\nnull 1{} \"a b\""),
            [
                value(2, 2, "{\"a\": \"}\\\"\"}"),
                value(2, 14, "[\n]"),
                value(4, 1, "null"),
                value(4, 6, "1"),
                value(4, 7, "{}"),
                value(4, 10, "\"a b\""),
            ]
        );
        assert!(split(" \n ").is_empty());
    }

    #[test]
    fn an_incomplete_value_has_the_rest_of_the_file() {
        assert_eq!(split("{\"a\": [}\n{}"), [(1, 1, "{\"a\": [}\n{}".to_owned())]);
    }
}
