//! `immutable-pods-host`: judges Kubernetes manifests with the policy module.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(&cli::Cli::parse())
}
