//! The examples: each step must get the documented verdict.

use std::collections::BTreeSet;

use immutable_pods::Interactions;
use immutable_pods_policy::rules::RULES;
use immutable_pods_policy::settings::mode::Mode;
use serde_json::{Value, json};

use crate::cases::{names_in, requests};
use crate::documents::{self, metadata};
use crate::markdown::document;
use crate::module::{self, admitted, evaluate, in_repository, lines, rule_of};
use crate::pages::yaml_blocks;

/// The steps from a typical pod to an admitted pod, and the rules with findings at each step.
const STEPS: [(&str, &[&str]); 6] = [
    (
        "1-plain.yaml",
        &["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot", "imageReference"],
    ),
    ("2-read-only-root.yaml", &["allowPrivilegeEscalation", "runAsNonRoot", "imageReference"]),
    ("3-writable-where-needed.yaml", &["allowPrivilegeEscalation", "runAsNonRoot", "imageReference"]),
    ("4-non-root.yaml", &["allowPrivilegeEscalation", "imageReference"]),
    ("5-without-privileges.yaml", &["imageReference"]),
    ("6-pinned.yaml", &[]),
];

/// Returns the rule of each finding in a file of examples.
#[track_caller]
fn rules_with_findings(file: &str) -> Vec<String> {
    let mut rules = Vec::new();
    for request in requests(&format!("examples/{file}")) {
        let response = evaluate(&request, &json!({}));
        rules.extend(lines(&response).into_iter().map(|line| rule_of(line).to_owned()));
        assert_eq!(response.accepted, rules.is_empty(), "{file}");
    }
    rules
}

#[test]
fn each_step_has_fewer_findings() {
    for server in ["nginx", "httpd"] {
        assert_eq!(names_in(&format!("examples/{server}")), STEPS.map(|(file, _)| file), "{server}");
        for (file, rules) in STEPS {
            assert_eq!(rules_with_findings(&format!("{server}/{file}")), rules, "{server}/{file}");
        }
    }
    assert!(STEPS.is_sorted_by_key(|(_, rules)| std::cmp::Reverse(rules.len())));
}

#[test]
fn the_last_step_is_admitted() {
    for server in ["nginx", "httpd"] {
        for request in requests(&format!("examples/{server}/6-pinned.yaml")) {
            assert_eq!(evaluate(&request, &json!({})), admitted(), "{server}");
        }
    }
}

#[test]
fn the_last_step_requires_a_tag() {
    let is_pod = |request: &Value| request["kind"]["kind"] == "Pod";
    let mut pod = requests("examples/nginx/6-pinned.yaml").into_iter().find(is_pod).unwrap();
    pod["object"]["spec"]["containers"][0]["image"] = "nginx".into();
    assert_eq!(
        evaluate(&pod, &json!({})).message.unwrap(),
        "spec.containers[0].image: container \"nginx\" must set a tag or a digest on image \"nginx\" [imageReference]"
    );
}

#[test]
fn every_rule_has_findings_in_the_worst_example() {
    let requests = requests("examples/everything-wrong.yaml");
    let objects: Vec<_> = requests.iter().map(|request| request["kind"]["kind"].clone()).collect();
    assert_eq!(objects, ["Deployment", "Pod"]);
    let rules: BTreeSet<_> = requests
        .iter()
        .flat_map(|request| evaluate(request, &json!({})).audit_annotations.into_keys())
        .collect();
    // A new object does not have an image that could change.
    let on = RULES.iter().filter(|rule| rule.default_mode != Mode::Off && rule.id != "imageChange");
    assert_eq!(rules, on.map(|rule| rule.id.to_owned()).collect());
}

#[test]
fn every_example_is_tested() {
    let folders = [
        "everything-wrong.yaml",
        "fix",
        "httpd",
        "nginx",
        "policies",
        "registry",
        "reviews",
        "rollout",
        "upgrade",
    ];
    assert_eq!(names_in("examples"), folders);
    assert_eq!(names_in("examples/registry"), ["nginx.yaml", "policy.yaml", "recording.kwctl"]);
    assert_eq!(names_in("examples/fix"), ["nginx.yaml"]);
}

