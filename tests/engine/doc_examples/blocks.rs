//! Checks of code blocks.

use immutable_pods::{ValidationResponse, admission, document};
use immutable_pods_policy::rules::RULES;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ADVICE;
use super::policies::{check_mutating, check_policy, check_settings};
use crate::cases::requests;
use crate::documents;
use crate::markdown::Block;
use crate::module::{evaluate, lines, policy, rule_of};

/// Suffix of the verdict of a manifest that is not evaluated with the defaults.
const BY_SETTINGS: &str = "by the settings above";

/// Checks the blocks of a document, in order.
#[derive(Default)]
pub(super) struct Reader {
    /// The last settings.
    settings: Option<Value>,
    /// The response to the last manifest.
    response: Option<ValidationResponse>,
}

impl Reader {
    /// Checks a block.
    pub(super) fn block(&mut self, block: &Block) -> Result<(), String> {
        let (language, rest) = block.info.split_once(' ').unwrap_or((&block.info, ""));
        match (language, rest) {
            ("yaml", "") => self.configuration(&block.text),
            ("yaml", "foreign") => check_foreign(&block.text),
            ("yaml", verdict) => self.manifest(&block.text, verdict),
            ("json", "audit annotations") => self.audit_annotations(&block.text),
            ("console", "") => {
                here_documents(&block.text).try_for_each(|text| self.configuration(text))?;
                self.findings(&block.text)
            }
            ("text", "") => self.findings(&block.text),
            ("text", "of a test case") => Ok(()),
            ("text", rest) if rest.starts_with("summary of ") => check_summary(&block.text, rest),
            ("text", rest) if rest.starts_with("errors of ") => check_errors(&block.text, rest),
            ("text", rest) => self.findings_of(&block.text, rest),
            ("yml", _) => Err("must use the language `yaml`".to_owned()),
            _ => Ok(()),
        }
    }

    fn configuration(&mut self, text: &str) -> Result<(), String> {
        for value in parse(text)? {
            if value["apiVersion"] == "policies.kubewarden.io/v1" {
                check_policy(&value)?;
                self.settings = Some(value["spec"]["settings"].clone());
            } else if value.get("apiVersion").is_some() {
                return Err(format!("is a manifest: {ADVICE}"));
            } else if let Some(policies) = policies(&value) {
                for policy in policies.values() {
                    let settings = &policy["settings"];
                    check_settings(settings)?;
                    check_mutating(settings, &policy["allowedToMutate"])?;
                    self.settings = Some(settings.clone());
                }
            } else {
                check_settings(&value).map_err(|reason| format!("{reason}; {ADVICE}"))?;
                self.settings = Some(value);
            }
        }
        Ok(())
    }

    fn manifest(&mut self, text: &str, verdict: &str) -> Result<(), String> {
        let (verdict, settings) = self.split_settings(verdict)?;
        for value in parse(text)? {
            let Value::Object(object) = value else { return Err("is not a manifest".to_owned()) };
            let response = evaluate(&admission::create(object), &settings);
            let actual = verdict_of(&response);
            if actual != verdict {
                return Err(format!("is {actual}, not {verdict}: {response:?}"));
            }
            self.response = Some(response);
        }
        Ok(())
    }

