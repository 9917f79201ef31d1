//! Numbers, which are not converted until a type is known that can hold them.

use crate::{Error, ReadJson, Reader};

impl<'a> Reader<'a> {
    /// Reads a number and returns it as it is written. It may be larger or more precise than any float.
    ///
    /// # Errors
    /// When the next value is not a number.
    pub fn number(&mut self) -> Result<&'a str, Error> {
        let (Some(b'-' | b'0'..=b'9'), start) = (self.peek(), self.position) else {
            return Err(self.wrong_kind("a number"));
        };
        self.skip_if(|byte| byte == b'-');
        if !self.skip_if(|byte| byte == b'0') {
            self.digits()?;
        }
        if self.skip_if(|byte| byte == b'.') {
            self.digits()?;
        }
        if self.skip_if(|byte| matches!(byte, b'e' | b'E')) {
            self.skip_if(|byte| matches!(byte, b'+' | b'-'));
            self.digits()?;
        }
        Ok(std::str::from_utf8(self.since(start)).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !self.skip_if(|byte| byte.is_ascii_digit()) {
            return Err(self.syntax_error("expected a digit"));
        }
        while self.skip_if(|byte| byte.is_ascii_digit()) {}
        Ok(())
    }

    fn skip_if(&mut self, is_next: impl FnOnce(u8) -> bool) -> bool {
        let skips = self.json.get(self.position).copied().is_some_and(is_next);
        self.position += usize::from(skips);
        skips
    }
}

/// Reads an integer that is written as one: `1`, but neither `1.0` nor `1e0`.
impl<'a> ReadJson<'a> for i64 {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let Some(b'-' | b'0'..=b'9') = reader.peek() else { return Err(reader.wrong_kind("an integer")) };
        let number = reader.number()?;
        *self = number.parse().map_err(|_| reader.error(format!("expected an integer, got {number}")))?;
        Ok(())
    }
}
