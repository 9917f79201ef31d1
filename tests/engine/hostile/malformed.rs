//! Payloads that are not JSON, that are not requests, or that are damaged.

use immutable_pods::ValidationResponse;

use super::{
    CUSTOM, GOOD, POD, admits, denial_reason, denies, fixing, nested, object, object_at, pod, request,
    response_to,
};
use crate::module::{lines, policy};

#[test]
fn invalid_json_is_denied() {
    denies("", "the request cannot be read as JSON: expected a value at byte 0");
    denies(" \n", "the request cannot be read as JSON: expected a value at byte 2");
    denies("{", "the request cannot be read as JSON: expected a key at byte 1");
    denies("request: {}", "the request cannot be read as JSON: expected a value at byte 0");
    denies(b"\xff\xfe", "the request cannot be read as JSON: expected a value at byte 0");
    denies("\u{feff}{}", "the request cannot be read as JSON: expected a value at byte 0");
    denies("{} {}", "the request cannot be read as JSON: expected nothing more at byte 3");
    denies(pod(GOOD) + "}", "the request cannot be read as JSON: expected nothing more at byte 305");
}

#[test]
fn the_message_contains_the_reason() {
    let response = response_to(b"{}");
    assert_eq!(response.message.unwrap(), "request: missing (denied because it cannot be evaluated)");
}

