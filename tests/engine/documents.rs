//! Documents that must agree with the code.

#![expect(clippy::panic, reason = "a test fails on a document that does not parse")]

use std::collections::BTreeSet;
use std::fs;

use immutable_pods::document;
use immutable_pods_policy::evaluation::registry::RegistryQuery;
use immutable_pods_policy::kubernetes::connect::ACCESSES;
use immutable_pods_policy::kubernetes::workload::{WORKLOADS, Workload};
use serde_json::{Value, json};

use crate::module::in_repository;

/// Returns the metadata of the module.
#[track_caller]
pub(crate) fn metadata() -> Value {
    read("metadata.yml")
}

/// Reads a file of the repository with a single document.
#[track_caller]
pub(crate) fn read(file: &str) -> Value {
    let text = fs::read(in_repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut documents = document::parse(file, &text);
    assert_eq!(documents.len(), 1, "{file}: expected one document");
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

/// Returns the workloads that the policy is registered for: all except `ReplicaSet`, because the policy evaluates the owners
/// and the pods.
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
    assert_eq!(named.len(), known.len(), "duplicate resources");
    assert_eq!(named.into_iter().collect::<BTreeSet<_>>(), known);
}

#[test]
fn subresources_have_a_separate_webhook_rule() {
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
fn the_live_access_policy_names_every_connect_subresource() {
    let policy = read("examples/policies/live-access.yaml");
    let rules = policy["spec"]["rules"].as_array().unwrap();
    let connecting = rules.iter().filter(|rule| rule["operations"] == json!(["CONNECT"]));
    let named: Vec<_> = connecting.flat_map(|rule| strings(&rule["resources"])).collect();
    let known: Vec<_> = ACCESSES.iter().map(|(name, _)| format!("pods/{name}")).collect();
    assert_eq!(named, known);
}

#[test]
fn the_metadata_describes_how_the_policy_runs() {
    let metadata = metadata();
    // The defaults do not fix, and a mutating webhook does not see changes by later webhooks.
    assert_eq!(metadata["mutating"], false);
    assert_eq!(metadata["backgroundAudit"], true);
    assert_eq!(metadata["executionMode"], "kubewarden-wapc");
    let operations =
        [RegistryQuery::ManifestConfig, RegistryQuery::ManifestDigest].map(RegistryQuery::operation);
    assert_eq!(metadata["hostCapabilities"], json!(operations.map(|operation| format!("oci/{operation}"))));
}

#[test]
fn the_metadata_agrees_with_the_package() {
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
fn all_files_name_the_same_kubewarden_version() {
    let server = read("examples/policies/server.yaml");
    // Since 1.36, the image name contains the repository name.
    let image = format!("ghcr.io/kubewarden/adm-controller/policy-server:{KUBEWARDEN}");
    assert_eq!(server["spec"]["image"], image.as_str());
    for workflow in ["release", "test"].map(|name| read(&format!(".github/workflows/{name}.yml"))) {
        assert_eq!(workflow["env"]["KUBEWARDEN"], KUBEWARDEN);
    }
    for file in ["docs/versions.md", "CONTRIBUTING.md", "docs/install.md", ".github/workflows/test.yml"] {
        let text = fs::read_to_string(in_repository(file)).unwrap_or_default();
        let words = text.split_whitespace().map(|word| word.trim_end_matches([',', '.']));
        let named: Vec<_> = words.filter(|word| word.starts_with("v1.3")).collect();
        assert!(named.iter().all(|version| *version == KUBEWARDEN), "{file}: {named:?}");
        assert!(
            !text.contains("ghcr.io/kubewarden/policy-server"),
            "{file}: names an image from before 1.36"
        );
    }
}
