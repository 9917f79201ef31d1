//! `request`: what an API server would ask about manifests, for other programs to judge.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods_host::manifest;

use super::streams::{Errors, UntilClosed};

/// Print the admission requests of manifests, which `kwctl run` understands
///
/// Each object becomes one line of JSON: the request that an API server sends when it is created. An admission review or
/// an admission request is printed as it is written.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Request {
    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods-host request pod.yaml > request.json
  immutable-pods-host request pod.yaml | kwctl run --request-path - annotated-policy.wasm

Exit codes:
  0  everything is printed
  1  something could not be read
  2  the command line is wrong";

impl Request {
    /// Prints the requests of what can be read, and tells of the rest.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        match self.print(UntilClosed(io::stdout().lock()), &mut errors) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                errors.tell(&format!("stdout: {error}"));
                ExitCode::FAILURE
            }
        }
    }

    /// Whether everything could be read.
    fn print(&self, mut stdout: impl Write, errors: &mut Errors) -> io::Result<bool> {
        let mut all_read = true;
        for manifest in self.paths.iter().flat_map(|path| manifest::read(path)) {
            match manifest {
                Ok(manifest) => writeln!(stdout, "{}", manifest.into_request())?,
                Err(error) => {
                    errors.tell(&error);
                    all_read = false;
                }
            }
        }
        stdout.flush()?;
        Ok(all_read)
    }
}
