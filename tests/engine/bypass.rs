//! Ways to get a mutable container admitted: those that other tools leave open, and those that somebody who knows this
//! policy would try. Each is a case that is named for what it tries.
//!
//! What YAML cannot express, such as a repeated key, is a file `.payload` with the bytes that the module gets. After the
//! comments at the beginning, all of the file is the payload.

use std::collections::BTreeMap;

use immutable_pods_host::ValidationResponse;
use immutable_pods_testing::cases::{Case, Payload};

use crate::cases;
use crate::module::policy;
use crate::rules::{assert_exact, denied};

/// The topic of all of them.
const FOLDER: &str = "bypass";

/// The topic of those that change nothing about a container, and are admitted: there are few.
const HARMLESS: &str = "harmless";

/// The fewest requests that there are.
const FEWEST: usize = 120;

/// What stands behind every reason why a request cannot be judged.
const BECAUSE: &str = " (denied because it cannot be evaluated)";

/// Every payload of the corpus.
fn payloads() -> Vec<Payload> {
    cases::payloads()
}

/// Every case of the corpus, each with its topic in the corpus.
pub(crate) fn of_topics() -> Vec<(String, Case)> {
    let cases = cases::of(FOLDER).into_iter();
    cases.map(|case| (case.topic.split('/').nth(1).unwrap_or_default().to_owned(), case)).collect()
}

#[test]
fn no_request_gets_a_mutable_container_admitted() {
    for (topic, case) in of_topics() {
        let Case { id, deny, .. } = &case;
        assert_eq!(deny.is_empty(), topic == HARMLESS, "{id}: is denied unless it is harmless");
        assert_exact(&case);
    }
}

#[test]
fn no_payload_gets_a_mutable_container_admitted() {
    for Payload { id, deny, bytes, .. } in payloads() {
        assert!(!deny.is_empty(), "{id}: must say what is found in it");
        let answer = policy().call("validate", &bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        let response: ValidationResponse =
            serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{id}: {error}"));
        let mut expected = denied(&deny);
        if deny.iter().any(|finding| finding.ends_with(BECAUSE)) {
            // It belongs to no rule.
            expected.audit_annotations.clear();
        }
        assert_eq!(response, expected, "{id}");
    }
}

#[test]
fn requests_are_many_and_no_two_are_the_same() {
    let (topics, payloads) = (of_topics(), payloads());
    let harmless = topics.iter().filter(|(topic, _)| topic == HARMLESS).count();
    let attempts = topics.len() + payloads.len() - harmless;
    assert!(attempts >= FEWEST, "there are {attempts} of at least {FEWEST}");
    assert!(harmless <= 5, "there are {harmless} that are admitted");

    let mut known = BTreeMap::new();
    let topics = topics.into_iter().map(|(_, case)| {
        let Case { id, request, settings, exchanges, .. } = case;
        (id, format!("{request} {settings} {exchanges:?}").into_bytes())
    });
    for (id, asked) in topics.chain(payloads.into_iter().map(|Payload { id, bytes, .. }| (id, bytes))) {
        if let Some(other) = known.insert(asked, id.clone()) {
            panic!("{id} asks the same as {other}");
        }
    }
}

#[test]
fn names_say_what_is_tried() {
    let names = of_topics().into_iter().map(|(_, Case { id, name, .. })| (id, name));
    for (id, name) in names.chain(payloads().into_iter().map(|Payload { id, name, .. }| (id, name))) {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(name.split('-').all(is_word), "{id}: is to be named in words with dashes between them");
    }
}
