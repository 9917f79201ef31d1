//! Hostile input that no API server sends: the module always responds, and denies requests that it cannot evaluate.

#![expect(clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

mod duplicate_keys;
mod large;
mod malformed;
mod wrong_types;

use immutable_pods::ValidationResponse;
use serde_json::json;

use crate::module::{admitted, policy};

const POD: &str = r#"{"group": "", "version": "v1", "kind": "Pod"}"#;
const CUSTOM: &str = r#"{"group": "example.com", "version": "v1", "kind": "Fleet"}"#;

/// Suffix of every reason for denying a request that cannot be evaluated.
const CANNOT_BE_EVALUATED: &str = " (denied because it cannot be evaluated)";

/// A pod spec without findings.
const GOOD: &str = r#"{"securityContext": {"runAsUser": 1}, "containers": [{"name": "web", "image": "web:1", "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true}}]}"#;

/// Returns a payload with an operation and other fields of the request.
fn request(operation: &str, fields: &str) -> String {
    format!(r#"{{"request": {{"operation": "{operation}", {fields}}}, "settings": {{}}}}"#)
}

/// Returns a payload that creates an object of a kind.
fn object(kind: &str, object: &str) -> String {
    request("CREATE", &format!(r#""kind": {kind}, "object": {object}"#))
}

/// Returns the payload with settings that fix everything.
fn fixing(payload: &str) -> String {
    let settings = json!({
        "readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix",
        "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run", "/tmp"]}],
    });
    let (request, _) = payload.rsplit_once("{}").unwrap_or_default();
    format!("{request}{settings}}}")
}

/// Returns a payload that creates a pod with this spec.
fn pod(spec: &str) -> String {
    object(POD, &format!(r#"{{"spec": {spec}}}"#))
}

/// Returns a payload that creates a pod with these fields in the security context of its container.
fn with_security_context(fields: &str) -> String {
    pod(&format!(r#"{{"containers": [{{"securityContext": {{{fields}}}}}]}}"#))
}

/// Returns the response to a payload, which must be equal each time.
#[track_caller]
fn response_to(payload: &[u8]) -> ValidationResponse {
    let answer = policy().call("validate", payload).unwrap();
    assert_eq!(policy().call("validate", payload).unwrap(), answer, "the same request has two responses");
    serde_json::from_slice(&answer).unwrap()
}

/// Returns the reason for denying a payload that cannot be evaluated, which must be one line.
#[track_caller]
fn denial_reason(payload: &[u8]) -> String {
    let response = response_to(payload);
    let shown: String = String::from_utf8_lossy(payload).chars().take(400).collect();
    let message = response.message.clone().unwrap_or_default();
    let expected =
        ValidationResponse { accepted: false, message: Some(message.clone()), code: Some(403), ..admitted() };
    assert_eq!(response, expected, "{shown}");
    assert_eq!(message.lines().count(), 1, "{message}");
    match message.strip_suffix(CANNOT_BE_EVALUATED) {
        Some(reason) => reason.to_owned(),
        None => message,
    }
}

#[track_caller]
fn denies(payload: impl AsRef<[u8]>, sentence: &str) {
    let payload = payload.as_ref();
    let shown: String = String::from_utf8_lossy(payload).chars().take(400).collect();
    assert_eq!(denial_reason(payload), sentence, "{shown}");
}

#[track_caller]
fn admits(payload: impl AsRef<[u8]>) {
    assert_eq!(response_to(payload.as_ref()), admitted());
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

/// Returns an object with a value at a path. Each key of the path may end with `[0]`.
fn object_at(path: &str, value: &str) -> String {
    path.rsplit('.').fold(value.to_owned(), |inner, key| match key.strip_suffix("[0]") {
        Some(key) => format!(r#"{{"{key}": [{inner}]}}"#),
        None => format!(r#"{{"{key}": {inner}}}"#),
    })
}
