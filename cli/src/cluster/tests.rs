use std::fs;

use serde_json::{Map, Value, json};

use super::fake_server::{FakeServer, ServedVersion};
use super::*;
use crate::Policy;
use crate::evaluation::{PolicyOutcome, Verdict};
use crate::manifest::Content;
use crate::policies::load::{self, Loaded};
use crate::policies::registration::Cluster;

const WORKLOADS: &[ServedVersion] = &[
    (
        "v1",
        &[
            ("namespaces", "Namespace", false),
            ("pods", "Pod", true),
            ("pods/exec", "PodExecOptions", true),
            ("secrets", "Secret", true),
        ],
    ),
    ("batch/v1", &[("jobs", "Job", true)]),
    ("apps/v1", &[("deployments", "Deployment", true)]),
    ("apps/v1beta1", &[("deployments", "Deployment", true)]),
];

fn bare() -> Evaluator {
    evaluator(Loaded::settings(Map::new()))
}

fn evaluator(loaded: Loaded) -> Evaluator {
    Evaluator::new(Policy::linked(), loaded, Cluster::default()).unwrap()
}

/// Returns an evaluator with a policy for the whole cluster.
fn with_policy(spec: &Value) -> Evaluator {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    let policy = json!({"apiVersion": "policies.kubewarden.io/v1", "kind": "ClusterAdmissionPolicy",
        "metadata": {"name": "p"}, "spec": spec});
    fs::write(&file, policy.to_string()).unwrap();
    evaluator(load::load(&[&file]).unwrap())
}

fn all_pods() -> Value {
    json!({"mutating": false, "rules": [
        {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]})
}

fn list(names: &[&str], token: &str) -> Value {
    let item = |name: &&str| json!({"metadata": {"name": name, "namespace": "shop"}});
    json!({"kind": "List", "metadata": {"continue": token}, "items": names.iter().map(item).collect::<Vec<_>>()})
}

fn status(code: u16, message: &str, token: &str) -> Value {
    json!({"kind": "Status", "code": code, "message": message, "metadata": {"continue": token}})
}

/// Returns the objects as `apiVersion Kind name`, and the errors as sentences.
fn read_all(server: &FakeServer, namespace: Option<&str>, evaluator: &mut Evaluator) -> Vec<String> {
    let line = |result: Result<Manifest, InputError>| match result {
        Ok(manifest) => {
            assert_eq!(manifest.source, crate::input::Source::cluster("test"));
            let Content::Object(object) = &manifest.content else { panic!("a request") };
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let name = &object["metadata"]["name"];
            format!("{} {} {}", text(&object["apiVersion"]), text(&object["kind"]), text(name))
        }
        Err(error) => error.to_string(),
    };
    read_from(&server.connect(), namespace, evaluator).unwrap().map(line).collect()
}

#[track_caller]
fn fails(server: &FakeServer, namespace: Option<&str>, sentence: &str) {
    let error = read_from(&server.connect(), namespace, &mut bare()).err().unwrap();
    assert_eq!(error.to_string(), sentence);
}

#[test]
fn resources_are_listed_in_order() {
    let server = FakeServer::start()
        .serving(WORKLOADS)
        .respond("/api/v1/pods?&limit=500", 200, list(&["b", "a"], ""))
        .respond("/apis/apps/v1/deployments?&limit=500", 200, list(&["web"], ""))
        .respond("/apis/batch/v1/jobs?&limit=500", 200, json!({"metadata": {}, "items": null}));
    assert_eq!(read_all(&server, None, &mut bare()), ["v1 Pod b", "v1 Pod a", "apps/v1 Deployment web"]);
    assert_eq!(
        server.requests(),
        [
            "GET /api",
            "GET /apis",
            "GET /api/v1",
            "GET /apis/batch/v1",
            "GET /apis/apps/v1",
            "GET /api/v1/pods?&limit=500",
            "GET /apis/apps/v1/deployments?&limit=500",
            "GET /apis/batch/v1/jobs?&limit=500",
        ]
    );
}

#[test]
fn a_list_has_several_pages() {
    let server = FakeServer::start()
        .serving(&[("v1", &[("pods", "Pod", true)])])
        .respond("/api/v1/pods?&limit=500", 200, list(&["a", "b"], "one"))
        .respond("/api/v1/pods?&limit=500&continue=one", 200, list(&[], "two"))
        .respond("/api/v1/pods?&limit=500&continue=two", 200, list(&["c"], ""));
    let mut evaluator = bare();
    let mut objects = read_from(&server.connect(), None, &mut evaluator).unwrap();
    objects.next();
    objects.next();
    assert_eq!(server.requests().last().unwrap(), "GET /api/v1/pods?&limit=500", "pages are not read ahead");
    assert_eq!(objects.count(), 1);
}

#[test]
fn the_token_of_an_error_continues_an_expired_list() {
    let server = FakeServer::start()
        .serving(&[("v1", &[("pods", "Pod", true)])])
        .respond("/api/v1/pods?&limit=500", 200, list(&["a"], "one"))
        .respond("/api/v1/pods?&limit=500&continue=one", 410, status(410, "too old", "two"))
        .respond("/api/v1/pods?&limit=500&continue=two", 200, list(&["b"], "three"))
        .respond("/api/v1/pods?&limit=500&continue=three", 410, status(410, "too old", ""));
    assert_eq!(
        read_all(&server, None, &mut bare()),
        ["v1 Pod a", "v1 Pod b", "test: cannot list the rest of pods: too old"]
    );
}

#[test]
fn a_list_that_expires_again_is_an_error() {
    let server = FakeServer::start()
        .serving(&[("v1", &[("pods", "Pod", true)])])
        .respond("/api/v1/pods?&limit=500", 410, status(410, "too old", "one"))
        .respond("/api/v1/pods?&limit=500&continue=one", 410, status(410, "too old", "one"));
    assert_eq!(read_all(&server, None, &mut bare()), ["test: cannot list the rest of pods: too old"]);
}

#[test]
fn a_resource_that_cannot_be_listed_does_not_hide_the_others() {
    let forbidden = "deployments.apps is forbidden: User \"web\" cannot list resource";
    let server = FakeServer::start()
        .serving(WORKLOADS)
        .respond("/apis/apps/v1/deployments?&limit=500", 403, status(403, forbidden, ""))
        .respond("/api/v1/pods?&limit=500", 500, status(500, "etcd is away", ""))
        .respond("/apis/batch/v1/jobs?&limit=500", 200, list(&["a"], ""));
    assert_eq!(
        read_all(&server, None, &mut bare()),
        [
            "test: cannot list pods: etcd is away",
            "test: cannot list deployments.apps: forbidden: User \"web\" cannot list resource",
            "batch/v1 Job a",
        ]
    );
}

#[test]
fn a_group_that_cannot_be_discovered_does_not_hide_the_others() {
    let server = FakeServer::start()
        .respond("/apis/batch/v1", 500, status(500, "no endpoint", ""))
        .serving(WORKLOADS)
        .respond("/api/v1/pods?&limit=500", 200, list(&["a"], ""))
        .respond("/apis/apps/v1/deployments?&limit=500", 200, list(&[], ""));
    assert_eq!(
        read_all(&server, None, &mut bare()),
        ["test: cannot read the resources of batch/v1: no endpoint", "v1 Pod a"]
    );
}

#[test]
fn one_namespace_is_listed_alone() {
    let server = FakeServer::start()
        .serving(WORKLOADS)
        .respond("/api/v1/namespaces/shop", 200, namespace("shop", &json!({})))
        .respond("/api/v1/namespaces/shop/pods?&limit=500", 200, list(&["a"], ""))
        .respond("/apis/apps/v1/namespaces/shop/deployments?&limit=500", 200, list(&[], ""))
        .respond("/apis/batch/v1/namespaces/shop/jobs?&limit=500", 200, list(&[], ""));
    assert_eq!(read_all(&server, Some("shop"), &mut bare()), ["v1 Pod a"]);
    fails(&server, Some("shpo"), "test: namespace shpo does not exist");
}

#[test]
fn a_cluster_that_does_not_respond_is_an_error() {
    let server = FakeServer::start().respond("/api", 401, status(401, "Unauthorized", ""));
    fails(&server, None, "test: cannot read the API groups of the cluster: Unauthorized");
}

fn namespace(name: &str, labels: &Value) -> Value {
    json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name, "labels": labels}})
}

