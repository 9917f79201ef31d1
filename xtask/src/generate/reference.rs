//! `docs/settings.md`: every setting, with its default and its description.

use std::fmt::Write as _;

use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::rules::{RuleId, rule::RuleDocs};
use immutable_pods_policy::settings::declaration::{Accepts, Declaration, ObjectDeclaration};
use serde_json::Value;

pub(super) const FILE: &str = "docs/settings.md";

/// Maximum number of items of a list on one line.
const MAX_FLOW_ITEMS: usize = 4;

const INTRODUCTION: &str = "\
<!-- Generated from the declarations of the settings: cargo xtask generate -->

# Settings

`{}` is valid, and means this:

";

const RULES: &str = "
## Rules

A rule accepts an object, or a mode alone: `hostNamespaces: warn`.

";

/// Returns the page.
pub(super) fn generate() -> String {
    let declaration = policy_settings::declaration();
    let mut page = INTRODUCTION.to_owned();
    page.push_str("```yaml\n");
    push_defaults(&mut page, &declaration);
    page.push_str("```\n\n## General settings\n\n");
    let (rules, general): (Vec<_>, Vec<_>) =
        declaration.settings.iter().partition(|setting| matches!(setting.accepts, Accepts::Shorthand(..)));
    for setting in &general {
        push_setting(&mut page, setting, 0);
    }
    page.push_str(RULES);
    push_mode(&mut page, &rules);
    for (rule, setting) in RuleId::ALL.iter().zip(rules) {
        push_rule(&mut page, setting, &rule.docs());
    }
    page
}

/// Adds every setting with its default, as YAML.
fn push_defaults(page: &mut String, declaration: &ObjectDeclaration) {
    for setting in &declaration.settings {
        if let Accepts::Shorthand(_, options) = &setting.accepts {
            let _ = writeln!(page, "{}:", setting.key);
            for option in &options.settings {
                push_default(page, option, "  ");
            }
        } else {
            push_default(page, setting, "");
        }
    }
}

fn push_default(page: &mut String, setting: &Declaration, indent: &str) {
    let key = setting.key;
    match &setting.default {
        Some(Value::Array(items)) if items.len() > MAX_FLOW_ITEMS => {
            let _ = writeln!(page, "{indent}{key}:");
            for item in items {
                let _ = writeln!(page, "{indent}- {}", yaml(item));
            }
        }
        default => {
            let _ = writeln!(page, "{indent}{key}: {}", yaml(default.as_ref().unwrap_or(&Value::Null)));
        }
    }
}

/// Returns a value on one line of YAML.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        // JSON is YAML.
        other => other.to_string(),
    }
}

/// Whether a text without quotes is a string in YAML. A bare `off` is `false`.
fn is_plain(text: &str) -> bool {
    text != "off"
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_'))
}

/// Adds the modes, which are the same for every rule except for `fix`.
fn push_mode(page: &mut String, rules: &[&Declaration]) {
    let modes = rules.iter().filter_map(|rule| match &rule.accepts {
        Accepts::Shorthand(_, options) => options.settings.first(),
        _ => None,
    });
    if let Some(mode) = modes.max_by_key(|mode| mode.doc.len()) {
        push_setting(page, mode, 0);
    }
}

fn push_rule(page: &mut String, rule: &Declaration, docs: &RuleDocs) {
    let _ = write!(page, "\n### {}\n\n{}\n\nA finding is {}.\n", rule.key, docs.summary, docs.finding);
    if let Some(fix) = docs.fix {
        let _ = write!(page, "\nThe fix {fix}.\n");
    }
    let _ = write!(page, "\n{}\n", docs.details);
    let Accepts::Shorthand(_, options) = &rule.accepts else { return };
    let own: Vec<_> =
        options.settings.iter().filter(|setting| !matches!(setting.accepts, Accepts::Mode(_))).collect();
    if !own.is_empty() {
        page.push_str("\nSettings:\n\n");
    }
    for setting in own {
        push_setting(page, setting, 0);
    }
}

/// Adds a list item about a setting, followed by nested settings.
fn push_setting(page: &mut String, setting: &Declaration, depth: usize) {
    let indent = "  ".repeat(depth);
    let required = if setting.is_required { " (required)" } else { "" };
    let _ = writeln!(page, "{indent}- `{}`{required}: {}", setting.key, setting.doc);
    let inner = match &setting.accepts {
        Accepts::List { item, .. } => item,
        accepts => accepts,
    };
    if let Accepts::Object(object) | Accepts::Shorthand(_, object) = inner {
        for setting in &object.settings {
            push_setting(page, setting, depth + 1);
        }
    }
}
