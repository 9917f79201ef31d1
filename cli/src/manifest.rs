//! Reads the Kubernetes objects in files, each with its source.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};
use walkdir::WalkDir;

use crate::admission;
use crate::document::{self, Document};
use crate::input::{InputError, Problem, Source, kind_of};

/// An object or a request to evaluate.
#[derive(Debug)]
pub struct Manifest {
    /// The source.
    pub source: Source,
    /// The content.
    pub content: Content,
}

/// The content of a manifest.
#[derive(Debug, PartialEq)]
pub enum Content {
    /// A Kubernetes object with a `kind` and an `apiVersion`.
    Object(Map<String, Value>),
    /// An admission request, unchanged.
    Request(Value),
}

impl Manifest {
    /// Returns the admission request to evaluate: the request in the file, or the request that an API server sends when the
    /// object is created.
    #[must_use]
    pub fn into_request(self) -> Value {
        match self.content {
            Content::Object(object) => admission::create(object),
            Content::Request(request) => request,
        }
    }
}

/// Reads a file, every manifest in a folder (by name, with its subfolders), or `-` for stdin.
///
/// After an error, the other files and documents are read.
#[must_use]
pub fn read(path: &Path) -> Vec<Result<Manifest, InputError>> {
    if path == Path::new("-") {
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        return from_text("stdin", read.map(|_| text));
    }
    if path.is_dir() {
        return from_folder(path);
    }
    from_file(path)
}

fn from_file(path: &Path) -> Vec<Result<Manifest, InputError>> {
    from_text(&path.display().to_string(), fs::read(path))
}

fn from_folder(folder: &Path) -> Vec<Result<Manifest, InputError>> {
    let mut manifests = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        match entry {
            // Follows links, because a mounted ConfigMap is a folder of links to files.
            Ok(entry) if is_manifest(entry.path()) && entry.path().is_file() => {
                manifests.extend(from_file(entry.path()));
            }
            Ok(_) => {}
            Err(error) => manifests.push(Err(walk_error(folder, error))),
        }
    }
    if manifests.is_empty() {
        let at = Source::file(folder.display().to_string());
        manifests.push(Err(InputError::new(at, Problem::EmptyFolder)));
    }
    manifests
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| extension == *known)
}

fn walk_error(folder: &Path, error: walkdir::Error) -> InputError {
    let at = Source::file(error.path().unwrap_or(folder).display().to_string());
    InputError::new(at, Problem::Read(error.into()))
}

fn from_text(file: &str, text: io::Result<Vec<u8>>) -> Vec<Result<Manifest, InputError>> {
    let text = match text {
        Ok(text) => text,
        Err(error) => {
            return vec![Err(InputError::new(Source::file(file), Problem::Read(error)))];
        }
    };
    let mut manifests = Vec::new();
    for document in document::parse(file, &text) {
        match document {
            Ok(Document { source, value }) => collect(source, value, &mut manifests),
            Err(error) => manifests.push(Err(error)),
        }
    }
    if manifests.is_empty() {
        manifests.push(Err(InputError::new(Source::file(file), Problem::NoObject)));
    }
    manifests
}

fn collect(source: Source, value: Value, manifests: &mut Vec<Result<Manifest, InputError>>) {
    match classify(value) {
        Ok(Class::List(items)) => {
            for (number, item) in (1..).zip(items) {
                collect(source.item(number), item, manifests);
            }
        }
        Ok(Class::Content(content)) => manifests.push(Ok(Manifest { source, content })),
        Err(problem) => manifests.push(Err(InputError::new(source, problem))),
    }
}

enum Class {
    List(Vec<Value>),
    Content(Content),
}

