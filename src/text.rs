//! How messages show what users wrote.

use std::fmt::{self, Write as _};

/// The most characters of a user's string that a message repeats.
pub const SHOWN: usize = 128;

/// A user's string as messages show it: on one line whatever it holds, and never longer than a message bears.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'t>(&'t str);

/// The same in double quotes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'t>(Printable<'t>);

/// Shows a user's string.
#[must_use]
pub fn printable(text: &str) -> Printable<'_> {
    Printable(text)
}

/// Shows a user's string in double quotes.
#[must_use]
pub fn quoted(text: &str) -> Quoted<'_> {
    Quoted(Printable(text))
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "\"{}\"", self.0)
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            return formatter.write_str(self.0);
        }
        for (position, character) in self.0.chars().enumerate() {
            match character {
                _ if position == SHOWN => return formatter.write_char('…'),
                '"' => formatter.write_str("\\\"")?,
                '\\' => formatter.write_str("\\\\")?,
                _ if is_unprintable(character) => write!(formatter, "\\u{{{:x}}}", u32::from(character))?,
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// Appends a user's string to a message.
pub fn push_printable(shown: &mut String, text: &str) {
    if is_plain(text) {
        shown.push_str(text);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", printable(text));
    }
}

/// Appends a user's string in double quotes.
pub fn push_quoted(shown: &mut String, text: &str) {
    shown.push('"');
    push_printable(shown, text);
    shown.push('"');
}

/// Whether a text is shown as it is. Most are, and formatting takes its time.
#[inline(never)]
fn is_plain(text: &str) -> bool {
    text.len() <= SHOWN
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Control characters, line separators, and what reorders or hides the text around it on a screen.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn quotes_on_one_line() {
        assert_eq!(quoted("nginx:1.29").to_string(), r#""nginx:1.29""#);
        assert_eq!(quoted("a\"b\\c").to_string(), r#""a\"b\\c""#);
        assert_eq!(quoted("a\nb\u{1b}[31m\u{202e}").to_string(), r#""a\u{a}b\u{1b}[31m\u{202e}""#);
    }

    #[test]
    fn shortens_what_no_one_would_read() {
        let shown = quoted(&"é".repeat(1000)).to_string();
        assert_eq!(shown, format!("\"{}…\"", "é".repeat(128)));
    }
}
