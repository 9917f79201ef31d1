//! YAML is read like kubectl: compared with answers of its library, which are recorded, and come from the library where Go is
//! installed.
//!
//! To add a row to the recording, add its `yaml`, and run the tests with `RECORD=1`.

#![expect(clippy::unwrap_used, reason = "a test fails if it cannot ask the library")]

mod generated;
mod library;
mod positions;

use std::fs;

use immutable_pods::document;
use library::{Answer, Library};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

const RECORDING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/yaml/kubectl.json");

/// A row of the recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    yaml: String,
    /// The answer of kubectl's library.
    kubectl: Option<Answer>,
    /// What this program does, if it is not the same.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    here: Option<Answer>,
}

impl Row {
    fn new(yaml: String, kubectl: Answer) -> Self {
        let here = Some(read(&yaml)).filter(|here| !are_same(here, &kubectl));
        Self { yaml, kubectl: Some(kubectl), here }
    }
}

/// Reads a document.
fn read(yaml: &str) -> Answer {
    let mut documents = document::parse("in.yaml", yaml.as_bytes());
    match documents.pop() {
        None => Answer::Json(Value::Null),
        Some(Ok(document)) if documents.is_empty() => Answer::Json(document.value),
        Some(Ok(_)) => Answer::Error("several documents".to_owned()),
        Some(Err(error)) => Answer::Error(error.to_string()),
    }
}

/// Returns whether both are the same value, or both are errors.
fn are_same(here: &Answer, kubectl: &Answer) -> bool {
    match (here, kubectl) {
        (Answer::Json(here), Answer::Json(kubectl)) => is_same(here, kubectl),
        (here, kubectl) => matches!((here, kubectl), (Answer::Error(_), Answer::Error(_))),
    }
}

/// Returns whether both values are the same. A float can be written as an integer.
fn is_same(here: &Value, kubectl: &Value) -> bool {
    match (here, kubectl) {
        (Value::Number(here), Value::Number(kubectl)) => here == kubectl || are_close(here, kubectl),
        (Value::Array(here), Value::Array(kubectl)) => {
            here.len() == kubectl.len()
                && here.iter().zip(kubectl).all(|(here, kubectl)| is_same(here, kubectl))
        }
        (Value::Object(here), Value::Object(kubectl)) => {
            here.len() == kubectl.len()
                && here
                    .iter()
                    .all(|(key, here)| kubectl.get(key).is_some_and(|kubectl| is_same(here, kubectl)))
        }
        (here, kubectl) => here == kubectl,
    }
}

/// Returns whether two numbers are the same float. The JSON parser of this test rounds the last digit differently.
fn are_close(here: &Number, kubectl: &Number) -> bool {
    let is_float = here.is_f64() || kubectl.is_f64();
    let (here, kubectl) = (here.as_f64().unwrap(), kubectl.as_f64().unwrap());
    is_float && (here - kubectl).abs() <= here.abs() * f64::EPSILON * 2.0
}

fn recording() -> Vec<Row> {
    serde_json::from_slice(&fs::read(RECORDING).unwrap()).unwrap()
}

#[test]
fn yaml_is_read_like_the_recording() {
    let mut rows = recording();
    if std::env::var_os("RECORD").is_some() {
        let yaml: Vec<String> = rows.into_iter().map(|row| row.yaml).collect();
        let answers = Library::build().unwrap().answers(&yaml);
        rows = yaml.into_iter().zip(answers).map(|(yaml, answer)| Row::new(yaml, answer)).collect();
        // A line for each row shows changes best.
        let lines: Vec<String> = rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect();
        fs::write(RECORDING, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
    }
    for row in rows {
        let now = Row::new(row.yaml.clone(), row.kubectl.clone().unwrap());
        assert_eq!(now, row);
    }
}

#[test]
fn the_recording_is_what_the_library_answers() {
    let Some(library) = Library::build() else { return };
    let rows = recording();
    let yaml: Vec<String> = rows.iter().map(|row| row.yaml.clone()).collect();
    for (row, answer) in rows.iter().zip(library.answers(&yaml)) {
        assert_eq!(row.kubectl, Some(answer), "{:?}", row.yaml);
    }
}
