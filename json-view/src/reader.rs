//! The reader: where it is in a text, how deeply nested, and how it moves past values that are not read.

use std::borrow::Cow;
use std::fmt;

use crate::scan::{self, Unclosed};
use crate::{Error, ErrorKind, RawValue};

/// Maximum number of objects and lists that enclose one another, read or skipped: one more than `serde_json` reads.
///
/// It bounds the stack: readers call one another for each level.
pub const MAX_DEPTH: u32 = 128;

/// Maximum number of list items that a reader keeps, unless [`Reader::set_max_items`] says otherwise.
///
/// It bounds the memory: `{},` is three bytes of text, and the value that is made of it can take hundreds.
pub const DEFAULT_MAX_ITEMS: usize = 50_000;

/// A type that can be read from JSON.
pub trait ReadJson<'a>: Default {
    /// Reads the next value into `self`, which has its default value.
    ///
    /// # Errors
    /// When the text is not JSON, or the value does not have the shape of this type.
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error>;
}

/// Reads a text that is one JSON value.
///
/// # Errors
/// When the text is not JSON, or the value does not have the shape of `T`.
pub fn from_slice<'a, T: ReadJson<'a>>(json: &'a [u8]) -> Result<T, Error> {
    let mut value = T::default();
    read_with(json, |reader| value.read(reader))?;
    Ok(value)
}

/// Reads a text that is one JSON value by a function, which must move the reader past the value.
///
/// # Errors
/// When the function fails, or something follows the value.
pub fn read_with<'a, T>(
    json: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut reader = Reader::new(json);
    let value = read(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.syntax_error("expected nothing more")),
    }
}

/// The kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// A number of any size and precision.
    Number,
    /// A string.
    String,
    /// A list, which RFC 8259 calls an array.
    List,
    /// An object.
    Object,
}

/// Writes the kind with its article: `a list`.
impl fmt::Display for ValueKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Number => "a number",
            Self::String => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        })
    }
}

