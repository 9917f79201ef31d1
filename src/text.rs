//! Strings of the payload, kept where they are unless JSON escapes force a copy; how they are shown and taken apart.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::ops::Deref;

use crate::json::{Error, Read, Reader};

/// The most characters of a user's string that a message repeats.
pub const SHOWN: usize = 128;

/// A string that borrows from the payload, unless it is written with escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl From<&Text<'_>> for String {
    fn from(text: &Text<'_>) -> Self {
        text.0.clone().into_owned()
    }
}

impl<'a> Read<'a> for Text<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.0 = reader.string()?;
        Ok(())
    }
}

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

/// Appends texts to another one.
///
/// `push_str` and `push` do the same, and take up room in the module wherever they are called.
#[inline(never)]
pub fn push_all(text: &mut String, parts: &[&str]) {
    text.extend(parts.iter().copied());
}

/// Appends a user's string to a message.
pub fn push_printable(shown: &mut String, text: &str) {
    if is_plain(text) {
        push_all(shown, &[text]);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(shown, "{}", printable(text));
    }
}

/// Appends a user's string in double quotes.
pub fn push_quoted(shown: &mut String, text: &str) {
    push_all(shown, &["\""]);
    push_printable(shown, text);
    push_all(shown, &["\""]);
}

/// Whether a text is shown as it is. Most are, and formatting takes its time.
#[inline(never)]
fn is_plain(text: &str) -> bool {
    text.len() <= SHOWN
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
}

/// Whether a text is one of several.
///
/// `contains` of slices does the same, and takes 100 bytes of the module wherever it is called.
#[inline(never)]
#[must_use]
pub fn is_one_of(text: &str, texts: &[&str]) -> bool {
    texts.contains(&text)
}

/// What stands before and behind the first of these bytes, which is an ASCII character.
///
/// The same methods of `str` find any pattern, and take 200 bytes of the module wherever one is called.
#[inline(never)]
#[must_use]
pub fn split_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    split_around(text, text.bytes().position(|byte| byte == separator)?)
}

/// What stands before and behind the last of these bytes, which is an ASCII character.
#[inline(never)]
#[must_use]
pub fn rsplit_once(text: &str, separator: u8) -> Option<(&str, &str)> {
    split_around(text, text.bytes().rposition(|byte| byte == separator)?)
}

fn split_around(text: &str, place: usize) -> Option<(&str, &str)> {
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// What stands between these bytes, which are ASCII characters.
#[must_use]
pub fn split(text: &str, separator: u8) -> Parts<'_> {
    Parts { rest: Some(text), separator }
}

/// The parts of a text.
#[derive(Clone, Debug)]
pub struct Parts<'t> {
    rest: Option<&'t str>,
    separator: u8,
}

impl<'t> Iterator for Parts<'t> {
    type Item = &'t str;

    #[inline(never)]
    fn next(&mut self) -> Option<&'t str> {
        let rest = self.rest?;
        let Some((part, behind)) = split_once(rest, self.separator) else { return self.rest.take() };
        self.rest = Some(behind);
        Some(part)
    }
}

/// The text with other ASCII characters in the places of ASCII characters.
#[inline(never)]
#[must_use]
pub fn map_ascii(text: &str, character: fn(u8) -> u8) -> String {
    let mut mapped = text.as_bytes().to_vec();
    for byte in &mut mapped {
        *byte = character(*byte);
    }
    String::from_utf8_lossy(&mapped).into_owned()
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
    use crate::json;

    #[test]
    fn borrows_unless_the_string_has_escapes() {
        let plain: Text = json::from_slice(br#""nginx""#).unwrap();
        let escaped: Text = json::from_slice(br#""ngin\u0078""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("nginx")));
        assert!(matches!(escaped.0, Cow::Owned(_)));
        assert_eq!(plain, escaped);
    }

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
