//! Strings and their escapes.

use crate::scan::plain_end;
use crate::{Error, Reader, Text};

const INVALID_ESCAPE: &str = "an invalid escape";

impl<'a> Reader<'a> {
    /// Reads a string. It is borrowed from the text, unless escapes force a copy.
    ///
    /// # Errors
    /// When the next value is not a string, or is not UTF-8, or escapes half of a surrogate pair.
    pub fn string(&mut self) -> Result<Text<'a>, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong_kind("a string"));
        }
        let start = self.position + 1;
        self.position = plain_end(self.json, start);
        if self.json.get(self.position) != Some(&b'"') {
            return self.string_with_escapes(start).map(Text::from);
        }
        let text = self.text_since(start)?;
        self.position += 1;
        Ok(Text::from(text))
    }

    /// Reads the rest of a string that has been read up to something that is not plain, and returns it from its start.
    #[cold]
    fn string_with_escapes(&mut self, mut start: usize) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            text.push_str(self.text_since(start)?);
            match self.json.get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(self.broken_string()),
            }
            start = self.position;
            self.position = plain_end(self.json, start);
        }
    }

    fn text_since(&self, start: usize) -> Result<&'a str, Error> {
        std::str::from_utf8(self.since(start)).map_err(|_| self.error("must be UTF-8"))
    }

    /// Reads an escape and returns its character.
    fn escape(&mut self) -> Result<char, Error> {
        let character = match self.json.get(self.position + 1) {
            Some(&character @ (b'"' | b'\\' | b'/')) => char::from(character),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(self.syntax_error(INVALID_ESCAPE)),
        };
        self.position += 2;
        Ok(character)
    }

    /// Reads `\uXXXX`, or two of them that make a character together.
    fn unicode_escape(&mut self) -> Result<char, Error> {
        let first = self.code_unit()?;
        let is_high_surrogate = (0xd800..0xdc00).contains(&first);
        let is_followed = self.json.get(self.position..).unwrap_or_default().starts_with(b"\\u");
        let units =
            if is_high_surrogate && is_followed { vec![first, self.code_unit()?] } else { vec![first] };
        let mut characters = char::decode_utf16(units);
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(self.error("must not hold half of a surrogate pair")),
        }
    }

    /// Reads `\uXXXX`.
    fn code_unit(&mut self) -> Result<u16, Error> {
        let digits = self.json.get(self.position + 2..self.position + 6);
        let unit = digits.and_then(|digits| {
            digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
        });
        let Some(unit) = unit.and_then(|unit| u16::try_from(unit).ok()) else {
            return Err(self.syntax_error(INVALID_ESCAPE));
        };
        self.position += 6;
        Ok(unit)
    }

    /// Moves past a string. Its escapes are checked, but neither its UTF-8 nor its surrogate pairs.
    pub(crate) fn skip_string(&mut self) -> Result<(), Error> {
        self.position = plain_end(self.json, self.position + 1);
        while self.json.get(self.position) != Some(&b'"') {
            self.skip_escape()?;
            self.position = plain_end(self.json, self.position);
        }
        self.position += 1;
        Ok(())
    }

    fn skip_escape(&mut self) -> Result<(), Error> {
        if self.json.get(self.position) != Some(&b'\\') {
            return Err(self.broken_string());
        }
        match self.json.get(self.position + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 2;
                Ok(())
            }
            Some(b'u') => self.code_unit().map(|_| ()),
            _ => Err(self.syntax_error(INVALID_ESCAPE)),
        }
    }

    /// Returns the error for a string that ends with the text, or has a control character next.
    #[cold]
    fn broken_string(&self) -> Error {
        self.syntax_error(match self.json.get(self.position) {
            Some(_) => "a control character in a string",
            None => "the string does not end",
        })
    }
}
