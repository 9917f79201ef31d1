//! Converts the verdict of a policy to the response that an API server gets, like policy servers.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::policy::{Error, ValidationResponse};

/// The message if a policy changes an object that does not exist.
const NOTHING_TO_CHANGE: &str = "Incoming object is null, which happens only with DELETE operations, but the policy is attempting a mutation. This is not allowed";

/// `AdmissionResponse` of `admission.k8s.io/v1`, with its fields in the order in which kwctl prints them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionResponse {
    /// The uid of the request.
    pub uid: String,
    /// Whether the request is admitted.
    pub allowed: bool,
    /// `JSONPatch`, if there is a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<&'static str>,
    /// The changes of the object: a JSON patch (RFC 6902) in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Why the request is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Annotations for the audit log.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// Warnings for the user.
    pub warnings: Option<Vec<String>>,
}

/// Why a request is denied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The reason, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

impl AdmissionResponse {
    /// Returns the response to a request, given the result of the policy, which may change the object.
    ///
    /// # Errors
    ///
    /// If the policy was not called. If the policy was called and fails, the request is denied.
    pub fn new(request: &Value, verdict: Result<ValidationResponse, Error>) -> Result<Self, Error> {
        let failure = match verdict {
            Ok(verdict) => return Ok(Self::of(request, verdict)),
            Err(Error::Call { reason, .. }) => format!("Guest call failure: {reason}"),
            Err(Error::Answer { reason, .. }) => format!("invalid response from policy: {reason}"),
            Err(error) => return Err(error),
        };
        Ok(Self::refusal(request, format!("internal server error: {failure}"), Some(500)))
    }

    fn of(request: &Value, verdict: ValidationResponse) -> Self {
        let ValidationResponse {
            accepted, message, code, mutated_object, audit_annotations, warnings, ..
        } = verdict;
        let object = request.get("object").filter(|object| !object.is_null());
        let patch = match (object, mutated_object) {
            (_, None) => None,
            (Some(before), Some(after)) => patch(before, &after),
            (None, Some(_)) => return Self::refusal(request, NOTHING_TO_CHANGE.to_owned(), None),
        };
        Self {
            uid: uid(request),
            allowed: accepted,
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            status: (message.is_some() || code.is_some()).then_some(Status { message, code }),
            audit_annotations: Some(audit_annotations).filter(|annotations| !annotations.is_empty()),
            warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
        }
    }

    fn refusal(request: &Value, message: String, code: Option<u16>) -> Self {
        Self {
            uid: uid(request),
            allowed: false,
            patch_type: None,
            patch: None,
            status: Some(Status { message: Some(message), code }),
            audit_annotations: None,
            warnings: None,
        }
    }
}

fn uid(request: &Value) -> String {
    request.get("uid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns the patch from one object to another, or nothing if they are equal.
fn patch(before: &Value, after: &Value) -> Option<String> {
    let patch = json_patch::diff(before, after);
    (!patch.is_empty()).then(|| STANDARD.encode(patch.to_string()))
}

#[cfg(test)]
mod tests {
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

    fn request() -> Value {
        json!({"uid": "1", "object": {"spec": {"hostNetwork": true}}})
    }

    #[track_caller]
    fn answers(verdict: Result<ValidationResponse, Error>, json: &str) {
        let answer = AdmissionResponse::new(&request(), verdict).unwrap();
        assert_eq!(serde_json::to_string(&answer).unwrap(), json);
    }

    #[test]
    fn empty_fields_are_null_or_absent() {
        answers(Ok(accepted()), r#"{"uid":"1","allowed":true,"auditAnnotations":null,"warnings":null}"#);
    }

    #[test]
    fn a_denial_contains_everything_from_the_policy() {
        let denied = ValidationResponse {
            accepted: false,
            message: Some("spec.a: one [a]\nspec.b: two [b]".to_owned()),
            code: Some(403),
            audit_annotations: BTreeMap::from([
                ("b".to_owned(), "1".to_owned()),
                ("a".to_owned(), "2".to_owned()),
            ]),
            warnings: vec!["spec.c: three [c]".to_owned()],
            ..accepted()
        };
        answers(
            Ok(denied),
            r#"{"uid":"1","allowed":false,"status":{"message":"spec.a: one [a]\nspec.b: two [b]","code":403},"auditAnnotations":{"a":"2","b":"1"},"warnings":["spec.c: three [c]"]}"#,
        );
    }

    #[test]
    fn a_code_or_a_message_makes_a_status() {
        let denied = ValidationResponse { accepted: false, code: Some(400), ..accepted() };
        answers(
            Ok(denied),
            r#"{"uid":"1","allowed":false,"status":{"code":400},"auditAnnotations":null,"warnings":null}"#,
        );
    }

    #[test]
    fn a_changed_object_becomes_a_patch() {
        let after = json!({"spec": {"hostNetwork": false, "hostPID": false}});
        let patch = STANDARD.encode(
            r#"[{"op":"replace","path":"/spec/hostNetwork","value":false},{"op":"add","path":"/spec/hostPID","value":false}]"#,
        );
        answers(
            Ok(ValidationResponse { mutated_object: Some(after), ..accepted() }),
            &format!(
                r#"{{"uid":"1","allowed":true,"patchType":"JSONPatch","patch":"{patch}","auditAnnotations":null,"warnings":null}}"#
            ),
        );
    }

    #[test]
    fn an_unchanged_object_needs_no_patch() {
        let same = ValidationResponse { mutated_object: Some(request()["object"].clone()), ..accepted() };
        answers(Ok(same), r#"{"uid":"1","allowed":true,"auditAnnotations":null,"warnings":null}"#);
    }

    #[test]
    fn a_missing_object_cannot_be_changed() {
        let changes = ValidationResponse { mutated_object: Some(json!({})), ..accepted() };
        for request in [json!({"uid": "1"}), json!({"uid": "1", "object": null})] {
            let answer = AdmissionResponse::new(&request, Ok(changes.clone())).unwrap();
            assert_eq!(
                serde_json::to_string(&answer).unwrap(),
                format!(
                    r#"{{"uid":"1","allowed":false,"status":{{"message":"{NOTHING_TO_CHANGE}"}},"auditAnnotations":null,"warnings":null}}"#
                )
            );
        }
    }

    #[test]
    fn a_policy_that_fails_denies() {
        answers(
            Err(Error::Call { operation: "validate".to_owned(), reason: "I give up".to_owned() }),
            r#"{"uid":"1","allowed":false,"status":{"message":"internal server error: Guest call failure: I give up","code":500},"auditAnnotations":null,"warnings":null}"#,
        );
        let reason = serde_json::from_str::<ValidationResponse>("{}").unwrap_err();
        answers(
            Err(Error::Answer { operation: "validate", reason }),
            r#"{"uid":"1","allowed":false,"status":{"message":"internal server error: invalid response from policy: missing field `accepted` at line 1 column 2","code":500},"auditAnnotations":null,"warnings":null}"#,
        );
    }

    #[test]
    fn a_policy_that_does_not_start_gives_no_response() {
        let error = AdmissionResponse::new(&request(), Err(Error::Start("no memory".to_owned())));
        assert_eq!(error.unwrap_err().to_string(), "the policy does not start: no memory");
    }
}
