//! `immutable-pods`: evaluates Kubernetes manifests with the policy.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    cli::run(&cli::Cli::parse())
}
