//! Input that no API server sends, and input that somebody made to confuse a reader: whatever it is, the module
//! answers, and where it cannot tell what the object is, it denies with a reason.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use immutable_pods_host::ValidationResponse;
use serde_json::{Value, json};

use crate::cases::good_pod;
use crate::module::{admitted, lines, policy};

const POD: &str = r#"{"group": "", "version": "v1", "kind": "Pod"}"#;
const FOREIGN: &str = r#"{"group": "example.com", "version": "v1", "kind": "Fleet"}"#;

/// What stands behind every reason why a request cannot be judged.
const BECAUSE: &str = " (denied because it cannot be evaluated)";

/// A pod spec in which nothing is wrong.
const GOOD: &str = r#"{"securityContext": {"runAsUser": 1}, "containers": [{"name": "web", "image": "web:1", "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true}}]}"#;

/// A payload with a request that has these fields besides its operation.
fn request(operation: &str, fields: &str) -> String {
    format!(r#"{{"request": {{"operation": "{operation}", {fields}}}, "settings": {{}}}}"#)
}

/// A payload to create an object of a kind.
fn object(kind: &str, object: &str) -> String {
    request("CREATE", &format!(r#""kind": {kind}, "object": {object}"#))
}

/// The same payload with settings that fix all they can.
fn fixing(payload: &str) -> String {
    let settings = json!({
        "readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix",
        "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run", "/tmp"]}],
    });
    let (request, _) = payload.rsplit_once("{}").unwrap_or_default();
    format!("{request}{settings}}}")
}

