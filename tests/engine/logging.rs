//! The log entries that the module sends to the policy server.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on an entry that does not parse")]

use immutable_pods_testing::wasmtime::Wasmtime;
use serde_json::{Value, json};

use crate::cases::good_pod;
use crate::module::{built, evaluate};

/// Returns the entries of a request: level, message, and the field that says more.
fn entries(request: &Value, settings: &Value) -> Vec<[String; 3]> {
    let module = Wasmtime::from_file(&built("policy", "src").unwrap()).unwrap();
    let payload = json!({"request": request, "settings": settings}).to_string();
    let entries = module.log_entries(payload.as_bytes()).unwrap();
    let entry = |entry: &Vec<u8>| {
        let entry: Value = serde_json::from_slice(entry).unwrap();
        let details = entry.get("exemption").or(entry.get("reason"));
        [&entry["level"], &entry["message"], details.unwrap()].map(|text| text.as_str().unwrap().to_owned())
    };
    entries.iter().map(entry).collect()
}

fn bad_pod() -> Value {
    let mut request = good_pod();
    request["object"]["spec"]["hostPID"] = true.into();
    request["object"]["spec"]["hostIPC"] = true.into();
    request
}

#[test]
fn an_admitted_request_is_not_logged() {
    assert_eq!(entries(&good_pod(), &json!({})), [[""; 3]; 0]);
    assert_eq!(entries(&bad_pod(), &json!({"enforcement": "warn"})), [[""; 3]; 0]);
}

#[test]
fn a_denial_is_logged_with_its_first_line() {
    let message = evaluate(&bad_pod(), &json!({})).message.unwrap();
    let first = message.lines().next().unwrap();
    assert_eq!(first, "2 findings in the pod: hostNamespaces");
    assert_eq!(entries(&bad_pod(), &json!({})), [["debug", "denied", first]]);
    let unreadable = json!({"operation": "CREATE"});
    let [[level, message, reason]]: [_; 1] = entries(&unreadable, &json!({})).try_into().unwrap();
    assert_eq!((&*level, &*message), ("debug", "denied"));
    assert!(reason.contains("(denied because it cannot be evaluated)"), "{reason}");
}

#[test]
fn a_failed_look_up_is_logged_with_its_reason() {
    let mut request = good_pod();
    request["object"]["spec"]["securityContext"] = Value::Null;
    let settings = json!({"runAsNonRoot": {"inspectImage": true}});
    let mut entries = entries(&request, &settings);
    assert_eq!(entries.pop().unwrap()[..2], ["debug", "denied"]);
    assert_eq!(entries, [["warning", "registry look-up failed", "Host error: no such host call"]; 3]);
}

#[test]
fn exemptions_are_logged_when_they_matter() {
    let settings = json!({"exemptions": [
        {"reason": "the node agent reads /proc", "rules": ["hostNamespaces"], "namespaces": ["default"]},
        {"reason": "unused", "namespaces": ["bar"]},
    ]});
    let used = "exemptions[0]: the node agent reads /proc";
    assert_eq!(entries(&bad_pod(), &settings), [["info", "exemption used", used]]);
    let settings = json!({"exemptions": [
        {"reason": "until the agent is replaced", "expires": "2020-02-29", "namespaces": ["default"]},
    ]});
    let expired = "exemptions[0] expired on 2020-02-29: until the agent is replaced";
    let denied = "2 findings in the pod: hostNamespaces";
    assert_eq!(
        entries(&bad_pod(), &settings),
        [["warning", "exemption expired", expired], ["debug", "denied", denied]]
    );
}
