//! `request`: a line of JSON for each object.

use std::fs;

use serde_json::{Value, json};

use crate::{Folder, Outcome, pod};

/// What is printed, which must be all.
#[track_caller]
fn requests(outcome: &Outcome) -> Vec<Value> {
    assert_eq!((outcome.code, &*outcome.stderr), (Some(0), ""));
    outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[track_caller]
fn request(folder: &Folder, arguments: &[&str]) -> Outcome {
    Outcome::of(&folder.command(&[&["request"], arguments].concat()).output().unwrap())
}

#[test]
fn each_object_becomes_the_request_to_create_it() {
    let folder =
        Folder::with(&[("all/1.yaml", &(pod("web") + "---\n" + &pod("shop"))), ("2.yaml", &pod("db"))]);
    let requests = requests(&request(&folder, &["all", "2.yaml"]));
    let operations: Vec<_> =
        requests.iter().map(|request| (&request["operation"], &request["name"])).collect();
    let create = &json!("CREATE");
    assert_eq!(operations, [(create, &json!("web")), (create, &json!("shop")), (create, &json!("db"))]);
    let object =
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}});
    assert_eq!(requests[0]["object"], object);
}

#[test]
fn a_request_is_printed_as_it_is_written() {
    let written = json!({"uid": "8f2b", "kind": {"kind": "Pod"}, "operation": "DELETE", "more": [1]});
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": written});
    let folder = Folder::with(&[("1.json", &written.to_string()), ("2.json", &review.to_string())]);
    assert_eq!(requests(&request(&folder, &["1.json", "2.json"])), [written.clone(), written]);
}

#[test]
fn stdin_is_read_for_a_dash() {
    let requests = requests(&Folder::with(&[]).given(&["request", "-"], &pod("web")));
    assert_eq!((requests.len(), &requests[0]["name"]), (1, &json!("web")));
}

#[test]
fn an_input_that_cannot_be_read_is_exit_code_1_and_the_others_are_printed() {
    let folder = Folder::with(&[("values.yaml", "replicas: 2\n"), ("web.yaml", &pod("web"))]);
    let outcome = request(&folder, &["values.yaml", "web.yaml"]);
    assert_eq!(outcome.stdout.lines().count(), 1);
    assert_eq!(
        (outcome.code, &*outcome.stderr),
        (Some(1), "error: values.yaml: not a Kubernetes object: missing `kind`\n")
    );
}

#[test]
fn a_full_disk_is_exit_code_1() {
    let folder = Folder::with(&[("web.yaml", &pod("web"))]);
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = folder.command(&["request", "web.yaml"]).stdout(full).output().unwrap();
    assert_eq!(
        Outcome::of(&output),
        Outcome::new(1, "", "error: stdout: No space left on device (os error 28)\n")
    );
}

#[test]
fn wrong_usage_is_exit_code_2() {
    assert_eq!(request(&Folder::with(&[]), &[]).code, Some(2));
}
