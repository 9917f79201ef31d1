//! Every rule, on every case.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use std::collections::BTreeMap;

use immutable_pods::ValidationResponse;
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::Case;
use serde_json::{Value, json};

use crate::cases::{
    self, CASES, Verdict, evaluate_case, folder_of, good_pod, names_in, of_rules, with_every_mode, with_mode,
};
use crate::module::{admitted, evaluate, lines, message, rule_of, subject_of};

/// Topics without a rule, the bases and the recorded requests.
const SHARED: [&str; 11] = [
    "bases",
    "bypass",
    "cluster",
    "examples",
    "exemptions",
    "fixes",
    "neutral",
    "presets",
    "registry",
    "requests",
    "updates",
];

/// The key of the audit annotation that lists used exemptions.
const EXEMPTIONS: &str = "exemptions";

/// Returns the audit annotations for findings.
fn counts(findings: &[String]) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::<_, usize>::new();
    for finding in findings {
        *counts.entry(rule_of(finding).to_owned()).or_default() += 1;
    }
    counts.into_iter().map(|(rule, count)| (rule, count.to_string())).collect()
}

/// Returns the response that denies a request with these findings, without warnings.
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
fn every_built_in_kind_has_a_case_without_findings() {
    let neutral = cases::of("neutral");
    for case in &neutral {
        let settings = with_every_mode(&case.settings, "deny");
        assert_eq!(evaluate(&case.request, &settings), admitted(), "{}", case.id);
    }
    let mut kinds: Vec<_> = neutral
        .iter()
        .map(|case| (case.name.clone(), case.request["kind"]["group"].as_str().unwrap()))
        .collect();
    let mut expected: Vec<_> =
        WORKLOADS.iter().map(|workload| (workload.kind.to_lowercase(), workload.group)).collect();
    kinds.sort();
    expected.sort();
    assert_eq!(kinds, expected, "expected one neutral case for each kind");
}

#[test]
fn a_request_that_a_rule_admits_is_admitted_by_all_rules() {
    for (_, Case { id, request, settings, warn, .. }) in of_rules(&[Verdict::Admitted]) {
        assert_eq!(warn, [""; 0], "{id}: unexpected warnings");
        assert_eq!(evaluate(&request, &settings), admitted(), "{id}");
    }
}

#[test]
fn a_request_that_a_rule_denies_is_denied_by_that_rule_alone() {
    for (rule, Case { id, request, settings, deny, .. }) in of_rules(&[Verdict::Denied]) {
        for finding in &deny {
            assert_eq!(rule_of(finding), rule, "{id}: {finding}");
        }
        let response = evaluate(&request, &settings);
        assert_eq!(lines(&response), deny, "{id}");
        assert_eq!(response, denied(&deny), "{id}");
    }
}

#[test]
fn mode_warn_admits_with_one_warning() {
    for (rule, Case { id, request, settings, deny, .. }) in of_rules(&[Verdict::Denied]) {
        let response = evaluate(&request, &with_mode(&settings, rule, "warn"));
        let [warning] = &*response.warnings else { panic!("{id}: {:?}", response.warnings) };
        let (first, others) = deny.split_first().unwrap();
        let first = first.strip_suffix(&format!(" [{rule}]")).unwrap();
        let rest = warning.strip_prefix(first).unwrap_or_else(|| panic!("{id}: {warning}"));
        let rest = rest.strip_suffix(&format!(" [{rule}]")).unwrap();
        if others.is_empty() {
            assert_eq!(rest, "", "{id}");
        } else {
            let rest = rest.strip_prefix(&format!(", and {} more in ", others.len())).unwrap();
            for other in others {
                assert!(rest.contains(subject_of(other)), "{id}: {warning}");
            }
        }
        let expected = ValidationResponse {
            audit_annotations: counts(&deny),
            warnings: response.warnings.clone(),
            ..admitted()
        };
        assert_eq!(response, expected, "{id}");
    }
}

