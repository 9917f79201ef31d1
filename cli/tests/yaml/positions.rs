//! The position of each field is the place of its key.

use std::fs;

use immutable_pods::manifest::{self, Content, Manifest, ReadOptions};
use immutable_pods_policy::kubernetes::field_path::{push_index, push_key};
use proptest::prelude::*;
use serde_json::Value;

use crate::generated::pod;

/// Reads the only object of a file with a text. Not every generated text is valid.
fn read(name: &str, text: &str) -> Option<Manifest> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    manifest::read(&[path], &ReadOptions::default()).next()?.ok()
}

/// Checks the position of each field in a value at a path.
fn check(text: &str, manifest: &Manifest, value: &Value, path: &str) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                let mut path = path.to_owned();
                push_key(&mut path, key);
                let found = rest_of_text(text, manifest, &path);
                assert!(found.trim_start_matches('"').starts_with(key.as_str()), "{path}: {found:?}\n{text}");
                check(text, manifest, field, &path);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let mut path = path.to_owned();
                push_index(&mut path, index);
                rest_of_text(text, manifest, &path);
                check(text, manifest, item, &path);
            }
        }
        _ => {}
    }
}

/// Returns the rest of the line at the position of a field.
fn rest_of_text(text: &str, manifest: &Manifest, path: &str) -> String {
    let position = manifest.position(path).unwrap();
    let line = text.lines().nth(usize::try_from(position.line).unwrap() - 1).unwrap_or_default();
    line.chars().skip(usize::try_from(position.column).unwrap() - 1).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_position_is_the_place_of_a_key(pod in pod()) {
        let yaml = format!("# é\n---\nkind: List\napiVersion: v1\nitems: []\n---\n{pod}");
        let manifest = read("a.yaml", &yaml);
        prop_assume!(manifest.is_some());
        let manifest = manifest.unwrap();
        let Content::Object(object) = &manifest.content else { panic!("not an object: {pod}") };
        let value = Value::Object(object.clone());
        check(&yaml, &manifest, &value, "");
        let json = serde_json::to_string_pretty(&value).unwrap();
        check(&json, &read("a.json", &json).unwrap(), &value, "");
    }
}
