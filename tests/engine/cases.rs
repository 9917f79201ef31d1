//! The cases in `tests/cases`, and tests of all cases.
//!
//! `UPDATE_EXPECT=1 cargo test --locked --test engine cases` writes the verdicts that the module gives into the files.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on a case that does not parse")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use immutable_pods::manifest::ReadOptions;
use immutable_pods::{Interactions, ValidationResponse, manifest};
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::{self, Case, Expectations, Payload};
use serde_json::{Value, json};

pub(crate) use immutable_pods::admission::update as to_update;

use crate::module::{in_repository, lines, policy};

/// The folder of the cases.
pub(crate) const CASES: &str = "tests/cases";

/// Maximum number of files that hold cases, bases and payloads.
const MAX_FILES: usize = 310;

/// The verdict of the policy on a case of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The rule has no findings.
    Admitted,
    /// The rule has findings.
    Denied,
    /// The mode of the rule is `fix`.
    Fixed,
}

impl Verdict {
    /// All verdicts, in the order in which tests evaluate the cases of rules.
    pub(crate) const ALL: [Self; 3] = [Self::Admitted, Self::Denied, Self::Fixed];

    fn of(rule: &str, case: &Case) -> Self {
        let options = &case.settings[rule];
        if options == "fix" || options["mode"] == "fix" {
            Self::Fixed
        } else if case.deny.is_empty() {
            Self::Admitted
        } else {
            Self::Denied
        }
    }
}

/// Returns every case, in the order of the files.
pub(crate) fn all() -> &'static [Case] {
    static ALL: LazyLock<Vec<Case>> =
        LazyLock::new(|| cases::read(&in_repository(CASES)).unwrap_or_else(|error| panic!("{error}")));
    &ALL
}

/// Returns the cases of a topic and of the topics below it.
pub(crate) fn of(topic: &str) -> Vec<Case> {
    all().iter().filter(|case| case.is_of(topic)).cloned().collect()
}

/// Returns the cases of all rules with one of these verdicts, each with the rule's id.
pub(crate) fn of_rules(verdicts: &[Verdict]) -> Vec<(&'static str, Case)> {
    let mut selected = Vec::new();
    for verdict in verdicts {
        for rule in RULES {
            let cases = of(&folder_of(rule.id)).into_iter();
            let cases = cases.filter(|case| Verdict::of(rule.id, case) == *verdict);
            selected.extend(cases.map(|case| (rule.id, case)));
        }
    }
    selected
}

/// Returns every payload, in the order of the files.
pub(crate) fn payloads() -> Vec<Payload> {
    cases::payloads(&in_repository(CASES)).unwrap_or_else(|error| panic!("{error}"))
}

/// Returns the requests that create the objects of all cases, and the recorded requests.
pub(crate) fn manifests() -> Vec<Value> {
    let of_cases = all().iter().flat_map(|case| case.manifests.clone());
    of_cases.chain(requests(&format!("{CASES}/requests"))).collect()
}

/// Returns the response of the module, which must make exactly the host calls of the case.
#[track_caller]
pub(crate) fn evaluate_case(case: &Case, settings: &Value) -> ValidationResponse {
    let Case { id, request, exchanges, .. } = case;
    let interactions = Interactions::new(exchanges.clone());
    let response = policy().replaying(&interactions).validate(request, settings);
    assert_eq!((interactions.calls(), interactions.left()), (exchanges.len(), 0), "{id}: calls of the host");
    response.unwrap_or_else(|error| panic!("{id}: {error}"))
}

/// Returns the pod spec of a request that creates a pod. Returns `None` for other requests.
pub(crate) fn created_pod_spec(case: &Case) -> Option<&Value> {
    let Case { request, .. } = case;
    let creates_pod = creates(case) && request["kind"]["group"] == "" && request["kind"]["kind"] == "Pod";
    creates_pod.then(|| &request["object"]["spec"])
}

/// Whether the request creates an object.
pub(crate) fn creates(case: &Case) -> bool {
    case.request["operation"] == "CREATE"
}

/// Returns the request of an API server when nothing about an object changes.
pub(crate) fn unchanged(request: &Value) -> Value {
    to_update(&request["object"], request.clone())
}

/// Returns a request that creates a pod without findings. Tests add violations to it.
#[track_caller]
pub(crate) fn good_pod() -> Value {
    let case = all().iter().find(|case| case.id == "neutral/pod");
    case.unwrap_or_else(|| panic!("missing case neutral/pod")).request.clone()
}

/// Returns the sorted names in a folder of the repository. Empty if the folder does not exist.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(in_repository(folder)) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Returns a request for each manifest in a file or folder of the repository.
#[track_caller]
pub(crate) fn requests(path: &str) -> Vec<Value> {
    let options = ReadOptions { recursive: true, ..ReadOptions::default() };
    manifest::read(&[in_repository(path)], &options)
        .map(|manifest| manifest.unwrap_or_else(|error| panic!("{error}")).into_request())
        .collect()
}

