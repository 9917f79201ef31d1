//! What every answer of the policy must be, whatever it is asked.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read is a finding")]

use std::collections::BTreeMap;

use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use immutable_pods_policy::evaluation::registry::{self, Question};
use immutable_pods_policy::evaluation::report::Form;
use serde::Deserialize;
use serde_json::Value;

/// What a registry says that knows every image: the same to either question.
pub const KNOWN_IMAGE: &[u8] =
    br#"{"digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         "config": {"config": {"User": "101"}}}"#;

/// A registry with one answer, or one error, to every question.
#[derive(Clone, Copy, Debug)]
pub struct Registry<'a>(pub Result<&'a [u8], &'a str>);

impl registry::Registry for Registry<'_> {
    fn ask(&self, _: Question, _: &str) -> Result<Vec<u8>, String> {
        self.0.map(<[u8]>::to_vec).map_err(str::to_owned)
    }
}

/// The answer in JSON, with all the fields that it may have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    accepted: bool,
    message: Option<String>,
    code: Option<u16>,
    #[serde(default)]
    audit_annotations: BTreeMap<String, String>,
    #[serde(default)]
    warnings: Vec<String>,
    mutated_object: Option<Value>,
    evaluated: Option<bool>,
}

/// The policy's answer to a payload, for which it must be a proper one.
///
/// # Panics
/// When it is not.
#[must_use]
pub fn validate(payload: &[u8], registry: Registry<'_>) -> Response {
    let answer = |form| review::validate(payload, form, &registry).unwrap_or_else(Response::unreadable);
    let response = answer(Form::Short);
    assert_eq!(response, answer(Form::Short), "the same request gives two answers");
    let characters: usize = response.warnings.iter().map(|warning| warning.chars().count()).sum();
    assert!(characters <= 2_000, "API servers drop some of the warnings");
    let report = answer(Form::Long);
    assert_eq!(
        (response.accepted, &response.audit_annotations, &response.mutated_object),
        (report.accepted, &report.audit_annotations, &report.mutated_object),
        "a report gives another verdict"
    );
    // What no rule reads of an object is not checked, so an object that is none stays none.
    if response.mutated_object.is_none() || serde_json::from_slice::<Value>(payload).is_ok() {
        check(&response.to_json());
    }
    response
}

fn check(answer: &[u8]) {
    let Answer { accepted, message, code, audit_annotations, warnings, mutated_object, evaluated } =
        serde_json::from_slice(answer).unwrap();
    assert_eq!(evaluated, None, "a policy server does not know the field");
    if accepted {
        assert_eq!((&message, code), (&None, None), "an admission has the marks of a denial");
    } else {
        assert!(message.as_ref().is_some_and(|message| !message.is_empty()), "a denial says nothing");
        assert_eq!((code, mutated_object), (Some(403), None), "a denial has the marks of an admission");
    }
    let lines = message.iter().flat_map(|message| message.split('\n'));
    for line in lines.chain(audit_annotations.values().chain(&warnings).map(|text| &**text)) {
        check_line(line);
    }
}

/// Checks what a user is shown on a line of its own.
///
/// # Panics
/// When it could be taken for something else.
pub fn check_line(line: &str) {
    assert!(!line.contains(char::is_control), "a line has control characters: {line:?}");
}
