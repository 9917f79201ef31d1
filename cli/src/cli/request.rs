//! `request`: prints admission requests, for other programs that evaluate them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods::manifest::{self, ReadOptions};

use super::streams::{Errors, UntilClosed};

/// Print the admission requests of manifests, which `kwctl run` understands
///
/// Each object becomes one line of JSON: the request that an API server sends when the object is created. An admission review or
/// an admission request is printed as it is.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Request {
    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long)]
    recursive: bool,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods request pod.yaml > request.json
  immutable-pods request pod.yaml | kwctl run --request-path - annotated-policy.wasm

Exit codes:
  0  all requests are printed
  1  something could not be read
  2  the command line is invalid";

impl Request {
    /// Prints all requests, and an error for each file that cannot be read.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        match self.print(UntilClosed(io::stdout().lock()), &mut errors) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                errors.print(&format!("stdout: {error}"));
                ExitCode::FAILURE
            }
        }
    }

    /// Returns whether everything could be read.
    fn print(&self, mut stdout: impl Write, errors: &mut Errors) -> io::Result<bool> {
        let mut all_read = true;
        let options = ReadOptions { recursive: self.recursive, ..ReadOptions::default() };
        for manifest in manifest::read(&self.paths, &options) {
            match manifest {
                Ok(manifest) => writeln!(stdout, "{}", manifest.into_request())?,
                Err(error) => {
                    errors.print(&error);
                    all_read = false;
                }
            }
        }
        stdout.flush()?;
        Ok(all_read)
    }
}
