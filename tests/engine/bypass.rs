//! The bypass corpus: attempts to get a mutable container admitted. Some bypass other tools, others are specific to this
//! policy. The name of each case describes the attempt.
//!
//! YAML cannot express some attempts, such as repeated keys. These are `.payload` files, which contain comments, followed by
//! the bytes of the payload.

use std::collections::BTreeMap;

use immutable_pods::ValidationResponse;
use immutable_pods_testing::cases::{Case, Payload};

use crate::cases;
use crate::module::policy;
use crate::rules::{assert_exact, denied};

/// The topic of the corpus.
const FOLDER: &str = "bypass";

/// The topic of the few attempts that do not change a container and are admitted.
const HARMLESS: &str = "harmless";

/// Minimum number of attempts.
const MIN_ATTEMPTS: usize = 120;

/// Suffix of every reason for denying a request that cannot be evaluated.
const BECAUSE: &str = " (denied because it cannot be evaluated)";

/// Returns every payload of the corpus.
fn payloads() -> Vec<Payload> {
    cases::payloads()
}

/// Returns every case of the corpus, with its topic below the corpus.
pub(crate) fn cases_by_topic() -> Vec<(String, Case)> {
    let cases = cases::of(FOLDER).into_iter();
    cases.map(|case| (case.topic.split('/').nth(1).unwrap_or_default().to_owned(), case)).collect()
}

#[test]
fn no_request_gets_a_mutable_container_admitted() {
    for (topic, case) in cases_by_topic() {
        let Case { id, deny, .. } = &case;
        assert_eq!(deny.is_empty(), topic == HARMLESS, "{id}: only harmless attempts are admitted");
        assert_exact(&case);
    }
}

#[test]
fn no_payload_gets_a_mutable_container_admitted() {
    for Payload { id, deny, bytes, .. } in payloads() {
        assert!(!deny.is_empty(), "{id}: expected at least one finding");
        let answer = policy().call("validate", &bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
        let response: ValidationResponse =
            serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{id}: {error}"));
        let mut expected = denied(&deny);
        if deny.iter().any(|finding| finding.ends_with(BECAUSE)) {
            // The reason does not belong to a rule.
            expected.audit_annotations.clear();
        }
        assert_eq!(response, expected, "{id}");
    }
}

#[test]
fn attempts_are_many_and_distinct() {
    let (topics, payloads) = (cases_by_topic(), payloads());
    let harmless = topics.iter().filter(|(topic, _)| topic == HARMLESS).count();
    let attempts = topics.len() + payloads.len() - harmless;
    assert!(attempts >= MIN_ATTEMPTS, "expected at least {MIN_ATTEMPTS} attempts, got {attempts}");
    assert!(harmless <= 5, "{harmless} attempts are admitted");

    let mut known = BTreeMap::new();
    let topics = topics.into_iter().map(|(_, case)| {
        let Case { id, request, settings, exchanges, .. } = case;
        (id, format!("{request} {settings} {exchanges:?}").into_bytes())
    });
    for (id, payload) in topics.chain(payloads.into_iter().map(|Payload { id, bytes, .. }| (id, bytes))) {
        if let Some(other) = known.insert(payload, id.clone()) {
            panic!("{id} is the same attempt as {other}");
        }
    }
}

#[test]
fn names_are_words_with_dashes() {
    let names = cases_by_topic().into_iter().map(|(_, Case { id, name, .. })| (id, name));
    for (id, name) in names.chain(payloads().into_iter().map(|Payload { id, name, .. }| (id, name))) {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(
            name.split('-').all(is_word),
            "{id}: expected a name of lower-case words that are separated by dashes"
        );
    }
}
