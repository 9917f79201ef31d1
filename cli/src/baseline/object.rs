//! What settings are proposed for: requests about pods.

use std::fmt::Display;

use immutable_pods_policy::admission::payload::Payload;
use immutable_pods_policy::kubernetes::operation::OperationRef;
use serde::Deserialize;
use serde_json::Value;

use crate::admission::Subject;
use crate::input::Source;
use crate::manifest::Manifest;
use crate::policy::{Error, Policy, ValidationResponse};
use crate::printable::one_line;
use crate::resources::Resources;

/// A request about an object with pods, as JSON: a parsed object needs ten times the memory.
#[derive(Debug)]
pub struct JudgedObject {
    source: Source,
    pub(super) subject: Subject,
    pub(super) controller: Option<Controller>,
    request: Vec<u8>,
}

/// The object that controls another one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Controller {
    pub(super) kind: String,
    pub(super) name: String,
    /// The hash that a Deployment adds to the names of its `ReplicaSets`.
    #[serde(skip)]
    pub(super) template_hash: Option<String>,
}

impl JudgedObject {
    /// Reads a manifest. Nothing is returned if the policy evaluates nothing in it, such as in a `ConfigMap`.
    #[must_use]
    pub fn read(manifest: Manifest, resources: &Resources) -> Option<Self> {
        let source = manifest.source.clone();
        let request = manifest.into_request_with(resources);
        let (subject, controller) = (Subject::of(&request), request.get("object").and_then(Controller::of));
        let object = Self { source, subject, controller, request: request.to_string().into_bytes() };
        object.has_target().then_some(object)
    }

    /// Returns whether there is something to evaluate. The verdict says what is wrong with an object that cannot be read.
    fn has_target(&self) -> bool {
        let payload = self.payload(b"{}");
        let payload = Payload::read(&payload);
        payload.map_or(true, |read| OperationRef::from(&read.request.operation).has_target())
    }

    /// Returns the payload of `validate`, with settings in JSON.
    pub(super) fn payload(&self, settings: &[u8]) -> Vec<u8> {
        [b"{\"request\":", &*self.request, b",\"settings\":", settings, b"}"].concat()
    }

    /// Returns the verdict under settings in JSON.
    pub(super) fn validate(&self, settings: &[u8]) -> Result<ValidationResponse, Error> {
        Policy::linked().validate_payload(&self.payload(settings))
    }

    /// Returns the value of a field of the object, if it is a text.
    pub(super) fn text_at(&self, path: &str) -> Option<String> {
        let request: Value = serde_json::from_slice(&self.request).ok()?;
        let mut value = request.get("object")?;
        for key in path.split(['.', '[', ']']).filter(|key| !key.is_empty()) {
            value = match value {
                Value::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                other => other.get(key)?,
            };
        }
        value.as_str().map(str::to_owned)
    }

    /// Returns the object and its place, for errors.
    pub(super) fn place(&self) -> String {
        one_line(&format!("{}: {}", self.source, self.subject))
    }
}

impl Controller {
    fn of(object: &Value) -> Option<Self> {
        let references = object.pointer("/metadata/ownerReferences")?.as_array()?;
        let controls = |reference: &&Value| reference.get("controller") == Some(&Value::Bool(true));
        let reference = references.iter().find(controls)?;
        let mut controller = Self::deserialize(reference).ok()?;
        let hash = object.pointer("/metadata/labels/pod-template-hash").and_then(Value::as_str);
        controller.template_hash = hash.map(str::to_owned);
        Some(controller)
    }
}

/// Returns the first names, and the number of the others.
pub(super) fn first_of<T: Display>(names: impl ExactSizeIterator<Item = T>) -> String {
    /// Names in a sentence.
    const MAX_NAMES: usize = 3;
    let others = names.len().saturating_sub(MAX_NAMES);
    let names: Vec<_> = names.take(MAX_NAMES).map(|name| name.to_string()).collect();
    let names = names.join(", ");
    if others == 0 { names } else { format!("{names} and {others} more") }
}
