//! `version`: prints what this program contains.

use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods::policy::Policy;
use immutable_pods_policy::rules::RULE_IDS;
use serde_json::json;

use super::streams::{Errors, print};

/// Print the version, the rules and the protocol of policy servers that this program supports
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Version {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
The JSON is an object:
  name      the name of the program
  version   the version of the program and of its rules
  protocol  the version of the protocol between policy servers and the policy
  rules     the ids of the rules, a list of strings
  features  the optional parts of the program, a list of strings: `cluster` for `--cluster`, `registry` for `fix --pin`";

/// The optional parts of the program.
const FEATURES: &[&str] = &[
    #[cfg(feature = "cluster")]
    "cluster",
    #[cfg(feature = "registry")]
    "registry",
];

impl Version {
    pub(super) fn exec(&self) -> ExitCode {
        match Policy::linked().protocol_version() {
            Ok(protocol) => print(&if self.json { document(&protocol) } else { lines(&protocol) }),
            Err(error) => {
                Errors::new(ColorChoice::Auto).print(&error);
                ExitCode::from(2)
            }
        }
    }
}

fn lines(protocol: &str) -> String {
    format!(
        "{} {}\nprotocol: {protocol}\nrules: {}\n",
        immutable_pods::NAME,
        immutable_pods::VERSION,
        RULE_IDS.join(", ")
    )
}

fn document(protocol: &str) -> String {
    let document = json!({
        "name": immutable_pods::NAME,
        "version": immutable_pods::VERSION,
        "protocol": protocol,
        "rules": RULE_IDS,
        "features": FEATURES,
    });
    format!("{document:#}\n")
}
