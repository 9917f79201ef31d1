//! Examples in documents: every YAML block must be valid and must have the verdict in its info string.
//!
//! A `yaml` block, or a here-document in a `console` block, contains settings, a policy, or the `policies.yml` of a policy
//! server. If it contains a manifest, the info string of the `yaml` block states the verdict: `admitted`, `warned`, `fixed` or
//! `denied`, followed by `by the settings above` unless the defaults apply. Input of other programs is `foreign`.
//!
//! The findings and the summary in a `text` or `console` block belong to the manifest above, or to the file in `text of FILE`.
//! A `text of a test case` block on the generated page of a rule is checked with the other cases. A `text summary of FILE`
//! block contains only the summary. A `text errors of FILE` block contains the errors of the settings of a policy. A `json audit annotations` block contains the audit annotations of the response.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on a document that does not parse")]

mod blocks;
mod policies;

use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use crate::markdown::{Block, Document, documents};
use crate::settings::keys_of;

use blocks::{Reader, parse};
use policies::{check_namespaces, check_settings};

/// Heading of table columns that contain settings.
pub(crate) const SETTINGS: &str = "settings here";

/// How to write the info string of a block with a manifest.
const ADVICE: &str = "after `yaml`, state the verdict on a manifest (admitted, warned, fixed or denied), or `foreign` for input of another program";

/// Fails a test with the position of an error in a document.
fn fail(document: &Document, line: usize, reason: &str) -> ! {
    panic!("{}, line {line}: {reason}", document.name)
}

#[test]
fn every_block_agrees_with_the_policy() {
    for document in documents() {
        let mut reader = Reader::default();
        for block in &document.blocks {
            if let Err(reason) = reader.block(block) {
                fail(&document, block.line, &format!("this block {reason}"));
            }
        }
    }
}

#[test]
fn every_named_option_exists() {
    for document in documents() {
        for code in &document.codes {
            let Some((rule, rest)) = code.text.split_once('.') else { continue };
            let Some(rule) = RULES.iter().find(|known| known.id == rule) else { continue };
            let key: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
            if !keys_of(rule.id).contains(&&*key) {
                fail(
                    &document,
                    code.line,
                    &format!("{}: unknown option {key}: {:?}", rule.id, keys_of(rule.id)),
                );
            }
        }
    }
}

#[test]
fn settings_in_tables_are_valid() {
    let mut count = 0;
    for document in documents() {
        for code in document.codes.iter().filter(|code| code.column.as_deref() == Some(SETTINGS)) {
            let checked = settings_in_cell(&code.text).and_then(|settings| match settings {
                Value::Object(_) => check_settings(&settings),
                // Another test checks the names of options.
                named => is_named(named.as_str().unwrap_or_default()),
            });
            if let Err(reason) = checked {
                fail(&document, code.line, &reason);
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} settings in tables");
}

/// Returns the settings in a table cell, or the name of an option.
pub(crate) fn settings_in_cell(text: &str) -> Result<Value, String> {
    let value = parse(text)?.pop().unwrap_or_default();
    Ok(if let Value::Object(named) = value { expanded(named) } else { value })
}

/// Converts `{a.b: c}` to `{a: {b: c}}`.
fn expanded(named: Map<String, Value>) -> Value {
    let mut settings = Map::new();
    for (path, value) in named {
        match path.split_once('.') {
            Some((rule, key)) => settings.insert(rule.to_owned(), json!({key: value})),
            None => settings.insert(path, value),
        };
    }
    Value::Object(settings)
}

fn is_named(name: &str) -> Result<(), String> {
    let name = name.split('.').next().unwrap_or_default();
    let others = ["enforcement", "onUpdate", "writablePaths", "exemptions"];
    let known = others.contains(&name) || RULES.iter().any(|rule| rule.id == name);
    if known { Ok(()) } else { Err(format!("`{name}` is neither a rule nor a setting")) }
}

/// Returns a namespace selector by name.
fn named(operator: &str, namespace: &str) -> Value {
    let requirement =
        json!({"key": "kubernetes.io/metadata.name", "operator": operator, "values": [namespace]});
    json!({"matchExpressions": [requirement]})
}

#[test]
fn errors_are_reported() {
    let error = |info: &str, text: &str| {
        let block = Block { line: 1, info: info.to_owned(), text: text.to_owned() };
        Reader::default().block(&block).err().unwrap_or_default()
    };
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: []}}";
    assert_eq!(error("yaml", pod), format!("is a manifest: {ADVICE}"));
    assert!(error("yaml", "{privilegd: deny}").ends_with(&format!("; {ADVICE}")));
    assert!(error("yaml", "{a: {module: m, settings: {privileged: maybe}}}").contains("privileged"));
    assert!(error("yaml denied", pod).starts_with("is admitted, not denied: "));
    assert_eq!(error("yaml denied by the settings above", pod), "has no settings above it");
    assert_eq!(error("yml", pod), "must use the language `yaml`");
    let policy = |rest: &str| format!("{{apiVersion: policies.kubewarden.io/v1, {rest}}}");
    assert_eq!(error("yaml", &policy("kind: PolicyServer")), format!("is a \"PolicyServer\": {ADVICE}"));
    assert_eq!(
        error("yaml", &policy("kind: AdmissionPolicy, spec: {settings: {privileged: deny}, mutating: true}")),
        "must be mutating: false"
    );
    let module = concat!("registry://a/b:v", env!("CARGO_PKG_VERSION"));
    let with_rules = |rules: &str| {
        policy(&format!(
            "kind: AdmissionPolicy, spec: {{module: {module}, mutating: false, settings: {{}}, rules: {rules}}}"
        ))
    };
    let pods = "[{apiGroups: [\"\"], apiVersions: [v1], resources: [pods], operations: [CREATE]}]";
    assert!(error("yaml", &with_rules(pods)).starts_with("lacks the annotation "));
    for unregistered in [
        "[{apiGroups: [apps], apiVersions: [v1], resources: [replicasets], operations: [CREATE]}]",
        "[{apiGroups: [\"\"], apiVersions: [v1], resources: [pods/exec], operations: [CONNECT]}]",
    ] {
        assert!(
            error("yaml", &with_rules(unregistered)).starts_with("has a rule that is not in the metadata: ")
        );
    }
    for (selector, is_right) in [
        (json!(null), false),
        (json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["a"]}]}), false),
        (named("NotIn", "kube-public"), false),
        (named("NotIn", "kube-system"), true),
        (named("In", "try"), true),
    ] {
        assert_eq!(check_namespaces(&selector).is_ok(), is_right, "{selector}");
    }
    assert_eq!(error("yaml", &with_rules("[]")), "has no rules");
    let rule = "[{apiGroups: [\"\"], apiVersions: [v1], resources: [services], operations: [CREATE]}]";
    assert!(error("yaml", &with_rules(rule)).starts_with("has a rule that is not in the metadata: "));
    assert_eq!(error("console", "cat > a <<END\nprivileged: deny\nEND\n"), "");
    assert!(error("console", "cat > a <<END\nprivilegd: deny\nEND\n").contains("privilegd"));
    assert!(error("text", "a: b [privileged]\n").starts_with("shows findings without a manifest above"));
}
