//! The module under test, and the parts of its responses.

#![expect(clippy::panic, reason = "a test cannot run without the module")]

use std::fs;

use immutable_pods::ValidationResponse;
use serde_json::Value;

pub(crate) use immutable_pods_testing::module::{built, in_repository, policy};

/// Maximum size of the module, in bytes.
///
/// Policy servers pull, compile and keep every module that they serve. The official policies that check one field are five
/// times as large.
const MAX_SIZE: u64 = 550_000;

/// Returns the response of the module to a request.
#[track_caller]
pub(crate) fn evaluate(request: &Value, settings: &Value) -> ValidationResponse {
    match policy().validate(request, settings) {
        Ok(response) => response,
        Err(error) => panic!("{error}"),
    }
}

/// Returns the response that admits a request without warnings.
pub(crate) fn admitted() -> ValidationResponse {
    ValidationResponse {
        accepted: true,
        message: None,
        code: None,
        mutated_object: None,
        audit_annotations: [].into(),
        warnings: Vec::new(),
        evaluated: None,
    }
}

/// Returns the findings of a denial, without the summary. Empty if the request is admitted.
#[track_caller]
pub(crate) fn lines(response: &ValidationResponse) -> Vec<&str> {
    let lines: Vec<_> = response.message.iter().flat_map(|message| message.lines()).collect();
    let Some((first, findings)) = lines.split_first() else { return lines };
    if findings.is_empty() || !first.contains(" findings in ") {
        return lines;
    }
    let is_truncated = findings.last().is_some_and(|line| line.starts_with('…'));
    assert!(is_truncated || *first == summary(findings), "{first}");
    findings.to_vec()
}

/// Returns the message of a denial with these findings.
pub(crate) fn message(findings: &[String]) -> String {
    let lines: Vec<_> = findings.iter().map(String::as_str).collect();
    if lines.len() == 1 { lines.concat() } else { format!("{}\n{}", summary(&lines), lines.join("\n")) }
}

/// Returns the summary of several findings: their number, their subjects and their rules.
fn summary(findings: &[&str]) -> String {
    let subjects = distinct(findings.iter().map(|line| subject_of(line)));
    let rules = distinct(findings.iter().map(|line| rule_of(line)));
    let (named, others) = subjects.split_at(subjects.len().min(3));
    let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    format!("{} findings in {}{more}: {}", findings.len(), named.join(", "), rules.join(", "))
}

/// Returns the distinct words in the order of their first occurrence.
fn distinct<'w>(words: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    words.fold(Vec::new(), |mut known, word| {
        if !known.contains(&word) {
            known.push(word);
        }
        known
    })
}

/// Returns the subject of a finding, such as `container "web"` or `the pod`, which follows the path.
pub(crate) fn subject_of(line: &str) -> &str {
    let (_, rest) = line.split_once(": ").unwrap_or_default();
    if rest.starts_with("the pod ") {
        return "the pod";
    }
    let mut is_escaped = false;
    let mut quotes = 0;
    let end = rest.find(|character| {
        quotes += usize::from(character == '"' && !is_escaped);
        is_escaped = character == '\\' && !is_escaped;
        quotes == 2
    });
    rest.get(..=end.unwrap_or_default()).unwrap_or_default()
}

/// Returns the rule of a finding, which is in brackets at the end.
pub(crate) fn rule_of(line: &str) -> &str {
    let (_, rule) = line.rsplit_once(" [").unwrap_or_default();
    rule.strip_suffix(']').unwrap_or_default()
}

/// Returns the path of a finding, which ends at the first colon. Paths do not contain colons.
pub(crate) fn path_of(line: &str) -> &str {
    line.split_once(": ").map_or("", |(path, _)| path)
}

#[test]
fn the_module_stays_small() {
    let _ = policy();
    let size = fs::metadata(in_repository("policy.wasm")).unwrap().len();
    assert!(size <= MAX_SIZE, "policy.wasm: expected at most {MAX_SIZE} bytes, got {size}");
}

#[test]
fn the_module_does_not_contain_paths_of_the_build_machine() {
    let _ = policy();
    let module = fs::read(in_repository("policy.wasm")).unwrap();
    let home = b"/registry/src/";
    assert!(
        !module.windows(home.len()).any(|bytes| bytes == home),
        "policy.wasm contains a path in the cargo home"
    );
}

#[test]
fn the_module_supports_the_protocol_of_policy_servers() {
    assert_eq!(policy().protocol_version().unwrap(), "v1");
}
