//! `run`: evaluates a request like `kwctl run`, with the same arguments.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods::admission_response::AdmissionResponse;
use immutable_pods::input::InputError;
use immutable_pods::printable::lines;
use immutable_pods::{admission_request, settings};
use serde_json::{Value, json};

use super::engine::{failure, load};
use super::recording::Recording;
use super::streams::{Errors, UntilClosed};

/// Evaluate one admission request, and print the response that an API server gets
///
/// This is the part of `kwctl run` that tests of this policy need: the same arguments, the same JSON on stdout, and the same
/// exit codes. The policy can change the object.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Run {
    /// The compiled policy, annotated or not: a path, or `file://` and an absolute path
    #[arg(value_name = "WASM", value_parser = policy_file)]
    policy: PathBuf,

    /// The admission request or the admission review in JSON, or `-` for stdin
    #[arg(short, long, value_name = "FILE")]
    request_path: PathBuf,

    /// The settings of the policy in YAML or JSON [default: no settings]
    #[arg(short, long, value_name = "FILE")]
    settings_path: Option<PathBuf>,

    /// The settings of the policy in JSON
    #[arg(long, value_name = "JSON", conflicts_with = "settings_path")]
    settings_json: Option<String>,

    /// Answers to host calls of the policy, recorded by `kwctl run --record-host-capabilities-interactions`
    ///
    /// Without a recording, host calls fail.
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods run --request-path request.json policy.wasm
  immutable-pods run -r request.json -s settings.yaml annotated-policy.wasm
  immutable-pods run -r - --settings-json '{\"privileged\": \"warn\"}' policy.wasm < request.json

Exit codes:
  0  there is a response, with any verdict
  1  there is no response: the settings are invalid, or something cannot be read
  2  the command line is invalid";

fn policy_file(uri: &str) -> Result<PathBuf, &'static str> {
    match uri.split_once("://") {
        None => Ok(uri.into()),
        Some(("file", path)) if path.starts_with('/') => Ok(path.into()),
        Some(("file", _)) => Err("expected an absolute path after `file://`: three slashes"),
        Some(_) => Err("modules are not downloaded: expected the path of a file"),
    }
}

impl Run {
    /// Prints the response, or the error.
    pub(super) fn exec(&self) -> ExitCode {
        match self.answer().and_then(|answer| print(&answer)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(reason) => {
                let reason: Vec<String> = lines(&reason).collect();
                // A closed stderr leaves no place for the error.
                let _ = writeln!(io::stderr(), "Error: {}", reason.join("\n"));
                ExitCode::FAILURE
            }
        }
    }

    fn answer(&self) -> Result<AdmissionResponse, String> {
        let settings = self.settings().map_err(|error| error.to_string())?;
        let request = admission_request::read(&self.request_path).map_err(|error| error.to_string())?;
        let recording = self.replay_host_capabilities_interactions.as_deref().map(Recording::read);
        let recording = recording.transpose().map_err(|error| error.to_string())?;
        let named = |error| failure(Some(&self.policy), &error);
        let module = load(Some(&self.policy))?;
        let policy =
            recording.as_ref().map_or_else(|| module.clone(), |recording| recording.given_to(&module));
        let verdict = policy.validate_settings(&settings).map_err(named)?;
        if !verdict.valid {
            return Err(format!("Provided settings are not valid: {}", verdict.message.unwrap_or_default()));
        }
        let verdict = policy.validate(&request, &settings);
        let answer = AdmissionResponse::new(&request, verdict).map_err(named)?;
        if let Some(recording) = &recording {
            recording.warn_about_leftovers(&mut Errors::new(ColorChoice::Auto));
        }
        Ok(answer)
    }

    fn settings(&self) -> Result<Value, InputError> {
        match (&self.settings_path, &self.settings_json) {
            (Some(file), _) => settings::read(file),
            (None, Some(json)) => settings::from_json("--settings-json", json),
            (None, None) => Ok(json!({})),
        }
    }
}

fn print(answer: &AdmissionResponse) -> Result<(), String> {
    let answer = serde_json::to_string(answer).map_err(|error| error.to_string())?;
    writeln!(UntilClosed(io::stdout()), "{answer}").map_err(|error| format!("stdout: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_a_path_or_the_uri_of_a_path() {
        for (uri, path) in [
            ("policy.wasm", "policy.wasm"),
            ("../a b/policy.wasm", "../a b/policy.wasm"),
            ("file:///tmp/policy.wasm", "/tmp/policy.wasm"),
        ] {
            assert_eq!(policy_file(uri), Ok(path.into()), "{uri}");
        }
    }

    #[test]
    fn other_uris_are_rejected() {
        assert_eq!(
            policy_file("file://policy.wasm"),
            Err("expected an absolute path after `file://`: three slashes")
        );
        for uri in ["registry://example.com/policy:v1", "https://example.com/policy.wasm"] {
            assert_eq!(
                policy_file(uri),
                Err("modules are not downloaded: expected the path of a file"),
                "{uri}"
            );
        }
    }
}
