//! What the host knows of a call, and its access to the memory of the module.

use wasmi::{Caller, Error, Extern, Memory, TrapCode};

use super::HostCalls;

/// What the host knows of a call.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) operation: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) host: HostCalls,
    /// The response of the module.
    pub(super) response: Vec<u8>,
    /// The error of the module.
    pub(super) error: String,
    /// The answer to the last host call.
    pub(super) host_response: Vec<u8>,
    /// The error of the last host call.
    pub(super) host_error: Vec<u8>,
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

/// Reads text from the memory of the module.
pub(super) fn text(caller: &Caller<'_, State>, address: i32, length: i32) -> Result<String, Error> {
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

/// Returns the length of bytes as WebAssembly writes it.
pub(super) fn length(bytes: &[u8]) -> i32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).cast_signed()
}
