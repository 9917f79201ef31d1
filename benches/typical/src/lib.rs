//! A Kubewarden policy with one check, written as the Rust tutorial of Kubewarden teaches: the SDK reads the request, and the
//! types of k8s-openapi read the pod spec. It requires `readOnlyRootFilesystem` in every container.

use k8s_openapi::api::core::v1::{Container, PodSpec, SecurityContext};
use kubewarden_policy_sdk::request::ValidationRequest;
use kubewarden_policy_sdk::settings::Validatable;
use kubewarden_policy_sdk::wapc_guest::{CallResult, register_function};
use kubewarden_policy_sdk::{accept_request, protocol_version_guest, reject_request, validate_settings};
use serde::Deserialize;

/// The policy does not have settings. It ignores the settings of other policies, so that all get the same request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Settings {}

impl Validatable for Settings {
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Registers the functions. The policy server calls this first.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings::<Settings>);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(payload: &[u8]) -> CallResult {
    let request = ValidationRequest::<Settings>::new(payload)?;
    let Some(pod_spec) = request.extract_pod_spec_from_object()? else { return accept_request() };
    match writable_root(&pod_spec) {
        None => accept_request(),
        Some(container) => {
            let message = format!("container {container:?} must have a read-only root");
            reject_request(Some(message), None, None, None)
        }
    }
}

/// Returns the name of the first container with a writable root.
fn writable_root(pod_spec: &PodSpec) -> Option<&str> {
    let init_containers = pod_spec.init_containers.iter().flatten();
    let mut containers = init_containers.chain(&pod_spec.containers);
    containers.find(|container| !is_read_only(container)).map(|container| &*container.name)
}

fn is_read_only(container: &Container) -> bool {
    let read_only = |context: &SecurityContext| context.read_only_root_filesystem;
    container.security_context.as_ref().and_then(read_only).unwrap_or_default()
}
