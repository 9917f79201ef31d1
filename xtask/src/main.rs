//! Tasks of the repository: `cargo xtask --help` lists them.

mod cases;
mod generate;
mod new_rule;
mod workflow;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Tasks of the repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Write every case in tests/cases as files for shell scripts
    Cases {
        /// The folder, which is created if it does not exist
        folder: PathBuf,
    },
    /// Generate files from the code: the schema, the form, the reference
    Generate {
        /// Report outdated files without writing them
        #[arg(long)]
        check: bool,
    },
    /// Write the stubs of a new rule
    NewRule {
        /// The name of the rule in settings, such as hostPorts
        name: String,
    },
    /// Print a workflow or an action as JSON
    Workflow {
        /// The file, such as .github/workflows/release.yml
        file: PathBuf,
    },
}

/// The error of a task.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let result = match Arguments::parse().task {
        Task::Cases { folder } => cases::write(&folder),
        Task::Generate { check } => generate::run(check).map_err(Into::into),
        Task::NewRule { name } => new_rule::run(&name),
        Task::Workflow { file } => workflow::print(&file),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the path of a file in the repository.
fn in_repository(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}
