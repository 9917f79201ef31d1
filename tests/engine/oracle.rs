//! The views against the types that Kubernetes' own API definitions were turned into: what the policy reads of a pod
//! is what an API server would read.
//!
//! This runs natively, without the engine.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a manifest that cannot be read ends its test")]

use std::collections::{BTreeMap, BTreeSet};

use immutable_pods_policy::pod;
use immutable_pods_policy::request::Payload;
use immutable_pods_policy::workload::{self, WORKLOADS};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fixture::{FIXTURES, requests};

/// The pod spec of an object, as the type of its kind has it.
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
        "Deployment" => Some(read::<Deployment>(object).spec?.template),
        "ReplicaSet" => read::<ReplicaSet>(object).spec?.template,
        "StatefulSet" => Some(read::<StatefulSet>(object).spec?.template),
        "DaemonSet" => Some(read::<DaemonSet>(object).spec?.template),
        "Job" => Some(read::<Job>(object).spec?.template),
        "CronJob" => Some(read::<CronJob>(object).spec.job_template.spec?.template),
        _ => panic!("{kind}: there is no type for it here"),
    };
    template?.spec
}

/// What the policy reads of a pod, in one form for both readers. Of a field that is unset, the views tell nothing but
/// its default where no rule needs more.
mod typed {
    use super::{Value, core, json};

    pub(super) fn pod(spec: &core::PodSpec) -> Value {
        let context = spec.security_context.clone().unwrap_or_default();
        json!({
            "containers": spec.containers.iter().map(container).collect::<Vec<_>>(),
            "initContainers": spec.init_containers.iter().flatten().map(container).collect::<Vec<_>>(),
            "ephemeralContainers":
                spec.ephemeral_containers.iter().flatten().map(ephemeral_container).collect::<Vec<_>>(),
            "hostIPC": spec.host_ipc.unwrap_or_default(),
            "hostNetwork": spec.host_network.unwrap_or_default(),
            "hostPID": spec.host_pid.unwrap_or_default(),
            "os": spec.os.as_ref().map_or("", |os| &os.name),
            "runAsNonRoot": context.run_as_non_root,
            "runAsUser": context.run_as_user,
            "windowsOptions": windows_options(context.windows_options),
            "volumes": spec.volumes.iter().flatten().map(volume).collect::<Vec<_>>(),
        })
    }

    fn container(container: &core::Container) -> Value {
        json!({
            "name": container.name,
            "image": container.image.as_deref().unwrap_or_default(),
            "restartPolicy": container.restart_policy.as_deref().unwrap_or_default(),
            "securityContext": security_context(container.security_context.clone()),
        })
    }

    fn ephemeral_container(container: &core::EphemeralContainer) -> Value {
        json!({
            "name": container.name,
            "image": container.image.as_deref().unwrap_or_default(),
            "restartPolicy": container.restart_policy.as_deref().unwrap_or_default(),
            "securityContext": security_context(container.security_context.clone()),
        })
    }

    fn security_context(context: Option<core::SecurityContext>) -> Value {
        let context = context.unwrap_or_default();
        json!({
            "allowPrivilegeEscalation": context.allow_privilege_escalation,
            "privileged": context.privileged.unwrap_or_default(),
            "readOnlyRootFilesystem": context.read_only_root_filesystem,
            "runAsNonRoot": context.run_as_non_root,
            "runAsUser": context.run_as_user,
            "windowsOptions": windows_options(context.windows_options),
        })
    }

    fn windows_options(options: Option<core::WindowsSecurityContextOptions>) -> Value {
        let options = options.unwrap_or_default();
        json!({
            "hostProcess": options.host_process.unwrap_or_default(),
            "runAsUserName": options.run_as_user_name.unwrap_or_default(),
        })
    }

    fn volume(volume: &core::Volume) -> Value {
        let reference = volume.image.as_ref().map(|image| image.reference.as_deref().unwrap_or_default());
        json!({"name": volume.name, "image": reference})
    }
}

/// The same of the views. No field of a view is left out by `..`, so one that is added must be compared too.
mod viewed {
    use super::{Value, json, pod};

    pub(super) fn pod(spec: &pod::PodSpec<'_>) -> Value {
        let pod::PodSpec {
            containers,
            ephemeral_containers,
            host_ipc,
            host_network,
            host_pid,
            init_containers,
            os: pod::PodOs { name: os },
            security_context:
                pod::PodSecurityContext { run_as_non_root, run_as_user, windows_options: windows },
            volumes,
        } = spec;
        json!({
            "containers": containers.iter().map(container).collect::<Vec<_>>(),
            "initContainers": init_containers.iter().map(container).collect::<Vec<_>>(),
            "ephemeralContainers": ephemeral_containers.iter().map(container).collect::<Vec<_>>(),
            "hostIPC": host_ipc,
            "hostNetwork": host_network,
            "hostPID": host_pid,
            "os": **os,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "windowsOptions": windows_options(windows),
            "volumes": volumes.iter().map(volume).collect::<Vec<_>>(),
        })
    }

