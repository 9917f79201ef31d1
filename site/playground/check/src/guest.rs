//! The waPC guest: the page calls it as policy servers call the policy, and answers its questions to the policy.

use immutable_pods::Policy;
use immutable_pods::engine::{CallError, Engine, HostCalls};
use wapc_guest::{CallResult, host_call, register_function};

use crate::check;

/// Called by the page before anything else.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
extern "C" fn wapc_init() {
    register_function("check", |input| {
        let output = check(serde_json::from_slice(input)?, Policy::new(Page));
        Ok(serde_json::to_vec(&output)?)
    });
}

/// The page, which runs the module of the policy, and answers its host calls.
struct Page;

impl Engine for Page {
    fn call(&self, operation: &str, payload: &[u8], _: &HostCalls) -> Result<Vec<u8>, CallError> {
        let response: CallResult = host_call("playground", "policy", operation, payload);
        response.map_err(|error| {
            let reason = error.to_string();
            let reason = reason.strip_prefix("Host error: ").unwrap_or(&reason);
            CallError::Operation(reason.to_owned())
        })
    }
}
