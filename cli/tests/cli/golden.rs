//! Files that contain what the program prints: `UPDATE_EXPECT=1 cargo test -p immutable-pods --test cli` rewrites them.

use std::env;
use std::fs;
use std::path::Path;

/// Compares a text with a file.
#[track_caller]
pub(crate) fn check(file: &Path, text: &str) {
    if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        fs::write(file, text).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    let name = file.display();
    assert!(
        text == expected,
        "{name} differs (UPDATE_EXPECT=1 cargo test -p immutable-pods --test cli rewrites it):\n{text}"
    );
}
