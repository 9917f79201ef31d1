//! Lists, item by item.

use crate::{Error, ReadJson, Reader};

/// Reads a list that has been entered. Each item must be read before the next one.
///
/// [`read`](Self::read) and [`read_with`](Self::read_with) add the item's index to the path of an error.
#[derive(Debug)]
pub struct ListItems<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Number of items up to the current one.
    length: usize,
}

impl<'a> Reader<'a> {
    /// Enters a list.
    ///
    /// # Errors
    /// When the next value is not a list, or nests too deeply.
    pub fn list(&mut self) -> Result<ListItems<'_, 'a>, Error> {
        if self.peek() != Some(b'[') {
            return Err(self.wrong_kind("a list"));
        }
        self.enter()?;
        Ok(ListItems { reader: self, length: 0 })
    }
}

impl<'a> ListItems<'_, 'a> {
    /// Moves to the next item, or leaves the list and returns `false` after the last one.
    ///
    /// # Errors
    /// When neither an item nor the end of the list follows.
    pub fn next_item(&mut self) -> Result<bool, Error> {
        let has_next = self.reader.next_entry(self.length == 0, b']')?;
        self.length += usize::from(has_next);
        Ok(has_next)
    }

    /// Reads the current item.
    ///
    /// # Errors
    /// When the item does not have the shape of `T`.
    pub fn read<T: ReadJson<'a>>(&mut self, item: &mut T) -> Result<(), Error> {
        self.read_with(|reader| item.read(reader))
    }

    /// Reads the current item by a function.
    ///
    /// # Errors
    /// When the function fails.
    pub fn read_with<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        read(self.reader).map_err(|error| error.at_index(self.length.saturating_sub(1)))
    }
}

/// Keeps every item, as many as the reader may: see [`DEFAULT_MAX_ITEMS`](crate::DEFAULT_MAX_ITEMS).
impl<'a, T: ReadJson<'a>> ReadJson<'a> for Vec<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut list = reader.list()?;
        while list.next_item()? {
            list.read_with(|reader| {
                reader.count_item()?;
                self.push(T::default());
                self.last_mut().map_or(Ok(()), |item| item.read(reader))
            })?;
        }
        Ok(())
    }
}
