//! A policy: an engine, and what the policy may ask its host.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use crate::engine::{CallError, Engine, Host, HostCalls, Interpreter, Linked, ModuleError};
use crate::input::read_failure;
use crate::interactions::Interactions;

/// What a module responds if it does not have an operation.
///
/// Source: `__guest_call` of the crate `wapc-guest`.
const NO_SUCH_OPERATION: &str = "No handler registered for function";

/// A policy. It can ask its host nothing, except if it is [`replaying`] a recording or [`asking`] a host.
///
/// [`replaying`]: Policy::replaying
/// [`asking`]: Policy::asking
#[derive(Clone)]
pub struct Policy {
    engine: Arc<dyn Engine>,
    host: HostCalls,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

impl Policy {
    /// Returns a policy that runs in an engine.
    pub fn new(engine: impl Engine + 'static) -> Self {
        Self { engine: Arc::new(engine), host: HostCalls::default() }
    }

    /// Returns the policy whose rules are linked into this program.
    #[must_use]
    pub fn linked() -> Self {
        Self::new(Linked)
    }

    /// Loads a module from a file, and interprets it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`Interpreter::new`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_module(&fs::read(path).map_err(Error::Read)?)
    }

    /// Loads a module, and interprets it.
    ///
    /// # Errors
    ///
    /// As [`Interpreter::new`].
    pub fn from_module(module: &[u8]) -> Result<Self, Error> {
        Ok(Self::new(Interpreter::new(module)?))
    }

    /// Returns the same policy with a host that answers from a recording.
    #[must_use]
    pub fn replaying(&self, interactions: &Interactions) -> Self {
        self.asking(interactions.clone())
    }

    /// Returns the same policy with a host.
    #[must_use]
    pub fn asking(&self, host: impl Host + 'static) -> Self {
        Self { host: HostCalls::asking(host), ..self.clone() }
    }

    /// Calls an operation in a fresh instance, like policy servers do for each request.
    ///
    /// # Errors
    ///
    /// If the policy does not start, returns an error, traps, or takes too long.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>, Error> {
        self.engine.call(operation, payload, &self.host).map_err(|error| match error {
            CallError::Start(reason) => Error::Start(reason),
            CallError::Operation(reason) => Error::Call { operation: operation.to_owned(), reason },
        })
    }

    /// Returns the verdict on an admission request. Settings that are null mean `{}`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and if the response is not a validation response.
    pub fn validate(&self, request: &Value, settings: &Value) -> Result<ValidationResponse, Error> {
        let settings = or_empty(settings);
        self.ask("validate", &ValidationRequest { request, settings: &settings })
    }

    /// Returns the verdict on a payload: an object with a `request` and `settings`, as policy servers send it.
    ///
    /// # Errors
    ///
    /// As [`Policy::validate`].
    pub fn validate_payload(&self, payload: &[u8]) -> Result<ValidationResponse, Error> {
        answer("validate", &self.call("validate", payload)?)
    }

    /// Returns the verdict with all findings, which policy servers would truncate. A policy without such a report returns the
    /// verdict that policy servers get.
    ///
    /// # Errors
    ///
    /// As [`Policy::validate`].
    pub fn report(&self, request: &Value, settings: &Value) -> Result<ValidationResponse, Error> {
        let settings = or_empty(settings);
        match self.ask("report", &ValidationRequest { request, settings: &settings }) {
            Err(error) if error.is_unknown_operation() => self.validate(request, &settings),
            other => other,
        }
    }

    /// Returns whether the settings are valid. Settings that are null mean `{}`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and if the response is not a settings validation response.
    pub fn validate_settings(&self, settings: &Value) -> Result<SettingsValidationResponse, Error> {
        self.ask("validate_settings", &or_empty(settings))
    }

    /// Returns the version of the policy's protocol, such as `v1`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and if the response is not a string.
    pub fn protocol_version(&self) -> Result<String, Error> {
        answer("protocol_version", &self.call("protocol_version", &[])?)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        operation: &'static str,
        question: &impl Serialize,
    ) -> Result<T, Error> {
        let payload = serde_json::to_vec(question).map_err(Error::Payload)?;
        answer(operation, &self.call(operation, &payload)?)
    }
}

