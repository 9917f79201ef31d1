//! The arguments that name an engine, policies, and what is known about the cluster.

use std::path::{Path, PathBuf};
use std::thread;

use clap::Args;
use immutable_pods::Policy;
use immutable_pods::evaluator::{Evaluator, Unusable};
use immutable_pods::input::{InputError, Problem, Source};
use immutable_pods::manifest::{self, Content, ReadOptions};
use immutable_pods::policies::load::{self, Loaded};
use immutable_pods::policies::registration::{Cluster, KUBEWARDEN};

use super::engine::{failure, load as load_engine};
use super::recording::Recording;

/// Policies, and what is known about their cluster.
#[derive(Debug, Clone, Args)]
pub(super) struct PolicyArgs {
    /// Settings in YAML or JSON, or manifests of policies and groups; can be repeated [default: no settings]
    ///
    /// With manifests of policies, objects get the verdict of the cluster: mutating policies change an object first, in the order
    /// of their names, and validating policies evaluate the result. `rules`, `namespaceSelector`, `objectSelector`, `mode` and
    /// `mutating` apply. `matchConditions` are not evaluated: the object is, and the output says so.
    #[arg(long = "policy", value_name = "FILE", alias = "settings")]
    pub(super) policies: Vec<PathBuf>,

    /// A module of the policy to evaluate with [default: the rules in this program]
    #[arg(long, value_name = "WASM")]
    pub(super) module: Option<PathBuf>,

    /// Files and folders with `Namespace` objects, whose labels `namespaceSelector` needs; can be repeated
    #[arg(long, value_name = "PATH")]
    namespaces: Vec<PathBuf>,

    /// Files and folders with `CustomResourceDefinition` objects, whose plural names `rules` need; can be repeated
    #[arg(long, value_name = "PATH")]
    crds: Vec<PathBuf>,

    /// The namespace of Kubewarden, which policies for the whole cluster leave out
    #[arg(long, value_name = "NAME", default_value = KUBEWARDEN)]
    kubewarden_namespace: String,

    /// Answers to host calls of the policy, recorded by `kwctl run --record-host-capabilities-interactions`
    ///
    /// Without a recording, host calls fail.
    ///
    /// Each answer is used once, in the order of the file, which continues from object to object. A recording is a list: to
    /// join the recordings of several objects, append one to the other.
    #[arg(long, value_name = "FILE")]
    pub(super) replay_host_capabilities_interactions: Option<PathBuf>,
}

/// What the arguments name. Everything is read once, because a pipe such as `/dev/stdin` is empty afterwards.
#[derive(Clone)]
pub(super) struct PolicyInputs {
    pub(super) policies: Loaded,
    pub(super) engine: Policy,
    /// The file of the module, for errors.
    pub(super) module: Option<PathBuf>,
    recording: Option<Recording>,
    cluster: Cluster,
}

/// What evaluates objects, and what users should know before.
pub(super) struct Prepared {
    pub(super) evaluator: Evaluator,
    pub(super) recording: Option<Recording>,
    /// Settings without effect, in sentences.
    pub(super) warnings: Vec<String>,
}

impl Prepared {
    /// Returns the number of threads that evaluate. The answers of a recording have an order.
    pub(super) fn threads(&self) -> usize {
        let all = || thread::available_parallelism().map_or(1, usize::from);
        if self.recording.is_some() { 1 } else { all() }
    }
}

impl PolicyInputs {
    /// Returns the same inputs for objects that were fixed with them: a fixed object needs only some of the answers of the recording.
    pub(super) fn for_fixed_objects(self) -> Self {
        let recording = self.recording.as_ref().map(Recording::in_any_order);
        Self { recording, ..self }
    }

    /// Validates the settings. The evaluator begins at the start of the recording. An error contains all reasons.
    pub(super) fn prepare(self) -> Result<Prepared, Vec<String>> {
        let Self { policies, engine, module, recording, cluster } = self;
        let warnings = policies.void_settings();
        let recording = recording.as_ref().map(Recording::with_own_position);
        let engine =
            recording.as_ref().map_or_else(|| engine.clone(), |recording| recording.given_to(&engine));
        let evaluator = Evaluator::new(engine, policies, cluster).map_err(|unusable| match unusable {
            Unusable::Settings(errors) => sentences(&errors),
            Unusable::Engine(error) => vec![failure(module.as_deref(), &error)],
        })?;
        Ok(Prepared { evaluator, recording, warnings })
    }
}

impl PolicyArgs {
    /// Loads everything that is named. An error contains all reasons.
    pub(super) fn prepare(&self) -> Result<Prepared, Vec<String>> {
        self.read()?.prepare()
    }

    /// Reads everything that is named. An error contains all reasons.
    pub(super) fn read(&self) -> Result<PolicyInputs, Vec<String>> {
        let files: Vec<&Path> = self.policies.iter().map(PathBuf::as_path).collect();
        let policies = load::load(&files).map_err(|errors| sentences(&errors))?;
        let recording = self.replay_host_capabilities_interactions.as_deref().map(Recording::read);
        let recording = recording.transpose().map_err(|error| vec![error.to_string()])?;
        let engine = load_engine(self.module.as_deref()).map_err(|error| vec![error])?;
        let cluster = self.cluster().map_err(|errors| sentences(&errors))?;
        Ok(PolicyInputs { policies, engine, module: self.module.clone(), recording, cluster })
    }

    fn cluster(&self) -> Result<Cluster, Vec<InputError>> {
        let kubewarden_namespace = self.kubewarden_namespace.clone();
        let mut cluster = Cluster { kubewarden_namespace, ..Cluster::default() };
        add_objects(&self.namespaces, "Namespace", |object| cluster.namespaces.add(object))?;
        add_objects(&self.crds, "CustomResourceDefinition", |object| cluster.resources.define(object))?;
        Ok(cluster)
    }
}

/// Passes every object in files on. Other kinds are ignored, but a path without any object of the kind is an error.
fn add_objects(
    paths: &[PathBuf],
    kind: &'static str,
    mut add: impl FnMut(&serde_json::Map<String, serde_json::Value>) -> bool,
) -> Result<(), Vec<InputError>> {
    let mut errors = Vec::new();
    for path in paths {
        let mut found = false;
        for manifest in manifest::read(std::slice::from_ref(path), &ReadOptions::default()) {
            match manifest {
                Ok(manifest) => {
                    if let Content::Object(object) = &manifest.content {
                        found |= add(object);
                    }
                }
                Err(error) => errors.push(error),
            }
        }
        if !found && errors.is_empty() {
            errors.push(InputError::new(Source::file(path.display().to_string()), Problem::Lacks(kind)));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Returns errors as sentences.
pub(super) fn sentences(errors: &[InputError]) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}
