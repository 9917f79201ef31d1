//! Any bytes as settings: requests must be denied exactly if the settings are invalid.

#![no_main]
#![expect(clippy::unwrap_used, reason = "a response that does not parse is a finding")]

use immutable_pods_fuzz::settings::{is_evaluated, settings_error};
use immutable_pods_fuzz::{KNOWN_IMAGE, Registry, validate};
use immutable_pods_policy::admission::response::Response;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

/// A pod with many findings, and a pod with unset fields.
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

/// Part of the error about a writable path that `writableMounts` denies. Only requests that get such a volume are denied.
const DENIED_PATH: &str = ": writableMounts denies it: ";

fuzz_target!(|settings: &[u8]| {
    let error = settings_error(settings);
    let Ok(value) = serde_json::from_slice::<Value>(settings) else {
        assert!(error.is_some(), "settings are valid although they are not JSON");
        return;
    };
    for spec in PODS {
        let response = evaluate(spec, settings);
        match &error {
            None => assert!(is_evaluated(&response), "valid settings are rejected: {response:?}"),
            Some(_) if !is_evaluated(&response) => {}
            Some(error) => check_evaluated(error, value.as_object(), &response),
        }
    }
});

/// Checks a request that is evaluated although its settings are invalid: the policy does not need the invalid settings.
fn check_evaluated(error: &str, settings: Option<&Map<String, Value>>, response: &Response) {
    if is_about_denied_paths(error) {
        return;
    }
    let mut settings = settings.unwrap().clone();
    settings.remove("exemptions");
    let other_error = settings_error(Value::from(settings).to_string().as_bytes());
    assert!(
        other_error.is_none_or(|error| is_about_denied_paths(&error)),
        "evaluated with invalid settings: {error}"
    );
    assert_eq!(
        response.to_json(),
        br#"{"accepted":true}"#,
        "a finding needs exemptions, which are invalid: {error}"
    );
}

fn is_about_denied_paths(error: &str) -> bool {
    error.lines().all(|line| line.starts_with("writablePaths[") && line.contains(DENIED_PATH))
}

/// Returns the response to a request that creates a pod.
fn evaluate(spec: &str, settings: &[u8]) -> Response {
    let request = format!(
        r#"{{"request": {{"kind": {{"group": "", "kind": "Pod"}}, "operation": "CREATE", "object": {{"spec": {spec}}}}},
             "settings": "#
    );
    validate(&[request.as_bytes(), settings, b"}"].concat(), Registry(Ok(KNOWN_IMAGE)))
}
