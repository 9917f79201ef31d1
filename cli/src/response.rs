//! Reads the findings in the response of a policy.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::admission::Subject;
use crate::evaluation::{Evaluation, Finding, Fix, Level, PolicyOutcome, PolicyResult, Verdict};
use crate::finding_line::FindingLine;
use crate::input::Source;
use crate::policy::ValidationResponse;

/// Returns the evaluation of an object by one policy without a name. `before` is the object in the request.
///
/// A response is lines of text: positions in the file are unknown.
#[must_use]
pub fn evaluation(
    source: Source,
    subject: Subject,
    response: &ValidationResponse,
    before: &Value,
) -> Evaluation {
    // A policy can return an unchanged object, and an object that it denies.
    let after = response.mutated_object.as_ref().filter(|after| response.accepted && *after != before);
    let verdict = match response {
        ValidationResponse { accepted: false, .. } => Verdict::Denied,
        response if response.has_nothing_to_evaluate() => Verdict::NothingToEvaluate,
        _ if after.is_some() => Verdict::Fixed,
        _ => Verdict::Admitted,
    };
    let message = response.message.as_deref().filter(|_| !response.accepted).unwrap_or_default();
    let findings: Vec<Finding> = lines(message, Level::Deny, &subject)
        .chain(response.warnings.iter().flat_map(|warning| lines(warning, Level::Warn, &subject)))
        .collect();
    let outcome = match verdict {
        Verdict::Denied => PolicyOutcome::Fail,
        Verdict::Fixed => PolicyOutcome::Fixed,
        _ if !findings.is_empty() => PolicyOutcome::Warn,
        _ => PolicyOutcome::Pass,
    };
    Evaluation {
        policies: vec![PolicyResult { name: String::new(), outcome, notes: Vec::new() }],
        fix: after.map(|after| Fix { before: before.clone(), after: after.clone() }),
        source,
        subject,
        verdict,
        findings,
    }
}

/// Returns the evaluation of an object that API servers do not send to the policy.
#[must_use]
pub fn skipped(source: Source, subject: Subject) -> Evaluation {
    let outcome = PolicyOutcome::Skipped("its rules do not name this object".to_owned());
    let policies = vec![PolicyResult { name: String::new(), outcome, notes: Vec::new() }];
    Evaluation { source, subject, verdict: Verdict::Skipped, findings: Vec::new(), policies, fix: None }
}

fn lines<'a>(text: &'a str, level: Level, subject: &'a Subject) -> impl Iterator<Item = Finding> + 'a {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(move |line| finding(&FindingLine::parse(line), level, subject))
}

fn finding(line: &FindingLine<'_>, level: Level, subject: &Subject) -> Finding {
    Finding {
        level,
        rule: line.rule.map(str::to_owned),
        path: line.path.map(str::to_owned),
        message: line.message.to_owned(),
        position: None,
        fingerprint: fingerprint(line, subject),
        policy: String::new(),
    }
}

/// Returns the fingerprint of a finding. The message names the container, so the path is used without indices.
fn fingerprint(line: &FindingLine<'_>, subject: &Subject) -> String {
    let path: String = line.path.unwrap_or_default().chars().filter(|c| !c.is_ascii_digit()).collect();
    let parts = [line.rule.unwrap_or_default(), &subject.to_string(), &path, line.message].join("\0");
    Sha256::digest(parts).iter().take(8).fold(String::new(), |digits, byte| digits + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn accepted() -> ValidationResponse {
        ValidationResponse {
            accepted: true,
            message: None,
            code: None,
            mutated_object: None,
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
            evaluated: None,
        }
    }

    fn evaluate(response: &ValidationResponse) -> Evaluation {
        evaluation(Source::file("web.yaml"), Subject::of(&json!({})), response, &json!({"a": 1}))
    }

    fn lines_of(response: &ValidationResponse) -> Vec<(Level, String)> {
        evaluate(response).findings.iter().map(|finding| (finding.level, finding.to_string())).collect()
    }

    #[test]
    fn every_line_is_a_finding() {
        let response = ValidationResponse {
            accepted: false,
            message: Some("spec.a: one [rule-a]\n\nspec.b: two\n".to_owned()),
            warnings: vec!["one\ntwo [rule-b]".to_owned()],
            ..accepted()
        };
        let expected = [
            (Level::Deny, "spec.a: one [rule-a]"),
            (Level::Deny, "spec.b: two"),
            (Level::Warn, "one"),
            (Level::Warn, "two [rule-b]"),
        ];
        assert_eq!(lines_of(&response), expected.map(|(level, line)| (level, line.to_owned())));
    }

    #[test]
    fn an_object_is_fixed_if_it_is_admitted_and_changed() {
        let changed = |object| ValidationResponse { mutated_object: Some(object), ..accepted() };
        assert_eq!(evaluate(&accepted()).verdict, Verdict::Admitted);
        assert_eq!(evaluate(&changed(json!({"a": 2}))).verdict, Verdict::Fixed);
        assert_eq!(evaluate(&changed(json!({"a": 1}))).verdict, Verdict::Admitted);
        let denied = ValidationResponse { accepted: false, ..changed(json!({"a": 2})) };
        assert_eq!((evaluate(&denied).verdict, evaluate(&denied).fix), (Verdict::Denied, None));
        let empty = ValidationResponse { evaluated: Some(false), ..accepted() };
        assert_eq!(evaluate(&empty).verdict, Verdict::NothingToEvaluate);
    }

    #[test]
    fn a_fingerprint_does_not_depend_on_indices() {
        let of = |line: &str| fingerprint(&FindingLine::parse(line), &Subject::of(&json!({})));
        let first = of("spec.containers[0].image: container \"web\" must [a]");
        assert_eq!(first.len(), 16);
        assert_eq!(first, of("spec.containers[12].image: container \"web\" must [a]"));
        assert_ne!(first, of("spec.containers[0].image: container \"db\" must [a]"));
    }
}
