//! Reads a few fields of large JSON documents, in one pass and without copies.
//!
//! A reader declares the fields that it needs as [`views!`]; everything else is skipped, sixteen bytes at a time.

#![forbid(unsafe_code)]

mod reader;
pub mod scan;
mod text;
mod view;

pub use reader::{
    Error, Failure, Fields, Items, Keys, Known, MAX_DEPTH, MAX_ITEMS, Raw, Read, Reader, TOO_MANY_ITEMS,
    from_slice, read_with,
};
pub use text::Text;
