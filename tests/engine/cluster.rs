//! Cases from real clusters: objects of controllers, mirror pods, updates by controllers, custom kinds, and the size limits
//! of responses.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on a warning in another form")]
#![expect(clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

use std::collections::BTreeMap;

use immutable_pods::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::Case;
use serde_json::{Value, json};

use crate::cases::{self, evaluate_case, good_pod};
use crate::module::{evaluate, lines, policy, rule_of};
use crate::warning::{MAX_CHARACTERS, Warning, characters, parse};

/// The topic of these cases.
const FOLDER: &str = "cluster";

/// Minimum number of cases.
const MIN_CASES: usize = 250;

/// Maximum size of all findings in a denial, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// Maximum number of bytes that a truncated denial leaves unused, because the next finding does not fit.
const MAX_UNUSED_BYTES: usize = 256;

/// Maximum length of all warnings about expired exemptions, in characters.
const MAX_EXPIRED_CHARACTERS: usize = 1000;

/// Returns every case from clusters.
pub(crate) fn cluster_cases() -> Vec<Case> {
    cases::of(FOLDER)
}

#[test]
fn every_cluster_case_gets_the_expected_verdict() {
    let cases = cluster_cases();
    assert!(cases.len() >= MIN_CASES, "found {} cases", cases.len());
    let differences: Vec<_> = cases.iter().filter_map(|case| difference(case).err()).collect();
    assert!(differences.is_empty(), "{} cases differ\n{}", differences.len(), differences.join("\n\n"));
}

/// Checks the complete response to a case.
fn difference(case: &Case) -> Result<(), String> {
    let Case { id, settings, deny: findings, warn: warnings, fixed, .. } = case;
    let mut response = evaluate_case(case, settings);
    let denied: Vec<_> = lines(&response).into_iter().map(str::to_owned).collect();
    let is_fixed = response.audit_annotations.remove("fixes").is_some();
    response.audit_annotations.remove("exemptions");
    let expected = ValidationResponse {
        accepted: findings.is_empty(),
        message: response.message.clone(),
        code: (!findings.is_empty()).then_some(403),
        mutated_object: fixed.clone(),
        audit_annotations: counts(findings, warnings),
        warnings: warnings.clone(),
        evaluated: None,
    };
    if denied != *findings || is_fixed != fixed.is_some() || response != expected {
        return Err(format!(
            "{id}, settings {settings}:\nexpected {expected:?}\n{findings:?}\ngot      {response:?}"
        ));
    }
    Ok(())
}

/// Returns the audit annotations for findings and warnings.
fn counts(findings: &[String], warnings: &[String]) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for finding in findings {
        *counts.entry(rule_of(finding)).or_default() += 1;
    }
    for warning in warnings {
        if let Some(Warning::Rule { rule, findings, .. }) = parse(warning) {
            *counts.entry(rule).or_default() += findings;
        }
    }
    counts.into_iter().map(|(rule, count)| (rule.to_owned(), count.to_string())).collect()
}

#[test]
fn a_report_contains_every_finding() {
    for Case { id, request, settings, exchanges, .. } in cluster_cases() {
        if !exchanges.is_empty() {
            continue;
        }
        let answer = evaluate(&request, &settings);
        let (report, evaluated) = report(&request, &settings);
        let findings = lines(&answer).join("\n");
        assert_eq!(report.message.clone().unwrap_or_default(), findings, "{id}");
        assert_eq!(report.audit_annotations, answer.audit_annotations, "{id}");
        assert_eq!(report.mutated_object, answer.mutated_object, "{id}");
        assert_eq!(report.accepted, answer.accepted, "{id}");
        let warned = report.warnings.iter().filter(|warning| !rule_of(warning).is_empty());
        let counted = answer.warnings.iter().filter_map(|warning| match parse(warning) {
            Some(Warning::Rule { findings, .. }) => Some(findings),
            _ => None,
        });
        assert_eq!(warned.count(), counted.sum::<usize>(), "{id}: {:?}", report.warnings);
        let is_out_of_scope = id.ends_with("/metadata")
            || ["keys-that-are-no", "steps-of", "/status"].iter().any(|part| id.contains(part));
        assert_eq!(evaluated, !is_out_of_scope, "{id}");
    }
}

/// Returns the report of the module for the command line, and whether the request contains anything to evaluate.
fn report(request: &Value, settings: &Value) -> (ValidationResponse, bool) {
    let payload = json!({"request": request, "settings": settings}).to_string();
    let answer = policy().call("report", payload.as_bytes()).unwrap();
    let response: ValidationResponse = serde_json::from_slice(&answer).unwrap();
    let evaluated = response.evaluated.unwrap();
    (response, evaluated)
}

