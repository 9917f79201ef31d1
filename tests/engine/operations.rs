//! Operations and subresources: the requests that can change a container.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use serde_json::{Value, json};

use crate::cases::good_pod;
use crate::module::{admitted, evaluate, lines};

const FINDING: &str = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";

/// Returns a request with a pod that has one finding, which the policy reports only if it evaluates the pod.
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
    assert_eq!(evaluate(request, &json!({})), admitted());
}

#[track_caller]
fn denies(request: &Value) {
    assert_eq!(lines(&evaluate(request, &json!({}))), [FINDING]);
}

#[test]
fn creates_and_updates_are_evaluated() {
    denies(&bad_pod("CREATE", ""));
    denies(&bad_pod("UPDATE", ""));
}

#[test]
fn an_old_finding_does_not_block_an_update() {
    let mut request = bad_pod("UPDATE", "");
    request["oldObject"] = request["object"].clone();
    request["object"]["metadata"]["labels"] = json!({"app": "web"});
    admits(&request);
    assert_eq!(evaluate(&request, &json!({"onUpdate": "all"})), admitted());
    request["oldObject"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/other:1".into();
    let settings = json!({"onUpdate": "all", "imageChange": "off"});
    assert_eq!(lines(&evaluate(&request, &settings)), [FINDING]);
}

#[test]
fn an_update_without_the_old_object_is_denied() {
    let mut null = bad_pod("UPDATE", "");
    null["oldObject"] = Value::Null;
    let mut absent = good_pod();
    absent["operation"] = "UPDATE".into();
    absent.as_object_mut().unwrap().remove("oldObject");
    for request in [null, absent] {
        for on_update in ["changes", "all"] {
            assert_eq!(
                lines(&evaluate(&request, &json!({"onUpdate": on_update}))),
                ["request.oldObject: missing (denied because it cannot be evaluated)"]
            );
        }
    }
}

#[test]
fn a_finding_at_another_path_of_the_old_object_does_not_count() {
    let mut request = bad_pod("UPDATE", "");
    // The same value at another path, such as the path in another version of the kind.
    request["oldObject"]["spec"]["template"] = json!({"spec": {"hostPID": true}});
    denies(&request);
}

#[test]
fn a_running_pod_keeps_its_images() {
    let mut request = good_pod();
    request["operation"] = "UPDATE".into();
    request["oldObject"] = request["object"].clone();
    request["object"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/web:2.0".into();
    assert_eq!(
        lines(&evaluate(&request, &json!({}))),
        [
            "spec.containers[0].image: container \"web\" must keep the image \"registry.example.com/shop/web:1.4\", \
             not run \"registry.example.com/shop/web:2.0\" [imageChange]"
        ]
    );
}

#[test]
fn subresources_that_change_containers_are_evaluated() {
    denies(&bad_pod("UPDATE", "ephemeralcontainers"));
    denies(&bad_pod("UPDATE", "resize"));
}

#[test]
fn a_new_ephemeral_container_is_evaluated() {
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
        lines(&evaluate(&request, &json!({}))),
        ["spec.ephemeralContainers[0].securityContext.privileged: \
             ephemeral container \"debug\" must not set it to true [privileged]"]
    );
}

#[test]
fn deletes_are_admitted() {
    let mut request = bad_pod("DELETE", "");
    request["oldObject"] = request["object"].take();
    admits(&request);
    // Users can delete an object that the policy cannot parse.
    request["oldObject"] = json!({"spec": "x"});
    admits(&request);
}

#[test]
fn the_status_of_a_pod_is_not_evaluated() {
    admits(&bad_pod("UPDATE", "status"));
}

#[test]
fn subresources_with_another_kind_are_admitted() {
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
}

/// Returns a connect request of a developer.
fn connect(sub_resource: &str, options: Value) -> Value {
    let kind = match sub_resource {
        "attach" => "PodAttachOptions",
        "portforward" => "PodPortForwardOptions",
        "proxy" => "PodProxyOptions",
        _ => "PodExecOptions",
    };
    let kind = json!({"group": "", "version": "v1", "kind": kind});
    let mut request = json!({
        "uid": "f0b5c1d2-7a9e-4f43-8c5b-2f1f5f0a9d3c",
        "kind": kind,
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "subResource": sub_resource,
        "requestKind": kind,
        "requestResource": {"group": "", "version": "v1", "resource": "pods"},
        "requestSubResource": sub_resource,
        "name": "web-1",
        "namespace": "shop",
        "operation": "CONNECT",
        "userInfo": {"username": "jane", "groups": ["developers", "system:authenticated"]},
        "oldObject": null,
        "dryRun": false,
        "options": null,
    });
    request["object"] = options;
    request
}

/// Returns a connect request for each subresource, with its message.
fn connect_requests() -> [(Value, &'static str); 4] {
    [
        (
            connect("exec", json!({"command": ["sh"], "container": "web", "stdin": true, "tty": true})),
            "must not run commands in container \"web\" of \"web-1\"",
        ),
        (connect("attach", Value::Null), "must not attach to the default container of \"web-1\""),
        (connect("portforward", json!({"ports": [8080]})), "must not forward ports of \"web-1\""),
        (connect("proxy", json!({"path": "/metrics"})), "must not send requests to \"web-1\""),
    ]
}

#[test]
fn connect_requests_are_admitted_by_default() {
    for (request, _) in connect_requests() {
        admits(&request);
    }
}

#[test]
fn settings_select_the_denied_connect_requests() {
    let all = ["exec", "attach", "portforward", "proxy"];
    for (settings, denied) in [
        (json!({"mode": "deny"}), &all[..2]),
        (json!({"mode": "deny", "subresources": all}), &all),
        (json!({"mode": "deny", "subresources": ["proxy"]}), &all[3..]),
    ] {
        for (request, message) in connect_requests() {
            let response = evaluate(&request, &json!({"interactiveAccess": settings}));
            let is_denied = denied.iter().any(|sub_resource| request["subResource"] == *sub_resource);
            let finding = format!("request.subResource: user \"jane\" {message} [interactiveAccess]");
            assert_eq!(
                lines(&response),
                Vec::from_iter(is_denied.then_some(finding)),
                "{settings} {request}"
            );
        }
    }
}

#[test]
fn other_subresources_of_connect_requests_are_admitted() {
    let settings = json!({"interactiveAccess": "deny"});
    for sub_resource in ["", "log", "console"] {
        let request = connect(sub_resource, json!({"command": 3}));
        assert_eq!(evaluate(&request, &settings), admitted(), "{sub_resource}");
    }
}

#[test]
fn connect_requests_to_other_kinds_are_evaluated() {
    let mut request = connect("proxy", json!({"path": "/exec"}));
    request["kind"]["kind"] = "NodeProxyOptions".into();
    request["resource"]["resource"] = "nodes".into();
    request["name"] = "node-1".into();
    let settings = json!({"interactiveAccess": {"mode": "deny", "subresources": ["proxy"]}});
    assert_eq!(
        lines(&evaluate(&request, &settings)),
        ["request.subResource: user \"jane\" must not send requests to \"node-1\" [interactiveAccess]"]
    );
}

#[test]
fn settings_can_allow_commands() {
    let settings = json!({"interactiveAccess": {
        "mode": "deny", "allowedCommands": [["nginx", "-t"], ["cat", "/proc/*/status"]]}});
    let findings = |options: Value| {
        let response = evaluate(&connect("exec", options), &settings);
        lines(&response).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let of_web = |command: Value| json!({"container": "web", "command": command});
    assert_eq!(findings(of_web(json!(["nginx", "-t"]))), [""; 0]);
    assert_eq!(findings(of_web(json!(["cat", "/proc/1/status"]))), [""; 0]);
    for command in
        [json!(["nginx"]), json!(["nginx", "-t", "-q"]), json!(["NGINX", "-t"]), json!(["nginx -t"])]
    {
        let shown = command.to_string().replace(',', ", ");
        assert_eq!(
            findings(of_web(command)),
            [format!(
                "command: user \"jane\" must run one of the allowed commands ([\"nginx\", \"-t\"], \
                 [\"cat\", \"/proc/*/status\"]) in container \"web\" of \"web-1\", not {shown} [interactiveAccess]"
            )]
        );
    }
    assert_eq!(
        findings(json!({"command": ["nginx", "-t"], "tty": true})),
        [
            "tty: user \"jane\" must not request a terminal to run [\"nginx\", \"-t\"] in the default container of \
             \"web-1\" [interactiveAccess]"
        ]
    );
}

#[test]
fn exempt_connect_requests_are_admitted() {
    for matcher in [
        json!({"users": ["jane"]}),
        json!({"groups": ["devel*"]}),
        json!({"namespaces": ["shop"]}),
        json!({"containers": ["web"]}),
    ] {
        let mut exemption = matcher;
        exemption["reason"] = "on call".into();
        let settings = json!({"interactiveAccess": "deny", "exemptions": [exemption]});
        let [(exec, _), (attach, _), ..] = connect_requests();
        let response = evaluate(&exec, &settings);
        assert!(response.accepted, "{settings}");
        assert_eq!(response.audit_annotations["exemptions"], "exemptions[0]: on call", "{settings}");
        // The attach request does not name a container, so an exemption for a container does not cover it.
        let is_admitted = settings["exemptions"][0]["containers"].is_null();
        assert_eq!(evaluate(&attach, &settings).accepted, is_admitted, "{settings}");
    }
}

#[test]
fn a_connect_request_with_invalid_options_is_denied() {
    for (options, reason) in [
        (json!({"command": "sh"}), "request.object.command: expected a list, got a string"),
        (json!({"command": ["sh", null]}), "request.object.command[1]: expected a string, got null"),
        (json!({"container": 1}), "request.object.container: expected a string, got a number"),
        (json!({"tty": "true"}), "request.object.tty: expected a boolean, got a string"),
        (json!(["sh"]), "request.object: expected an object, got a list"),
    ] {
        let response = evaluate(&connect("exec", options), &json!({}));
        assert_eq!(lines(&response), [format!("{reason} (denied because it cannot be evaluated)")]);
    }
}

#[test]
fn a_recorded_request_of_an_api_server_is_admitted() {
    let request = crate::cases::requests("tests/cases/requests/pod.json").remove(0);
    admits(&request);
}
