//! Every rule on every fixture.

use std::collections::BTreeMap;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_policy::workload::WORKLOADS;

use crate::fixture::{FIXTURES, Fixture, fixtures, folder_of, names_in, with_mode};
use crate::module::{admitted, judge, path_of, rule_of};

/// Folders of fixtures that belong to no rule.
const SHARED: [&str; 2] = ["neutral", "requests"];

/// The manifests that are to be denied, each with the rule that does it.
fn failing() -> Vec<(&'static str, Fixture)> {
    let of_rule =
        |id| fixtures(&format!("{}/fail", folder_of(id))).into_iter().map(move |fixture| (id, fixture));
    RULES.iter().flat_map(|rule| of_rule(rule.id)).collect()
}

fn counts(rule: &str, findings: usize) -> BTreeMap<String, String> {
    BTreeMap::from([(rule.to_owned(), findings.to_string())])
}

#[test]
fn each_built_in_kind_can_pass_every_rule() {
    let neutral = fixtures("neutral");
    for fixture in &neutral {
        assert_eq!(judge(&fixture.request, &fixture.settings), admitted(), "{}", fixture.name);
    }
    let mut kinds: Vec<_> = neutral
        .iter()
        .map(|fixture| (fixture.stem.clone(), fixture.request["kind"]["group"].as_str().unwrap()))
        .collect();
    let mut expected: Vec<_> =
        WORKLOADS.iter().map(|workload| (workload.kind.to_lowercase(), workload.group)).collect();
    kinds.sort();
    expected.sort();
    assert_eq!(kinds, expected, "there is one neutral manifest for each kind");
}

#[test]
fn what_passes_a_rule_passes_all() {
    for rule in RULES {
        for fixture in fixtures(&format!("{}/pass", folder_of(rule.id))) {
            assert_eq!(fixture.findings, [""; 0], "{}: belongs to fail/", fixture.name);
            assert_eq!(judge(&fixture.request, &fixture.settings), admitted(), "{}", fixture.name);
        }
    }
}

#[test]
fn what_fails_a_rule_is_denied_by_it_alone() {
    for (rule, fixture) in failing() {
        let Fixture { name, request, settings, findings, .. } = fixture;
        assert!(!findings.is_empty(), "{name}: must say what is found in it");
        for finding in &findings {
            assert_eq!(rule_of(finding), rule, "{name}: {finding}");
        }
        let response = judge(&request, &settings);
        assert_eq!(response.message.as_deref().unwrap_or_default(), findings.join("\n"), "{name}");
        let expected = ValidationResponse {
            accepted: false,
            message: Some(findings.join("\n")),
            code: Some(403),
            mutated_object: None,
            audit_annotations: counts(rule, findings.len()),
            warnings: Vec::new(),
        };
        assert_eq!(response, expected, "{name}");
    }
}

#[test]
fn a_rule_that_warns_admits_with_a_warning_for_each_finding() {
    for (rule, Fixture { name, request, settings, findings, .. }) in failing() {
        let settings = RULES.iter().fold(settings, |settings, other| with_mode(&settings, other.id, "warn"));
        let response = judge(&request, &settings);
        // A warning may be shorter than the line of a denial, but it names the same field and the same rule.
        let places = |lines: &[String]| -> Vec<_> {
            lines.iter().map(|line| (path_of(line).to_owned(), rule_of(line).to_owned())).collect()
        };
        assert_eq!(places(&response.warnings), places(&findings), "{name}");
        let expected = ValidationResponse {
            audit_annotations: counts(rule, findings.len()),
            warnings: response.warnings.clone(),
            ..admitted()
        };
        assert_eq!(response, expected, "{name}");
    }
}

#[test]
fn a_rule_that_is_off_says_nothing() {
    for (rule, Fixture { name, request, settings, .. }) in failing() {
        assert_eq!(judge(&request, &with_mode(&settings, rule, "off")), admitted(), "{name}");
    }
}

#[test]
fn every_rule_has_fixtures_and_every_fixture_has_a_rule() {
    let mut folders: Vec<_> = SHARED.iter().map(|&folder| folder.to_owned()).collect();
    for rule in RULES {
        let folder = folder_of(rule.id);
        assert_eq!(names_in(&format!("{FIXTURES}/{folder}")), ["fail", "pass"], "folders of {}", rule.id);
        for verdict in ["fail", "pass"] {
            let fixtures = fixtures(&format!("{folder}/{verdict}"));
            assert!(!fixtures.is_empty(), "{}: has no fixture that is to {verdict}", rule.id);
        }
        folders.push(folder);
    }
    folders.sort();
    assert_eq!(names_in(FIXTURES), folders, "every folder of fixtures belongs to a rule");
}
