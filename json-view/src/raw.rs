//! Values as they are written.

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
}

impl<'a> ReadJson<'a> for RawValue<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = reader.raw()?;
        Ok(())
    }
}
