//! The examples of manifests that register the policy with the Kubewarden controller.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a manifest that does not parse")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use immutable_pods::{ValidationResponse, admission};
use immutable_pods_policy::rules::RULES;
use immutable_pods_policy::settings::mode::Mode;
use immutable_pods_policy::settings::presets::Preset;
use serde_json::{Value, json};

use crate::cases::{names_in, requests};
use crate::documents::{self, metadata};
use crate::module::{admitted, evaluate, in_repository, policy};

/// The registry reference of the released module.
const MODULE: &str =
    concat!("registry://ghcr.io/immutable-pods/immutable-pods-policy:v", env!("CARGO_PKG_VERSION"));

/// The steps of a rollout, in order.
const STEPS: [&str; 4] = ["1-monitor.yaml", "2-warn.yaml", "3-deny-most.yaml", "4-deny.yaml"];

/// Annotations that audit scanner reports and `kubectl get --output wide` show.
pub(crate) const ANNOTATIONS: [&str; 2] = ["io.kubewarden.policy.severity", "io.kubewarden.policy.category"];

/// A manifest of a policy, or of a group of policies.
struct Registration {
    file: String,
    kind: String,
    annotations: Value,
    spec: Value,
}

impl Registration {
    #[track_caller]
    fn read(file: &str) -> Option<Self> {
        let document = documents::read(file);
        let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let (version, kind) = (field("apiVersion"), field("kind"));
        let is_policy = version == "policies.kubewarden.io/v1" && kind != "PolicyServer";
        is_policy.then(|| Self {
            file: file.to_owned(),
            kind,
            annotations: document["metadata"]["annotations"].clone(),
            spec: document["spec"].clone(),
        })
    }

    /// Returns all registrations in the examples.
    #[track_caller]
    fn all() -> Vec<Self> {
        let folders = ["policies", "registry", "rollout"].map(|folder| format!("examples/{folder}"));
        let files = folders
            .iter()
            .flat_map(|folder| names_in(folder).into_iter().map(move |name| format!("{folder}/{name}")));
        files.filter(|file| is_yaml(file)).filter_map(|file| Self::read(&file)).collect()
    }

    /// Returns the objects with a module and settings: the members of a group, or the policy itself.
    fn members(&self) -> Vec<&Value> {
        match &self.spec["policies"] {
            Value::Object(members) => members.values().collect(),
            _ => vec![&self.spec],
        }
    }

    fn fixes(&self) -> bool {
        self.members().into_iter().any(|member| fixes(&member["settings"]))
    }

    /// Whether `interactiveAccess` is on, which is off by default.
    fn evaluates_connect_requests(&self) -> bool {
        self.members().into_iter().any(|member| {
            let rule = &member["settings"]["interactiveAccess"];
            !matches!(rule.get("mode").unwrap_or(rule), Value::Null) && rule != "off" && rule["mode"] != "off"
        })
    }
}

fn is_yaml(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "yaml")
}

fn fixes(settings: &Value) -> bool {
    RULES.iter().map(|rule| &settings[rule.id]).any(|rule| *rule == "fix" || rule["mode"] == "fix")
}

