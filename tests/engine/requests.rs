//! Operations and subresources: which requests can change what a container is.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use serde_json::{Value, json};

use crate::fixture::good_pod;
use crate::module::{admitted, judge, lines};

const FINDING: &str = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";

/// A request about a pod with one thing wrong: whether that is found shows whether the pod is judged.
fn bad_pod(operation: &str, sub_resource: &str) -> Value {
    let mut request = good_pod();
    request["operation"] = operation.into();
    request["subResource"] = sub_resource.into();
    request["oldObject"] = request["object"].clone();
    request["object"]["spec"]["hostPID"] = true.into();
    request
}

#[track_caller]
fn admits(request: &Value) {
    assert_eq!(judge(request, &json!({})), admitted());
}

#[track_caller]
fn denies(request: &Value) {
    assert_eq!(lines(&judge(request, &json!({}))), [FINDING]);
}

#[test]
fn creation_and_update_are_judged() {
    denies(&bad_pod("CREATE", ""));
    denies(&bad_pod("UPDATE", ""));
}

#[test]
fn subresources_that_change_containers_are_judged() {
    denies(&bad_pod("UPDATE", "ephemeralcontainers"));
    denies(&bad_pod("UPDATE", "resize"));
}

#[test]
fn an_ephemeral_container_is_judged_when_it_arrives() {
    let mut request = good_pod();
    request["operation"] = "UPDATE".into();
    request["subResource"] = "ephemeralcontainers".into();
    request["requestSubResource"] = "ephemeralcontainers".into();
    request["oldObject"] = request["object"].clone();
    request["object"]["spec"]["ephemeralContainers"] = json!([
        {"name": "debug", "image": "busybox:1.37", "targetContainerName": "web", "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "privileged": true}},
    ]);
    assert_eq!(
        lines(&judge(&request, &json!({}))),
        ["spec.ephemeralContainers[0].securityContext.privileged: \
             ephemeral container \"debug\" must not set it to true [privileged]"]
    );
}

#[test]
fn deletion_is_admitted() {
    let mut request = bad_pod("DELETE", "");
    request["oldObject"] = request["object"].take();
    admits(&request);
    // Whoever wants to be rid of something unreadable is not held up.
    request["oldObject"] = json!({"spec": "x"});
    admits(&request);
}

#[test]
fn the_status_of_a_pod_is_not_judged() {
    admits(&bad_pod("UPDATE", "status"));
}

#[test]
fn subresources_of_another_kind_are_admitted() {
    let request = |group: &str, kind: &str, operation: &str, sub_resource: &str, object: Value| {
        let mut request = good_pod();
        request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
        request["operation"] = operation.into();
        request["subResource"] = sub_resource.into();
        request["object"] = object;
        request
    };
    let metadata = json!({"name": "web", "namespace": "shop"});
    admits(&request(
        "",
        "Binding",
        "CREATE",
        "binding",
        json!({"metadata": metadata, "target": {"name": "node"}}),
    ));
    admits(&request("policy", "Eviction", "CREATE", "eviction", json!({"metadata": metadata})));
    admits(&request(
        "autoscaling",
        "Scale",
        "UPDATE",
        "scale",
        json!({"metadata": metadata, "spec": {"replicas": 3}}),
    ));
    admits(&request("", "PodExecOptions", "CONNECT", "exec", json!({"command": ["sh"], "container": "web"})));
    admits(&request("", "PodAttachOptions", "CONNECT", "attach", Value::Null));
}

#[test]
fn a_whole_request_of_an_api_server_is_admitted() {
    let request = crate::fixture::requests("tests/fixtures/requests/pod.json").remove(0);
    admits(&request);
}
