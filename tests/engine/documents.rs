//! Documents that repeat what the code knows.

#![expect(clippy::panic, reason = "a document that cannot be read ends its test")]

use std::collections::BTreeSet;
use std::fs;

use immutable_pods_host::document;
use immutable_pods_policy::evaluation::registry::Question;
use immutable_pods_policy::kubernetes::connect::ACCESSES;
use immutable_pods_policy::kubernetes::workload::{WORKLOADS, Workload};
use serde_json::{Value, json};

use crate::module::in_repository;

/// The metadata that is written into the module.
#[track_caller]
pub(crate) fn metadata() -> Value {
    read("metadata.yml")
}

/// The one document in a file of the repository.
#[track_caller]
pub(crate) fn read(file: &str) -> Value {
    let text = fs::read(in_repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut documents = document::parse(file, &text);
    assert_eq!(documents.len(), 1, "{file}: must be one document");
    match documents.pop() {
        Some(Ok(document)) => document.value,
        Some(Err(error)) => panic!("{error}"),
        None => Value::Null,
    }
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn names_subresource(rule: &Value) -> bool {
    strings(&rule["resources"]).iter().any(|resource| resource.contains('/'))
}

/// The workloads that the policy is registered for: all but `ReplicaSet`, whose owners and pods are judged.
fn registered() -> impl Iterator<Item = &'static Workload> {
    WORKLOADS.iter().filter(|workload| workload.kind != "ReplicaSet")
}

#[test]
fn the_webhook_rules_name_every_workload_but_replica_sets() {
    let metadata = metadata();
    let rules = metadata["rules"].as_array().unwrap();
    let mut named = Vec::new();
    for rule in rules.iter().filter(|rule| !names_subresource(rule)) {
        assert_eq!(rule["apiVersions"], json!(["v1"]), "{rule}");
        assert_eq!(rule["operations"], json!(["CREATE", "UPDATE"]), "{rule}");
        for group in strings(&rule["apiGroups"]) {
            named.extend(strings(&rule["resources"]).into_iter().map(|resource| (group, resource)));
        }
    }
    let known: BTreeSet<_> = registered().map(|workload| (workload.group, workload.resource)).collect();
    assert_eq!(named.len(), known.len(), "no resource is named twice");
    assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn subresources_have_a_webhook_rule_of_their_own() {
    let metadata = metadata();
    let rules = metadata["rules"].as_array().unwrap();
    let own: Vec<_> = rules.iter().filter(|rule| names_subresource(rule)).collect();
    let expected = json!({
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["pods/ephemeralcontainers", "pods/resize"],
        "operations": ["UPDATE"],
    });
    assert_eq!(own, [&expected]);
}

#[test]
fn the_policy_for_live_access_names_every_way_into_a_pod() {
    let policy = read("examples/policies/live-access.yaml");
    let rules = policy["spec"]["rules"].as_array().unwrap();
    let connecting = rules.iter().filter(|rule| rule["operations"] == json!(["CONNECT"]));
    let named: Vec<_> = connecting.flat_map(|rule| strings(&rule["resources"])).collect();
    let known: Vec<_> = ACCESSES.iter().map(|(name, _)| format!("pods/{name}")).collect();
    assert_eq!(named, known);
}

#[test]
fn the_metadata_says_how_the_policy_runs() {
    let metadata = metadata();
    // The defaults change nothing, and a mutating webhook does not see what later ones add.
    assert_eq!(metadata["mutating"], false);
    assert_eq!(metadata["backgroundAudit"], true);
    assert_eq!(metadata["executionMode"], "kubewarden-wapc");
    let operations = [Question::ManifestConfig, Question::ManifestDigest].map(Question::operation);
    assert_eq!(metadata["hostCapabilities"], json!(operations.map(|operation| format!("oci/{operation}"))));
}

#[test]
fn the_metadata_is_that_of_the_package() {
    let metadata = metadata();
    let annotations = &metadata["annotations"];
    assert_eq!(annotations["io.kubewarden.policy.version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(annotations["io.kubewarden.policy.license"], env!("CARGO_PKG_LICENSE"));
    assert_eq!(annotations["io.kubewarden.policy.url"], env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(annotations["io.kubewarden.policy.source"], env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(
        annotations["io.kubewarden.policy.description"],
        "Keeps running containers as they were built"
    );
}

#[test]
fn the_metadata_lists_the_kinds_for_artifact_hub() {
    let metadata = metadata();
    let kinds = registered().map(|workload| workload.kind).collect::<Vec<_>>().join(",");
    assert_eq!(metadata["annotations"]["io.artifacthub.resources"], kinds);
}

/// The version of Kubewarden that the workflows install.
const KUBEWARDEN: &str = "v1.37.2";

#[test]
fn one_version_of_kubewarden_is_named_everywhere() {
    let server = read("examples/policies/server.yaml");
    // Since 1.36 its images are named after its repository.
    let image = format!("ghcr.io/kubewarden/adm-controller/policy-server:{KUBEWARDEN}");
    assert_eq!(server["spec"]["image"], image.as_str());
    for workflow in ["release", "test"].map(|name| read(&format!(".github/workflows/{name}.yml"))) {
        assert_eq!(workflow["env"]["KUBEWARDEN"], KUBEWARDEN);
    }
    for file in ["README.md", "CONTRIBUTING.md", "docs/install.md", ".github/workflows/test.yml"] {
        let text = fs::read_to_string(in_repository(file)).unwrap_or_default();
        let words = text.split_whitespace().map(|word| word.trim_end_matches([',', '.']));
        let named: Vec<_> = words.filter(|word| word.starts_with("v1.3")).collect();
        assert!(named.iter().all(|version| *version == KUBEWARDEN), "{file}: {named:?}");
        assert!(!text.contains("ghcr.io/kubewarden/policy-server"), "{file}: names an image of before 1.36");
    }
}
