//! Fixes an object, and evaluates the result in its place.

use super::request::MutableObject;
use super::response::Response;
use super::review::Review;
use crate::evaluation::evaluate::{Evaluation, RuleFindings, Scope};
use crate::evaluation::registry::Lookups;
use crate::fix::apply::{self, PlannedFix, VolumeSource};
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::workload::MutableFields;
use crate::rules::finding::Finding;
use crate::rules::policy_settings::ActiveRule;
use crate::settings::mode::Mode;

/// The audit annotation that gives the number of fixes of each rule.
const FIXES: &str = "fixes";

/// What is planned for an object.
#[derive(Default)]
struct Plan<'j, 's> {
    fixes: Vec<PlannedFix<'j>>,
    /// The number of fixes of each rule, for the audit log.
    counts: Vec<String>,
    failures: Vec<Failure<'j, 's>>,
}

/// A fix that is not possible.
struct Failure<'j, 's> {
    rule: &'j ActiveRule<'s>,
    path: String,
    reason: String,
    /// What could not be improved, if nothing is wrong.
    suggestion: Option<Finding<'j>>,
}

/// The response to an object with its fixes, or to the object as it is if there are none.
pub(super) fn fix<'j, 's>(
    review: &Review<'j, 's>,
    mut evaluation: Evaluation<'j, 's>,
    object: &MutableObject<'_>,
    scope: Scope<'j>,
    lookups: &mut Lookups<'_>,
) -> Response {
    let volumes = VolumeSource {
        writable_paths: &review.evaluator.settings.writable_paths,
        namespace: review.evaluator.requester.namespace,
    };
    evaluation.remove_covered_suggestions();
    let Plan { fixes, counts, failures } = plan(&evaluation, object, volumes, lookups);
    let fixed = if fixes.is_empty() { None } else { apply::apply(object.json, &fixes, volumes) };
    // Invalid exemptions may be meant for what would be fixed.
    let Some(fixed) = fixed.filter(|_| evaluation.exemptions.errors().is_none()) else {
        explain(&mut evaluation, failures);
        return review.respond(&evaluation, None);
    };
    let pods = match object.pods_of(&fixed) {
        Ok(pods) => pods,
        Err(reason) => {
            return Response::unreadable(format!("{reason} (denied because a fix broke the object)"));
        }
    };
    // The same review, of pods that do not live as long as the request.
    let review = *review;
    let operation = scope.operation.with_pods(&pods);
    // What a fix fills in of a template must not decide what counts, unlike an image that a pod gets back.
    let counts_known = match object.mutable_fields {
        MutableFields::Unset => scope.counts_known,
        MutableFields::Images => review.evaluator.counts_known(operation, review.request.old_metadata),
    };
    let scope = Scope { operation, counts_known, suggestions_for: None };
    let mut evaluation = review.evaluator.evaluate(scope, lookups);
    explain(&mut evaluation, failures);
    let mut response = review.respond(&evaluation, None);
    if response.accepted {
        response.audit_annotations.insert(FIXES, counts.join("; "));
        response.mutated_object = Some(fixed);
    }
    response
}

/// Looks up what fixes need.
fn plan<'j, 's>(
    evaluation: &Evaluation<'j, 's>,
    object: &MutableObject<'_>,
    volumes: VolumeSource<'_, '_>,
    lookups: &mut Lookups<'_>,
) -> Plan<'j, 's> {
    let mut plan = Plan::default();
    for found in evaluation.rules.iter().filter(|found| found.mode == Mode::Fix) {
        let known = plan.fixes.len();
        if object.mutable_fields == MutableFields::Unset {
            for finding in &found.findings {
                plan.add(found, finding, None, volumes, lookups);
            }
        }
        for suggestion in &found.suggestions {
            plan.add(found, suggestion, Some(suggestion), volumes, lookups);
        }
        if plan.fixes.len() > known {
            plan.counts.push(format!("{}: {}", found.rule.id, plan.fixes.len() - known));
        }
    }
    plan
}

impl<'j, 's> Plan<'j, 's> {
    fn add(
        &mut self,
        found: &RuleFindings<'j, 's>,
        finding: &Finding<'j>,
        suggestion: Option<&Finding<'j>>,
        volumes: VolumeSource<'_, '_>,
        lookups: &mut Lookups<'_>,
    ) {
        let Some(fix) = &finding.fix else { return };
        match PlannedFix::new(fix, volumes, |image| lookups.digest_of(image)) {
            Ok(fix) => self.fixes.push(fix),
            Err(reason) => self.failures.push(Failure {
                rule: found.rule,
                path: finding.path.clone(),
                reason,
                suggestion: suggestion.cloned(),
            }),
        }
    }
}

/// Adds the reasons why fixes failed to the findings that are left, and a warning for each failed suggestion.
fn explain<'j, 's>(evaluation: &mut Evaluation<'j, 's>, mut failures: Vec<Failure<'j, 's>>) {
    let mut places = NameIndex::default();
    for (place, failure) in failures.iter().enumerate() {
        places.add(failure.path.clone().into(), place);
    }
    for RuleFindings { rule, findings, .. } in &mut evaluation.rules {
        for finding in findings {
            let failure = places.get(&finding.path).and_then(|place| failures.get_mut(place));
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
            evaluation.rules.push(RuleFindings { rule, mode: Mode::Warn, findings, suggestions: Vec::new() });
        }
    }
}
