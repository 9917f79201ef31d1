#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod error;
mod fields;
mod list;
mod literal;
mod number;
mod object;
mod raw;
mod reader;
mod scan;
mod string;
mod text;
mod views;

pub use error::{Error, ErrorKind, PathSegment};
pub use fields::{KnownFields, KnownKey, MAX_KNOWN_KEYS};
pub use list::ListItems;
pub use object::ObjectEntries;
pub use raw::{RawValue, StringEnding};
pub use reader::{DEFAULT_MAX_ITEMS, MAX_DEPTH, ReadJson, Reader, ValueKind, from_slice, read_with};
#[doc(hidden)]
pub use scan::plain_end;
pub use text::Text;
