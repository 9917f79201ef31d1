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
use crate::policy::Policy;
use crate::printable::lines;

/// An engine with policies whose settings are valid.
#[derive(Debug)]
pub struct Evaluator {
    engine: Policy,
    policies: PolicySet,
    cluster: Cluster,
}

impl Evaluator {
    /// Validates the settings of all policies.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the settings.
    pub fn new(engine: Policy, loaded: Loaded, cluster: Cluster) -> Result<Self, Vec<InputError>> {
        let errors: Vec<_> = loaded.settings.iter().flat_map(|settings| invalid(&engine, settings)).collect();
        if errors.is_empty() { Ok(Self { engine, policies: loaded.policies, cluster }) } else { Err(errors) }
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
fn invalid(engine: &Policy, loaded: &LoadedSettings) -> Vec<InputError> {
    let error = |problem| vec![InputError::new(loaded.source.clone(), problem)];
    let verdict = match engine.validate_settings(&loaded.settings) {
        Ok(verdict) if verdict.valid => return Vec::new(),
        Ok(verdict) => verdict,
        Err(reason) => return error(Problem::Evaluation(reason.to_string())),
    };
    let message = verdict.message.unwrap_or_default();
    let mut reasons = lines(&message).peekable();
    if reasons.peek().is_none() {
        let reason = "the policy rejects these settings without a reason".to_owned();
        return error(Problem::Settings { position: None, reason });
    }
    reasons
        .flat_map(|reason| error(Problem::Settings { position: position(loaded, &reason), reason }))
        .collect()
}

/// Returns the position of the setting that a reason begins with.
fn position(loaded: &LoadedSettings, reason: &str) -> Option<Position> {
    let mut path = loaded.path.clone();
    field_path::push_path(&mut path, Line::parse(reason).path?.trim_matches('`'));
    loaded.locator.as_ref()?.position(&path)
}
