//! What a real cluster showed: objects of controllers, mirror pods, updates by controllers, kinds of operators, and how
//! much of an answer reaches its readers.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a warning of another form ends its test")]
#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use std::collections::BTreeMap;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_testing::cases::Case;
use serde_json::{Value, json};

use crate::cases::{self, evaluate, good_pod};
use crate::module::{judge, lines, policy, rule_of};
use crate::warning::{MOST_CHARACTERS, Warning, characters, parse};

/// The topic of all of them.
const FOLDER: &str = "cluster";

/// Minimum number of cases.
const FEWEST: usize = 250;

/// The most bytes of findings in a denial, after which no line is added.
const MOST_BYTES: usize = 16 * 1024;

/// The most bytes that a denial leaves unused when it leaves findings out: one of them does not fit.
const MOST_UNUSED: usize = 256;

/// The most characters of warnings about expired exemptions.
const MOST_EXPIRED: usize = 1000;

/// Every case about what clusters showed.
pub(crate) fn of_topics() -> Vec<Case> {
    cases::of(FOLDER)
}

#[test]
fn every_case_of_a_cluster_gets_the_verdict_that_it_states() {
    let cases = of_topics();
    assert!(cases.len() >= FEWEST, "there are {} cases", cases.len());
    let differences: Vec<_> = cases.iter().filter_map(|case| difference(case).err()).collect();
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n\n"));
}

/// How the answer to a case differs from what it states.
fn difference(case: &Case) -> Result<(), String> {
    let Case { id, settings, deny: findings, warn: warnings, fixed, .. } = case;
    let mut response = evaluate(case, settings);
    let told: Vec<_> = lines(&response).into_iter().map(str::to_owned).collect();
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
    if told != *findings || is_fixed != fixed.is_some() || response != expected {
        return Err(format!(
            "{id}, by {settings}:\nexpected {expected:?}\n{findings:?}\ngot      {response:?}"
        ));
    }
    Ok(())
}

/// The audit annotations that go with the lines of a denial and with warnings.
fn counts(findings: &[String], warnings: &[String]) -> BTreeMap<String, String> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for finding in findings {
        *counts.entry(rule_of(finding)).or_default() += 1;
    }
    for warning in warnings {
        if let Some(Warning::OfRule { rule, findings, .. }) = parse(warning) {
            *counts.entry(rule).or_default() += findings;
        }
    }
    counts.into_iter().map(|(rule, count)| (rule.to_owned(), count.to_string())).collect()
}

#[test]
fn a_report_has_every_finding_in_full() {
    for Case { id, request, settings, exchanges, .. } in of_topics() {
        if !exchanges.is_empty() {
            continue;
        }
        let answer = judge(&request, &settings);
        let (report, evaluated) = report(&request, &settings);
        let findings = lines(&answer).join("\n");
        assert_eq!(report.message.clone().unwrap_or_default(), findings, "{id}");
        assert_eq!(report.audit_annotations, answer.audit_annotations, "{id}");
        assert_eq!(report.mutated_object, answer.mutated_object, "{id}");
        assert_eq!(report.accepted, answer.accepted, "{id}");
        let warned = report.warnings.iter().filter(|warning| !rule_of(warning).is_empty());
        let counted = answer.warnings.iter().filter_map(|warning| match parse(warning) {
            Some(Warning::OfRule { findings, .. }) => Some(findings),
            _ => None,
        });
        assert_eq!(warned.count(), counted.sum::<usize>(), "{id}: {:?}", report.warnings);
        let is_about_nothing = id.ends_with("/metadata")
            || ["keys-that-are-no", "steps-of", "/status"].iter().any(|part| id.contains(part));
        assert_eq!(evaluated, !is_about_nothing, "{id}");
    }
}

/// What the module reports for the local program, and whether there was something to evaluate.
fn report(request: &Value, settings: &Value) -> (ValidationResponse, bool) {
    let payload = json!({"request": request, "settings": settings}).to_string();
    let answer = policy().call("report", payload.as_bytes()).unwrap();
    let response: ValidationResponse = serde_json::from_slice(&answer).unwrap();
    let evaluated = response.evaluated.unwrap();
    (response, evaluated)
}

#[test]
fn a_report_says_whether_there_was_something_to_evaluate() {
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
fn a_digest_that_is_given_back_is_counted_as_a_fix() {
    let cases = cases::of(&format!("{FOLDER}/fixes"));
    let restored: Vec<_> = cases.iter().filter(|case| case.name.starts_with("lost-digest")).collect();
    assert!(restored.len() > 5, "there are {} of them", restored.len());
    for Case { name, request, settings, .. } in restored {
        let annotations = judge(request, settings).audit_annotations;
        let lost =
            if name.contains("every-kind") { 5 } else { 1 + usize::from(name.contains("another-order")) };
        assert_eq!(
            annotations,
            BTreeMap::from([("fixes".into(), format!("imageReference: {lost}"))]),
            "{name}"
        );
    }
}

/// A request to create a pod of so many containers, none of which is hardened.
fn pod_of(containers: usize, name: impl Fn(usize) -> String) -> Value {
    let mut request = good_pod();
    let containers = (0..containers).map(|index| json!({"name": name(index), "image": "nginx:1.29"}));
    request["object"]["spec"] = json!({"containers": containers.collect::<Vec<_>>()});
    request
}

/// The first line of a denial.
fn summary(request: &Value, settings: &Value) -> String {
    let response = judge(request, settings);
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
        assert_eq!(summary(&pod_of(containers, letter), &json!({})), expected);
    }
}

