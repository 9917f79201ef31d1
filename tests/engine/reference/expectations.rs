//! Compares the reference implementation with the expectations of the cases, without the module.

use std::collections::BTreeSet;

use serde_json::Value;

use super::agreement::{MIN_COMPARED, is_new};
use super::request::Request;
use super::{Candidate, REFERENCE_RULES};
use crate::cases;
use crate::module::{path_of, rule_of};

/// The rule and the path of a finding that denies a request.
type Line = (String, String);

#[test]
fn the_reference_agrees_with_every_case() {
    let (mut compared, mut differences) = (0, Vec::new());
    for case in cases::all() {
        let text = case.settings.to_string();
        if ["\"fix\"", "\"inspectImage\":true"].iter().any(|option| text.contains(option)) {
            continue;
        }
        let Some(Bounds { least, most }) = bounds(&case.request, &case.settings) else { continue };
        compared += 1;
        let lines = case.deny.iter().map(|line| (rule_of(line).to_owned(), path_of(line).to_owned()));
        let expected: BTreeSet<Line> = lines.filter(|(rule, _)| is_known(rule)).collect();
        let missing: Vec<_> = least.difference(&expected).collect();
        let more: Vec<_> = expected.difference(&most).collect();
        if !missing.is_empty() || !more.is_empty() {
            differences.push(format!("{}: the case lacks {missing:?}, and must not have {more:?}", case.id));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(compared >= MIN_COMPARED, "only {compared} cases are compared");
}

fn is_known(rule: &str) -> bool {
    REFERENCE_RULES.iter().any(|known| known.id == rule)
}

/// The findings that deny a request at least and at most. They differ in updates only: a finding with the path of an old
/// finding counts if its value is another one, which the reference implementation does not compare.
struct Bounds {
    least: BTreeSet<Line>,
    most: BTreeSet<Line>,
}

/// Returns the bounds of a request. Returns `None` if the reference implementation cannot parse the request.
fn bounds(json: &Value, settings: &Value) -> Option<Bounds> {
    let request = Request::read(json, settings)?;
    let ignores_unset_fields = request.ignores_unset_fields();
    let mut most = super::candidates(json, settings)?;
    most.retain(|Candidate { finding, is_fixable, .. }| {
        finding.is_denied && !(ignores_unset_fields && *is_fixable)
    });
    let mut least = most.clone();
    if !request.counts_all_findings() {
        let mut before = json.clone();
        before["object"] = before["oldObject"].take();
        before["operation"] = "CREATE".into();
        let before = super::candidates(&before, settings)?;
        least.retain(|candidate| !candidate.is_optional && is_new(candidate, &before));
    }
    Some(Bounds { least: lines(&least), most: lines(&most) })
}

fn lines(candidates: &[Candidate]) -> BTreeSet<Line> {
    let findings = candidates.iter().map(|candidate| &candidate.finding);
    findings.map(|finding| (finding.rule.to_owned(), finding.path.clone())).collect()
}
