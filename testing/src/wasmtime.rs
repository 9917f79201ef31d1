//! A module in wasmtime, the engine of policy servers, with the limits of policy servers.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use immutable_pods::engine::{CallError, Engine, HostCalls};
use wapc::{HostCallback, WapcHost};
use wasmtime_provider::wasmtime::{Config, Engine as Compiler, Module};
use wasmtime_provider::{EpochDeadlines, WasmtimeEngineProviderBuilder, WasmtimeEngineProviderPre};

/// Interval at which the clock of guests advances.
const TICK: Duration = Duration::from_secs(1);

/// The default time limit of policy servers: two seconds for each step of a call.
const DEADLINES: EpochDeadlines = EpochDeadlines { wapc_init: 2, wapc_func: 2 };

/// A compiled module.
#[derive(Clone)]
pub struct Wasmtime {
    module: WasmtimeEngineProviderPre,
    /// Stops the clock of guests when the last clone is dropped.
    _clock: mpsc::Sender<()>,
}

impl Wasmtime {
    /// Compiles the module in a file.
    ///
    /// # Errors
    /// If the file cannot be read, or does not contain a module that policy servers can run.
    pub fn from_file(path: &Path) -> Result<Self, String> {
        Self::new(&fs::read(path).map_err(|error| error.to_string())?)
    }

    /// Compiles a module.
    ///
    /// # Errors
    /// If policy servers cannot run the module.
    pub fn new(module: &[u8]) -> Result<Self, String> {
        let mut config = Config::new();
        config
            .wasm_function_references(true)
            .epoch_interruption(true)
            // With a backtrace, errors would not contain the reason.
            .wasm_backtrace_max_frames(None);
        let compiler = Compiler::new(&config).map_err(|error| format!("{error:#}"))?;
        let module = Module::new(&compiler, module).map_err(|error| format!("{error:#}"))?;
        let module = WasmtimeEngineProviderBuilder::new()
            .engine(compiler.clone())
            .module(module)
            .enable_epoch_interruptions(DEADLINES)
            .build_pre()
            .map_err(|error| format!("{error:#}"))?;
        Ok(Self { module, _clock: start_clock(compiler).map_err(|error| error.to_string())? })
    }

    /// Validates a payload, and returns the entries that the guest logs, as JSON.
    ///
    /// # Errors
    /// As [`Engine::call`].
    pub fn log_entries(&self, payload: &[u8]) -> Result<Vec<Vec<u8>>, CallError> {
        let (sender, entries) = mpsc::channel();
        let host_calls: Box<HostCallback> = Box::new(move |_id, binding, namespace, operation, payload| {
            if (binding, namespace, operation) == ("kubewarden", "tracing", "log") {
                sender.send(payload.to_vec())?;
                return Ok(Vec::new());
            }
            Err("no such host call".into())
        });
        self.call_with("validate", payload, host_calls)?;
        Ok(entries.try_iter().collect())
    }

    fn call_with(
        &self,
        operation: &str,
        payload: &[u8],
        host_calls: Box<HostCallback>,
    ) -> Result<Vec<u8>, CallError> {
        let guest =
            self.module.rehydrate(Some(DEADLINES)).map_err(|error| CallError::Start(format!("{error:#}")))?;
        let host = WapcHost::new(Box::new(guest), Some(host_calls))
            .map_err(|error| CallError::Start(reason(error)))?;
        host.call(operation, payload).map_err(|error| CallError::Operation(reason(error)))
    }
}

impl Engine for Wasmtime {
    fn call(&self, operation: &str, payload: &[u8], host: &HostCalls) -> Result<Vec<u8>, CallError> {
        self.call_with(operation, payload, host_calls(host.clone()))
    }
}

fn host_calls(host: HostCalls) -> Box<HostCallback> {
    Box::new(move |_id, binding, namespace, operation, payload| {
        Ok(host.answer(&format!("{binding}/{namespace}/{operation}"), payload)?)
    })
}

/// Starts the clock of guests: deadlines count ticks, and the engine does not have a clock.
fn start_clock(compiler: Compiler) -> io::Result<mpsc::Sender<()>> {
    let (sender, dropped) = mpsc::channel();
    thread::Builder::new().name("guest-clock".to_owned()).spawn(move || {
        while dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            compiler.increment_epoch();
        }
    })?;
    Ok(sender)
}

/// Returns the reason of an error, without the words that callers add.
fn reason(error: wapc::errors::Error) -> String {
    use wapc::errors::Error::{GuestCallFailure, InitFailed};
    match error {
        GuestCallFailure(reason) | InitFailed(reason) => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUEST: &str = include_str!("../../cli/tests/guest.wat");

    fn validate(word: &str) -> Result<Vec<u8>, CallError> {
        let guest = Wasmtime::new(&wat::parse_str(GUEST).unwrap()).unwrap();
        guest.call("validate", word.as_bytes(), &HostCalls::default())
    }

    #[test]
    fn a_guest_responds() {
        assert_eq!(validate("fine").unwrap(), br#"{"accepted":true}"#);
    }

    #[test]
    fn a_guest_that_never_ends_is_interrupted() {
        let reason = "guest code interrupted, execution deadline exceeded".to_owned();
        assert_eq!(validate("SPIN"), Err(CallError::Operation(reason)));
    }

    #[test]
    fn host_calls_fail_without_a_recording() {
        let reason = "kubewarden/kubernetes/can_i is not available here: pass a recording".to_owned();
        assert_eq!(validate("HOST"), Err(CallError::Operation(reason)));
    }
}
