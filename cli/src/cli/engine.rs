//! Loads the policy that a command uses.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use immutable_pods::policy::{self, Policy};

use super::recording::Recording;

/// Loads the module in a file, or the linked rules without a file. The host answers from a recording, if there is one.
pub(super) fn load(module: Option<&Path>, recording: Option<&Recording>) -> Result<Policy, String> {
    let policy = match module {
        Some(file) => Policy::from_file(file).map_err(|error| failure(Some(file), &error))?,
        None => Policy::linked(),
    };
    Ok(match recording {
        Some(recording) => policy.replaying(&recording.interactions),
        None => policy,
    })
}

/// Returns an error of the policy, with the file of the module.
pub(super) fn failure(module: Option<&Path>, error: &policy::Error) -> String {
    let Some(file) = module else { return error.to_string() };
    let hint = match error {
        policy::Error::Read(error)
            if error.kind() == io::ErrorKind::NotFound
                && file.file_name() == Some(OsStr::new("policy.wasm")) =>
        {
            "; build it with `make policy.wasm`"
        }
        _ => "",
    };
    format!("{}: {error}{hint}", file.display())
}
