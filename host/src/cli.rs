//! The command line: what is asked, in which order, and what the exit code says.

mod recording;
mod request;
mod run;
mod streams;

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstream::AutoStream;
use clap::{ColorChoice, Parser, Subcommand};
use immutable_pods_host::admission::Subject;
use immutable_pods_host::manifest::{self, Manifest};
use immutable_pods_host::policy::{self, Policy};
use immutable_pods_host::printable::lines;
use immutable_pods_host::registration::Registration;
use immutable_pods_host::report::Report;
use immutable_pods_host::settings;
use serde_json::{Value, json};

use self::recording::Recording;
use self::request::Request;
use self::run::Run;
use self::streams::{Errors, UntilClosed};

/// Judge Kubernetes manifests with the policy, outside of a cluster
///
/// Every object is judged as an API server would have it judged when it is created.
///
/// An admission review or an admission request is judged as it is written.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = AFTER_HELP,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    // A file may be called like that.
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// The compiled policy
    #[arg(long, value_name = "WASM", default_value = "policy.wasm")]
    policy: PathBuf,

    /// The settings of the policy in YAML or JSON, or a `ClusterAdmissionPolicy` or an
    /// `AdmissionPolicy` with them [default: no settings]
    ///
    /// With a policy, objects are left out that its `rules` do not name, or that are in a namespace which its
    /// `namespaceSelector` leaves out by name.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// Answers to what the policy asks its host, recorded by `kwctl run
    /// --record-host-capabilities-interactions`
    ///
    /// Without it, the policy may ask its host nothing.
    ///
    /// Every answer is given once, in the order of the file, which goes on from object to object.
    /// A recording is a list: those of several objects are joined by writing one below the other.
    #[arg(long, value_name = "FILE")]
    replay_host_capabilities_interactions: Option<PathBuf>,

    /// Show what fixes change, as a diff in YAML
    #[arg(long)]
    show_fixes: bool,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    Request(Request),
    Run(Run),
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods-host deployment.yaml
  immutable-pods-host --settings settings.yaml manifests/
  immutable-pods-host --settings cluster-admission-policy.yaml --show-fixes pod.yaml
  helm template chart/ | immutable-pods-host -
  immutable-pods-host request pod.yaml > request.json
  immutable-pods-host run --request-path request.json policy.wasm

Exit codes:
  0  every object is admitted, has nothing to evaluate, or is not asked about
  1  at least one object is denied
  2  something could not be judged";

/// How the run went; the worst of it is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Admitted = 0,
    Denied = 1,
    NotJudged = 2,
}

/// Does what was asked for and tells how it went.
pub(crate) fn run(cli: &Cli) -> ExitCode {
    match &cli.command {
        Some(Command::Request(request)) => request.exec(),
        Some(Command::Run(run)) => run.exec(),
        None => judge(cli),
    }
}

fn judge(cli: &Cli) -> ExitCode {
    let color = match cli.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    let mut errors = Errors::new(color);
    let outcome = match prepare(cli) {
        Ok(judge) => {
            let report = Report::new(UntilClosed(AutoStream::new(io::stdout(), color)));
            judge_all(&judge, &cli.paths, report, &mut errors).unwrap_or_else(|error| {
                errors.tell(&format!("stdout: {error}"));
                Outcome::NotJudged
            })
        }
        Err(reasons) => {
            for reason in reasons {
                errors.tell(&reason);
            }
            Outcome::NotJudged
        }
    };
    ExitCode::from(outcome as u8)
}

/// A policy with settings it has agreed to.
struct Judge {
    policy: Policy,
    settings: Value,
    /// What an API server asks the policy about, if that is known.
    registration: Option<Registration>,
    recording: Option<Recording>,
    show_fixes: bool,
}

impl Judge {
    fn outcome(
        &self,
        manifest: Manifest,
        report: &mut Report<impl Write>,
        errors: &mut Errors,
    ) -> io::Result<Outcome> {
        let source = manifest.source.clone();
        let request = manifest.into_request();
        if self.registration.as_ref().is_some_and(|registration| !registration.covers(&request)) {
            report.not_asked(&source, &Subject::of(&request))?;
            return Ok(Outcome::Admitted);
        }
        let mut response = match self.policy.report(&request, &self.settings) {
            Ok(response) => response,
            Err(error) => {
                errors.tell(&format!("{source}: {error}"));
                return Ok(Outcome::NotJudged);
            }
        };
        let before = request.get("object").unwrap_or(&Value::Null);
        // A policy may hand back what it was given.
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

fn prepare(cli: &Cli) -> Result<Judge, Vec<String>> {
    let (settings, registration) = match &cli.settings {
        Some(file) => settings::read_policy(file).map_err(|error| vec![error.to_string()])?,
        None => (json!({}), None),
    };
    let recording = cli.replay_host_capabilities_interactions.as_deref().map(Recording::read);
    let recording = recording.transpose().map_err(|error| vec![error.to_string()])?;
    let named = |error| vec![policy_error(&cli.policy, &error)];
    let policy = load(&cli.policy, recording.as_ref()).map_err(named)?;
    let verdict = policy.validate_settings(&settings).map_err(named)?;
    if !verdict.valid {
        let message = verdict.message.unwrap_or_default();
        return Err(refused_settings(cli.settings.as_deref(), &message));
    }
    Ok(Judge { policy, settings, registration, recording, show_fixes: cli.show_fixes })
}

/// The policy in a file, with a host that answers from a recording if there is one.
fn load(file: &Path, recording: Option<&Recording>) -> Result<Policy, policy::Error> {
    let policy = Policy::from_file(file)?;
    Ok(match recording {
        Some(recording) => policy.replaying(&recording.interactions),
        None => policy,
    })
}

fn policy_error(file: &Path, error: &policy::Error) -> String {
    let hint = match error {
        policy::Error::Read(error)
            if error.kind() == io::ErrorKind::NotFound
                && file.file_name() == Some(OsStr::new("policy.wasm")) =>
        {
            "; build it with `make policy.wasm`"
        }
        _ => "",
    };
    format!("{}: {error}{hint}", file.display())
}

fn refused_settings(file: Option<&Path>, message: &str) -> Vec<String> {
    let file = file.map_or_else(
        || "the policy needs settings (--settings)".to_owned(),
        |file| file.display().to_string(),
    );
    let mut reasons: Vec<String> = lines(message).map(|reason| format!("{file}: {reason}")).collect();
    if reasons.is_empty() {
        reasons.push(format!("{file}: the policy refuses these settings"));
    }
    reasons
}

fn judge_all(
    judge: &Judge,
    paths: &[PathBuf],
    mut report: Report<impl Write>,
    errors: &mut Errors,
) -> io::Result<Outcome> {
    let mut worst = Outcome::Admitted;
    for manifest in paths.iter().flat_map(|path| manifest::read(path)) {
        let outcome = match manifest {
            Ok(manifest) => judge.outcome(manifest, &mut report, errors)?,
            Err(error) => {
                errors.tell(&error);
                Outcome::NotJudged
            }
        };
        worst = worst.max(outcome);
    }
    report.finish()?;
    if let Some(recording) = &judge.recording {
        recording.tell_leftovers(errors);
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_refused_without_a_reason_or_a_file_are_named() {
        assert_eq!(
            refused_settings(Some(Path::new("s.yaml")), ""),
            ["s.yaml: the policy refuses these settings"]
        );
        assert_eq!(
            refused_settings(None, "`mode`: missing\n`exempt`: missing\n"),
            [
                "the policy needs settings (--settings): `mode`: missing",
                "the policy needs settings (--settings): `exempt`: missing"
            ]
        );
    }
}