    fn container(container: &pod::Container<'_>) -> Value {
        let pod::Container { image, name, restart_policy, security_context: context } = container;
        json!({
            "name": **name,
            "image": **image,
            "restartPolicy": **restart_policy,
            "securityContext": security_context(context),
        })
    }

    fn security_context(context: &pod::SecurityContext<'_>) -> Value {
        let pod::SecurityContext {
            allow_privilege_escalation,
            privileged,
            read_only_root_filesystem,
            run_as_non_root,
            run_as_user,
            windows_options: windows,
        } = context;
        json!({
            "allowPrivilegeEscalation": allow_privilege_escalation,
            "privileged": privileged,
            "readOnlyRootFilesystem": read_only_root_filesystem,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "windowsOptions": windows_options(windows),
        })
    }

    fn windows_options(options: &pod::WindowsOptions<'_>) -> Value {
        let pod::WindowsOptions { host_process, run_as_user_name } = options;
        json!({"hostProcess": host_process, "runAsUserName": **run_as_user_name})
    }

    fn volume(volume: &pod::Volume<'_>) -> Value {
        let pod::Volume { image, name } = volume;
        let reference = image.as_ref().map(|pod::ImageVolumeSource { reference }| &**reference);
        json!({"name": **name, "image": reference})
    }
}

/// Compares what both readers make of each object of a built-in kind, and counts them by kind.
#[track_caller]
fn compare(path: &str) -> BTreeMap<String, usize> {
    let mut compared = BTreeMap::new();
    for request in requests(path) {
        let kind = request["kind"]["kind"].as_str().unwrap_or_default();
        let group = request["kind"]["group"].as_str().unwrap_or_default();
        let Some(workload) = workload::find(group, kind) else { continue };
        let object = &request["object"];
        let payload = json!({"request": request}).to_string();
        let read = Payload::read(payload.as_bytes()).unwrap_or_else(|error| panic!("{error}: {object}"));
        let viewed: Vec<_> = read.pods.iter().map(|pod| (&*pod.path, viewed::pod(&pod.spec))).collect();
        let typed = typed_spec(kind, object).unwrap_or_else(|| panic!("there is no pod spec: {object}"));
        assert_eq!(viewed, [(workload.pod_spec, typed::pod(&typed))], "{object}");
        *compared.entry(kind.to_owned()).or_default() += 1;
    }
    compared
}

#[test]
fn the_views_agree_with_the_types_on_every_fixture() {
    let compared = compare(FIXTURES);
    for workload in &WORKLOADS {
        assert!(compared.contains_key(workload.kind), "{}: there is no fixture of it", workload.kind);
    }
}

#[test]
fn the_views_agree_with_the_types_on_a_whole_request() {
    assert_eq!(compare("tests/fixtures/requests/pod.json"), BTreeMap::from([("Pod".to_owned(), 1)]));
}

#[test]
fn the_views_agree_with_the_types_on_every_example() {
    assert_eq!(compare("examples"), BTreeMap::from([("Deployment".to_owned(), 1), ("Pod".to_owned(), 12)]));
}

#[test]
fn every_field_of_the_views_is_set_in_some_fixture() {
    let (mut all, mut set) = (BTreeSet::new(), BTreeSet::new());
    for request in requests(FIXTURES) {
        let payload = json!({"request": request}).to_string();
        for pod in Payload::read(payload.as_bytes()).unwrap().pods {
            collect_fields("spec", &viewed::pod(&pod.spec), &mut all, &mut set);
        }
    }
    // Where nothing is set, both readers agree on anything.
    assert_eq!(set, all);
}

/// Adds the path of every field in a value, and of those that are not at their default.
fn collect_fields(path: &str, value: &Value, all: &mut BTreeSet<String>, set: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                // One view serves all lists of containers.
                let is_list = matches!(&**name, "initContainers" | "ephemeralContainers");
                let name = if is_list { "containers" } else { name };
                collect_fields(&format!("{path}.{name}"), field, all, set);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_fields(path, item, all, set)),
        _ => {
            all.insert(path.to_owned());
            if !matches!(value, Value::Null | Value::Bool(false)) && value != "" {
                set.insert(path.to_owned());
            }
        }
    }
}
