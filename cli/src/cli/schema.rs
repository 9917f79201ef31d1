//! `schema`: prints JSON Schemas.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use immutable_pods::schemas;

use super::streams::print;

/// Print the JSON Schema of the settings, or of the JSON report
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Schema {
    /// What the schema describes
    #[arg(value_name = "OF", default_value = "settings")]
    of: Of,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods schema > settings.schema.json
  immutable-pods schema output > output.schema.json";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    /// The settings of the policy
    Settings,
    /// What `check --output json` prints
    Output,
}

impl Schema {
    pub(super) fn exec(&self) -> ExitCode {
        print(match self.of {
            Of::Settings => schemas::SETTINGS,
            Of::Output => schemas::OUTPUT,
        })
    }
}