/// Returns all combinations of group, version, resource and operation of webhook rules.
fn calls(rules: &Value) -> BTreeSet<[String; 4]> {
    let texts = |rule: &Value, list: &str| -> Vec<String> {
        rule[list].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut calls = BTreeSet::new();
    for rule in rules.as_array().unwrap() {
        for group in texts(rule, "apiGroups") {
            for version in texts(rule, "apiVersions") {
                for resource in texts(rule, "resources") {
                    for operation in texts(rule, "operations") {
                        calls.insert([group.clone(), version.clone(), resource.clone(), operation]);
                    }
                }
            }
        }
    }
    calls
}

/// Returns the response to the only request in a file of examples.
#[track_caller]
fn answer(file: &str, settings: &Value) -> ValidationResponse {
    let mut answers: Vec<_> = requests(file).iter().map(|request| evaluate(request, settings)).collect();
    assert_eq!(answers.len(), 1, "{file}: expected one manifest");
    answers.remove(0)
}

#[test]
fn every_kind_of_policy_has_an_example() {
    let kinds: BTreeSet<_> = Registration::all().into_iter().map(|registration| registration.kind).collect();
    let known = ["AdmissionPolicy", "ClusterAdmissionPolicy", "ClusterAdmissionPolicyGroup"];
    assert_eq!(kinds, known.map(str::to_owned).into());
}

#[test]
fn every_manifest_begins_with_its_purpose() {
    for folder in ["policies", "rollout"].map(|folder| format!("examples/{folder}")) {
        for name in names_in(&folder) {
            let text = fs::read_to_string(in_repository(&folder).join(&name)).unwrap();
            let comment = text.lines().take_while(|line| line.starts_with("# ")).count();
            assert!(
                (1..=2).contains(&comment),
                "{folder}/{name}: expected one or two lines of comment at the beginning"
            );
        }
    }
}

#[test]
fn every_manifest_uses_this_version() {
    for registration in Registration::all() {
        for member in registration.members() {
            assert_eq!(member["module"], MODULE, "{}", registration.file);
        }
    }
}

#[test]
fn every_manifest_has_valid_settings() {
    for registration in Registration::all() {
        for member in registration.members() {
            let verdict = policy().validate_settings(&member["settings"]).unwrap();
            assert_eq!((verdict.valid, verdict.message), (true, None), "{}", registration.file);
        }
    }
}

#[test]
fn every_policy_has_the_annotations_of_the_metadata() {
    let metadata = metadata();
    for registration in Registration::all() {
        for annotation in ANNOTATIONS {
            let expected = &metadata["annotations"][annotation];
            assert!(expected.is_string());
            assert_eq!(registration.annotations[annotation], *expected, "{}", registration.file);
        }
    }
}

#[test]
fn validating_policies_have_the_webhook_rules_of_the_metadata() {
    let rules = metadata()["rules"].as_array().unwrap().clone();
    let is_object_rule = |rule: &Value| rule["operations"] != json!(["CONNECT"]);
    for registration in Registration::all() {
        let own: Vec<_> = registration.spec["rules"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|rule| is_object_rule(rule))
            .cloned()
            .collect();
        if registration.fixes() || registration.file.ends_with("/live-access.yaml") {
            assert!(calls(&json!(own)).is_subset(&calls(&json!(rules))), "{}", registration.file);
        } else {
            assert_eq!(own, rules, "{}", registration.file);
        }
    }
}

#[test]
fn only_policies_with_interactive_access_are_registered_for_connect() {
    let live = Registration::read("examples/policies/live-access.yaml").unwrap();
    let connecting = |registration: &Registration| -> Vec<Value> {
        let rules = registration.spec["rules"].as_array().unwrap().iter();
        rules
            .filter(|rule| rule["operations"].as_array().unwrap().contains(&json!("CONNECT")))
            .cloned()
            .collect()
    };
    let [rule]: [Value; 1] = connecting(&live).try_into().unwrap();
    let mut evaluating = Vec::new();
    for registration in Registration::all() {
        let expected =
            if registration.evaluates_connect_requests() { vec![rule.clone()] } else { Vec::new() };
        assert_eq!(connecting(&registration), expected, "{}", registration.file);
        if registration.evaluates_connect_requests() {
            evaluating.push(registration.file);
        }
    }
    assert_eq!(evaluating, ["examples/policies/live-access.yaml", "examples/policies/strict.yaml"]);
}

#[test]
fn policies_are_not_registered_for_replica_sets() {
    let rules = Registration::all()
        .into_iter()
        .map(|registration| (registration.file, registration.spec["rules"].clone()));
    for (file, rules) in rules.chain([("metadata.yml".to_owned(), metadata()["rules"].clone())]) {
        let named = calls(&rules)
            .into_iter()
            .any(|[_, _, resource, _]| resource.contains("replicasets") || resource.contains('*'));
        assert!(!named, "{file}: must not name replicasets");
    }
}

#[test]
fn live_access_is_limited_to_a_group() {
    let live = Registration::read("examples/policies/live-access.yaml").unwrap();
    let settings = &live.spec["settings"];
    let exec = |groups: &[&str]| {
        let mut request = admission::create(serde_json::Map::new());
        request["kind"] = json!({"group": "", "version": "v1", "kind": "PodExecOptions"});
        request["resource"] = json!({"group": "", "version": "v1", "resource": "pods"});
        request["subResource"] = "exec".into();
        request["operation"] = "CONNECT".into();
        request["userInfo"] = json!({"username": "jane", "groups": groups});
        request["object"] = json!({"kind": "PodExecOptions", "command": ["sh"], "container": "web"});
        evaluate(&request, settings).accepted
    };
    assert!(!exec(&["system:authenticated"]));
    assert!(exec(&["system:authenticated", "break-glass"]));
}

#[test]
fn only_policies_with_fixes_are_mutating() {
    for registration in Registration::all() {
        // Groups cannot mutate, so they do not have the field.
        let mutating = registration.spec.get("mutating").cloned();
        let expected = if registration.kind.ends_with("Group") {
            assert!(!registration.fixes(), "{}: members of a group must not fix", registration.file);
            None
        } else {
            Some(json!(registration.fixes()))
        };
        assert_eq!(mutating, expected, "{}", registration.file);
    }
}

#[test]
fn cluster_policies_exclude_kube_system() {
    let selector = json!({"matchExpressions": [
        {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]},
    ]});
    for registration in Registration::all() {
        let expected = if registration.kind.starts_with("Cluster") { &selector } else { &Value::Null };
        assert_eq!(registration.spec["namespaceSelector"], *expected, "{}", registration.file);
    }
}

