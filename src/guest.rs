//! The waPC guest: the functions that policy servers call, the registry that they ask for the policy, and their log.

use kubewarden_policy_sdk::logging::KubewardenDrain;
use lazy_static::lazy_static;
use slog::{Drain, Logger, debug, info, o, warn};
use wapc_guest::{host_call, register_function};

use crate::admission::response::Response;
use crate::admission::review;
use crate::evaluation::registry::{Registry, RegistryQuery};
use crate::evaluation::report::Form;

lazy_static! {
    /// The log of the policy server. An entry that the policy server does not accept is dropped.
    static ref LOG: Logger = Logger::root(KubewardenDrain::default().ignore_res(), o!());
}

/// Called by the policy server before anything else.
#[expect(unsafe_code, reason = "waPC finds the entry point by its unmangled name")]
#[unsafe(no_mangle)]
extern "C" fn wapc_init() {
    register_function("validate", |payload| Ok(validate(payload, Form::Short)));
    // Policy servers do not call this: it is for programs that show a person every finding.
    register_function("report", |payload| Ok(validate(payload, Form::Long)));
    register_function("validate_settings", |payload| Ok(review::validate_settings(payload).to_json()));
    register_function("protocol_version", |_| Ok(br#""v1""#.to_vec()));
}

fn validate(payload: &[u8], form: Form) -> Vec<u8> {
    let response = review::validate(payload, form, &Host).unwrap_or_else(Response::unreadable);
    log(&response);
    response.to_json()
}

/// Logs a denial and the exemptions that mattered. Other requests are not logged, because a log entry is a call of the policy server.
fn log(response: &Response) {
    for exemption in &response.used_exemptions {
        info!(LOG, "exemption used"; "exemption" => exemption);
    }
    for exemption in &response.expired_exemptions {
        warn!(LOG, "exemption expired"; "exemption" => exemption);
    }
    // The first line names the finding, or the rules of all findings.
    if let Some(reason) = response.message.as_ref().and_then(|message| message.lines().next()) {
        debug!(LOG, "denied"; "reason" => reason);
    }
}

/// The policy server, which asks registries.
struct Host;

impl Registry for Host {
    fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
        let payload = serde_json::to_vec(image).map_err(|error| error.to_string())?;
        let response = host_call("kubewarden", "oci", query.operation(), &payload);
        response.map_err(|error| {
            let reason = error.to_string();
            warn!(LOG, "registry look-up failed"; "image" => image, "reason" => &reason);
            reason
        })
    }
}
