//! The functions of WASI preview 1 that modules of the policy import.
//!
//! Source: [the interface](https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md).

use std::time::{SystemTime, UNIX_EPOCH};

use wasmi::{Caller, Error, Linker};

use super::guest_memory::{State, read, write};

const NAMESPACE: &str = "wasi_snapshot_preview1";

/// The error number of success.
const SUCCESS: i32 = 0;

/// Adds the functions to a linker.
pub(super) fn link(linker: &mut Linker<State>) -> Result<(), Error> {
    linker.func_wrap(NAMESPACE, "clock_time_get", clock_time_get)?;
    linker.func_wrap(NAMESPACE, "environ_get", |_: i32, _: i32| SUCCESS)?;
    linker.func_wrap(NAMESPACE, "environ_sizes_get", environ_sizes_get)?;
    linker.func_wrap(NAMESPACE, "fd_write", fd_write)?;
    linker.func_wrap(NAMESPACE, "proc_exit", proc_exit)?;
    linker.func_wrap(NAMESPACE, "random_get", random_get)?;
    Ok(())
}

fn clock_time_get(mut caller: Caller<'_, State>, _: i32, _: i64, time: i32) -> Result<i32, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let nanoseconds = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
    write(&mut caller, time, &nanoseconds.to_le_bytes())?;
    Ok(SUCCESS)
}

/// There are no environment variables.
fn environ_sizes_get(mut caller: Caller<'_, State>, count: i32, size: i32) -> Result<i32, Error> {
    write(&mut caller, count, &[0; 4])?;
    write(&mut caller, size, &[0; 4])?;
    Ok(SUCCESS)
}

/// Drops the text: a policy prints only when it panics, and the trap is reported.
fn fd_write(
    mut caller: Caller<'_, State>,
    _: i32,
    slices: i32,
    count: i32,
    written: i32,
) -> Result<i32, Error> {
    let slices = read(&caller, slices, count.saturating_mul(8))?;
    let lengths = slices.chunks_exact(8).filter_map(|slice| slice.last_chunk::<4>());
    let total = lengths.fold(0, |total: u32, length| total.saturating_add(u32::from_le_bytes(*length)));
    write(&mut caller, written, &total.to_le_bytes())?;
    Ok(SUCCESS)
}

fn proc_exit(code: i32) -> Result<(), Error> {
    Err(Error::i32_exit(code))
}

/// Fills the buffer with zeros, so that the same request always runs in the same way.
fn random_get(mut caller: Caller<'_, State>, buffer: i32, length: i32) -> Result<i32, Error> {
    write(&mut caller, buffer, &vec![0; usize::try_from(length).unwrap_or_default()])?;
    Ok(SUCCESS)
}
