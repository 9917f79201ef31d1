//! Loads the policy that a command uses.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use immutable_pods::policy::{self, Policy};

/// What to do if a file is not a module of this policy.
const OTHER_MODULE: &str = "; pass a module of this policy, which `make policy.wasm` builds";

/// Loads the module in a file, or the linked rules without a file.
pub(super) fn load(module: Option<&Path>) -> Result<Policy, String> {
    match module {
        Some(file) => Policy::from_file(file).map_err(|error| failure(Some(file), &error)),
        None => Ok(Policy::linked()),
    }
}

/// Returns an error of the policy, with the file of the module and with what to do.
pub(super) fn failure(module: Option<&Path>, error: &policy::Error) -> String {
    let Some(file) = module else { return error.to_string() };
    format!("{}: {error}{}", file.display(), hint(file, error))
}

/// Returns what to do after an error, if that is known.
fn hint(file: &Path, error: &policy::Error) -> &'static str {
    match error {
        policy::Error::Read(error)
            if error.kind() == io::ErrorKind::NotFound
                && file.file_name() == Some(OsStr::new("policy.wasm")) =>
        {
            "; build it with `make policy.wasm`"
        }
        policy::Error::Module(_) | policy::Error::Start(_) | policy::Error::Answer { .. } => OTHER_MODULE,
        error if error.is_unknown_operation() => OTHER_MODULE,
        _ => "",
    }
}
