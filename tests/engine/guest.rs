//! A guest in the bare engine, which measures the instructions (as fuel) and the memory of a call. Both are equal in every
//! run and on every machine.

#![expect(clippy::indexing_slicing, reason = "a test fails on a guest with invalid addresses")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails on a guest that does not run")]

use std::sync::LazyLock;

use wasmtime_provider::wasmtime::{
    Caller, Config, Engine, Extern, Linker, Memory, Module, OptLevel, Result, Store,
};

use crate::module::built;

const OPERATION: &[u8] = b"validate";

/// More fuel than any call needs.
const FUEL: u64 = 1 << 40;

/// The policy.
pub(crate) static POLICY: LazyLock<Guest> = LazyLock::new(|| Guest::new("policy", "src"));

/// A compiled guest.
pub(crate) struct Guest {
    engine: Engine,
    module: Module,
    counts_instructions: bool,
}

/// The result of a call.
#[derive(PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: Vec<u8>,
    pub(crate) instructions: u64,
    /// The memory of the instance after the call, in bytes. WebAssembly memory never shrinks.
    pub(crate) memory: usize,
}

/// The host's data about a call.
struct Call {
    payload: Vec<u8>,
    answer: Vec<u8>,
}

impl Guest {
    /// Compiles a guest that counts instructions.
    pub(crate) fn new(name: &str, sources: &str) -> Self {
        // The engine counts instructions before optimization, so optimization is not needed.
        Self::compile(
            name,
            sources,
            Config::new().consume_fuel(true).cranelift_opt_level(OptLevel::None),
            true,
        )
    }

    /// Compiles the policy like policy servers, without counting instructions.
    pub(crate) fn as_served() -> Self {
        Self::compile("policy", "src", &Config::new(), false)
    }

    fn compile(name: &str, sources: &str, config: &Config, counts_instructions: bool) -> Self {
        let file = built(name, sources).unwrap_or_else(|reason| panic!("{reason}"));
        let engine = Engine::new(config).unwrap();
        let module = Module::from_file(&engine, file).unwrap();
        Self { engine, module, counts_instructions }
    }

    /// Calls a fresh instance, like waPC. Other imports do nothing, so the guest does not have a clock or randomness, and all
    /// host calls fail.
    pub(crate) fn call(&self, payload: &[u8]) -> Result<Outcome> {
        let mut store = Store::new(&self.engine, Call { payload: payload.to_vec(), answer: Vec::new() });
        let mut linker = Linker::new(&self.engine);
        linker.func_wrap("wapc", "__guest_request", send)?;
        linker.func_wrap("wapc", "__guest_response", receive)?;
        linker.define_unknown_imports_as_default_values(&mut store, &self.module)?;
        if self.counts_instructions {
            store.set_fuel(FUEL)?;
        }
        let instance = linker.instantiate(&mut store, &self.module)?;
        instance.get_typed_func::<(), ()>(&mut store, "wapc_init")?.call(&mut store, ())?;
        let call = instance.get_typed_func::<(u32, u32), u32>(&mut store, "__guest_call")?;
        let before = store.get_fuel().unwrap_or_default();
        call.call(&mut store, (length(OPERATION), length(payload)))?;
        let instructions = before - store.get_fuel().unwrap_or_default();
        let memory = instance.get_memory(&mut store, "memory").unwrap().data_size(&store);
        Ok(Outcome { answer: store.into_data().answer, instructions, memory })
    }
}

fn send(mut caller: Caller<'_, Call>, operation: u32, payload: u32) {
    let (memory, call) = memory(&mut caller).data_and_store_mut(&mut caller);
    for (address, bytes) in [(operation, OPERATION), (payload, &call.payload)] {
        memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
    }
}

fn receive(mut caller: Caller<'_, Call>, address: u32, length: u32) {
    let (memory, call) = memory(&mut caller).data_and_store_mut(&mut caller);
    call.answer = memory[address as usize..][..length as usize].to_vec();
}

fn memory(caller: &mut Caller<'_, Call>) -> Memory {
    caller.get_export("memory").and_then(Extern::into_memory).unwrap()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}
