//! Answers host calls of a policy from a recording.
//!
//! `kwctl run --record-host-capabilities-interactions` writes recordings. They are replayed like in kwctl: strictly in order, with
//! the same messages. Requests that this policy never makes are not supported.

use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_saphyr::Tagged;

use crate::engine::Host;
use crate::input::{InputError, Problem, Source};
use crate::yaml::typed;

/// A recording. All clones share the position in the recording.
#[derive(Debug, Clone)]
pub struct Interactions(Arc<Mutex<State>>);

#[derive(Debug, Clone)]
struct State {
    calls: usize,
    left: VecDeque<Exchange>,
    /// Whether a call gets the first answer to it that is left, instead of the next one.
    is_in_any_order: bool,
}

/// A host call, and the answer of the host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Exchange {
    /// The call.
    pub request: Request,
    /// The answer.
    pub response: Response,
}

/// A host call about an image.
///
/// A recording contains it as a string with YAML, whose tag is the name of the variant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Request {
    /// The manifest of an image, its digest, and the configuration of its containers.
    OciManifestAndConfig {
        /// The image reference.
        image: String,
    },
    /// The digest of the manifest of an image.
    OciManifestDigest {
        /// The image reference.
        image: String,
    },
}

/// The answer of a host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type")]
pub enum Response {
    /// The answer.
    Success {
        /// The answer as JSON.
        payload: String,
    },
    /// The call failed.
    Error {
        /// The error.
        message: String,
    },
}

