//! Fixtures: manifests that say themselves what is to be found in them.
//!
//! A line `# finding: …` is a line of the denial, a line `# warning: …` a warning, a line `# settings: …` holds the settings in JSON. An object is to be
//! created; of two, the first becomes the second. Any other request is written out as a whole. In a folder of fixes, the
//! last of several objects is what the policy makes of the one before it.
//!
//! A line `# host: {"user": image, …}` or `# host: {"digest": image, …}` is a question to the host, with what `is` so, an
//! `error`, or an `answer` of another shape.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a fixture that cannot be read ends its test")]

use std::fs;
use std::path::Path;

use immutable_pods_host::interactions::{Exchange, Request, Response};
use immutable_pods_host::{Interactions, ValidationResponse, manifest};
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

use crate::module::{in_repository, policy};

/// The folder of all fixtures.
pub(crate) const FIXTURES: &str = "tests/fixtures";

/// A manifest, and what the policy must make of it.
pub(crate) struct Fixture {
    /// Where it stands in the repository, for messages.
    pub(crate) name: String,
    /// The file's name without its ending.
    pub(crate) stem: String,
    /// What an API server asks.
    pub(crate) request: Value,
    /// The settings it is to be judged by.
    pub(crate) settings: Value,
    /// The lines of the denial, in their order; none when the object is to be admitted.
    pub(crate) findings: Vec<String>,
    /// What the user is told besides.
    pub(crate) warnings: Vec<String>,
    /// What the policy asks its host, in this order, and what it is answered.
    pub(crate) exchanges: Vec<Exchange>,
    /// The object that is to be admitted in place of the one in the request, if it is to be changed.
    pub(crate) fixed: Option<Value>,
}

/// Folders of fixtures in which objects are changed.
const FOLDERS_OF_FIXES: [&str; 3] = ["/fix/", "/fixes/", "/registry/"];

