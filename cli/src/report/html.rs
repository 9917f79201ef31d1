//! One page without scripts, fonts or pictures from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use immutable_pods_policy::evaluation::report::count;
use immutable_pods_policy::rules::RULES;
use sha2::{Digest, Sha256};

use super::location::{Location, place};
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Level, Verdict};
use crate::input::InputError;
use crate::printable::one_line;
use crate::rules;

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// The name of the column for findings without a rule.
const NO_RULE: &str = "other";

/// Writes the page at the end. Admitted objects without findings are counts.
#[derive(Debug)]
pub(super) struct Html<W> {
    out: W,
    namespaces: BTreeMap<Option<String>, Namespace>,
    unreadable: Vec<Unreadable>,
    /// The number of objects with a row.
    rows: usize,
}

impl<W: Write> Html<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, namespaces: BTreeMap::new(), unreadable: Vec::new(), rows: 0 }
    }
}

impl<W: Write> Reporter for Html<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let namespace =
            self.namespaces.entry(evaluation.subject.namespace.as_deref().map(one_line)).or_default();
        if evaluation.findings.is_empty() && !evaluation.verdict.is_rejected() {
            namespace.without_findings += 1;
            return Ok(());
        }
        self.rows += 1;
        namespace.rows.push(Row::of(self.rows, evaluation));
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        self.unreadable.push(Unreadable {
            place: one_line(&Location::of_error(error).to_string()),
            message: one_line(&error.problem.to_string()),
        });
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let columns = columns(&self.namespaces);
        let page = Page {
            name: crate::NAME,
            version: crate::VERSION,
            repository: crate::REPOSITORY,
            style: STYLE,
            style_hash: hash(STYLE),
            script: SCRIPT,
            script_hash: hash(SCRIPT),
            sentence: summary.to_string(),
            tiles: tiles(summary),
            columns: &columns,
            namespaces: &self.namespaces,
            unreadable: &self.unreadable,
        };
        page.write_into(&mut self.out)?;
        self.out.flush()
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    name: &'static str,
    version: &'static str,
    repository: &'static str,
    style: &'static str,
    style_hash: String,
    script: &'static str,
    script_hash: String,
    sentence: String,
    tiles: Vec<Tile>,
    columns: &'a [Column],
    namespaces: &'a BTreeMap<Option<String>, Namespace>,
    unreadable: &'a [Unreadable],
}

/// Returns the hash with which a Content-Security-Policy allows a text between tags.
fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// A number in the summary.
struct Tile {
    number: usize,
    label: &'static str,
    class: &'static str,
}

fn tiles(summary: &Summary) -> Vec<Tile> {
    let always = [
        (summary.objects(), "objects", ""),
        (summary.rejected(), "denied", "deny"),
        (summary.admitted, "admitted", "admit"),
    ];
    let others = [
        (summary.warnings, "warnings", "warn"),
        (summary.monitored, "monitored", "monitor"),
        (summary.fixed, "fixed", "admit"),
        (summary.skipped + summary.empty, "skipped", ""),
        (summary.unreadable, "unreadable", "deny"),
    ];
    always
        .into_iter()
        .chain(others.into_iter().filter(|(number, ..)| *number > 0))
        .map(|(number, label, class)| Tile { number, label, class })
        .collect()
}

#[derive(Debug)]
struct Unreadable {
    place: String,
    message: String,
}

/// A rule with findings.
#[derive(Debug)]
struct Column {
    /// The number of the column. Ids of other policies need not be valid in addresses.
    number: usize,
    id: String,
    severity: &'static str,
    documentation: Option<String>,
    total: usize,
}

/// Returns the rules that have findings, in the order of the rules, followed by the rules of other policies.
fn columns(namespaces: &BTreeMap<Option<String>, Namespace>) -> Vec<Column> {
    let findings = || namespaces.values().flat_map(|namespace| &namespace.rows).flat_map(|row| &row.findings);
    let found: BTreeSet<&str> = findings().map(|finding| finding.rule.as_str()).collect();
    let known = RULES.iter().map(|rule| rule.id).filter(|id| found.contains(id));
    let others = found.iter().copied().filter(|id| rules::find(id).is_none());
    known
        .chain(others)
        .zip(1..)
        .map(|(id, number)| Column {
            number,
            id: id.to_owned(),
            severity: rules::find(id).map_or("", |rule| rule.meta().severity.as_str()),
            documentation: rules::find(id).map(rules::documentation),
            total: findings().filter(|finding| finding.rule == id).count(),
        })
        .collect()
}

/// The objects of a namespace.
#[derive(Debug, Default)]
struct Namespace {
    rows: Vec<Row>,
    without_findings: usize,
}

/// An object with findings.
#[derive(Debug)]
struct Row {
    number: usize,
    kind: String,
    name: String,
    place: String,
    verdict: &'static str,
    class: &'static str,
    reasons: Vec<String>,
    findings: Vec<FindingOf>,
}

impl Row {
    fn of(number: usize, evaluation: &Evaluation) -> Self {
        let class = match evaluation.verdict {
            Verdict::Denied | Verdict::Refused => "deny",
            _ => "admit",
        };
        Self {
            number,
            kind: one_line(&evaluation.subject.kind),
            name: one_line(&evaluation.subject.name),
            place: one_line(&place(&evaluation.source)),
            verdict: evaluation.verdict.as_str(),
            class,
            reasons: evaluation.reasons_of_servers().map(one_line).collect(),
            findings: evaluation.findings.iter().map(|finding| FindingOf::of(evaluation, finding)).collect(),
        }
    }

    /// Returns the number of findings, with its noun.
    fn total(&self) -> String {
        count(self.findings.len(), "finding")
    }

    /// Returns the cell of a rule.
    fn cell(&self, column: &Column) -> Option<Cell> {
        let levels =
            || self.findings.iter().filter(|finding| finding.rule == column.id).map(|finding| finding.level);
        Some(Cell { number: levels().count(), class: class(levels().max()?) })
    }
}

/// The findings of a rule in an object.
struct Cell {
    number: usize,
    /// The class of the worst finding.
    class: &'static str,
}

#[derive(Debug)]
struct FindingOf {
    rule: String,
    level: Level,
    path: String,
    message: String,
    place: String,
}

impl FindingOf {
    fn of(evaluation: &Evaluation, finding: &Finding) -> Self {
        let rule = finding.rule.as_deref().unwrap_or(NO_RULE);
        Self {
            rule: one_line(rule),
            level: finding.level,
            path: one_line(finding.path.as_deref().unwrap_or_default()),
            message: one_line(&finding.message),
            place: one_line(&Location::of(&evaluation.source, finding.position).to_string()),
        }
    }

    fn class(&self) -> &'static str {
        class(self.level)
    }
}

fn class(level: Level) -> &'static str {
    match level {
        Level::Deny => "deny",
        Level::Warn => "warn",
        Level::Monitor => "monitor",
    }
}
