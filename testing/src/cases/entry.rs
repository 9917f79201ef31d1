//! A case in the format of the files.

use immutable_pods::interactions::{Exchange, Request, Response};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// The fields of a case.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) why: String,
    pub(super) base: Option<String>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) object: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) settings: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) old: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) patch: Option<Value>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) request: Option<Value>,
    pub(super) host: Option<Vec<Question>>,
    pub(super) deny: Option<Vec<String>>,
    pub(super) warn: Option<Vec<String>>,
    #[serde(default, deserialize_with = "even_null")]
    pub(super) fix: Option<Value>,
    admit: Option<bool>,
}

/// Deserializes null as a value, so that a field with the value null is not a missing field.
fn even_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Entry {
    /// Checks that required fields are set, and that fields do not contradict each other.
    pub(super) fn check(&self) -> Result<(), String> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if !self.name.split('-').all(is_word) {
            return Err("name: expected lower-case words separated by dashes".to_owned());
        }
        if self.why.trim().is_empty() || self.why.contains('\n') {
            return Err("why: expected one line".to_owned());
        }
        if self.base.is_some() && self.object.is_some() {
            return Err("object: not allowed with `base`".to_owned());
        }
        for (field, value, may_be_empty) in [
            ("object", &self.object, false),
            ("settings", &self.settings, false),
            ("old", &self.old, true),
            ("patch", &self.patch, false),
            ("request", &self.request, false),
            ("fix", &self.fix, false),
        ] {
            let is_right = match value {
                Some(Value::Object(fields)) => may_be_empty || !fields.is_empty(),
                Some(_) => false,
                None => true,
            };
            if !is_right {
                return Err(format!("{field}: expected a non-empty mapping"));
            }
        }
        for (field, is_empty) in [
            ("host", self.host.as_ref().is_some_and(Vec::is_empty)),
            ("deny", self.deny.as_ref().is_some_and(Vec::is_empty)),
            ("warn", self.warn.as_ref().is_some_and(Vec::is_empty)),
        ] {
            if is_empty {
                return Err(format!("{field}: expected a non-empty list"));
            }
        }
        self.check_verdict()
    }

    fn check_verdict(&self) -> Result<(), String> {
        let has_findings = self.deny.is_some() || self.warn.is_some() || self.fix.is_some();
        match (self.admit, has_findings) {
            (None, false) => Err("expected one of `deny`, `warn`, `fix` and `admit: true`".to_owned()),
            (Some(true), true) => Err("admit: not allowed with `deny`, `warn` or `fix`".to_owned()),
            (Some(false), _) => {
                Err("admit: expected true; list the findings of a denial in `deny`".to_owned())
            }
            _ if self.deny.is_some() && self.fix.is_some() => {
                Err("fix: not allowed with `deny`, because a denied object is not fixed".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A call of the host, with its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// The image in a query for its user.
    user: Option<String>,
    /// The image in a query for its digest.
    digest: Option<String>,
    /// The user or digest in the answer.
    #[serde(default, deserialize_with = "even_null")]
    is: Option<Value>,
    /// The message of an error.
    error: Option<String>,
    /// Any other answer.
    answer: Option<String>,
}

impl Question {
    pub(super) fn exchange(self) -> Result<Exchange, String> {
        let (request, answer): (_, fn(&Value) -> Value) = match (self.user, self.digest) {
            (Some(image), None) => (Request::OciManifestAndConfig { image }, with_user),
            (None, Some(image)) => (Request::OciManifestDigest { image }, |digest| json!({"digest": digest})),
            _ => return Err("host: expected an image as `user` or as `digest`".to_owned()),
        };
        let response = match (self.is, self.error, self.answer) {
            (Some(is), None, None) => Response::Success { payload: answer(&is).to_string() },
            (None, Some(message), None) => Response::Error { message },
            (None, None, Some(payload)) => Response::Success { payload },
            _ => return Err("host: expected one of `is`, `error` and `answer`".to_owned()),
        };
        Ok(Exchange { request, response })
    }
}

/// Returns the answer of a registry for an image with a user.
fn with_user(user: &Value) -> Value {
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"User": user}});
    json!({"manifest": {"schemaVersion": 2}, "digest": "sha256:0", "config": config})
}
