//! The way of a request: payload, pods, findings, verdict. Pure: bytes in, an answer out.

use crate::admission::request::Payload;
use crate::admission::response::Response;
use crate::evaluation::evaluate::{self as verdict, Judging};
use crate::evaluation::registry::Registry;
use crate::evaluation::report::Form;
use crate::fix::additions::to_json;
use crate::rules::settings::Settings;
use crate::settings::date::Date;
use crate::settings::value::Value;
use json_view as json;

/// The answer to a payload of `validate`. The registry is asked only when the settings want it.
///
/// # Errors
/// When the request or the settings cannot be understood: the reason why it must be denied.
pub fn validate(payload: &[u8], form: Form, registry: &dyn Registry) -> Result<Response, String> {
    let payload =
        Payload::read(payload).map_err(|reason| format!("{reason} (denied because it cannot be judged)"))?;
    let settings = Settings::read(&payload.settings).map_err(|errors| verdict::invalid_settings(&errors))?;
    let judging = Judging { request: &payload.request, settings: &settings, form, today: Date::today };
    Ok(judging.judge(registry))
}

/// The answer to a payload of `validate_settings`, in JSON: all that is wrong with them, one sentence a line. It has the
/// fields of the SDK's `SettingsValidationResponse`.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> String {
    let read = json::from_slice::<Value<'_>>(payload).map_err(|failure| {
        format!("the settings cannot be read: {} at byte {}", failure.message, failure.offset)
    });
    let checked = match &read {
        Ok(settings) => Settings::read(settings).and_then(|settings| settings.check_writable_paths()),
        Err(reason) => Err(reason.clone()),
    };
    match checked {
        Ok(()) => "{\"valid\":true,\"message\":null}".to_owned(),
        Err(message) => format!("{{\"valid\":false,\"message\":{}}}", to_json(&message)),
    }
}

#[cfg(test)]
mod tests {
    use kubewarden_policy_sdk::settings::SettingsValidationResponse;

    use super::*;
    use crate::evaluation::registry::testing::NoRegistry;

    #[test]
    fn refuses_to_judge_what_it_cannot_read() {
        assert_eq!(
            validate(b"{", Form::Short, &NoRegistry).unwrap_err(),
            "the request cannot be read as JSON: expected a key at byte 1 \
             (denied because it cannot be judged)"
        );
    }

    #[test]
    fn refuses_to_judge_by_settings_it_cannot_read() {
        let payload = br#"{"request": {"kind": {"group": "", "kind": "Pod"}, "operation": "CREATE",
            "object": {"spec": {"containers": []}}}, "settings": {"enforcement": "warn", "priviledged": "warn"}}"#;
        let reason = validate(payload, Form::Short, &NoRegistry).unwrap_err();
        assert!(
            reason.starts_with(
                "the settings of the policy are invalid: priviledged: unknown key, did you mean \"privileged\"?"
            ),
            "{reason}"
        );
    }

    #[test]
    fn fixes_nothing_by_exemptions_it_cannot_read() {
        let payload = |settings: &str| {
            let pod = r#"{"spec": {"containers": [{"name": "web", "image": "web:1"}]}}"#;
            let kind = r#""kind": {"group": "", "kind": "Pod"}, "operation": "CREATE""#;
            format!(r#"{{"request": {{{kind}, "object": {pod}}}, "settings": {settings}}}"#)
        };
        let fixing = |exemptions: &str| {
            let settings = format!(
                r#"{{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix",
                     "exemptions": [{exemptions}]}}"#
            );
            validate(payload(&settings).as_bytes(), Form::Short, &NoRegistry).unwrap()
        };
        assert!(fixing("").mutated_object.is_some());
        let response = fixing(r#"{"reason": "it writes", "containers": ["web"], "rules": ["readOnly"]}"#);
        assert_eq!((response.accepted, response.mutated_object), (false, None));
        let message = response.message.unwrap();
        assert!(
            message.starts_with(
                "the settings of the policy are invalid: exemptions[0].rules[0]: \"readOnly\" is unknown"
            ),
            "{message}"
        );
    }

    #[test]
    fn refuses_settings_it_cannot_read() {
        let validate_settings = |payload: &[u8]| {
            serde_json::from_str::<SettingsValidationResponse>(&super::validate_settings(payload)).unwrap()
        };
        let response = validate_settings(b"privileged: off");
        assert!(!response.valid);
        assert_eq!(response.message.unwrap(), "the settings cannot be read: expected a value at byte 0");
        let denied = br#"{"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/proc"]}]}"#;
        assert_eq!(
            validate_settings(denied).message.unwrap(),
            "writablePaths[0].paths[0]: writableMounts denies it: a container must mount \"/proc\" read-only, \
             or elsewhere: /proc is protected"
        );
        let response = validate_settings(b"{}");
        assert_eq!((response.valid, response.message), (true, None));
        assert_eq!(super::validate_settings(b"{}"), r#"{"valid":true,"message":null}"#);
    }
}
