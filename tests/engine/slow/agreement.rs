//! The module and the slow twins, on every fixture and on requests that nobody wrote.

use std::cell::RefCell;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use super::coverage::{self, Coverage};
use super::requests::{Case, case};
use super::{Finding, TWINS};
use crate::bypass;
use crate::fixes;
use crate::fixture::{Fixture, fixtures, of_rules};
use crate::module::{judge, lines, path_of, rule_of};
use crate::readme;

/// Rules that compare the old object with the new one, so that nothing of theirs was there before.
const OF_CHANGES: [&str; 2] = ["imageChange", "ephemeralContainers"];

/// The fewest requests of fixtures that the twins can read.
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
    let settings = readme::settings();
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
fn the_module_agrees_with_the_slow_twins_on_every_fixture() {
    let (mut compared, mut differences) = (0, Vec::new());
    for (name, request, settings) in requests_of_fixtures() {
        match compare(&request, &settings) {
            Ok(is_compared) => compared += usize::from(is_compared),
            Err(difference) => differences.push(format!("{name}, by {settings}: {difference}")),
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(compared >= FEWEST, "only {compared} requests of fixtures were compared");
}

/// Every request of a fixture, by no settings and by its own. Where these fix something or ask the registry, they are left
/// out.
fn requests_of_fixtures() -> Vec<(String, Value, Value)> {
    let own = ["pass", "fail", "fix"].into_iter().flat_map(of_rules).map(|(_, fixture)| fixture);
    let shared = ["exemptions", "fixes", "neutral", "registry", "updates"].into_iter().flat_map(fixtures);
    let bypasses = bypass::of_topics().into_iter().map(|(_, fixture)| fixture);
    let mut requests = Vec::new();
    for Fixture { name, request, settings, .. } in own.chain(shared).chain(bypasses) {
        requests.push((name.clone(), request.clone(), json!({})));
        let text = settings.to_string();
        if !["\"fix\"", "\"inspectImage\":true"].iter().any(|option| text.contains(option)) {
            requests.push((name, request, settings));
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

/// Compares what both make of a request, if the twins can read it.
fn compare(request: &Value, settings: &Value) -> Result<bool, String> {
    let Some(expected) = super::judge(request, settings) else { return Ok(false) };
    let found = told(&judge(request, settings))?;
    let broken = if request["operation"] == "UPDATE" && settings["onUpdate"] != "all" {
        let mut before = request.clone();
        before["object"] = before["oldObject"].take();
        before["operation"] = "CREATE".into();
        let Some(before) = super::judge(&before, settings) else { return Ok(false) };
        let is_unchanged = request["object"] == request["oldObject"];
        let finds_old = is_unchanged && !found.is_empty();
        finds_old
            .then_some("it must find nothing of an object that stays as it is, not even")
            .or_else(|| broken_law(&found, &expected, &before))
    } else {
        (found != expected).then_some("it must find exactly")
    };
    match broken {
        None => Ok(true),
        Some(law) => Err(format!("the module finds\n{}\n{law}\n{}", listed(&found), listed(&expected))),
    }
}

/// What the module tells the user, first what is denied and then what is warned of.
fn told(response: &ValidationResponse) -> Result<Vec<Finding>, String> {
    let denied = lines(response).into_iter().map(|line| (line, true));
    let warnings = response.warnings.iter().filter(|warning| !warning.starts_with("exemptions["));
    let told = denied.chain(warnings.map(|warning| (&**warning, false)));
    let findings = told.map(|(line, is_denied)| {
        let rule = TWINS.iter().map(|(rule, _)| *rule).find(|rule| *rule == rule_of(line));
        let rule = rule.ok_or_else(|| format!("the module says something of no rule: {line}"))?;
        Ok(Finding { rule, path: path_of(line).to_owned(), is_denied })
    });
    let findings: Vec<_> = findings.collect::<Result<_, String>>()?;
    let is_denied = findings.iter().any(|finding| finding.is_denied);
    if response.accepted == is_denied {
        return Err(format!("the module contradicts itself: {response:?}"));
    }
    Ok(findings)
}

/// The law that an answer breaks, when only what an update changes counts.
fn broken_law(found: &[Finding], now: &[Finding], before: &[Finding]) -> Option<&'static str> {
    let is_of_changes = |finding: &&Finding| OF_CHANGES.contains(&finding.rule);
    let is_new = |finding: &&Finding| !before.contains(finding);
    let known: Vec<_> = now.iter().filter(|finding| found.contains(finding)).collect();
    if found.iter().collect::<Vec<_>>() != known {
        return Some("it must find nothing, and in no other order, but");
    }
    if !now.iter().filter(is_of_changes).all(|finding| found.contains(finding)) {
        return Some("it must find every change in");
    }
    if !now.iter().filter(is_new).all(|finding| found.contains(finding)) {
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
