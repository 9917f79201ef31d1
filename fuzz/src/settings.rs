//! What the policy says about settings, and in its responses to requests with them.

use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use serde::Deserialize;

use crate::check_line;

/// Prefix of the reason for denying a request because the settings are invalid.
const INVALID_SETTINGS: &str = "the settings of the policy are invalid: ";

/// Suffix of every reason for denying a request that cannot be evaluated.
const CANNOT_BE_EVALUATED: &str = "(denied because it cannot be evaluated)";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsResponse {
    valid: bool,
    message: Option<String>,
}

/// Returns the error of invalid settings.
///
/// # Panics
///
/// If the response to the settings does not meet a requirement.
#[must_use]
pub fn settings_error(settings: &[u8]) -> Option<String> {
    let response = review::validate_settings(settings).to_json();
    let again = review::validate_settings(settings).to_json();
    assert_eq!(response, again, "the same settings have two responses");
    let SettingsResponse { valid, message } = serde_json::from_slice(&response).unwrap();
    assert_eq!(valid, message.is_none());
    message.iter().flat_map(|message| message.split('\n')).for_each(check_line);
    message
}

/// Whether a request was denied because of its settings.
#[must_use]
pub fn has_invalid_settings(response: &Response) -> bool {
    response.message.as_ref().is_some_and(|message| message.starts_with(INVALID_SETTINGS))
}

/// Whether the rules evaluated a request.
#[must_use]
pub fn is_evaluated(response: &Response) -> bool {
    let is_unreadable = |message: &String| message.ends_with(CANNOT_BE_EVALUATED);
    !has_invalid_settings(response) && !response.message.as_ref().is_some_and(is_unreadable)
}