#[test]
fn mode_off_has_no_findings() {
    for (rule, Case { id, request, settings, .. }) in of_rules(&[Verdict::Denied]) {
        assert_eq!(evaluate(&request, &with_mode(&settings, rule, "off")), admitted(), "{id}");
    }
}

#[test]
fn an_update_is_evaluated_by_its_changes() {
    let updates = cases::of("updates");
    assert!(!updates.is_empty(), "found no cases of updates");
    for case in &updates {
        assert_eq!(case.request["operation"], "UPDATE", "{}: is not an update", case.id);
        assert_exact(case);
    }
}

#[test]
fn exemptions_cover_only_the_findings_that_they_match() {
    let exemptions = cases::of("exemptions");
    assert!(!exemptions.is_empty(), "found no cases of exemptions");
    for case in &exemptions {
        let (used, _) = assert_exact(case);
        // A case without any finding does not test an exemption.
        assert!(used.is_some() || !case.deny.is_empty(), "{}: does not use an exemption", case.id);
    }
}

/// Asserts that a case gets the expected verdict, and that reported exemptions agree with the settings. Returns the used
/// exemptions from the audit annotations, and the warnings.
#[track_caller]
pub(crate) fn assert_exact(case: &Case) -> (Option<String>, Vec<String>) {
    let Case { id, settings, deny, warn, .. } = case;
    let mut response = evaluate_case(case, settings);
    assert_eq!(lines(&response), *deny, "{id}");
    let used = response.audit_annotations.remove(EXEMPTIONS);
    assert_all_known(id, &used_exemptions(settings), used.iter().flat_map(|used| used.split("; ")));
    let warnings = std::mem::take(&mut response.warnings);
    assert_all_known(id, &expired_exemptions(settings), warnings.iter().map(String::as_str));
    assert_eq!(warnings, *warn, "{id}");
    let expected = if deny.is_empty() { admitted() } else { denied(deny) };
    assert_eq!(response, expected, "{id}");
    (used, warnings)
}

/// Returns all possible audit annotations about exemptions.
fn used_exemptions(settings: &Value) -> Vec<String> {
    exemptions(settings)
        .map(|(index, exemption)| format!("exemptions[{index}]: {}", text(exemption, "reason")))
        .collect()
}

/// Returns all possible warnings about expired exemptions.
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
fn assert_all_known<'t>(name: &str, known: &[String], texts: impl Iterator<Item = &'t str>) {
    for text in texts {
        assert!(known.iter().any(|known| known == text), "{name}: {text}");
    }
}

#[test]
fn audit_annotations_contain_the_reason_of_an_exemption() {
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
    assert_eq!(evaluate(&request, &settings), expected);
}

#[test]
fn an_expired_exemption_is_reported_in_a_warning() {
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
    assert_eq!(evaluate(&request, &settings), expected);
}

fn with_host_pid(mut request: Value) -> Value {
    request["object"]["spec"]["hostPID"] = true.into();
    request
}

#[test]
fn every_rule_has_cases() {
    let mut missing = Vec::new();
    for rule in RULES {
        let has_case = |verdict| of_rules(&[verdict]).iter().any(|(id, _)| *id == rule.id);
        for (exists, requirement) in [
            (has_case(Verdict::Admitted), "a case that is admitted"),
            (has_case(Verdict::Denied), "a case that is denied"),
            (has_case(Verdict::Fixed) == rule.can_fix, "cases of fixes, or support for fixes"),
        ] {
            if !exists {
                missing.push(format!("{} lacks {requirement}", rule.id));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn every_case_belongs_to_a_rule_or_to_a_shared_topic() {
    let of_rules: Vec<_> = RULES.iter().map(|rule| folder_of(rule.id)).collect();
    for name in names_in(CASES) {
        let topic = name.strip_suffix(".yaml").unwrap_or(&name);
        let is_known = of_rules.iter().any(|rule| rule == topic) || SHARED.contains(&topic);
        assert!(is_known, "{CASES}/{name}: unknown rule or topic");
    }
}