    /// Returns the text before `by the settings above`, and the settings that apply.
    fn split_settings<'a>(&self, words: &'a str) -> Result<(&'a str, Value), String> {
        match (words.strip_suffix(BY_SETTINGS), &self.settings) {
            (None, _) => Ok((words, json!({}))),
            (Some(words), Some(settings)) => Ok((words.trim_end(), settings.clone())),
            (Some(_), None) => Err("has no settings above it".to_owned()),
        }
    }

    fn findings_of(&mut self, text: &str, words: &str) -> Result<(), String> {
        let (words, settings) = self.split_settings(words)?;
        let file = words.strip_prefix("of ").map(str::trim_end).ok_or("must be `text of` a file")?;
        for request in requests(file) {
            self.response = Some(evaluate(&request, &settings));
        }
        self.findings(text)
    }

    /// Checks that the findings in a text are the findings of the last response.
    fn findings(&self, text: &str) -> Result<(), String> {
        let is_finding = |line: &&str| RULES.iter().any(|rule| rule.id == rule_of(line.trim_end()));
        let shown: Vec<_> = text.lines().filter(is_finding).collect();
        if shown.is_empty() {
            return Ok(());
        }
        let response =
            self.response.as_ref().ok_or("shows findings without a manifest above or `text of` a file")?;
        let summary = response.message.iter().find_map(|message| message.lines().next()).unwrap_or_default();
        let is_summary = |line: &&str| line.contains(" findings in ");
        if let Some(line) = text.lines().find(is_summary).filter(|line| !line.ends_with(summary)) {
            return Err(format!("must show the summary {summary:?}, not {line:?}"));
        }
        let mut expected = lines(response);
        if response.accepted {
            expected = response.warnings.iter().map(String::as_str).filter(is_finding).collect();
        }
        let agrees = shown.iter().zip(&expected).all(|(shown, expected)| shown.ends_with(expected));
        if agrees && shown.len() == expected.len() {
            return Ok(());
        }
        Err(format!("must show these findings:\n{}", expected.join("\n")))
    }

    fn audit_annotations(&self, text: &str) -> Result<(), String> {
        let shown: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let response = self.response.as_ref().ok_or("has no manifest above it")?;
        let expected = json!(response.audit_annotations);
        if shown == expected { Ok(()) } else { Err(format!("must be {expected}")) }
    }
}

/// Checks that a text is the summary of the findings in a file.
fn check_summary(text: &str, words: &str) -> Result<(), String> {
    let file = words.strip_prefix("summary of ").unwrap_or_default();
    let messages: Vec<_> =
        requests(file).iter().filter_map(|request| evaluate(request, &json!({})).message).collect();
    let summaries: Vec<_> = messages.iter().filter_map(|message| message.lines().next()).collect();
    if summaries == [text.trim_end()] { Ok(()) } else { Err(format!("must be {summaries:?}")) }
}

/// Checks that a text is the errors of the settings in the manifest of a policy, each after its position.
fn check_errors(text: &str, words: &str) -> Result<(), String> {
    let file = words.strip_prefix("errors of ").unwrap_or_default();
    let settings = documents::read(file)["spec"]["settings"].take();
    let answer = policy().validate_settings(&settings).map_err(|error| error.to_string())?;
    let errors = answer.message.unwrap_or_default();
    let shown = text.lines().map(|line| line.split_once(": ").map_or("", |(_, error)| error));
    if shown.eq(errors.lines()) { Ok(()) } else { Err(format!("must show these errors:\n{errors}")) }
}

/// Checks that a text is YAML. Its programs need not read keys as kubectl does: GitHub reads `on` as a string.
fn check_foreign(text: &str) -> Result<(), String> {
    serde_yaml::Deserializer::from_str(text)
        .try_for_each(|document| Value::deserialize(document).map(drop))
        .map_err(|error| error.to_string())
}

/// Parses the YAML documents in a text.
pub(super) fn parse(text: &str) -> Result<Vec<Value>, String> {
    let documents = document::parse("block.yaml", text.as_bytes()).into_iter();
    documents
        .map(|document| document.map(|document| document.value).map_err(|error| error.to_string()))
        .collect()
}

/// Returns the here-documents between `<<END` and `END`.
fn here_documents(text: &str) -> impl Iterator<Item = &str> {
    text.split("<<END").skip(1).filter_map(|text| {
        let (_, document) = text.split_once('\n')?;
        Some(document.split_once("\nEND").map_or(document, |(document, _)| document))
    })
}

/// Returns the policies in the `policies.yml` of a policy server.
fn policies(value: &Value) -> Option<&Map<String, Value>> {
    let policies = value.as_object()?;
    let all_have_modules = policies.values().all(|policy| policy.get("module").is_some());
    (all_have_modules && !policies.is_empty()).then_some(policies)
}

fn verdict_of(response: &ValidationResponse) -> &'static str {
    match response {
        ValidationResponse { accepted: false, .. } => "denied",
        ValidationResponse { mutated_object: Some(_), .. } => "fixed",
        ValidationResponse { warnings, .. } if warnings.is_empty() => "admitted",
        _ => "warned",
    }
}
