//! Duplicate keys, which parsers resolve in different ways.

use super::{CUSTOM, GOOD, POD, denies, object, object_at, pod, request, with_security_context};

#[test]
fn duplicate_keys_are_denied() {
    let bad = r#"[{"name": "hidden", "securityContext": {"privileged": true}}]"#;
    denies(object(POD, &with_duplicate_key("spec", GOOD, GOOD)), "request.object: duplicate field `spec`");
    denies(object(POD, &with_duplicate_key("spec", "null", GOOD)), "request.object: duplicate field `spec`");
    denies(pod(&with_duplicate_key("containers", bad, "[]")), "spec: duplicate field `containers`");
    denies(
        pod(&format!(r#"{{"containers": {bad}, "contain\u0065rs": []}}"#)),
        "spec: duplicate field `containers`",
    );
    denies(
        with_security_context(r#""privileged": true, "privileged": false"#),
        "spec.containers[0].securityContext: duplicate field `privileged`",
    );
    denies(
        pod(r#"{"containers": [{"volumeMounts": [{"readOnly": false, "readOnly": true}]}]}"#),
        "spec.containers[0].volumeMounts[0]: duplicate field `readOnly`",
    );
    denies(
        with_security_context(r#""capabilities": {"drop": ["ALL"], "drop": []}"#),
        "spec.containers[0].securityContext.capabilities: duplicate field `drop`",
    );
    denies(pod(&with_duplicate_key("hostUsers", "true", "false")), "spec: duplicate field `hostUsers`");
    denies(
        object(CUSTOM, &object_at("spec", &with_duplicate_key("containers", bad, "[]"))),
        "spec: duplicate field `containers`",
    );

    let good = format!(r#"{{"spec": {GOOD}}}"#);
    denies(
        request("CREATE", &format!(r#""kind": {POD}, "object": {good}, "object": {good}"#)),
        "request: duplicate field `object`",
    );
    denies(
        request("CREATE", &format!(r#""kind": {POD}, "kind": {CUSTOM}, "object": {good}"#)),
        "request: duplicate field `kind`",
    );
    denies(
        request(
            "CREATE",
            &format!(r#""kind": {{"group": "", "kind": "Pod", "kind": "Secret"}}, "object": {good}"#),
        ),
        "request.kind: duplicate field `kind`",
    );
    denies(
        request("CREATE", &format!(r#""kind": {POD}, "object": {good}, "operation": "DELETE""#)),
        "request: duplicate field `operation`",
    );
    denies(
        request(
            "CREATE",
            &format!(r#""subResource": "", "subResource": "status", "kind": {POD}, "object": {good}"#),
        ),
        "request: duplicate field `subResource`",
    );
    denies(with_duplicate_key("request", "{}", "{}"), "the payload: duplicate field `request`");
    denies(
        format!(
            r#"{{"settings": {{}}, "settings": {{}}, "request": {{"kind": {POD}, "operation": "CREATE", "object": {good}}}}}"#
        ),
        "the payload: duplicate field `settings`",
    );
}

/// Returns an object with a duplicate key.
fn with_duplicate_key(key: &str, first: &str, second: &str) -> String {
    format!(r#"{{"{key}": {first}, "{key}": {second}}}"#)
}

#[test]
fn duplicate_keys_in_volumes_are_denied() {
    let volume = |fields: &str| pod(&format!(r#"{{"volumes": [{{{fields}}}]}}"#));
    denies(volume(r#""name": "a", "name": "b""#), "spec.volumes[0]: duplicate field `name`");
    for (first, second) in [
        ("{}", r#"{"path": "/"}"#),
        (r#"{"path": "/"}"#, "{}"),
        (r#"{"path": "/"}"#, "null"),
        // A value of null counts as unset, but its key is still a duplicate.
        ("null", r#"{"path": "/"}"#),
    ] {
        denies(
            volume(&format!(r#""hostPath": {first}, "name": "a", "hostP\u0061th": {second}"#)),
            "spec.volumes[0]: duplicate field `hostPath`",
        );
    }
    denies(
        volume(r#""hostPath": {"path": "/", "path": "/tmp"}"#),
        "spec.volumes[0].hostPath: duplicate field `path`",
    );
}

#[test]
fn duplicate_keys_in_updates_are_denied() {
    let good = format!(r#"{{"spec": {GOOD}}}"#);
    denies(
        request(
            "UPDATE",
            &format!(r#""kind": {POD}, "object": {good}, "oldObject": {good}, "oldObject": {good}"#),
        ),
        "request: duplicate field `oldObject`",
    );
    denies(
        request(
            "UPDATE",
            &format!(
                r#""kind": {POD}, "object": {good}, "oldObject": {}"#,
                with_duplicate_key("spec", GOOD, GOOD)
            ),
        ),
        "request.oldObject: duplicate field `spec`",
    );
    for (key, value) in [("userInfo", "{}"), ("name", "\"a\""), ("namespace", "\"a\"")] {
        denies(
            request(
                "CREATE",
                &format!(r#""{key}": {value}, "kind": {POD}, "{key}": null, "object": {good}"#),
            ),
            &format!("request: duplicate field `{key}`"),
        );
    }
}
