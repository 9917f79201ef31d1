//! A Kubewarden policy that accepts every request without reading it: the cost that no policy can avoid.

use kubewarden_policy_sdk::wapc_guest::register_function;

/// Registers the functions. The host calls this first.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", |_| Ok(br#"{"accepted":true}"#.to_vec()));
    register_function("validate_settings", |_| Ok(br#"{"valid":true}"#.to_vec()));
    register_function("protocol_version", |_| Ok(br#""v1""#.to_vec()));
}