#[test]
fn a_report_states_whether_a_request_is_evaluated() {
    let evaluated = |operation: &str, subresource: &str, group: &str, object: Value| {
        let mut request = good_pod();
        request["operation"] = operation.into();
        request["subResource"] = subresource.into();
        request["kind"]["group"] = group.into();
        request["oldObject"] = object.clone();
        request["object"] = object;
        report(&request, &json!({})).1
    };
    let pod = || good_pod()["object"].clone();
    assert!(evaluated("CREATE", "", "", pod()));
    assert!(evaluated("UPDATE", "", "", pod()));
    assert!(evaluated("UPDATE", "resize", "", pod()));
    assert!(evaluated("CREATE", "", "fleet.example.com", pod()));
    assert!(!evaluated("DELETE", "", "", pod()));
    assert!(!evaluated("UPDATE", "status", "", pod()));
    assert!(!evaluated("CREATE", "", "fleet.example.com", json!({"kind": "Pod", "spec": {}})));
}

#[test]
fn a_restored_digest_counts_as_a_fix() {
    let cases = cases::of(&format!("{FOLDER}/fixes"));
    let restored: Vec<_> = cases.iter().filter(|case| case.name.starts_with("lost-digest")).collect();
    assert!(restored.len() > 5, "found {} cases", restored.len());
    for Case { name, request, settings, .. } in restored {
        let annotations = evaluate(request, settings).audit_annotations;
        let lost =
            if name.contains("every-kind") { 5 } else { 1 + usize::from(name.contains("another-order")) };
        assert_eq!(
            annotations,
            BTreeMap::from([("fixes".into(), format!("imageReference: {lost}"))]),
            "{name}"
        );
    }
}

/// Returns a request that creates a pod with a number of containers that are not hardened.
fn pod_with(containers: usize, name: impl Fn(usize) -> String) -> Value {
    let mut request = good_pod();
    let containers = (0..containers).map(|index| json!({"name": name(index), "image": "nginx:1.29"}));
    request["object"]["spec"] = json!({"containers": containers.collect::<Vec<_>>()});
    request
}

