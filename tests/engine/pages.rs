//! Pages that show what the program prints, or what other files contain.

#![expect(clippy::panic, reason = "a test fails on a page that does not parse")]
#![expect(clippy::unwrap_used, reason = "a test fails on output that cannot be written")]

use immutable_pods::evaluator::Evaluator;
use immutable_pods::manifest::ReadOptions;
use immutable_pods::policies::load::Loaded;
use immutable_pods::policies::registration::Cluster;
use immutable_pods::report::{Format, ReportOptions, reporter};
use immutable_pods::{document, manifest};
use serde_json::{Value, json};

use crate::documents::metadata;
use crate::examples;
use crate::markdown::{self, Document};
use crate::module::{in_repository, policy};

/// Returns the settings and policies on a page: the documents of the YAML blocks without a verdict.
pub(crate) fn yaml_blocks(page: &Document) -> Vec<Value> {
    let blocks = page.blocks_of("yaml").into_iter();
    let documents = blocks.flat_map(|block| document::parse(&page.name, block.as_bytes()));
    documents.map(|document| document.unwrap_or_else(|error| panic!("{error}")).value).collect()
}

/// Returns the only policy on a page.
#[track_caller]
fn policy_on(page: &str) -> Value {
    let blocks = yaml_blocks(&markdown::document(page)).into_iter();
    let mut manifests: Vec<_> = blocks.filter(|value| value["kind"] == "ClusterAdmissionPolicy").collect();
    assert_eq!(manifests.len(), 1, "{page}: expected one policy");
    manifests.pop().unwrap_or_default()
}

#[test]
fn the_registration_agrees_with_the_metadata() {
    let spec = &policy_on("docs/register.md")["spec"];
    assert_eq!(spec["rules"], metadata()["rules"]);
    // The policy does not fix.
    assert_eq!(spec["mutating"], false);
    assert!(policy().validate_settings(&spec["settings"]).unwrap().valid);
    let version = concat!(":v", env!("CARGO_PKG_VERSION"));
    assert!(spec["module"].as_str().unwrap().ends_with(version), "{}", spec["module"]);
}

#[test]
fn the_mutating_policy_agrees_with_the_examples() {
    assert_eq!(policy_on("docs/fix.md"), examples::policy("mutating"));
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
    let page = markdown::document("docs/local.md");
    assert_eq!(page.blocks_of(&format!("text of {file}")), [report_on(file, &json!({}))]);
}

#[test]
fn the_diff_is_the_report_on_the_example_of_fixes() {
    let settings = &examples::policy("mutating")["spec"]["settings"];
    let page = markdown::document("docs/local.md");
    assert_eq!(page.blocks_of("diff"), [report_on("examples/fix/nginx.yaml", settings)]);
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
