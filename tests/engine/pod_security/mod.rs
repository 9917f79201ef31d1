//! The presets `baseline` and `restricted`, which must admit and deny the same pods as Pod Security Admission.
//!
//! `matrix` holds expectations from the documented Pod Security Standards. Generated pods are compared with the library of
//! Pod Security Admission itself: live if its program is installed, and otherwise with recorded answers.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test fails on an answer that does not parse")]
#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on another verdict")]

mod agreement;
mod baseline;
mod bases;
mod checks;
mod library;
mod matrix;
mod minimised;
mod pods;
mod recorded;
mod restricted;
mod topics;

use serde_json::{Value, json};

use crate::module::{evaluate, policy};

/// The levels of the Pod Security Standards, which are the names of the presets.
const LEVELS: [&str; 2] = ["baseline", "restricted"];

/// Whether the preset of each level admits the creation of a pod.
#[track_caller]
fn admitted_by_presets(pod: &Value) -> [bool; 2] {
    let request = json!({
        "uid": "1", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "shop", "operation": "CREATE",
        "userInfo": {"username": "jane"}, "object": pod,
    });
    LEVELS.map(|level| evaluate(&request, &json!({"preset": level})).accepted)
}

/// Settings that the module does not accept deny every pod, so verdicts would mean nothing.
#[track_caller]
fn check_settings() {
    for level in LEVELS {
        let verdict = policy().validate_settings(&json!({"preset": level})).unwrap();
        assert!(verdict.valid, "preset {level}: {:?}", verdict.message);
    }
}

/// Writes whether each level admits a pod.
fn described(admitted: [bool; 2]) -> String {
    let words = admitted.map(|is_admitted| if is_admitted { "admitted" } else { "denied" });
    LEVELS.iter().zip(words).map(|(level, word)| format!("{level} {word}")).collect::<Vec<_>>().join(", ")
}
