//! The module and the slow twins, on every case and on requests that nobody wrote.

use std::cell::RefCell;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use super::asked::Asked;
use super::coverage::{self, Coverage};
use super::requests::{Case, case};
use super::{Candidate, Finding, TWINS};
use crate::cases;
use crate::fixes;
use crate::module::{path_of, policy, rule_of};
use crate::warning::{MOST_CHARACTERS, Warning, characters, parse};

/// Rules that compare the old object with the new one, so that nothing of theirs was there before.
const OF_CHANGES: [&str; 2] = ["imageChange", "ephemeralContainers"];

/// The fewest requests of cases that the twins can read.
const FEWEST: usize = 1000;

/// So many generated requests are enough to show what every option does.
const ENOUGH: u32 = 1024;

#[test]
fn every_rule_has_a_slow_twin() {
    let rules: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    let twins: Vec<_> = TWINS.iter().map(|(rule, _)| *rule).collect();
    for rule in &rules {
        assert!(twins.contains(rule), "{rule} has no slow twin: write one in tests/engine/slow");
    }
    assert_eq!(twins, rules, "the order of findings");
}

#[test]
fn generated_requests_are_to_show_what_every_option_does() {
    let settings = crate::settings::defaults();
    for (rule, _) in TWINS {
        let options = settings[rule].as_object().into_iter().flat_map(|options| options.keys());
        for option in options.filter(|option| !["mode", "inspectImage", "namedUsers"].contains(&&***option)) {
            assert!(
                coverage::has(rule, option),
                "{rule}: {option} is missing in tests/engine/slow/coverage.rs"
            );
        }
    }
}

