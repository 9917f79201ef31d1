//! One pod spec with many findings in every kind: the findings must not depend on the kind. `properties` does the same with the
//! cases of every rule.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use std::collections::BTreeSet;

use immutable_pods::{ValidationResponse, admission};
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use crate::cases::with_every_mode;
use crate::module::{admitted, evaluate, lines, rule_of};

/// The findings in [`bad_pod_spec`] at the path `spec`.
const FINDINGS: &str = "\
spec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]
spec.ephemeralContainers[0].securityContext.readOnlyRootFilesystem: ephemeral container \"debug\" must set it to true [readOnlyRootFilesystem]
spec.initContainers[0].securityContext.readOnlyRootFilesystem: init container \"setup\" must set it to true [readOnlyRootFilesystem]
spec.initContainers[1].securityContext.readOnlyRootFilesystem: sidecar \"proxy\" must set it to true [readOnlyRootFilesystem]
spec.containers[0].securityContext.privileged: container \"web\" must not set it to true [privileged]
spec.containers[0].securityContext.allowPrivilegeEscalation: container \"web\" must set it to false [allowPrivilegeEscalation]
spec.ephemeralContainers[0].securityContext.allowPrivilegeEscalation: ephemeral container \"debug\" must set it to false [allowPrivilegeEscalation]
spec.initContainers[0].securityContext.allowPrivilegeEscalation: init container \"setup\" must set it to false [allowPrivilegeEscalation]
spec.initContainers[1].securityContext.allowPrivilegeEscalation: sidecar \"proxy\" must set it to false [allowPrivilegeEscalation]
spec.securityContext.runAsUser: the pod must not run as UID 0 [runAsNonRoot]
spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]
spec.containers[0].image: container \"web\" must set a tag or a digest on image \"registry:5000/web\" [imageReference]
spec.ephemeralContainers[0].image: ephemeral container \"debug\" must set a tag or a digest on image \"debug\" [imageReference]
spec.initContainers[1].image: sidecar \"proxy\" must not use the tag \"latest\" without a digest: \"proxy:latest\" [imageReference]
spec.volumes[0].image.reference: volume \"site\" must set a tag or a digest on image \"site\" [imageReference]
spec.volumes[1].hostPath.path: volume \"node\" must not mount host path \"/\" [hostPathVolumes]
spec.ephemeralContainers[0].volumeMounts[0].mountPath: ephemeral container \"debug\" must mount \"/bin\" read-only, or elsewhere: /bin is protected [writableMounts]
spec.initContainers[0].volumeMounts[0].mountPath: init container \"setup\" must mount \"/usr\" read-only, or elsewhere: /usr/bin is protected [writableMounts]
spec.ephemeralContainers[0].securityContext.capabilities.add[0]: ephemeral container \"debug\" must not add \"SYS_PTRACE\" [capabilities]
spec.initContainers[1].securityContext.capabilities.add[0]: sidecar \"proxy\" must not add \"NET_ADMIN\" [capabilities]
spec.containers[0].securityContext.procMount: container \"web\" must leave it unset, or set it to Default [procMount]
spec.securityContext.sysctls[0].name: the pod must not set \"vm.swappiness\" [sysctls]
spec.ephemeralContainers[0]: ephemeral container \"debug\" must not be added to the pod [ephemeralContainers]
spec.containers[0].startupProbe: container \"web\" must remove /bin/sh, /bin/bash by its exec command, or have a read-only root filesystem [shellRemoval]
spec.initContainers[1].startupProbe: sidecar \"proxy\" must remove /bin/sh, /bin/bash by its exec command, or have a read-only root filesystem [shellRemoval]
spec.shareProcessNamespace: the pod must not share a process namespace between its containers [sharedProcessNamespace]
spec.ephemeralContainers[0].volumeMounts[0].bindMountOptions: ephemeral container \"debug\" must mount \"/bin\" with noexec, nosuid; the cluster may have dropped the field: it needs the VolumeBindMountOptions gate [noexecMounts]
spec.initContainers[0].volumeMounts[0].bindMountOptions: init container \"setup\" must mount \"/usr\" with noexec, nosuid; the cluster may have dropped the field: it needs the VolumeBindMountOptions gate [noexecMounts]
spec.securityContext.seccompProfile.type: the pod must set it to RuntimeDefault or Localhost, not \"Unconfined\" [seccompProfile]
spec.volumes[1].hostPath: volume \"node\" must not be of type hostPath [volumeTypes]";

