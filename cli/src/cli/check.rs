//! `check`: evaluates manifests, and reports their verdicts.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::AutoStream;
use clap::{Args, ColorChoice, ValueEnum};
use immutable_pods::evaluation::{Evaluation, Level};
use immutable_pods::input::InputError;
use immutable_pods::manifest::{self, ReadOptions, Renderers};
use immutable_pods::pipeline;
use immutable_pods::report::{Format, ReportOptions, Reporter, Summary, reporter};

use super::cluster_args::{self, ClusterArgs, Manifests};
use super::policy_args::{PolicyArgs, Prepared};
use super::progress::Progress;
use super::streams::{Errors, UntilClosed};

/// Evaluate Kubernetes manifests
///
/// Each object is evaluated as if it was created in a cluster. An admission review or an admission request is evaluated as it is.
/// A folder with a Helm chart or a kustomization is rendered by `helm` or `kubectl`, if they are installed. With `--cluster`, the
/// objects of a running cluster are evaluated.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(super) struct Check {
    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    policies: PolicyArgs,

    /// The format of the report
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    /// Print only denials and the summary
    #[arg(short, long)]
    quiet: bool,

    /// Show the changes of fixes as a diff in YAML
    #[arg(long)]
    show_fixes: bool,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long, conflicts_with = "cluster")]
    recursive: bool,

    /// Report inputs that cannot be read, but do not fail because of them
    #[arg(long)]
    skip_unreadable: bool,

    /// Exit with 0 whatever is found; inputs that cannot be read still fail
    #[arg(long, conflicts_with = "fail_on")]
    exit_zero: bool,

    /// The findings that fail the check
    #[arg(long, value_name = "LEVEL", default_value = "deny")]
    fail_on: FailOn,

    /// When to use colors
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods check deployment.yaml
  immutable-pods check --recursive manifests/
  immutable-pods check --policy settings.yaml chart/
  immutable-pods check --policy mutating.yaml --policy validating.yaml --show-fixes pod.yaml
  immutable-pods check --output sarif manifests/ > immutable-pods.sarif
  helm template chart/ | immutable-pods check -
  immutable-pods check --cluster --policy policy.yaml --namespace shop

Exit codes:
  0  every object is admitted, skipped, monitored, or contains nothing to evaluate
  1  at least one object is denied, or the policy server would refuse it
  2  something could not be read or evaluated";

/// The findings that fail a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Denials
    Deny,
    /// Denials and warnings
    Warn,
}

/// The result of a check. The worst result is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed = 0,
    Failed = 1,
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
        let outcome = match self.open() {
            Ok((prepared, manifests)) => {
                self.evaluate_all(&prepared, manifests, color, &mut errors).unwrap_or_else(|error| {
                    errors.print(&format!("stdout: {error}"));
                    Outcome::NotEvaluated
                })
            }
            Err(reasons) => {
                errors.print_all(&reasons);
                Outcome::NotEvaluated
            }
        };
        ExitCode::from(outcome as u8)
    }

    /// Prepares the policies, and opens the inputs. An error contains all reasons.
    fn open(&self) -> Result<(Prepared, Manifests), Vec<String>> {
        let mut prepared = self.policies.prepare()?;
        let manifests = if self.cluster.cluster {
            cluster_args::read(&self.cluster, &mut prepared.evaluator).map_err(|error| vec![error])?
        } else {
            let options = ReadOptions { recursive: self.recursive, renderers: Renderers::default() };
            Box::new(manifest::read(&self.paths, &options))
        };
        Ok((prepared, manifests))
    }

    fn evaluate_all(
        &self,
        prepared: &Prepared,
        manifests: Manifests,
        color: anstream::ColorChoice,
        errors: &mut Errors,
    ) -> io::Result<Outcome> {
        errors.warn_all(&prepared.warnings);
        let mut run = Run {
            check: self,
            reporter: self.reporter(color),
            summary: Summary::default(),
            outcome: Outcome::Passed,
            progress: self.progress(),
            errors,
        };
        let evaluate =
            |manifest: Result<manifest::Manifest, InputError>| prepared.evaluator.evaluate(manifest?);
        pipeline::in_order(manifests, prepared.threads(), evaluate, |result| run.add(result))?;
        let Run { mut reporter, summary, outcome, progress, .. } = run;
        drop(progress);
        reporter.finish(&summary)?;
        if let Some(recording) = &prepared.recording {
            recording.warn_about_leftovers(errors);
        }
        Ok(outcome)
    }

    fn reporter(&self, color: anstream::ColorChoice) -> Box<dyn Reporter> {
        let options = ReportOptions { quiet: self.quiet, show_fixes: self.show_fixes };
        let stdout: Box<dyn Write> = if self.output == Format::Text {
            Box::new(AutoStream::new(io::stdout(), color))
        } else {
            Box::new(io::stdout())
        };
        let out = UntilClosed(stdout);
        if io::stdout().is_terminal() {
            // Errors on the same terminal keep their place.
            return reporter(self.output, out, options);
        }
        reporter(self.output, io::BufWriter::new(out), options)
    }

    /// Shows progress, unless the report itself does.
    fn progress(&self) -> Option<Progress> {
        let shows_lines = self.output == Format::Text && !self.quiet && io::stdout().is_terminal();
        (!shows_lines).then(Progress::new).flatten()
    }

    fn fails(&self, evaluation: &Evaluation) -> bool {
        let warns = || evaluation.findings.iter().any(|finding| finding.level == Level::Warn);
        !self.exit_zero && (evaluation.verdict.is_rejected() || (self.fail_on == FailOn::Warn && warns()))
    }
}

/// The report, while objects are evaluated.
struct Run<'c> {
    check: &'c Check,
    reporter: Box<dyn Reporter>,
    summary: Summary,
    outcome: Outcome,
    progress: Option<Progress>,
    errors: &'c mut Errors,
}

impl Run<'_> {
    fn add(&mut self, result: Result<Evaluation, InputError>) -> io::Result<()> {
        if let Some(progress) = &mut self.progress {
            progress.step();
        }
        match result {
            Ok(evaluation) => {
                self.summary.add(&evaluation);
                if self.check.fails(&evaluation) {
                    self.outcome = self.outcome.max(Outcome::Failed);
                }
                self.reporter.evaluation(&evaluation)
            }
            Err(error) => {
                self.errors.print(&error);
                self.summary.add_unreadable();
                if !self.check.skip_unreadable {
                    self.outcome = Outcome::NotEvaluated;
                }
                self.reporter.unreadable(&error)
            }
        }
    }
}
