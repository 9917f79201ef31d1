//! What the policy asks its host about images, and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use immutable_pods_host::Interactions;
use immutable_pods_testing::cases::Case;
use serde_json::{Value, json};

use crate::cases::{self, Verdict, evaluate_case, of_rules, to_update, unchanged};
use crate::module::{admitted, lines, policy};

#[test]
fn what_the_host_knows_decides() {
    let cases = cases::of("registry");
    assert!(!cases.is_empty(), "there are no cases of registries");
    for case in cases {
        let response = evaluate_case(&case, &case.settings);
        let Case { id, deny, warn, fixed, .. } = case;
        assert_eq!(lines(&response), deny, "{id}");
        assert_eq!(response.warnings, warn, "{id}");
        assert_eq!(response.mutated_object, fixed, "{id}");
    }
}

#[test]
fn nobody_is_asked_unless_the_settings_want_it() {
    let shared = ["exemptions", "fixes", "neutral", "registry", "updates"].into_iter().flat_map(cases::of);
    let own = of_rules(&Verdict::ALL).into_iter().map(|(_, case)| case);
    for Case { id, request, settings, .. } in shared.chain(own) {
        let mut settings = settings;
        for (rule, key) in [("runAsNonRoot", "inspectImage"), ("imageReference", "mode")] {
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

/// The number of questions to the host, which has no answers.
fn calls(request: &Value, settings: &Value) -> usize {
    let interactions = Interactions::new([]);
    policy().replaying(&interactions).validate(request, settings).unwrap();
    interactions.calls()
}

/// The request of a case of registries.
fn request_of(name: &str) -> Value {
    let mut cases = cases::of("registry").into_iter();
    cases.find(|case| case.name == name).unwrap().request
}

#[test]
fn an_update_asks_about_what_it_changes() {
    let settings =
        json!({"runAsNonRoot": {"inspectImage": true}, "imageChange": "off", "imageReference": "fix"});
    let created = request_of("deployment");
    assert_eq!(calls(&created, &settings), 1);
    assert_eq!(calls(&unchanged(&created), &settings), 0);
    let mut changed = created.clone();
    changed["object"]["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1".into();
    assert_eq!(calls(&to_update(&created["object"], changed), &settings), 1);
    let pod = request_of("user-number");
    assert_eq!(calls(&pod, &settings), 2);
    assert_eq!(calls(&unchanged(&pod), &settings), 0);
    let mut deleted = pod.clone();
    deleted["operation"] = "DELETE".into();
    assert_eq!(calls(&deleted, &settings), 0);
}

#[test]
fn what_is_pinned_stays_as_it_is() {
    for (_, Case { id, request, settings, fixed, exchanges, .. }) in of_rules(&[Verdict::Fixed]) {
        let Some(fixed) = fixed.filter(|_| !exchanges.is_empty()) else { continue };
        let mut request = request;
        request["object"] = fixed;
        assert_eq!(calls(&request, &settings), 0, "{id}");
        assert_eq!(policy().validate(&request, &settings).unwrap(), admitted(), "{id}");
    }
}
