//! Cases: tables of requests with expected verdicts.
//!
//! A file is a list of cases. Each case changes a base, which is a complete manifest with a name, and states the expected
//! verdict. `docs/contributing/testing.md` describes the format.

mod entry;
mod expectations;
mod patch;
mod payload;
mod request;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use immutable_pods::document;
use immutable_pods::interactions::Exchange;
use serde_json::Value;
use walkdir::WalkDir;

use entry::Entry;
pub use expectations::{Expectations, rewrite, rewrite_payload};
pub use patch::{apply, diff};
pub use payload::Payload;
pub use request::to_create;

/// The folder of the bases, in the folder of the cases.
const BASES: &str = "bases";

/// The base of a case that does not name a base.
const DEFAULT_BASE: &str = "pod";

/// Maximum number of lines in a file. Longer files must be split by topic.
pub const MAX_LINES: usize = 600;

/// A request with settings, and the expected verdict.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file in the folder of the cases, without its extension, such as `privileged/denied`.
    pub topic: String,
    /// The name, which is unique in the file.
    pub name: String,
    /// Topic and name, for messages.
    pub id: String,
    /// The reason for the case, in one sentence.
    pub why: String,
    /// The admission request.
    pub request: Value,
    /// The settings of the policy.
    pub settings: Value,
    /// The expected calls of the host with their answers, in order.
    pub exchanges: Vec<Exchange>,
    /// The findings of the denial, in order. Empty if the object is admitted.
    pub deny: Vec<String>,
    /// The warnings, in order.
    pub warn: Vec<String>,
    /// The fixed object, if the policy fixes the requested object.
    pub fixed: Option<Value>,
    /// Requests that create the old, the new and the fixed object of the case.
    pub manifests: Vec<Value>,
}

impl Case {
    /// Returns the expected verdict.
    #[must_use]
    pub fn expectations(&self) -> Expectations {
        let object = self.request.get("object").unwrap_or(&Value::Null);
        let fix = self.fixed.as_ref().map(|fixed| diff(object, fixed).unwrap_or_default());
        Expectations { deny: self.deny.clone(), warn: self.warn.clone(), fix }
    }

