//! A guest in the bare engine, which counts what a call takes: instructions, as fuel, and memory. Both are the same each
//! time, and on every machine.

#![expect(clippy::indexing_slicing, reason = "a guest that gives wrong addresses ends its test")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a guest that does not run ends its test")]

use std::sync::LazyLock;

use wasmtime_provider::wasmtime::{
    Caller, Config, Engine, Extern, Linker, Memory, Module, OptLevel, Result, Store,
};

use crate::module::built;

const OPERATION: &[u8] = b"validate";

/// More fuel than a call takes.
const FUEL: u64 = 1 << 40;

/// The policy.
pub(crate) static POLICY: LazyLock<Guest> = LazyLock::new(|| Guest::new("policy", "src"));

/// A compiled guest.
pub(crate) struct Guest {
    engine: Engine,
    module: Module,
    counts: bool,
}

/// What came of a call.
#[derive(PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) answer: Vec<u8>,
    pub(crate) instructions: u64,
    /// The bytes of memory that the instance has in the end. It never gives any back.
    pub(crate) memory: usize,
}

/// What the host knows of a call.
struct Call {
    payload: Vec<u8>,
    answer: Vec<u8>,
}

impl Guest {
    /// A guest that counts.
    pub(crate) fn new(name: &str, sources: &str) -> Self {
        // Instructions are counted before the compiler optimises them, so there is no need to.
        Self::compile(
            name,
            sources,
            Config::new().consume_fuel(true).cranelift_opt_level(OptLevel::None),
            true,
        )
    }

    /// The policy as policy servers compile it, which counts no instructions.
    pub(crate) fn as_served() -> Self {
        Self::compile("policy", "src", &Config::new(), false)
    }

    fn compile(name: &str, sources: &str, config: &Config, counts: bool) -> Self {
        let file = built(name, sources).unwrap_or_else(|reason| panic!("{reason}"));
        let engine = Engine::new(config).unwrap();
        let module = Module::from_file(&engine, file).unwrap();
        Self { engine, module, counts }
    }

    /// Calls a fresh instance as waPC does. What it imports besides does nothing, so there is no time and no chance, and
    /// whatever it asks its host fails.
    pub(crate) fn call(&self, payload: &[u8]) -> Result<Outcome> {
        let mut store = Store::new(&self.engine, Call { payload: payload.to_vec(), answer: Vec::new() });
        let mut linker = Linker::new(&self.engine);
        linker.func_wrap("wapc", "__guest_request", send)?;
        linker.func_wrap("wapc", "__guest_response", receive)?;
        linker.define_unknown_imports_as_default_values(&mut store, &self.module)?;
        if self.counts {
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
    for (at, bytes) in [(operation, OPERATION), (payload, &call.payload)] {
        memory[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }
}

fn receive(mut caller: Caller<'_, Call>, at: u32, length: u32) {
    let (memory, call) = memory(&mut caller).data_and_store_mut(&mut caller);
    call.answer = memory[at as usize..][..length as usize].to_vec();
}

fn memory(caller: &mut Caller<'_, Call>) -> Memory {
    caller.get_export("memory").and_then(Extern::into_memory).unwrap()
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}
