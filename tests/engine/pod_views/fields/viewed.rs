//! Pods as the views parse them, in the common form. Patterns name every field without `..`, so that new fields must be
//! compared too.

#![expect(clippy::unwrap_used, reason = "a test fails on a value that cannot be read")]

use immutable_pods_policy::kubernetes::container::ContainerPort;
use immutable_pods_policy::kubernetes::unread::Unread;
use immutable_pods_policy::kubernetes::volume::{Details, Volume, VolumeSource};
use immutable_pods_policy::kubernetes::{container, pod};
use json_view::Text;

use serde_json::{Map, Value, json};

pub(in super::super) fn pod(spec: &pod::PodSpec<'_>) -> Value {
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
        app_armor_profile,
        fs_group,
        run_as_group,
        run_as_non_root,
        run_as_user,
        se_linux_options: options,
        seccomp_profile,
        supplemental_groups,
        sysctls,
        windows_options: windows,
    } = context;
    json!({
        "appArmorProfile": profile(app_armor_profile),
        "fsGroup": fs_group,
        "runAsGroup": run_as_group,
        "runAsNonRoot": run_as_non_root,
        "runAsUser": run_as_user,
        "seLinuxOptions": se_linux_options(options),
        "seccompProfile": profile(seccomp_profile),
        "supplementalGroups": supplemental_groups,
        "sysctls": sysctls.iter().map(|pod::Sysctl { name, value }| [&**name, &**value]).collect::<Vec<_>>(),
        "windowsOptions": windows_options(windows),
    })
}

fn container(container: &container::Container<'_>) -> Value {
    let container::Container {
        command,
        env,
        image,
        lifecycle: container::Lifecycle { post_start, pre_stop },
        liveness_probe,
        name,
        ports,
        readiness_probe,
        restart_policy,
        security_context: context,
        startup_probe,
        termination_message_path,
        volume_devices,
        volume_mounts,
        working_dir,
    } = container;
    json!({
        "command": texts(command),
        "env": env.all().iter().map(variable).collect::<Vec<_>>(),
        "hooks": [handler(post_start), handler(pre_stop)],
        "image": **image,
        "hostPorts": ports.iter().map(|ContainerPort { host_port }| host_port).collect::<Vec<_>>(),
        "name": **name,
        "restartPolicy": **restart_policy,
        "securityContext": security_context(context),
        "livenessProbe": handler(liveness_probe),
        "readinessProbe": handler(readiness_probe),
        "startupProbe": probe(startup_probe),
        "terminationMessagePath": **termination_message_path,
        "workingDir": **working_dir,
        "volumeDevices": volume_devices.iter().map(device).collect::<Vec<_>>(),
        "volumeMounts": volume_mounts.iter().map(mount).collect::<Vec<_>>(),
    })
}

fn probe(probe: &container::Probe<'_>) -> Value {
    let container::Probe {
        exec,
        failure_threshold,
        http_get,
        initial_delay_seconds,
        period_seconds,
        tcp_socket,
    } = probe;
    json!({
        "failureThreshold": failure_threshold,
        "handler": actions(exec, http_get, tcp_socket),
        "initialDelaySeconds": initial_delay_seconds,
        "periodSeconds": period_seconds,
    })
}

fn variable(variable: &container::EnvVar<'_>) -> Value {
    let container::EnvVar { name, value, value_from } = variable;
    json!({"name": **name, "value": **value, "hasSource": !value_from.0.is_empty()})
}

fn handler(handler: &container::Handler<'_>) -> Value {
    let container::Handler { exec, http_get, tcp_socket } = handler;
    actions(exec, http_get, tcp_socket)
}

fn actions<'a>(
    container::ExecAction { command }: &container::ExecAction<'a>,
    http_get: &Unread<'a, container::NetworkAction<'a>>,
    tcp_socket: &Unread<'a, container::NetworkAction<'a>>,
) -> Value {
    let host = |action: &Unread<'a, container::NetworkAction<'a>>| {
        let container::NetworkAction { host } = action.parse().unwrap().unwrap_or_default();
        host.to_string()
    };
    json!({"command": texts(command), "httpHost": host(http_get), "tcpHost": host(tcp_socket)})
}

fn profile<'a>(profile: &Unread<'a, container::Profile<'a>>) -> Value {
    let profile = profile.parse().unwrap();
    let is_set = profile.is_some();
    let container::Profile { kind, localhost_profile } = profile.unwrap_or_default();
    json!({"isSet": is_set, "localhostProfile": *localhost_profile, "type": kind.as_deref().unwrap_or_default()})
}

fn se_linux_options<'a>(options: &Unread<'a, container::SeLinuxOptions<'a>>) -> Value {
    let options = options.parse().unwrap();
    let is_set = options.is_some();
    let container::SeLinuxOptions { kind, role, user } = options.unwrap_or_default();
    json!({"isSet": is_set, "role": *role, "type": *kind, "user": *user})
}

fn device(device: &container::VolumeDevice<'_>) -> Value {
    let container::VolumeDevice { device_path, name } = device;
    json!({"devicePath": **device_path, "name": **name})
}

fn mount(mount: &container::VolumeMount<'_>) -> Value {
    let container::VolumeMount {
        bind_mount_options,
        mount_path,
        name,
        read_only,
        recursive_read_only,
        sub_path,
        sub_path_expr,
    } = mount;
    json!({
        "bindMountOptions": texts(bind_mount_options),
        "mountPath": **mount_path,
        "name": **name,
        "readOnly": read_only,
        "recursiveReadOnly": **recursive_read_only,
        "subPath": **sub_path,
        "subPathExpr": **sub_path_expr,
    })
}

fn security_context(context: &container::SecurityContext<'_>) -> Value {
    let container::SecurityContext {
        allow_privilege_escalation,
        app_armor_profile,
        capabilities: container::Capabilities { add, drop },
        privileged,
        proc_mount,
        read_only_root_filesystem,
        run_as_group,
        run_as_non_root,
        run_as_user,
        se_linux_options: options,
        seccomp_profile,
        windows_options: windows,
    } = context;
    json!({
        "allowPrivilegeEscalation": allow_privilege_escalation,
        "appArmorProfile": profile(app_armor_profile),
        "capabilities": {"add": texts(add), "drop": texts(drop)},
        "privileged": privileged,
        "procMount": proc_mount.as_deref(),
        "readOnlyRootFilesystem": read_only_root_filesystem,
        "runAsGroup": run_as_group,
        "runAsNonRoot": run_as_non_root,
        "runAsUser": run_as_user,
        "seLinuxOptions": se_linux_options(options),
        "seccompProfile": profile(seccomp_profile),
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
    let VolumeSource { kind, details, is_writable: _ } = source;
    let Details { claim_name, path, read_only, reference } = details;
    let details =
        json!({"claimName": **claim_name, "path": **path, "readOnly": read_only, "reference": **reference});
    (kind.to_string(), details)
}

fn texts<'t>(texts: &'t [Text<'_>]) -> Vec<&'t str> {
    texts.iter().map(|text| &**text).collect()
}
