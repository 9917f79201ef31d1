//! The command line: commands, messages and exit codes.

mod baseline;
mod check;
mod cluster_args;
mod compare;
mod completions;
mod engine;
mod explain;
mod fix;
mod policy_args;
mod progress;
mod recording;
mod registry_access;
mod request;
mod run;
mod schema;
mod streams;
mod version;
mod writable_paths;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use self::baseline::Baseline;
use self::check::Check;
use self::compare::Compare;
use self::completions::Completions;
use self::explain::Explain;
use self::fix::Fix;
use self::request::Request;
use self::run::Run;
use self::schema::Schema;
use self::version::Version;
use self::writable_paths::WritablePaths;

/// Keep running containers as they were built: evaluate Kubernetes manifests with the policy, outside of a cluster
#[derive(Debug, Parser)]
#[command(version, after_help = AFTER_HELP)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
    Fix(Fix),
    Baseline(Baseline),
    Compare(Compare),
    WritablePaths(WritablePaths),
    Request(Request),
    Run(Run),
    Explain(Explain),
    Schema(Schema),
    Completions(Completions),
    Version(Version),
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods check deployment.yaml
  helm template chart/ | immutable-pods check -
  immutable-pods explain readOnlyRootFilesystem";

/// The name of the file that kubectl runs for `kubectl immutable-pods`.
///
/// Source: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/#names-with-dashes-and-underscores>
const PLUGIN: &str = "kubectl-immutable_pods";

impl Cli {
    /// Reads the arguments of the process. An error or `--help` ends it.
    ///
    /// The help of a kubectl plugin shows the command that users type.
    pub(crate) fn read() -> Self {
        let mut command = Self::command();
        let program = std::env::args_os().next();
        if program.is_some_and(|program| Path::new(&program).file_stem().is_some_and(|name| name == PLUGIN)) {
            command = command.bin_name("kubectl immutable-pods");
        }
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }
}

/// Runs the command, and returns the exit code of the program.
pub(crate) fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Command::Check(check) => check.exec(),
        Command::Fix(fix) => fix.exec(),
        Command::Baseline(baseline) => baseline.exec(),
        Command::Compare(compare) => compare.exec(),
        Command::WritablePaths(writable_paths) => writable_paths.exec(),
        Command::Request(request) => request.exec(),
        Command::Run(run) => run.exec(),
        Command::Explain(explain) => explain.exec(),
        Command::Schema(schema) => schema.exec(),
        Command::Completions(completions) => completions.exec(),
        Command::Version(version) => version.exec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
