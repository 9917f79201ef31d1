//! How settings are declared and read. No rule is named here.

pub mod date;
pub mod reader;
pub mod selector;
pub mod value;
pub mod wildcard;
pub mod writable_paths;