#[test]
fn the_group_expression_names_all_members() {
    let group = Registration::read("examples/policies/group.yaml").unwrap();
    let expression = group.spec["expression"].as_str().unwrap();
    let named: BTreeSet<_> = expression
        .split(|character: char| !character.is_alphanumeric() && character != '_')
        .filter(|word| !word.is_empty())
        .collect();
    let members = group.spec["policies"].as_object().unwrap();
    assert_eq!(named, members.keys().map(String::as_str).collect());
    assert_eq!(expression.matches("()").count(), members.len());
    assert!(!group.spec["message"].as_str().unwrap().is_empty());
}

#[test]
fn a_writable_root_requires_all_other_protections() {
    let group = Registration::read("examples/policies/group.yaml").unwrap();
    let verdicts = |request: &Value| {
        ["hardened", "contained"]
            .map(|member| evaluate(request, &group.spec["policies"][member]["settings"]).accepted)
    };
    let is_pod = |request: &Value| request["kind"]["kind"] == "Pod";
    let mut pod = requests("examples/nginx/6-pinned.yaml").into_iter().find(is_pod).unwrap();
    assert_eq!(verdicts(&pod), [true, false]);
    let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    let container = &mut pod["object"]["spec"]["containers"][0];
    container["image"] = format!("nginxinc/nginx-unprivileged:1.29@{digest}").into();
    container["securityContext"]["readOnlyRootFilesystem"] = json!(false);
    container["securityContext"]["capabilities"] = json!({"drop": ["ALL"]});
    assert_eq!(verdicts(&pod), [false, true]);
    pod["object"]["spec"]["containers"][0]["securityContext"]["capabilities"] = Value::Null;
    assert_eq!(verdicts(&pod), [false, false]);
}

