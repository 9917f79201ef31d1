//! Settings as YAML, with all their values.

use std::fmt::Write as _;

use immutable_pods_policy::settings::declaration::{Accepts, Declaration, ObjectDeclaration};
use serde_json::Value;

/// Maximum number of items of a list on one line.
const MAX_FLOW_ITEMS: usize = 4;

/// Adds every setting with its value among these, or else with its default. A rule that these values turn off has no options.
pub(super) fn push_settings(page: &mut String, declaration: &ObjectDeclaration, values: &Value) {
    for setting in &declaration.settings {
        let own = &values[setting.key];
        if own["mode"] == "off" {
            let _ = writeln!(page, "{}: \"off\"", setting.key);
        } else if let Accepts::Shorthand(_, options) = &setting.accepts {
            let _ = writeln!(page, "{}:", setting.key);
            for option in &options.settings {
                push_value(page, option, &own[option.key], "  ");
            }
        } else {
            push_value(page, setting, own, "");
        }
    }
}

fn push_value(page: &mut String, setting: &Declaration, value: &Value, indent: &str) {
    let key = setting.key;
    let default = setting.default.as_ref().unwrap_or(&Value::Null);
    match if value.is_null() { default } else { value } {
        Value::Array(items) if items.len() > MAX_FLOW_ITEMS => {
            let _ = writeln!(page, "{indent}{key}:");
            for item in items {
                let _ = writeln!(page, "{indent}- {}", inline(item));
            }
        }
        value => {
            let _ = writeln!(page, "{indent}{key}: {}", inline(value));
        }
    }
}

/// Returns a value on one line of YAML.
fn inline(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        // JSON is YAML.
        other => other.to_string(),
    }
}

/// Whether a text without quotes is a string in YAML. A bare `off` is `false`.
fn is_plain(text: &str) -> bool {
    text != "off"
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'+'))
}
