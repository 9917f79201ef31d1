//! `null`, `true` and `false`.

use crate::{Error, ReadJson, Reader};

impl Reader<'_> {
    /// Moves past `null` and returns `true`, or returns `false` before any other value.
    ///
    /// # Errors
    /// When the next value begins like `null` and is something else.
    pub fn skip_null(&mut self) -> Result<bool, Error> {
        let is_null = self.peek() == Some(b'n');
        if is_null {
            self.literal("null")?;
        }
        Ok(is_null)
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// When the next value is neither.
    pub fn boolean(&mut self) -> Result<bool, Error> {
        match self.peek() {
            Some(b't') => self.literal("true").map(|()| true),
            Some(b'f') => self.literal("false").map(|()| false),
            _ => Err(self.wrong_kind("a boolean")),
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Error> {
        if !self.json.get(self.position..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(self.syntax_error("expected a value"));
        }
        self.position += word.len();
        Ok(())
    }
}

impl<'a> ReadJson<'a> for bool {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = reader.boolean()?;
        Ok(())
    }
}
