//! A policy module in the engine and under the limits that policy-server gives it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use thiserror::Error;
use wapc::{HostCallback, WapcHost};
use wasmtime_provider::wasmtime::{Config, Engine, Module};
use wasmtime_provider::{EpochDeadlines, WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

use crate::input::read_failure;
use crate::interactions::{Interactions, not_offered};

/// How often the clock of the guest moves.
const TICK: Duration = Duration::from_secs(1);
/// policy-server's default time limit of two seconds, for each step of a call.
const DEADLINES: EpochDeadlines = EpochDeadlines { wapc_init: 2, wapc_func: 2 };

/// What a guest says of an operation that it does not have.
///
/// Source: `__guest_call` of the crate `wapc-guest`.
const NO_SUCH_OPERATION: &str = "No handler registered for function";

/// A compiled policy module. It may ask its host nothing, unless it is [`replaying`] a recording.
///
/// [`replaying`]: Policy::replaying
#[derive(Clone)]
pub struct Policy {
    module: WasmtimeEngineProviderPre,
    interactions: Option<Interactions>,
    /// Ends the clock of the guest when the last one is dropped.
    _clock: mpsc::Sender<()>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").finish_non_exhaustive()
    }
}

impl Policy {
    /// Compiles the module in a file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, and as [`Policy::from_bytes`].
    pub fn from_file(path: &Path) -> Result<Self, Error> {
        Self::from_bytes(&fs::read(path).map_err(Error::Read)?)
    }

    /// Compiles a module, given as binary or as text.
    ///
    /// # Errors
    ///
    /// When this is not a WebAssembly module or when it imports what no waPC host offers.
    pub fn from_bytes(module: &[u8]) -> Result<Self, Error> {
        let mut config = Config::new();
        config
            .wasm_function_references(true)
            .epoch_interruption(true)
            // In an error the backtrace takes the place of the reason.
            .wasm_backtrace_max_frames(None);
        let engine = Engine::new(&config).map_err(|error| Error::Engine(format!("{error:#}")))?;
        let module = Module::new(&engine, module).map_err(|error| {
            // An error in the text format goes on with an excerpt of the text.
            let error = format!("{error:#}");
            Error::Compile(error.lines().next().unwrap_or_default().to_owned())
        })?;
        let module = WasmtimeEngineProviderBuilder::new()
            .engine(engine.clone())
            .module(module)
            .enable_epoch_interruptions(DEADLINES)
            .build_pre()
            .map_err(|error| Error::Link(format!("{error:#}")))?;
        Ok(Self { module, interactions: None, _clock: start_clock(engine).map_err(Error::Clock)? })
    }

    /// The same policy, with a host that answers from a recording.
    #[must_use]
    pub fn replaying(&self, interactions: &Interactions) -> Self {
        Self { interactions: Some(interactions.clone()), ..self.clone() }
    }

    /// Calls an operation in a fresh instance, as policy-server does for each request.
    ///
    /// # Errors
    ///
    /// When the guest cannot be started, answers with an error, traps, or takes too long.
    pub fn call(&self, operation: &str, payload: &[u8]) -> Result<Vec<u8>, Error> {
        let guest =
            self.module.rehydrate(Some(DEADLINES)).map_err(|error| Error::Start(format!("{error:#}")))?;
        let host = WapcHost::new(Box::new(guest), Some(self.host_calls()))
            .map_err(|error| Error::Start(reason(error)))?;
        host.call(operation, payload)
            .map_err(|error| Error::Call { operation: operation.to_owned(), reason: reason(error) })
    }

    /// Asks for a verdict on an admission request. Settings that are null mean `{}`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and when the answer is not a validation response.
    pub fn validate(&self, request: &Value, settings: &Value) -> Result<ValidationResponse, Error> {
        let settings = or_empty(settings);
        self.ask("validate", &ValidationRequest { request, settings: &settings })
    }

