//! The functions of [waPC](https://wapc.io/docs/spec/), which pass the request and the response between the host and the module.

use wasmi::{Caller, Error, Linker};

use super::guest_memory::{State, length, read, text, write};

const NAMESPACE: &str = "wapc";

/// Adds the functions of waPC to a linker.
pub(super) fn link(linker: &mut Linker<State>) -> Result<(), Error> {
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
