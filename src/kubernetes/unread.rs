//! Values that are parsed only if a rule needs them.

use std::marker::PhantomData;

use json_view::{self as json, Error, RawValue, ReadJson, Reader};

/// A value that has not been parsed. Most requests have rules that never look at it: skipping it is cheaper, and it takes less memory.
#[derive(Debug)]
pub struct Unread<'a, T> {
    json: RawValue<'a>,
    value: PhantomData<fn() -> T>,
}

impl<T> Default for Unread<'_, T> {
    fn default() -> Self {
        Self { json: RawValue::default(), value: PhantomData }
    }
}

impl<'a, T: ReadJson<'a> + Default> Unread<'a, T> {
    /// Parses the value; `None` if it is unset.
    ///
    /// # Errors
    /// If the value has another type, or a field with another type.
    pub fn parse(&self) -> Result<Option<T>, Error> {
        if self.json.0.is_empty() { Ok(None) } else { json::from_slice(self.json.0).map(Some) }
    }
}

impl<'a, T> ReadJson<'a> for Unread<'a, T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.json = reader.raw()?;
        Ok(())
    }
}