/// Reads a text from its first byte to its last, value by value.
#[derive(Debug)]
pub struct Reader<'a> {
    pub(crate) json: &'a [u8],
    /// Offset of the next byte.
    pub(crate) position: usize,
    /// Number of objects and lists that have been entered and not left.
    depth: u32,
    item_count: usize,
    max_items: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(json: &'a [u8]) -> Self {
        Self { json, position: 0, depth: 0, item_count: 0, max_items: DEFAULT_MAX_ITEMS }
    }

    /// Returns the number of bytes that have been read. After [`peek_kind`](Self::peek_kind) it is the offset of the next value.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Returns the number of list items that have been kept, of all lists together.
    #[must_use]
    pub fn item_count(&self) -> usize {
        self.item_count
    }

    /// Sets the maximum number of list items that are kept, of all lists together.
    pub fn set_max_items(&mut self, max_items: usize) {
        self.max_items = max_items;
    }

    /// Counts a list item that is about to be kept.
    pub(crate) fn count_item(&mut self) -> Result<(), Error> {
        if self.item_count >= self.max_items {
            let message = format!("too many list items: at most {} are read", self.max_items);
            return Err(Error::new(ErrorKind::TooManyItems, message, self.position));
        }
        self.item_count += 1;
        Ok(())
    }

    /// Returns the kind of the next value, by its first byte.
    ///
    /// # Errors
    /// When no value begins here.
    pub fn peek_kind(&mut self) -> Result<ValueKind, Error> {
        match self.peek() {
            Some(b'{') => Ok(ValueKind::Object),
            Some(b'[') => Ok(ValueKind::List),
            Some(b'"') => Ok(ValueKind::String),
            Some(b't' | b'f') => Ok(ValueKind::Boolean),
            Some(b'n') => Ok(ValueKind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(ValueKind::Number),
            _ => Err(self.syntax_error("expected a value")),
        }
    }

    /// Returns an error of [`ErrorKind::Shape`] at the current position.
    #[cold]
    #[must_use]
    pub fn error(&self, message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(ErrorKind::Shape, message, self.position)
    }

    #[cold]
    pub(crate) fn syntax_error(&self, message: &'static str) -> Error {
        Error::new(ErrorKind::Syntax, message, self.position)
    }

    /// Returns the error for a value of another kind than expected.
    #[cold]
    pub(crate) fn wrong_kind(&mut self, expected: &str) -> Error {
        match self.peek_kind() {
            Ok(found) => self.error(format!("expected {expected}, got {found}")),
            Err(error) => error,
        }
    }

    /// Returns the next byte that is not white space.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let next = self.json.get(self.position).copied();
        if next.is_some_and(|byte| byte > b' ') { next } else { self.skip_space() }
    }

    /// Moves past white space, of which compact JSON has none.
    #[cold]
    fn skip_space(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.json.get(self.position) {
            self.position += 1;
        }
        self.json.get(self.position).copied()
    }

    /// Returns what has been read since an offset.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.json.get(start..self.position).unwrap_or_default()
    }

    /// Moves past the bracket that opens an object or a list.
    pub(crate) fn enter(&mut self) -> Result<(), Error> {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.too_deep()) } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&self) -> Error {
        self.syntax_error("nested too deeply")
    }

    /// Moves to the next entry of the object or list that was entered last, or leaves it and returns `false` at its end.
    #[inline]
    pub(crate) fn next_entry(&mut self, is_first: bool, closing: u8) -> Result<bool, Error> {
        let next = self.peek();
        if next == Some(closing) {
            self.position += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !is_first {
            if next != Some(b',') {
                return Err(self.unclosed());
            }
            self.position += 1;
        }
        Ok(true)
    }

    #[cold]
    fn unclosed(&self) -> Error {
        self.syntax_error("expected a comma or the end of the list or object")
    }

    /// Moves past a value of any kind. Objects and lists are only followed to their closing bracket.
    ///
    /// # Errors
    /// When no value begins here, when it does not end, or when it nests too deeply.
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'{' | b'[') => self.skip_nested(),
            Some(b'"') => self.skip_string(),
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't' | b'f') => self.boolean().map(|_| ()),
            Some(b'n') => self.skip_null().map(|_| ()),
            _ => Err(self.syntax_error("expected a value")),
        }
    }

    fn skip_nested(&mut self) -> Result<(), Error> {
        let inside = self.position + 1;
        match scan::closing_end(self.json.get(inside..).unwrap_or_default(), MAX_DEPTH - self.depth) {
            Ok(length) => {
                self.position = inside + length;
                Ok(())
            }
            Err(Unclosed::TooDeep(length)) => {
                self.position = inside + length;
                Err(self.too_deep())
            }
            Err(Unclosed::EndOfText) => {
                self.position = self.json.len();
                Err(self.unclosed())
            }
        }
    }

    /// Moves past a value of any kind and returns it as it is written.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    pub fn raw(&mut self) -> Result<RawValue<'a>, Error> {
        self.with_raw(Self::skip).map(|((), raw)| raw)
    }

    /// Returns the next value as it is written, without moving past it.
    ///
    /// # Errors
    /// As [`skip`](Self::skip).
    pub fn peek_raw(&mut self) -> Result<RawValue<'a>, Error> {
        let start = self.position;
        let value = self.raw()?;
        self.position = start;
        Ok(value)
    }

    /// Moves past a value that [`peek_raw`](Self::peek_raw) returned.
    pub fn skip_peeked(&mut self, value: RawValue<'a>) {
        self.peek();
        self.position += value.0.len();
    }

    /// Reads a value by a function and returns it as it is written as well.
    ///
    /// # Errors
    /// When the function fails.
    pub fn with_raw<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<(T, RawValue<'a>), Error> {
        self.peek();
        let start = self.position;
        let value = read(self)?;
        Ok((value, RawValue(self.since(start))))
    }
}

/// Reads a value that is there. In a view, `None` means that the field is absent or `null`.
impl<'a, T: ReadJson<'a>> ReadJson<'a> for Option<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.insert(T::default()).read(reader)
    }
}

impl<'a, T: ReadJson<'a>> ReadJson<'a> for Box<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        (**self).read(reader)
    }
}
