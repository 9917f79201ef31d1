//! Reads the Kubernetes objects in files, each with its source.

mod inputs;
mod locator;
mod render;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::admission;
use crate::document::{Document, Documents};
use crate::input::{InputError, Position, Problem, Source, kind_of};
use crate::resources::Resources;
use crate::yaml::Step;
use inputs::Input;
use render::Renderer;

pub use locator::Locator;
pub use render::Renderers;

/// An object or a request to evaluate.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The source.
    pub source: Source,
    /// The content.
    pub content: Content,
    locator: Locator,
}

/// The content of a manifest.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A Kubernetes object with a `kind` and an `apiVersion`.
    Object(Map<String, Value>),
    /// An admission request, unchanged.
    Request(Value),
}

/// How manifests are read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Whether the subfolders of folders are read.
    pub recursive: bool,
    /// The programs that render charts and kustomizations.
    pub renderers: Renderers,
}

impl Manifest {
    /// Returns the manifest of an object that is not in a file, so its fields do not have positions.
    #[must_use]
    pub fn without_file(source: Source, object: Map<String, Value>) -> Self {
        Self { source, content: Content::Object(object), locator: Locator::new(None) }
    }

    /// Returns the admission request to evaluate: the request in the file, or the request that an API server sends when the
    /// object is created.
    #[must_use]
    pub fn into_request(self) -> Value {
        self.into_request_with(&Resources::default())
    }

    /// Returns the request like [`Self::into_request`], with the resources of custom kinds.
    #[must_use]
    pub fn into_request_with(self, resources: &Resources) -> Value {
        match self.content {
            Content::Object(object) => admission::create_with(object, resources),
            Content::Request(request) => request,
        }
    }

    /// Returns the position of a field of the object in its file, as [`Locator::position`].
    #[must_use]
    pub fn position(&self, path: &str) -> Option<Position> {
        self.locator.position(path)
    }

    /// Returns what finds the fields of the object after the manifest became a request.
    #[must_use]
    pub fn locator(&self) -> Locator {
        self.locator.clone()
    }
}

/// Reads files, the manifests in folders (by name), and `-` for stdin.
///
/// A folder with a chart or a kustomization is rendered. After an error, the other files and documents are read. At most two
/// documents are in memory.
pub fn read(
    paths: &[PathBuf],
    options: &ReadOptions,
) -> impl Iterator<Item = Result<Manifest, InputError>> + Send + use<> {
    let (paths, options) = (paths.to_vec(), options.clone());
    paths.into_iter().flat_map(move |path| {
        let renderers = options.renderers.clone();
        let inputs = inputs::of(&path, options.recursive).into_iter();
        inputs.flat_map(move |input| Manifests::open(input, &renderers))
    })
}

/// A whole text with manifests.
#[derive(Debug)]
pub struct Text {
    /// The name of the file or the folder, or `stdin`.
    pub name: String,
    /// The file, if the text is the content of one.
    pub path: Option<PathBuf>,
    /// The text.
    pub bytes: Vec<u8>,
}

/// Reads the same inputs as [`read`], each as a whole.
pub fn texts(paths: &[PathBuf], options: &ReadOptions) -> impl Iterator<Item = Result<Text, InputError>> {
    let inputs = paths.iter().flat_map(|path| inputs::of(path, options.recursive));
    inputs.map(|input| {
        let (name, path, bytes) = match input {
            Input::Stdin => {
                let mut bytes = Vec::new();
                let read = io::stdin().lock().read_to_end(&mut bytes);
                ("stdin".to_owned(), None, read.map(|_| bytes).map_err(Problem::Read))
            }
            Input::File(path) => (display(&path), Some(path.clone()), fs::read(&path).map_err(Problem::Read)),
            Input::Folder(path, renderer) => {
                (display(&path), None, options.renderers.render(renderer, &path))
            }
            Input::Unreadable(error) => return Err(error),
        };
        match bytes {
            Ok(bytes) => Ok(Text { name, path, bytes }),
            Err(problem) => Err(InputError::new(Source::file(name), problem)),
        }
    })
}