#[test]
fn the_module_agrees_with_the_slow_twins_on_every_case() {
    let (mut compared, mut differences) = (0, Vec::new());
    for (name, request, settings) in requests_of_cases() {
        match compare(&request, &settings) {
            Ok(is_compared) => compared += usize::from(is_compared),
            Err(difference) => differences.push(format!("{name}, by {settings}: {difference}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(compared >= FEWEST, "only {compared} requests of cases were compared");
}

/// Every request of a case, by no settings and by its own. Where these fix something or ask the registry, they are left
/// out.
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
fn the_module_agrees_with_the_slow_twins_on_generated_requests() {
    let config = fixes::config();
    let are_enough = config.cases >= ENOUGH;
    let mut runner = TestRunner::new(config);
    let coverage = RefCell::new(Coverage::default());
    let result = runner.run(&case(), |Case { request, settings }| {
        let is_compared = compare(&request, &settings).map_err(TestCaseError::fail)?;
        if !is_compared {
            return Err(TestCaseError::fail("a request was generated that Kubernetes' types cannot hold"));
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
    let missing = coverage.into_inner().missing();
    assert!(
        missing.is_empty() || !are_enough,
        "the generated requests never show that\n{}",
        missing.join("\n")
    );
}

/// Compares what both make of a request, if the reference implementation can read it.
fn compare(request: &Value, settings: &Value) -> Result<bool, String> {
    let Some(asked) = Asked::read(request, settings) else { return Ok(false) };
    let Some(candidates) = super::candidates(request, settings) else { return Ok(false) };
    let leaves = asked.leaves_what_is_unset();
    let is_left = |candidate: &Candidate| leaves && candidate.can_be_filled;
    let (left, counted): (Vec<_>, Vec<_>) = candidates.into_iter().partition(is_left);
    let expected: Vec<_> = counted.iter().map(|candidate| candidate.finding.clone()).collect();
    let Said { findings: found, left: left_by_module } = said(request, settings)?;
    let broken = if asked.counts_in_full() {
        let differs = found != expected || left_by_module != left.len();
        differs.then(|| format!("it must leave {} to others, and find exactly", left.len()))
    } else {
        let mut before = request.clone();
        before["object"] = before["oldObject"].take();
        before["operation"] = "CREATE".into();
        let Some(before) = super::candidates(&before, settings) else { return Ok(false) };
        let is_unchanged = request["object"] == request["oldObject"];
        let finds_old = is_unchanged && !(found.is_empty() && left_by_module == 0);
        let new_left = left.iter().filter(|candidate| is_new(candidate, &before)).count();
        if finds_old {
            Some("it must find nothing of an object that stays as it is, not even".to_owned())
        } else if !(new_left..=left.len()).contains(&left_by_module) {
            Some(format!(
                "it must leave {new_left} to {} to others, not {left_by_module}, beside",
                left.len()
            ))
        } else {
            broken_law(&found, &counted, &before).map(str::to_owned)
        }
    };
    match broken {
        None => Ok(true),
        Some(law) => Err(format!("the module finds\n{}\n{law}\n{}", listed(&found), listed(&expected))),
    }
}

/// What the module says of a request: first what is denied and then what is warned of, and how many findings are left to
/// others.
struct Said {
    findings: Vec<Finding>,
    left: usize,
}

/// Asks for the report, which has every finding, and holds the answer for API servers against it.
fn said(request: &Value, settings: &Value) -> Result<Said, String> {
    let payload = json!({"request": request, "settings": settings}).to_string();
    let ask = |operation: &str| -> Result<ValidationResponse, String> {
        let answer = policy().call(operation, payload.as_bytes()).map_err(|error| error.to_string())?;
        serde_json::from_slice(&answer).map_err(|error| error.to_string())
    };
    let (report, answer) = (ask("report")?, ask("validate")?);
    let denied: Vec<_> = report.message.iter().flat_map(|message| message.lines()).collect();
    let of_rules = |warning: &&String| !matches!(parse(warning), Some(Warning::Expired | Warning::Left(_)));
    let warned = report.warnings.iter().filter(of_rules).map(|warning| (&**warning, false));
    let lines = denied.iter().map(|line| (*line, true)).chain(warned);
    let findings: Result<Vec<_>, _> = lines.map(|(line, is_denied)| finding(line, is_denied)).collect();
    let findings = findings?;
    let is_denied = findings.iter().any(|finding| finding.is_denied);
    if report.accepted == is_denied || answer.accepted == is_denied {
        return Err(format!("the module contradicts itself: {report:?} {answer:?}"));
    }
    check_message(answer.message.as_deref().unwrap_or_default(), &denied)?;
    let left = check_warnings(&answer.warnings, &findings)?;
    Ok(Said { findings, left })
}

fn finding(line: &str, is_denied: bool) -> Result<Finding, String> {
    let rule = TWINS.iter().map(|(rule, _)| *rule).find(|rule| *rule == rule_of(line));
    let rule = rule.ok_or_else(|| format!("the module says something of no rule: {line}"))?;
    Ok(Finding { rule, path: path_of(line).to_owned(), is_denied })
}

/// A denial sums several findings up, and repeats those of the report as far as there is room.
fn check_message(message: &str, denied: &[&str]) -> Result<(), String> {
    let mut lines: Vec<_> = message.lines().collect();
    if denied.len() > 1 {
        let mut rules: Vec<_> = denied.iter().map(|line| rule_of(line)).collect();
        rules.dedup();
        let summary = lines.remove(0);
        let (start, end) = (format!("{} findings in ", denied.len()), format!(": {}", rules.join(", ")));
        if !summary.starts_with(&start) || !summary.ends_with(&end) {
            return Err(format!("a denial does not begin with {start}…{end}: {message}"));
        }
    }
    let left_out = lines.last().and_then(|line| match parse(line) {
        Some(Warning::LeftOut(number)) => Some(number),
        _ => None,
    });
    if left_out.is_some() {
        lines.pop();
    }
    let told = denied.len() - left_out.unwrap_or_default().min(denied.len());
    let is_right = denied.get(..told).is_some_and(|denied| denied == lines);
    if is_right { Ok(()) } else { Err(format!("a denial is not what is reported: {message}")) }
}

/// Warnings name the first finding of each rule and the number of all of them. Returns the number of findings that are left to others.
fn check_warnings(warnings: &[String], findings: &[Finding]) -> Result<usize, String> {
    let mut expected: Vec<(&str, &str, usize)> = Vec::new();
    for Finding { rule, path, .. } in findings.iter().filter(|finding| !finding.is_denied) {
        match expected.last_mut() {
            Some((known, _, number)) if known == rule => *number += 1,
            _ => expected.push((rule, path, 1)),
        }
    }
    let mut left = 0;
    let mut expected = expected.into_iter();
    for warning in warnings {
        let is_right = match parse(warning) {
            Some(Warning::Left(number)) => {
                left += number;
                true
            }
            Some(Warning::OfRule { rule, path, findings, .. }) => {
                expected.next().is_some_and(|(of, first, number)| {
                    (of, number) == (rule, findings) && path.is_none_or(|path| path == first)
                })
            }
            Some(_) => true,
            None => false,
        };
        if !is_right {
            return Err(format!("a warning is not what is reported: {warning}"));
        }
    }
    if expected.next().is_some() || characters(warnings) > MOST_CHARACTERS {
        return Err(format!("the warnings are too few, or too long: {warnings:?}"));
    }
    Ok(left)
}

/// Whether the old object lacks a finding.
fn is_new(candidate: &Candidate, before: &[Candidate]) -> bool {
    !before.iter().any(|old| old.finding == candidate.finding && candidate.holders.are_among(&old.holders))
}

/// The law that an answer breaks, when only what an update changes counts.
fn broken_law(found: &[Finding], now: &[Candidate], before: &[Candidate]) -> Option<&'static str> {
    let is_found = |candidate: &Candidate| found.contains(&candidate.finding);
    let is_of_changes = |candidate: &&Candidate| OF_CHANGES.contains(&candidate.finding.rule);
    let known: Vec<_> =
        now.iter().map(|candidate| &candidate.finding).filter(|known| found.contains(known)).collect();
    if found.iter().collect::<Vec<_>>() != known {
        return Some("it must find nothing, and in no other order, but");
    }
    if !now.iter().filter(is_of_changes).all(is_found) {
        return Some("it must find every change in");
    }
    if !now.iter().filter(|candidate| is_new(candidate, before)).all(is_found) {
        return Some("it must find everything that the old object lacks of");
    }
    None
}

fn listed(findings: &[Finding]) -> String {
    let lines = findings.iter().map(|Finding { rule, path, is_denied }| {
        format!("  {path} [{rule}], {}", if *is_denied { "denied" } else { "told in a warning" })
    });
    lines.collect::<Vec<_>>().join("\n")
}
