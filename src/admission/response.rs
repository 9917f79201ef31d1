//! The answer to a request, and how it is written.

use crate::fix::additions::push_json;

/// The HTTP status of a denial: forbidden.
const FORBIDDEN: u16 = 403;

/// The answer to `validate`.
///
/// It has the fields of the SDK's `ValidationResponse`, and an order: same input, same bytes out.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Whether the object is admitted.
    pub accepted: bool,
    /// Why the object is denied.
    pub message: Option<String>,
    /// The HTTP status of a denial.
    pub code: Option<u16>,
    /// The number of findings of each rule that has any, and the exemptions that were used, for the audit log.
    pub audit_annotations: Annotations,
    /// What the user reads though the object is admitted, or besides the denial.
    pub warnings: Vec<String>,
    /// The object to be admitted in place of the one in the request, as it is to be written.
    pub mutated_object: Option<Vec<u8>>,
    /// The exemptions that covered findings, each with its reason, for the log.
    pub used_exemptions: Vec<String>,
    /// The exemptions that have expired and would have covered findings, each with its reason, for the log.
    pub expired_exemptions: Vec<String>,
    /// Whether there was anything to evaluate, for a report; policy servers do not know the field.
    pub evaluated: Option<bool>,
}

/// Audit annotations, sorted by their keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Annotations(pub(crate) Vec<(&'static str, String)>);

impl Annotations {
    /// Adds an annotation.
    pub fn insert(&mut self, key: &'static str, value: String) {
        let place = self.0.partition_point(|(other, _)| *other < key);
        self.0.insert(place, (key, value));
    }
}

impl Response {
    /// The answer to what cannot be understood.
    #[must_use]
    pub fn unreadable(reason: String) -> Self {
        Self::new(Some(reason))
    }

    /// A denial with its reason, or else an admission.
    #[must_use]
    pub fn new(denial: Option<String>) -> Self {
        Self {
            accepted: denial.is_none(),
            code: denial.is_some().then_some(FORBIDDEN),
            message: denial,
            audit_annotations: Annotations::default(),
            warnings: Vec::new(),
            mutated_object: None,
            used_exemptions: Vec::new(),
            expired_exemptions: Vec::new(),
            evaluated: None,
        }
    }

    /// The answer in JSON, without what is not there.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let message_length = self.message.as_ref().map_or(0, String::len);
        let object_length = self.mutated_object.as_ref().map_or(0, Vec::len);
        // A little more than the long parts take, so that it need not grow.
        let mut json = String::with_capacity(message_length / 8 * 9 + object_length + 512);
        json.push_str(if self.accepted { "{\"accepted\":true" } else { "{\"accepted\":false" });
        if let Some(message) = &self.message {
            json.push_str(",\"message\":");
            push_json(&mut json, message);
        }
        if let Some(code) = self.code {
            json.extend([",\"code\":", &code.to_string()]);
        }
        let annotations = &self.audit_annotations.0;
        if !annotations.is_empty() {
            push_list(&mut json, ",\"audit_annotations\":{", annotations, |json, (key, value)| {
                push_json(json, key);
                json.push(':');
                push_json(json, value);
            });
            json.push('}');
        }
        if !self.warnings.is_empty() {
            push_list(&mut json, ",\"warnings\":[", &self.warnings, |json, warning| push_json(json, warning));
            json.push(']');
        }
        if let Some(evaluated) = self.evaluated {
            json.push_str(if evaluated { ",\"evaluated\":true" } else { ",\"evaluated\":false" });
        }
        let mut json = json.into_bytes();
        if let Some(object) = &self.mutated_object {
            // It goes in as it is: a value read from it and written again might have other forms of numbers.
            json.extend_from_slice(b",\"mutated_object\":");
            json.extend_from_slice(object);
        }
        json.push(b'}');
        json
    }
}

/// Appends items of an object or a list, with commas between them.
fn push_list<T>(json: &mut String, opening: &str, items: &[T], push: impl Fn(&mut String, &T)) {
    let mut separator = opening;
    for item in items {
        json.push_str(separator);
        push(json, item);
        separator = ",";
    }
}
