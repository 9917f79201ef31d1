//! `immutable-pods`: evaluates Kubernetes manifests with the policy.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run(&cli::Cli::read())
}
