//! The waPC guest: the functions that policy servers call, and the registry that they ask for the policy.

use wapc_guest::{host_call, register_function};

use crate::admission::response::Response;
use crate::admission::review;
use crate::evaluation::registry::{Question, Registry};
use crate::evaluation::report::Form;
use crate::fix::additions::to_json;

/// Called by the policy server before anything else.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", |payload| Ok(validate(payload, Form::Short)));
    // Policy servers do not call this: it is for programs that show a person every finding.
    register_function("report", |payload| Ok(validate(payload, Form::Long)));
    register_function("validate_settings", |payload| Ok(review::validate_settings(payload).into_bytes()));
    register_function("protocol_version", |_| Ok(br#""v1""#.to_vec()));
}

fn validate(payload: &[u8], form: Form) -> Vec<u8> {
    review::validate(payload, form, &Host).unwrap_or_else(Response::unreadable).to_json()
}

/// The policy server, which asks registries.
struct Host;

impl Registry for Host {
    fn ask(&self, question: Question, image: &str) -> Result<Vec<u8>, String> {
        host_call("kubewarden", "oci", question.operation(), to_json(image).as_bytes())
            .map_err(|error| error.to_string())
    }
}
