//! Any bytes as a file with manifests: the command line must read them and write fixes without changing anything else.

#![no_main]
#![expect(clippy::unwrap_used, reason = "the settings are constant")]

use std::sync::LazyLock;

use immutable_pods::document;
use immutable_pods::evaluator::Evaluator;
use immutable_pods::fixing::{FixedText, Fixer, every_fix};
use immutable_pods::policies::load::Loaded;
use immutable_pods::policies::registration::Cluster;
use immutable_pods::{Policy, manifest};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static EVALUATOR: LazyLock<Evaluator> = LazyLock::new(|| {
    Evaluator::new(Policy::linked(), Loaded::settings(every_fix(false)), Cluster::default()).unwrap()
});

/// The extension of the name decides whether a file is YAML or JSON.
const NAME: &str = "fuzz.yaml";

fuzz_target!(|text: &[u8]| {
    for manifest in manifest::in_text(NAME, text.to_vec()).flatten() {
        let _ = manifest.position("spec.containers[0].image");
    }
    let once = fixed(text);
    if once.fixed == 0 {
        assert_eq!(once.text, text, "a text without fixes is changed");
        return;
    }
    assert!(comments(text).eq(comments(&once.text)), "a comment is changed");
    let (before, after) = (values(text), values(&once.text));
    assert_eq!(before.len(), after.len(), "a document is added or removed");
    let is_kept = |(before, after): (&Option<Value>, &Option<Value>)| match (before, after) {
        (Some(before), Some(after)) => keeps(before, after),
        (before, after) => before.is_none() && after.is_none(),
    };
    assert!(before.iter().zip(&after).all(is_kept), "more than additions: {before:?} became {after:?}");
    let twice = fixed(&once.text);
    assert_eq!((twice.fixed, twice.text), (0, once.text), "a fixed text is fixed again");
});

fn fixed(text: &[u8]) -> FixedText {
    Fixer { evaluator: &EVALUATOR, pins_templates: false }.fix_text(NAME, text)
}

/// Returns the value of each document, and nothing for one that cannot be read.
fn values(text: &[u8]) -> Vec<Option<Value>> {
    let documents = document::parse(NAME, text).into_iter();
    documents.map(|document| document.ok().map(|document| document.value)).collect()
}

/// Returns the lines that begin with a hash. Fixes do not add such lines, so they must stay.
fn comments(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| line.starts_with(b"#"))
}

/// Whether a value keeps everything of another one. Fixes set null, append to lists and add fields.
fn keeps(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Null, _) => true,
        (Value::Array(old), Value::Array(new)) => {
            old.len() <= new.len() && old.iter().zip(new).all(|(old, new)| keeps(old, new))
        }
        (Value::Object(old), Value::Object(new)) => {
            old.iter().all(|(key, old)| new.get(key).is_some_and(|new| keeps(old, new)))
        }
        (old, new) => old == new,
    }
}
