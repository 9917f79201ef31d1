//! One JSON document, for scripts. `schemas/output.schema.json` describes it.

use std::io::{self, Write};

use immutable_pods_policy::rules::rule::Severity;
use json_patch::Patch;
use serde::Serialize;
use serde_json::json;

use super::json_list::JsonList;
use super::location::Location;
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Fix, Level, PolicyOutcome, PolicyResult, Verdict};
use crate::input::InputError;

/// The version of the document: a change that breaks scripts increments it.
const VERSION: u32 = 1;

/// Writes one object per line.
#[derive(Debug)]
pub(super) struct Json<W> {
    objects: JsonList<W>,
    unreadable: Vec<Unreadable>,
}

impl<W: Write> Json<W> {
    pub(super) fn new(out: W) -> Self {
        let program = json!({"name": crate::NAME, "version": crate::VERSION});
        let head = format!("{{\"version\":{VERSION},\"program\":{program},\"objects\":[");
        Self { objects: JsonList::new(out, head), unreadable: Vec::new() }
    }
}

impl<W: Write> Reporter for Json<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        self.objects.push(&Object::of(evaluation))
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let location = Location::of_error(error);
        self.unreadable.push(Unreadable {
            file: location.file.to_owned(),
            document: error.at.document,
            items: error.at.items.clone(),
            line: location.position.map(|position| position.line),
            column: location.position.map(|position| position.column),
            message: error.problem.to_string(),
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let unreadable = serde_json::to_string(&self.unreadable)?;
        let summary = json!({
            "objects": summary.objects(),
            "admitted": summary.admitted,
            "fixed": summary.fixed,
            "denied": summary.denied,
            "refused": summary.refused,
            "nothingToEvaluate": summary.empty,
            "skipped": summary.skipped,
            "warnings": summary.warnings,
            "monitored": summary.monitored,
            "unreadable": summary.unreadable,
            "findings": summary.findings,
        });
        self.objects.end(&format!("\n],\n\"unreadable\":{unreadable},\n\"summary\":{summary}}}"))
    }
}

#[derive(Debug, Serialize)]
struct Unreadable {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    message: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<usize>,
    #[serde(skip_serializing_if = "<[usize]>::is_empty")]
    items: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<&'a str>,
    api_version: &'a str,
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    verdict: Verdict,
    findings: Vec<FindingOf<'a>>,
    policies: Vec<PolicyOf<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
}

impl<'a> Object<'a> {
    fn of(evaluation: &'a Evaluation) -> Self {
        let Evaluation { source, subject, verdict, findings, policies, fix } = evaluation;
        Self {
            file: &source.file,
            document: source.document,
            items: &source.items,
            template: source.template.as_deref(),
            api_version: &subject.api_version,
            kind: &subject.kind,
            namespace: subject.namespace.as_deref(),
            name: &subject.name,
            verdict: *verdict,
            findings: findings.iter().map(FindingOf::of).collect(),
            policies: policies.iter().map(PolicyOf::of).collect(),
            patch: fix.as_ref().map(|Fix { before, after }| json_patch::diff(before, after)),
        }
    }
}

#[derive(Serialize)]
struct FindingOf<'a> {
    level: Level,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
    fingerprint: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    policy: &'a str,
}

impl<'a> FindingOf<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            level: finding.level,
            rule: finding.rule.as_deref(),
            severity: finding.severity().map(Severity::as_str),
            path: finding.path.as_deref(),
            message: &finding.message,
            line: finding.position.map(|position| position.line),
            column: finding.position.map(|position| position.column),
            fingerprint: &finding.fingerprint,
            policy: &finding.policy,
        }
    }
}

#[derive(Serialize)]
struct PolicyOf<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
}

impl<'a> PolicyOf<'a> {
    fn of(policy: &'a PolicyResult) -> Self {
        let (outcome, reason) = match &policy.outcome {
            PolicyOutcome::Pass => ("pass", None),
            PolicyOutcome::Fixed => ("fixed", None),
            PolicyOutcome::Warn => ("warn", None),
            PolicyOutcome::Fail => ("fail", None),
            PolicyOutcome::Monitored => ("monitored", None),
            PolicyOutcome::Refused(reason) => ("refused", Some(reason.as_str())),
            PolicyOutcome::Skipped(reason) => ("skipped", Some(reason.as_str())),
        };
        Self { name: &policy.name, outcome, reason, notes: &policy.notes }
    }
}
