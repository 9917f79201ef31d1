//! Objects, key by key.

use std::fmt::Display;

use crate::{Error, ReadJson, Reader, Text};

/// Reads an object that has been entered, whatever its keys are. The value of each must be read before the next key.
///
/// [`read`](Self::read) and [`read_with`](Self::read_with) add the key to the path of an error. Keys that are equal are all
/// returned: [`duplicate_field`](Self::duplicate_field) is the error for them.
#[derive(Debug)]
pub struct ObjectEntries<'r, 'a> {
    reader: &'r mut Reader<'a>,
    is_first: bool,
    /// Offset of the current key.
    key_start: usize,
}

impl<'a> Reader<'a> {
    /// Enters an object.
    ///
    /// # Errors
    /// When the next value is not an object, or nests too deeply.
    pub fn object(&mut self) -> Result<ObjectEntries<'_, 'a>, Error> {
        self.enter_object()?;
        Ok(ObjectEntries { reader: self, is_first: true, key_start: 0 })
    }

    pub(crate) fn enter_object(&mut self) -> Result<(), Error> {
        if self.peek() != Some(b'{') {
            return Err(self.wrong_kind("an object"));
        }
        self.enter()
    }

    /// Reads a key and moves past its colon.
    pub(crate) fn key(&mut self) -> Result<Text<'a>, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.syntax_error("expected a key"));
        }
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.syntax_error("expected a colon"));
        }
        self.position += 1;
        Ok(key)
    }

    #[cold]
    pub(crate) fn duplicate_field(&self, key: impl Display) -> Error {
        self.error(format!("duplicate field `{key}`"))
    }
}

impl<'a> ObjectEntries<'_, 'a> {
    /// Reads the next key, or leaves the object and returns `None` after the last value.
    ///
    /// # Errors
    /// When neither a key nor the end of the object follows.
    pub fn next_key(&mut self) -> Result<Option<Text<'a>>, Error> {
        if !self.reader.next_entry(self.is_first, b'}')? {
            return Ok(None);
        }
        self.is_first = false;
        self.reader.peek();
        self.key_start = self.reader.position;
        self.reader.key().map(Some)
    }

    /// Reads the value of the current key.
    ///
    /// # Errors
    /// When the value does not have the shape of `T`.
    pub fn read<T: ReadJson<'a>>(&mut self, value: &mut T) -> Result<(), Error> {
        self.read_with(|reader| value.read(reader))
    }

    /// Reads the value of the current key by a function.
    ///
    /// # Errors
    /// When the function fails.
    pub fn read_with<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        read(self.reader).map_err(|error| self.in_current_key(error))
    }

    /// Returns an error about the object, at the current position.
    #[cold]
    #[must_use]
    pub fn error(&self, message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
        self.reader.error(message)
    }

    /// Returns the error for a key that the object has had before. It names the object, whose two values contradict each other.
    #[cold]
    #[must_use]
    pub fn duplicate_field(&self, key: impl Display) -> Error {
        self.reader.duplicate_field(key)
    }

    /// Reads the current key again: only errors need it after its value.
    #[cold]
    fn in_current_key(&self, error: Error) -> Error {
        let mut reader = Reader::new(self.reader.json);
        reader.position = self.key_start;
        match reader.string() {
            Ok(key) => error.in_key(&key),
            Err(_) => error,
        }
    }
}