/// Returns the id of a rule in snake case, which is the name of its cases and of its source file.
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

/// Returns the settings with the mode of one rule set. The options of the rule stay.
pub(crate) fn with_mode(settings: &Value, rule: &str, mode: &str) -> Value {
    let mut settings = settings.clone();
    let options = &mut settings[rule];
    // A bare mode does not have options.
    if !options.is_object() {
        *options = json!({});
    }
    options["mode"] = mode.into();
    settings
}

/// Returns the settings with the mode of every rule set. The options stay.
pub(crate) fn with_every_mode(settings: &Value, mode: &str) -> Value {
    RULES.iter().fold(settings.clone(), |settings, rule| with_mode(&settings, rule.id, mode))
}

/// Returns the verdict of the module on a case.
fn verdict_on(case: &Case) -> Expectations {
    let response = evaluate_case(case, &case.settings);
    let deny = lines(&response).into_iter().map(str::to_owned).collect();
    let fix = response.mutated_object.as_ref();
    let fix = fix.map(|fixed| cases::diff(&case.request["object"], fixed).unwrap_or_default());
    Expectations { deny, warn: response.warnings, fix }
}

fn updates_expectations() -> bool {
    env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

#[test]
fn every_case_gets_the_expected_verdict() {
    let mut differences = Vec::new();
    let mut changed = BTreeMap::<PathBuf, String>::new();
    for case in all() {
        let (old, new) = (case.expectations(), verdict_on(case));
        if old == new {
            continue;
        }
        let file = in_repository(&format!("{CASES}/{}.yaml", case.topic));
        let text = changed.entry(file).or_insert_with_key(|file| fs::read_to_string(file).unwrap());
        *text = cases::rewrite(text, &case.name, &old, &new).unwrap_or_else(|error| panic!("{error}"));
        differences.push(format!("{}:\nexpected {old:#?}\ngot {new:#?}", case.id));
    }
    if updates_expectations() {
        println!("rewrote {} verdicts", differences.len());
        for (file, text) in &changed {
            fs::write(file, text).unwrap();
        }
        return;
    }
    assert!(
        differences.is_empty(),
        "{} cases differ (UPDATE_EXPECT=1 rewrites them)\n{}",
        differences.len(),
        differences.join("\n\n")
    );
}

#[test]
fn every_payload_gets_the_expected_verdict() {
    for Payload { id, deny, bytes, .. } in payloads() {
        let answer = policy().call("validate", &bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        let response: ValidationResponse = serde_json::from_slice(&answer).unwrap();
        let lines = lines(&response).into_iter().map(str::to_owned).collect::<Vec<_>>();
        if lines != deny && updates_expectations() {
            let file = in_repository(&format!("{CASES}/{id}.payload"));
            fs::write(&file, cases::rewrite_payload(&fs::read(&file).unwrap(), &lines)).unwrap();
            continue;
        }
        assert_eq!(lines, deny, "{id}");
    }
}

#[test]
fn files_are_few_and_short() {
    let mut files = Vec::new();
    collect_files(&in_repository("tests"), &mut files);
    files.retain(|file| file.extension().is_none_or(|extension| extension != "rs"));
    assert!(files.len() <= MAX_FILES, "found {} files", files.len());
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        assert!(lines <= cases::MAX_LINES, "{}: {lines} lines", file.display());
    }
}

fn collect_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect_files(&path, files) } else { files.push(path) }
    }
}

#[test]
fn every_file_has_a_layout_that_can_be_rewritten() {
    for case in all() {
        let file = in_repository(&format!("{CASES}/{}.yaml", case.topic));
        let text = fs::read_to_string(&file).unwrap();
        let expectations = case.expectations();
        let rewritten = cases::rewrite(&text, &case.name, &expectations, &expectations);
        assert_eq!(rewritten.as_deref(), Ok(&*text), "{}", case.id);
    }
}

#[test]
fn every_base_is_used() {
    let bases = cases::bases(&in_repository(CASES)).unwrap();
    let mut used = BTreeSet::from(["pod".to_owned()]);
    for topic in all().iter().map(|case| &case.topic).collect::<BTreeSet<_>>() {
        let text = fs::read_to_string(in_repository(&format!("{CASES}/{topic}.yaml"))).unwrap();
        used.extend(text.lines().filter_map(|line| line.strip_prefix("  base: ")).map(str::to_owned));
    }
    let unused: Vec<_> = bases.keys().filter(|base| !used.contains(*base)).collect();
    assert!(unused.is_empty(), "no case uses {unused:?}");
}