/// Returns a pod spec with findings of many rules, in every kind of container.
fn bad_pod_spec() -> Value {
    json!({
        "hostPID": true,
        "shareProcessNamespace": true,
        "securityContext": {
            "runAsUser": 0,
            "seccompProfile": {"type": "Unconfined"},
            "sysctls": [{"name": "vm.swappiness", "value": "10"}],
        },
        "initContainers": [
            {"name": "setup", "image": "setup:1", "securityContext": {"runAsUser": 1},
             "volumeMounts": [{"name": "node", "mountPath": "/usr"}]},
            {"name": "proxy", "image": "proxy:latest", "restartPolicy": "Always",
             "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}},
        ],
        "containers": [
            {"name": "web", "image": "registry:5000/web",
             "securityContext": {"privileged": true, "procMount": "Unmasked"}},
        ],
        "ephemeralContainers": [
            {"name": "debug", "image": "debug", "targetContainerName": "web",
             "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}},
             "volumeMounts": [{"name": "scratch", "mountPath": "/bin"}]},
        ],
        "volumes": [
            {"name": "site", "image": {"reference": "site"}},
            {"name": "node", "hostPath": {"path": "/"}},
            {"name": "scratch", "emptyDir": {}},
        ],
    })
}

/// Returns an object of a kind, with a value at a path.
fn object(api_version: &str, kind: &str, path: &str, value: Value) -> Map<String, Value> {
    let nested = path.rsplit('.').fold(value, |inner, key| json!({key: inner}));
    let mut object = Map::from_iter([
        ("apiVersion".to_owned(), api_version.into()),
        ("kind".to_owned(), kind.into()),
        ("metadata".to_owned(), json!({"name": "x"})),
    ]);
    object.extend(nested.as_object().cloned().unwrap_or_default());
    object
}

fn create(object: Map<String, Value>) -> ValidationResponse {
    evaluate(&admission::create(object), &with_every_mode(&json!({}), "deny"))
}

/// Returns the expected findings for the bad pod spec at each path, in order.
fn findings_at(paths: &[&str]) -> Vec<String> {
    let of_rule = |id: &str, path: &str| -> Vec<String> {
        let lines = FINDINGS.lines().filter(|line| rule_of(line) == id);
        lines.map(|line| line.replacen("spec", path, 1)).collect()
    };
    RULES.iter().flat_map(|rule| paths.iter().flat_map(move |path| of_rule(rule.id, path))).collect()
}

#[track_caller]
fn assert_findings(object: Map<String, Value>, paths: &[&str]) {
    let name = format!("{} {}", object["apiVersion"], object["kind"]);
    let response = create(object);
    assert_eq!(lines(&response), findings_at(paths), "{name}");
    assert_eq!(response.code, Some(403), "{name}");
}

#[test]
fn every_built_in_kind_has_the_same_findings() {
    for workload in &WORKLOADS {
        let api_version =
            if workload.group.is_empty() { "v1".to_owned() } else { format!("{}/v1", workload.group) };
        assert_findings(
            object(&api_version, workload.kind, workload.pod_spec, bad_pod_spec()),
            &[workload.pod_spec],
        );
    }
}

#[test]
fn a_pod_has_its_findings_in_the_order_of_the_rules() {
    let response = create(object("v1", "Pod", "spec", bad_pod_spec()));
    assert_eq!(lines(&response), FINDINGS.lines().collect::<Vec<_>>());
    let rules: BTreeSet<_> = FINDINGS.lines().map(rule_of).collect();
    assert!(response.audit_annotations.keys().eq(rules));
    for (rule, count) in &response.audit_annotations {
        let lines = FINDINGS.lines().filter(|line| rule_of(line) == rule).count();
        assert_eq!(*count, lines.to_string(), "{rule}");
    }
}

#[test]
fn pod_specs_in_custom_kinds_are_evaluated() {
    for (api_version, kind) in [
        ("argoproj.io/v1alpha1", "Rollout"),
        ("serving.knative.dev/v1", "Service"),
        // Names of built-in kinds in other API groups.
        ("extensions/v1beta1", "Deployment"),
        ("apps.kruise.io/v1alpha1", "DaemonSet"),
    ] {
        assert_findings(
            object(api_version, kind, "spec.template.spec", bad_pod_spec()),
            &["spec.template.spec"],
        );
    }
    // A custom kind that contains a pod spec at a path of its own.
    assert_findings(
        object("example.com/v1", "Pod", "data.pod-for-tests", bad_pod_spec()),
        &["data.pod-for-tests"],
    );
}

#[test]
fn every_pod_spec_in_a_custom_kind_is_evaluated() {
    let job =
        |name: &str| json!({"name": name, "template": {"spec": {"template": {"spec": bad_pod_spec()}}}});
    assert_findings(
        object(
            "jobset.x-k8s.io/v1alpha2",
            "JobSet",
            "spec.replicatedJobs",
            json!([job("leader"), job("workers")]),
        ),
        &[
            "spec.replicatedJobs[0].template.spec.template.spec",
            "spec.replicatedJobs[1].template.spec.template.spec",
        ],
    );
    // Volcano's Job has the name of a built-in kind, and a list of pod specs.
    let task = |name: &str| json!({"name": name, "template": {"spec": bad_pod_spec()}});
    assert_findings(
        object("batch.volcano.sh/v1alpha1", "Job", "spec.tasks", json!([task("master"), task("worker")])),
        &["spec.tasks[0].template.spec", "spec.tasks[1].template.spec"],
    );
}

#[test]
fn kinds_without_pod_specs_are_admitted() {
    let pod_as_text = json!({"pod.yaml": bad_pod_spec().to_string()});
    let schema = json!({"properties": {"containers": {"type": "array", "items": {"type": "object"}}}});
    for (api_version, kind, path, value) in [
        ("v1", "ConfigMap", "data", pod_as_text),
        ("v1", "Service", "spec", json!({"ports": [{"name": "http", "port": 80}]})),
        ("v1", "Namespace", "spec", json!({"finalizers": ["kubernetes"]})),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "spec.schema", schema),
        ("example.com/v1", "Harbour", "spec", json!({"containers": ["blue", "red"]})),
    ] {
        assert_eq!(create(object(api_version, kind, path, value)), admitted(), "{kind}");
    }
}
