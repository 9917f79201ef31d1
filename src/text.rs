//! How messages show user input.

use std::fmt::{self, Write as _};

/// Maximum number of characters of a user's string in a message.
pub const MAX_DISPLAY_CHARS: usize = 128;

/// Displays a user's string on one line: escaped, and truncated if it is long.
#[derive(Clone, Copy, Debug)]
pub struct Printable<'t>(&'t str);

/// Displays a user's string like [`Printable`], in double quotes.
#[derive(Clone, Copy, Debug)]
pub struct Quoted<'t>(Printable<'t>);

/// Escapes and truncates a user's string for a message.
#[must_use]
pub fn printable(text: &str) -> Printable<'_> {
    Printable(text)
}

/// Escapes, truncates and quotes a user's string for a message.
#[must_use]
pub fn quoted(text: &str) -> Quoted<'_> {
    Quoted(Printable(text))
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        self.0.fmt(formatter)?;
        formatter.write_char('"')
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            return formatter.write_str(self.0);
        }
        for (position, character) in self.0.chars().enumerate() {
            match character {
                _ if position == MAX_DISPLAY_CHARS => return formatter.write_char('…'),
                '"' => formatter.write_str("\\\"")?,
                '\\' => formatter.write_str("\\\\")?,
                _ if is_unprintable(character) => write!(formatter, "\\u{{{:x}}}", u32::from(character))?,
                _ => formatter.write_char(character)?,
            }
        }
        Ok(())
    }
}

/// Returns whether a text needs no escapes and is not truncated, as most texts. Writing it at once is faster than by character.
fn is_plain(text: &str) -> bool {
    text.len() <= MAX_DISPLAY_CHARS
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Returns whether a character is invisible, breaks the line, or reorders or hides the text around it.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_on_one_line() {
        assert_eq!(quoted("nginx:1.29").to_string(), r#""nginx:1.29""#);
        assert_eq!(quoted("a\"b\\c").to_string(), r#""a\"b\\c""#);
        assert_eq!(quoted("a\nb\u{1b}[31m\u{202e}").to_string(), r#""a\u{a}b\u{1b}[31m\u{202e}""#);
        assert_eq!(quoted("a\u{61c}b").to_string(), r#""a\u{61c}b""#);
    }

    #[test]
    fn long_text_is_truncated() {
        let shown = quoted(&"é".repeat(1000)).to_string();
        assert_eq!(shown, format!("\"{}…\"", "é".repeat(128)));
    }
}
