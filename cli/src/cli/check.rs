//! `check`: evaluates manifests, and prints verdicts for people.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::{Args, ColorChoice};
use immutable_pods::admission::Subject;
use immutable_pods::manifest::{self, Manifest, ReadOptions};
use immutable_pods::policy::Policy;
use immutable_pods::printable::lines;
use immutable_pods::registration::Registration;
use immutable_pods::report::Report;
use immutable_pods::settings;
use serde_json::{Value, json};

use super::engine::{failure, load};
use super::recording::Recording;
use super::streams::{Errors, UntilClosed};

/// Evaluate Kubernetes manifests
///
/// Each object is evaluated as if it was created in a cluster. An admission review or an admission request is evaluated as it is.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Check {
    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// A module of the policy to evaluate with [default: the rules in this program]
    #[arg(long, value_name = "WASM")]
    module: Option<PathBuf>,

    /// The settings of the policy in YAML or JSON, or a `ClusterAdmissionPolicy` or `AdmissionPolicy` that contains
    /// them [default: no settings]
    ///
    /// With a policy, objects are skipped that its `rules` do not name, or whose namespace its `namespaceSelector` excludes by
    /// name.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Answers to host calls of the policy, recorded by `kwctl run --record-host-capabilities-interactions`
    ///
    /// Without a recording, host calls fail.
    ///
    /// Each answer is used once, in the order of the file, which continues from object to object. A recording is a list: to
    /// join the recordings of several objects, append one to the other.
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,

    /// Show the changes of fixes as a diff in YAML
    #[arg(long)]
    show_fixes: bool,

    /// When to use colors
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods check deployment.yaml
  immutable-pods check --settings settings.yaml manifests/
  immutable-pods check --settings cluster-admission-policy.yaml --show-fixes pod.yaml
  immutable-pods check --module policy.wasm pod.yaml
  helm template chart/ | immutable-pods check -

Exit codes:
  0  every object is admitted, skipped, or contains nothing to evaluate
  1  at least one object is denied
  2  something could not be evaluated";

/// The result for one object. The worst result is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Admitted = 0,
    Denied = 1,
    NotEvaluated = 2,
}

impl Check {
    /// Evaluates all manifests, and returns the exit code.
    pub(super) fn exec(&self) -> ExitCode {
        let color = match self.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        let mut errors = Errors::new(color);
        let outcome = match Evaluator::new(self) {
            Ok(evaluator) => {
                let report = Report::new(UntilClosed(AutoStream::new(io::stdout(), color)));
                evaluator.evaluate_all(&self.paths, report, &mut errors).unwrap_or_else(|error| {
                    errors.print(&format!("stdout: {error}"));
                    Outcome::NotEvaluated
                })
            }
            Err(reasons) => {
                for reason in reasons {
                    errors.print(&reason);
                }
                Outcome::NotEvaluated
            }
        };
        ExitCode::from(outcome as u8)
    }
}

/// A policy with valid settings.
struct Evaluator {
    policy: Policy,
    settings: Value,
    /// The requests that API servers send to the policy, if they are known.
    registration: Option<Registration>,
    recording: Option<Recording>,
    show_fixes: bool,
}

impl Evaluator {
    /// Loads the policy and validates its settings. An error contains all reasons.
    fn new(check: &Check) -> Result<Self, Vec<String>> {
        let (settings, registration) = match &check.settings {
            Some(file) => settings::read_policy(file).map_err(|error| vec![error.to_string()])?,
            None => (json!({}), None),
        };
        let recording = check.replay_host_capabilities_interactions.as_deref().map(Recording::read);
        let recording = recording.transpose().map_err(|error| vec![error.to_string()])?;
        let policy = load(check.module.as_deref(), recording.as_ref()).map_err(|error| vec![error])?;
        let verdict = policy
            .validate_settings(&settings)
            .map_err(|error| vec![failure(check.module.as_deref(), &error)])?;
        if !verdict.valid {
            let message = verdict.message.unwrap_or_default();
            return Err(invalid_settings(check.settings.as_deref(), &message));
        }
        Ok(Self { policy, settings, registration, recording, show_fixes: check.show_fixes })
    }

    fn evaluate_all(
        &self,
        paths: &[PathBuf],
        mut report: Report<impl Write>,
        errors: &mut Errors,
    ) -> io::Result<Outcome> {
        let mut worst = Outcome::Admitted;
        let options = ReadOptions { recursive: true, ..ReadOptions::default() };
        for manifest in manifest::read(paths, &options) {
            let outcome = match manifest {
                Ok(manifest) => self.evaluate(manifest, &mut report, errors)?,
                Err(error) => {
                    errors.print(&error);
                    Outcome::NotEvaluated
                }
            };
            worst = worst.max(outcome);
        }
        report.finish()?;
        if let Some(recording) = &self.recording {
            recording.warn_about_leftovers(errors);
        }
        Ok(worst)
    }

    fn evaluate(
        &self,
        manifest: Manifest,
        report: &mut Report<impl Write>,
        errors: &mut Errors,
    ) -> io::Result<Outcome> {
        let source = manifest.source.clone();
        let request = manifest.into_request();
        if self.registration.as_ref().is_some_and(|registration| !registration.covers(&request)) {
            report.skipped(&source, &Subject::of(&request))?;
            return Ok(Outcome::Admitted);
        }
        let mut response = match self.policy.report(&request, &self.settings) {
            Ok(response) => response,
            Err(error) => {
                errors.print(&format!("{source}: {error}"));
                return Ok(Outcome::NotEvaluated);
            }
        };
        let before = request.get("object").unwrap_or(&Value::Null);
        // A policy can return an unchanged object.
        response.mutated_object.take_if(|after| after == before);
        report.verdict(&source, &Subject::of(&request), &response)?;
        if let Some(after) = &response.mutated_object
            && response.accepted
            && self.show_fixes
        {
            report.fixes(&source, before, after)?;
        }
        Ok(if response.accepted { Outcome::Admitted } else { Outcome::Denied })
    }
}

/// Returns each reason why the settings are invalid, with the file of the settings.
fn invalid_settings(file: Option<&Path>, message: &str) -> Vec<String> {
    let file = file.map_or_else(
        || "the policy requires settings (--settings)".to_owned(),
        |file| file.display().to_string(),
    );
    let mut reasons: Vec<String> = lines(message).map(|reason| format!("{file}: {reason}")).collect();
    if reasons.is_empty() {
        reasons.push(format!("{file}: the policy rejects these settings without a reason"));
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_settings_without_a_reason_or_a_file_are_reported() {
        assert_eq!(
            invalid_settings(Some(Path::new("s.yaml")), ""),
            ["s.yaml: the policy rejects these settings without a reason"]
        );
        assert_eq!(
            invalid_settings(None, "`mode`: missing\n`exempt`: missing\n"),
            [
                "the policy requires settings (--settings): `mode`: missing",
                "the policy requires settings (--settings): `exempt`: missing"
            ]
        );
    }
}
