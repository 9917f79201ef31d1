//! Fixtures: manifests that say themselves what is to be found in them.
//!
//! A line `# finding: …` is a line of the denial, a line `# settings: …` holds the settings in JSON.

#![expect(clippy::panic, reason = "a fixture that cannot be read ends its test")]

use std::fs;
use std::path::Path;

use immutable_pods_host::manifest;
use serde_json::{Value, json};

use crate::module::in_repository;

/// The folder of all fixtures.
pub(crate) const FIXTURES: &str = "tests/fixtures";

/// A manifest, and what the policy must make of it.
pub(crate) struct Fixture {
    /// Where it stands in the repository, for messages.
    pub(crate) name: String,
    /// The file's name without its ending.
    pub(crate) stem: String,
    /// What an API server asks when the object is created.
    pub(crate) request: Value,
    /// The settings it is to be judged by.
    pub(crate) settings: Value,
    /// The lines of the denial, in their order; none when the object is to be admitted.
    pub(crate) findings: Vec<String>,
}

impl Fixture {
    #[track_caller]
    fn read(name: String, stem: String) -> Self {
        let text = fs::read_to_string(in_repository(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with("# "), "{name}: must begin with a comment that says why it exists");
        let findings = text.lines().filter_map(|line| line.strip_prefix("# finding: ")).map(str::to_owned);
        let settings = text.lines().find_map(|line| line.strip_prefix("# settings: ")).unwrap_or("{}");
        let settings = serde_json::from_str(settings).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut requests = requests(&name);
        let request = requests.pop().unwrap_or_default();
        assert!(requests.is_empty(), "{name}: must hold one object");
        Self { findings: findings.collect(), name, stem, request, settings }
    }
}

/// The fixtures in a folder, by name; none when there is no such folder.
#[track_caller]
pub(crate) fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = format!("{FIXTURES}/{folder}");
    names_in(&folder)
        .into_iter()
        .map(|file| {
            let stem =
                file.strip_suffix(".yaml").unwrap_or_else(|| panic!("{folder}/{file}: is no .yaml file"));
            Fixture::read(format!("{folder}/{file}"), stem.to_owned())
        })
        .collect()
}

/// The request to create a pod that passes everything, for tests to spoil.
#[track_caller]
pub(crate) fn good_pod() -> Value {
    let request = requests(&format!("{FIXTURES}/neutral/pod.yaml")).pop();
    request.unwrap_or_else(|| panic!("neutral/pod.yaml: holds no object"))
}

/// What stands in a folder of the repository, by name; nothing when there is no such folder.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(in_repository(folder)) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What an API server asks for each manifest in a file or a folder of the repository.
#[track_caller]
pub(crate) fn requests(path: &str) -> Vec<Value> {
    let read = manifest::read(Path::new(&in_repository(path)));
    read.into_iter()
        .map(|manifest| manifest.unwrap_or_else(|error| panic!("{error}")).into_request())
        .collect()
}

/// The folder of a rule, and of its source: its id in snake case.
pub(crate) fn folder_of(rule: &str) -> String {
    let mut folder = String::new();
    for character in rule.chars() {
        if character.is_ascii_uppercase() {
            folder.push('_');
        }
        folder.push(character.to_ascii_lowercase());
    }
    folder
}

/// The settings with the mode of one rule set, and its options kept.
pub(crate) fn with_mode(settings: &Value, rule: &str, mode: &str) -> Value {
    let mut settings = settings.clone();
    if let Some(rules) = settings.as_object_mut() {
        let options = rules.entry(rule).or_insert_with(|| json!({}));
        if let Some(options) = options.as_object_mut() {
            options.insert("mode".to_owned(), mode.into());
        }
    }
    settings
}
