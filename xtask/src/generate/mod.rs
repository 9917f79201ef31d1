//! Generates files from the code.

mod artifact_hub;
mod chart;
mod compliance;
mod form;
mod messages;
mod metadata;
mod preset;
mod presets;
mod readme;
mod reference;
mod rules;
mod schema;
mod values;
mod versions;
mod yaml;

use std::fs;

use similar::TextDiff;

use crate::in_repository;

/// A generated file: its path in the repository, and a function from its current text to its new text.
type Generated = (&'static str, fn(&str) -> Result<String, String>);

/// Every generated file, except for the pages of rules. A file that depends on another file comes after that file.
const FILES: [Generated; 14] = [
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
    (messages::FILE, |_| messages::generate()),
    (versions::FILE, |_| versions::generate()),
    (readme::FILE, readme::generate),
];

/// Writes outdated files. With `check`, reports them instead.
///
/// # Errors
/// If a file cannot be generated, read or written. With `check`, if a file is outdated.
pub(crate) fn run(check: bool) -> Result<(), String> {
    let mut outdated = Vec::new();
    for (file, generate) in FILES {
        let written = fs::read_to_string(in_repository(file)).unwrap_or_default();
        let generated = generate(&written).map_err(|reason| format!("{file}: {reason}"))?;
        if generated != written {
            update(file, &written, &generated, check)?;
            outdated.push(file.to_owned());
        }
    }
    for (file, generated) in rules::pages()? {
        let written = fs::read_to_string(in_repository(&file)).unwrap_or_default();
        if generated != written {
            update(&file, &written, &generated, check)?;
            outdated.push(file);
        }
    }
    if outdated.is_empty() || !check {
        return Ok(());
    }
    Err(format!("not up to date: {} (run `cargo xtask generate`)", outdated.join(", ")))
}

/// Writes a file, or prints what would change.
fn update(file: &str, written: &str, generated: &str, check: bool) -> Result<(), String> {
    if check {
        eprint!("{}", TextDiff::from_lines(written, generated).unified_diff().header(file, file));
        return Ok(());
    }
    fs::write(in_repository(file), generated).map_err(|error| format!("{file}: {error}"))?;
    println!("wrote {file}");
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn generated_files_are_up_to_date() {
        assert_eq!(super::run(true), Ok(()));
    }
}
