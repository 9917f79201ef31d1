//! The engines that can run the policy: the rules that are linked into the program, or a module in an interpreter.

mod guest_memory;
mod interpreter;
mod linked;
mod wapc;
mod wasi;

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::interactions::not_offered;

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

/// Answers host calls of a policy.
pub trait Host: Send + Sync {
    /// Answers a host call with a name such as `kubewarden/oci/v1/manifest_digest`.
    ///
    /// # Errors
    ///
    /// If there is no answer. Contains what a policy server would say.
    fn answer(&self, call: &str, payload: &[u8]) -> Result<Vec<u8>, String>;
}

/// Answers the host calls of a policy: log entries are dropped, everything else is asked of a host.
#[derive(Clone, Default)]
pub struct HostCalls(Option<Arc<dyn Host>>);

impl HostCalls {
    /// Asks a host.
    pub fn asking(host: impl Host + 'static) -> Self {
        Self(Some(Arc::new(host)))
    }

    /// Answers a host call with a name such as `kubewarden/oci/v1/manifest_digest`.
    ///
    /// # Errors
    ///
    /// If the call is unknown, or if the host has no answer. Contains what a policy server would say.
    pub fn answer(&self, call: &str, payload: &[u8]) -> Result<Vec<u8>, String> {
        match &self.0 {
            _ if call == "kubewarden/tracing/log" => Ok(Vec::new()),
            Some(host) => host.answer(call, payload),
            None => Err(not_offered(call)),
        }
    }
}

impl fmt::Debug for HostCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCalls").finish_non_exhaustive()
    }
}