/// A payload to create a pod with this spec.
fn pod(spec: &str) -> String {
    object(POD, &format!(r#"{{"spec": {spec}}}"#))
}

/// A payload to create a pod with these fields in the security context of its container.
fn context(fields: &str) -> String {
    pod(&format!(r#"{{"containers": [{{"securityContext": {{{fields}}}}}]}}"#))
}

/// The answer to a payload, which is the same each time.
#[track_caller]
fn answer(payload: &[u8]) -> ValidationResponse {
    let answer = policy().call("validate", payload).unwrap();
    assert_eq!(policy().call("validate", payload).unwrap(), answer, "the answer to the same request differs");
    serde_json::from_slice(&answer).unwrap()
}

/// Why a payload cannot be judged. It must be denied for that, in one line.
#[track_caller]
fn reason(payload: &[u8]) -> String {
    let response = answer(payload);
    let shown: String = String::from_utf8_lossy(payload).chars().take(400).collect();
    let message = response.message.clone().unwrap_or_default();
    let expected =
        ValidationResponse { accepted: false, message: Some(message.clone()), code: Some(403), ..admitted() };
    assert_eq!(response, expected, "{shown}");
    assert_eq!(message.lines().count(), 1, "{message}");
    match message.strip_suffix(BECAUSE) {
        Some(reason) => reason.to_owned(),
        None => message,
    }
}

#[track_caller]
fn refuses(payload: impl AsRef<[u8]>, sentence: &str) {
    let payload = payload.as_ref();
    let shown: String = String::from_utf8_lossy(payload).chars().take(400).collect();
    assert_eq!(reason(payload), sentence, "{shown}");
}

#[track_caller]
fn accepts(payload: impl AsRef<[u8]>) {
    assert_eq!(answer(payload.as_ref()), admitted());
}

fn nested(depth: usize) -> String {
    "[".repeat(depth) + &"]".repeat(depth)
}

#[test]
fn what_is_no_json_is_denied() {
    refuses("", "the request cannot be read as JSON: expected a value at byte 0");
    refuses(" \n", "the request cannot be read as JSON: expected a value at byte 2");
    refuses("{", "the request cannot be read as JSON: expected a key at byte 1");
    refuses("request: {}", "the request cannot be read as JSON: expected a value at byte 0");
    refuses(b"\xff\xfe", "the request cannot be read as JSON: expected a value at byte 0");
    refuses("\u{feff}{}", "the request cannot be read as JSON: expected a value at byte 0");
    refuses("{} {}", "the request cannot be read as JSON: expected nothing more at byte 3");
    refuses(pod(GOOD) + "}", "the request cannot be read as JSON: expected nothing more at byte 305");
}

#[test]
fn the_message_names_what_cannot_be_judged() {
    let response = answer(b"{}");
    assert_eq!(response.message.unwrap(), "request: missing (denied because it cannot be evaluated)");
}

#[test]
fn what_is_no_request_is_denied() {
    refuses("1", "the payload: expected an object, got a number");
    refuses("null", "the payload: expected an object, got null");
    refuses("[]", "the payload: expected an object, got a list");
    refuses("\"\"", "the payload: expected an object, got a string");
    refuses("{}", "request: missing");
    refuses(r#"{"request": null}"#, "request: missing");
    refuses(r#"{"request": []}"#, "request: expected an object, got a list");
    refuses(r#"{"request": {}}"#, "request.kind: missing");
    refuses(r#"{"Request": {}}"#, "request: missing");
    refuses(r#"{"request": {"kind": "Pod"}}"#, "request.kind: expected an object, got a string");
    refuses(request("CREATE", r#""kind": null"#), "request.kind: missing");
}

#[test]
fn an_unknown_operation_is_denied() {
    let object = format!(r#""kind": {POD}, "object": {{"spec": {GOOD}}}"#);
    for operation in ["", "PATCH", "create", "CREATE "] {
        refuses(request(operation, &object), "request.operation: expected CREATE, UPDATE, DELETE or CONNECT");
    }
    refuses(format!(r#"{{"request": {{{object}}}}}"#), "request.operation: missing");
    refuses(
        format!(r#"{{"request": {{"operation": 1, {object}}}}}"#),
        "request.operation: expected a string, got a number",
    );
}

#[test]
fn a_request_without_its_object_is_denied() {
    for kind in [POD, FOREIGN] {
        let update = format!(r#""kind": {kind}, "object": {{"spec": {GOOD}}}"#);
        refuses(request("UPDATE", &update), "request.oldObject: missing");
    }
    for operation in ["CREATE", "UPDATE"] {
        for kind in [POD, FOREIGN] {
            for fields in [
                format!(r#""kind": {kind}"#),
                format!(r#""kind": {kind}, "object": null"#),
                format!(r#""object": null, "kind": {kind}"#),
            ] {
                refuses(request(operation, &fields), "request.object: missing");
            }
        }
    }
}

#[test]
fn a_pod_without_a_spec_is_denied() {
    refuses(object(POD, "{}"), "spec: missing");
    refuses(object(POD, r#"{"Spec": {}}"#), "spec: missing");
    refuses(pod("null"), "spec: missing");
    refuses(pod("\"x\""), "spec: expected an object, got a string");
    refuses(pod("[]"), "spec: expected an object, got a list");
    refuses(pod("1"), "spec: expected an object, got a number");
    refuses(pod("false"), "spec: expected an object, got a boolean");
    refuses(
        object(r#"{"group": "apps", "kind": "Deployment"}"#, r#"{"spec": {"template": {"spec": "x"}}}"#),
        "spec.template.spec: expected an object, got a string",
    );
    refuses(
        object(r#"{"group": "batch", "kind": "CronJob"}"#, r#"{"spec": {"jobTemplate": {"spec": {}}}}"#),
        "spec.jobTemplate.spec.template.spec: missing",
    );
}

#[test]
fn an_object_that_is_none_is_denied() {
    let deployment = r#"{"group": "apps", "version": "v1", "kind": "Deployment"}"#;
    for (value, found) in [("\"x\"", "a string"), ("1", "a number"), ("true", "a boolean"), ("[]", "a list")]
    {
        refuses(object(POD, value), &format!("request.object: expected an object, got {found}"));
        refuses(
            object(deployment, &at("spec.template", value)),
            &format!("spec.template: expected an object, got {found}"),
        );
    }
}

#[test]
fn containers_that_are_none_are_denied() {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let refuses = |value: &str, sentence: &str| {
            refuses(pod(&format!(r#"{{"{list}": {value}}}"#)), &format!("spec.{list}{sentence}"));
        };
        refuses("{}", ": expected a list, got an object");
        refuses(r#"{"web": {"image": "web:1"}}"#, ": expected a list, got an object");
        refuses("\"web\"", ": expected a list, got a string");
        refuses("[null]", "[0]: expected an object, got null");
        refuses("[{}, \"web\"]", "[1]: expected an object, got a string");
        refuses("[[]]", "[0]: expected an object, got a list");
    }
}

#[test]
fn a_field_of_the_wrong_type_is_denied() {
    let wrong = |expected: &str| -> Vec<(&str, &str)> {
        let values = [
            ("1", "a number"),
            ("\"true\"", "a string"),
            ("true", "a boolean"),
            ("[]", "a list"),
            ("{}", "an object"),
        ];
        values.into_iter().filter(|(_, name)| *name != expected).collect()
    };
    for (fields, expected) in [
        (
            &["hostPID", "hostIPC", "hostNetwork", "securityContext.windowsOptions.hostProcess"][..],
            "a boolean",
        ),
        (&["hostUsers", "shareProcessNamespace"], "a boolean"),
        (&["containers[0].volumeMounts[0].readOnly", "volumes[0].nfs.readOnly"], "a boolean"),
        (&["securityContext.runAsNonRoot", "containers[0].securityContext.runAsNonRoot"], "a boolean"),
        (
            &["containers[0].securityContext.privileged", "initContainers[0].securityContext.privileged"],
            "a boolean",
        ),
        (&["containers[0].securityContext.readOnlyRootFilesystem"], "a boolean"),
        (&["ephemeralContainers[0].securityContext.allowPrivilegeEscalation"], "a boolean"),
        (
            &["containers[0].name", "containers[0].image", "containers[0].restartPolicy", "os.name"],
            "a string",
        ),
        (&["containers[0].securityContext.windowsOptions.runAsUserName"], "a string"),
        (&["volumes[0].name", "volumes[0].image.reference", "volumes[0].hostPath.path"], "a string"),
        (
            &[
                "containers[0].securityContext.procMount",
                "containers[0].securityContext.capabilities.add[0]",
                "initContainers[0].securityContext.capabilities.drop[0]",
                "containers[0].startupProbe.exec.command[0]",
                "securityContext.sysctls[0].name",
            ],
            "a string",
        ),
        (&["containers[0].volumeMounts[0].name", "containers[0].volumeMounts[0].mountPath"], "a string"),
        (
            &["ephemeralContainers[0].volumeDevices[0].name", "containers[0].volumeDevices[0].devicePath"],
            "a string",
        ),
        (&["securityContext", "os", "containers[0].securityContext", "volumes[0].image"], "an object"),
        (&["securityContext.windowsOptions", "containers[0].securityContext.windowsOptions"], "an object"),
        (
            &[
                "containers[0].startupProbe",
                "containers[0].startupProbe.exec",
                "containers[0].securityContext.capabilities",
                "containers[0].volumeMounts[0]",
                "securityContext.sysctls[0]",
                "volumes[0]",
                "volumes[0].emptyDir",
            ],
            "an object",
        ),
        (&["containers", "initContainers", "ephemeralContainers", "volumes"], "a list"),
        (&["containers[0].volumeMounts", "containers[0].volumeDevices"], "a list"),
        (
            &["containers[0].securityContext.capabilities.add", "containers[0].startupProbe.exec.command"],
            "a list",
        ),
        (&["securityContext.sysctls", "securityContext.supplementalGroups"], "a list"),
    ] {
        for field in fields {
            for (value, found) in wrong(expected) {
                refuses(pod(&at(field, value)), &format!("spec.{field}: expected {expected}, got {found}"));
            }
        }
    }
}

#[test]
fn null_is_nothing_but_never_something_in_a_list() {
    let nulls = |fields: &[&str]| {
        let nulls: Vec<_> = fields.iter().map(|field| format!("\"{field}\": null")).collect();
        nulls.join(", ")
    };
    let context = nulls(&["capabilities", "procMount", "runAsGroup", "runAsUser", "windowsOptions"]);
    let container = nulls(&["startupProbe", "volumeDevices", "volumeMounts", "restartPolicy"]);
    let pod_context = nulls(&["fsGroup", "runAsGroup", "supplementalGroups", "sysctls"]);
    let spec = nulls(&["hostUsers", "shareProcessNamespace", "initContainers", "os"]);
    let volume = nulls(&["hostPath", "image", "emptyDir", "invented"]);
    let payload = GOOD
        .replacen('{', &format!(r#"{{{spec}, "volumes": [{{"name": "a", {volume}}}], "#), 1)
        .replace(r#""runAsUser": 1"#, &format!(r#""runAsUser": 1, {pod_context}"#))
        .replace(r#""name": "web""#, &format!(r#""name": "web", {container}"#))
        .replace(r#""allowPriv"#, &format!(r#"{context}, "allowPriv"#));
    accepts(pod(&payload));
    for (list, expected) in [
        ("volumes", "an object"),
        ("containers[0].volumeMounts", "an object"),
        ("containers[0].volumeDevices", "an object"),
        ("securityContext.sysctls", "an object"),
        ("securityContext.supplementalGroups", "an integer"),
        ("containers[0].securityContext.capabilities.add", "a string"),
        ("containers[0].startupProbe.exec.command", "a string"),
    ] {
        refuses(pod(&at(list, "[null]")), &format!("spec.{list}[0]: expected {expected}, got null"));
    }
}

/// An object with a value at a path of keys, each of which may be followed by `[0]`.
fn at(path: &str, value: &str) -> String {
    path.rsplit('.').fold(value.to_owned(), |inner, key| match key.strip_suffix("[0]") {
        Some(key) => format!(r#"{{"{key}": [{inner}]}}"#),
        None => format!(r#"{{"{key}": {inner}}}"#),
    })
}

#[test]
fn a_user_or_a_group_that_is_no_integer_is_denied() {
    for number in ["1.5", "1e400", "1e2", "0.0", "-0.0", "99999999999999999999", "-9223372036854775809"] {
        refuses(
            context(&format!(r#""runAsUser": {number}"#)),
            &format!("spec.containers[0].securityContext.runAsUser: expected an integer, got {number}"),
        );
        refuses(
            pod(&format!(r#"{{"securityContext": {{"runAsUser": {number}}}}}"#)),
            &format!("spec.securityContext.runAsUser: expected an integer, got {number}"),
        );
    }
    refuses(
        context(r#""runAsUser": "0""#),
        "spec.containers[0].securityContext.runAsUser: expected an integer, got a string",
    );
    for field in [
        "securityContext.fsGroup",
        "securityContext.runAsGroup",
        "securityContext.supplementalGroups[0]",
        "containers[0].securityContext.runAsGroup",
    ] {
        refuses(pod(&at(field, "1.5")), &format!("spec.{field}: expected an integer, got 1.5"));
        refuses(
            pod(&at(field, "\"0\"")),
            &format!("spec.{field}: expected an integer, got a string"),
        );
    }
    // What JSON has no numbers for.
    for number in ["01", "+1", "0x0", "NaN", "1."] {
        let reason = reason(context(&format!(r#""runAsUser": {number}"#)).as_bytes());
        assert!(reason.starts_with("the request cannot be read as JSON: "), "{number}: {reason}");
    }
}

#[test]
fn a_number_is_not_repeated_at_any_length() {
    let reason = reason(context(&format!(r#""runAsUser": {}"#, "9".repeat(100_000))).as_bytes());
    assert!(reason.starts_with("spec.containers[0].securityContext.runAsUser: expected an integer, got 999"));
    assert_eq!(reason.chars().count(), 401, "{reason}");
}

#[test]
fn minus_zero_is_root() {
    let response = answer(pod(&GOOD.replace(r#""runAsUser": 1"#, r#""runAsUser": -0"#)).as_bytes());
    assert_eq!(
        lines(&response),
        ["spec.securityContext.runAsUser: the pod must not run as UID 0 [runAsNonRoot]"]
    );
}

#[test]
fn what_can_be_read_in_two_ways_is_denied() {
    let bad = r#"[{"name": "hidden", "securityContext": {"privileged": true}}]"#;
    refuses(object(POD, &twice("spec", GOOD, GOOD)), "request.object: duplicate field `spec`");
    refuses(object(POD, &twice("spec", "null", GOOD)), "request.object: duplicate field `spec`");
    refuses(pod(&twice("containers", bad, "[]")), "spec: duplicate field `containers`");
    refuses(
        pod(&format!(r#"{{"containers": {bad}, "contain\u0065rs": []}}"#)),
        "spec: duplicate field `containers`",
    );
    refuses(
        context(r#""privileged": true, "privileged": false"#),
        "spec.containers[0].securityContext: duplicate field `privileged`",
    );
    refuses(
        pod(r#"{"containers": [{"volumeMounts": [{"readOnly": false, "readOnly": true}]}]}"#),
        "spec.containers[0].volumeMounts[0]: duplicate field `readOnly`",
    );
    refuses(
        context(r#""capabilities": {"drop": ["ALL"], "drop": []}"#),
        "spec.containers[0].securityContext.capabilities: duplicate field `drop`",
    );
    refuses(pod(&twice("hostUsers", "true", "false")), "spec: duplicate field `hostUsers`");
    refuses(
        object(FOREIGN, &at("spec", &twice("containers", bad, "[]"))),
        "spec: duplicate field `containers`",
    );

    let good = format!(r#"{{"spec": {GOOD}}}"#);
    refuses(
        request("CREATE", &format!(r#""kind": {POD}, "object": {good}, "object": {good}"#)),
        "request: duplicate field `object`",
    );
    refuses(
        request("CREATE", &format!(r#""kind": {POD}, "kind": {FOREIGN}, "object": {good}"#)),
        "request: duplicate field `kind`",
    );
    refuses(
        request(
            "CREATE",
            &format!(r#""kind": {{"group": "", "kind": "Pod", "kind": "Secret"}}, "object": {good}"#),
        ),
        "request.kind: duplicate field `kind`",
    );
    refuses(
        request("CREATE", &format!(r#""kind": {POD}, "object": {good}, "operation": "DELETE""#)),
        "request: duplicate field `operation`",
    );
    refuses(
        request(
            "CREATE",
            &format!(r#""subResource": "", "subResource": "status", "kind": {POD}, "object": {good}"#),
        ),
        "request: duplicate field `subResource`",
    );
    refuses(twice("request", "{}", "{}"), "the payload: duplicate field `request`");
    refuses(
        format!(
            r#"{{"settings": {{}}, "settings": {{}}, "request": {{"kind": {POD}, "operation": "CREATE", "object": {good}}}}}"#
        ),
        "the payload: duplicate field `settings`",
    );
}

/// An object with a key that stands twice.
fn twice(key: &str, first: &str, second: &str) -> String {
    format!(r#"{{"{key}": {first}, "{key}": {second}}}"#)
}

#[test]
fn a_volume_that_can_be_read_in_two_ways_is_denied() {
    let volume = |fields: &str| pod(&format!(r#"{{"volumes": [{{{fields}}}]}}"#));
    refuses(volume(r#""name": "a", "name": "b""#), "spec.volumes[0]: duplicate field `name`");
    for (first, second) in [
        ("{}", r#"{"path": "/"}"#),
        (r#"{"path": "/"}"#, "{}"),
        (r#"{"path": "/"}"#, "null"),
        // What is null is not there, but its key stands twice all the same.
        ("null", r#"{"path": "/"}"#),
    ] {
        refuses(
            volume(&format!(r#""hostPath": {first}, "name": "a", "hostP\u0061th": {second}"#)),
            "spec.volumes[0]: duplicate field `hostPath`",
        );
    }
    refuses(
        volume(r#""hostPath": {"path": "/", "path": "/tmp"}"#),
        "spec.volumes[0].hostPath: duplicate field `path`",
    );
}

#[test]
fn an_update_that_can_be_read_in_two_ways_is_denied() {
    let good = format!(r#"{{"spec": {GOOD}}}"#);
    refuses(
        request(
            "UPDATE",
            &format!(r#""kind": {POD}, "object": {good}, "oldObject": {good}, "oldObject": {good}"#),
        ),
        "request: duplicate field `oldObject`",
    );
    refuses(
        request(
            "UPDATE",
            &format!(r#""kind": {POD}, "object": {good}, "oldObject": {}"#, twice("spec", GOOD, GOOD)),
        ),
        "request.oldObject: duplicate field `spec`",
    );
    for (key, value) in [("userInfo", "{}"), ("name", "\"a\""), ("namespace", "\"a\"")] {
        refuses(
            request(
                "CREATE",
                &format!(r#""{key}": {value}, "kind": {POD}, "{key}": null, "object": {good}"#),
            ),
            &format!("request: duplicate field `{key}`"),
        );
    }
}

#[test]
fn text_that_is_none_is_denied() {
    let image = |bytes: &[u8]| {
        let payload = pod(r#"{"containers": [{"image": "@"}]}"#).into_bytes();
        let at = payload.iter().position(|byte| *byte == b'@').unwrap();
        [&payload[..at], bytes, &payload[at + 1..]].concat()
    };
    refuses(image(b"\xff"), "spec.containers[0].image: must be UTF-8");
    refuses(image(b"\xc0\x80"), "spec.containers[0].image: must be UTF-8");
    refuses(image(br"\x"), "the request cannot be read as JSON: an invalid escape at byte 137");
    refuses(image(br"\u12"), "the request cannot be read as JSON: an invalid escape at byte 137");
    refuses(image(br"\ud800"), "spec.containers[0].image: must not hold half of a surrogate pair");
    refuses(image(br"\udc00\ud800"), "spec.containers[0].image: must not hold half of a surrogate pair");
    refuses(image(b"\n"), "the request cannot be read as JSON: a control character in a string at byte 137");
    refuses(image(b"\0"), "the request cannot be read as JSON: a control character in a string at byte 137");
    // A key that is no text might be one that a rule reads.
    refuses(object(POD, r#"{"\ud800": 1}"#), "request.object: must not hold half of a surrogate pair");
}

#[test]
fn what_is_nested_too_deeply_is_denied() {
    let deep = nested(100_000);
    let metadata = |depth: usize| format!(r#"{{"metadata": {}, "spec": {GOOD}}}"#, nested(depth));
    refuses(
        object(POD, &metadata(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 240",
    );
    refuses(
        object(FOREIGN, &metadata(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 253",
    );
    refuses(
        pod(&format!(r#"{{"containers": {deep}}}"#)),
        "spec.containers[0]: expected an object, got a list",
    );
    refuses(pod(&deep), "spec: expected an object, got a list");
    refuses(&deep, "the payload: expected an object, got a list");
    refuses("[".repeat(100_000), "the payload: expected an object, got a list");
    refuses(
        object(FOREIGN, &"{\"a\":".repeat(100_000)),
        "the request cannot be read as JSON: nested too deeply at byte 745",
    );
    refuses(
        format!(r#"{{"settings": {deep}}}"#),
        "the request cannot be read as JSON: nested too deeply at byte 141",
    );
    refuses(
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
        refuses(pod(&at(path, &deep)), message);
    }
    // Deeper than any kind there is, and read all the same.
    for kind in [POD, FOREIGN] {
        accepts(object(kind, &metadata(60)));
    }
}

#[test]
fn every_beginning_of_a_request_is_denied() {
    let payload = pod(GOOD);
    accepts(&payload);
    for end in 0..payload.len() {
        let reason = reason(&payload.as_bytes()[..end]);
        assert!(reason.starts_with("the request cannot be read as JSON: "), "{end}: {reason}");
    }
}

#[test]
fn every_request_with_a_wrong_byte_is_answered() {
    answers_with_a_wrong_byte(&pod(GOOD));
}

#[test]
fn every_request_with_a_wrong_byte_is_fixed_or_not() {
    let spec = r#"{"containers": [{"image": "web:1", "securityContext": null, "volumeMounts": []}, {"image": "b:1", "securityContext": {"capabilities": {"drop": ["A"]}}}]}"#;
    let payload = fixing(&pod(spec));
    assert!(answer(payload.as_bytes()).mutated_object.is_some());
    answers_with_a_wrong_byte(&payload);
}

fn answers_with_a_wrong_byte(payload: &str) {
    for position in 0..payload.len() {
        for byte in [b'"', b'{', b']', b'\\', b'0', 0, 0xff] {
            let mut payload = payload.as_bytes().to_vec();
            payload.splice(position..=position, [byte]);
            let answer = policy().call("validate", &payload).unwrap();
            serde_json::from_slice::<ValidationResponse>(&answer).unwrap();
        }
    }
}

/// Keeps what takes long from taking the time of each other: the engine looks at the clock on the wall.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_large_object_is_judged_like_a_small_one() {
    let mut request = good_pod();
    request["object"]["metadata"]["annotations"] = json!({"note": "\"\u{e9}\\ x".repeat(400_000)});
    let payload = |request: &Value| json!({"request": request, "settings": {}}).to_string();
    accepts(payload(&request));
    request["object"]["spec"]["hostPID"] = true.into();
    assert_eq!(
        lines(&answer(payload(&request).as_bytes())),
        ["spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]"]
    );
}

#[test]
fn a_large_object_that_nests_is_searched_in_time() {
    let _alone = alone();
    let large = format!("\"{}\"", "x".repeat(2_000_000));
    let fleet =
        (0..30).fold(large, |inner, _| format!(r#"{{"containers": [{{"name": "a", "x": {inner}}}]}}"#));
    let response = answer(object(FOREIGN, &fleet).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["readOnlyRootFilesystem"], "30");
}

#[test]
fn a_great_many_containers_are_judged_in_time() {
    let _alone = alone();
    let own = r#"{"securityContext": {"runAsUser": 0}},"#.repeat(1_000);
    let inherited = "{},".repeat(10_000);
    let spec = format!(r#"{{"securityContext": {{"runAsUser": 0}}, "containers": [{own}{inherited}{{}}]}}"#);
    let response = answer(pod(&spec).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["runAsNonRoot"], "1001");
}

#[test]
fn a_great_many_mounts_are_judged_in_time() {
    let _alone = alone();
    let list = |item: &dyn Fn(usize) -> String| (0..10_000).map(item).collect::<Vec<_>>().join(",");
    let spec = |mounts: String, volumes: String| {
        let container = format!(r#""image": "web:1", "volumeMounts": [{mounts}]"#);
        pod(&GOOD.replace(r#""image": "web:1""#, &container).replacen(
            '{',
            &format!(r#"{{"volumes": [{volumes}], "#),
            1,
        ))
    };
    let mounts = list(&|index| format!(r#"{{"name": "v{index}", "mountPath": "/v/{index}"}}"#));
    accepts(spec(mounts.clone(), list(&|index| format!(r#"{{"name": "v{index}", "emptyDir": {{}}}}"#))));
    // Without volumes, they come from claims.
    accepts(spec(mounts.clone(), String::new()));
    let volumes = list(&|index| format!(r#"{{"name": "v{index}", "hostPath": {{"path": "/"}}}}"#));
    let response = answer(spec(mounts, volumes).as_bytes());
    assert_eq!(response.audit_annotations["hostPathVolumes"], "10000");
    assert_eq!(response.audit_annotations["writableMounts"], "10000");
}

#[test]
fn a_great_many_findings_about_a_great_many_containers_are_judged_in_time() {
    let _alone = alone();
    let (sysctls, containers) = (r#"{"name": "a"},"#.repeat(7_000), "{},".repeat(7_000));
    let spec = format!(
        r#"{{"securityContext": {{"sysctls": [{sysctls}{{"name": "a"}}]}}, "containers": [{containers}{{}}]}}"#
    );
    let response = answer(pod(&spec).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["sysctls"], "7001");
}

#[test]
fn a_great_many_containers_are_compared_with_their_old_ones_in_time() {
    let _alone = alone();
    let containers = |image: &str| {
        let containers: Vec<_> =
            (0..3_000).map(|index| format!(r#"{{"name": "c{index}", "image": "{image}"}}"#)).collect();
        format!(r#"{{"spec": {{"containers": [{}]}}}}"#, containers.join(","))
    };
    let (old, new) = (containers("a:1"), containers("a:2"));
    let update =
        |new: &str| request("UPDATE", &format!(r#""kind": {POD}, "object": {new}, "oldObject": {old}"#));
    accepts(update(&old));
    let response = answer(update(&new).as_bytes());
    assert_eq!(
        response.audit_annotations.into_iter().collect::<Vec<_>>(),
        [("imageChange".into(), "3000".into())]
    );
}

#[test]
fn a_great_many_pods_are_compared_with_their_old_ones_in_time() {
    let _alone = alone();
    let pods = |image: &str| {
        let pod = format!(r#"{{"containers": [{{"name": "a", "image": "{image}"}}]}}"#);
        format!(r#"{{"pods": [{}]}}"#, vec![pod; 5_000].join(","))
    };
    let (old, new) = (pods("a:1"), pods("a"));
    let update =
        |new: &str| request("UPDATE", &format!(r#""kind": {FOREIGN}, "object": {new}, "oldObject": {old}"#));
    accepts(update(&old));
    let response = answer(update(&new).as_bytes());
    assert_eq!(response.audit_annotations["imageReference"], "5000");
}

#[test]
fn a_great_many_exemptions_are_asked_in_time() {
    let _alone = alone();
    let mut request = good_pod();
    let container = json!({"name": "web", "image": "registry.example.com/mesh/web:1"});
    request["object"]["spec"]["containers"] = vec![container; 300].into();
    let exemption = |index: usize| json!({"reason": "mesh", "images": [format!("registry.example.com/mesh/*-{index}")], "namespaces": ["def*"]});
    let mut settings = json!({"exemptions": (0..1_000).map(exemption).collect::<Vec<_>>()});
    let payload = |settings: &Value| json!({"request": request, "settings": settings}).to_string();
    let response = answer(payload(&settings).as_bytes());
    assert_eq!(response.audit_annotations["readOnlyRootFilesystem"], "300");
    assert_eq!(response.audit_annotations.get("exemptions"), None);
    settings["exemptions"][999]["images"] = json!(["registry.example.com/mesh/web"]);
    let response = answer(payload(&settings).as_bytes());
    assert!(response.accepted);
    assert_eq!(response.audit_annotations["exemptions"], "exemptions[999]: mesh");
}

#[test]
fn a_great_many_containers_of_one_name_are_fixed_in_time() {
    let _alone = alone();
    let taken = |index: usize| match index {
        0 => r#"{"name": "writable-web-run-bc7528a1"}"#.to_owned(),
        _ => format!(r#"{{"name": "writable-web-run-bc7528a1-{index}-1"}}"#),
    };
    let volumes: Vec<_> = (0..3_000).map(taken).collect();
    let containers = vec![r#"{"name": "web", "image": "web:1"}"#; 3_000];
    let spec = format!(r#"{{"volumes": [{}], "containers": [{}]}}"#, volumes.join(","), containers.join(","));
    let response = answer(fixing(&pod(&spec)).as_bytes());
    let object = response.mutated_object.unwrap();
    let volumes = object["spec"]["volumes"].as_array().unwrap();
    let names: BTreeSet<_> = volumes.iter().filter_map(|volume| volume["name"].as_str()).collect();
    assert_eq!((volumes.len(), names.len()), (9_000, 9_000));
    assert!(names.iter().all(|name| name.len() <= 63));
}

#[test]
fn a_great_many_pods_are_fixed_in_time() {
    let _alone = alone();
    let pods = vec![r#"{"containers": [{"name": "a", "image": "a:1"}], "volumes": []}"#; 3_000].join(",");
    let response = answer(fixing(&object(FOREIGN, &format!(r#"{{"pods": [{pods}]}}"#))).as_bytes());
    assert_eq!(
        response.audit_annotations["fixes"],
        "readOnlyRootFilesystem: 3000; allowPrivilegeEscalation: 3000; runAsNonRoot: 3000; capabilities: 3000"
    );
}

#[test]
fn pods_within_pods_are_fixed_in_time() {
    let _alone = alone();
    let large = format!("\"{}\"", "x".repeat(2_000_000));
    let fleet = (0..30).fold(large, |inner, _| {
        format!(r#"{{"volumes": [], "containers": [{{"name": "a", "image": "a:1", "x": {inner}}}]}}"#)
    });
    let response = answer(fixing(&object(FOREIGN, &fleet)).as_bytes());
    assert_eq!(
        response.audit_annotations["fixes"],
        "readOnlyRootFilesystem: 30; allowPrivilegeEscalation: 30; runAsNonRoot: 30; capabilities: 30"
    );
}

#[test]
fn a_message_stays_on_its_lines() {
    let name = r#"web\n\u001b[31m\u202e\"\r"#;
    let payload = pod(&GOOD.replace("web:1", "a").replace("\"web\"", &format!("\"{name}\"")));
    assert_eq!(
        lines(&answer(payload.as_bytes())),
        [
            r#"spec.containers[0].image: container "web\u{a}\u{1b}[31m\u{202e}\"\u{d}" must set a tag or a digest on image "a" [imageReference]"#
        ]
    );
}
