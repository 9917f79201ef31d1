//! A waPC guest that accepts every request without reading it: the cost that no policy can avoid.

use kubewarden_policy_sdk::wapc_guest::{CallResult, register_function};

/// Registers the functions. The host calls this first.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
}

#[expect(clippy::unnecessary_wraps, reason = "waPC handlers have this signature")]
fn validate(_payload: &[u8]) -> CallResult {
    Ok(br#"{"accepted":true}"#.to_vec())
}
