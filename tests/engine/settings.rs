//! Settings, as policy servers have them checked before they serve the policy.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use immutable_pods_host::SettingsValidationResponse;
use serde_json::{Value, json};

use crate::fixture::good_pod;
use crate::module::{judge, policy};

/// What is wrong with the settings: nothing when they are valid.
#[track_caller]
fn errors(settings: &[u8]) -> Option<String> {
    let answer = policy().call("validate_settings", settings).unwrap();
    let response: SettingsValidationResponse = serde_json::from_slice(&answer).unwrap();
    assert_eq!(response.valid, response.message.is_none());
    response.message
}

#[track_caller]
fn accepts(settings: &Value) {
    assert_eq!(errors(settings.to_string().as_bytes()), None, "{settings}");
}

#[track_caller]
fn refuses(settings: &Value, message: &str) {
    assert_eq!(errors(settings.to_string().as_bytes()).unwrap(), message, "{settings}");
}

#[test]
fn no_settings_are_needed() {
    accepts(&json!({}));
    accepts(&Value::Null);
}

#[test]
fn every_setting_is_accepted() {
    accepts(&json!({
        "enforcement": "warn",
        "readOnlyRootFilesystem": "off",
        "privileged": "deny",
        "allowPrivilegeEscalation": {"mode": "warn"},
        "runAsNonRoot": false,
        "hostNamespaces": {"mode": "deny", "allow": ["hostNetwork", "hostPID", "hostIPC"]},
        "imageReference": {"require": "digest", "deniedTags": ["latest", "*-SNAPSHOT"]},
    }));
}

#[test]
fn a_typo_is_refused() {
    refuses(
        &json!({"privilegd": "warn"}),
        "privilegd: unknown key, did you mean \"privileged\"? (allowed: enforcement, readOnlyRootFilesystem, \
         privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference)",
    );
    refuses(
        &json!({"imageReference": {"deniedTag": ["latest"]}}),
        "imageReference.deniedTag: unknown key, did you mean \"deniedTags\"? (allowed: mode, require, deniedTags)",
    );
}

#[test]
fn an_unknown_mode_is_refused() {
    refuses(&json!({"privileged": "audit"}), "privileged: \"audit\" is unknown (allowed: off, warn, deny)");
    refuses(
        &json!({"privileged": {"mode": "wran"}}),
        "privileged.mode: \"wran\" is unknown, did you mean \"warn\"? (allowed: off, warn, deny)",
    );
    // `true` could mean any mode but `off`.
    refuses(&json!({"privileged": true}), "privileged: must be one of off, warn, deny, not a boolean");
}

#[test]
fn a_wrong_type_is_refused() {
    refuses(&json!([]), "the settings must be an object, not a list");
    refuses(&json!({"enforcement": 1}), "enforcement: must be one of deny, warn, not a number");
    refuses(
        &json!({"hostNamespaces": {"allow": "hostPID"}}),
        "hostNamespaces.allow: must be a list, not a string",
    );
    refuses(
        &json!({"imageReference": {"deniedTags": ["latest", 1]}}),
        "imageReference.deniedTags[1]: must be a string, not a number",
    );
}

#[test]
fn all_errors_are_told_at_once() {
    refuses(
        &json!({
            "enforcement": "of",
            "hostNamespaces": {"allow": ["hostPid"]},
            "imageReference": {"require": "tags", "deniedTags": [""]},
            "runAsRoot": "off",
        }),
        "enforcement: \"of\" is unknown (allowed: deny, warn)\n\
         hostNamespaces.allow[0]: \"hostPid\" is unknown, did you mean \"hostPID\"? \
         (allowed: hostNetwork, hostPID, hostIPC)\n\
         imageReference.require: \"tags\" is unknown, did you mean \"tag\"? (allowed: tag, digest)\n\
         imageReference.deniedTags[0]: must not be empty\n\
         runAsRoot: unknown key, did you mean \"runAsNonRoot\"? (allowed: enforcement, readOnlyRootFilesystem, \
         privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference)",
    );
}

#[test]
fn what_is_not_json_is_refused() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "the settings cannot be read: expected a value at byte 0"),
        (b"privileged: off", "the settings cannot be read: expected a value at byte 0"),
        (b"{\"privileged\": \"\xff\"}", "the settings cannot be read: must be UTF-8 at byte 17"),
        (
            br#"{"privileged": "deny", "privileged": "off"}"#,
            "the settings cannot be read: duplicate key \"privileged\" at byte 35",
        ),
    ];
    for (settings, message) in cases {
        assert_eq!(errors(settings).unwrap(), message, "{}", String::from_utf8_lossy(settings));
    }
}

#[test]
fn deeply_nested_settings_are_refused() {
    let nested = format!("{{\"privileged\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        errors(nested.as_bytes()).unwrap(),
        "the settings cannot be read: nested too deeply at byte 143"
    );
}

#[test]
fn nothing_is_admitted_by_settings_that_are_wrong() {
    let response = judge(&good_pod(), &json!({"privileged": "warn", "runAsNonRot": "warn"}));
    assert!(!response.accepted);
    assert_eq!(response.code, Some(403));
    assert_eq!(
        response.message.unwrap(),
        "the settings of the policy are invalid: runAsNonRot: unknown key, did you mean \"runAsNonRoot\"? \
         (allowed: enforcement, readOnlyRootFilesystem, privileged, allowPrivilegeEscalation, runAsNonRoot, \
         hostNamespaces, imageReference)"
    );
}
