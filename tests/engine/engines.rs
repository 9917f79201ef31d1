//! The three engines: the rules that are linked into the program, the module in its interpreter, and the module in the engine of
//! policy servers. They must give the same bytes.

#![expect(clippy::unwrap_used, reason = "a test fails on a module that does not load")]

use std::collections::BTreeSet;

use immutable_pods::{Interactions, Policy};
use immutable_pods_testing::cases::Case;
use serde_json::json;

use crate::cases::{all, payloads};
use crate::module::{in_repository, policy};

/// Returns the linked rules and the interpreted module.
fn others() -> [(&'static str, Policy); 2] {
    let interpreted = Policy::from_file(&in_repository("policy.wasm")).unwrap();
    [("linked", Policy::linked()), ("interpreted", interpreted)]
}

#[test]
fn every_engine_gives_the_same_response_to_every_case() {
    for (engine, other) in others() {
        for Case { id, request, settings, exchanges, .. } in all() {
            let payload = json!({"request": request, "settings": settings}).to_string();
            for operation in ["validate", "report"] {
                let response = |policy: &Policy| {
                    let interactions = Interactions::new(exchanges.clone());
                    let response =
                        policy.replaying(&interactions).call(operation, payload.as_bytes()).unwrap();
                    (String::from_utf8(response).unwrap(), interactions.calls())
                };
                assert_eq!(response(&other), response(policy()), "{id}, {operation}, {engine}");
            }
        }
    }
}

#[test]
fn every_engine_gives_the_same_response_to_every_payload() {
    for (engine, other) in others() {
        for payload in payloads() {
            let response = |policy: &Policy| policy.call("validate", &payload.bytes).unwrap();
            assert_eq!(response(&other), response(policy()), "{}, {engine}", payload.id);
        }
    }
}

#[test]
fn every_engine_gives_the_same_response_to_all_settings() {
    let settings: BTreeSet<_> = all().iter().map(|case| case.settings.to_string()).collect();
    let invalid = ["", "[]", r#"{"privileged": "of"}"#, r#"{"sysctls": {"denied": 1}}"#].map(str::to_owned);
    for (engine, other) in others() {
        for settings in settings.iter().chain(&invalid) {
            let response = |policy: &Policy| policy.call("validate_settings", settings.as_bytes()).unwrap();
            assert_eq!(response(&other), response(policy()), "{settings}, {engine}");
        }
    }
}

#[test]
fn every_engine_rejects_unknown_operations() {
    for (engine, other) in others() {
        let error = |policy: &Policy| policy.call("mutate", b"{}").unwrap_err().to_string();
        assert_eq!(error(&other), error(policy()), "{engine}");
        assert_eq!(other.protocol_version().unwrap(), policy().protocol_version().unwrap(), "{engine}");
    }
}
