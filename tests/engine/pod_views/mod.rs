//! The views against the types that Kubernetes' own API definitions were turned into: what the policy reads of a pod
//! is what an API server would read.
//!
//! This runs natively, without the engine.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a manifest that cannot be read ends its test")]

use std::collections::{BTreeMap, BTreeSet};

use immutable_pods_policy::admission::payload::Payload;
use immutable_pods_policy::kubernetes::operation::Operation;
use immutable_pods_policy::kubernetes::workload::{self, WORKLOADS, Workload};
use immutable_pods_policy::kubernetes::{container, pod};
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1 as core;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::cases::{CASES, manifests, requests};

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
    use super::{Map, Value, core, json};

    pub(super) fn pod(spec: &core::PodSpec) -> Value {
        json!({
            "containers": spec.containers.iter().map(container).collect::<Vec<_>>(),
            "initContainers": spec.init_containers.iter().flatten().map(container).collect::<Vec<_>>(),
            "ephemeralContainers":
                spec.ephemeral_containers.iter().flatten().map(ephemeral_container).collect::<Vec<_>>(),
            "hostIPC": spec.host_ipc.unwrap_or_default(),
            "hostNetwork": spec.host_network.unwrap_or_default(),
            "hostPID": spec.host_pid.unwrap_or_default(),
            "hostUsers": spec.host_users,
            "os": spec.os.as_ref().map_or("", |os| &os.name),
            "securityContext": pod_security_context(spec.security_context.clone()),
            "shareProcessNamespace": spec.share_process_namespace.unwrap_or_default(),
            "volumes": spec.volumes.iter().flatten().map(volume).collect::<Vec<_>>(),
        })
    }

    fn pod_security_context(context: Option<core::PodSecurityContext>) -> Value {
        let context = context.unwrap_or_default();
        json!({
            "fsGroup": context.fs_group,
            "runAsGroup": context.run_as_group,
            "runAsNonRoot": context.run_as_non_root,
            "runAsUser": context.run_as_user,
            "supplementalGroups": context.supplemental_groups.unwrap_or_default(),
            "sysctls": context.sysctls.iter().flatten().map(|sysctl| &sysctl.name).collect::<Vec<_>>(),
            "windowsOptions": windows_options(context.windows_options),
        })
    }

    fn container(container: &core::Container) -> Value {
        json!({
            "image": container.image.as_deref().unwrap_or_default(),
            "name": container.name,
            "restartPolicy": container.restart_policy.as_deref().unwrap_or_default(),
            "securityContext": security_context(container.security_context.clone()),
            "startupCommand": startup_command(container.startup_probe.clone()),
            "volumeDevices": container.volume_devices.iter().flatten().map(device).collect::<Vec<_>>(),
            "volumeMounts": container.volume_mounts.iter().flatten().map(mount).collect::<Vec<_>>(),
        })
    }

    /// But for its target, it has no field that a container lacks.
    #[track_caller]
    fn ephemeral_container(ephemeral: &core::EphemeralContainer) -> Value {
        let as_container: core::Container =
            serde_json::from_value(json!(ephemeral)).unwrap_or_else(|error| panic!("{error}: {ephemeral:?}"));
        container(&as_container)
    }

    fn startup_command(probe: Option<core::Probe>) -> Vec<String> {
        let command = probe.and_then(|probe| probe.exec?.command);
        command.unwrap_or_default()
    }

    fn device(device: &core::VolumeDevice) -> Value {
        json!({"devicePath": device.device_path, "name": device.name})
    }

    fn mount(mount: &core::VolumeMount) -> Value {
        json!({
            "mountPath": mount.mount_path,
            "name": mount.name,
            "readOnly": mount.read_only.unwrap_or_default(),
        })
    }

    fn security_context(context: Option<core::SecurityContext>) -> Value {
        let context = context.unwrap_or_default();
        let capabilities = context.capabilities.unwrap_or_default();
        json!({
            "allowPrivilegeEscalation": context.allow_privilege_escalation,
            "capabilities": {
                "add": capabilities.add.unwrap_or_default(),
                "drop": capabilities.drop.unwrap_or_default(),
            },
            "privileged": context.privileged.unwrap_or_default(),
            "procMount": context.proc_mount.unwrap_or_default(),
            "readOnlyRootFilesystem": context.read_only_root_filesystem,
            "runAsGroup": context.run_as_group,
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

    /// Every field of the type but its name is a source, so the policy knows all of them that the type knows.
    fn volume(volume: &core::Volume) -> Value {
        let fields = json!(volume);
        let sources = fields.as_object().into_iter().flatten().filter(|(kind, _)| *kind != "name");
        json!({
            "name": volume.name,
            "sources": sources.map(|(kind, source)| (kind.clone(), details(source))).collect::<Map<_, _>>(),
        })
    }

    fn details(source: &Value) -> Value {
        let text = |field: &str| source.get(field).and_then(Value::as_str).unwrap_or_default();
        json!({
            "path": text("path"),
            "readOnly": source.get("readOnly").and_then(Value::as_bool).unwrap_or_default(),
            "reference": text("reference"),
        })
    }
}

/// The same of the views. No field of a view is left out by `..`, so one that is added must be compared too.
mod viewed {
    use immutable_pods_policy::kubernetes::volume::{Details, Volume, VolumeSource};
    use json_view::Text;

    use super::{Map, Value, container, json, pod};

    pub(super) fn pod(spec: &pod::PodSpec<'_>) -> Value {
        let pod::PodSpec {
            containers,
            ephemeral_containers,
            host_ipc,
            host_network,
            host_pid,
            host_users,
            init_containers,
            os: pod::PodOs { name: os },
            security_context,
            share_process_namespace,
            volumes,
        } = spec;
        json!({
            "containers": containers.iter().map(container).collect::<Vec<_>>(),
            "initContainers": init_containers.iter().map(container).collect::<Vec<_>>(),
            "ephemeralContainers": ephemeral_containers.iter().map(container).collect::<Vec<_>>(),
            "hostIPC": host_ipc,
            "hostNetwork": host_network,
            "hostPID": host_pid,
            "hostUsers": host_users,
            "os": **os,
            "securityContext": pod_security_context(security_context),
            "shareProcessNamespace": share_process_namespace,
            "volumes": volumes.iter().map(volume).collect::<Vec<_>>(),
        })
    }

    fn pod_security_context(context: &pod::PodSecurityContext<'_>) -> Value {
        let pod::PodSecurityContext {
            fs_group,
            run_as_group,
            run_as_non_root,
            run_as_user,
            supplemental_groups,
            sysctls,
            windows_options: windows,
        } = context;
        json!({
            "fsGroup": fs_group,
            "runAsGroup": run_as_group,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "supplementalGroups": supplemental_groups,
            "sysctls": sysctls.iter().map(|pod::Sysctl { name }| &**name).collect::<Vec<_>>(),
            "windowsOptions": windows_options(windows),
        })
    }

    fn container(container: &container::Container<'_>) -> Value {
        let container::Container {
            image,
            name,
            restart_policy,
            security_context: context,
            startup_probe: container::Probe { exec: container::ExecAction { command } },
            volume_devices,
            volume_mounts,
        } = container;
        json!({
            "image": **image,
            "name": **name,
            "restartPolicy": **restart_policy,
            "securityContext": security_context(context),
            "startupCommand": texts(command),
            "volumeDevices": volume_devices.iter().map(device).collect::<Vec<_>>(),
            "volumeMounts": volume_mounts.iter().map(mount).collect::<Vec<_>>(),
        })
    }

    fn device(device: &container::VolumeDevice<'_>) -> Value {
        let container::VolumeDevice { device_path, name } = device;
        json!({"devicePath": **device_path, "name": **name})
    }

    fn mount(mount: &container::VolumeMount<'_>) -> Value {
        let container::VolumeMount { mount_path, name, read_only } = mount;
        json!({"mountPath": **mount_path, "name": **name, "readOnly": read_only})
    }

    fn security_context(context: &container::SecurityContext<'_>) -> Value {
        let container::SecurityContext {
            allow_privilege_escalation,
            capabilities: container::Capabilities { add, drop },
            privileged,
            proc_mount,
            read_only_root_filesystem,
            run_as_group,
            run_as_non_root,
            run_as_user,
            windows_options: windows,
        } = context;
        json!({
            "allowPrivilegeEscalation": allow_privilege_escalation,
            "capabilities": {"add": texts(add), "drop": texts(drop)},
            "privileged": privileged,
            "procMount": **proc_mount,
            "readOnlyRootFilesystem": read_only_root_filesystem,
            "runAsGroup": run_as_group,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "windowsOptions": windows_options(windows),
        })
    }

    fn windows_options(options: &container::WindowsOptions<'_>) -> Value {
        let container::WindowsOptions { host_process, run_as_user_name } = options;
        json!({"hostProcess": host_process, "runAsUserName": **run_as_user_name})
    }

    fn volume(volume: &Volume<'_>) -> Value {
        let Volume { name, sources, json: _ } = volume;
        json!({"name": **name, "sources": sources.iter().map(source).collect::<Map<_, _>>()})
    }

    fn source(source: &VolumeSource<'_>) -> (String, Value) {
        let VolumeSource { kind, details: Details { path, read_only, reference }, is_writable: _ } = source;
        (kind.to_string(), json!({"path": **path, "readOnly": read_only, "reference": **reference}))
    }

    fn texts<'t>(texts: &'t [Text<'_>]) -> Vec<&'t str> {
        texts.iter().map(|text| &**text).collect()
    }
}

/// Compares what both readers make of each object of a built-in kind, old ones included, and counts them by kind.
#[track_caller]
fn compare(requests: Vec<Value>) -> BTreeMap<String, usize> {
    let mut compared = BTreeMap::new();
    for mut request in requests {
        let Some(workload) = workload_of(&request) else { continue };
        let kind = workload.kind;
        for field in ["oldObject", "object"] {
            forget_unknown_volumes(&mut request[field], workload);
        }
        for (field, viewed) in viewed_pods(&request) {
            let object = &request[field];
            let typed = typed_spec(kind, object).unwrap_or_else(|| panic!("there is no pod spec: {object}"));
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

/// Takes away types of volumes that the types here do not know, which the policy reads as it reads all others.
fn forget_unknown_volumes(object: &mut Value, workload: &Workload) {
    let pointer = format!("/{}/volumes", workload.pod_spec.replace('.', "/"));
    let volumes = object.pointer_mut(&pointer).and_then(Value::as_array_mut);
    for volume in volumes.into_iter().flatten() {
        if let Ok(known) = serde_json::from_value::<core::Volume>(volume.clone()) {
            *volume = common_fields(volume, &json!(known));
        }
    }
}

/// The fields of an object that another has too.
fn common_fields(object: &Value, other: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    fields
        .filter(|(key, _)| other.get(key).is_some())
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// What the views tell of the pod specs in each object of a request, with their paths.
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
fn the_views_agree_with_the_types_on_every_case() {
    let compared = compare(manifests());
    for workload in &WORKLOADS {
        assert!(compared.contains_key(workload.kind), "{}: there is no case of it", workload.kind);
    }
}

#[test]
fn the_views_agree_with_the_types_on_a_whole_request() {
    let recorded = requests(&format!("{CASES}/requests/pod.json"));
    assert_eq!(compare(recorded), BTreeMap::from([("Pod".to_owned(), 1)]));
}

#[test]
fn the_views_agree_with_the_types_on_every_example() {
    assert_eq!(
        compare(requests("examples")),
        BTreeMap::from([("Deployment".to_owned(), 1), ("Pod".to_owned(), 17)])
    );
}

#[test]
fn every_field_of_the_views_is_set_in_some_case() {
    let (mut all, mut set) = (BTreeSet::new(), BTreeSet::new());
    for request in manifests() {
        for (_, pods) in viewed_pods(&request) {
            for (_, pod) in pods {
                collect_fields("spec", &pod, &mut all, &mut set);
            }
        }
    }
    // Where nothing is set, both readers agree on anything.
    let unset: Vec<_> = all.difference(&set).collect();
    assert!(unset.is_empty(), "no case sets {unset:?}");
}

/// Adds the path of every field in a value, and of those that are not at their default.
fn collect_fields(path: &str, value: &Value, all: &mut BTreeSet<String>, set: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_fields(&format!("{path}.{}", view_of(path, name)), field, all, set);
            }
        }
        Value::Array(items) => {
            // An empty list tells no more than one that is absent.
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

/// The name under which a field is counted: one view serves all lists of containers, and one all types of volumes.
fn view_of<'n>(path: &str, name: &'n str) -> &'n str {
    match name {
        "initContainers" | "ephemeralContainers" => "containers",
        _ if path.ends_with(".sources") => "*",
        _ => name,
    }
}
