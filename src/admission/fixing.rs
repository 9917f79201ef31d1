//! Plans the fixes of an object, applies them, and reports the fixes that are not possible.

use serde_json::value::RawValue;

use super::request::MutableObject;
use crate::evaluation::evaluate::{Evaluation, RuleFindings};
use crate::evaluation::registry::RegistryCache;
use crate::fix::apply;
use crate::fix::plan::{PlannedFix, VolumeSource};
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::workload::MutableFields;
use crate::rules::active_rule::ActiveRule;
use crate::rules::finding::Finding;
use crate::settings::mode::Mode;

/// Maximum number of volumes that fixes add to an object, so that a small object cannot become a large one: each container gets a
/// volume for each writable path.
const MAX_ADDED_VOLUMES: usize = 10_000;

/// The fixes of an object.
#[derive(Default)]
pub(super) struct Fixes<'j, 's> {
    planned: Vec<PlannedFix<'j, 's>>,
    /// The number of volumes that the planned fixes add.
    added_volumes: usize,
    /// The number of fixes of each rule, for the audit log: `capabilities: 2`.
    pub(super) counts: Vec<String>,
    failures: Vec<Failure<'j, 's>>,
    /// Whether fixes are missing because the registry was not queried about digests.
    pub(super) lack_digests: bool,
}

/// A fix that is not possible.
struct Failure<'j, 's> {
    rule: &'j ActiveRule<'s>,
    path: String,
    reason: String,
    /// The suggestion, if the object does not violate the rule.
    suggestion: Option<Finding<'j>>,
}

impl<'j, 's> Fixes<'j, 's> {
    /// Plans the fixes of all findings and suggestions. Without a registry, fixes that need a digest are left out.
    pub(super) fn plan(
        evaluation: &Evaluation<'j, 's>,
        object: &MutableObject<'_>,
        volumes: VolumeSource<'_, 's>,
        mut registry_cache: Option<&mut RegistryCache<'_>>,
    ) -> Self {
        let mut fixes = Self::default();
        for found in evaluation.rules.iter().filter(|found| found.mode == Mode::Fix) {
            let known = fixes.planned.len();
            if object.mutable_fields == MutableFields::Unset {
                for finding in &found.findings {
                    fixes.add(found, finding, None, volumes, registry_cache.as_deref_mut());
                }
            }
            for suggestion in &found.suggestions {
                fixes.add(found, suggestion, Some(suggestion), volumes, registry_cache.as_deref_mut());
            }
            if fixes.planned.len() > known {
                fixes.counts.push(format!("{}: {}", found.rule.id, fixes.planned.len() - known));
            }
        }
        fixes
    }

    fn add(
        &mut self,
        found: &RuleFindings<'j, 's>,
        finding: &Finding<'j>,
        suggestion: Option<&Finding<'j>>,
        volumes: VolumeSource<'_, 's>,
        registry_cache: Option<&mut RegistryCache<'_>>,
    ) {
        let Some(fix) = &finding.fix else { return };
        if fix.needs_digest() && registry_cache.is_none() {
            self.lack_digests = true;
            return;
        }
        let digest_of = |image: &str| match registry_cache {
            Some(registry_cache) => registry_cache.digest_of(image),
            None => Err(String::new()),
        };
        match PlannedFix::new(fix, volumes, digest_of).and_then(|planned| self.with_volumes_of(planned)) {
            Ok(planned) => self.planned.push(planned),
            Err(reason) => self.failures.push(Failure {
                rule: found.rule,
                path: finding.path.clone(),
                reason,
                suggestion: suggestion.cloned(),
            }),
        }
    }

    /// Counts the volumes that a fix adds.
    ///
    /// # Errors
    /// The reason why the fix cannot be applied, if it would add too many.
    fn with_volumes_of(&mut self, planned: PlannedFix<'j, 's>) -> Result<PlannedFix<'j, 's>, String> {
        let added = self.added_volumes.saturating_add(planned.added_volumes());
        if added > MAX_ADDED_VOLUMES {
            return Err(format!("fixes add at most {MAX_ADDED_VOLUMES} volumes to an object"));
        }
        self.added_volumes = added;
        Ok(planned)
    }

    /// Returns the fixed object. Returns `None` if there is nothing to fix, or if the object is not JSON.
    pub(super) fn apply_to(
        &self,
        object: &MutableObject<'_>,
        volumes: VolumeSource<'_, '_>,
    ) -> Option<Box<RawValue>> {
        if self.planned.is_empty() { None } else { apply::apply(object.json, &self.planned, volumes) }
    }

    /// Adds the reasons why fixes are not possible to the remaining findings, and a warning for each suggestion that failed.
    pub(super) fn explain_failures<'e>(self, evaluation: &mut Evaluation<'e, 's>)
    where
        'j: 'e,
    {
        let mut failures = self.failures;
        let mut by_path = NameIndex::default();
        for (index, failure) in failures.iter().enumerate() {
            by_path.add(failure.path.clone().into(), index);
        }
        for RuleFindings { rule, findings, .. } in &mut evaluation.rules {
            for finding in findings {
                let failure = by_path.get(&finding.path).and_then(|index| failures.get_mut(index));
                if let Some(failure) = failure.filter(|failure| failure.rule.id == rule.id) {
                    finding.explain(&failure.reason);
                    failure.suggestion = None;
                }
            }
        }
        for Failure { rule, reason, suggestion, .. } in failures {
            if let Some(mut suggestion) = suggestion {
                suggestion.explain(&reason);
                let findings = vec![suggestion];
                evaluation.rules.push(RuleFindings {
                    rule,
                    mode: Mode::Warn,
                    findings,
                    suggestions: Vec::new(),
                    pending: Vec::new(),
                });
            }
        }
    }
}
