//! The README must agree with the policy.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on a README that does not parse")]
#![expect(clippy::unwrap_used, reason = "a test fails on output that cannot be written")]

use std::fs;

use immutable_pods::evaluator::Evaluator;
use immutable_pods::manifest::ReadOptions;
use immutable_pods::policies::load::Loaded;
use immutable_pods::policies::registration::Cluster;
use immutable_pods::report::{Format, ReportOptions, reporter};
use immutable_pods::{document, manifest};
use serde_json::{Value, json};

use crate::documents::metadata;
use crate::examples;
use crate::module::{in_repository, policy};

const README: &str = "README.md";

/// Returns the README.
#[track_caller]
pub(crate) fn text() -> String {
    fs::read_to_string(in_repository(README)).unwrap_or_else(|error| panic!("{README}: {error}"))
}

/// Returns the code blocks of a language, without fences.
fn blocks(language: &str) -> Vec<String> {
    let readme = text();
    let opening = format!("\n```{language}\n");
    let blocks = readme.split(&opening).skip(1);
    blocks.filter_map(|text| Some(text.split_once("```")?.0.to_owned())).collect()
}

/// Returns the documents of all YAML blocks.
pub(crate) fn yaml_blocks() -> impl Iterator<Item = Value> {
    let documents = blocks("yaml").into_iter().flat_map(|block| document::parse(README, block.as_bytes()));
    documents.map(|document| document.unwrap_or_else(|error| panic!("{error}")).value)
}

/// Returns the only manifest of the policy with this name.
#[track_caller]
fn manifest_of(name: &str) -> Value {
    let mut manifests: Vec<_> = yaml_blocks().filter(|value| value["metadata"]["name"] == name).collect();
    assert_eq!(manifests.len(), 1, "expected one manifest of {name}");
    manifests.pop().unwrap_or_default()
}

#[test]
fn the_cluster_admission_policy_agrees_with_the_metadata() {
    let spec = &manifest_of("immutable-pods")["spec"];
    assert_eq!(spec["rules"], metadata()["rules"]);
    // The policy does not fix.
    assert_eq!(spec["mutating"], false);
    assert!(policy().validate_settings(&spec["settings"]).unwrap().valid);
    let version = concat!(":v", env!("CARGO_PKG_VERSION"));
    assert!(spec["module"].as_str().unwrap().ends_with(version), "{}", spec["module"]);
}

#[test]
fn the_mutating_policy_agrees_with_the_examples() {
    assert_eq!(manifest_of("immutable-pods-fix"), examples::policy("mutating"));
}

#[test]
fn lists_in_the_settings_are_valid() {
    for key in ["exemptions", "writablePaths"] {
        let is_list = |settings: &Value| settings[key].as_array().is_some_and(|list| !list.is_empty());
        let shown: Vec<_> = yaml_blocks().filter(is_list).collect();
        assert_eq!(shown.len(), 1, "{key}");
        for settings in shown {
            let verdict = policy().validate_settings(&settings).unwrap();
            assert_eq!((verdict.valid, verdict.message), (true, None), "{key}");
        }
    }
}

#[test]
fn the_example_settings_are_valid() {
    let settings = immutable_pods::settings::read(&in_repository("settings.example.yaml")).unwrap();
    let verdict = policy().validate_settings(&settings).unwrap();
    assert_eq!((verdict.valid, verdict.message), (true, None));
}

#[test]
fn the_output_is_the_report_on_the_first_example() {
    let file = "examples/nginx/1-plain.yaml";
    assert_eq!(blocks(&format!("text of {file}")), [report_on(file, &json!({}))]);
}

#[test]
fn the_diff_is_the_report_on_the_example_of_fixes() {
    let settings = &examples::policy("mutating")["spec"]["settings"];
    assert_eq!(blocks("diff"), [report_on("examples/fix/nginx.yaml", settings)]);
}

/// Returns the output of the command line for a file, without the summary.
fn report_on(file: &str, settings: &Value) -> String {
    let loaded = Loaded::settings(settings.as_object().unwrap().clone());
    let evaluator = Evaluator::new(policy().clone(), loaded, Cluster::default()).unwrap();
    let mut printed = Vec::new();
    let options = ReportOptions { show_fixes: true, ..ReportOptions::default() };
    let mut report = reporter(Format::Text, anstream::StripStream::new(&mut printed), options);
    for manifest in manifest::read(&[in_repository(file)], &ReadOptions::default()) {
        let mut evaluation = evaluator.evaluate(manifest.unwrap()).unwrap();
        file.clone_into(&mut evaluation.source.file);
        report.evaluation(&evaluation).unwrap();
    }
    drop(report);
    String::from_utf8(printed).unwrap()
}