fn or_empty(settings: &Value) -> Cow<'_, Value> {
    if settings.is_null() { Cow::Owned(json!({})) } else { Cow::Borrowed(settings) }
}

fn answer<T: DeserializeOwned>(operation: &'static str, answer: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(answer).map_err(|reason| Error::Answer { operation, reason })
}

#[derive(Serialize)]
struct ValidationRequest<'a> {
    request: &'a Value,
    settings: &'a Value,
}

/// The verdict of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidationResponse {
    /// Whether the request is admitted.
    pub accepted: bool,
    /// Why the request is denied.
    #[serde(default)]
    pub message: Option<String>,
    /// The HTTP status code of a denial.
    #[serde(default)]
    pub code: Option<u16>,
    /// The object to admit instead of the one in the request.
    #[serde(default)]
    pub mutated_object: Option<Value>,
    /// Annotations for the audit log.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub audit_annotations: BTreeMap<String, String>,
    /// Warnings for the user, with any verdict.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub warnings: Vec<String>,
    /// Whether there was anything to evaluate. Only reports of this policy contain it.
    #[serde(default)]
    pub evaluated: Option<bool>,
}

impl ValidationResponse {
    /// Returns whether the request was admitted because it contains nothing to evaluate.
    #[must_use]
    pub fn has_nothing_to_evaluate(&self) -> bool {
        self.accepted && self.evaluated == Some(false)
    }
}

/// Whether settings are valid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsValidationResponse {
    /// Whether the settings are valid.
    pub valid: bool,
    /// Why the settings are not valid.
    #[serde(default)]
    pub message: Option<String>,
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An evaluation without a verdict.
#[derive(Debug, Error)]
pub enum Error {
    /// The file with the module cannot be read.
    #[error("{}", read_failure(.0))]
    Read(io::Error),
    /// The file does not contain a module of a policy.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// An instance of the module does not start.
    #[error("the policy does not start: {0}")]
    Start(String),
    /// The policy returned an error, trapped, or took too long.
    #[error("the policy failed in `{operation}`: {reason}")]
    Call {
        /// The called operation.
        operation: String,
        /// The reason.
        reason: String,
    },
    /// The request cannot be written as JSON.
    #[error("the request cannot be written as JSON: {0}")]
    Payload(serde_json::Error),
    /// The response does not have the fields of the protocol.
    #[error("unexpected response of the policy to `{operation}`: {reason}")]
    Answer {
        /// The called operation.
        operation: &'static str,
        /// What is wrong with the response.
        reason: serde_json::Error,
    },
}