fn classify(value: Value) -> Result<Class, Problem> {
    let mut object = match value {
        Value::Object(object) => object,
        other => return Err(Problem::NotAMapping(kind_of(&other))),
    };
    if is_admission_request(&object) {
        return Ok(Class::Content(Content::Request(Value::Object(object))));
    }
    let kind = string_field(&object, "kind")?;
    let api_version = string_field(&object, "apiVersion")?;
    if api_version.matches('/').count() > 1 {
        return Err(Problem::ApiVersion(api_version));
    }
    if kind == "AdmissionReview" {
        return match object.remove("request") {
            Some(request @ Value::Object(_)) => Ok(Class::Content(Content::Request(request))),
            _ => Err(Problem::NoRequest),
        };
    }
    Ok(match take_items(&mut object, &kind, &api_version) {
        Some(items) => Class::List(items),
        None => Class::Content(Content::Object(object)),
    })
}

/// Returns the items of a `List`, or of a list of one kind such as a `PodList`.
fn take_items(list: &mut Map<String, Value>, kind: &str, api_version: &str) -> Option<Vec<Value>> {
    let item_kind = kind.strip_suffix("List")?;
    let mut items = std::mem::take(list.get_mut("items")?.as_array_mut()?);
    if !item_kind.is_empty() {
        for item in &mut items {
            complete(item, item_kind, api_version);
        }
    }
    Some(items)
}

/// Returns whether a document is a request: the `kind` of an object is a string, the `kind` of a request is a mapping.
fn is_admission_request(object: &Map<String, Value>) -> bool {
    object.contains_key("uid")
        && object.contains_key("operation")
        && object.get("kind").is_some_and(Value::is_object)
}

fn string_field(object: &Map<String, Value>, field: &'static str) -> Result<String, Problem> {
    match object.get(field) {
        None | Some(Value::Null) => Err(Problem::MissingField(field)),
        Some(Value::String(text)) if text.is_empty() => Err(Problem::MissingField(field)),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(other) => Err(Problem::FieldNotAString { field, found: kind_of(other) }),
    }
}

