//! Any bytes as settings: whether they are refused when they are loaded, and what they do to requests.

#![no_main]
#![expect(clippy::unwrap_used, reason = "an answer that cannot be read is a finding")]

use immutable_pods_fuzz::{KNOWN_IMAGE, Registry, check_line, validate};
use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use immutable_pods_policy::evaluation::evaluate::invalid_settings;
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A pod in which everything is wrong, and one in which nothing is set.
const PODS: [&str; 2] = [
    r#"{"hostPID": true, "hostNetwork": true, "shareProcessNamespace": true,
        "securityContext": {"runAsUser": 0, "sysctls": [{"name": "kernel.msgmax", "value": "1"}]},
        "volumes": [{"name": "host", "hostPath": {"path": "/"}}, {"name": "data", "emptyDir": {}}],
        "containers": [{"name": "web", "image": "nginx:latest",
            "volumeMounts": [{"name": "host", "mountPath": "/host"}, {"name": "data", "mountPath": "/usr/bin"}],
            "securityContext": {"privileged": true, "allowPrivilegeEscalation": true, "runAsNonRoot": false,
                "readOnlyRootFilesystem": false, "procMount": "Unmasked", "capabilities": {"add": ["SYS_ADMIN"]}}}],
        "ephemeralContainers": [{"name": "debug", "image": "busybox"}]}"#,
    r#"{"containers": [{"name": "web", "image": "nginx:1.29"}]}"#,
];

/// What stands behind every reason why a request cannot be judged.
const BECAUSE: &str = "(denied because it cannot be evaluated)";

/// What is said of places for which containers would be denied. Only whoever gets one is.
const DENIED_PLACE: &str = ": writableMounts denies it: ";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    valid: bool,
    message: Option<String>,
}

fuzz_target!(|settings: &[u8]| {
    let refusal = refusal(settings);
    let Ok(value) = serde_json::from_slice::<Value>(settings) else {
        assert!(refusal.is_some(), "settings are valid that are no JSON");
        return;
    };
    for spec in PODS {
        let response = answer(spec, settings);
        match &refusal {
            None => assert!(is_judged(&response), "valid settings are refused: {response:?}"),
            Some(_) if !is_judged(&response) => {}
            Some(reason) => check_judged(reason, value.as_object(), &response),
        }
    }
});

/// Checks what is judged by settings that are refused when they are loaded.
fn check_judged(reason: &str, settings: Option<&Map<String, Value>>, response: &Response) {
    if is_about_denied_places(reason) {
        return;
    }
    let mut settings = settings.unwrap().clone();
    settings.remove("exemptions");
    let others = refusal(Value::from(settings).to_string().as_bytes());
    assert!(others.is_none_or(|reason| is_about_denied_places(&reason)), "judged by: {reason}");
    assert_eq!(
        response.to_json(),
        br#"{"accepted":true}"#,
        "exemptions were needed, and are wrong: {reason}"
    );
}

fn is_about_denied_places(reason: &str) -> bool {
    reason.lines().all(|line| line.starts_with("writablePaths[") && line.contains(DENIED_PLACE))
}

/// Why settings are refused when they are loaded, if they are.
fn refusal(settings: &[u8]) -> Option<String> {
    let answer = review::validate_settings(settings);
    assert_eq!(answer, review::validate_settings(settings), "the same settings give two answers");
    let Answer { valid, message } = serde_json::from_str(&answer).unwrap();
    assert_eq!(valid, message.is_none());
    message.iter().flat_map(|message| message.split('\n')).for_each(check_line);
    message
}

/// The answer to a request to create a pod.
fn answer(spec: &str, settings: &[u8]) -> Response {
    let request = format!(
        r#"{{"request": {{"kind": {{"group": "", "kind": "Pod"}}, "operation": "CREATE", "object": {{"spec": {spec}}}}},
             "settings": "#
    );
    validate(&[request.as_bytes(), settings, b"}"].concat(), Registry(Ok(KNOWN_IMAGE)))
}

fn is_judged(response: &Response) -> bool {
    let is_refusal =
        |message: &String| message.starts_with(&invalid_settings("")) || message.ends_with(BECAUSE);
    !response.message.as_ref().is_some_and(is_refusal)
}
