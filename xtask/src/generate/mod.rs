//! Generates files from the code.

mod artifact_hub;
mod chart;
mod compliance;
mod form;
mod metadata;
mod preset;
mod presets;
mod readme;
mod reference;
mod schema;
mod values;
mod yaml;

use std::fs;

use similar::TextDiff;

use crate::in_repository;

/// A generated file: its path in the repository, and a function from its current text to its new text.
type Generated = (&'static str, fn(&str) -> Result<String, String>);

/// Every generated file. A file that depends on another file comes after that file.
const FILES: [Generated; 12] = [
    (schema::FILE, |_| schema::generate()),
    (form::FILE, |_| form::generate()),
    (chart::CHART, |_| chart::chart()),
    (chart::VALUES, |_| chart::default_values()),
    (chart::SCHEMA, |_| chart::schema()),
    (chart::README, chart::readme),
    (chart::HAULER, |_| chart::hauler()),
    (artifact_hub::FILE, artifact_hub::generate),
    (reference::FILE, |_| Ok(reference::generate())),
    (presets::FILE, |_| presets::generate()),
    (compliance::FILE, |_| compliance::generate()),
    (readme::FILE, readme::generate),
];

/// Writes outdated files. With `check`, reports them instead.
///
/// # Errors
/// If a file cannot be generated, read or written. With `check`, if a file is outdated.
pub(crate) fn run(check: bool) -> Result<(), String> {
    let mut outdated = Vec::new();
    for (file, generate) in FILES {
        let path = in_repository(file);
        let written = fs::read_to_string(&path).unwrap_or_default();
        let generated = generate(&written).map_err(|reason| format!("{file}: {reason}"))?;
        if generated == written {
            continue;
        }
        if check {
            eprint!("{}", TextDiff::from_lines(&written, &generated).unified_diff().header(file, file));
            outdated.push(file);
        } else {
            fs::write(&path, generated).map_err(|error| format!("{file}: {error}"))?;
            println!("wrote {file}");
        }
    }
    if outdated.is_empty() {
        return Ok(());
    }
    Err(format!("not up to date: {} (run `cargo xtask generate`)", outdated.join(", ")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_up_to_date() {
        assert_eq!(super::run(true), Ok(()));
    }
}
