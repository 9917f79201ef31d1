//! Writes the changes of fixes into the text of a document. Comments, order and formatting stay.

use serde_json::{Map, Value};
use subfeature::Subfeature;
use yamlpatch::{Op, Patch, apply_yaml_patches};
use yamlpath::{Component, Document, Route};

/// A change of a value in a document.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// A key that a mapping does not have yet.
    Add { path: Path, key: String, value: Value },
    /// An item after the last one of a list.
    Append { path: Path, value: Value, list: Value },
    /// Another value.
    Replace { path: Path, value: Value },
}

/// The way from the document to a value.
type Path = Vec<Key>;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The value of a key.
    Name(String),
    /// An item of a list, from 0.
    Index(usize),
}

/// Returns a document in which the value at a path has changed as given. The other values of the document stay as they are.
///
/// # Errors
///
/// If the change cannot be written without touching anything else, such as a value that an alias repeats. Contains the reason.
pub fn rewrite(text: &str, path: &[Key], before: &Value, after: &Value) -> Result<String, String> {
    let mut changes = Vec::new();
    collect(path, before, after, &mut changes)?;
    let mut expected = parse(text)?;
    let mut document = open(text)?;
    for change in &changes {
        document = apply(&document, change)?;
        change.apply_to(&mut expected)?;
    }
    let written = document.source().to_owned();
    if parse(&written)? == expected {
        Ok(written)
    } else {
        Err("the change would alter other values".to_owned())
    }
}

/// Collects the changes that turn a value into another one.
fn collect(path: &[Key], before: &Value, after: &Value, changes: &mut Vec<Change>) -> Result<(), String> {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => collect_fields(path, before, after, changes),
        (Value::Array(old), Value::Array(new)) if new.len() >= old.len() => {
            for (index, (before, after)) in old.iter().zip(new).enumerate() {
                collect(&with(path, Key::Index(index)), before, after, changes)?;
            }
            let added = new.iter().skip(old.len());
            changes.extend(added.map(|value| Change::Append {
                path: path.to_vec(),
                value: value.clone(),
                list: after.clone(),
            }));
            Ok(())
        }
        (before, after) if before == after => Ok(()),
        _ => {
            changes.push(Change::Replace { path: path.to_vec(), value: after.clone() });
            Ok(())
        }
    }
}

fn collect_fields(
    path: &[Key],
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<Change>,
) -> Result<(), String> {
    if let Some(key) = before.keys().find(|key| !after.contains_key(*key)) {
        return Err(format!("a fix does not remove fields, but `{key}` is gone"));
    }
    for (key, value) in after {
        match before.get(key) {
            Some(old) => collect(&with(path, Key::Name(key.clone())), old, value, changes)?,
            None => {
                changes.push(Change::Add { path: path.to_vec(), key: key.clone(), value: value.clone() });
            }
        }
    }
    Ok(())
}

fn with(path: &[Key], key: Key) -> Path {
    path.iter().cloned().chain([key]).collect()
}

/// Reads a document like kubectl.
fn parse(text: &str) -> Result<Value, String> {
    let mut documents = crate::document::parse("fixed.yaml", text.as_bytes());
    match (documents.pop(), documents.pop()) {
        (Some(Ok(document)), None) => Ok(document.value),
        (Some(Err(error)), _) => Err(error.problem.to_string()),
        _ => Err("it is not one document".to_owned()),
    }
}

fn open(text: &str) -> Result<Document, String> {
    Document::new(text).map_err(|error| error.to_string())
}

/// Applies a change to a text.
fn apply(document: &Document, change: &Change) -> Result<Document, String> {
    match change {
        Change::Add { path, key, value } => {
            patch(document, path, Op::Add { key: key.clone(), value: yaml(value)? })
        }
        Change::Append { path, value, .. } => match flow_list(document, path)? {
            Some(list) => extend_flow_list(document, path, &list, value),
            None => patch(document, path, Op::Append { value: yaml(value)? }),
        },
        Change::Replace { path, value: Value::Object(fields) } => fill(document, path, fields),
        Change::Replace { path, value } => patch(document, path, Op::Replace(yaml(value)?)),
    }
}

fn patch(document: &Document, path: &[Key], operation: Op<'_>) -> Result<Document, String> {
    let patch = Patch { route: route(path), operation };
    apply_yaml_patches(document, &[patch]).map_err(|error| error.to_string())
}

/// Returns the text of a list, if it is in brackets.
fn flow_list(document: &Document, path: &[Key]) -> Result<Option<String>, String> {
    let list = document.query_exact(&route(path)).map_err(|error| error.to_string())?;
    let text = list.map(|list| document.extract(&list).to_owned());
    Ok(text.filter(|text| text.starts_with('[')))
}

/// Appends an item to a list in brackets.
fn extend_flow_list(
    document: &Document,
    path: &[Key],
    list: &str,
    value: &Value,
) -> Result<Document, String> {
    let open = list.strip_suffix(']').ok_or("a list does not end in a bracket")?.trim_end();
    let separator = if open.ends_with(['[', ',']) { "" } else { ", " };
    let item = yamlpatch::serialize_flow(&yaml(value)?).map_err(|error| error.to_string())?;
    let to = format!("{open}{separator}{item}]").into();
    patch(document, path, Op::RewriteFragment { from: Subfeature::new(0, list), to })
}