/// Reads the content of a file, in the same way.
pub fn in_text(file: &str, text: Vec<u8>) -> impl Iterator<Item = Result<Manifest, InputError>> + use<> {
    Manifests::new(file.to_owned(), Ok(Box::new(Cursor::new(text))), None)
}

/// Returns the manifests in a document.
pub(crate) fn in_document(document: Document) -> impl Iterator<Item = Result<Manifest, InputError>> {
    let locator = document.locator();
    let mut manifests = VecDeque::new();
    collect(document.source, locator, document.value, &mut manifests);
    manifests.into_iter()
}

/// The manifests of one input.
struct Manifests {
    file: String,
    /// Nothing after the last document.
    documents: Option<Documents<Box<dyn BufRead + Send>>>,
    /// The program that wrote the documents.
    renderer: Option<Renderer>,
    has_documents: bool,
    /// The rest of the current document.
    queue: VecDeque<Result<Manifest, InputError>>,
}

impl Manifests {
    fn open(input: Input, renderers: &Renderers) -> Self {
        match input {
            Input::Stdin => Self::new("stdin".to_owned(), Ok(Box::new(BufReader::new(io::stdin()))), None),
            Input::File(path) => Self::new(display(&path), open(&path).map_err(Problem::Read), None),
            Input::Folder(path, renderer) => {
                let text = renderers.render(renderer, &path);
                let reader = text.map(|text| Box::new(Cursor::new(text)) as Box<dyn BufRead + Send>);
                Self::new(display(&path), reader, Some(renderer))
            }
            Input::Unreadable(error) => Self {
                file: String::new(),
                documents: None,
                renderer: None,
                has_documents: true,
                queue: VecDeque::from([Err(error)]),
            },
        }
    }

    fn new(
        file: String,
        reader: Result<Box<dyn BufRead + Send>, Problem>,
        renderer: Option<Renderer>,
    ) -> Self {
        let mut queue = VecDeque::new();
        let documents = match reader {
            Ok(reader) => Some(Documents::new(&file, reader)),
            Err(problem) => {
                queue.push_back(Err(InputError::new(Source::file(&file), problem)));
                None
            }
        };
        Self { file, documents, renderer, has_documents: false, queue }
    }

    fn no_object(&self) -> InputError {
        InputError::new(Source::file(&self.file), Problem::NoObject)
    }

    /// Queues the objects of a document.
    fn add(&mut self, document: Document) {
        let Document { mut source, value, origin } = document;
        if self.renderer == Some(Renderer::Helm) {
            source.template = render::template(origin.text());
        }
        // The positions in rendered text are not positions in a file.
        let origin = self.renderer.is_none().then(|| Arc::clone(&origin));
        collect(source, Locator::new(origin), value, &mut self.queue);
    }
}

impl Iterator for Manifests {
    type Item = Result<Manifest, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(manifest) = self.queue.pop_front() {
                return Some(manifest);
            }
            let Some(document) = self.documents.as_mut()?.next() else {
                self.documents = None;
                return (!self.has_documents).then(|| Err(self.no_object()));
            };
            self.has_documents = true;
            match document {
                Ok(document) => self.add(document),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    Ok(Box::new(BufReader::new(File::open(path)?)))
}

fn display(path: &Path) -> String {
    path.display().to_string()
}

fn collect(
    source: Source,
    locator: Locator,
    value: Value,
    manifests: &mut VecDeque<Result<Manifest, InputError>>,
) {
    match classify(value) {
        Ok(Class::List(items)) => {
            for (index, item) in items.into_iter().enumerate() {
                let locator = locator.clone().at(Step::Key("items")).at(Step::Item(index));
                collect(source.item(index + 1), locator, item, manifests);
            }
        }
        Ok(Class::Content(content, steps)) => {
            let locator = steps.iter().fold(locator, |locator, key| locator.at(Step::Key(key)));
            manifests.push_back(Ok(Manifest { source, content, locator }));
        }
        Err(problem) => manifests.push_back(Err(InputError::new(source, problem))),
    }
}

enum Class {
    List(Vec<Value>),
    /// The content, and the keys of the object in it.
    Content(Content, &'static [&'static str]),
}