#[test]
fn a_payload_without_a_request_is_denied() {
    denies("1", "the payload: expected an object, got a number");
    denies("null", "the payload: expected an object, got null");
    denies("[]", "the payload: expected an object, got a list");
    denies("\"\"", "the payload: expected an object, got a string");
    denies("{}", "request: missing");
    denies(r#"{"request": null}"#, "request: missing");
    denies(r#"{"request": []}"#, "request: expected an object, got a list");
    denies(r#"{"request": {}}"#, "request.kind: missing");
    denies(r#"{"Request": {}}"#, "request: missing");
    denies(r#"{"request": {"kind": "Pod"}}"#, "request.kind: expected an object, got a string");
    denies(request("CREATE", r#""kind": null"#), "request.kind: missing");
}

#[test]
fn an_unknown_operation_is_denied() {
    let object = format!(r#""kind": {POD}, "object": {{"spec": {GOOD}}}"#);
    for operation in ["", "PATCH", "create", "CREATE "] {
        denies(request(operation, &object), "request.operation: expected CREATE, UPDATE, DELETE or CONNECT");
    }
    denies(format!(r#"{{"request": {{{object}}}}}"#), "request.operation: missing");
    denies(
        format!(r#"{{"request": {{"operation": 1, {object}}}}}"#),
        "request.operation: expected a string, got a number",
    );
}

#[test]
fn a_request_without_its_object_is_denied() {
    for kind in [POD, CUSTOM] {
        let update = format!(r#""kind": {kind}, "object": {{"spec": {GOOD}}}"#);
        denies(request("UPDATE", &update), "request.oldObject: missing");
    }
    for operation in ["CREATE", "UPDATE"] {
        for kind in [POD, CUSTOM] {
            for fields in [
                format!(r#""kind": {kind}"#),
                format!(r#""kind": {kind}, "object": null"#),
                format!(r#""object": null, "kind": {kind}"#),
            ] {
                denies(request(operation, &fields), "request.object: missing");
            }
        }
    }
}

#[test]
fn invalid_strings_are_denied() {
    let image = |bytes: &[u8]| {
        let payload = pod(r#"{"containers": [{"image": "@"}]}"#).into_bytes();
        let at = payload.iter().position(|byte| *byte == b'@').unwrap();
        [&payload[..at], bytes, &payload[at + 1..]].concat()
    };
    denies(image(b"\xff"), "spec.containers[0].image: must be UTF-8");
    denies(image(b"\xc0\x80"), "spec.containers[0].image: must be UTF-8");
    denies(image(br"\x"), "the request cannot be read as JSON: an invalid escape at byte 137");
    denies(image(br"\u12"), "the request cannot be read as JSON: an invalid escape at byte 137");
    denies(image(br"\ud800"), "spec.containers[0].image: must not hold half of a surrogate pair");
    denies(image(br"\udc00\ud800"), "spec.containers[0].image: must not hold half of a surrogate pair");
    denies(image(b"\n"), "the request cannot be read as JSON: a control character in a string at byte 137");
    denies(image(b"\0"), "the request cannot be read as JSON: a control character in a string at byte 137");
    // A key that is not valid text may be a key that a rule reads.
    denies(object(POD, r#"{"\ud800": 1}"#), "request.object: must not hold half of a surrogate pair");
}

#[test]
fn values_that_are_nested_too_deeply_are_denied() {
    let deep = nested(100_000);
    let metadata = |depth: usize| format!(r#"{{"metadata": {}, "spec": {GOOD}}}"#, nested(depth));
    denies(
        object(POD, &metadata(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 240",
    );
    denies(
        object(CUSTOM, &metadata(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 253",
    );
    denies(
        pod(&format!(r#"{{"containers": {deep}}}"#)),
        "spec.containers[0]: expected an object, got a list",
    );
    denies(pod(&deep), "spec: expected an object, got a list");
    denies(&deep, "the payload: expected an object, got a list");
    denies("[".repeat(100_000), "the payload: expected an object, got a list");
    denies(
        object(CUSTOM, &"{\"a\":".repeat(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 745",
    );
    denies(
        format!(r#"{{"settings": {deep}}}"#),
        "the request cannot be read as JSON: nested too deeply at byte 141",
    );
    denies(
        request("DELETE", &format!(r#""kind": {POD}, "oldObject": {deep}"#)),
        "the request cannot be read as JSON: nested too deeply at byte 231",
    );
    for (path, message) in [
        ("volumes[0].invented", "spec.volumes[0].invented: expected an object, got a list"),
        ("volumes[0].emptyDir.invented", "the request cannot be read as JSON: nested too deeply at byte 271"),
        ("containers[0].volumeMounts", "spec.containers[0].volumeMounts[0]: expected an object, got a list"),
        (
            "containers[0].startupProbe.httpGet",
            "the request cannot be read as JSON: nested too deeply at byte 277",
        ),
        ("securityContext.sysctls", "spec.securityContext.sysctls[0]: expected an object, got a list"),
    ] {
        denies(pod(&object_at(path, &deep)), message);
    }
    // Deeper than any existing kind, but within the limit.
    for kind in [POD, CUSTOM] {
        admits(object(kind, &metadata(60)));
    }
}

#[test]
fn every_truncated_request_is_denied() {
    let payload = pod(GOOD);
    admits(&payload);
    for end in 0..payload.len() {
        let reason = denial_reason(&payload.as_bytes()[..end]);
        assert!(reason.starts_with("the request cannot be read as JSON: "), "{end}: {reason}");
    }
}

#[test]
fn every_request_with_a_changed_byte_has_a_response() {
    assert_responses_after_changed_bytes(&pod(GOOD));
}

#[test]
fn every_fixable_request_with_a_changed_byte_has_a_response() {
    let spec = r#"{"containers": [{"image": "web:1", "securityContext": null, "volumeMounts": []}, {"image": "b:1", "securityContext": {"capabilities": {"drop": ["A"]}}}]}"#;
    let payload = fixing(&pod(spec));
    assert!(response_to(payload.as_bytes()).mutated_object.is_some());
    assert_responses_after_changed_bytes(&payload);
}

fn assert_responses_after_changed_bytes(payload: &str) {
    for position in 0..payload.len() {
        for byte in [b'"', b'{', b']', b'\\', b'0', 0, 0xff] {
            let mut payload = payload.as_bytes().to_vec();
            payload.splice(position..=position, [byte]);
            let answer = policy().call("validate", &payload).unwrap();
            serde_json::from_slice::<ValidationResponse>(&answer).unwrap();
        }
    }
}

#[test]
fn findings_do_not_contain_control_characters() {
    let name = r#"web\n\u001b[31m\u202e\"\r"#;
    let payload = pod(&GOOD.replace("web:1", "a").replace("\"web\"", &format!("\"{name}\"")));
    assert_eq!(
        lines(&response_to(payload.as_bytes())),
        [
            r#"spec.containers[0].image: container "web\u{a}\u{1b}[31m\u{202e}\"\u{d}" must set a tag or a digest on image "a" [imageReference]"#
        ]
    );
}
