//! Reads a file with an admission request, and returns the request that policy servers pass to policies.
//!
//! Policy servers parse requests into a type: missing fields and fields of the wrong type are errors, and unknown fields are
//! dropped.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::input::{InputError, Position, Problem, Source, kind_of};
use crate::yaml::json_error;

/// Reads a JSON file that contains a request or a review. `-` is stdin.
///
/// # Errors
///
/// If the file cannot be read, is not JSON, or if a policy server would not parse the request.
pub fn read(path: &Path) -> Result<Value, InputError> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        return from_text("stdin", read.map(|_| text));
    }
    from_text(&path.display().to_string(), fs::read(path))
}

fn from_text(file: &str, text: io::Result<Vec<u8>>) -> Result<Value, InputError> {
    let request = text.map_err(Problem::Read).and_then(|text| parse(&text));
    request.map_err(|problem| InputError::new(Source::file(file), problem))
}

fn parse(text: &[u8]) -> Result<Value, Problem> {
    let mut value: Value =
        serde_json::from_slice(text).map_err(|error| json_error(&error, Position::START))?;
    if value.get("kind").and_then(Value::as_str) == Some("AdmissionReview") {
        value = value.get_mut("request").map(Value::take).ok_or(Problem::NoRequest)?;
    }
    // serde would read the items of a list as fields.
    if !value.is_object() {
        return Err(Problem::NotARequest(format!("it is {}", kind_of(&value))));
    }
    let request = serde_json::from_value::<AdmissionRequest>(value).and_then(serde_json::to_value);
    request.map_err(|error| Problem::NotARequest(error.to_string()))
}

/// A request with the fields of policy servers.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct AdmissionRequest {
    uid: String,
    kind: GroupVersionKind,
    resource: GroupVersionResource,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_kind: Option<GroupVersionKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_resource: Option<GroupVersionResource>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_sub_resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    operation: String,
    user_info: UserInfo,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_object: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Value>,
}

#[derive(Deserialize, Serialize)]
struct GroupVersionKind {
    group: String,
    version: String,
    kind: String,
}

#[derive(Deserialize, Serialize)]
struct GroupVersionResource {
    group: String,
    version: String,
    resource: String,
}

#[derive(Deserialize, Serialize)]
struct UserInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra: Option<BTreeMap<String, Vec<String>>>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The smallest request that a policy server parses.
    fn smallest() -> Value {
        json!({
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "DELETE",
            "userInfo": {},
        })
    }

    fn with(field: &str, value: Value) -> Value {
        let mut request = smallest();
        request[field] = value;
        request
    }

    #[track_caller]
    fn reads(text: &Value, request: &Value) {
        assert_eq!(parse(text.to_string().as_bytes()).unwrap(), *request);
    }

    #[track_caller]
    fn rejects(text: &str, sentence: &str) {
        let error = from_text("request.json", Ok(text.as_bytes().to_vec())).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn every_known_field_is_kept() {
        let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
        let resource = json!({"group": "apps", "version": "v1", "resource": "deployments"});
        let request = json!({
            "uid": "1",
            "kind": kind,
            "resource": resource,
            "subResource": "scale",
            "requestKind": kind,
            "requestResource": resource,
            "requestSubResource": "scale",
            "name": "web",
            "namespace": "shop",
            "operation": "UPDATE",
            "userInfo": {"username": "ann", "uid": "2", "groups": ["ops"], "extra": {"scopes": ["all"]}},
            "object": {"spec": null},
            "oldObject": {"spec": 1.5},
            "dryRun": false,
            "options": {"kind": "UpdateOptions"},
        });
        reads(&request, &request);
    }

    #[test]
    fn unknown_fields_and_nulls_are_dropped() {
        reads(&smallest(), &smallest());
        reads(&with("object", Value::Null), &smallest());
        reads(&with("cluster", json!("east")), &smallest());
        reads(&with("userInfo", json!({"username": null, "shoeSize": 45})), &smallest());
    }

    #[test]
    fn the_request_of_a_review_is_read() {
        let review = |request| json!({"kind": "AdmissionReview", "request": request});
        reads(&review(smallest()), &smallest());
        rejects(
            "{\"kind\": \"AdmissionReview\"}",
            "request.json: this AdmissionReview does not have a `request`",
        );
        rejects(&review(Value::Null).to_string(), "request.json: not an admission request: it is null");
    }

    #[test]
    fn requests_that_policy_servers_reject_are_rejected() {
        rejects("kind: Pod", "request.json, line 1 column 1: expected value");
        rejects("[]", "request.json: not an admission request: it is a sequence");
        rejects("{\"uid\": \"1\"}", "request.json: not an admission request: missing field `kind`");
        rejects(
            &with("kind", json!("Pod")).to_string(),
            "request.json: not an admission request: invalid type: string \"Pod\", expected struct GroupVersionKind",
        );
        rejects(
            &with("userInfo", json!({"groups": "ops"})).to_string(),
            "request.json: not an admission request: invalid type: string \"ops\", expected a sequence",
        );
    }

    #[test]
    fn a_missing_file_is_reported() {
        let error = read(Path::new("/nowhere/request.json")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/request.json: no such file or folder");
    }
}
