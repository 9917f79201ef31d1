//! A module of the policy in an interpreter, which starts in milliseconds because it does not compile the module.

use std::fmt;

use wasmi::errors::{ErrorKind, LinkerError};
use wasmi::{Config, Error, Instance, Linker, Module, Store, TrapCode};

use super::guest_memory::{State, length};
use super::{CallError, Engine, HostCalls, wapc, wasi};

/// Functions that prepare an instance, called in this order if they exist.
///
/// Source: `REQUIRED_STARTS` of the crate `wapc`.
const STARTS: [&str; 2] = ["_start", "wapc_init"];

/// The first bytes of every WebAssembly file.
const MAGIC: &[u8] = b"\0asm";

/// Maximum number of steps of a call without a payload. A module that never ends is stopped after seconds.
const MAX_STEPS: u64 = 2_000_000_000;

/// Number of additional steps per byte of the payload.
///
/// Of all requests in `testing/src/shapes/`, in full size, an update of 147 kB comes closest to its limit, with 53 %.
const MAX_STEPS_PER_BYTE: u64 = 60_000;

/// Maximum number of steps of a call. The most expensive request of two megabytes takes 43 % of them.
const MAX_STEPS_OF_LARGE_PAYLOADS: u64 = 50_000_000_000;

/// A module of the policy.
pub struct Interpreter {
    module: Module,
    linker: Linker<State>,
    max_steps: u64,
}

/// Bytes that are not a module of a policy.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// The bytes do not start like WebAssembly.
    #[error("not a WebAssembly module")]
    OtherFormat,
    /// The bytes are not a valid WebAssembly module. Contains the reason.
    #[error("invalid WebAssembly module: {0}")]
    Parse(String),
    /// The module imports a function that policy servers do not have, or does not start. Contains the reason.
    #[error("not a policy module: {0}")]
    Link(String),
}

impl Interpreter {
    /// Loads a module.
    ///
    /// # Errors
    ///
    /// If the bytes are not a WebAssembly module, if the module imports a function that policy servers do not have, or if it does
    /// not start.
    pub fn new(module: &[u8]) -> Result<Self, ModuleError> {
        Self::with_max_steps(module, MAX_STEPS)
    }

    pub(crate) fn with_max_steps(module: &[u8], max_steps: u64) -> Result<Self, ModuleError> {
        if !module.starts_with(MAGIC) {
            return Err(ModuleError::OtherFormat);
        }
        let engine = wasmi::Engine::new(Config::default().consume_fuel(true));
        let module = Module::new(&engine, module).map_err(|error| ModuleError::Parse(first_line(&error)))?;
        let mut linker = Linker::new(&engine);
        let link_error = |error| ModuleError::Link(missing_import(&error).unwrap_or_else(|| reason(&error)));
        wapc::link(&mut linker).and_then(|()| wasi::link(&mut linker)).map_err(link_error)?;
        // An instance shows whether each import is known.
        let mut store = Store::new(&engine, State::default());
        store
            .set_fuel(max_steps)
            .and_then(|()| linker.instantiate_and_start(&mut store, &module))
            .map_err(link_error)?;
        Ok(Self { module, linker, max_steps })
    }

    /// Returns the maximum number of steps of a call. Unlike a time limit, it stops a module after the same step on all machines.
    fn max_steps(&self, payload: &[u8]) -> u64 {
        let length = u64::try_from(payload.len()).unwrap_or(u64::MAX);
        let steps = self.max_steps.saturating_add(length.saturating_mul(MAX_STEPS_PER_BYTE));
        steps.min(MAX_STEPS_OF_LARGE_PAYLOADS)
    }

    /// Starts a fresh instance.
    fn start(&self, store: &mut Store<State>) -> Result<Instance, Error> {
        let instance = self.linker.instantiate_and_start(&mut *store, &self.module)?;
        for start in STARTS {
            if let Ok(start) = instance.get_typed_func::<(), ()>(&*store, start) {
                start.call(&mut *store, ())?;
            }
        }
        Ok(instance)
    }
}

impl Engine for Interpreter {
    fn call(&self, operation: &str, payload: &[u8], host: &HostCalls) -> Result<Vec<u8>, CallError> {
        let state = State {
            operation: operation.as_bytes().to_vec(),
            payload: payload.to_vec(),
            host: host.clone(),
            ..State::default()
        };
        let mut store = Store::new(self.module.engine(), state);
        let instance = store
            .set_fuel(self.max_steps(payload))
            .and_then(|()| self.start(&mut store))
            .map_err(|error| CallError::Start(reason(&error)))?;
        let call = instance
            .get_typed_func::<(i32, i32), i32>(&store, "__guest_call")
            .map_err(|_| CallError::Start("the module does not export __guest_call".to_owned()))?;
        let result = call.call(&mut store, (length(operation.as_bytes()), length(payload)));
        let State { response, error, .. } = store.into_data();
        match (result, error) {
            (Err(error), _) => Err(CallError::Operation(reason(&error))),
            (Ok(1), _) => Ok(response),
            (Ok(_), error) => Err(CallError::Operation(error)),
        }
    }
}

impl fmt::Debug for Interpreter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Interpreter").finish_non_exhaustive()
    }
}

/// Returns the reason why a call failed, on one line.
fn reason(error: &Error) -> String {
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => "it takes too long".to_owned(),
        _ => first_line(error),
    }
}

/// Returns the name of an import that the host does not have, if that is the error.
fn missing_import(error: &Error) -> Option<String> {
    match error.kind() {
        ErrorKind::Linker(LinkerError::MissingDefinition { name, .. }) => {
            Some(format!("unknown import {}.{}", name.module(), name.name()))
        }
        _ => None,
    }
}

fn first_line(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
