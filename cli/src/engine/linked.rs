//! The rules that are linked into the program.

use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use immutable_pods_policy::evaluation::registry::{Registry, RegistryQuery};
use immutable_pods_policy::evaluation::report::Form;
use serde_json::json;

use super::{CallError, Engine, HostCalls};

/// Calls the rules as a library: nothing has to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct Linked;

impl Engine for Linked {
    fn call(&self, operation: &str, payload: &[u8], host: &HostCalls) -> Result<Vec<u8>, CallError> {
        let validate =
            |form| review::validate(payload, form, host).unwrap_or_else(Response::unreadable).to_json();
        match operation {
            "validate" => Ok(validate(Form::Short)),
            "report" => Ok(validate(Form::Long)),
            "validate_settings" => Ok(review::validate_settings(payload).to_json()),
            "protocol_version" => Ok(br#""v1""#.to_vec()),
            _ => Err(CallError::Operation(format!("No handler registered for function {operation}"))),
        }
    }
}

impl Registry for HostCalls {
    fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
        self.answer(&format!("kubewarden/oci/{}", query.operation()), json!(image).to_string().as_bytes())
    }
}
