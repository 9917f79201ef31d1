//! Reports of the API `openreports.io/v1alpha1`, as YAML: one for each namespace, and one for the cluster.
//!
//! Source: <https://github.com/openreports/reports-api>

use std::collections::BTreeMap;
use std::io::{self, Write};

use immutable_pods_policy::rules::rule::Severity;
use serde::Serialize;

use super::location::Location;
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Level, Verdict};
use crate::input::InputError;

/// Writes the reports at the end. Passed and skipped objects are counts: they have no results.
#[derive(Debug)]
pub(super) struct OpenReports<W> {
    out: W,
    reports: BTreeMap<Option<String>, Report>,
}

impl<W: Write> OpenReports<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, reports: BTreeMap::new() }
    }

    fn report(&mut self, namespace: Option<&str>) -> &mut Report {
        let namespace = namespace.map(str::to_owned);
        self.reports.entry(namespace).or_insert_with_key(|namespace| Report::new(namespace.as_deref()))
    }
}

impl<W: Write> Reporter for OpenReports<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let report = self.report(evaluation.subject.namespace.as_deref());
        for finding in &evaluation.findings {
            report.push(ResultOf::finding(evaluation, finding));
        }
        for reason in evaluation.reasons_of_servers() {
            report.push(ResultOf::refusal(evaluation, reason));
        }
        match evaluation.verdict {
            Verdict::NothingToEvaluate | Verdict::Skipped => report.summary.skip += 1,
            _ if evaluation.findings.is_empty() && !evaluation.verdict.is_rejected() => {
                report.summary.pass += 1;
            }
            _ => {}
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        self.report(None).push(ResultOf::error(error));
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        for report in self.reports.values() {
            let yaml = serde_saphyr::to_string(report).map_err(io::Error::other)?;
            write!(self.out, "---\n{yaml}")?;
        }
        self.out.flush()
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    source: &'static str,
    summary: Counts,
    results: Vec<ResultOf>,
}

impl Report {
    fn new(namespace: Option<&str>) -> Self {
        Self {
            api_version: "openreports.io/v1alpha1",
            kind: if namespace.is_some() { "Report" } else { "ClusterReport" },
            metadata: Metadata { name: crate::NAME, namespace: namespace.map(str::to_owned) },
            source: crate::NAME,
            summary: Counts::default(),
            results: Vec::new(),
        }
    }

    fn push(&mut self, result: ResultOf) {
        match result.result {
            Outcome::Fail => self.summary.fail += 1,
            Outcome::Warn => self.summary.warn += 1,
            Outcome::Error => self.summary.error += 1,
        }
        self.results.push(result);
    }
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Fail,
    Warn,
    Error,
}

#[derive(Debug, Serialize)]
struct ResultOf {
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    result: Outcome,
    /// Whether the result denies an object.
    scored: bool,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<Resource>,
    properties: BTreeMap<&'static str, String>,
}

impl ResultOf {
    fn finding(evaluation: &Evaluation, finding: &Finding) -> Self {
        let mut properties = properties(&Location::of(&evaluation.source, finding.position));
        properties.extend(finding.path.as_ref().map(|path| ("path", path.clone())));
        properties.insert("fingerprint", finding.fingerprint.clone());
        let policy = if finding.policy.is_empty() { crate::NAME } else { &finding.policy };
        Self {
            policy: policy.to_owned(),
            rule: finding.rule.clone(),
            severity: finding.severity().map(Severity::as_str),
            result: if finding.level == Level::Deny { Outcome::Fail } else { Outcome::Warn },
            scored: finding.level == Level::Deny,
            message: finding.message.clone(),
            resources: vec![Resource::of(evaluation)],
            properties,
        }
    }

    fn refusal(evaluation: &Evaluation, reason: &str) -> Self {
        let properties = properties(&Location::of(&evaluation.source, None));
        let resources = vec![Resource::of(evaluation)];
        Self { resources, scored: true, ..Self::without_rule(Outcome::Fail, reason.to_owned(), properties) }
    }

    fn error(error: &InputError) -> Self {
        let properties = properties(&Location::of_error(error));
        Self::without_rule(Outcome::Error, error.problem.to_string(), properties)
    }

    fn without_rule(result: Outcome, message: String, properties: BTreeMap<&'static str, String>) -> Self {
        Self {
            policy: crate::NAME.to_owned(),
            rule: None,
            severity: None,
            result,
            scored: false,
            message,
            resources: Vec::new(),
            properties,
        }
    }
}

fn properties(location: &Location<'_>) -> BTreeMap<&'static str, String> {
    let mut properties = BTreeMap::from([("file", location.file.to_owned())]);
    if let Some(position) = location.position {
        properties.insert("line", position.line.to_string());
        properties.insert("column", position.column.to_string());
    }
    properties
}

/// A reference to an object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(skip_serializing_if = "String::is_empty")]
    api_version: String,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
}

impl Resource {
    fn of(evaluation: &Evaluation) -> Self {
        let subject = evaluation.subject.clone();
        Self {
            api_version: subject.api_version,
            kind: subject.kind,
            namespace: subject.namespace,
            name: subject.name,
        }
    }
}
