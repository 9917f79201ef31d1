//! Evaluates manifests with the policies of a cluster.

use immutable_pods_policy::kubernetes::field_path;

use crate::admission::Subject;
use crate::evaluation::Evaluation;
use crate::finding::Line;
use crate::input::{InputError, Position, Problem};
use crate::manifest::Manifest;
use crate::policies::load::{Loaded, LoadedSettings};
use crate::policies::registration::Cluster;
use crate::policies::{Outcome, PolicySet};
use crate::policy::{Error, Policy};
use crate::printable::lines;

/// An engine with policies whose settings are valid.
#[derive(Debug)]
pub struct Evaluator {
    engine: Policy,
    policies: PolicySet,
    cluster: Cluster,
}

/// Why nothing can be evaluated.
#[derive(Debug)]
pub enum Unusable {
    /// The settings are invalid.
    Settings(Vec<InputError>),
    /// The policy does not validate settings.
    Engine(Error),
}

impl Evaluator {
    /// Validates the settings of all policies.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings, or why the policy does not validate them.
    pub fn new(engine: Policy, loaded: Loaded, cluster: Cluster) -> Result<Self, Unusable> {
        let mut errors = Vec::new();
        for settings in &loaded.settings {
            errors.extend(invalid(&engine, settings).map_err(Unusable::Engine)?);
        }
        if !errors.is_empty() {
            return Err(Unusable::Settings(errors));
        }
        Ok(Self { engine, policies: loaded.policies, cluster })
    }

    /// Returns the policies.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// Returns what is known about the cluster, to change it.
    pub fn cluster_mut(&mut self) -> &mut Cluster {
        &mut self.cluster
    }

    /// Evaluates a manifest as a cluster would: an object as if it was created, a request as it is.
    ///
    /// # Errors
    ///
    /// If a policy has no verdict.
    pub fn evaluate(&self, manifest: Manifest) -> Result<Evaluation, InputError> {
        let (source, locator) = (manifest.source.clone(), manifest.locator());
        let request = manifest.into_request_with(&self.cluster.resources);
        let subject = Subject::of(&request);
        let Outcome { verdict, mut findings, policies, fix } = self
            .policies
            .evaluate(&self.engine, &self.cluster, request)
            .map_err(|error| InputError::new(source.clone(), Problem::Evaluation(error.to_string())))?;
        for finding in &mut findings {
            finding.position = finding.path.as_deref().and_then(|path| locator.position(path));
        }
        Ok(Evaluation { source, subject, verdict, findings, policies, fix })
    }
}

/// Returns each reason why settings are invalid.
fn invalid(engine: &Policy, loaded: &LoadedSettings) -> Result<Vec<InputError>, Error> {
    let verdict = engine.validate_settings(&loaded.settings)?;
    if verdict.valid {
        return Ok(Vec::new());
    }
    let message = verdict.message.unwrap_or_default();
    let mut reasons: Vec<String> = lines(&message).collect();
    if reasons.is_empty() {
        reasons.push("the policy rejects these settings without a reason".to_owned());
    }
    let error = |reason: String| {
        let position = position(loaded, &reason);
        InputError::new(loaded.source.clone(), Problem::Settings { position, reason })
    };
    Ok(reasons.into_iter().map(error).collect())
}

/// Returns the position of the setting that a reason begins with.
fn position(loaded: &LoadedSettings, reason: &str) -> Option<Position> {
    let mut path = loaded.path.clone();
    field_path::push_path(&mut path, Line::parse(reason).path?.trim_matches('`'));
    loaded.locator.as_ref()?.position(&path)
}
