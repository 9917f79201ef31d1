//! Splits YAML at lines that begin with `---`.

use std::io::BufRead;
use std::mem;

use crate::input::{Position, Problem};

use super::Chunk;
use super::lines::Lines;

const SEPARATOR: &[u8] = b"---";

/// The documents of a YAML file.
#[derive(Debug)]
pub(crate) struct YamlChunks<R> {
    lines: Lines<R>,
    /// The number of lines that were read.
    read: u64,
    /// What is wrong with the separator above the next document.
    separator: Option<Problem>,
    at_end: bool,
}

impl<R: BufRead> YamlChunks<R> {
    pub(super) fn new(lines: Lines<R>) -> Self {
        Self { lines, read: 0, separator: None, at_end: false }
    }
}

impl<R: BufRead> Iterator for YamlChunks<R> {
    type Item = Result<Chunk, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut text = Vec::new();
        let mut start = self.read + 1;
        while !self.at_end {
            let before = text.len();
            match self.lines.append_to(&mut text) {
                Ok(true) => self.read += 1,
                Ok(false) => self.at_end = true,
                Err(error) => {
                    self.at_end = true;
                    self.separator = Some(Problem::Read(error));
                }
            }
            let Some(rest) = text.get(before..).and_then(|line| line.strip_prefix(SEPARATOR)) else {
                continue;
            };
            let next = after_separator(rest, self.read);
            text.truncate(before);
            match mem::replace(&mut self.separator, next) {
                Some(problem) => return Some(Err(problem)),
                None if text.is_empty() => start = self.read + 1,
                None => break,
            }
        }
        // At the end, the problem of the last separator is left.
        if let Some(problem) = self.separator.take_if(|_| self.at_end) {
            return Some(Err(problem));
        }
        let start = Position { line: start, column: 1 };
        (!text.is_empty()).then_some(Ok(Chunk { text, start }))
    }
}

/// Returns the problem if there is anything except a comment after a separator.
fn after_separator(rest: &[u8], line: u64) -> Option<Problem> {
    let text = String::from_utf8_lossy(rest);
    let found = text.trim();
    if found.is_empty() || found.starts_with('#') {
        return None;
    }
    let blanks = text.chars().take_while(|character| character.is_whitespace()).count();
    Some(Problem::Syntax {
        position: Some(Position { line, column: (SEPARATOR.len() + blanks + 1) as u64 }),
        message: format!(
            "expected a new line after `---`, got `{}`",
            immutable_pods_policy::text::printable(found)
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the line and the text of each document, or the error.
    fn split(text: &str) -> Vec<Result<(u64, String), String>> {
        YamlChunks::new(Lines::new(text.as_bytes()))
            .map(|chunk| match chunk {
                Ok(chunk) => Ok((chunk.start.line, String::from_utf8(chunk.text).unwrap())),
                Err(problem) => Err(problem.to_string()),
            })
            .collect()
    }

    #[test]
    fn documents_know_their_first_line() {
        let documents = split("a: 1\n---\nb: 1\n--- # c\n---\n\nc: 1");
        assert_eq!(
            documents,
            [Ok((1, "a: 1\n".to_owned())), Ok((3, "b: 1\n".to_owned())), Ok((6, "\nc: 1".to_owned()))]
        );
        assert_eq!(split("---\r\na: 1\r\n---\r\n"), [Ok((2, "a: 1\r\n".to_owned()))]);
        assert!(split("").is_empty());
        assert!(split("---\n---\n").is_empty());
    }

    #[test]
    fn an_indented_line_does_not_split() {
        assert_eq!(split("a: |\n  ---\n").len(), 1);
    }

    #[test]
    fn content_after_a_separator_costs_its_document() {
        assert_eq!(
            split("a: 1\n--- {b: 1}\nc: 1\n---x\n---\nd: 1\n"),
            [
                Ok((1, "a: 1\n".to_owned())),
                Err("expected a new line after `---`, got `{b: 1}`".to_owned()),
                Err("expected a new line after `---`, got `x`".to_owned()),
                Ok((6, "d: 1\n".to_owned())),
            ]
        );
        assert_eq!(split("--- a"), [Err("expected a new line after `---`, got `a`".to_owned())]);
    }
}
