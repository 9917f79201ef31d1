//! SARIF 2.1.0, for code scanning.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::io::{self, Write};

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::controls::Controls;
use immutable_pods_policy::rules::rule::Severity;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::json_list::JsonList;
use super::location::Location;
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Level};
use crate::input::{InputError, Position};
use crate::rules;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The key of fingerprints. A change of how they are made increments its version.
const FINGERPRINT: &str = "immutablePods/v1";

/// What a path segment contains in any URI: the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Writes one result per finding.
#[derive(Debug)]
pub(super) struct Sarif<W> {
    results: JsonList<W>,
    notifications: Vec<Value>,
}

impl<W: Write> Sarif<W> {
    pub(super) fn new(out: W) -> Self {
        let driver = json!({
            "name": crate::NAME,
            "version": crate::VERSION,
            "semanticVersion": crate::VERSION,
            "informationUri": crate::REPOSITORY,
            "rules": RuleId::ALL.iter().copied().map(rule).collect::<Vec<_>>(),
        });
        let head = format!(
            "{{\"$schema\":{},\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{driver}}},\
             \"columnKind\":\"unicodeCodePoints\",\"results\":[",
            json!(SCHEMA)
        );
        Self { results: JsonList::new(out, head), notifications: Vec::new() }
    }
}

impl<W: Write> Reporter for Sarif<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        for finding in &evaluation.findings {
            self.results.push(&finding_result(evaluation, finding))?;
        }
        for reason in evaluation.reasons_of_servers() {
            self.results.push(&refusal_result(evaluation, reason))?;
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let location = Location::of_error(error);
        self.notifications.push(json!({
            "level": "error",
            "message": {"text": escape(&error.problem.to_string())},
            "locations": [{"physicalLocation": physical(&location)}],
        }));
        Ok(())
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        let invocation = json!({
            "executionSuccessful": self.notifications.is_empty(),
            "toolExecutionNotifications": self.notifications,
        });
        self.results.end(&format!("\n],\"invocations\":[{invocation}]}}]}}"))
    }
}

fn rule(rule: RuleId) -> Value {
    let (meta, docs) = (rule.meta(), rule.docs());
    let documentation = rules::documentation(rule);
    json!({
        "id": meta.id,
        "shortDescription": {"text": escape(docs.summary)},
        "fullDescription": {"text": escape(&docs.description())},
        "help": {
            "text": escape(&docs.details()),
            "markdown": escape(&format!("{}\n\n{}\n\n[More about the rule]({documentation})", docs.description(), docs.details())),
        },
        "helpUri": documentation,
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "security-severity": security_severity(meta.severity),
            "severity": meta.severity.as_str(),
            "tags": tags(&rule.controls()),
        },
    })
}

/// Returns a number in the range that GitHub gives this severity.
///
/// Source: <https://docs.github.com/en/code-security/reference/code-scanning/sarif-files/sarif-support-for-code-scanning>
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.5",
    }
}

fn tags(controls: &Controls) -> Vec<String> {
    let ids = |prefix: &'static str, ids: &'static [&'static str]| {
        ids.iter().map(move |id| format!("{prefix}{id}"))
    };
    ["security".to_owned(), "kubernetes".to_owned()]
        .into_iter()
        .chain(ids("CIS-", controls.cis))
        .chain(ids("NSA-CISA: ", controls.nsa_cisa))
        .chain(ids("MITRE-", controls.attack))
        .collect()
}

fn finding_result(evaluation: &Evaluation, finding: &Finding) -> Value {
    let path = finding.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
    let text = format!("{}: {path}{}", evaluation.subject, finding.message);
    let mut result = json!({
        "level": level(finding.level),
        "message": {"text": escape(&text)},
        "locations": [{
            "physicalLocation": physical(&Location::of(&evaluation.source, finding.position)),
            "logicalLocations": logical(evaluation, finding.path.as_deref()),
        }],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
    });
    if let Some(rule) = &finding.rule {
        set(&mut result, "ruleId", json!(rule));
    }
    let index =
        finding.rule.as_deref().and_then(|rule| RuleId::ALL.iter().position(|known| known.meta().id == rule));
    if let Some(index) = index {
        set(&mut result, "ruleIndex", json!(index));
    }
    if !finding.policy.is_empty() {
        set(&mut result, "properties", json!({"policy": finding.policy}));
    }
    result
}

fn refusal_result(evaluation: &Evaluation, reason: &str) -> Value {
    json!({
        "level": "error",
        "message": {"text": escape(&format!("{}: {reason}", evaluation.subject))},
        "locations": [{
            "physicalLocation": physical(&Location::of(&evaluation.source, None)),
            "logicalLocations": logical(evaluation, None),
        }],
    })
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Deny => "error",
        Level::Warn => "warning",
        Level::Monitor => "note",
    }
}

fn physical(location: &Location<'_>) -> Value {
    let mut physical = json!({"artifactLocation": artifact(location.file)});
    if let Some(Position { line, column }) = location.position {
        set(&mut physical, "region", json!({"startLine": line, "startColumn": column}));
    }
    physical
}

/// Returns a file as a URI: relative to the root of the sources, if its path is relative.
fn artifact(file: &str) -> Value {
    let path = file.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path);
    let encoded = utf8_percent_encode(path, RESERVED);
    if path.starts_with('/') {
        return json!({"uri": format!("file://{encoded}")});
    }
    json!({"uri": encoded.to_string(), "uriBaseId": "%SRCROOT%"})
}

fn logical(evaluation: &Evaluation, path: Option<&str>) -> Value {
    let subject = &evaluation.subject;
    let object = json!({
        "name": subject.name,
        "fullyQualifiedName": subject.to_string(),
        "kind": "resource",
    });
    match path {
        None => json!([object]),
        Some(path) => json!([
            object,
            {"name": path, "fullyQualifiedName": format!("{subject}: {path}"), "kind": "property"},
        ]),
    }
}

/// Escapes a message, in which braces are placeholders (section 3.11.5).
fn escape(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_relative_to_the_sources() {
        let uri = |file: &str| artifact(file);
        assert_eq!(
            uri("./a b/ä:[1].yaml"),
            json!({"uri": "a%20b/%C3%A4%3A%5B1%5D.yaml", "uriBaseId": "%SRCROOT%"})
        );
        assert_eq!(uri("a\\b.yaml"), json!({"uri": "a/b.yaml", "uriBaseId": "%SRCROOT%"}));
        assert_eq!(uri("/a b.yaml"), json!({"uri": "file:///a%20b.yaml"}));
    }

    #[test]
    fn braces_are_not_placeholders() {
        assert_eq!(escape("{0}"), "{{0}}");
    }
}