#[test]
fn a_summary_names_what_the_findings_belong_to() {
    let mut request = pod_of(1, |_| "nginx".to_owned());
    request["object"]["spec"]["containers"][0]["image"] = "nginx".into();
    let four = "readOnlyRootFilesystem, allowPrivilegeEscalation, runAsNonRoot, imageReference";
    assert_eq!(summary(&request, &json!({})), format!("4 findings in container \"nginx\": {four}"));
    // What only warns is not denied.
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
fn a_denial_of_one_finding_is_its_line() {
    let mut request = good_pod();
    request["object"]["spec"]["hostPID"] = true.into();
    let line = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";
    assert_eq!(judge(&request, &json!({})).message.as_deref(), Some(line));
}

#[test]
fn a_denial_ends_at_sixteen_kilobytes() {
    let mut ends = 0;
    for containers in (1..64).chain([400]) {
        let response = judge(&pod_of(containers, |index| format!("container-{index}")), &json!({}));
        let message = response.message.unwrap();
        let mut lines: Vec<_> = message.lines().collect();
        assert!(lines[0].starts_with(&format!("{} findings in ", containers * 3)), "{}", lines[0]);
        let left_out = match parse(lines[lines.len() - 1]) {
            Some(Warning::LeftOut(number)) => number,
            _ => 0,
        };
        let bytes = message.len();
        assert!(bytes <= MOST_BYTES, "{containers} containers: {bytes} bytes");
        if left_out > 0 {
            ends += 1;
            lines.pop();
            assert!(bytes + MOST_UNUSED > MOST_BYTES, "{containers} containers: {bytes} bytes");
        }
        let told = lines.len() + left_out;
        assert_eq!(told, containers * 3 + 1, "{containers} containers");
    }
    assert!(ends > 1, "no denial was too long");
}

#[test]
fn warnings_name_every_rule_within_two_thousand_characters() {
    let long = |index: usize| format!("{index}-{}", "x".repeat(240));
    let short = |index: usize| format!("c{index}");
    let lenient = json!({"enforcement": "warn", "capabilities": {"requiredDrop": ["ALL"]}});
    let mut is_ever_cut = false;
    for containers in [1, 2, 3, 5, 8, 9, 12, 16, 24, 40, 100, 400] {
        for name in [&long as &dyn Fn(usize) -> String, &short] {
            let mut request = pod_of(containers, name);
            for container in request["object"]["spec"]["containers"].as_array_mut().unwrap() {
                let image = format!("registry.example.com/{}", container["name"].as_str().unwrap());
                container["image"] = image.into();
            }
            is_ever_cut |= check_warnings(&request, &lenient);
        }
    }
    assert!(is_ever_cut, "no warnings were too long");
}

/// Checks what warnings must say of every finding, and returns whether some are left out.
fn check_warnings(request: &Value, settings: &Value) -> bool {
    let response = judge(request, settings);
    let warnings = &response.warnings;
    assert!(characters(warnings) <= MOST_CHARACTERS, "{} characters: {warnings:?}", characters(warnings));
    let (mut rules, mut is_cut, mut left_out) = (Vec::new(), false, 0);
    for (place, warning) in warnings.iter().enumerate() {
        match parse(warning).unwrap_or_else(|| panic!("{warning}")) {
            Warning::OfRule { rule, findings, names_all, .. } => {
                rules.push(rule);
                is_cut |= !names_all;
                assert_eq!(response.audit_annotations[rule], findings.to_string(), "{warning}");
            }
            Warning::LeftOut(number) => {
                assert_eq!(place + 1, warnings.len(), "{warnings:?}");
                left_out = number;
            }
            other => panic!("{other:?}"),
        }
    }
    let in_order =
        RULES.iter().map(|rule| rule.id).filter(|rule| response.audit_annotations.contains_key(*rule));
    assert_eq!(rules, in_order.collect::<Vec<_>>(), "{warnings:?}");
    assert_eq!(is_cut, left_out > 0, "{warnings:?}");
    is_cut
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
        let response = judge(&pod_of(number.max(8), |index| format!("c{index}")), &settings);
        let warnings = response.warnings;
        let is_expired =
            |warning: &&String| matches!(parse(warning), Some(Warning::Expired | Warning::ExpiredBesides(_)));
        let expired: Vec<_> = warnings.iter().take_while(is_expired).cloned().collect();
        let told: usize = expired
            .iter()
            .map(|warning| match parse(warning) {
                Some(Warning::ExpiredBesides(number)) => number,
                _ => 1,
            })
            .sum();
        assert_eq!(told, number, "{warnings:?}");
        let shown: Vec<_> =
            expired.iter().filter(|warning| warning.starts_with("exemptions[")).cloned().collect();
        assert!(characters(&shown) <= MOST_EXPIRED, "{warnings:?}");
        assert!(characters(&warnings) <= MOST_CHARACTERS, "{warnings:?}");
        let rules: Vec<_> = warnings[expired.len()..].iter().map(|warning| rule_of(warning)).collect();
        let expected = ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot"];
        assert_eq!(rules[..3], expected, "{warnings:?}");
    }
}
