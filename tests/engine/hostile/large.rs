//! Large requests, which must finish within the timeout of the engine.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use super::{CUSTOM, GOOD, POD, admits, fixing, object, pod, request, response_to};
use crate::cases::good_pod;
use crate::module::lines;

/// Runs slow tests one after the other, because the timeout of the engine is wall-clock time.
fn exclusive() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_large_object_is_evaluated_like_a_small_object() {
    let mut request = good_pod();
    request["object"]["metadata"]["annotations"] = json!({"note": "\"\u{e9}\\ x".repeat(400_000)});
    let payload = |request: &Value| json!({"request": request, "settings": {}}).to_string();
    admits(payload(&request));
    request["object"]["spec"]["hostPID"] = true.into();
    assert_eq!(
        lines(&response_to(payload(&request).as_bytes())),
        ["spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]"]
    );
}

#[test]
fn large_nested_objects_finish_in_time() {
    let _exclusive = exclusive();
    let large = format!("\"{}\"", "x".repeat(2_000_000));
    let fleet =
        (0..30).fold(large, |inner, _| format!(r#"{{"containers": [{{"name": "a", "x": {inner}}}]}}"#));
    let response = response_to(object(CUSTOM, &fleet).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["readOnlyRootFilesystem"], "30");
}

#[test]
fn many_containers_finish_in_time() {
    let _exclusive = exclusive();
    let own = r#"{"securityContext": {"runAsUser": 0}},"#.repeat(1_000);
    let inherited = "{},".repeat(10_000);
    let spec = format!(r#"{{"securityContext": {{"runAsUser": 0}}, "containers": [{own}{inherited}{{}}]}}"#);
    let response = response_to(pod(&spec).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["runAsNonRoot"], "1001");
}

#[test]
fn many_mounts_finish_in_time() {
    let _exclusive = exclusive();
    let list = |item: &dyn Fn(usize) -> String| (0..10_000).map(item).collect::<Vec<_>>().join(",");
    let spec = |mounts: String, volumes: String| {
        let container = format!(r#""image": "web:1", "volumeMounts": [{mounts}]"#);
        pod(&GOOD.replace(r#""image": "web:1""#, &container).replacen(
            '{',
            &format!(r#"{{"volumes": [{volumes}], "#),
            1,
        ))
    };
    let mounts = list(&|index| format!(r#"{{"name": "v{index}", "mountPath": "/v/{index}"}}"#));
    admits(spec(mounts.clone(), list(&|index| format!(r#"{{"name": "v{index}", "emptyDir": {{}}}}"#))));
    // Without volumes, the mounts refer to volume claim templates.
    admits(spec(mounts.clone(), String::new()));
    let volumes = list(&|index| format!(r#"{{"name": "v{index}", "hostPath": {{"path": "/"}}}}"#));
    let response = response_to(spec(mounts, volumes).as_bytes());
    assert_eq!(response.audit_annotations["hostPathVolumes"], "10000");
    assert!(!response.audit_annotations.contains_key("writableMounts"));
}

#[test]
fn many_findings_about_many_containers_finish_in_time() {
    let _exclusive = exclusive();
    let (sysctls, containers) = (r#"{"name": "a"},"#.repeat(7_000), "{},".repeat(7_000));
    let spec = format!(
        r#"{{"securityContext": {{"sysctls": [{sysctls}{{"name": "a"}}]}}, "containers": [{containers}{{}}]}}"#
    );
    let response = response_to(pod(&spec).as_bytes());
    assert!(!response.accepted);
    assert_eq!(response.audit_annotations["sysctls"], "7001");
}

#[test]
fn updates_of_many_containers_finish_in_time() {
    let _exclusive = exclusive();
    let containers = |image: &str| {
        let containers: Vec<_> =
            (0..3_000).map(|index| format!(r#"{{"name": "c{index}", "image": "{image}"}}"#)).collect();
        format!(r#"{{"spec": {{"containers": [{}]}}}}"#, containers.join(","))
    };
    let (old, new) = (containers("a:1"), containers("a:2"));
    let update =
        |new: &str| request("UPDATE", &format!(r#""kind": {POD}, "object": {new}, "oldObject": {old}"#));
    admits(update(&old));
    let response = response_to(update(&new).as_bytes());
    assert_eq!(
        response.audit_annotations.into_iter().collect::<Vec<_>>(),
        [("imageChange".into(), "3000".into())]
    );
}

#[test]
fn updates_of_many_pods_finish_in_time() {
    let _exclusive = exclusive();
    let pods = |image: &str| {
        let pod = format!(r#"{{"containers": [{{"name": "a", "image": "{image}"}}]}}"#);
        format!(r#"{{"pods": [{}]}}"#, vec![pod; 5_000].join(","))
    };
    let (old, new) = (pods("a:1"), pods("a"));
    let update =
        |new: &str| request("UPDATE", &format!(r#""kind": {CUSTOM}, "object": {new}, "oldObject": {old}"#));
    admits(update(&old));
    let response = response_to(update(&new).as_bytes());
    assert_eq!(response.audit_annotations["imageReference"], "5000");
}

#[test]
fn many_exemptions_finish_in_time() {
    let _exclusive = exclusive();
    let mut request = good_pod();
    let container = json!({"name": "web", "image": "registry.example.com/mesh/web:1"});
    request["object"]["spec"]["containers"] = vec![container; 300].into();
    let exemption = |index: usize| json!({"reason": "mesh", "images": [format!("registry.example.com/mesh/*-{index}")], "namespaces": ["def*"]});
    let mut settings = json!({"exemptions": (0..1_000).map(exemption).collect::<Vec<_>>()});
    let payload = |settings: &Value| json!({"request": request, "settings": settings}).to_string();
    let response = response_to(payload(&settings).as_bytes());
    assert_eq!(response.audit_annotations["readOnlyRootFilesystem"], "300");
    assert_eq!(response.audit_annotations.get("exemptions"), None);
    settings["exemptions"][999]["images"] = json!(["registry.example.com/mesh/web"]);
    let response = response_to(payload(&settings).as_bytes());
    assert!(response.accepted);
    assert_eq!(response.audit_annotations["exemptions"], "exemptions[999]: mesh");
}

#[test]
fn fixes_of_many_containers_with_one_name_finish_in_time() {
    let _exclusive = exclusive();
    let taken = |index: usize| match index {
        0 => r#"{"name": "writable-web-run-bc7528a1"}"#.to_owned(),
        _ => format!(r#"{{"name": "writable-web-run-bc7528a1-{index}-1"}}"#),
    };
    let volumes: Vec<_> = (0..3_000).map(taken).collect();
    let containers = vec![r#"{"name": "web", "image": "web:1"}"#; 3_000];
    let spec = format!(r#"{{"volumes": [{}], "containers": [{}]}}"#, volumes.join(","), containers.join(","));
    let response = response_to(fixing(&pod(&spec)).as_bytes());
    let object = response.mutated_object.unwrap();
    let volumes = object["spec"]["volumes"].as_array().unwrap();
    let names: BTreeSet<_> = volumes.iter().filter_map(|volume| volume["name"].as_str()).collect();
    assert_eq!((volumes.len(), names.len()), (9_000, 9_000));
    assert!(names.iter().all(|name| name.len() <= 63));
}

#[test]
fn fixes_of_many_pods_finish_in_time() {
    let _exclusive = exclusive();
    let pods = vec![r#"{"containers": [{"name": "a", "image": "a:1"}], "volumes": []}"#; 3_000].join(",");
    let response = response_to(fixing(&object(CUSTOM, &format!(r#"{{"pods": [{pods}]}}"#))).as_bytes());
    assert_eq!(
        response.audit_annotations["fixes"],
        "readOnlyRootFilesystem: 3000; allowPrivilegeEscalation: 3000; runAsNonRoot: 3000; capabilities: 3000"
    );
}

#[test]
fn fixes_of_nested_pods_finish_in_time() {
    let _exclusive = exclusive();
    let large = format!("\"{}\"", "x".repeat(2_000_000));
    let fleet = (0..30).fold(large, |inner, _| {
        format!(r#"{{"volumes": [], "containers": [{{"name": "a", "image": "a:1", "x": {inner}}}]}}"#)
    });
    let response = response_to(fixing(&object(CUSTOM, &fleet)).as_bytes());
    assert_eq!(
        response.audit_annotations["fixes"],
        "readOnlyRootFilesystem: 30; allowPrivilegeEscalation: 30; runAsNonRoot: 30; capabilities: 30"
    );
}
