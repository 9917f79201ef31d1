//! Compares the module with the reference implementation, on every case and on generated requests.

use std::cell::RefCell;

use immutable_pods::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use super::coverage::Coverage;
use super::generators::{Case, case};
use super::request::Request;
use super::{Candidate, Finding, REFERENCE_RULES};
use crate::cases;
use crate::fixes;
use crate::module::{path_of, policy, rule_of};
use crate::warning::{MAX_CHARACTERS, Warning, characters, parse};

/// Rules that compare the old object with the new object, so that all of their findings are new.
const UPDATE_RULES: [&str; 2] = ["imageChange", "ephemeralContainers"];

/// Minimum number of requests of cases that the reference implementation can parse.
pub(super) const MIN_COMPARED: usize = 1000;

/// Minimum number of generated requests for which coverage is checked.
const MIN_CASES_FOR_COVERAGE: u32 = 1024;

/// Maximum number of requests that are generated for coverage alone.
const MAX_REQUESTS_FOR_COVERAGE: u32 = 30_000;

#[test]
fn every_rule_has_a_reference_implementation() {
    let rules: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    let reference_rules: Vec<_> = REFERENCE_RULES.iter().map(|rule| rule.id).collect();
    for rule in &rules {
        assert!(
            reference_rules.contains(rule),
            "{rule} has no reference implementation: add one in tests/engine/reference"
        );
    }
    assert_eq!(reference_rules, rules, "the order of findings");
}

#[test]
fn the_coverage_lists_every_option() {
    let settings = crate::settings::defaults();
    for rule in REFERENCE_RULES {
        let options = settings[rule.id].as_object().into_iter().flat_map(|options| options.keys());
        for option in options.filter(|option| !["mode", "inspectImage", "namedUsers"].contains(&&***option)) {
            let is_listed = rule.effects.iter().any(|(listed, _)| listed == option);
            assert!(is_listed, "{}.{option} is missing in the effects of the reference rule", rule.id);
        }
    }
}

