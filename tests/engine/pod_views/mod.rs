//! Compares the policy's views of pods with types that are generated from the Kubernetes API definitions: the policy must
//! parse the same values as an API server.
//!
//! These tests call the library directly, without the engine.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on a manifest that does not parse")]

mod fields;

use std::collections::{BTreeMap, BTreeSet};

use immutable_pods_policy::admission::payload::Payload;
use immutable_pods_policy::kubernetes::operation::Operation;
use immutable_pods_policy::kubernetes::pod;
use immutable_pods_policy::kubernetes::workload::{self, WORKLOADS, Workload};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use fields::{typed, viewed};

use crate::cases::{CASES, manifests, requests};

/// Returns the pod spec of an object, parsed into the type of its kind.
#[track_caller]
fn typed_spec(kind: &str, object: &Value) -> Option<core::PodSpec> {
    #[track_caller]
    fn read<T: DeserializeOwned>(object: &Value) -> T {
        serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error}: {object}"))
    }
    let template = match kind {
        "Pod" => return read::<core::Pod>(object).spec,
        "PodTemplate" => read::<core::PodTemplate>(object).template,
        "ReplicationController" => read::<core::ReplicationController>(object).spec?.template,
        "Deployment" => Some(read::<Deployment>(object).spec.template),
        "ReplicaSet" => read::<ReplicaSet>(object).spec.template,
        "StatefulSet" => Some(read::<StatefulSet>(object).spec.template),
        "DaemonSet" => Some(read::<DaemonSet>(object).spec.template),
        "Job" => Some(read::<Job>(object).spec?.template),
        "CronJob" => Some(read::<CronJob>(object).spec.job_template.spec?.template),
        _ => panic!("{kind}: unknown kind"),
    };
    template?.spec
}

/// Compares both parsers on each new and old object of a built-in kind, and returns the number of objects by kind.
#[track_caller]
fn compare(requests: Vec<Value>) -> BTreeMap<String, usize> {
    let mut compared = BTreeMap::new();
    for mut request in requests {
        let Some(workload) = workload_of(&request) else { continue };
        let kind = workload.kind;
        for field in ["oldObject", "object"] {
            remove_unknown_volume_types(&mut request[field], workload);
        }
        for (field, viewed) in viewed_pods(&request) {
            let object = &request[field];
            let typed = typed_spec(kind, object).unwrap_or_else(|| panic!("missing pod spec: {object}"));
            assert_eq!(viewed, [(workload.pod_spec.to_owned(), typed::pod(&typed))], "{object}");
            *compared.entry(kind.to_owned()).or_default() += 1;
        }
    }
    compared
}

fn workload_of(request: &Value) -> Option<&'static Workload> {
    let kind = request["kind"]["kind"].as_str().unwrap_or_default();
    let group = request["kind"]["group"].as_str().unwrap_or_default();
    workload::find(group, kind)
}

/// Removes volume types that the generated types do not know. The policy parses all volume types.
fn remove_unknown_volume_types(object: &mut Value, workload: &Workload) {
    let pointer = format!("/{}/volumes", workload.pod_spec.replace('.', "/"));
    let volumes = object.pointer_mut(&pointer).and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        if let Ok(known) = serde_json::from_value::<core::Volume>(volume.clone()) {
            *volume = common_fields(volume, &json!(known));
        }
    }
}

/// Returns the fields of an object that another object has too.
fn common_fields(object: &Value, other: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| other.get(key).is_some())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Returns the views of the pod specs in each object of a request, with their paths.
#[track_caller]
fn viewed_pods(request: &Value) -> Vec<(&'static str, Vec<(String, Value)>)> {
    let payload = json!({"request": request}).to_string();
    let payload = Payload::read(payload.as_bytes()).unwrap_or_else(|error| panic!("{error}: {request}"));
    let viewed = |pods: &[pod::Pod<'_>]| -> Vec<_> {
        pods.iter().map(|pod| (pod.path.to_string(), viewed::pod(&pod.spec))).collect()
    };
    match &payload.request.operation {
        Operation::Nothing | Operation::Connect(_) => Vec::new(),
        Operation::Create(pods) => vec![("object", viewed(pods))],
        Operation::Update { old, new } => vec![("oldObject", viewed(old)), ("object", viewed(new))],
    }
}

#[test]
fn views_agree_with_types_on_every_case() {
    let compared = compare(manifests());
    for workload in &WORKLOADS {
        assert!(compared.contains_key(workload.kind), "{}: missing case", workload.kind);
    }
}

#[test]
fn views_agree_with_types_on_a_recorded_request() {
    let recorded = requests(&format!("{CASES}/requests/pod.json"));
    assert_eq!(compare(recorded), BTreeMap::from([("Pod".to_owned(), 1)]));
}

#[test]
fn views_agree_with_types_on_every_example() {
    assert_eq!(
        compare(requests("examples")),
        BTreeMap::from([("Deployment".to_owned(), 1), ("Pod".to_owned(), 17)])
    );
}

#[test]
fn every_field_of_the_views_is_covered() {
    let (mut all, mut set) = (BTreeSet::new(), BTreeSet::new());
    for request in manifests() {
        for (_, pods) in viewed_pods(&request) {
            for (_, pod) in pods {
                collect_fields("spec", &pod, &mut all, &mut set);
            }
        }
    }
    // The comparison is only meaningful for fields that are set.
    let unset: Vec<_> = all.difference(&set).collect();
    assert!(unset.is_empty(), "no case sets {unset:?}");
}

/// Adds the path of every field in a value to `all`, and the paths of fields with other values than the default to `set`.
fn collect_fields(path: &str, value: &Value, all: &mut BTreeSet<String>, set: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_fields(&format!("{path}.{}", view_of(path, name)), field, all, set);
            }
        }
        Value::Array(items) => {
            // An empty list counts as unset.
            all.insert(path.to_owned());
            if !items.is_empty() {
                set.insert(path.to_owned());
            }
            for item in items {
                collect_fields(path, item, all, set);
            }
        }
        _ => {
            all.insert(path.to_owned());
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                set.insert(path.to_owned());
            }
        }
    }
}

/// Returns the name of a field in paths. All lists of containers share a view, and all volume types share a view.
fn view_of<'n>(path: &str, name: &'n str) -> &'n str {
    match name {
        "initContainers" | "ephemeralContainers" => "containers",
        _ if path.ends_with(".sources") => "*",
        _ => name,
    }
}
