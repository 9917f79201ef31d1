//! The README: what it shows must be what the policy does.

#![expect(clippy::panic, reason = "a README that cannot be read ends its test")]

use std::fs;

use immutable_pods_host::admission::Subject;
use immutable_pods_host::report::Report;
use immutable_pods_host::{document, manifest};
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

use crate::documents::metadata;
use crate::module::{in_repository, judge, policy};

#[track_caller]
fn readme() -> String {
    fs::read_to_string(in_repository("README.md")).unwrap_or_else(|error| panic!("README.md: {error}"))
}

/// The fenced blocks of a language, without their fences.
fn blocks(language: &str) -> Vec<String> {
    let readme = readme();
    let opening = format!("\n```{language}\n");
    let behind = readme.split(&opening).skip(1);
    behind.filter_map(|text| Some(text.split_once("```")?.0.to_owned())).collect()
}

/// The one YAML block in which a key stands at the left.
#[track_caller]
fn yaml_block(key: &str) -> Value {
    let mut found: Vec<_> = blocks("yaml")
        .into_iter()
        .filter_map(|block| document::parse("README.md", block.as_bytes()).pop()?.ok())
        .filter(|document| document.value.get(key).is_some())
        .collect();
    assert_eq!(found.len(), 1, "there is one block with {key}");
    found.pop().map(|document| document.value).unwrap_or_default()
}

#[test]
fn the_table_lists_the_rules_in_their_order() {
    let readme = readme();
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let listed: Vec<_> = rows.map(|(rule, _)| rule).collect();
    assert_eq!(listed, RULES.iter().map(|rule| rule.id).collect::<Vec<_>>());
}

#[test]
fn the_settings_are_the_defaults_and_complete() {
    let settings = yaml_block("enforcement");
    assert!(policy().validate_settings(&settings).unwrap().valid);
    let known = ["enforcement"].into_iter().chain(RULES.iter().map(|rule| rule.id));
    for key in known {
        assert!(settings.get(key).is_some(), "the settings lack {key}");
    }
    for request in crate::fixture::requests("examples") {
        assert_eq!(judge(&request, &settings), judge(&request, &json!({})));
    }
}

#[test]
fn the_cluster_admission_policy_agrees_with_the_metadata() {
    let policy_resource = yaml_block("spec");
    let spec = &policy_resource["spec"];
    let metadata = metadata();
    assert_eq!(spec["rules"], metadata["rules"]);
    assert_eq!(spec["mutating"], metadata["mutating"]);
    assert!(policy().validate_settings(&spec["settings"]).unwrap().valid);
    let version = concat!(":v", env!("CARGO_PKG_VERSION"));
    assert!(spec["module"].as_str().unwrap().ends_with(version), "{}", spec["module"]);
}

#[test]
fn the_example_settings_are_valid() {
    let settings = immutable_pods_host::settings::read(&in_repository("settings.example.yaml")).unwrap();
    let verdict = policy().validate_settings(&settings).unwrap();
    assert_eq!((verdict.valid, verdict.message), (true, None));
}

#[test]
fn the_output_is_what_the_first_example_gets() {
    let file = "examples/nginx/1-plain.yaml";
    let mut printed = Vec::new();
    let mut report = Report::new(anstream::StripStream::new(&mut printed));
    for manifest in manifest::read(&in_repository(file)) {
        let manifest = manifest.unwrap();
        let source = immutable_pods_host::input::Source::file(file);
        let request = manifest.into_request();
        report.verdict(&source, &Subject::of(&request), &judge(&request, &json!({}))).unwrap();
    }
    assert_eq!(blocks("text"), [String::from_utf8(printed).unwrap()]);
}
