//! Writes the changes of fixes into the text of a document. Comments, order and formatting stay.

use std::ops::Range;

use serde_json::{Map, Value};
use yamlpath::{Component, Document, Feature, FeatureKind, Route};

use crate::diff::yaml;

/// A change of a value in a document.
#[derive(Debug, Clone, PartialEq)]
enum Change {
    /// A key that a mapping does not have yet.
    Add { path: Path, key: String, value: Value },
    /// An item after the last one of a list.
    Append { path: Path, value: Value },
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
    let mut written = text.to_owned();
    for change in &changes {
        written = apply(&written, change)?;
        change.apply_to(&mut expected)?;
    }
    // Two changes of a value that an alias repeats meet in one text.
    let would_alter = "the change would alter other values";
    match parse(&written) {
        Ok(value) if value == expected => Ok(written),
        Ok(_) => Err(would_alter.to_owned()),
        Err(error) => Err(format!("{would_alter}: {error}")),
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
            changes.extend(added.map(|value| Change::Append { path: path.to_vec(), value: value.clone() }));
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

/// Applies a change to a text.
fn apply(text: &str, change: &Change) -> Result<String, String> {
    let document = Document::new(text).map_err(|error| error.to_string())?;
    let at = |path: &Path| {
        let feature = document.query_exact(&route(path)).map_err(|error| error.to_string())?;
        Ok::<_, String>(feature.map(|feature| Span::of(&document, &feature)))
    };
    match change {
        Change::Add { path, key, value } => {
            let fields = Value::from_iter([(key.clone(), value.clone())]);
            let mapping =
                if path.is_empty() { root(&document)? } else { at(path)?.ok_or("a mapping is empty")? };
            mapping.insert(text, &fields)
        }
        Change::Append { path, value } => {
            let item = Value::from_iter([value.clone()]);
            at(path)?.ok_or("a list is empty")?.insert(text, &item)
        }
        Change::Replace { path, value } => match at(path)? {
            Some(span) => Ok(span.replace(text, &flow(value))),
            None => fill(&document, path, text, value),
        },
    }
}

/// Writes the value of a key that has none.
fn fill(document: &Document, path: &Path, text: &str, value: &Value) -> Result<String, String> {
    let entry = document.query_pretty(&route(path)).map_err(|error| error.to_string())?;
    let end = end_of(document, &entry);
    Ok(spliced(text, end..end, &format!(" {}", flow(value))))
}

/// Returns the end of a value, without the white space and the comments below it.
fn end_of(document: &Document, feature: &Feature<'_>) -> usize {
    let (start, mut end) = feature.location.byte_span;
    loop {
        let value = document.source().get(start..end).unwrap_or_default().trim_end();
        end = start + value.len();
        let line = value.rfind('\n').map_or(0, |index| index + 1);
        let last = value.get(line..).unwrap_or_default();
        let comment = start + line + (last.len() - last.trim_start().len());
        // The `#` of a comment is a part of it.
        if line == 0 || !last.trim_start().starts_with('#') || !document.offset_inside_comment(comment + 1) {
            return end;
        }
        end = start + line;
    }
}

/// The place of a value in a text.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    /// The end, without white space.
    end: usize,
    /// The number of characters before it in its line.
    column: usize,
    kind: FeatureKind,
}

impl Span {
    fn of(document: &Document, feature: &Feature<'_>) -> Self {
        let (start, _) = feature.location.byte_span;
        let before = document.source().get(..start).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        Self { start, end: end_of(document, feature), column, kind: feature.kind() }
    }

    /// Adds entries to a mapping, or items to a list.
    fn insert(self, text: &str, added: &Value) -> Result<String, String> {
        match self.kind {
            FeatureKind::BlockMapping | FeatureKind::BlockSequence => Ok(self.insert_lines(text, added)),
            FeatureKind::FlowMapping | FeatureKind::FlowSequence => self.insert_in_brackets(text, added),
            FeatureKind::Scalar => Err("a value has no fields".to_owned()),
        }
    }

