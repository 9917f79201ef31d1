//! The values of the Helm chart, as data: its `values.yaml`, its schema and the table in its README.

use std::fmt::Write as _;

use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use super::schema;

/// A value that users of the chart can set.
pub(super) struct ChartValue {
    /// The keys from the top level.
    path: &'static [&'static str],
    /// What the value does, in Markdown.
    doc: &'static str,
    default: Value,
    schema: Value,
}

/// Returns all values, in the order in which users read them. Rancher reads the first three under these names.
pub(super) fn all(registry: &str, repository: &str, tag: &str) -> Vec<ChartValue> {
    let text = json!({"type": "string", "minLength": 1});
    let settings = schema::settings();
    let fixable: Vec<_> = RULES.iter().filter(|rule| rule.can_fix).map(|rule| rule.id).collect();
    vec![
        ChartValue {
            path: &["global", "cattle", "systemDefaultRegistry"],
            doc: "The registry of the module. Rancher sets the registry of the installation, which is empty by default.",
            default: registry.into(),
            schema: json!({"type": ["string", "null"]}),
        },
        ChartValue {
            path: &["module", "repository"],
            doc: "The repository of the module in the registry.",
            default: repository.into(),
            schema: text.clone(),
        },
        ChartValue {
            path: &["module", "tag"],
            doc: "The version of the module.",
            default: tag.into(),
            schema: text.clone(),
        },
        ChartValue {
            path: &["policies"],
            doc: "The policies that the chart creates. `deny` creates one that denies. `fix+deny` also creates one that sets unset \
                  fields before the other evaluates the object.",
            default: "deny".into(),
            schema: json!({"enum": ["deny", "fix+deny"]}),
        },
        ChartValue {
            path: &["name"],
            doc: "The name of the denying policy. The name of the fixing policy is the same with `-fix` at its end.",
            default: "immutable-pods".into(),
            schema: json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}),
        },
        ChartValue {
            path: &["policyServer"],
            doc: "The policy server that runs the policies.",
            default: "default".into(),
            schema: text,
        },
        ChartValue {
            path: &["mode"],
            doc: "`protect` denies what breaks the rules. `monitor` admits it and counts it in reports and metrics. Kubewarden does \
                  not allow a change from `protect` to `monitor`.",
            default: "protect".into(),
            schema: json!({"enum": ["protect", "monitor"]}),
        },
        ChartValue {
            path: &["failurePolicy"],
            doc: "What the API server does if the policy server does not answer: `Fail` rejects the request, `Ignore` admits it.",
            default: "Fail".into(),
            schema: json!({"enum": ["Fail", "Ignore"]}),
        },
        ChartValue {
            path: &["backgroundAudit"],
            doc: "Whether the audit scanner evaluates stored objects with the denying policy. It never uses the fixing policy.",
            default: true.into(),
            schema: json!({"type": "boolean"}),
        },
        ChartValue {
            path: &["namespaceSelector", "matchExpressions"],
            doc: "The namespaces in which the policies apply. Kubewarden ignores `matchLabels`.",
            default: json!([{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}]),
            schema: json!({"type": "array", "items": requirement()}),
        },
        ChartValue {
            path: &["additionalRules"],
            doc: "Webhook rules for custom resources with a pod template, such as `rollouts` of `argoproj.io`.",
            default: json!([]),
            schema: json!({"type": "array", "items": webhook_rule()}),
        },
        ChartValue {
            path: &["settings"],
            doc: "The settings of the denying policy. `{}` means the defaults.",
            default: json!({}),
            schema: settings.clone(),
        },
        ChartValue {
            path: &["fix", "rules"],
            doc: "The rules that the fixing policy sets to mode `fix`. It has the `settings` otherwise.",
            default: json!(["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot"]),
            schema: json!({"type": "array", "minItems": 1, "items": {"enum": fixable}}),
        },
        ChartValue {
            path: &["fix", "writablePaths"],
            doc: "The paths that containers write to. If a fix makes the root filesystem of a container read-only, the container \
                  gets a volume for each of its paths.",
            default: json!([]),
            schema: settings["properties"]["writablePaths"].clone(),
        },
    ]
}

/// Returns the schema of a requirement of a label selector.
fn requirement() -> Value {
    json!({
        "type": "object",
        "properties": {
            "key": {"type": "string"},
            "operator": {"enum": ["In", "NotIn", "Exists", "DoesNotExist"]},
            "values": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["key", "operator"],
        "additionalProperties": false,
    })
}

/// Returns the schema of a webhook rule.
fn webhook_rule() -> Value {
    let list = json!({"type": "array", "minItems": 1, "items": {"type": "string"}});
    let keys = ["apiGroups", "apiVersions", "resources", "operations"];
    let properties: Map<_, _> = keys.into_iter().map(|key| (key.to_owned(), list.clone())).collect();
    json!({"type": "object", "properties": properties, "required": keys, "additionalProperties": false})
}

/// Returns the values as YAML, each after its documentation.
pub(super) fn file(values: &[ChartValue]) -> String {
    let mut file = String::new();
    let mut open: &[&str] = &[];
    for value in values {
        let Some((key, parents)) = value.path.split_last() else { continue };
        let shared = open.iter().zip(parents).take_while(|(open, parent)| open == parent).count();
        if shared == 0 {
            file.push('\n');
        }
        for (depth, parent) in parents.iter().enumerate().skip(shared) {
            let _ = writeln!(file, "{}{parent}:", "  ".repeat(depth));
        }
        open = parents;
        let indent = "  ".repeat(parents.len());
        for line in wrapped(value.doc, 126 - indent.len()) {
            let _ = writeln!(file, "{indent}# {line}");
        }
        // JSON is YAML.
        let _ = writeln!(file, "{indent}{key}: {}", spaced(&value.default));
    }
    file
}

/// Splits a text into lines of at most this many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.pop().unwrap_or_default();
        if line.is_empty() {
            lines.push(word.to_owned());
        } else if line.len() + 1 + word.len() <= width {
            lines.push(format!("{line} {word}"));
        } else {
            lines.push(line);
            lines.push(word.to_owned());
        }
    }
    lines
}

/// Returns a value in the flow style of YAML, with strings in quotes where YAML needs them.
fn spaced(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(spaced).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{key}: {}", spaced(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether a text without quotes is a string in YAML.
fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'+'))
}

/// Returns the schema of the values, in the draft that every version of Helm 3 and 4 knows.
pub(super) fn schema(values: &[ChartValue]) -> Value {
    let mut schema = closed_object();
    for value in values {
        let mut property = value.schema.clone();
        property["description"] = value.doc.into();
        insert(&mut schema, value.path, property);
    }
    schema["$schema"] = "http://json-schema.org/draft-07/schema#".into();
    // Helm and Rancher add their own keys.
    schema["properties"]["global"]["additionalProperties"] = true.into();
    schema["properties"]["global"]["properties"]["cattle"]["additionalProperties"] = true.into();
    schema
}

/// Adds a property at a path to the schema of an object.
fn insert(object: &mut Value, path: &[&str], property: Value) {
    let Some((key, rest)) = path.split_first() else { return };
    let slot = &mut object["properties"][*key];
    if rest.is_empty() {
        *slot = property;
        return;
    }
    if slot.is_null() {
        *slot = closed_object();
    }
    insert(slot, rest, property);
}

fn closed_object() -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

/// Returns the values as a Markdown table.
pub(super) fn table(values: &[ChartValue]) -> String {
    let mut table = "| value | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for value in values {
        let _ =
            writeln!(table, "| `{}` | `{}` | {} |", value.path.join("."), spaced(&value.default), value.doc);
    }
    table
}