/// Gives a key without a value its first fields.
fn fill(document: &Document, path: &[Key], fields: &Map<String, Value>) -> Result<Document, String> {
    let empty = yaml_serde::Value::Mapping(yaml_serde::Mapping::new());
    let mut document = patch(document, path, Op::Replace(empty))?;
    for (key, value) in fields {
        document = patch(&document, path, Op::Add { key: key.clone(), value: yaml(value)? })?;
    }
    Ok(document)
}

fn route(path: &[Key]) -> Route<'static> {
    let components = path.iter().map(|key| match key {
        Key::Name(name) => Component::from(name.clone()),
        Key::Index(index) => Component::from(*index),
    });
    Route::from(components.collect::<Vec<_>>())
}

fn yaml(value: &Value) -> Result<yaml_serde::Value, String> {
    yaml_serde::to_value(value).map_err(|error| error.to_string())
}

impl Change {
    /// Applies the change to a value.
    fn apply_to(&self, document: &mut Value) -> Result<(), String> {
        let missing = || "the changed value is not in the document".to_owned();
        let (Self::Add { path, .. } | Self::Append { path, .. } | Self::Replace { path, .. }) = self;
        let target = path.iter().try_fold(document, |value, key| match key {
            Key::Name(name) => value.get_mut(name),
            Key::Index(index) => value.get_mut(index),
        });
        let target = target.ok_or_else(missing)?;
        match self {
            Self::Add { key, value, .. } => {
                target.as_object_mut().ok_or_else(missing)?.insert(key.clone(), value.clone());
            }
            // Later items of the same list find it complete.
            Self::Append { list, .. } => *target = list.clone(),
            Self::Replace { value, .. } => *target = value.clone(),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Rewrites the whole document of a text.
    fn rewritten(text: &str, after: &Value) -> Result<String, String> {
        rewrite(text, &[], &parse(text).unwrap(), after)
    }

    #[track_caller]
    fn writes(text: &str, after: &Value, expected: &str) {
        assert_eq!(rewritten(text, after).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn fields_are_added_below_comments() {
        writes(
            "# the pod\nspec:\n  # first\n  containers:\n  - name: web # the server\n    image: nginx\n\n# end\n",
            &json!({"spec": {"containers": [{"name": "web", "image": "nginx", "securityContext": {"runAsNonRoot": true}}]}}),
            "# the pod\nspec:\n  # first\n  containers:\n  - name: web # the server\n    image: nginx\n    securityContext:\n      runAsNonRoot: true\n\n# end\n",
        );
    }

    #[test]
    fn items_are_appended_to_every_kind_of_list() {
        writes("drop:\n- A # why\n", &json!({"drop": ["A", "B", "C"]}), "drop:\n- A # why\n- B\n- C\n");
        writes("a: {drop: [A]} # b\n", &json!({"a": {"drop": ["A", "B"]}}), "a: {drop: [A, B]} # b\n");
        writes("drop: []\n", &json!({"drop": ["A"]}), "drop: [A]\n");
    }

    #[test]
    fn empty_values_are_filled() {
        writes("a:\nb: 1\n", &json!({"a": {"c": true}, "b": 1}), "a: { c: true }\nb: 1\n");
        writes("a: {}\n", &json!({"a": {"c": true}}), "a: { c: true }\n");
        writes("a: null # b\n", &json!({"a": false}), "a: false # b\n");
    }

    #[test]
    fn values_are_replaced() {
        writes(
            "image: 'nginx:1' # why\n",
            &json!({"image": "nginx:1@sha256:0"}),
            "image: nginx:1@sha256:0 # why\n",
        );
    }

    #[test]
    fn strings_that_kubectl_reads_differently_are_not_written() {
        for (text, is_written) in
            [("ALL", true), ("/run", true), ("null", true), ("a: b", true), ("yes", false)]
        {
            let written = rewritten("a: 1\n", &json!({"a": 1, "b": text}));
            assert_eq!(written.is_ok(), is_written, "{text}: {written:?}");
        }
    }

    #[test]
    fn an_alias_is_not_changed_for_others() {
        let text = "a: &a\n  b: 1\nc: *a\n";
        let after = json!({"a": {"b": 1, "d": 2}, "c": {"b": 1}});
        assert_eq!(rewritten(text, &after), Err("the change would alter other values".to_owned()));
    }

    #[test]
    fn a_fix_does_not_remove_fields() {
        assert_eq!(
            rewritten("a: 1\nb: 2\n", &json!({"a": 1})),
            Err("a fix does not remove fields, but `b` is gone".to_owned())
        );
    }

    #[test]
    fn only_the_object_at_the_path_changes() {
        let text = "items:\n- a: 1\n- a: 1\n";
        let path = [Key::Name("items".to_owned()), Key::Index(1)];
        assert_eq!(
            rewrite(text, &path, &json!({"a": 1}), &json!({"a": 1, "b": 2})).as_deref(),
            Ok("items:\n- a: 1\n- a: 1\n  b: 2\n")
        );
    }

    #[test]
    fn nothing_changes_without_a_change() {
        writes("a: 1 # b\n", &json!({"a": 1}), "a: 1 # b\n");
    }
}