    /// Asks for a verdict with every finding in it, which a policy server would shorten. A policy without such a report gives
    /// the verdict that policy servers get.
    ///
    /// # Errors
    ///
    /// As [`Policy::validate`].
    pub fn report(&self, request: &Value, settings: &Value) -> Result<ValidationResponse, Error> {
        let settings = or_empty(settings);
        match self.ask("report", &ValidationRequest { request, settings: &settings }) {
            Err(Error::Call { reason, .. }) if reason.contains(NO_SUCH_OPERATION) => {
                self.validate(request, &settings)
            }
            other => other,
        }
    }

    /// Asks whether the settings are valid. Settings that are null mean `{}`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and when the answer is not a settings validation response.
    pub fn validate_settings(&self, settings: &Value) -> Result<SettingsValidationResponse, Error> {
        self.ask("validate_settings", &or_empty(settings))
    }

    /// Asks for the version of the protocol the policy speaks, such as `v1`.
    ///
    /// # Errors
    ///
    /// As [`Policy::call`], and when the answer is not a string.
    pub fn protocol_version(&self) -> Result<String, Error> {
        answer("protocol_version", &self.call("protocol_version", &[])?)
    }

    /// What answers the host calls of a guest.
    fn host_calls(&self) -> Box<HostCallback> {
        let interactions = self.interactions.clone();
        Box::new(move |_id, binding, namespace, operation, payload| {
            let call = format!("{binding}/{namespace}/{operation}");
            match &interactions {
                Some(interactions) => interactions.answer(&call, payload),
                None => Err(not_offered(&call)),
            }
        })
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

/// A deadline counts ticks, and the engine has no clock of its own.
fn start_clock(engine: Engine) -> io::Result<mpsc::Sender<()>> {
    let (policy, dropped) = mpsc::channel();
    thread::Builder::new().name("policy-clock".to_owned()).spawn(move || {
        while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            engine.increment_epoch();
        }
    })?;
    Ok(policy)
}

/// What the guest or the engine says, without the words that [`Error`] says itself.
fn reason(error: wapc::errors::Error) -> String {
    use wapc::errors::Error::{GuestCallFailure, InitFailed};
    match error {
        GuestCallFailure(reason) | InitFailed(reason) => reason,
        other => other.to_string(),
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
    /// Whether the request may pass.
    pub accepted: bool,
    /// Why it may not.
    #[serde(default)]
    pub message: Option<String>,
    /// The HTTP status code of a denial.
    #[serde(default)]
    pub code: Option<u16>,
    /// The object to admit instead of the one in the request.
    #[serde(default)]
    pub mutated_object: Option<Value>,
    /// What is written to the audit log.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub audit_annotations: BTreeMap<String, String>,
    /// What the user is told, whatever the verdict is.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub warnings: Vec<String>,
    /// Whether there was anything to evaluate, in a report of this policy.
    #[serde(default)]
    pub evaluated: Option<bool>,
}

impl ValidationResponse {
    /// Whether the request was admitted because there was nothing to evaluate in it.
    #[must_use]
    pub fn has_nothing_to_evaluate(&self) -> bool {
        self.accepted && self.evaluated == Some(false)
    }
}

/// Whether a policy can work with its settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingsValidationResponse {
    /// Whether it can.
    pub valid: bool,
    /// Why it cannot.
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

/// A policy that gives no verdict.
#[derive(Debug, Error)]
pub enum Error {
    /// The file with the module cannot be read.
    #[error("{}", read_failure(.0))]
    Read(io::Error),
    /// There is no engine for this machine.
    #[error("the WebAssembly engine does not start: {0}")]
    Engine(String),
    /// The bytes are not a module.
    #[error("this is not a WebAssembly module: {0}")]
    Compile(String),
    /// The module imports what no waPC host offers.
    #[error("this is not a waPC module: {0}")]
    Link(String),
    /// The thread that measures the time limit does not start.
    #[error("the clock for the time limit does not start: {0}")]
    Clock(io::Error),
    /// An instance of the module does not start.
    #[error("the policy does not start: {0}")]
    Start(String),
    /// The guest answered with an error, trapped, or took too long.
    #[error("the policy failed in `{operation}`: {reason}")]
    Call {
        /// The operation that was called.
        operation: String,
        /// What the engine says about it.
        reason: String,
    },
    /// The question cannot be written as JSON.
    #[error("the request cannot be written as JSON: {0}")]
    Payload(serde_json::Error),
    /// The answer is not what the protocol says.
    #[error("the policy gave a malformed answer to `{operation}`: {reason}")]
    Answer {
        /// The operation that was called.
        operation: &'static str,
        /// What is wrong with the answer.
        reason: serde_json::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interactions::{Exchange, Request, Response};

    /// A guest that does what it is told by a word in its payload.
    const GUEST: &str = include_str!("../tests/guest.wat");

    fn guest() -> Policy {
        Policy::from_bytes(GUEST.as_bytes()).unwrap()
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
    fn settings_are_judged() {
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
    fn host_calls_are_refused() {
        fails(
            "HOST",
            "the policy failed in `validate`: this host does not offer `kubewarden/kubernetes/can_i`",
        );
    }

    /// A recording in which the guest is told these digests.
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
    fn a_recording_does_not_reach_the_policy_it_was_not_given_to() {
        let policy = guest();
        let interactions = recording(&["sha256:0123"]);
        let _ = policy.replaying(&interactions);
        assert_eq!(
            policy.validate(&json!({"name": "PULL"}), &Value::Null).unwrap_err().to_string(),
            "the policy failed in `validate`: this host does not offer `kubewarden/oci/v1/manifest_digest`"
        );
        assert_eq!((interactions.calls(), interactions.left()), (0, 1));
    }

    #[test]
    fn an_error_of_the_guest_is_told() {
        fails("FAIL", "the policy failed in `validate`: I give up");
    }

    #[test]
    fn a_trap_is_told_in_one_line() {
        fails("TRAP", "the policy failed in `validate`: wasm trap: wasm `unreachable` instruction executed");
    }

    #[test]
    fn a_guest_that_never_ends_is_interrupted() {
        fails("SPIN", "the policy failed in `validate`: guest code interrupted, execution deadline exceeded");
    }

    #[test]
    fn a_malformed_answer_is_noticed() {
        fails(
            "JUNK",
            "the policy gave a malformed answer to `validate`: unknown field `allowed`, expected one of `accepted`, `message`, `code`, `mutated_object`, `audit_annotations`, `warnings`, `evaluated` at line 1 column 10",
        );
    }

    #[test]
    fn nulls_in_an_answer_are_absences() {
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
    fn an_answer_without_a_verdict_is_malformed() {
        let error = answer::<ValidationResponse>("validate", b"{}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the policy gave a malformed answer to `validate`: missing field `accepted` at line 1 column 2"
        );
    }

    #[track_caller]
    fn unusable(module: &str, sentence: &str) {
        let error = match Policy::from_bytes(module.as_bytes()) {
            Ok(policy) => policy.protocol_version().unwrap_err(),
            Err(error) => error,
        };
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn an_unusable_module_is_refused() {
        unusable(
            "(module (import \"env\" \"clock\" (func)))",
            "this is not a waPC module: unknown import: `env::clock` has not been defined",
        );
        unusable(
            "(module)",
            "the policy does not start: Guest call function (__guest_call) not exported by wasm module.",
        );
        unusable(
            "(module
               (func (export \"__guest_call\") (param i32 i32) (result i32) i32.const 0)
               (func (export \"wapc_init\") unreachable))",
            "the policy does not start: Initialization failed: wasm trap: wasm `unreachable` instruction executed",
        );
    }

    #[test]
    fn bytes_that_are_no_module_are_refused() {
        let sentence = |bytes| Policy::from_bytes(bytes).unwrap_err().to_string();
        assert_eq!(sentence(b"mode: warn"), "this is not a WebAssembly module: expected `(`");
        for bytes in [&b""[..], b"\0asm", b"\x7fELF\x02\x01\x01\0"] {
            let sentence = sentence(bytes);
            assert!(sentence.starts_with("this is not a WebAssembly module: "), "{sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
    }

    #[test]
    fn a_missing_file_is_refused() {
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