impl Error {
    /// Returns whether the policy does not have the operation.
    #[must_use]
    pub fn is_unknown_operation(&self) -> bool {
        matches!(self, Self::Call { reason, .. } if reason.contains(NO_SUCH_OPERATION))
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::interactions::{Exchange, Request, Response};

    /// A guest that responds as a word in its payload requires.
    const GUEST: &str = include_str!("../tests/guest.wat");

    fn guest() -> Policy {
        Policy::new(Interpreter::with_max_steps(&wat::parse_str(GUEST).unwrap(), 1_000_000).unwrap())
    }

    fn verdict(word: &str) -> Result<ValidationResponse, Error> {
        guest().validate(&json!({"name": word}), &Value::Null)
    }

    #[track_caller]
    fn fails(word: &str, sentence: &str) {
        assert_eq!(verdict(word).unwrap_err().to_string(), sentence);
    }

    fn response(accepted: bool) -> ValidationResponse {
        ValidationResponse {
            accepted,
            message: None,
            code: None,
            mutated_object: None,
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
            evaluated: None,
        }
    }

    #[test]
    fn a_request_is_accepted() {
        assert_eq!(verdict("fine").unwrap(), response(true));
    }

    #[test]
    fn a_request_is_denied_with_every_detail() {
        let expected = ValidationResponse {
            message: Some(
                "spec.containers[0].image: the tag `latest` moves [image-tag]\n\
                 spec.hostNetwork: the pod shares the network of its node [host-network]"
                    .to_owned(),
            ),
            code: Some(400),
            audit_annotations: BTreeMap::from([("findings".to_owned(), "2".to_owned())]),
            ..response(false)
        };
        assert_eq!(verdict("DENY").unwrap(), expected);
    }

    #[test]
    fn a_request_is_accepted_with_warnings_and_changes() {
        assert_eq!(
            verdict("WARN").unwrap().warnings,
            ["spec.hostPID: the pod sees the processes of its node [host-pid]"]
        );
        assert_eq!(
            verdict("SAME").unwrap().mutated_object,
            Some(json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "SAME", "namespace": "default"},
            }))
        );
    }

    #[test]
    fn settings_are_validated() {
        let answer = |settings| guest().validate_settings(&settings).unwrap();
        assert!(answer(json!({})).valid);
        assert_eq!(
            answer(json!({"mode": "DENY"})),
            SettingsValidationResponse {
                valid: false,
                message: Some("`mode`: unknown mode\n`exempt`: must be a list".to_owned()),
            }
        );
    }

    #[test]
    fn settings_reach_the_guest_with_the_request() {
        let response = guest().validate(&json!({}), &json!({"mode": "DENY"}));
        assert!(!response.unwrap().accepted);
    }

    #[test]
    fn absent_settings_are_an_empty_mapping() {
        assert_eq!(*or_empty(&Value::Null), json!({}));
        assert_eq!(*or_empty(&json!({"a": 1})), json!({"a": 1}));
    }

    #[test]
    fn the_protocol_version_is_a_string() {
        assert_eq!(guest().protocol_version().unwrap(), "v1");
    }

    #[test]
    fn every_call_gets_a_fresh_instance() {
        let policy = guest();
        for _ in 0..2 {
            assert_eq!(policy.call("count", &[]).unwrap(), b"1");
        }
    }

    #[test]
    fn host_calls_fail_without_a_recording() {
        fails(
            "HOST",
            "the policy failed in `validate`: kubewarden/kubernetes/can_i is not available here: pass a recording",
        );
    }

    /// Returns a recording with these digests.
    fn recording(digests: &[&str]) -> Interactions {
        Interactions::new(digests.iter().map(|digest| Exchange {
            request: Request::OciManifestDigest { image: "nginx".to_owned() },
            response: Response::Success { payload: json!({"digest": digest}).to_string() },
        }))
    }

    #[test]
    fn host_calls_are_answered_from_a_recording() {
        let interactions = recording(&["sha256:0123", "sha256:4567"]);
        let policy = guest().replaying(&interactions);
        let validate = || policy.validate(&json!({"name": "PULL"}), &Value::Null);
        for digest in ["sha256:0123", "sha256:4567"] {
            let expected = ValidationResponse { warnings: vec![digest.to_owned()], ..response(true) };
            assert_eq!(validate().unwrap(), expected);
        }
        assert_eq!(
            validate().unwrap_err().to_string(),
            "the policy failed in `validate`: Callback evaluation failure: the list of recorded responses is empty"
        );
        assert_eq!((interactions.calls(), interactions.left()), (3, 0));
    }

    #[test]
    fn a_recording_belongs_to_one_policy() {
        let policy = guest();
        let interactions = recording(&["sha256:0123"]);
        let _ = policy.replaying(&interactions);
        assert_eq!(
            policy.validate(&json!({"name": "PULL"}), &Value::Null).unwrap_err().to_string(),
            "the policy failed in `validate`: kubewarden/oci/v1/manifest_digest is not available here: pass a recording"
        );
        assert_eq!((interactions.calls(), interactions.left()), (0, 1));
    }

    #[test]
    fn an_error_of_the_guest_is_reported() {
        fails("FAIL", "the policy failed in `validate`: I give up");
    }

    #[test]
    fn a_trap_is_reported_on_one_line() {
        fails("TRAP", "the policy failed in `validate`: wasm `unreachable` instruction executed");
    }

    #[test]
    fn a_guest_that_never_ends_is_interrupted() {
        fails("SPIN", "the policy failed in `validate`: it takes too long");
    }

    #[test]
    fn a_malformed_response_is_reported() {
        fails(
            "JUNK",
            "unexpected response of the policy to `validate`: unknown field `allowed`, expected one of `accepted`, `message`, `code`, `mutated_object`, `audit_annotations`, `warnings`, `evaluated` at line 1 column 10",
        );
    }

    #[test]
    fn nulls_in_a_response_are_missing_fields() {
        let response: ValidationResponse = serde_json::from_value(json!({
            "accepted": true,
            "message": null,
            "code": null,
            "mutated_object": null,
            "audit_annotations": null,
            "warnings": null,
        }))
        .unwrap();
        assert_eq!(response, self::response(true));
    }

    #[test]
    fn a_response_without_a_verdict_is_reported() {
        let error = answer::<ValidationResponse>("validate", b"{}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "unexpected response of the policy to `validate`: missing field `accepted` at line 1 column 2"
        );
    }

    #[track_caller]
    fn unusable(module: &str, sentence: &str) {
        let error = match Interpreter::new(&wat::parse_str(module).unwrap()) {
            Ok(module) => Policy::new(module).protocol_version().unwrap_err(),
            Err(error) => error.into(),
        };
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn other_modules_are_rejected() {
        unusable(
            "(module (import \"env\" \"clock\" (func)))",
            "not a policy module: unknown import env.clock",
        );
        unusable("(module)", "the policy does not start: the module does not export __guest_call");
        unusable(
            "(module
               (func (export \"__guest_call\") (param i32 i32) (result i32) i32.const 0)
               (func (export \"wapc_init\") unreachable))",
            "the policy does not start: wasm `unreachable` instruction executed",
        );
    }

    #[test]
    fn other_files_are_rejected() {
        for bytes in [&b"mode: warn"[..], b"", b"\0as", b"\x7fELF\x02\x01\x01\0"] {
            assert_eq!(Interpreter::new(bytes).unwrap_err().to_string(), "not a WebAssembly module");
        }
        // A truncated module, and the start of a component.
        for bytes in [&b"\0asm"[..], b"\0asm\x01\0\0\0\x01", b"\0asm\x0d\0\x01\0"] {
            let sentence = Interpreter::new(bytes).unwrap_err().to_string();
            assert!(sentence.starts_with("invalid WebAssembly module: "), "{sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
    }

    #[test]
    fn a_module_whose_start_never_ends_is_interrupted() {
        let endless = "(func $endless (loop $again br $again))";
        for (module, sentence) in [
            (format!("(module {endless} (start $endless))"), "not a policy module: it takes too long"),
            (
                format!("(module {endless} (export \"wapc_init\" (func $endless)))"),
                "the policy does not start: it takes too long",
            ),
        ] {
            let error = match Interpreter::with_max_steps(&wat::parse_str(module).unwrap(), 1_000_000) {
                Ok(module) => Policy::new(module).protocol_version().unwrap_err(),
                Err(error) => error.into(),
            };
            assert_eq!(error.to_string(), sentence);
        }
    }

    #[test]
    fn a_missing_file_is_reported() {
        let error = Policy::from_file(Path::new("/nowhere/policy.wasm"));
        assert_eq!(error.unwrap_err().to_string(), "no such file or folder");
    }

    #[test]
    fn a_policy_serves_several_threads() {
        let policy = guest();
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| policy.validate(&json!({}), &Value::Null).unwrap());
            }
        });
    }
}