#[test]
fn the_strict_settings_enable_every_rule_that_every_cluster_supports() {
    let strict = Registration::read("examples/policies/strict.yaml").unwrap();
    let settings = &strict.spec["settings"];
    let preset = Preset::ALL.iter().find(|(name, _)| settings["preset"] == *name).unwrap().1;
    let preset: Value = serde_json::from_str(preset.settings()).unwrap();
    for rule in RULES.iter().filter(|rule| rule.default_mode != Mode::Deny) {
        let own = settings[rule.id].get("mode").or(settings.get(rule.id));
        let mode = own.unwrap_or(&preset[rule.id]["mode"]);
        // Root can remove a shell only without other rules, and few clusters have the feature gate for mount options.
        let is_exception = ["shellRemoval", "noexecMounts"].contains(&rule.id);
        let expected = if is_exception { Value::Null } else { json!("deny") };
        assert_eq!(*mode, expected, "{}", rule.id);
    }
    assert!(!fixes(settings));
    for rule in RULES.iter().filter(|rule| rule.default_mode == Mode::Deny) {
        assert!(matches!(settings[rule.id], Value::Null | Value::Object(_)), "{}", rule.id);
        assert_eq!(settings[rule.id].get("mode"), None, "{}", rule.id);
    }
}

#[test]
fn the_server_of_a_namespaced_policy_grants_its_host_capabilities() {
    let namespaced = documents::read("examples/policies/namespaced.yaml");
    let server = documents::read("examples/policies/server.yaml");
    assert_eq!(namespaced["spec"]["policyServer"], server["metadata"]["name"]);
    assert!(namespaced["metadata"]["namespace"].is_string());
    let mut granted: Vec<_> =
        server["spec"]["namespacedPoliciesCapabilities"].as_array().unwrap().iter().collect();
    let metadata = metadata();
    let mut required: Vec<_> = metadata["hostCapabilities"].as_array().unwrap().iter().collect();
    granted.sort_by_key(|capability| capability.as_str());
    required.sort_by_key(|capability| capability.as_str());
    assert_eq!(granted, required);
}

#[test]
fn the_server_stays_available_during_a_node_drain() {
    let server = documents::read("examples/policies/server.yaml");
    assert_eq!(
        (&server["apiVersion"], &server["kind"]),
        (&json!("policies.kubewarden.io/v1"), &json!("PolicyServer"))
    );
    let [replicas, available] =
        ["replicas", "minAvailable"].map(|field| server["spec"][field].as_u64().unwrap());
    assert!(available > 0 && available < replicas);
}

#[test]
fn rollout_steps_differ_only_in_mode_and_settings() {
    assert_eq!(names_in("examples/rollout"), STEPS);
    let steps = STEPS.map(|step| {
        let mut document = documents::read(&format!("examples/rollout/{step}"));
        let spec = document["spec"].as_object_mut().unwrap();
        (spec.remove("mode").unwrap(), spec.remove("settings").unwrap(), document)
    });
    let modes = steps.each_ref().map(|(mode, _, _)| mode.as_str().unwrap());
    assert_eq!(modes, ["monitor", "protect", "protect", "protect"]);
    for (_, _, step) in &steps {
        assert_eq!(*step, steps[0].2);
    }
}

#[test]
fn each_rollout_step_denies_more() {
    let [monitor, warn, most, all] =
        STEPS.map(|step| documents::read(&format!("examples/rollout/{step}"))["spec"]["settings"].clone());
    let plain = |settings| answer("examples/fix/nginx.yaml", settings);
    let verdicts = |settings: &Value| -> BTreeSet<bool> {
        requests("examples/everything-wrong.yaml")
            .iter()
            .map(|request| evaluate(request, settings).accepted)
            .collect()
    };
    let (admits_all, denies_all) = ([true].into(), [false].into());
    // In monitor mode, the policy server admits requests that the policy denies.
    assert!(!plain(&monitor).accepted && verdicts(&monitor) == denies_all);
    for settings in [&warn, &most] {
        let answer = plain(settings);
        assert!(answer.accepted && !answer.warnings.is_empty());
    }
    assert!(verdicts(&warn) == admits_all && verdicts(&most) == denies_all);
    assert!(!plain(&all).accepted && verdicts(&all) == denies_all);
    for request in requests("examples/nginx/6-pinned.yaml") {
        assert_eq!(evaluate(&request, &all), admitted());
    }
}
