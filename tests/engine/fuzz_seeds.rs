//! The seeds of fuzzing: every case as input for a fuzz target, and a dictionary of keys.

#![expect(clippy::unwrap_used, reason = "the run fails if seeds cannot be written")]

use std::collections::BTreeSet;
use std::fs;

use immutable_pods::diff::yaml;
use immutable_pods::interactions::{Exchange, Response};
use immutable_pods_testing::cases::{Case, Payload};
use serde_json::{Value, json};

use crate::cases;
use crate::documents::read;
use crate::module::in_repository;

/// The folder with a corpus for each target.
const CORPORA: &str = "fuzz/corpus";

#[test]
#[ignore = "writes files for `make fuzz`"]
fn every_case_is_a_seed() {
    let mut words = Words::default();
    for case in cases::all() {
        let Case { id, request, settings, .. } = case;
        words.collect("request", request);
        words.collect("settings", settings);
        write("validate", id, &payload(case));
        write("validate_settings", id, settings.to_string().as_bytes());
        write("settings_and_request", id, format!("{settings}\0{request}").as_bytes());
        write("fix_text", id, yaml(&request["object"]).as_bytes());
    }
    for Payload { id, bytes, .. } in cases::payloads() {
        write("validate", &id, &bytes);
    }
    words.write();
    for (index, row) in read("cli/tests/yaml/kubectl.json").as_array().unwrap().iter().enumerate() {
        write("fix_text", &format!("yaml-{index}"), row["yaml"].as_str().unwrap().as_bytes());
    }
}

/// Returns a request with its settings. If the case has a registry answer, the answer follows after a zero byte.
fn payload(Case { request, settings, exchanges, .. }: &Case) -> Vec<u8> {
    let payload = json!({"request": request, "settings": settings}).to_string();
    let answer = exchanges.first().map(|Exchange { response, .. }| match response {
        Response::Success { payload } => format!("\0{payload}"),
        Response::Error { message } => format!("\0!{message}"),
    });
    (payload + &answer.unwrap_or_default()).into_bytes()
}

/// The keys, images and paths of requests and settings.
#[derive(Default)]
struct Words {
    keys: BTreeSet<String>,
    images: BTreeSet<String>,
    paths: BTreeSet<String>,
}

impl Words {
    /// Collects words from the value of a key, or from a list in that value.
    fn collect(&mut self, key: &str, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.collect(key, item)),
            Value::Object(fields) => {
                for (key, value) in fields {
                    self.keys.insert(key.clone());
                    self.collect(key, value);
                }
            }
            Value::String(text) if matches!(key, "image" | "images") => {
                self.images.insert(text.clone());
            }
            Value::String(text) if text.contains(['/', '\\']) => {
                self.paths.insert(text.clone());
            }
            _ => {}
        }
    }

    fn write(&self) {
        for (index, image) in self.images.iter().enumerate() {
            write("image_reference", &index.to_string(), image.as_bytes());
        }
        // Sorted neighbors often contain each other.
        let paths: Vec<_> = self.paths.iter().map(String::as_str).collect();
        for (index, paths) in paths.chunks(2).enumerate() {
            write("file_path", &index.to_string(), paths.join("\n").as_bytes());
        }
        // libFuzzer expects one quoted string per line.
        let plain = self.keys.iter().filter(|key| is_plain(key));
        let entries = plain.map(|key| format!("\"\\\"{key}\\\"\"\n"));
        fs::write(in_repository(CORPORA).join("keys.dict"), entries.collect::<String>()).unwrap();
    }
}

fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn write(target: &str, name: &str, seed: &[u8]) {
    let folder = in_repository(CORPORA).join(target);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name.replace('/', "-")), seed).unwrap();
}