    /// Whether the case belongs to a topic or to a topic below it.
    #[must_use]
    pub fn is_of(&self, topic: &str) -> bool {
        self.topic.strip_prefix(topic).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// An error in a file of cases.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", .file.display())]
pub struct Error {
    file: PathBuf,
    problem: String,
}

impl Error {
    fn new(file: &Path, problem: &dyn fmt::Display) -> Self {
        Self { file: file.to_owned(), problem: problem.to_string() }
    }
}

/// Reads every case in a folder, in the order of the files.
///
/// # Errors
///
/// If a file cannot be read or contains an invalid case.
pub fn read(folder: &Path) -> Result<Vec<Case>, Error> {
    let bases = bases(folder)?;
    let mut cases = Vec::new();
    for file in files(folder, "yaml")?.iter().filter(|file| !file.starts_with(folder.join(BASES))) {
        cases.extend(cases_in(folder, file, &bases)?);
    }
    Ok(cases)
}

/// Reads the payloads in a folder, in the order of the files.
///
/// # Errors
///
/// If a file cannot be read or does not begin with a reason.
pub fn payloads(folder: &Path) -> Result<Vec<Payload>, Error> {
    let read = |file: &PathBuf| {
        let bytes = fs::read(file).map_err(|error| Error::new(file, &error))?;
        Payload::parse(&topic_of(folder, file), &bytes).map_err(|problem| Error::new(file, &problem))
    };
    files(folder, "payload")?.iter().map(read).collect()
}

/// Reads the bases in a folder of cases, by their names.
///
/// # Errors
///
/// If a base is not a single Kubernetes object.
pub fn bases(folder: &Path) -> Result<BTreeMap<String, Value>, Error> {
    let mut bases = BTreeMap::new();
    for file in files(&folder.join(BASES), "yaml")? {
        bases.insert(topic_of(&folder.join(BASES), &file), document_in(&file)?);
    }
    Ok(bases)
}

/// Returns the files with an extension in a folder and its subfolders, in the order of names.
fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in WalkDir::new(folder).sort_by_file_name() {
        let path = entry.map_err(|error| Error::new(folder, &error))?.into_path();
        if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    Ok(files)
}

/// Returns the path of a file in a folder, without its extension.
fn topic_of(folder: &Path, file: &Path) -> String {
    let topic = file.strip_prefix(folder).unwrap_or(file).with_extension("");
    topic.to_string_lossy().replace('\\', "/")
}

/// Returns the only document of a file.
fn document_in(file: &Path) -> Result<Value, Error> {
    let text = fs::read(file).map_err(|error| Error::new(file, &error))?;
    // The parser's error contains the file name, and `Error` adds the folder.
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut documents = document::parse(&name, &text);
    match (documents.pop(), documents.is_empty()) {
        (Some(Ok(document)), true) => Ok(document.value),
        (Some(Err(error)), _) => Err(Error::new(file, &error)),
        _ => Err(Error::new(file, &"expected one document")),
    }
}

fn cases_in(folder: &Path, file: &Path, bases: &BTreeMap<String, Value>) -> Result<Vec<Case>, Error> {
    let Value::Array(entries) = document_in(file)? else {
        return Err(Error::new(file, &"expected a list of cases"));
    };
    let topic = topic_of(folder, file);
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for entry in entries {
        let name = entry.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        let case = case(&topic, entry, bases);
        cases.push(case.map_err(|problem| Error::new(file, &format!("case {name}: {problem}")))?);
        if !names.insert(name.clone()) {
            return Err(Error::new(file, &format!("case {name}: duplicate name")));
        }
    }
    Ok(cases)
}

fn case(topic: &str, entry: Value, bases: &BTreeMap<String, Value>) -> Result<Case, String> {
    let entry: Entry = serde_json::from_value(entry).map_err(|error| error.to_string())?;
    entry.check()?;
    let Entry { name, why, base, object, settings, old, patch, request, host, deny, warn, fix, .. } = entry;
    let start = match (object, base.as_deref().unwrap_or(DEFAULT_BASE)) {
        (Some(object), _) => object,
        (None, base) => bases.get(base).cloned().ok_or_else(|| format!("unknown base {base:?}"))?,
    };
    let changes = request::Changes { old, patch, request };
    let (request, mut manifests) = request::build(start, &changes)?;
    let object = request.get("object").unwrap_or(&Value::Null);
    let fixed = fix.map(|fix| apply(object, &fix)).transpose().map_err(|error| format!("fix: {error}"))?;
    manifests.extend(fixed.clone().and_then(to_create));
    Ok(Case {
        topic: topic.to_owned(),
        id: format!("{topic}/{name}"),
        name,
        why,
        request,
        settings: settings.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        exchanges: host.into_iter().flatten().map(entry::Question::exchange).collect::<Result<_, _>>()?,
        deny: deny.unwrap_or_default(),
        warn: warn.unwrap_or_default(),
        fixed,
        manifests,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file of cases with an empty pod as base.
    fn read_cases(text: &str) -> Result<Vec<Case>, String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BASES)).unwrap();
        fs::write(folder.path().join("bases/pod.yaml"), "{apiVersion: v1, kind: Pod, spec: {}}").unwrap();
        fs::write(folder.path().join("topic.yaml"), text).unwrap();
        read(folder.path()).map_err(|error| error.problem)
    }

    #[track_caller]
    fn fails(fields: &str, problem: &str) {
        let error = read_cases(&format!("- {{name: x, {fields}}}")).unwrap_err();
        assert_eq!(error, format!("case x: {problem}"));
    }

    #[test]
    fn a_case_is_a_request_with_a_verdict() {
        let case = "
- name: host-pid
  why: A reason.
  settings: {onUpdate: all}
  host: [{user: nginx, is: root}]
  patch: {spec: {hostPID: true}}
  deny: [a line]
";
        let case = read_cases(case).unwrap().remove(0);
        assert_eq!((&*case.id, &*case.topic), ("topic/host-pid", "topic"));
        assert_eq!(case.request["object"]["spec"]["hostPID"], true);
        assert_eq!(case.settings["onUpdate"], "all");
        assert_eq!((case.deny.len(), case.warn.len(), case.exchanges.len()), (1, 0, 1));
        assert!(case.is_of("topic") && !case.is_of("top"));
    }

    #[test]
    fn a_fix_is_a_patch_of_the_object() {
        let case = "[{name: x, why: z, patch: {spec: {a: 1}}, fix: {spec: {b: 2}}}]";
        let case = read_cases(case).unwrap().remove(0);
        let fixed = case.fixed.clone().unwrap();
        assert_eq!(fixed["spec"], serde_json::json!({"a": 1, "b": 2}));
        assert_eq!(case.expectations().fix, Some(serde_json::json!({"spec": {"b": 2}})));
    }

    #[test]
    fn a_case_must_have_exactly_one_verdict() {
        fails("why: z", "expected one of `deny`, `warn`, `fix` and `admit: true`");
        fails("why: z, admit: false", "admit: expected true; list the findings of a denial in `deny`");
        fails("why: z, admit: true, deny: [a]", "admit: not allowed with `deny`, `warn` or `fix`");
        fails("why: z, deny: []", "deny: expected a non-empty list");
        fails("why: z, fix: {}", "fix: expected a non-empty mapping");
        fails(
            "why: z, deny: [a], fix: {spec: {}}",
            "fix: not allowed with `deny`, because a denied object is not fixed",
        );
    }

    #[test]
    fn fields_of_a_case_must_be_complete_and_known() {
        fails("admit: true", "missing field `why`");
        fails("why: '', admit: true", "why: expected one line");
        fails("why: z, admit: true, base: none", "unknown base \"none\"");
        fails("why: z, admit: true, base: pod, object: {a: b}", "object: not allowed with `base`");
        fails("why: z, admit: true, patch: null", "patch: expected a non-empty mapping");
        fails("why: z, admit: true, host: [{user: a}]", "host: expected one of `is`, `error` and `answer`");
        let error = read_cases("- {name: x, why: z, admit: true, when: a}").unwrap_err();
        assert!(error.starts_with("case x: unknown field `when`"), "{error}");
    }

    #[test]
    fn names_are_words_and_distinct() {
        let case = |name: &str| format!("- {{name: {name}, why: z, admit: true}}\n");
        assert!(
            read_cases(&case("A_b")).unwrap_err().starts_with("case A_b: name: expected lower-case words")
        );
        let error = read_cases(&(case("x") + &case("x"))).unwrap_err();
        assert_eq!(error, "case x: duplicate name");
    }

    #[test]
    fn a_payload_has_a_reason_and_bytes() {
        let payload = Payload::parse("bypass/json/x", b"# Why.\n# deny: a line\n{\xff\n# b").unwrap();
        assert_eq!((&*payload.name, &*payload.bytes), ("x", &b"{\xff\n# b"[..]));
        assert_eq!(payload.deny, ["a line"]);
        assert!(Payload::parse("x", b"{}").is_err());
    }
}
