//! Ways to get a mutable container admitted: those that other tools leave open, and those that somebody who knows this
//! policy would try. Each is a fixture that is named for what it tries.
//!
//! What YAML cannot express, such as a key that stands twice, is a file `.payload` with the bytes that the module gets.
//! Behind comments like those of other fixtures, all of it is the payload.

#![expect(clippy::panic, reason = "a fixture that cannot be read ends its test")]

use std::collections::BTreeMap;
use std::fs;

use immutable_pods_host::ValidationResponse;

use crate::fixture::{FIXTURES, Fixture, fixtures, names_in};
use crate::module::{in_repository, policy};
use crate::rules::{assert_exact, denied};

/// The folder of all of them.
const FOLDER: &str = "bypass";

/// The folder of those that are payloads.
const PAYLOADS: &str = "json";

/// The folder of those that change nothing about a container, and are admitted: there are few.
const HARMLESS: &str = "harmless";

/// The fewest requests that there are.
const FEWEST: usize = 120;

/// What stands behind every reason why a request cannot be judged.
const BECAUSE: &str = " (denied because it cannot be judged)";

/// The bytes that the module gets, and the lines of the denial.
pub(crate) struct Payload {
    /// Where it stands in the repository, for messages.
    pub(crate) name: String,
    stem: String,
    findings: Vec<String>,
    /// What the module gets.
    pub(crate) bytes: Vec<u8>,
}

impl Payload {
    #[track_caller]
    fn read(file: &str) -> Self {
        let name = format!("{FIXTURES}/{FOLDER}/{PAYLOADS}/{file}");
        let stem =
            file.strip_suffix(".payload").unwrap_or_else(|| panic!("{name}: is no .payload file")).to_owned();
        let mut rest = &*fs::read(in_repository(&name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(rest.starts_with(b"# "), "{name}: must begin with a comment that says why it exists");
        let mut findings = Vec::new();
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n')
            && let (line, behind) = rest.split_at(end + 1)
            && line.starts_with(b"# ")
        {
            let line = String::from_utf8_lossy(line);
            findings.extend(line.trim_end().strip_prefix("# finding: ").map(str::to_owned));
            rest = behind;
        }
        Self { name, stem, findings, bytes: rest.to_vec() }
    }
}

/// Every request that is written as a payload.
pub(crate) fn payloads() -> Vec<Payload> {
    names_in(&format!("{FIXTURES}/{FOLDER}/{PAYLOADS}")).iter().map(|file| Payload::read(file)).collect()
}

/// Every request that is written as other fixtures are, each with the name of its folder.
pub(crate) fn of_topics() -> Vec<(String, Fixture)> {
    let mut all = Vec::new();
    for topic in names_in(&format!("{FIXTURES}/{FOLDER}")).into_iter().filter(|topic| topic != PAYLOADS) {
        let fixtures = fixtures(&format!("{FOLDER}/{topic}"));
        all.extend(fixtures.into_iter().map(|fixture| (topic.clone(), fixture)));
    }
    all
}

#[test]
fn no_request_gets_a_mutable_container_admitted() {
    for (topic, fixture) in of_topics() {
        let Fixture { name, findings, warnings, .. } = &fixture;
        assert_eq!(findings.is_empty(), topic == HARMLESS, "{name}: is denied unless it is harmless");
        let (_, told) = assert_exact(&fixture);
        assert_eq!(told, *warnings, "{name}");
    }
}

#[test]
fn no_payload_gets_a_mutable_container_admitted() {
    for Payload { name, findings, bytes, .. } in payloads() {
        assert!(!findings.is_empty(), "{name}: must say what is found in it");
        let answer = policy().call("validate", &bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let response: ValidationResponse =
            serde_json::from_slice(&answer).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut expected = denied(&findings);
        if findings.iter().any(|finding| finding.ends_with(BECAUSE)) {
            // It belongs to no rule.
            expected.audit_annotations.clear();
        }
        assert_eq!(response, expected, "{name}");
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
    let topics = topics.into_iter().map(|(_, fixture)| {
        let Fixture { name, request, settings, exchanges, .. } = fixture;
        (name, format!("{request} {settings} {exchanges:?}").into_bytes())
    });
    for (name, asked) in topics.chain(payloads.into_iter().map(|Payload { name, bytes, .. }| (name, bytes))) {
        if let Some(other) = known.insert(asked, name.clone()) {
            panic!("{name} asks the same as {other}");
        }
    }
}

#[test]
fn names_say_what_is_tried() {
    let stems = of_topics().into_iter().map(|(_, Fixture { name, stem, .. })| (name, stem));
    for (name, stem) in stems.chain(payloads().into_iter().map(|Payload { name, stem, .. }| (name, stem))) {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        assert!(stem.split('-').all(is_word), "{name}: is to be named in words with dashes between them");
    }
}
