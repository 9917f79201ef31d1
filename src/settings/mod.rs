//! How settings are declared and read. No rule is named here.

pub mod date;
pub mod declaration;
pub mod exemption;
pub mod image_pattern;
mod kinds;
pub mod mode;
pub mod path_pattern;
pub mod preset;
pub mod presets;
pub mod range;
pub mod reader;
pub mod selector;
pub mod setting;
pub mod suggestion;
pub mod value;
pub mod wildcard;
pub mod writable_paths;
