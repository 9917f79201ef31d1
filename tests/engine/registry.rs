//! What the policy asks its host about images, and what it makes of the answers.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use immutable_pods_host::Interactions;
use serde_json::{Value, json};

use crate::fixture::{Fixture, fixtures, of_rules, requests, unchanged, update};
use crate::module::{admitted, lines, policy};

#[test]
fn what_the_host_knows_decides() {
    let fixtures = fixtures("registry");
    assert!(!fixtures.is_empty(), "there are no fixtures of registries");
    for fixture in fixtures {
        let response = fixture.judge(&fixture.settings);
        let Fixture { name, findings, warnings, fixed, .. } = fixture;
        assert_eq!(lines(&response), findings, "{name}");
        assert_eq!(response.warnings, warnings, "{name}");
        assert_eq!(response.mutated_object, fixed, "{name}");
    }
}

#[test]
fn nobody_is_asked_unless_the_settings_want_it() {
    let folders = ["exemptions", "fixes", "neutral", "registry", "updates"].into_iter().flat_map(fixtures);
    let own = ["pass", "fail", "fix"].into_iter().flat_map(of_rules).map(|(_, fixture)| fixture);
    for Fixture { name, request, settings, .. } in folders.chain(own) {
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
        assert_eq!(calls(&request, &settings), 0, "{name}");
    }
}

/// The number of questions to the host, which has no answers.
fn calls(request: &Value, settings: &Value) -> usize {
    let interactions = Interactions::new([]);
    policy().replaying(&interactions).validate(request, settings).unwrap();
    interactions.calls()
}

#[test]
fn an_update_asks_about_what_it_changes() {
    let settings =
        json!({"runAsNonRoot": {"inspectImage": true}, "imageChange": "off", "imageReference": "fix"});
    let created = requests("tests/fixtures/registry/deployment.yaml").remove(0);
    assert_eq!(calls(&created, &settings), 1);
    assert_eq!(calls(&unchanged(&created), &settings), 0);
    let mut changed = created.clone();
    changed["object"]["spec"]["template"]["spec"]["containers"][0]["image"] = "other:1".into();
    assert_eq!(calls(&update(&created["object"], changed), &settings), 1);
    let pod = requests("tests/fixtures/registry/user-number.yaml").remove(0);
    assert_eq!(calls(&pod, &settings), 2);
    assert_eq!(calls(&unchanged(&pod), &settings), 0);
    let mut deleted = pod.clone();
    deleted["operation"] = "DELETE".into();
    assert_eq!(calls(&deleted, &settings), 0);
}

#[test]
fn what_is_pinned_stays_as_it_is() {
    for (_, Fixture { name, request, settings, fixed, exchanges, .. }) in of_rules("fix") {
        let Some(fixed) = fixed.filter(|_| !exchanges.is_empty()) else { continue };
        let mut request = request;
        request["object"] = fixed;
        assert_eq!(calls(&request, &settings), 0, "{name}");
        assert_eq!(policy().validate(&request, &settings).unwrap(), admitted(), "{name}");
    }
}