#[test]
fn the_module_agrees_with_the_reference_on_every_case() {
    let (mut compared, mut differences) = (0, Vec::new());
    for (name, request, settings) in requests_of_cases() {
        match compare(&request, &settings) {
            Ok(is_compared) => compared += usize::from(is_compared),
            Err(difference) => differences.push(format!("{name}, settings {settings}: {difference}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(compared >= MIN_COMPARED, "only {compared} requests of cases are compared");
}

/// Returns the request of every case twice: with empty settings and with the settings of the case. Settings that fix
/// findings or query a registry are skipped.
fn requests_of_cases() -> Vec<(String, Value, Value)> {
    let mut requests = Vec::new();
    for case in cases::all() {
        let (request, settings) = (case.request.clone(), case.settings.clone());
        requests.push((case.id.clone(), request.clone(), json!({})));
        let text = settings.to_string();
        if !["\"fix\"", "\"inspectImage\":true"].iter().any(|option| text.contains(option)) {
            requests.push((case.id.clone(), request, settings));
        }
    }
    requests
}

#[test]
fn the_module_agrees_with_the_reference_on_generated_requests() {
    let config = fixes::config();
    let checks_coverage = config.cases >= MIN_CASES_FOR_COVERAGE;
    let mut runner = TestRunner::new(config);
    let coverage = RefCell::new(Coverage::default());
    let result = runner.run(&case(), |Case { request, settings }| {
        let is_compared = compare(&request, &settings).map_err(TestCaseError::fail)?;
        if !is_compared {
            return Err(TestCaseError::fail("a generated request does not fit the Kubernetes types"));
        }
        coverage.borrow_mut().count(&request, &settings);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(difference, Case { request, settings })) => {
            panic!("{difference}\nrequest: {request}\nsettings: {settings}");
        }
        Err(error) => panic!("{error}"),
    }
    let mut coverage = coverage.into_inner();
    // Some situations are rare. These requests are not compared.
    for _ in 0..MAX_REQUESTS_FOR_COVERAGE {
        if !checks_coverage || coverage.missing().is_empty() {
            break;
        }
        let Case { request, settings } = case().new_tree(&mut runner).unwrap().current();
        coverage.count(&request, &settings);
    }
    let missing = coverage.missing();
    assert!(
        missing.is_empty() || !checks_coverage,
        "generated requests do not cover:\n{}",
        missing.join("\n")
    );
}

/// Compares the findings of both in a request. Returns `false` if the reference implementation cannot parse the request.
fn compare(json: &Value, settings: &Value) -> Result<bool, String> {
    let Some(request) = Request::read(json, settings) else { return Ok(false) };
    let Some(candidates) = super::candidates(json, settings) else { return Ok(false) };
    let ignores_unset_fields = request.ignores_unset_fields();
    let is_ignored = |candidate: &Candidate| ignores_unset_fields && candidate.is_fixable;
    let (ignored, counted): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_ignored);
    let expected: Vec<_> = counted.iter().map(|candidate| candidate.finding.clone()).collect();
    let ModuleAnswer { findings, ignored: ignored_by_module } = ask_module(json, settings)?;
    let violation = if request.counts_all_findings() {
        let differs = findings != expected || ignored_by_module != ignored.len();
        differs.then(|| format!("it must ignore {} findings, and report exactly", ignored.len()))
    } else {
        let mut before = json.clone();
        before["object"] = before["oldObject"].take();
        before["operation"] = "CREATE".into();
        let Some(before) = super::candidates(&before, settings) else { return Ok(false) };
        let is_unchanged = json["object"] == json["oldObject"];
        let reports_old = is_unchanged && !(findings.is_empty() && ignored_by_module == 0);
        let new_ignored = ignored.iter().filter(|candidate| is_new(candidate, &before)).count();
        if reports_old {
            Some("it must report no finding in an unchanged object, not even".to_owned())
        } else if !(new_ignored..=ignored.len()).contains(&ignored_by_module) {
            Some(format!(
                "it must ignore {new_ignored} to {} findings, not {ignored_by_module}, in addition to",
                ignored.len()
            ))
        } else {
            violated_law(&findings, &counted, &before).map(str::to_owned)
        }
    };
    match violation {
        None => Ok(true),
        Some(law) => Err(format!("the module reports\n{}\n{law}\n{}", listed(&findings), listed(&expected))),
    }
}

/// The answer of the module to a request: denied findings first, then warnings, and the number of ignored findings.
struct ModuleAnswer {
    findings: Vec<Finding>,
    ignored: usize,
}

/// Returns the findings of the module's report, and checks that the response to the API server agrees with the report.
fn ask_module(request: &Value, settings: &Value) -> Result<ModuleAnswer, String> {
    let payload = json!({"request": request, "settings": settings}).to_string();
    let call = |operation: &str| -> Result<ValidationResponse, String> {
        let answer = policy().call(operation, payload.as_bytes()).map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    };
    let (report, response) = (call("report")?, call("validate")?);
    let denied: Vec<_> = report.message.iter().flat_map(|message| message.lines()).collect();
    let is_finding =
        |warning: &&String| !matches!(parse(warning), Some(Warning::Expired | Warning::Ignored(_)));
    let warned = report.warnings.iter().filter(is_finding).map(|warning| (&**warning, false));
    let lines = denied.iter().map(|line| (*line, true)).chain(warned);
    let findings: Result<Vec<_>, _> = lines.map(|(line, is_denied)| finding(line, is_denied)).collect();
    let findings = findings?;
    let is_denied = findings.iter().any(|finding| finding.is_denied);
    if report.accepted == is_denied || response.accepted == is_denied {
        return Err(format!("the verdict contradicts the findings: {report:?} {response:?}"));
    }
    check_message(response.message.as_deref().unwrap_or_default(), &denied)?;
    let ignored = check_warnings(&response.warnings, &findings)?;
    Ok(ModuleAnswer { findings, ignored })
}

fn finding(line: &str, is_denied: bool) -> Result<Finding, String> {
    let rule = REFERENCE_RULES.iter().map(|rule| rule.id).find(|rule| *rule == rule_of(line));
    let rule = rule.ok_or_else(|| format!("a line of the response names no rule: {line}"))?;
    Ok(Finding { rule, path: path_of(line).to_owned(), is_denied })
}

/// Checks that a denial begins with a summary of several findings, followed by the findings of the report up to the limit.
fn check_message(message: &str, denied: &[&str]) -> Result<(), String> {
    let mut lines: Vec<_> = message.lines().collect();
    if denied.len() > 1 {
        let mut rules: Vec<_> = denied.iter().map(|line| rule_of(line)).collect();
        rules.dedup();
        let summary = lines.remove(0);
        let (start, end) = (format!("{} findings in ", denied.len()), format!(": {}", rules.join(", ")));
        if !summary.starts_with(&start) || !summary.ends_with(&end) {
            return Err(format!("expected a denial that begins with {start}…{end}, got {message}"));
        }
    }
    let omitted = lines.last().and_then(|line| match parse(line) {
        Some(Warning::Omitted(number)) => Some(number),
        _ => None,
    });
    if omitted.is_some() {
        lines.pop();
    }
    let shown = denied.len() - omitted.unwrap_or_default().min(denied.len());
    let agrees = denied.get(..shown).is_some_and(|denied| denied == lines);
    if agrees { Ok(()) } else { Err(format!("a denial differs from the report: {message}")) }
}

/// Checks that warnings name the first finding of each rule and the number of its findings. Returns the number of ignored
/// findings.
fn check_warnings(warnings: &[String], findings: &[Finding]) -> Result<usize, String> {
    let mut expected: Vec<(&str, &str, usize)> = Vec::new();
    for Finding { rule, path, .. } in findings.iter().filter(|finding| !finding.is_denied) {
        match expected.last_mut() {
            Some((known, _, number)) if known == rule => *number += 1,
            _ => expected.push((rule, path, 1)),
        }
    }
    let mut ignored = 0;
    let mut expected = expected.into_iter();
    for warning in warnings {
        let agrees = match parse(warning) {
            Some(Warning::Ignored(number)) => {
                ignored += number;
                true
            }
            Some(Warning::Rule { rule, path, findings, .. }) => {
                expected.next().is_some_and(|(of, first, number)| {
                    (of, number) == (rule, findings) && path.is_none_or(|path| path == first)
                })
            }
            Some(_) => true,
            None => false,
        };
        if !agrees {
            return Err(format!("a warning differs from the report: {warning}"));
        }
    }
    if expected.next().is_some() || characters(warnings) > MAX_CHARACTERS {
        return Err(format!("expected more or shorter warnings, got {warnings:?}"));
    }
    Ok(ignored)
}

/// Whether the old object does not have a finding.
pub(super) fn is_new(candidate: &Candidate, before: &[Candidate]) -> bool {
    !before
        .iter()
        .any(|old| old.finding == candidate.finding && candidate.responsible.is_subset_of(&old.responsible))
}

/// Returns the law that the findings of an update violate.
fn violated_law(findings: &[Finding], now: &[Candidate], before: &[Candidate]) -> Option<&'static str> {
    let is_reported = |candidate: &Candidate| findings.contains(&candidate.finding);
    let is_update_finding = |candidate: &&Candidate| UPDATE_RULES.contains(&candidate.finding.rule);
    let known: Vec<_> =
        now.iter().map(|candidate| &candidate.finding).filter(|known| findings.contains(known)).collect();
    if findings.iter().collect::<Vec<_>>() != known {
        return Some("it must report a subset, in the same order, of");
    }
    if !now.iter().filter(is_update_finding).all(is_reported) {
        return Some("it must report every finding of rules about updates in");
    }
    let is_required = |candidate: &&Candidate| !candidate.is_optional && is_new(candidate, before);
    if !now.iter().filter(is_required).all(is_reported) {
        return Some("it must report every finding that the old object does not have in");
    }
    None
}

fn listed(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|Finding { rule, path, is_denied }| {
        format!("  {path} [{rule}], {}", if *is_denied { "denied" } else { "warned" })
    });
    lines.collect::<Vec<_>>().join("\n")
}