    /// Adds lines below the last line of the value, with its indentation and the line ends of the text.
    fn insert_lines(self, text: &str, added: &Value) -> String {
        let line_end =
            text.get(self.end..).and_then(|rest| rest.find('\n')).map(|length| self.end + length + 1);
        let indent = " ".repeat(self.column);
        let end_of_line = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let block = yaml(added);
        let lines: String = block.lines().flat_map(|line| [&indent, line, end_of_line]).collect();
        match line_end {
            Some(end) => spliced(text, end..end, &lines),
            None => format!("{text}{end_of_line}{}", lines.trim_end()),
        }
    }

    fn insert_in_brackets(self, text: &str, added: &Value) -> Result<String, String> {
        let value = text.get(self.start..self.end).unwrap_or_default();
        let (open, bracket) = value.split_at_checked(value.len().saturating_sub(1)).unwrap_or_default();
        if !["]", "}"].contains(&bracket) {
            return Err("a value does not end in a bracket".to_owned());
        }
        let kept = open.trim_end();
        let separator = match kept.chars().next_back() {
            Some('[' | '{') => "",
            Some(',') => " ",
            _ => ", ",
        };
        let flow = flow(added);
        let inner = flow.get(1..flow.len().saturating_sub(1)).unwrap_or_default();
        Ok(spliced(text, self.start + kept.len()..self.start + open.len(), &format!("{separator}{inner}")))
    }

    fn replace(self, text: &str, value: &str) -> String {
        spliced(text, self.start..self.end, value)
    }
}

fn root(document: &Document) -> Result<Span, String> {
    let root = document.top_feature().map_err(|error| error.to_string())?;
    Ok(Span::of(document, &root))
}

fn spliced(text: &str, range: Range<usize>, new: &str) -> String {
    let mut text = text.to_owned();
    text.replace_range(range, new);
    text
}

fn route(path: &[Key]) -> Route<'static> {
    let components = path.iter().map(|key| match key {
        Key::Name(name) => Component::from(name.clone()),
        Key::Index(index) => Component::from(*index),
    });
    Route::from(components.collect::<Vec<_>>())
}

/// Returns a value in one line: its text in JSON, but plain where every parser reads that as a string.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let field =
                |(key, value): (&String, &Value)| format!("{}: {}", flow(&key.as_str().into()), flow(value));
            format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// Returns whether a text needs no quotes in YAML of any version: a word in capitals, camel case, or a path. Words such as `yes`
/// and `null` get quotes.
fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "/._-:@".contains(c);
    let first = text.chars().next();
    let is_keyword = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == '/')
        && text.chars().all(is_safe)
        && !text.ends_with(':')
        && !is_keyword.contains(&text.to_ascii_lowercase().as_str())
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
            Self::Append { value, .. } => target.as_array_mut().ok_or_else(missing)?.push(value.clone()),
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
    fn line_ends_stay() {
        writes("a:\r\n  b: 1\r\n", &json!({"a": {"b": 1, "c": [2]}}), "a:\r\n  b: 1\r\n  c:\r\n  - 2\r\n");
        writes("a: 1", &json!({"a": 1, "b": 2}), "a: 1\nb: 2");
    }

    #[test]
    fn empty_values_are_filled() {
        writes("a:\nb: 1\n", &json!({"a": {"c": true}, "b": 1}), "a: {c: true}\nb: 1\n");
        writes("a: {}\n", &json!({"a": {"c": true}}), "a: {c: true}\n");
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
            [("ALL", true), ("/run", true), ("null", true), ("a: b", true), ("yes", true)]
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
        let after = json!({"a": {"b": 1, "d": 2}, "c": {"b": 1, "d": 2}});
        assert_eq!(
            rewritten(text, &after),
            Err("the change would alter other values: duplicate key `d` in a mapping".to_owned())
        );
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