impl Interactions {
    /// Creates a recording.
    #[must_use]
    pub fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        let left = exchanges.into_iter().collect();
        Self(Arc::new(Mutex::new(State { calls: 0, left, is_in_any_order: false })))
    }

    /// Reads a recording from a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, and as [`Interactions::parse`].
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let file = path.display().to_string();
        let text =
            fs::read(path).map_err(|error| InputError::new(Source::file(&file), Problem::Read(error)))?;
        Self::parse(&file, &text)
    }

    /// Reads a recording from the content of a file.
    ///
    /// # Errors
    ///
    /// If the text is not a list of exchanges, or contains other requests than [`Request`].
    pub fn parse(file: &str, text: &[u8]) -> Result<Self, InputError> {
        typed::parse_as::<Vec<Exchange>>(file, text).map(Self::new)
    }

    /// Returns a copy with its own position, which begins at the position of this recording.
    #[must_use]
    pub fn with_own_position(&self) -> Self {
        Self(Arc::new(Mutex::new(self.state().clone())))
    }

    /// Returns a copy whose answers can be used in any order, each of them once. The copy begins at the position of this recording.
    #[must_use]
    pub fn in_any_order(&self) -> Self {
        let state = State { is_in_any_order: true, ..self.state().clone() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Returns the number of host calls, with or without an answer. Log entries do not count.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Returns the number of exchanges that were not replayed.
    #[must_use]
    pub fn left(&self) -> usize {
        self.state().left.len()
    }

    /// The position is valid even if another thread panicked.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host for Interactions {
    fn answer(&self, call: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        let mut state = self.state();
        state.calls += 1;
        let request = Request::of_call(call, payload)?;
        state.replay(&request).map_err(|reason| format!("Callback evaluation failure: {reason}"))
    }
}

impl State {
    /// Uses the next exchange, even if it has another request; in any order, the first one with this request, if there is one.
    fn replay(&mut self, request: &Request) -> Result<Vec<u8>, String> {
        let is_wanted = |exchange: &Exchange| self.is_in_any_order && exchange.request == *request;
        let next = self.left.iter().position(is_wanted).unwrap_or(0);
        let Some(next) = self.left.remove(next) else {
            return Err("the list of recorded responses is empty".to_owned());
        };
        if next.request != *request {
            return Err(format!(
                "Replay error: unexpected request. Was expecting {:?}, got {request:?} instead",
                next.request
            ));
        }
        match next.response {
            Response::Success { payload } => Ok(payload.into_bytes()),
            Response::Error { message } => Err(message),
        }
    }
}

impl Request {
    /// Reads a host call.
    pub(crate) fn of_call(call: &str, payload: &[u8]) -> Result<Self, String> {
        let image = || serde_json::from_slice(payload).map_err(|error| error.to_string());
        match call {
            "kubewarden/oci/v1/oci_manifest_config" => Ok(Self::OciManifestAndConfig { image: image()? }),
            "kubewarden/oci/v1/manifest_digest" => Ok(Self::OciManifestDigest { image: image()? }),
            _ => Err(not_offered(call)),
        }
    }
}

/// Returns the error for a call that is not supported.
pub(crate) fn not_offered(call: &str) -> String {
    format!("{call} is not available here: pass a recording")
}

/// The fields of the supported requests.
#[derive(Deserialize)]
struct Fields {
    image: Option<String>,
}

impl TryFrom<String> for Request {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let Tagged(fields, tag) = serde_saphyr::from_str::<Tagged<Fields>>(&text)
            .map_err(|error| format!("not YAML with fields: {}", typed::message(&error)))?;
        let Some(tag) = tag else {
            return Err("missing tag, such as `!OciManifestDigest`".to_owned());
        };
        let image = || fields.image.ok_or_else(|| format!("`{tag}`: missing `image`"));
        match tag.as_str() {
            "!OciManifestAndConfig" => Ok(Self::OciManifestAndConfig { image: image()? }),
            "!OciManifestDigest" => Ok(Self::OciManifestDigest { image: image()? }),
            _ => Err(format!(
                "unknown request `{tag}`, expected `!OciManifestAndConfig` or `!OciManifestDigest`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "kubewarden/oci/v1/oci_manifest_config";
    const DIGEST: &str = "kubewarden/oci/v1/manifest_digest";

    /// Written by `kwctl run --record-host-capabilities-interactions`, with a shortened first answer.
    const RECORDING: &str = r#"- type: Exchange
  request: |
    !OciManifestAndConfig
    image: localhost:5057/app/web:1.0
  response:
    type: Success
    payload: '{"manifest":{"schemaVersion":2},"digest":"sha256:1b18","config":{"os":"linux","config":{"Env":["Q=it''s: \"x\"\ttab"]}}}'
- type: Exchange
  request: |
    !OciManifestDigest
    image: localhost:5057/app/web:1.0
  response:
    type: Success
    payload: '{"digest":"sha256:1b18"}'
- type: Exchange
  request: |
    !OciManifestDigest
    image: localhost:5057/missing/web:1.0
  response:
    type: Error
    message: 'Fail to interact with OCI registry: Registry error: url http://localhost:5057/v2/missing/web/manifests/1.0, envelope: OCI API errors: [OCI API error: manifest unknown]'
- type: Exchange
  request: |
    !OciManifestDigest
    image: Not A Ref
  response:
    type: Error
    message: invalid reference format
"#;

    fn recording() -> Interactions {
        Interactions::parse("recording.yml", RECORDING.as_bytes()).unwrap()
    }

    /// Returns the answer to a host call.
    fn ask(interactions: &Interactions, call: &str, payload: &str) -> Result<String, String> {
        let answer = interactions.answer(call, payload.as_bytes());
        answer.map(|answer| String::from_utf8(answer).unwrap())
    }

    #[track_caller]
    fn rejects(text: &str, sentence: &str) {
        let error = Interactions::parse("recording.yml", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn a_recording_is_replayed_in_order() {
        let interactions = recording();
        assert_eq!(
            ask(&interactions, CONFIG, r#""localhost:5057/app/web:1.0""#).unwrap(),
            r#"{"manifest":{"schemaVersion":2},"digest":"sha256:1b18","config":{"os":"linux","config":{"Env":["Q=it's: \"x\"\ttab"]}}}"#
        );
        assert_eq!(
            ask(&interactions, DIGEST, r#""localhost:5057/app/web:1.0""#).unwrap(),
            r#"{"digest":"sha256:1b18"}"#
        );
        assert_eq!((interactions.calls(), interactions.left()), (2, 2));
    }

    #[test]
    fn a_recorded_failure_is_replayed() {
        let response = Response::Error { message: "invalid reference format".to_owned() };
        let request = Request::OciManifestDigest { image: "Not A Ref".to_owned() };
        let interactions = Interactions::new([Exchange { request, response }]);
        assert_eq!(
            ask(&interactions, DIGEST, "\"Not A Ref\"").unwrap_err(),
            "Callback evaluation failure: invalid reference format"
        );
    }

    #[test]
    fn another_request_uses_the_next_exchange() {
        let interactions = recording();
        assert_eq!(
            ask(&interactions, DIGEST, r#""localhost:5057/app/web:1.0""#).unwrap_err(),
            r#"Callback evaluation failure: Replay error: unexpected request. Was expecting OciManifestAndConfig { image: "localhost:5057/app/web:1.0" }, got OciManifestDigest { image: "localhost:5057/app/web:1.0" } instead"#
        );
        assert_eq!(
            ask(&interactions, DIGEST, r#""nginx""#).unwrap_err(),
            r#"Callback evaluation failure: Replay error: unexpected request. Was expecting OciManifestDigest { image: "localhost:5057/app/web:1.0" }, got OciManifestDigest { image: "nginx" } instead"#
        );
        assert_eq!((interactions.calls(), interactions.left()), (2, 2));
    }

    #[test]
    fn a_recording_ends() {
        let interactions = Interactions::new([]);
        for calls in 1..3 {
            assert_eq!(
                ask(&interactions, DIGEST, "\"nginx\"").unwrap_err(),
                "Callback evaluation failure: the list of recorded responses is empty"
            );
            assert_eq!((interactions.calls(), interactions.left()), (calls, 0));
        }
    }

    #[test]
    fn an_unsupported_call_does_not_use_an_exchange() {
        let interactions = recording();
        for call in ["kubewarden/oci/v1/oci_manifest", "kubewarden/kubernetes/can_i", "other/tracing/log"] {
            assert_eq!(
                ask(&interactions, call, "\"nginx\"").unwrap_err(),
                format!("{call} is not available here: pass a recording")
            );
        }
        assert_eq!(
            ask(&interactions, DIGEST, "5").unwrap_err(),
            "invalid type: integer `5`, expected a string at line 1 column 1"
        );
        assert_eq!((interactions.calls(), interactions.left()), (4, 4));
    }

    #[test]
    fn a_clone_is_the_same_recording() {
        let interactions = recording();
        ask(&interactions.clone(), CONFIG, r#""localhost:5057/app/web:1.0""#).unwrap();
        assert_eq!((interactions.calls(), interactions.left()), (1, 3));
    }

    #[test]
    fn a_copy_has_its_own_position() {
        let interactions = recording();
        ask(&interactions, CONFIG, r#""localhost:5057/app/web:1.0""#).unwrap();
        let copy = interactions.with_own_position();
        ask(&copy, DIGEST, r#""localhost:5057/app/web:1.0""#).unwrap();
        assert_eq!((interactions.left(), copy.left()), (3, 2));
    }

    #[test]
    fn answers_in_any_order_are_used_once() {
        let interactions = recording();
        let copy = interactions.in_any_order();
        let tag = r#""localhost:5057/app/web:1.0""#;
        ask(&copy, DIGEST, tag).unwrap();
        ask(&copy, CONFIG, tag).unwrap();
        assert_eq!((interactions.left(), copy.left()), (4, 2));
        assert_eq!(
            ask(&copy, DIGEST, tag).unwrap_err(),
            r#"Callback evaluation failure: Replay error: unexpected request. Was expecting OciManifestDigest { image: "localhost:5057/missing/web:1.0" }, got OciManifestDigest { image: "localhost:5057/app/web:1.0" } instead"#
        );
    }

    #[test]
    fn a_recording_may_be_json_or_empty() {
        let exchange = r#"[{"request": "!OciManifestDigest {\"image\": \"nginx\"}", "response": {"type": "Success", "payload": "{}"}}]"#;
        for (text, left) in [(exchange, 1), ("[]", 0), ("", 0), ("# nothing\n", 0)] {
            let interactions = Interactions::parse("recording.json", text.as_bytes()).unwrap();
            assert_eq!(interactions.left(), left, "{text}");
        }
    }

    #[test]
    fn a_large_answer_is_read() {
        let payload = "x".repeat(1_000_000);
        let text = RECORDING.replacen("{\"digest\":\"sha256:1b18\"}", &payload, 1);
        assert_eq!(Interactions::parse("recording.yml", text.as_bytes()).unwrap().left(), 4);
    }

    /// Returns a recording with a request on the second line.
    fn recorded(request: &str) -> String {
        format!("- type: Exchange\n  request: \"{request}\"\n  response: {{type: Success, payload: x}}\n")
    }

    #[test]
    fn unsupported_requests_are_rejected() {
        rejects(
            &recorded("!DNSLookupHost\\nhost: x\\n"),
            "recording.yml, line 2 column 12: unknown request `!DNSLookupHost`, expected `!OciManifestAndConfig` or `!OciManifestDigest`",
        );
        // kwctl requires a tag too.
        rejects(
            &recorded("OciManifestDigest: {image: nginx}"),
            "recording.yml, line 2 column 12: missing tag, such as `!OciManifestDigest`",
        );
        rejects(
            &recorded("!OciManifestDigest {}"),
            "recording.yml, line 2 column 12: `!OciManifestDigest`: missing `image`",
        );
        rejects(
            &recorded("!OciManifestDigest nginx"),
            "recording.yml, line 2 column 12: not YAML with fields: expected mapping start",
        );
        rejects(
            &recorded("!OciManifestDigest {image: [nginx"),
            "recording.yml, line 2 column 12: not YAML with fields: unclosed bracket '['",
        );
    }

    #[test]
    fn other_documents_are_rejected() {
        rejects("kind: Pod", "recording.yml, line 1 column 1: expected sequence start");
        rejects("- kind: Pod", "recording.yml, line 1 column 3: missing field `request`");
        rejects("- [", "recording.yml, line 1 column 3: unclosed bracket '['");
        rejects(
            "[]\n---\n[]\n",
            "recording.yml, line 3 column 1: only single YAML document expected but multiple found",
        );
        rejects(
            "- request: !OciManifestDigest {image: nginx}",
            "recording.yml, line 1 column 31: expected string scalar",
        );
    }

    #[test]
    fn unsupported_responses_are_rejected() {
        let recorded =
            |response| format!("- request: '!OciManifestDigest {{image: nginx}}'\n  response: {response}\n");
        rejects(&recorded("{type: Success}"), "recording.yml, line 2 column 3: missing field `payload`");
        rejects(
            &recorded("{type: Success, payload: {}}"),
            "recording.yml, line 2 column 3: invalid type: map, expected a string",
        );
        rejects(
            &recorded("{type: Maybe}"),
            "recording.yml, line 2 column 14: unknown variant `Maybe`, expected one of Success, Error",
        );
    }

    #[test]
    fn text_in_another_encoding_is_rejected() {
        let error = Interactions::parse("recording.yml", b"- \xff\n").unwrap_err();
        assert_eq!(error.to_string(), "recording.yml: not UTF-8 text");
    }

    #[test]
    fn a_missing_file_is_reported() {
        let error = Interactions::read(Path::new("/nowhere/recording.yml")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/recording.yml: no such file or folder");
    }
}
