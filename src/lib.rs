//! A Kubewarden policy that keeps running containers as they were built.
//!
//! This file is the waPC edge: what the policy server calls. The way of a request is in [`review`].

use crate::additions::to_json;
use crate::messages::Form;
use crate::registry::{Question, Registry};
use crate::response::Response;
use kubewarden_policy_sdk::wapc_guest::{host_call, register_function};

pub mod additions;
pub mod connection;
pub mod date;
pub mod exemptions;
pub mod field_path;
pub mod file_path;
pub mod finding;
pub mod fingerprint;
pub mod fix;
pub mod image_reference;
pub mod json;
pub mod messages;
pub mod metadata;
pub mod options;
pub mod places;
pub mod pod;
pub mod pod_spec_finder;
pub mod registry;
pub mod request;
pub mod response;
pub mod review;
pub mod rules;
pub mod scan;
pub mod selector;
pub mod settings;
mod status;
pub mod text;
pub mod update;
pub mod value;
pub mod verdict;
mod view;
pub mod volume;
pub mod wildcard;
pub mod workload;
pub mod writable_paths;

/// Called by the policy server before anything else.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", |payload| Ok(validate(payload, Form::Short)));
    // Policy servers do not call this: it is for programs that show a person every finding.
    register_function("report", |payload| Ok(validate(payload, Form::Long)));
    register_function("validate_settings", |payload| Ok(review::validate_settings(payload).into_bytes()));
    // The SDK's own answer would bring serde's writer into the module for these four characters.
    register_function("protocol_version", |_| Ok(br#""v1""#.to_vec()));
}

fn validate(payload: &[u8], form: Form) -> Vec<u8> {
    review::validate(payload, form, &Host).unwrap_or_else(Response::unreadable).to_json()
}

/// The policy server, which asks registries for us.
struct Host;

impl Registry for Host {
    fn ask(&self, question: Question, image: &str) -> Result<Vec<u8>, String> {
        host_call("kubewarden", "oci", question.operation(), to_json(image).as_bytes())
            .map_err(|error| error.to_string())
    }
}
