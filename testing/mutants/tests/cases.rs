//! The test cases, evaluated by the rules as a library. `cargo xtask cases FOLDER` writes the cases into the folder that the
//! variable `CASES` names.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a case that does not parse")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use immutable_pods_policy::admission::response::Response;
use immutable_pods_policy::admission::review;
use immutable_pods_policy::evaluation::registry::{Registry, RegistryQuery};
use immutable_pods_policy::evaluation::report::Form;
use serde_json::{Value, json};
use walkdir::WalkDir;

/// The number of cases and payloads below which something is wrong with the folder.
const MIN_CASES: usize = 1000;

/// The recorded answers of a registry. They must be asked for in their order.
struct Recording(RefCell<VecDeque<Value>>);

impl Registry for Recording {
    fn ask(&self, query: RegistryQuery, image: &str) -> Result<Vec<u8>, String> {
        let exchange = self.0.borrow_mut().pop_front().ok_or("nothing more is recorded")?;
        let tag = match query {
            RegistryQuery::ManifestConfig => "!OciManifestAndConfig",
            RegistryQuery::ManifestDigest => "!OciManifestDigest",
        };
        assert_eq!(exchange["request"], format!("{tag}\nimage: {}\n", json!(image)));
        let response = &exchange["response"];
        match response["message"].as_str() {
            Some(message) => Err(message.to_owned()),
            None => Ok(response["payload"].as_str().unwrap().into()),
        }
    }
}

fn folders_with(file: &str) -> Vec<PathBuf> {
    let folder = env::var_os("CASES").expect("CASES must name the folder that `cargo xtask cases` wrote");
    let files = WalkDir::new(folder).sort_by_file_name().into_iter().map(Result::unwrap);
    files
        .filter(|entry| entry.file_name() == file)
        .map(|entry| entry.path().parent().unwrap().into())
        .collect()
}

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn lines_of(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

/// Returns the findings of a denial, without the summary.
fn findings(response: &Response) -> Vec<String> {
    let message = response.message.as_deref().unwrap_or_default();
    let has_summary = message.lines().next().is_some_and(|line| line.contains(" findings in "));
    message.lines().skip(usize::from(has_summary)).map(str::to_owned).collect()
}

#[test]
fn every_case_gets_the_expected_verdict() {
    let cases = folders_with("request.json");
    assert!(cases.len() > MIN_CASES, "{} cases", cases.len());
    for case in cases {
        let [request, settings] = ["request.json", "settings.json"].map(|file| json_of(&case.join(file)));
        let payload = json!({"request": request, "settings": settings}).to_string();
        let recording =
            Recording(RefCell::new(serde_json::from_value(json_of(&case.join("recording.json"))).unwrap()));
        let response = review::validate(payload.as_bytes(), Form::Short, &recording)
            .unwrap_or_else(Response::unreadable);
        let name = case.display();
        assert_eq!(findings(&response), lines_of(&case.join("deny.txt")), "{name}");
        assert_eq!(response.warnings, lines_of(&case.join("warn.txt")), "{name}");
        let fixed =
            response.mutated_object.map(|object| serde_json::from_str::<Value>(object.get()).unwrap());
        let expected = case.join("fixed.json");
        assert_eq!(fixed, expected.exists().then(|| json_of(&expected)), "{name}");
        assert_eq!(recording.0.borrow().len(), 0, "{name}: more answers are recorded");
    }
}

#[test]
fn every_payload_gets_the_expected_verdict() {
    let recording = Recording(RefCell::default());
    for payload in folders_with("payload") {
        let bytes = fs::read(payload.join("payload")).unwrap();
        let response = review::validate(&bytes, Form::Short, &recording).unwrap_or_else(Response::unreadable);
        assert_eq!(findings(&response), lines_of(&payload.join("deny.txt")), "{}", payload.display());
    }
}