/// Returns the verdicts of a policy on a bad pod in namespace `shop`, whose label `team` is `web`.
fn evaluate(spec: &Value) -> Vec<(Verdict, PolicyOutcome)> {
    let pod = json!({"metadata": {"name": "a", "namespace": "shop"},
        "spec": {"containers": [{"name": "a", "image": "a", "securityContext": {"privileged": true}}]}});
    let mut shop = namespace("shop", &json!({"team": "web"}));
    // Lists omit both.
    shop.as_object_mut().unwrap().retain(|field, _| field == "metadata");
    let server = FakeServer::start()
        .serving(&WORKLOADS[..1])
        .respond("/api/v1/namespaces?&limit=500", 200, json!({"items": [shop]}))
        .respond("/api/v1/pods?&limit=500", 200, json!({"items": [pod]}));
    let mut evaluator = with_policy(spec);
    let manifests = read_from(&server.connect(), None, &mut evaluator).unwrap();
    let evaluations = manifests.map(|manifest| evaluator.evaluate(manifest.unwrap()).unwrap());
    evaluations.map(|evaluation| (evaluation.verdict, evaluation.policies[0].outcome.clone())).collect()
}

#[test]
fn a_namespace_selector_knows_the_labels() {
    let mut spec = all_pods();
    spec["namespaceSelector"] =
        json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["web"]}]});
    assert_eq!(evaluate(&spec), [(Verdict::Denied, PolicyOutcome::Fail)]);
    spec["namespaceSelector"]["matchExpressions"][0]["operator"] = "NotIn".into();
    let reason = "its namespaceSelector does not select shop".to_owned();
    assert!(evaluate(&spec).iter().all(|(_, outcome)| *outcome == PolicyOutcome::Skipped(reason.clone())));
}

#[test]
fn a_policy_without_background_audit_reads_nothing() {
    let mut spec = all_pods();
    spec["backgroundAudit"] = false.into();
    assert!(evaluate(&spec).is_empty());
}

#[test]
fn a_custom_kind_is_not_guessed() {
    let server = FakeServer::start()
        .serving(&[("example.com/v1", &[("gateways", "Gateway", false)])])
        .respond("/api/v1", 200, json!({"groupVersion": "v1", "resources": []}))
        .respond("/api/v1/namespaces?&limit=500", 200, list(&[], ""))
        .respond("/apis/example.com/v1/gateways?&limit=500", 200, list(&["a"], ""));
    let mut evaluator = with_policy(&all_pods());
    assert_eq!(read_all(&server, None, &mut evaluator), ["example.com/v1 Gateway a"]);
    let gateway = evaluator.cluster_mut().resources.of("example.com", "Gateway");
    assert_eq!((&*gateway.plural, gateway.is_namespaced, gateway.is_guessed), ("gateways", false, false));
}
