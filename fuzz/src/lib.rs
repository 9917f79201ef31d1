//! Requirements for every response of the policy, to any payload.

#![expect(clippy::unwrap_used, reason = "a response that does not parse is a finding")]

pub mod settings;

use std::collections::BTreeMap;

use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use immutable_pods_policy::evaluation::registry::{self, RegistryQuery};
use immutable_pods_policy::evaluation::report::Form;
use serde::Deserialize;
use serde_json::value::RawValue;

/// The answer of a registry that knows every image. It answers both queries.
pub const KNOWN_IMAGE: &[u8] =
    br#"{"digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         "config": {"config": {"User": "101"}}}"#;

/// A registry with the same answer, or the same error, to every query.
#[derive(Clone, Copy, Debug)]
pub struct Registry<'a>(pub Result<&'a [u8], &'a str>);

impl registry::Registry for Registry<'_> {
    fn ask(&self, _: RegistryQuery, _: &str) -> Result<Vec<u8>, String> {
        self.0.map(<[u8]>::to_vec).map_err(str::to_owned)
    }
}

/// The response as JSON, with all fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonResponse {
    accepted: bool,
    message: Option<String>,
    code: Option<u16>,
    #[serde(default)]
    audit_annotations: BTreeMap<String, String>,
    #[serde(default)]
    warnings: Vec<String>,
    /// Values that no fix changes keep their text, also numbers that are too large for [`serde_json::Value`].
    mutated_object: Option<Box<RawValue>>,
    evaluated: Option<bool>,
}

/// Returns the response of the policy to a payload, after checking it.
///
/// # Panics
///
/// If the response does not meet a requirement.
#[must_use]
pub fn validate(payload: &[u8], registry: Registry<'_>) -> Response {
    let evaluate = |form| review::validate(payload, form, &registry).unwrap_or_else(Response::unreadable);
    let response = evaluate(Form::Short);
    assert_eq!(response.to_json(), evaluate(Form::Short).to_json(), "the same request has two responses");
    let characters: usize = response.warnings.iter().map(|warning| warning.chars().count()).sum();
    assert!(characters <= 2_000, "the warnings exceed the limit of API servers");
    let report = evaluate(Form::Long);
    let object = |response: &Response| response.mutated_object.as_ref().map(ToString::to_string);
    assert_eq!(
        (response.accepted, &response.audit_annotations, object(&response)),
        (report.accepted, &report.audit_annotations, object(&report)),
        "the verdict of the report differs"
    );
    check(&response.to_json());
    response
}

fn check(response: &[u8]) {
    let JsonResponse { accepted, message, code, audit_annotations, warnings, mutated_object, evaluated } =
        serde_json::from_slice(response).unwrap();
    assert_eq!(evaluated, None, "policy servers do not know this field");
    if accepted {
        assert_eq!((&message, code), (&None, None), "an admitted request has fields of a denial");
    } else {
        assert!(message.as_ref().is_some_and(|message| !message.is_empty()), "a denial has no message");
        assert_eq!(code, Some(403), "a denial has another code");
        assert!(mutated_object.is_none(), "a denial has fields of an admitted request");
    }
    let lines = message.iter().flat_map(|message| message.split('\n'));
    for line in lines.chain(audit_annotations.values().chain(&warnings).map(|text| &**text)) {
        check_line(line);
    }
}

/// Checks a line that is shown to users.
///
/// # Panics
///
/// If the line contains control characters.
pub fn check_line(line: &str) {
    assert!(!line.contains(char::is_control), "a line contains control characters: {line:?}");
}
