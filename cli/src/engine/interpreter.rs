//! A module of the policy in an interpreter, which starts in milliseconds because it does not compile the module.
//!
//! The module speaks [waPC](https://wapc.io/docs/spec/): the functions in the namespace `wapc` pass the request and the
//! response between the memory of the module and the host.

use std::fmt;

use wasmi::errors::{ErrorKind, LinkerError};
use wasmi::{Caller, Config, Error, Extern, Instance, Linker, Memory, Module, Store, TrapCode};

use super::{CallError, Engine, HostCalls, wasi};

const NAMESPACE: &str = "wapc";

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
        link(&mut linker).and_then(|()| wasi::link(&mut linker)).map_err(link_error)?;
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

/// What the host knows of a call.
#[derive(Debug, Default)]
pub(super) struct State {
    operation: Vec<u8>,
    payload: Vec<u8>,
    host: HostCalls,
    /// The response of the module.
    response: Vec<u8>,
    /// The error of the module.
    error: String,
    /// The answer to the last host call.
    host_response: Vec<u8>,
    /// The error of the last host call.
    host_error: Vec<u8>,
}

/// Adds the functions of waPC to a linker.
fn link(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(NAMESPACE, "__guest_request", guest_request)?;
    linker.func_wrap(NAMESPACE, "__guest_response", guest_response)?;
    linker.func_wrap(NAMESPACE, "__guest_error", guest_error)?;
    linker.func_wrap(NAMESPACE, "__console_log", |_: i32, _: i32| ())?;
    linker.func_wrap(NAMESPACE, "__host_call", host_call)?;
    linker.func_wrap(NAMESPACE, "__host_response", |mut caller: Caller<'_, State>, address: i32| {
        let response = caller.data().host_response.clone();
        write(&mut caller, address, &response)
    })?;
    linker.func_wrap(NAMESPACE, "__host_response_len", |caller: Caller<'_, State>| {
        length(&caller.data().host_response)
    })?;
    linker.func_wrap(NAMESPACE, "__host_error", |mut caller: Caller<'_, State>, address: i32| {
        let error = caller.data().host_error.clone();
        write(&mut caller, address, &error)
    })?;
    linker.func_wrap(NAMESPACE, "__host_error_len", |caller: Caller<'_, State>| {
        length(&caller.data().host_error)
    })?;
    Ok(())
}

fn guest_request(mut caller: Caller<'_, State>, operation: i32, payload: i32) -> Result<(), Error> {
    let state = caller.data_mut();
    let (name, bytes) = (std::mem::take(&mut state.operation), std::mem::take(&mut state.payload));
    write(&mut caller, operation, &name)?;
    write(&mut caller, payload, &bytes)
}

fn guest_response(mut caller: Caller<'_, State>, address: i32, length: i32) -> Result<(), Error> {
    caller.data_mut().response = read(&caller, address, length)?;
    Ok(())
}

fn guest_error(mut caller: Caller<'_, State>, address: i32, length: i32) -> Result<(), Error> {
    caller.data_mut().error = text(&caller, address, length)?;
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "waPC defines the arguments")]
fn host_call(
    mut caller: Caller<'_, State>,
    binding: i32,
    binding_length: i32,
    namespace: i32,
    namespace_length: i32,
    operation: i32,
    operation_length: i32,
    payload: i32,
    payload_length: i32,
) -> Result<i32, Error> {
    let binding = text(&caller, binding, binding_length)?;
    let namespace = text(&caller, namespace, namespace_length)?;
    let operation = text(&caller, operation, operation_length)?;
    let payload = read(&caller, payload, payload_length)?;
    let state = caller.data_mut();
    let call = format!("{binding}/{namespace}/{operation}");
    match state.host.answer(&call, &payload) {
        Ok(response) => {
            state.host_response = response;
            Ok(1)
        }
        Err(error) => {
            state.host_error = error.into_bytes();
            Ok(0)
        }
    }
}

fn memory(caller: &Caller<'_, State>) -> Result<Memory, Error> {
    caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .ok_or_else(|| Error::new("the module does not export a memory"))
}

/// Reads bytes from the memory of the module.
pub(super) fn read(caller: &Caller<'_, State>, address: i32, length: i32) -> Result<Vec<u8>, Error> {
    let (address, length) = (unsigned(address), unsigned(length));
    let bytes = memory(caller)?.data(caller).get(address..address.saturating_add(length));
    bytes.map(<[u8]>::to_vec).ok_or_else(|| TrapCode::MemoryOutOfBounds.into())
}

fn text(caller: &Caller<'_, State>, address: i32, length: i32) -> Result<String, Error> {
    read(caller, address, length).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes bytes into the memory of the module.
pub(super) fn write(caller: &mut Caller<'_, State>, address: i32, bytes: &[u8]) -> Result<(), Error> {
    let memory = memory(caller)?;
    memory.write(caller, unsigned(address), bytes).map_err(|_| TrapCode::MemoryOutOfBounds.into())
}

/// Converts an address or a length: WebAssembly does not have unsigned types.
fn unsigned(number: i32) -> usize {
    usize::try_from(number.cast_unsigned()).unwrap_or(usize::MAX)
}

fn length(bytes: &[u8]) -> i32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).cast_signed()
}
