//! Values as they are written.

use crate::scan::plain_end;
use crate::{Error, ReadJson, Reader};

/// A value as it is written, without the white space around it. By default it is empty, which no value is.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawValue<'a>(pub &'a [u8]);

impl RawValue<'_> {
    /// Returns the number of bytes before a part that was read out of this value. An equal part of another text has none.
    #[must_use]
    pub fn offset_of(self, part: RawValue<'_>) -> Option<usize> {
        let offset = part.0.as_ptr().addr().checked_sub(self.0.as_ptr().addr())?;
        (offset + part.0.len() <= self.0.len()).then_some(offset)
    }

    /// Returns whether a string in this value, which may be a key, can have one of these endings. A string with escapes can have any.
    ///
    /// This is much faster than reading the value.
    #[must_use]
    pub fn may_have_string_ending(self, endings: &[StringEnding]) -> bool {
        let last_letters = endings.iter().fold(0, |letters, ending| letters | ending.last_letter());
        let mut at = 0;
        loop {
            at = plain_end(self.0, at);
            match self.0.get(at) {
                None => return false,
                Some(b'\\') => return true,
                Some(_) => {}
            }
            if let Some(characters) = self.0.get(..at).and_then(<[u8]>::last_chunk::<5>) {
                let ending = StringEnding::new(characters);
                if ending.last_letter() & last_letters != 0 && endings.contains(&ending) {
                    return true;
                }
            }
            at += 1;
        }
    }
}

/// The last five characters of a string; the first of them may be the quote at its start. Upper and lower case letters are equal, and
/// so are other characters that differ only in the sixth bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StringEnding(u64);

impl StringEnding {
    /// Creates an ending from its characters.
    #[must_use]
    pub const fn new(&[first, second, third, fourth, last]: &[u8; 5]) -> Self {
        Self(u64::from_le_bytes([first, second, third, fourth, last, 0, 0, 0]) | 0x20_2020_2020)
    }

    /// Returns the last character as a bit, which is the same for several characters.
    fn last_letter(self) -> u32 {
        1 << ((self.0 >> 32) & 31)
    }
}

impl<'a> ReadJson<'a> for RawValue<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = reader.raw()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_strings_are_searched() {
        let may = |json: &str| {
            RawValue(json.as_bytes())
                .may_have_string_ending(&[StringEnding::new(b"\"PATH"), StringEnding::new(b"N_ENV")])
        };
        for json in
            [r#"["PATH"]"#, r#"{"Path": 1}"#, r#"{"name": "MAIN_ENV"}"#, r#""PAT\u0048""#, r#"["\n"]"#]
        {
            assert!(may(json), "{json}");
        }
        for json in [
            "",
            "[]",
            r#"["fieldPath", "PATHS", "ath"]"#,
            r#"[{"name": "_ENV", "value": "/path/x"}]"#,
            "path",
        ] {
            assert!(!may(json), "{json}");
        }
    }
}
