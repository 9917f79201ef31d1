//! The modules in the repository, which `make` builds.

#![expect(clippy::panic, reason = "a test cannot run without the module")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use immutable_pods::Policy;

use crate::wasmtime::Wasmtime;

/// Files that `make` builds modules from, in addition to sources.
const BUILD_FILES: [&str; 4] = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo/config.toml"];

/// Returns a path in the repository.
#[must_use]
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// Returns the policy in the engine of policy servers. It is compiled once.
///
/// # Panics
/// If the module is missing, or older than its sources.
#[must_use]
#[track_caller]
pub fn policy() -> &'static Policy {
    static POLICY: LazyLock<Result<Policy, String>> = LazyLock::new(load);
    match &*POLICY {
        Ok(policy) => policy,
        Err(reason) => panic!("{reason}"),
    }
}

fn load() -> Result<Policy, String> {
    let module = Wasmtime::from_file(&built("policy", "src")?);
    Ok(Policy::new(module.map_err(|error| format!("policy.wasm: {error}"))?))
}

/// Returns the file of a module.
///
/// # Errors
/// If the module is missing, or older than its sources.
pub fn built(module: &str, sources: &str) -> Result<PathBuf, String> {
    let file = in_repository(module).with_extension("wasm");
    let Ok(built) = modified(&file) else {
        return Err(format!("{module}.wasm is not built yet: run `make test`"));
    };
    let newest = newest_source(sources).map_err(|error| format!("cannot read the sources: {error}"))?;
    if built < newest {
        return Err(format!("{module}.wasm is older than the sources: run `make test`"));
    }
    Ok(file)
}

fn newest_source(sources: &str) -> io::Result<SystemTime> {
    let mut newest = newest_in(&in_repository(sources))?;
    for file in BUILD_FILES {
        newest = newest.max(modified(&in_repository(file))?);
    }
    Ok(newest)
}

fn newest_in(folder: &Path) -> io::Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            newest = newest.max(newest_in(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            newest = newest.max(modified(&path)?);
        }
    }
    Ok(newest)
}

fn modified(file: &Path) -> io::Result<SystemTime> {
    fs::metadata(file)?.modified()
}
