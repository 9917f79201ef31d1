//! Objects of which a few fields are read.

use crate::scan::plain_end;
use crate::{Error, ReadJson, Reader};

/// Maximum number of keys that [`Reader::fields`] looks for.
pub const MAX_KNOWN_KEYS: usize = 32;

/// Reads the known fields of an object that has been entered, and skips all others. The value of each must be read before the
/// next field.
///
/// [`read`](Self::read) and [`read_with`](Self::read_with) add the key to the path of an error.
#[derive(Debug)]
pub struct KnownFields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    known: &'r [KnownKey<'r>],
    /// The known keys that have been read, a bit each.
    seen: u32,
    /// Index of the current field among the known ones.
    current: usize,
    is_first: bool,
}

/// A key that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct KnownKey<'k> {
    text: &'k str,
    /// The first eight bytes, which differ between nearly all keys: comparing whole keys takes 5 % more instructions for a pod.
    head: u64,
}

impl<'a> Reader<'a> {
    /// Enters an object in which these fields are read: at most [`MAX_KNOWN_KEYS`], which the compiler checks.
    ///
    /// # Errors
    /// When the next value is not an object, or nests too deeply.
    pub fn fields<'r, const COUNT: usize>(
        &'r mut self,
        known: &'r [KnownKey<'r>; COUNT],
    ) -> Result<KnownFields<'r, 'a>, Error> {
        const { assert!(COUNT <= MAX_KNOWN_KEYS, "too many known keys") }
        self.enter_object()?;
        Ok(KnownFields { reader: self, known, seen: 0, current: 0, is_first: true })
    }

    /// Moves past a key and its colon if the key has no escapes and no white space follows it, and returns its head and all of
    /// it. It need not be UTF-8: it is only compared with known keys.
    #[inline]
    fn plain_key(&mut self) -> Option<(u64, &'a [u8])> {
        let start = self.position + 1;
        let (quote, head) = self.json.get(self.position..)?.first_chunk::<9>()?.split_first()?;
        let end = plain_end(self.json, start);
        let key = self.json.get(start..end)?;
        if *quote != b'"' || self.json.get(end..)?.first_chunk() != Some(b"\":") {
            return None;
        }
        self.position = end + 2;
        let head = u64::from_le_bytes(*head.first_chunk()?);
        let length = u32::try_from(key.len()).ok()?;
        // The bytes that follow a short key are not part of it.
        Some((if length < 8 { head & !(u64::MAX << (8 * length)) } else { head }, key))
    }
}

impl<'a> KnownFields<'_, 'a> {
    /// Moves to the next known field and returns its index among the known keys, or leaves the object and returns `None` after
    /// the last field. Fields that are `null` count as absent.
    ///
    /// # Errors
    /// When neither a key nor the end of the object follows, and when a known key has been read before: the object could be
    /// read in two ways, so the error names the object.
    pub fn next_field(&mut self) -> Result<Option<usize>, Error> {
        while self.reader.next_entry(self.is_first, b'}')? {
            self.is_first = false;
            let Some(index) = self.index_of_key()? else {
                self.reader.skip()?;
                continue;
            };
            let bit = 1 << index;
            if self.seen & bit != 0 {
                return Err(self.reader.duplicate_field(self.key(index)));
            }
            self.seen |= bit;
            self.current = index;
            if !self.read_with(Reader::skip_null)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// Reads the current field.
    ///
    /// # Errors
    /// When its value does not have the shape of `T`.
    pub fn read<T: ReadJson<'a>>(&mut self, value: &mut T) -> Result<(), Error> {
        self.read_with(|reader| value.read(reader))
    }

    /// Reads the current field by a function.
    ///
    /// # Errors
    /// When the function fails.
    pub fn read_with<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        read(self.reader).map_err(|error| error.in_key(self.key(self.current)))
    }

    fn key(&self, index: usize) -> &str {
        self.known.get(index).map_or("", |known| known.text)
    }

    /// Moves past a key and its colon, and returns its index among the known keys.
    #[inline]
    fn index_of_key(&mut self) -> Result<Option<usize>, Error> {
        match self.reader.plain_key() {
            Some((head, key)) => {
                Ok(self.known.iter().position(|known| known.head == head && known.has_rest_of(key)))
            }
            None => self.index_of_any_key(),
        }
    }

    #[cold]
    fn index_of_any_key(&mut self) -> Result<Option<usize>, Error> {
        let key = self.reader.key()?;
        Ok(self.known.iter().position(|known| key == *known.text))
    }
}

impl<'k> KnownKey<'k> {
    /// Creates a key that is looked for, written without JSON's escapes.
    #[must_use]
    pub const fn new(text: &'k str) -> Self {
        Self { text, head: head_of(text.as_bytes()) }
    }

    /// Returns whether a key with the same head is the same.
    #[inline]
    fn has_rest_of(&self, key: &[u8]) -> bool {
        self.text.len() == key.len() && self.text.as_bytes().get(8..) == key.get(8..)
    }
}

/// Returns the first eight bytes of a key, with zeros after a shorter one.
const fn head_of(key: &[u8]) -> u64 {
    if let Some(head) = key.first_chunk() {
        return u64::from_le_bytes(*head);
    }
    let (mut head, mut rest) = (0, key);
    while let [before @ .., byte] = rest {
        head = head << 8 | *byte as u64;
        rest = before;
    }
    head
}
