//! `completions`: prints the completions of a shell.

use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Cli;
use super::streams::print;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods completions bash > /etc/bash_completion.d/immutable-pods
  immutable-pods completions zsh > ~/.zfunc/_immutable-pods
  immutable-pods completions fish > ~/.config/fish/completions/immutable-pods.fish";

impl Completions {
    pub(super) fn exec(&self) -> ExitCode {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), immutable_pods::NAME, &mut script);
        print(&String::from_utf8_lossy(&script))
    }
}
