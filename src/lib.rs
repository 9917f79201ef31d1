//! A Kubewarden policy that keeps running containers as they were built.
//!
//! This file is the waPC edge: what the policy server calls. The way of a request is in [`review`].

use kubewarden_policy_sdk::protocol_version_guest;
use kubewarden_policy_sdk::wapc_guest::{CallResult, register_function};
use serde::Serialize;

use crate::verdict::Response;

pub mod connection;
pub mod date;
pub mod exemptions;
pub mod field_path;
pub mod file_path;
pub mod finding;
pub mod image_reference;
pub mod json;
pub mod options;
pub mod pod;
pub mod pod_spec_finder;
pub mod request;
pub mod review;
pub mod rules;
pub mod settings;
pub mod text;
pub mod value;
pub mod verdict;
mod view;
pub mod volume;
pub mod wildcard;
pub mod workload;

/// Called by the policy server before anything else.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    answer(&review::validate(payload).unwrap_or_else(Response::unreadable))
}

fn validate_settings(payload: &[u8]) -> CallResult {
    answer(&review::validate_settings(payload))
}

/// The reason why an answer could not be written is left out: no answer is of a type for which there is one, and its
/// words would make up a hundredth of the module.
fn answer(answer: &impl Serialize) -> CallResult {
    serde_json::to_vec(answer).map_err(|_| "the answer cannot be written".into())
}
