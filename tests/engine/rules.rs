//! Every rule on every fixture.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use std::collections::BTreeMap;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

use crate::fixture::{
    FIXTURES, Fixture, fixtures, folder_of, good_pod, names_in, of_rules, with_every_mode, with_mode,
};
use crate::module::{admitted, judge, lines, message, rule_of, subject_of};

/// Folders of fixtures that belong to no rule.
const SHARED: [&str; 8] =
    ["bypass", "cluster", "exemptions", "fixes", "neutral", "registry", "requests", "updates"];

/// The key of the audit annotation that names the exemptions which were used.
const EXEMPTIONS: &str = "exemptions";

/// The audit annotations that go with the lines of a denial.
fn counts(findings: &[String]) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::<_, usize>::new();
    for finding in findings {
        *counts.entry(rule_of(finding).to_owned()).or_default() += 1;
    }
    counts.into_iter().map(|(rule, count)| (rule, count.to_string())).collect()
}

/// What it means to be denied with these lines, and nothing else.
pub(crate) fn denied(findings: &[String]) -> ValidationResponse {
    ValidationResponse {
        accepted: false,
        message: Some(message(findings)),
        code: Some(403),
        mutated_object: None,
        audit_annotations: counts(findings),
        warnings: Vec::new(),
        evaluated: None,
    }
}

#[test]
fn each_built_in_kind_can_pass_every_rule() {
    let neutral = fixtures("neutral");
    for fixture in &neutral {
        let settings = with_every_mode(&fixture.settings, "deny");
        assert_eq!(judge(&fixture.request, &settings), admitted(), "{}", fixture.name);
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
    for (_, Fixture { name, request, settings, findings, .. }) in of_rules("pass") {
        assert_eq!(findings, [""; 0], "{name}: belongs to fail/");
        assert_eq!(judge(&request, &settings), admitted(), "{name}");
    }
}

#[test]
fn what_fails_a_rule_is_denied_by_it_alone() {
    for (rule, Fixture { name, request, settings, findings, .. }) in of_rules("fail") {
        assert!(!findings.is_empty(), "{name}: must say what is found in it");
        for finding in &findings {
            assert_eq!(rule_of(finding), rule, "{name}: {finding}");
        }
        let response = judge(&request, &settings);
        assert_eq!(lines(&response), findings, "{name}");
        assert_eq!(response, denied(&findings), "{name}");
    }
}

#[test]
fn a_rule_that_warns_admits_with_one_warning() {
    for (rule, Fixture { name, request, settings, findings, .. }) in of_rules("fail") {
        let response = judge(&request, &with_mode(&settings, rule, "warn"));
        let [warning] = &*response.warnings else { panic!("{name}: {:?}", response.warnings) };
        let (first, others) = findings.split_first().unwrap();
        let first = first.strip_suffix(&format!(" [{rule}]")).unwrap();
        let rest = warning.strip_prefix(first).unwrap_or_else(|| panic!("{name}: {warning}"));
        let rest = rest.strip_suffix(&format!(" [{rule}]")).unwrap();
        if others.is_empty() {
            assert_eq!(rest, "", "{name}");
        } else {
            let rest = rest.strip_prefix(&format!(", and {} more in ", others.len())).unwrap();
            for other in others {
                assert!(rest.contains(subject_of(other)), "{name}: {warning}");
            }
        }
        let expected = ValidationResponse {
            audit_annotations: counts(&findings),
            warnings: response.warnings.clone(),
            ..admitted()
        };
        assert_eq!(response, expected, "{name}");
    }
}

#[test]
fn a_rule_that_is_off_says_nothing() {
    for (rule, Fixture { name, request, settings, .. }) in of_rules("fail") {
        assert_eq!(judge(&request, &with_mode(&settings, rule, "off")), admitted(), "{name}");
    }
}

#[test]
fn an_update_is_judged_by_what_it_changes() {
    let fixtures = fixtures("updates");
    assert!(!fixtures.is_empty(), "there are no fixtures of updates");
    for fixture in &fixtures {
        assert_eq!(fixture.request["operation"], "UPDATE", "{}: updates nothing", fixture.name);
        assert_exact(fixture);
    }
}

#[test]
fn an_exemption_covers_what_it_names_and_nothing_else() {
    let fixtures = fixtures("exemptions");
    assert!(!fixtures.is_empty(), "there are no fixtures of exemptions");
    for fixture in &fixtures {
        let (used, _) = assert_exact(fixture);
        // Where nothing would be found anyway, no exemption is tested.
        assert!(used.is_some() || !fixture.findings.is_empty(), "{}: uses no exemption", fixture.name);
    }
}

/// Asserts that a fixture gets the verdict that it states, whichever rules have a part in it. What exemptions add to
/// that must be true of its settings; what the audit log and the user are told of them is returned.
#[track_caller]
pub(crate) fn assert_exact(fixture: &Fixture) -> (Option<String>, Vec<String>) {
    let Fixture { name, settings, findings, .. } = fixture;
    let mut response = fixture.judge(settings);
    assert_eq!(lines(&response), *findings, "{name}");
    let used = response.audit_annotations.remove(EXEMPTIONS);
    assert_all_known(name, &used_exemptions(settings), used.iter().flat_map(|used| used.split("; ")));
    let warnings = std::mem::take(&mut response.warnings);
    assert_all_known(name, &expired_exemptions(settings), warnings.iter().map(String::as_str));
    let expected = if findings.is_empty() { admitted() } else { denied(findings) };
    assert_eq!(response, expected, "{name}");
    (used, warnings)
}

/// What the audit log may say about exemptions.
fn used_exemptions(settings: &Value) -> Vec<String> {
    exemptions(settings)
        .map(|(index, exemption)| format!("exemptions[{index}]: {}", text(exemption, "reason")))
        .collect()
}

/// What users may be told about exemptions.
fn expired_exemptions(settings: &Value) -> Vec<String> {
    exemptions(settings)
        .map(|(index, exemption)| {
            let (expires, reason) = (text(exemption, "expires"), text(exemption, "reason"));
            format!("exemptions[{index}] expired on {expires}: {reason}")
        })
        .collect()
}

fn exemptions(settings: &Value) -> impl Iterator<Item = (usize, &Value)> {
    settings.get("exemptions").and_then(Value::as_array).into_iter().flatten().enumerate()
}

fn text<'v>(object: &'v Value, key: &str) -> &'v str {
    object.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[track_caller]
