//! Messages about objects that cannot be read.

use json_view::{Error, ErrorKind};

use crate::kubernetes::field_path;

/// Maximum number of characters in a message. Paths and numbers are as long as users write them.
pub(crate) const MAX_MESSAGE_CHARS: usize = 400;

/// The message for an object with more list items than are evaluated.
pub(crate) const TOO_MANY_ITEMS: &str =
    "too many list items: at most 50000 are evaluated per object, fewer when they are deeply nested";

/// Returns a sentence on why JSON at a path of the object cannot be read. It begins with the path of the field.
pub(crate) fn describe(error: &Error, base: &str) -> String {
    let message = match error.kind() {
        ErrorKind::Syntax => return shorten(&format!("the request cannot be read as JSON: {error}")),
        ErrorKind::TooManyItems => TOO_MANY_ITEMS,
        ErrorKind::Shape => error.message(),
    };
    let inner = field_path::of_segments(error.path());
    let mut path = base.to_owned();
    field_path::push_path(&mut path, inner.strip_prefix("request.object.").unwrap_or(&inner));
    let path = if path.is_empty() { "the payload" } else { &path };
    shorten(&format!("{path}: {message}"))
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.to_owned(),
    }
}