fn classify(value: Value) -> Result<Class, Problem> {
    let mut object = match value {
        Value::Object(object) => object,
        other => return Err(Problem::NotAMapping(kind_of(&other))),
    };
    if is_admission_request(&object) {
        return Ok(Class::Content(Content::Request(Value::Object(object)), &["object"]));
    }
    let kind = string_field(&object, "kind")?;
    let api_version = string_field(&object, "apiVersion")?;
    if api_version.matches('/').count() > 1 {
        return Err(Problem::ApiVersion(api_version));
    }
    if kind == "AdmissionReview" {
        return match object.remove("request") {
            Some(request @ Value::Object(_)) => {
                Ok(Class::Content(Content::Request(request), &["request", "object"]))
            }
            _ => Err(Problem::NoRequest),
        };
    }
    Ok(match take_items(&mut object, &kind, &api_version) {
        Some(items) => Class::List(items),
        None => Class::Content(Content::Object(object), &[]),
    })
}

/// Returns whether a value is a `List`, or a list of one kind such as a `PodList`.
pub(crate) fn is_list(value: &Value) -> bool {
    let kind = value.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("List")) && value.get("items").is_some_and(Value::is_array)
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
        parse_file("in.yaml", text)
    }

    fn parse_file(name: &str, text: &str) -> Vec<Result<Manifest, InputError>> {
        in_text(name, text.as_bytes().to_vec()).collect()
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
    fn an_empty_list_is_not_a_file_without_objects() {
        assert!(parse("{kind: List, apiVersion: v1, items: []}").is_empty());
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
    fn several_paths_are_read_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("b")).unwrap();
        for name in ["c.yaml", "b/2.yml", "b/1.json"] {
            std::fs::write(path(name), "{\"kind\": \"Pod\", \"apiVersion\": \"v1\"}").unwrap();
        }
        let paths = [path("c.yaml"), PathBuf::from("/nowhere/pod.yaml"), path("b")];
        let read: Vec<String> = read(&paths, &ReadOptions::default())
            .map(|manifest| match manifest {
                Ok(manifest) => manifest.source.to_string(),
                Err(error) => error.to_string(),
            })
            .collect();
        let file = |name| display(&path(name));
        let missing = "/nowhere/pod.yaml: no such file or folder".to_owned();
        assert_eq!(read, [file("c.yaml"), missing, file("b/1.json"), file("b/2.yml")]);
    }

    #[test]
    fn manifests_can_move_to_another_thread() {
        fn is_send<T: Send>(value: T) -> T {
            value
        }
        let read = is_send(read(&[], &ReadOptions::default()));
        assert_eq!(read.map(is_send).count(), 0);
    }

    /// Returns the lines and columns of fields of the first object.
    fn positions<const N: usize>(name: &str, text: &str, paths: [&str; N]) -> [(u64, u64); N] {
        let manifest = parse_file(name, text).remove(0).unwrap();
        paths.map(|path| {
            let Position { line, column } = manifest.position(path).unwrap();
            (line, column)
        })
    }

    const POD: &str = "\
# A pod.
---
kind: Pod
apiVersion: v1
metadata:
  annotations: {example.com/key: a}
spec:
  containers:
  - name: web
    image: nginx
  - image: other