impl Fixture {
    #[track_caller]
    fn read(name: String, stem: String) -> Self {
        let text = fs::read_to_string(in_repository(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(text.starts_with("# "), "{name}: must begin with a comment that says why it exists");
        let findings = text.lines().filter_map(|line| line.strip_prefix("# finding: ")).map(str::to_owned);
        let settings = text.lines().find_map(|line| line.strip_prefix("# settings: ")).unwrap_or("{}");
        let settings = serde_json::from_str(settings).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut requests = requests(&name);
        let is_of_fixes = FOLDERS_OF_FIXES.iter().any(|folder| name.contains(folder));
        let fixed = if is_of_fixes && requests.len() > 1 { requests.pop() } else { None };
        let fixed = fixed.map(|mut request| request["object"].take());
        let request = request_of(&name, requests);
        let warnings = text.lines().filter_map(|line| line.strip_prefix("# warning: ")).map(str::to_owned);
        let exchanges = text.lines().filter_map(|line| line.strip_prefix("# host: "));
        let exchanges = exchanges.map(|line| exchange(line).unwrap_or_else(|| panic!("{name}: {line}")));
        Self {
            findings: findings.collect(),
            warnings: warnings.collect(),
            exchanges: exchanges.collect(),
            name,
            stem,
            request,
            settings,
            fixed,
        }
    }

    /// The module's answer, for which it must ask its host exactly what the fixture says.
    #[track_caller]
    pub(crate) fn judge(&self, settings: &Value) -> ValidationResponse {
        let Self { name, request, exchanges, .. } = self;
        let interactions = Interactions::new(exchanges.clone());
        let response = policy().replaying(&interactions).validate(request, settings);
        assert_eq!(
            (interactions.calls(), interactions.left()),
            (exchanges.len(), 0),
            "{name}: calls of the host"
        );
        response.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The pod of a request to create one, unless it asks for something else.
    pub(crate) fn created_pod_spec(&self) -> Option<&Value> {
        let Self { request, .. } = self;
        let creates_pod =
            self.creates() && request["kind"]["group"] == "" && request["kind"]["kind"] == "Pod";
        creates_pod.then(|| &request["object"]["spec"])
    }

    /// Whether it is about an object that is created.
    pub(crate) fn creates(&self) -> bool {
        self.request["operation"] == "CREATE"
    }
}

/// A question to the host, and its answer.
fn exchange(line: &str) -> Option<Exchange> {
    let line: Value = serde_json::from_str(line).ok()?;
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    let is = &line["is"];
    let (request, payload) = match (text("user"), text("digest")) {
        (Some(image), None) => {
            let config = json!({"architecture": "amd64", "os": "linux", "config": {"User": is}});
            let answer = json!({"manifest": {"schemaVersion": 2}, "digest": "sha256:0", "config": config});
            (Request::OciManifestAndConfig { image }, answer)
        }
        (None, Some(image)) => (Request::OciManifestDigest { image }, json!({"digest": is})),
        _ => return None,
    };
    let response = match (text("error"), text("answer")) {
        (Some(message), None) => Response::Error { message },
        (None, Some(payload)) => Response::Success { payload },
        _ => Response::Success { payload: payload.to_string() },
    };
    Some(Exchange { request, response })
}

/// The request that the objects of a fixture stand for.
#[track_caller]
fn request_of(name: &str, mut requests: Vec<Value>) -> Value {
    let last = requests.pop().unwrap_or_else(|| panic!("{name}: holds no object"));
    match requests.pop() {
        None => last,
        Some(first) => {
            assert!(requests.is_empty(), "{name}: must hold one object, or an old one and a new one");
            assert_eq!(first["kind"], last["kind"], "{name}: an object cannot change its kind");
            update(&first["object"], last)
        }
    }
}

/// What an API server asks when an object becomes the one that a request would create.
pub(crate) fn update(old: &Value, mut request: Value) -> Value {
    request["operation"] = "UPDATE".into();
    request["oldObject"] = old.clone();
    request["options"]["kind"] = "UpdateOptions".into();
    request
}

/// What an API server asks when nothing about an object changes.
pub(crate) fn unchanged(request: &Value) -> Value {
    update(&request["object"], request.clone())
}

/// The fixtures in a folder, by name; none when there is no such folder.
#[track_caller]
pub(crate) fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = format!("{FIXTURES}/{folder}");
    names_in(&folder)
        .into_iter()
        .map(|file| {
            let stem =
                file.strip_suffix(".yaml").unwrap_or_else(|| panic!("{folder}/{file}: is no .yaml file"));
            Fixture::read(format!("{folder}/{file}"), stem.to_owned())
        })
        .collect()
}

/// The fixtures of every rule in one of its folders, each with the rule's id.
#[track_caller]
pub(crate) fn of_rules(verdict: &str) -> Vec<(&'static str, Fixture)> {
    let mut all = Vec::new();
    for rule in RULES {
        let folder = format!("{}/{verdict}", folder_of(rule.id));
        all.extend(fixtures(&folder).into_iter().map(|fixture| (rule.id, fixture)));
    }
    all
}

/// The request to create a pod that passes everything, for tests to spoil.
#[track_caller]
pub(crate) fn good_pod() -> Value {
    let request = requests(&format!("{FIXTURES}/neutral/pod.yaml")).pop();
    request.unwrap_or_else(|| panic!("neutral/pod.yaml: holds no object"))
}

/// What stands in a folder of the repository, by name; nothing when there is no such folder.
pub(crate) fn names_in(folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(in_repository(folder)) else { return Vec::new() };
    let mut names: Vec<_> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What an API server asks for each manifest in a file or a folder of the repository.
#[track_caller]
pub(crate) fn requests(path: &str) -> Vec<Value> {
    let read = manifest::read(Path::new(&in_repository(path)));
    read.into_iter()
        .map(|manifest| manifest.unwrap_or_else(|error| panic!("{error}")).into_request())
        .collect()
}

/// The folder of a rule, and of its source: its id in snake case.
pub(crate) fn folder_of(rule: &str) -> String {
    let mut folder = String::new();
    for character in rule.chars() {
        if character.is_ascii_uppercase() {
            folder.push('_');
        }
        folder.push(character.to_ascii_lowercase());
    }
    folder
}

/// The settings with the mode of one rule set, and its options kept.
pub(crate) fn with_mode(settings: &Value, rule: &str, mode: &str) -> Value {
    let mut settings = settings.clone();
    let options = &mut settings[rule];
    // A bare mode, or none, has no options beside it.
    if !options.is_object() {
        *options = json!({});
    }
    options["mode"] = mode.into();
    settings
}

/// The settings with the mode of every rule set, and their options kept.
pub(crate) fn with_every_mode(settings: &Value, mode: &str) -> Value {
    RULES.iter().fold(settings.clone(), |settings, rule| with_mode(&settings, rule.id, mode))
}
