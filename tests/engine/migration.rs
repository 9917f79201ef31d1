//! The rows of `docs/migrate/` that say *same*: the policy must give the verdicts of the policies that it replaces.
//!
//! `migration.yaml` contains pods with the verdicts of these policies. The rows about Pod Security Admission are compared with
//! its library: see `pod_security`.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a case that does not parse")]

use std::collections::BTreeSet;

use immutable_pods_policy::rules::RULES;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::doc_examples::{SETTINGS, settings_in_cell};
use crate::documents::read;
use crate::markdown::{Document, documents};
use crate::module::{evaluate, policy};

const CASES: &str = "tests/engine/migration.yaml";

/// The page whose rows the module `pod_security` compares.
pub(crate) const POD_SECURITY_ADMISSION: &str = "Pod Security Admission";

/// Pods with the verdicts of other policies.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    settings: String,
    rows: Vec<String>,
    #[serde(default)]
    admitted: Vec<Map<String, Value>>,
    #[serde(default)]
    fixed: Vec<Map<String, Value>>,
    #[serde(default)]
    denied: Vec<Map<String, Value>>,
}

fn cases() -> Vec<Case> {
    serde_json::from_value(read(CASES)).unwrap()
}

/// A row of `docs/migrate/` that says *same*.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct SameRow {
    /// What the page migrates from.
    pub(crate) from: String,
    /// The columns before the settings. An empty first column means that of the row above.
    pub(crate) name: String,
    pub(crate) settings: String,
}

/// Returns the rows of `docs/migrate/` that say *same*, in order.
pub(crate) fn same_rows() -> Vec<SameRow> {
    let documents = documents();
    let titled = documents.iter().map(|document| (document.title.strip_prefix("Migrate from "), document));
    let titled = titled.filter_map(|(from, document)| Some((from?, document)));
    titled.flat_map(|(from, document)| same_rows_of(from, document)).collect()
}

fn same_rows_of(from: &str, document: &Document) -> Vec<SameRow> {
    let mut rows = Vec::new();
    let mut first = "";
    for row in document.rows.iter().filter(|row| !row.cell("differs").is_empty()) {
        let before = row.cells.iter().take_while(|(column, _)| column != SETTINGS);
        let mut names: Vec<&str> = before.map(|(_, cell)| cell.as_str()).collect();
        if names[0].is_empty() {
            names[0] = first;
        }
        first = names[0];
        if row.cell("differs").starts_with("same") {
            names.retain(|name| !name.is_empty());
            let (from, settings) = (from.to_owned(), row.cell(SETTINGS).to_owned());
            rows.push(SameRow { from, name: names.join(" "), settings });
        }
    }
    rows
}

/// Returns the settings in a cell, with all other rules off.
#[track_caller]
pub(crate) fn only(settings: &str) -> Value {
    let mut settings = settings_in_cell(settings).unwrap();
    for rule in RULES {
        let keys = settings.as_object_mut().unwrap();
        keys.entry(rule.id).or_insert_with(|| "off".into());
    }
    let answer = policy().validate_settings(&settings).unwrap();
    assert!(answer.valid, "{:?}", answer.message);
    settings
}

/// Returns the request that creates a pod.
pub(crate) fn request(pod: &Value) -> Value {
    json!({
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "shop", "operation": "CREATE",
        "userInfo": {"username": "jane"}, "object": pod,
    })
}

/// Returns a pod with changes, as `migration.yaml` describes them.
fn pod(mut change: Map<String, Value>) -> Value {
    let annotations = change.remove("annotations").unwrap_or_default();
    let mut list = |key: &str| {
        let fields = change.remove(key).or_else(|| (key == "container").then(|| json!({})))?;
        let mut container = json!({"name": key, "image": "registry.example.com/shop/app:1.0"});
        container.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Some(json!([container]))
    };
    let lists = [
        ("containers", list("container")),
        ("initContainers", list("init")),
        ("ephemeralContainers", list("debug")),
    ];
    let mut spec = change;
    spec.extend(lists.into_iter().filter_map(|(key, list)| Some((key.to_owned(), list?))));
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "annotations": annotations}, "spec": spec,
    })
}

#[test]
fn rows_that_say_same_have_cases() {
    let rows = same_rows().into_iter().filter(|row| row.from != POD_SECURITY_ADMISSION);
    let rows: BTreeSet<_> = rows.map(|row| (format!("{}: {}", row.from, row.name), row.settings)).collect();
    let cases = cases();
    let shown = cases
        .iter()
        .flat_map(|case| case.rows.iter().map(|row| (row.clone(), case.settings.clone())))
        .collect::<BTreeSet<_>>();
    let missing: Vec<_> = rows.difference(&shown).collect();
    let unknown: Vec<_> = shown.difference(&rows).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "without a case: {missing:#?}\nwithout a row: {unknown:#?}"
    );
}

#[test]
fn the_policy_gives_the_verdicts_of_other_policies() {
    for Case { settings: text, rows, admitted, fixed, denied } in cases() {
        let settings = only(&text);
        assert!(!admitted.is_empty(), "{text}: no pod is admitted");
        let verdicts = [(true, false, admitted), (true, true, fixed), (false, false, denied)];
        for (is_admitted, is_fixed, changes) in verdicts {
            for change in changes {
                let pod = pod(change);
                let response = evaluate(&request(&pod), &settings);
                assert_eq!(
                    (response.accepted, response.mutated_object.is_some()),
                    (is_admitted, is_fixed),
                    "{rows:?}: {text}: {pod}: {:?}",
                    response.message
                );
            }
        }
    }
}

#[test]
fn a_rule_that_is_not_off_denies_a_pod() {
    for Case { settings, rows, denied, .. } in cases() {
        let admits_all =
            settings.ends_with(": off") || rows.iter().all(|row| row.contains("allow_host_network"));
        assert_eq!(denied.is_empty(), admits_all, "{settings}");
    }
}