/// Sets `kind` and `apiVersion` of an item: API servers omit them in a `PodList`.
fn complete(item: &mut Value, kind: &str, api_version: &str) {
    if let Value::Object(item) = item {
        item.entry("kind").or_insert_with(|| kind.into());
        item.entry("apiVersion").or_insert_with(|| api_version.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(text: &str) -> Vec<Result<Manifest, InputError>> {
        from_text("in.yaml", Ok(text.as_bytes().to_vec()))
    }

    /// Returns the objects in a text, with their sources.
    #[track_caller]
    fn objects(text: &str) -> Vec<(String, Value)> {
        parse(text)
            .into_iter()
            .map(|manifest| {
                let manifest = manifest.unwrap();
                let Content::Object(object) = manifest.content else {
                    panic!("{:?} is not an object", manifest.content);
                };
                (manifest.source.to_string(), Value::Object(object))
            })
            .collect()
    }

    #[track_caller]
    fn rejects(text: &str, sentence: &str) {
        let sentences: Vec<String> =
            parse(text).into_iter().map(|manifest| manifest.unwrap_err().to_string()).collect();
        assert_eq!(sentences, [sentence]);
    }

    #[test]
    fn an_object_is_not_changed() {
        assert_eq!(
            objects("{kind: Pod, apiVersion: v1, spec: {}}"),
            [("in.yaml".to_owned(), json!({"kind": "Pod", "apiVersion": "v1", "spec": {}}))]
        );
    }

    #[test]
    fn a_list_is_expanded() {
        let list = "
kind: List
apiVersion: v1
items:
- {kind: Pod, apiVersion: v1}
- {kind: Job, apiVersion: batch/v1}
---
{kind: Pod, apiVersion: v1}
";
        let sources: Vec<String> = objects(list).into_iter().map(|(source, _)| source).collect();
        assert_eq!(
            sources,
            ["in.yaml, document 1, item 1", "in.yaml, document 1, item 2", "in.yaml, document 2"]
        );
    }

    #[test]
    fn items_of_a_typed_list_get_its_kind() {
        assert_eq!(
            objects("{kind: DeploymentList, apiVersion: apps/v1, items: [{spec: 1}, {kind: X}]}"),
            [
                (
                    "in.yaml, item 1".to_owned(),
                    json!({"kind": "Deployment", "apiVersion": "apps/v1", "spec": 1})
                ),
                ("in.yaml, item 2".to_owned(), json!({"kind": "X", "apiVersion": "apps/v1"})),
            ]
        );
    }

    #[test]
    fn lists_in_lists_are_expanded() {
        let objects =
            objects("{kind: List, apiVersion: v1, items: [{kind: PodList, apiVersion: v1, items: [{}]}]}");
        assert_eq!(objects[0].0, "in.yaml, item 1, item 1");
    }

    #[test]
    fn a_kind_that_ends_in_list_can_be_an_object() {
        let objects = objects("{kind: AllowList, apiVersion: example.com/v1, spec: {}}");
        assert_eq!(objects.len(), 1);
    }

    #[test]
    fn an_empty_list_is_a_file_without_objects() {
        rejects("{kind: List, apiVersion: v1, items: []}", "in.yaml: no Kubernetes object in this file");
        rejects("# nothing\n---\n", "in.yaml: no Kubernetes object in this file");
    }

    #[test]
    fn other_documents_are_rejected() {
        rejects("[1]", "in.yaml: expected a Kubernetes object, got a sequence");
        rejects("text", "in.yaml: expected a Kubernetes object, got a string");
        rejects("{apiVersion: v1}", "in.yaml: not a Kubernetes object: missing `kind`");
        rejects("{kind: Pod, apiVersion: ''}", "in.yaml: not a Kubernetes object: missing `apiVersion`");
        rejects(
            "{kind: Pod, apiVersion: 1}",
            "in.yaml: not a Kubernetes object: `apiVersion`: expected a string, got a number",
        );
        rejects(
            "{kind: Pod, apiVersion: a/b/c}",
            "in.yaml: not a Kubernetes object: `apiVersion`: expected a version or a group/version, got `a/b/c`",
        );
        rejects(
            "{kind: List, apiVersion: v1, items: [null]}",
            "in.yaml, item 1: expected a Kubernetes object, got null",
        );
    }

    #[test]
    fn admission_requests_are_passed_through() {
        let request = json!({"uid": "1", "operation": "DELETE", "kind": {"kind": "Pod"}, "x": 1});
        let review = json!({
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "request": request,
        });
        for text in [request.to_string(), review.to_string()] {
            let manifest = parse(&text).remove(0).unwrap();
            assert_eq!(manifest.content, Content::Request(request.clone()));
            assert_eq!(manifest.into_request(), request);
        }
    }

    #[test]
    fn a_review_without_a_request_is_rejected() {
        rejects(
            "{kind: AdmissionReview, apiVersion: admission.k8s.io/v1, response: {}}",
            "in.yaml: this AdmissionReview does not have a `request`",
        );
    }

    #[test]
    fn one_bad_document_does_not_hide_the_others() {
        let manifests = parse("{kind: Pod, apiVersion: v1}\n---\nkind: {}\n");
        assert!(manifests[0].is_ok());
        assert_eq!(
            manifests[1].as_ref().unwrap_err().to_string(),
            "in.yaml, document 2: not a Kubernetes object: `kind`: expected a string, got a mapping"
        );
    }

    #[test]
    fn a_folder_is_read_by_name_with_its_subfolders() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.json", "b/2.yml", "b/1.yaml", "a.yaml", "notes.txt"] {
            let pod = "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}";
            fs::write(folder.path().join(name), pod).unwrap();
        }
        let names: Vec<String> =
            read(folder.path()).into_iter().map(|manifest| manifest.unwrap().source.file).collect();
        let expected = ["a.yaml", "b/1.yaml", "b/2.yml", "c.json"]
            .map(|name| folder.path().join(name).display().to_string());
        assert_eq!(names, expected);
    }

    #[test]
    fn a_folder_without_manifests_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        let error = read(folder.path()).remove(0).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("{}: no file in this folder ends in .yaml, .yml or .json", folder.path().display())
        );
    }

    #[test]
    fn a_missing_file_is_reported() {
        let error = read(Path::new("/nowhere/pod.yaml")).remove(0).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/pod.yaml: no such file or folder");
    }
}
