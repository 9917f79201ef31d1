//! Pods as the generated types parse them, in a common form. For most unset fields, the form contains the default value.

use k8s_openapi::api::core::v1 as core;
use serde_json::{Map, Value, json};

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

/// Converts an ephemeral container, which has every field of a container except for its target.
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

/// Converts a volume. Every field except for the name is a source, so this covers all sources of the type.
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
