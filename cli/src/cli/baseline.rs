//! `baseline`: proposes settings under which everything that exists now is admitted.

use std::path::PathBuf;
use std::process::ExitCode;

use anstream::ColorChoice;
use clap::Args;
use immutable_pods::Policy;
use immutable_pods::baseline::{self, Expiry, JudgedObject, Proposal};
use immutable_pods::evaluator::{Evaluator, Unusable};
use immutable_pods::manifest::{self, ReadOptions, Renderers};
use immutable_pods::policies::load::{self, Loaded};
use immutable_pods::policies::registration::Cluster;
use jiff::{ToSpan as _, Zoned};
use serde_json::{Map, Value};

use super::cluster_args::{self, ClusterArgs, Manifests};
use super::engine::failure;
use super::policy_args::sentences;
use super::progress::Progress;
use super::streams::{Errors, print};

/// Propose the narrowest settings under which everything that exists now is admitted
///
/// Rules that nothing violates deny. What violates the other ones is exempt: each container in its namespace, by the repository of
/// its image, until a day. Containers can write only to the paths, and run only images of the repositories, that are in use now.
/// Without any of these entries, something would be denied. The settings are printed, ready for `--policy`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Baseline {
    /// Files and folders with manifests in YAML or JSON, or `-` for stdin
    #[arg(required_unless_present = "cluster", conflicts_with = "cluster", value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    cluster: ClusterArgs,

    /// Settings to begin with, or the manifest of a policy; they are kept [default: no settings]
    #[arg(long, value_name = "FILE", alias = "settings")]
    policy: Option<PathBuf>,

    /// The day on which the exemptions expire, such as 2027-06-30 [default: in 90 days]
    #[arg(long, value_name = "DATE", value_parser = Expiry::parse)]
    expires: Option<Expiry>,

    /// Also read the subfolders of folders
    #[arg(short = 'R', long, conflicts_with = "cluster")]
    recursive: bool,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods baseline --recursive manifests/ > settings.yaml
  immutable-pods baseline --cluster --expires 2027-06-30 > settings.yaml
  immutable-pods check --cluster --policy settings.yaml

Exit codes:
  0  everything is admitted under the printed settings
  2  something could not be read, or no settings admit it";

/// Days until exemptions expire, unless a day is given.
const DAYS: i64 = 90;

impl Baseline {
    /// Prints the settings, and returns the exit code.
    pub(super) fn exec(&self) -> ExitCode {
        let mut errors = Errors::new(ColorChoice::Auto);
        let expiry = self.expires.clone().map_or_else(in_90_days, Ok);
        let proposed = expiry.and_then(|expiry| {
            let given = self.given(&mut errors)?;
            let (objects, is_complete) = self.read(&given, &mut errors)?;
            let proposal =
                baseline::propose(&given, &objects, &expiry).map_err(|error| vec![error.to_string()])?;
            Ok((proposal, is_complete, expiry))
        });
        let (proposal, is_complete, expiry) = match proposed {
            Ok(proposed) => proposed,
            Err(reasons) => {
                errors.print_all(&reasons);
                return ExitCode::from(2);
            }
        };
        report_denied(&proposal, &mut errors);
        let printed = print(&baseline::to_yaml(&proposal, &expiry));
        if is_complete && proposal.denied.is_empty() { printed } else { ExitCode::from(2) }
    }

    /// Returns the settings to begin with, which must be valid.
    fn given(&self, errors: &mut Errors) -> Result<Map<String, Value>, Vec<String>> {
        let Some(file) = &self.policy else { return Ok(Map::new()) };
        let loaded = load::load(&[file]).map_err(|errors| sentences(&errors))?;
        let given = match &*loaded.settings {
            [one] => one.settings.as_object().cloned().unwrap_or_default(),
            several => {
                return Err(vec![format!("{}: expected one policy, got {}", file.display(), several.len())]);
            }
        };
        let warnings = loaded.void_settings();
        evaluator(loaded)?;
        errors.warn_all(&warnings);
        Ok(given)
    }

    /// Reads all objects, and returns whether all could be read.
    fn read(
        &self,
        given: &Map<String, Value>,
        errors: &mut Errors,
    ) -> Result<(Vec<JudgedObject>, bool), Vec<String>> {
        let mut evaluator = evaluator(Loaded::settings(given.clone()))?;
        let manifests = self.manifests(&mut evaluator)?;
        let (mut objects, mut is_complete) = (Vec::new(), true);
        let mut progress = Progress::new();
        for manifest in manifests {
            if let Some(progress) = &mut progress {
                progress.step();
            }
            match manifest {
                Ok(manifest) => {
                    objects.extend(JudgedObject::read(manifest, &evaluator.cluster_mut().resources));
                }
                Err(error) => {
                    is_complete = false;
                    errors.print(&error);
                }
            }
        }
        Ok((objects, is_complete))
    }

    fn manifests(&self, evaluator: &mut Evaluator) -> Result<Manifests, Vec<String>> {
        if self.cluster.cluster {
            return cluster_args::read(&self.cluster, evaluator).map_err(|error| vec![error]);
        }
        let options = ReadOptions { recursive: self.recursive, renderers: Renderers::default() };
        Ok(Box::new(manifest::read(&self.paths, &options)))
    }
}

/// Returns an evaluator with valid settings.
fn evaluator(loaded: Loaded) -> Result<Evaluator, Vec<String>> {
    Evaluator::new(Policy::linked(), loaded, Cluster::default()).map_err(|unusable| match unusable {
        Unusable::Settings(errors) => sentences(&errors),
        Unusable::Engine(error) => vec![failure(None, &error)],
    })
}

fn in_90_days() -> Result<Expiry, Vec<String>> {
    let day = Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC).date().checked_add(DAYS.days());
    let expiry = day.map_err(|error| error.to_string()).and_then(|day| Expiry::parse(&day.to_string()));
    expiry.map_err(|reason| vec![format!("the clock of this machine: {reason}")])
}

/// Lists what no settings admit.
fn report_denied(proposal: &Proposal, errors: &mut Errors) {
    for (place, reason) in &proposal.denied {
        let first = reason.lines().next().unwrap_or_default();
        errors.print(&format!("{place}: no settings admit it: {first}"));
    }
}
