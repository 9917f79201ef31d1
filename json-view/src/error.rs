//! Why a text cannot be read.

use std::borrow::Cow;
use std::fmt;

/// Why a text cannot be read: what is wrong, at which byte, and in which field.
///
/// It is a single pointer, because every function that reads can return one: with the fields in place, requests take 1 % more
/// instructions and the module is 6 % larger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Details>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Details {
    kind: ErrorKind,
    message: Cow<'static, str>,
    offset: usize,
    /// The innermost segment first: readers add theirs while the error passes through them.
    path: Vec<PathSegment>,
}

/// What an [`Error`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not JSON, or nests more deeply than [`MAX_DEPTH`](crate::MAX_DEPTH).
    Syntax,
    /// The text is JSON so far, but a value does not have the shape that its reader expects.
    Shape,
    /// The lists have more items than the reader may keep.
    TooManyItems,
}

/// A step from a value to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathSegment {
    /// To the value at a key of an object, without JSON's escapes.
    Key(String),
    /// To an item of a list, counted from zero.
    Index(usize),
}

impl Error {
    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        Self(Box::new(Details { kind, message: message.into(), offset, path: Vec::new() }))
    }

    /// Returns what the error is about.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns whether the text is not JSON, rather than JSON of another shape.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.kind() == ErrorKind::Syntax
    }

    /// Returns what is wrong, in lower case and without a final stop: `expected a list, got a string`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the number of bytes before the one at which reading ended.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Returns the path from the text's value to the value that cannot be read, outermost segment first.
    #[must_use]
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &PathSegment> + ExactSizeIterator {
        self.0.path.iter().rev()
    }

    /// Places the error in the value at a key: its path then begins with this key.
    ///
    /// [`ObjectEntries`](crate::ObjectEntries) and [`KnownFields`](crate::KnownFields) do so for every value that they read.
    #[cold]
    #[must_use]
    pub fn in_key(mut self, key: &str) -> Self {
        self.0.path.push(PathSegment::Key(key.to_owned()));
        self
    }

    /// Places the error in an item of a list: its path then begins with this index.
    ///
    /// [`ListItems`](crate::ListItems) does so for every item that it reads.
    #[cold]
    #[must_use]
    pub fn at_index(mut self, index: usize) -> Self {
        self.0.path.push(PathSegment::Index(index));
        self
    }
}

/// Writes the message and the offset. How a path is written depends on its readers, so it is left to them.
impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at byte {}", self.message(), self.offset())
    }
}

impl std::error::Error for Error {}