fn assert_all_known<'t>(name: &str, known: &[String], found: impl Iterator<Item = &'t str>) {
    for text in found {
        assert!(known.iter().any(|known| known == text), "{name}: {text}");
    }
}

#[test]
fn the_audit_log_says_why_something_is_exempt() {
    let request = with_host_pid(good_pod());
    let settings = json!({"exemptions": [
        {"reason": "unused", "namespaces": ["bar"]},
        {"reason": "the node agent reads /proc", "rules": ["hostNamespaces"], "namespaces": ["default"]},
        {"reason": "breakglass", "groups": ["system:masters"], "rules": ["hostNamespaces"]},
    ]});
    let expected = ValidationResponse {
        audit_annotations: BTreeMap::from([(
            EXEMPTIONS.to_owned(),
            "exemptions[1]: the node agent reads /proc".to_owned(),
        )]),
        ..admitted()
    };
    assert_eq!(judge(&request, &settings), expected);
}

#[test]
fn an_exemption_that_has_expired_is_told_to_the_user() {
    let request = with_host_pid(good_pod());
    let settings = json!({"exemptions": [
        {"reason": "until the agent is replaced", "expires": "2020-02-29", "namespaces": ["default"]},
    ]});
    let finding =
        "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]".to_owned();
    let expected = ValidationResponse {
        warnings: vec!["exemptions[0] expired on 2020-02-29: until the agent is replaced".to_owned()],
        ..denied(&[finding])
    };
    assert_eq!(judge(&request, &settings), expected);
}

fn with_host_pid(mut request: Value) -> Value {
    request["object"]["spec"]["hostPID"] = true.into();
    request
}

#[test]
fn every_rule_has_fixtures() {
    let mut missing = Vec::new();
    for rule in RULES {
        let has_fixture = |verdict| !fixtures(&format!("{}/{verdict}", folder_of(rule.id))).is_empty();
        for (exists, what) in [
            (has_fixture("pass"), "a fixture that passes"),
            (has_fixture("fail"), "a fixture that fails"),
            (has_fixture("fix") == rule.can_fix, "fixtures of fixes, or something to fix"),
        ] {
            if !exists {
                missing.push(format!("{} lacks {what}", rule.id));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_fixture_belongs_to_a_rule() {
    let of_rules: Vec<_> = RULES.iter().map(|rule| folder_of(rule.id)).collect();
    for folder in names_in(FIXTURES).iter().filter(|folder| !SHARED.contains(&&***folder)) {
        assert!(of_rules.contains(folder), "{folder}: is the folder of no rule");
        for verdict in names_in(&format!("{FIXTURES}/{folder}")) {
            assert!(
                matches!(&*verdict, "fail" | "fix" | "pass"),
                "{folder}/{verdict}: is none of fail, fix and pass"
            );
        }
    }
}