/// Returns the first line of a denial.
fn summary(request: &Value, settings: &Value) -> String {
    let response = evaluate(request, settings);
    response.message.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_denial_of_several_findings_begins_with_a_summary() {
    let three = "readOnlyRootFilesystem, allowPrivilegeEscalation, runAsNonRoot";
    let letter = |index: usize| "abcdefghi"[index..=index].to_owned();
    for (containers, expected) in [
        (1, format!("3 findings in container \"a\": {three}")),
        (2, format!("6 findings in container \"a\", container \"b\": {three}")),
        (3, format!("9 findings in container \"a\", container \"b\", container \"c\": {three}")),
        (4, format!("12 findings in container \"a\", container \"b\", container \"c\" and 1 more: {three}")),
        (8, format!("24 findings in container \"a\", container \"b\", container \"c\" and 5 more: {three}")),
    ] {
        assert_eq!(summary(&pod_with(containers, letter), &json!({})), expected);
    }
}

#[test]
fn a_summary_names_the_subjects_of_the_findings() {
    let mut request = pod_with(1, |_| "nginx".to_owned());
    request["object"]["spec"]["containers"][0]["image"] = "nginx".into();
    let four = "readOnlyRootFilesystem, allowPrivilegeEscalation, runAsNonRoot, imageReference";
    assert_eq!(summary(&request, &json!({})), format!("4 findings in container \"nginx\": {four}"));
    // A summary does not include warnings.
    assert_eq!(
        summary(&request, &json!({"runAsNonRoot": "warn"})),
        "3 findings in container \"nginx\": readOnlyRootFilesystem, allowPrivilegeEscalation, imageReference"
    );

    let mut request = good_pod();
    let spec = &mut request["object"]["spec"];
    spec["containers"][0]["securityContext"]["privileged"] = true.into();
    spec["initContainers"] = json!([spec["containers"][0], spec["containers"][0]]);
    spec["initContainers"][0]["name"] = "setup".into();
    spec["initContainers"][1]["name"] = "proxy".into();
    spec["initContainers"][1]["restartPolicy"] = "Always".into();
    assert_eq!(
        summary(&request, &json!({})),
        "3 findings in container \"web\", init container \"setup\", sidecar \"proxy\": privileged"
    );

    let mut request = good_pod();
    request["object"]["spec"]["hostPID"] = true.into();
    request["object"]["spec"]["volumes"] = json!([{"name": "node", "hostPath": {"path": "/"}}]);
    assert_eq!(
        summary(&request, &json!({})),
        "2 findings in the pod, volume \"node\": hostNamespaces, hostPathVolumes"
    );
}

#[test]
fn a_denial_with_one_finding_has_no_summary() {
    let mut request = good_pod();
    request["object"]["spec"]["hostPID"] = true.into();
    let line = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";
    assert_eq!(evaluate(&request, &json!({})).message.as_deref(), Some(line));
}

#[test]
fn a_denial_is_truncated_at_sixteen_kilobytes() {
    let mut truncated = 0;
    for containers in (1..64).chain([400]) {
        let response = evaluate(&pod_with(containers, |index| format!("container-{index}")), &json!({}));
        let message = response.message.unwrap();
        let mut lines: Vec<_> = message.lines().collect();
        assert!(lines[0].starts_with(&format!("{} findings in ", containers * 3)), "{}", lines[0]);
        let omitted = match parse(lines[lines.len() - 1]) {
            Some(Warning::Omitted(number)) => number,
            _ => 0,
        };
        let bytes = message.len();
        assert!(bytes <= MAX_BYTES, "{containers} containers: {bytes} bytes");
        if omitted > 0 {
            truncated += 1;
            lines.pop();
            assert!(bytes + MAX_UNUSED_BYTES > MAX_BYTES, "{containers} containers: {bytes} bytes");
        }
        let counted = lines.len() + omitted;
        assert_eq!(counted, containers * 3 + 1, "{containers} containers");
    }
    assert!(truncated > 1, "only {truncated} denials are truncated");
}

#[test]
fn warnings_name_every_rule_within_two_thousand_characters() {
    let long = |index: usize| format!("{index}-{}", "x".repeat(240));
    let short = |index: usize| format!("c{index}");
    let lenient = json!({"enforcement": "warn", "capabilities": {"requiredDrop": ["ALL"]}});
    let mut is_ever_truncated = false;
    for containers in [1, 2, 3, 5, 8, 9, 12, 16, 24, 40, 100, 400] {
        for name in [&long as &dyn Fn(usize) -> String, &short] {
            let mut request = pod_with(containers, name);
            for container in request["object"]["spec"]["containers"].as_array_mut().unwrap() {
                let image = format!("registry.example.com/{}", container["name"].as_str().unwrap());
                container["image"] = image.into();
            }
            is_ever_truncated |= check_warnings(&request, &lenient);
        }
    }
    assert!(is_ever_truncated, "no warnings are truncated");
}

/// Checks the warnings of a request, and returns whether some findings are omitted.
fn check_warnings(request: &Value, settings: &Value) -> bool {
    let response = evaluate(request, settings);
    let warnings = &response.warnings;
    assert!(characters(warnings) <= MAX_CHARACTERS, "{} characters: {warnings:?}", characters(warnings));
    let (mut rules, mut is_truncated, mut omitted) = (Vec::new(), false, 0);
    for (index, warning) in warnings.iter().enumerate() {
        match parse(warning).unwrap_or_else(|| panic!("{warning}")) {
            Warning::Rule { rule, findings, names_all, .. } => {
                rules.push(rule);
                is_truncated |= !names_all;
                assert_eq!(response.audit_annotations[rule], findings.to_string(), "{warning}");
            }
            Warning::Omitted(number) => {
                assert_eq!(index + 1, warnings.len(), "{warnings:?}");
                omitted = number;
            }
            other => panic!("{other:?}"),
        }
    }
    let in_order =
        RULES.iter().map(|rule| rule.id).filter(|rule| response.audit_annotations.contains_key(*rule));
    assert_eq!(rules, in_order.collect::<Vec<_>>(), "{warnings:?}");
    assert_eq!(is_truncated, omitted > 0, "{warnings:?}");
    is_truncated
}

#[test]
fn expired_exemptions_leave_room_for_findings() {
    for (number, length) in [(1, 10), (3, 200), (30, 100), (400, 1), (5, 5000)] {
        let entry = |index: usize| {
            let reason = format!("{index} {}", "x".repeat(length));
            json!({"reason": reason, "expires": "2020-02-29", "containers": [format!("c{index}")]})
        };
        let exemptions: Vec<_> = (0..number).map(entry).collect();
        let settings = json!({"enforcement": "warn", "exemptions": exemptions});
        let response = evaluate(&pod_with(number.max(8), |index| format!("c{index}")), &settings);
        let warnings = response.warnings;
        let is_expired =
            |warning: &&String| matches!(parse(warning), Some(Warning::Expired | Warning::MoreExpired(_)));
        let expired: Vec<_> = warnings.iter().take_while(is_expired).cloned().collect();
        let counted: usize = expired
            .iter()
            .map(|warning| match parse(warning) {
                Some(Warning::MoreExpired(number)) => number,
                _ => 1,
            })
            .sum();
        assert_eq!(counted, number, "{warnings:?}");
        let shown: Vec<_> =
            expired.iter().filter(|warning| warning.starts_with("exemptions[")).cloned().collect();
        assert!(characters(&shown) <= MAX_EXPIRED_CHARACTERS, "{warnings:?}");
        assert!(characters(&warnings) <= MAX_CHARACTERS, "{warnings:?}");
        let rules: Vec<_> = warnings[expired.len()..].iter().map(|warning| rule_of(warning)).collect();
        let expected = ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot"];
        assert_eq!(rules[..3], expected, "{warnings:?}");
    }
}
