//! Pods as the views parse them, in the common form. Patterns name every field without `..`, so that new fields must be
//! compared too.

use immutable_pods_policy::kubernetes::volume::{Details, Volume, VolumeSource};
use immutable_pods_policy::kubernetes::{container, pod};
use json_view::Text;

use serde_json::{Map, Value, json};

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
