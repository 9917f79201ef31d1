//! Registry queries of the policy, and how the answers affect verdicts.

#![expect(clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

use immutable_pods::Interactions;
use immutable_pods_testing::cases::Case;
use serde_json::{Value, json};

use crate::cases::{self, Verdict, evaluate_case, of_rules, to_update, unchanged};
use crate::module::{admitted, lines, policy};

#[test]
fn answers_of_the_registry_decide() {
    let cases = cases::of("registry");
    assert!(!cases.is_empty(), "found no cases of registries");
    for case in cases {
        let response = evaluate_case(&case, &case.settings);
        let Case { id, deny, warn, fixed, .. } = case;
        assert_eq!(lines(&response), deny, "{id}");
        assert_eq!(response.warnings, warn, "{id}");
        assert_eq!(response.mutated_object, fixed, "{id}");
    }
}

#[test]
fn the_registry_is_queried_only_if_settings_require_it() {
    let shared = ["exemptions", "fixes", "neutral", "registry", "updates"].into_iter().flat_map(cases::of);
    let own = of_rules(&Verdict::ALL).into_iter().map(|(_, case)| case);
    for Case { id, request, settings, .. } in shared.chain(own) {
        let mut settings = settings;
        for (rule, key) in
            [("runAsNonRoot", "inspectImage"), ("writableMounts", "inspectImage"), ("imageReference", "mode")]
        {
            if settings[rule].is_object() {
                settings[rule][key] = Value::Null;
            } else {
                settings[rule] = Value::Null;
            }
        }
        if settings["runAsNonRoot"].is_object() {
            settings["runAsNonRoot"]["namedUsers"] = Value::Null;
        }
        assert_eq!(calls(&request, &settings), 0, "{id}");
    }
}

/// Returns the number of registry queries, to a host without answers.
fn calls(request: &Value, settings: &Value) -> usize {
    let interactions = Interactions::new([]);
    policy().replaying(&interactions).validate(request, settings).unwrap();
    interactions.calls()
}

/// Returns the request of a registry case.
fn request_of(name: &str) -> Value {
    let mut cases = cases::of("registry").into_iter();
    cases.find(|case| case.name == name).unwrap().request
}

#[test]
fn an_update_queries_changed_images_only() {
    let settings =
        json!({"runAsNonRoot": {"inspectImage": true}, "imageChange": "off", "imageReference": "fix"});
    let created = request_of("deployment");
    assert_eq!(calls(&created, &settings), 1);
    assert_eq!(calls(&unchanged(&created), &settings), 0);
    let mut changed = created.clone();
    changed["object"]["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1".into();
    assert_eq!(calls(&to_update(&created["object"], changed), &settings), 1);
    // The look-up fails, which denies the pod, so its digest is not queried.
    let pod = request_of("user-number");
    assert_eq!(calls(&pod, &settings), 1);
    assert_eq!(calls(&unchanged(&pod), &settings), 0);
    let mut deleted = pod.clone();
    deleted["operation"] = "DELETE".into();
    assert_eq!(calls(&deleted, &settings), 0);
}

#[test]
fn pinned_images_are_not_queried() {
    for (_, Case { id, request, settings, fixed, exchanges, .. }) in of_rules(&[Verdict::Fixed]) {
        let Some(fixed) = fixed.filter(|_| !exchanges.is_empty()) else { continue };
        let mut request = request;
        request["object"] = fixed;
        assert_eq!(calls(&request, &settings), 0, "{id}");
        assert_eq!(policy().validate(&request, &settings).unwrap(), admitted(), "{id}");
    }
}
