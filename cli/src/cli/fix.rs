//! `fix`: writes fixes into manifests.

mod cluster_objects;
mod texts;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use clap::Args;
use immutable_pods::evaluation::Evaluation;
use immutable_pods::fixing::{Fixer, every_fix};
use immutable_pods::input::InputError;
use immutable_pods::policies::load::Loaded;
use immutable_pods::report::{Format, ReportOptions, Reporter, Summary, reporter};

use super::cluster_args::ClusterArgs;
use super::policy_args::{PolicyArgs, Prepared};
use super::registry_access::RegistryAccess;
use super::streams::{Errors, UntilClosed};

/// Write the fixes of the policy into manifests in YAML
///
/// Comments, order and formatting stay. Without `--policy`, every rule that can fix does, except for `imageReference` and
/// `noexecMounts`. With policies, what they fix is written. What stdin, a chart, a kustomization or a cluster contains is printed.
/// The result is evaluated as `check` does.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Fix {
    /// Files and folders with manifests in YAML, or `-` for stdin
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArgs,

    #[command(flatten)]
    policies: PolicyArgs,

    /// Print a patch for `patch -p1`, and write nothing
    #[arg(long)]
    diff: bool,

    /// Also give images the digests of their tags
    ///
    /// Digests come from the registries, with the credentials in docker's configuration, or from a recording. Images of templates
    /// are pinned too: pin them again when their tags move.
    #[arg(long, conflicts_with = "policies")]
    pin: bool,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long, conflicts_with = "cluster")]
    recursive: bool,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods fix --diff deployment.yaml
  immutable-pods fix --recursive --pin manifests/
  helm template chart/ | immutable-pods fix - | kubectl apply -f -
  immutable-pods fix --cluster --diff

Exit codes:
  0  every fixed object is admitted
  1  at least one object is still denied
  2  something could not be read, evaluated, looked up or written";

/// What fixes, and what evaluates the result.
struct Tools {
    fixing: Prepared,
    check: Prepared,
    registry: Option<RegistryAccess>,
}

/// What is left after the fixes.
struct Left<'e> {
    summary: Summary,
    has_problems: bool,
    report: Box<dyn Reporter>,
    errors: &'e mut Errors,
}

impl Fix {
    /// Fixes all inputs, and returns the exit code.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        let mut tools = match self.tools() {
            Ok(tools) => tools,
            Err(reasons) => {
                errors.print_all(&reasons);
                return ExitCode::from(2);
            }
        };
        // The policies that fix are the same, or settings without a registration.
        errors.warn_all(&tools.check.warnings);
        let mut left = Left::new(&mut errors);
        let fixed = if self.cluster.cluster {
            self.fix_cluster(&mut tools, &mut left)
        } else {
            self.fix_texts(&tools, &mut left)
        };
        match fixed.and_then(|()| left.finish(tools.registry.as_ref())) {
            Ok(code) => code,
            Err(error) => {
                errors.print(&format!("stdout: {error}"));
                ExitCode::from(2)
            }
        }
    }

    /// Loads the policies that fix, which are every rule that can fix without `--policy`, and those that evaluate.
    fn tools(&self) -> Result<Tools, Vec<String>> {
        let inputs = self.policies.read()?;
        let registry = self.registry().map_err(|reason| vec![reason])?;
        let mut fixing = inputs.clone();
        if self.policies.policies.is_empty() {
            fixing.policies = Loaded::settings(every_fix(self.pin));
        }
        if let Some(registry) = &registry {
            fixing.engine = registry.given_to(&fixing.engine);
        }
        Ok(Tools { fixing: fixing.prepare()?, check: inputs.for_fixed_objects().prepare()?, registry })
    }

    /// Opens the access to registries, if something can ask for digests and no recording has them.
    fn registry(&self) -> Result<Option<RegistryAccess>, String> {
        let can_ask = self.pin || !self.policies.policies.is_empty();
        if !can_ask || self.policies.replay_host_capabilities_interactions.is_some() {
            return Ok(None);
        }
        match RegistryAccess::open() {
            Err(reason) if self.pin => Err(reason),
            opened => Ok(opened.ok()),
        }
    }

    /// Returns what fixes objects.
    fn fixer<'t>(&self, tools: &'t Tools) -> Fixer<'t> {
        Fixer { evaluator: &tools.fixing.evaluator, pins_templates: self.pin }
    }
}

impl<'e> Left<'e> {
    fn new(errors: &'e mut Errors) -> Self {
        // Texts and patches go to stdout.
        let out: Box<dyn Write> = Box::new(AutoStream::new(io::stderr(), ColorChoice::Auto));
        let report =
            reporter(Format::Text, UntilClosed(out), ReportOptions { quiet: true, show_fixes: false });
        Self { summary: Summary::default(), has_problems: false, report, errors }
    }

    fn add_problem(&mut self, problem: &InputError) {
        self.has_problems = true;
        self.summary.add_unreadable();
        self.errors.print(problem);
    }

    fn fail(&mut self, reason: &str) {
        self.has_problems = true;
        self.errors.print(&reason);
    }

    fn add(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.summary.add(evaluation);
        self.report.evaluation(evaluation)
    }

    /// Ends the report, and returns the exit code.
    fn finish(mut self, registry: Option<&RegistryAccess>) -> io::Result<ExitCode> {
        let failures = registry.map(RegistryAccess::failures).unwrap_or_default();
        self.errors.print_all(&failures);
        self.report.finish(&self.summary)?;
        Ok(if self.has_problems || !failures.is_empty() {
            ExitCode::from(2)
        } else if self.summary.rejected() > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}
