//! The response to a request.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

/// The HTTP status of a denial: forbidden.
const FORBIDDEN: u16 = 403;

/// The response to `validate`, with the fields of the SDK's `ValidationResponse`. The same response always has the same bytes.
#[derive(Debug, Serialize)]
pub struct Response {
    /// Whether the object is admitted.
    pub accepted: bool,
    /// Why the object is denied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The number of findings of each rule with findings, and the exemptions that covered findings, for the audit log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// Warnings for the user, with any verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// Whether there was anything to evaluate. Only reports contain it, because policy servers do not know the field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluated: Option<bool>,
    /// The object that is admitted in place of the object in the request. Its text is not changed, so that numbers keep their form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutated_object: Option<Box<RawValue>>,
    /// The exemptions that covered findings, each with its reason, for the log.
    #[serde(skip)]
    pub used_exemptions: Vec<String>,
    /// The exemptions that have expired and would have covered findings, each with its reason, for the log.
    #[serde(skip)]
    pub expired_exemptions: Vec<String>,
}

/// The response to `validate_settings`, with the fields of the SDK's `SettingsValidationResponse`.
#[derive(Debug, Serialize)]
pub struct SettingsResponse {
    /// Whether the settings are valid.
    pub valid: bool,
    /// Everything that is wrong with the settings, one sentence per line.
    pub message: Option<String>,
}

impl Response {
    /// Returns the denial of a request that cannot be understood.
    #[must_use]
    pub fn unreadable(reason: String) -> Self {
        Self::new(Some(reason))
    }

    /// Returns a denial with its message, or an admission without a message.
    #[must_use]
    pub fn new(denial: Option<String>) -> Self {
        Self {
            accepted: denial.is_none(),
            code: denial.is_some().then_some(FORBIDDEN),
            message: denial,
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
            evaluated: None,
            mutated_object: None,
            used_exemptions: Vec::new(),
            expired_exemptions: Vec::new(),
        }
    }

    /// Returns the response in JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

impl SettingsResponse {
    /// Returns the response in JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

/// Serializes a response, which cannot fail: it contains strings, numbers and JSON. An empty response would be a denial.
fn to_json(response: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(response).unwrap_or_default()
}
