//! Indents the lines of quoted text that the parser refuses.
//!
//! The parser follows YAML 1.2, in which a quoted text continues deeper than its mapping. kubectl accepts any indentation, and
//! emitters fold long texts at the indentation of a list. White space at the start of a continued line is not a part of the text, so
//! more of it changes nothing.

use granit_parser::{Scanner, StrInput};

use super::failure::is_quoted_indentation;

/// Maximum growth of a text. A line is indented below its quote, which can be far to the right.
const MAX_GROWTH: usize = 8;

/// Returns the text with deeper lines in quoted texts, or nothing if there is nothing to change.
///
/// Each part of the text is scanned once: after a quoted text, scanning continues with the next line.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut repaired = String::new();
    let mut rest = text;
    while let Some(quoted) = Quoted::first_refused(rest) {
        let (before, from_quote) = rest.split_at_checked(quoted.start)?;
        let (quoted_text, after) = from_quote.split_at_checked(quoted.length)?;
        repaired.push_str(before);
        let indentation = " ".repeat(quoted.column + 1);
        repaired.push_str(&quoted_text.replace('\n', &format!("\n{indentation}")));
        let (line_end, next_line) = after.split_at(after.find('\n').map_or(after.len(), |end| end + 1));
        repaired.push_str(line_end);
        rest = next_line;
        if repaired.len() > text.len().saturating_mul(MAX_GROWTH) {
            return None;
        }
    }
    let is_changed = rest.len() < text.len();
    repaired.push_str(rest);
    is_changed.then_some(repaired)
}

/// A quoted text.
struct Quoted {
    /// The offset of its first quote.
    start: usize,
    /// The number of bytes, with the quotes.
    length: usize,
    /// The number of bytes in front of it in its line.
    column: usize,
}

impl Quoted {
    /// Returns the first quoted text whose indentation the parser refuses.
    fn first_refused(text: &str) -> Option<Self> {
        let mut last_token = 0;
        for token in Scanner::new(StrInput::new(text)) {
            match token {
                Ok(token) => last_token = token.span().end.byte_offset().unwrap_or(last_token),
                Err(error) if is_quoted_indentation(error.kind()) => {
                    let start = last_token + quote_after_properties(text.get(last_token..)?)?;
                    let (before, from_quote) = text.split_at_checked(start)?;
                    let line = before.rsplit('\n').next().unwrap_or_default();
                    return Some(Self { start, length: length_of_quoted(from_quote)?, column: line.len() });
                }
                Err(_) => return None,
            }
        }
        None
    }
}

/// Returns the offset of the next quote, after indicators, comments, tags and anchors that the scanner did not report yet.
fn quote_after_properties(text: &str) -> Option<usize> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', '-', '?', ':']);
        match rest.bytes().next()? {
            b'\'' | b'"' => return Some(text.len() - rest.len()),
            b'#' => rest = rest.get(rest.find('\n')?..)?,
            b'&' | b'!' => rest = rest.get(rest.find(char::is_whitespace)?..)?,
            _ => return None,
        }
    }
}

/// Returns the length of a text that begins with its quote.
fn length_of_quoted(text: &str) -> Option<usize> {
    let quote = text.bytes().next()?;
    let mut bytes = text.bytes().enumerate().skip(1).peekable();
    while let Some((index, byte)) = bytes.next() {
        let is_escape = byte == b'\\' && quote == b'"';
        let is_doubled =
            quote == b'\'' && byte == quote && bytes.peek().is_some_and(|(_, next)| *next == quote);
        if is_escape || is_doubled {
            bytes.next();
        } else if byte == quote {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continued_lines_are_indented_below_the_quote() {
        let text = "a:\n  b: 'it''s\n  c'\n  d: &x !!str # note\n    \"e\\\"\n f\"\nlast: 1\n";
        assert_eq!(
            repair(text).as_deref(),
            Some("a:\n  b: 'it''s\n        c'\n  d: &x !!str # note\n    \"e\\\"\n      f\"\nlast: 1\n")
        );
    }

    #[test]
    fn other_texts_do_not_change() {
        assert_eq!(repair("a: 'b\n  c'\nd: [e\n"), None);
        assert_eq!(repair("a:\n  b: 'c\n  d\n"), None);
    }
}
