//! The README: what it shows must be what the policy does.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a README that cannot be read ends its test")]
#![expect(clippy::unwrap_used, reason = "what cannot be printed ends its test")]

use std::fs;

use immutable_pods_host::admission::Subject;
use immutable_pods_host::input::Source;
use immutable_pods_host::report::Report;
use immutable_pods_host::{document, manifest};
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

use crate::docs;
use crate::documents::metadata;
use crate::examples;
use crate::fixture::{FIXTURES, of_rules, requests, with_mode};
use crate::module::{in_repository, judge, policy};

const README: &str = "README.md";

/// What stands before and behind that which is generated.
const MARKERS: [&str; 2] = ["<!-- rules: generated from src/rules -->\n", "<!-- end of rules -->\n"];

/// The README as a whole.
#[track_caller]
pub(crate) fn text() -> String {
    fs::read_to_string(in_repository(README)).unwrap_or_else(|error| panic!("{README}: {error}"))
}

/// The settings that it shows as the defaults.
#[track_caller]
pub(crate) fn settings() -> Value {
    yaml_block("enforcement")
}

/// The fenced blocks of a language, without their fences.
fn blocks(language: &str) -> Vec<String> {
    let readme = text();
    let opening = format!("\n```{language}\n");
    let behind = readme.split(&opening).skip(1);
    behind.filter_map(|text| Some(text.split_once("```")?.0.to_owned())).collect()
}

/// The YAML blocks.
pub(crate) fn yaml_blocks() -> impl Iterator<Item = Value> {
    let documents = blocks("yaml").into_iter().flat_map(|block| document::parse(README, block.as_bytes()));
    documents.map(|document| document.unwrap_or_else(|error| panic!("{error}")).value)
}

/// The one YAML block in which a key stands at the left.
#[track_caller]
fn yaml_block(key: &str) -> Value {
    let mut found: Vec<_> = yaml_blocks().filter(|value| value.get(key).is_some()).collect();
    assert_eq!(found.len(), 1, "there is one block with {key}");
    found.pop().unwrap_or_default()
}

/// The one manifest of a policy of this name.
#[track_caller]
fn manifest_of(name: &str) -> Value {
    let mut found: Vec<_> = yaml_blocks().filter(|value| value["metadata"]["name"] == name).collect();
    assert_eq!(found.len(), 1, "there is one manifest of {name}");
    found.pop().unwrap_or_default()
}

#[test]
fn the_rules_are_described_as_in_their_files() {
    let [start, end] = MARKERS;
    let readme = text();
    let (before, rest) = readme.split_once(start).expect("README.md: lacks the marker before the rules");
    let (described, behind) = rest.split_once(end).expect("README.md: lacks the marker behind the rules");
    let generated = format!("\n{}\n", docs::generated());
    if described != generated {
        fs::write(in_repository(README), [before, start, &generated, end, behind].concat()).unwrap();
        panic!(
            "README.md did not describe the rules as src/rules does, and was rewritten: run the tests again, and commit it"
        );
    }
}

#[test]
fn the_settings_are_complete() {
    let settings = settings();
    assert!(policy().validate_settings(&settings).unwrap().valid);
    for key in ["enforcement", "onUpdate", "writablePaths", "exemptions"] {
        assert!(settings.get(key).is_some(), "the settings lack {key}");
    }
    for rule in RULES {
        for key in docs::keys_of(rule) {
            assert!(settings[rule.id].get(&key).is_some(), "the settings lack {}.{key}", rule.id);
        }
    }
}

#[test]
fn the_settings_are_the_defaults() {
    let settings = settings();
    for rule in RULES {
        let mode = if rule.mode.is_some() { "deny" } else { "off" };
        assert_eq!(settings[rule.id]["mode"], mode, "{}", rule.id);
    }
    // What makes no difference to any fixture of a rule, and to nothing else that there is to judge, is the default.
    let fixtures = ["pass", "fail"].into_iter().flat_map(of_rules);
    let requests = fixtures.map(|(rule, fixture)| (fixture.request, with_mode(&json!({}), rule, "deny")));
    for (request, defaults) in requests.chain(requests_in("examples")).chain(requests_in(FIXTURES)) {
        let mut settings = settings.clone();
        for (rule, options) in defaults.as_object().into_iter().flatten() {
            settings[rule]["mode"] = options["mode"].clone();
        }
        assert_eq!(judge(&request, &settings), judge(&request, &defaults), "{request}");
    }
}

/// Everything in a folder, with the settings it is judged by when there are none.
fn requests_in(folder: &str) -> impl Iterator<Item = (Value, Value)> {
    requests(folder).into_iter().map(|request| (request, json!({})))
}

#[test]
fn the_settings_list_every_protected_path() {
    let source = fs::read_to_string(in_repository("src/rules/writable_mounts.rs")).unwrap();
    let (_, list) = source.split_once("const PROTECTED:").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let protected: Vec<_> = list.split('"').filter(|text| text.starts_with('/')).collect();
    assert_eq!(settings()["writableMounts"]["protectedPaths"], json!(protected));
}

#[test]
fn the_cluster_admission_policy_agrees_with_the_metadata() {
    let spec = &manifest_of("immutable-pods")["spec"];
    assert_eq!(spec["rules"], metadata()["rules"]);
    // It fixes nothing.
    assert_eq!(spec["mutating"], false);
    assert!(policy().validate_settings(&spec["settings"]).unwrap().valid);
    let version = concat!(":v", env!("CARGO_PKG_VERSION"));
    assert!(spec["module"].as_str().unwrap().ends_with(version), "{}", spec["module"]);
}

#[test]
fn the_mutating_policy_is_that_of_the_examples() {
    assert_eq!(manifest_of("immutable-pods-fix"), examples::policy("mutating"));
}

#[test]
fn the_lists_that_it_shows_are_valid() {
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
    let settings = immutable_pods_host::settings::read(&in_repository("settings.example.yaml")).unwrap();
    let verdict = policy().validate_settings(&settings).unwrap();
    assert_eq!((verdict.valid, verdict.message), (true, None));
}

#[test]
fn the_output_is_what_the_first_example_gets() {
    let file = "examples/nginx/1-plain.yaml";
    assert_eq!(blocks(&format!("text of {file}")), [report_on(file, &json!({}))]);
}

#[test]
fn the_diff_is_what_the_example_of_fixes_gets() {
    let settings = &examples::policy("mutating")["spec"]["settings"];
    assert_eq!(blocks("diff"), [report_on("examples/fix/nginx.yaml", settings)]);
}

/// What the program prints of a file, but for the summary.
fn report_on(file: &str, settings: &Value) -> String {
    let mut printed = Vec::new();
    let mut report = Report::new(anstream::StripStream::new(&mut printed));
    for manifest in manifest::read(&in_repository(file)) {
        let source = Source::file(file);
        let request = manifest.unwrap().into_request();
        let response = policy().report(&request, settings).unwrap();
        report.verdict(&source, &Subject::of(&request), &response).unwrap();
        if let Some(fixed) = &response.mutated_object {
            report.fixes(&source, &request["object"], fixed).unwrap();
        }
    }
    String::from_utf8(printed).unwrap()
}