/// Returns the `mutating` or the `validating` policy of the pair that fixes and denies.
#[track_caller]
pub(crate) fn policy(name: &str) -> Value {
    documents::read(&format!("examples/policies/fix-{name}.yaml"))
}

#[test]
fn both_policies_are_registered_for_their_operations() {
    let [mutating, validating] = ["mutating", "validating"].map(|name| policy(name)["spec"].clone());
    let rules = metadata()["rules"].clone();
    assert_eq!(validating["rules"], rules);
    // The policy cannot fix ephemeral containers and resized resources.
    let is_object_rule = |rule: &&Value| rule["operations"].as_array().unwrap().contains(&json!("CREATE"));
    let object_rules: Vec<_> = rules.as_array().unwrap().iter().filter(is_object_rule).cloned().collect();
    assert_eq!(mutating["rules"], json!(object_rules));
    assert_eq!((&mutating["mutating"], &validating["mutating"]), (&json!(true), &json!(false)));
    assert_eq!(mutating["module"], validating["module"]);
    // One scan is enough, and only the validating policy denies.
    assert_eq!((&mutating["backgroundAudit"], &validating["backgroundAudit"]), (&json!(false), &Value::Null));
}

#[test]
fn both_policies_have_the_same_settings_except_for_fixes() {
    let [mutating, validating] =
        ["mutating", "validating"].map(|name| policy(name)["spec"]["settings"].clone());
    let mut denying = mutating.clone();
    denying.as_object_mut().unwrap().remove("writablePaths");
    let denying = denying.to_string().replace("\"fix\"", "\"deny\"");
    assert_eq!(serde_json::from_str::<Value>(&denying).unwrap(), validating);
    for settings in [mutating, validating] {
        let verdict = module::policy().validate_settings(&settings).unwrap();
        assert_eq!((verdict.valid, verdict.message), (true, None));
    }
}

#[test]
fn the_registry_provides_user_and_digest() {
    let settings = documents::read("examples/registry/policy.yaml")["spec"]["settings"].clone();
    assert!(
        yaml_blocks(&document("docs/registry.md")).contains(&settings),
        "docs/registry.md does not show these settings"
    );
    let [request]: [Value; 1] = requests("examples/registry/nginx.yaml").try_into().unwrap();
    assert!(!evaluate(&request, &settings).accepted);
    let recording = Interactions::read(&in_repository("examples/registry/recording.kwctl")).unwrap();
    let response = module::policy().replaying(&recording).validate(&request, &settings).unwrap();
    assert_eq!((recording.calls(), recording.left()), (3, 0));
    let mut expected = request["object"].clone();
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    expected["spec"]["containers"][0]["image"] = format!("nginxinc/nginx-unprivileged:1.29@{digest}").into();
    assert!(response.accepted);
    assert_eq!(response.mutated_object, Some(expected));
    assert_eq!(response.warnings, [""; 0]);
}

#[test]
fn a_plain_pod_becomes_immutable_in_one_step() {
    let [mutating, validating] =
        ["mutating", "validating"].map(|name| policy(name)["spec"]["settings"].clone());
    let [request]: [Value; 1] = requests("examples/fix/nginx.yaml").try_into().unwrap();
    assert!(!evaluate(&request, &validating).accepted);
    let fixed = evaluate(&request, &mutating).mutated_object.unwrap();
    let mut request = request;
    request["object"] = fixed;
    assert_eq!(evaluate(&request, &validating), admitted());
    assert_eq!(evaluate(&request, &mutating), admitted());
}

#[test]
fn the_reviews_contain_the_first_and_the_last_step() {
    for (review, step) in [("denied", "1-plain"), ("admitted", "6-pinned")] {
        let is_pod = |request: &Value| request["kind"]["kind"] == "Pod";
        let steps = requests(&format!("examples/nginx/{step}.yaml"));
        let expected: Vec<_> = steps.into_iter().filter(is_pod).collect();
        assert_eq!(requests(&format!("examples/reviews/{review}.json")), expected, "{review}");
    }
}