";

    #[test]
    fn fields_have_positions() {
        let paths = ["", "kind", "metadata.annotations[example.com/key]", "spec.containers[0].image"];
        assert_eq!(positions("a.yaml", POD, paths), [(3, 1), (3, 1), (6, 17), (10, 5)]);
        assert_eq!(positions("a.yaml", POD, ["spec.containers[1]"]), [(11, 5)]);
    }

    #[test]
    fn unset_fields_have_the_position_of_their_parent() {
        let paths =
            ["spec.containers[0].securityContext.privileged", "spec.containers[7]", "status.x", "spec.x"];
        assert_eq!(positions("a.yaml", POD, paths), [(9, 5), (8, 3), (3, 1), (7, 1)]);
    }

    #[test]
    fn items_and_reviews_have_their_own_positions() {
        let list = "kind: List\napiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec: {x: 1}\n";
        assert_eq!(
            positions("a.yaml", list, ["spec.x", "spec.y", "", "y"]),
            [(6, 10), (6, 3), (4, 3), (4, 3)]
        );
        let review = "kind: AdmissionReview\napiVersion: v1\nrequest:\n  object:\n    spec:\n      x: 1\n";
        assert_eq!(positions("a.yaml", review, ["spec.x", "y"]), [(6, 7), (5, 5)]);
        let deletion = "uid: '1'\nkind: {}\noperation: DELETE\n";
        assert_eq!(positions("a.yaml", deletion, ["spec"]), [(1, 1)]);
    }

    #[test]
    fn json_has_positions() {
        let text = "{}\n{\"kind\": \"Pod\", \"apiVersion\": \"v1\",\n \"spec\": {\"\\u0061\": [1, {\"b\": \"c\\\"\"}]}}";
        let manifests = parse_file("a.json", text);
        let at = |path| manifests[1].as_ref().unwrap().position(path).map(|at| (at.line, at.column));
        assert_eq!(
            ["", "kind", "spec", "spec.a[0]", "spec.a[1].b", "spec.a[2]"].map(at),
            [(2, 1), (2, 2), (3, 2), (3, 22), (3, 26), (3, 11)].map(Some)
        );
    }

    #[test]
    fn repeated_fields_have_the_position_of_their_anchor() {
        let text = "kind: Pod\napiVersion: v1\nu: &x\n  a: 1\nv: *x\nw:\n  <<: *x\n  b: 1\n";
        let paths = ["v", "v.a", "w.a", "w.b"];
        assert_eq!(positions("a.yaml", text, paths), [(5, 1), (4, 3), (4, 3), (8, 3)]);
    }

    #[test]
    fn any_key_is_found() {
        let long = "k".repeat(200);
        let text = format!(
            "kind: Pod\napiVersion: v1\nx:\n  a.b: {{c: 1}}\n  a: {{}}\n  {long}: 1\n  'a]b[0]': 1\n  \"e\\tf\": 1\n  1: 1\n"
        );
        let truncated = format!("x[{}…]", "k".repeat(128));
        let paths = ["x[a.b].c", &truncated, "x[a]b[0]]", "x[e\\tf]", "x[e\\u{9}f]", "x.1"];
        assert_eq!(positions("a.yaml", &text, paths)[..], [(4, 9), (6, 3), (7, 3), (3, 1), (8, 3), (9, 3)]);
    }

    #[cfg(unix)]
    #[test]
    fn a_rendered_chart_names_its_templates() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let chart = folder.path().join("web");
        std::fs::create_dir(&chart).unwrap();
        std::fs::write(chart.join("Chart.yaml"), "name: web\n").unwrap();
        let helm = folder.path().join("helm");
        let script = "#!/bin/sh\necho ---\necho \"# Source: $2/templates/a.yaml\"\necho '{kind: Pod, apiVersion: v1}'\necho ---\necho 'kind: Job'\n";
        std::fs::write(&helm, script).unwrap();
        std::fs::set_permissions(&helm, std::fs::Permissions::from_mode(0o755)).unwrap();
        let renderers = Renderers { helm, ..Renderers::default() };
        let options = ReadOptions { renderers, ..ReadOptions::default() };
        let mut read = read(std::slice::from_ref(&chart), &options);
        let pod = read.next().unwrap().unwrap();
        assert_eq!(pod.source.template.as_deref(), Some("web/templates/a.yaml"));
        assert_eq!(pod.source.to_string(), format!("{}, document 1", chart.display()));
        assert_eq!(pod.position("kind"), None);
        assert_eq!(
            read.next().unwrap().unwrap_err().to_string(),
            format!("{}, document 2: not a Kubernetes object: missing `apiVersion`", chart.display())
        );
        assert!(read.next().is_none());
    }
}
