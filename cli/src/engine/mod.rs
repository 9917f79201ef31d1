//! The engines that can run the policy: the rules that are linked into the program, or a module in an interpreter.

mod guest_memory;
mod interpreter;
mod linked;
mod wapc;
mod wasi;

use thiserror::Error;

use crate::interactions::{Interactions, not_offered};

pub use interpreter::{Interpreter, ModuleError};
pub use linked::Linked;

/// Runs operations of a policy.
pub trait Engine: Send + Sync {
    /// Runs an operation in a fresh instance, like a policy server does for each request.
    ///
    /// # Errors
    ///
    /// If the instance does not start, or if the operation fails.
    fn call(&self, operation: &str, payload: &[u8], host: &HostCalls) -> Result<Vec<u8>, CallError>;
}

/// An operation without a response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// The policy does not start. Contains the reason.
    #[error("{0}")]
    Start(String),
    /// The policy returned an error, trapped, or took too long. Contains the reason.
    #[error("{0}")]
    Operation(String),
}

/// Answers the host calls of a policy: log entries are dropped, everything else comes from a recording.
#[derive(Clone, Debug, Default)]
pub struct HostCalls(Option<Interactions>);

impl HostCalls {
    /// Answers from a recording.
    #[must_use]
    pub fn replaying(interactions: &Interactions) -> Self {
        Self(Some(interactions.clone()))
    }

    /// Answers a host call with a name such as `kubewarden/oci/v1/manifest_digest`.
    ///
    /// # Errors
    ///
    /// If the call is unknown, or if the recording has another answer or none. Contains what a policy server would say.
    pub fn answer(&self, call: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        match &self.0 {
            _ if call == "kubewarden/tracing/log" => Ok(Vec::new()),
            Some(interactions) => interactions.answer(call, payload),
            None => Err(not_offered(call)),
        }
    }
}
