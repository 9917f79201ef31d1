//! Any bytes as settings and, after a zero byte, as a request: what the policy says about settings must hold for every request.

#![no_main]
#![expect(clippy::unwrap_used, reason = "a response that does not parse is a finding")]

use std::collections::BTreeMap;

use immutable_pods_fuzz::settings::{has_invalid_settings, is_evaluated, settings_error};
use immutable_pods_fuzz::{KNOWN_IMAGE, Registry, validate};
use immutable_pods_policy::admission::response::Response;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (settings, Some(request)) = (parts.next().unwrap_or_default(), parts.next()) else { return };
    // Other bytes could end the settings early and begin keys of the payload.
    let (Some(settings), Some(request)) = (json(settings), json(request)) else { return };
    let error = settings_error(settings.as_bytes());
    let response = evaluate(settings, request);
    if error.is_none() {
        assert!(!has_invalid_settings(&response), "valid settings are rejected: {response:?}");
    }
    if !is_evaluated(&response) {
        return;
    }
    if let Some(fixed) = &response.mutated_object {
        check_fixed(settings, request, &fixed.to_string());
    }
    if error.is_none() && !response.accepted {
        check_lenient(settings, request);
    }
});

/// Returns a text if it is JSON.
fn json(bytes: &[u8]) -> Option<&str> {
    serde_json::from_slice::<&RawValue>(bytes).ok().map(RawValue::get)
}

fn evaluate(settings: &str, request: &str) -> Response {
    let payload = format!(r#"{{"request":{request},"settings":{settings}}}"#);
    validate(payload.as_bytes(), Registry(Ok(KNOWN_IMAGE)))
}

/// Checks that a fixed object is admitted as it is.
fn check_fixed(settings: &str, request: &str, fixed: &str) {
    let mut fields: BTreeMap<String, &RawValue> = serde_json::from_str(request).unwrap_or_default();
    fields.insert("object".to_owned(), serde_json::from_str(fixed).unwrap());
    let again = evaluate(settings, &serde_json::to_string(&fields).unwrap());
    assert!(again.accepted, "a fixed object is denied: {again:?}");
    assert!(again.mutated_object.is_none(), "a fixed object is fixed again: {again:?}");
}

/// Checks that no finding denies if all of them are warnings.
fn check_lenient(settings: &str, request: &str) {
    let mut settings: BTreeMap<String, &RawValue> = serde_json::from_str(settings).unwrap_or_default();
    settings.insert("enforcement".to_owned(), serde_json::from_str(r#""warn""#).unwrap());
    let settings = serde_json::to_string(&settings).unwrap();
    if settings_error(settings.as_bytes()).is_some() {
        return;
    }
    let lenient = evaluate(&settings, request);
    assert!(lenient.accepted, "a finding denies although it is a warning: {lenient:?}");
}
