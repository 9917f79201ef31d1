//! Pods as the generated types parse them, in a common form. For most unset fields, the form contains the default value.

use k8s_openapi::api::core::v1 as core;
use serde_json::{Map, Value, json};

pub(in super::super) fn pod(spec: &core::PodSpec) -> Value {
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
        "appArmorProfile": profile(&json!(context.app_armor_profile)),
        "fsGroup": context.fs_group,
        "runAsGroup": context.run_as_group,
        "runAsNonRoot": context.run_as_non_root,
        "runAsUser": context.run_as_user,
        "seLinuxOptions": se_linux_options(context.se_linux_options),
        "seccompProfile": profile(&json!(context.seccomp_profile)),
        "supplementalGroups": context.supplemental_groups.unwrap_or_default(),
        "sysctls": context.sysctls.iter().flatten().map(|sysctl| [&sysctl.name, &sysctl.value]).collect::<Vec<_>>(),
        "windowsOptions": windows_options(context.windows_options),
    })
}

fn container(container: &core::Container) -> Value {
    json!({
        "command": container.command.clone().unwrap_or_default(),
        "env": container.env.iter().flatten().map(variable).collect::<Vec<_>>(),
        "hooks": hooks(container.lifecycle.clone()),
        "image": container.image.as_deref().unwrap_or_default(),
        "hostPorts": container.ports.iter().flatten().map(|port| port.host_port.unwrap_or(0)).collect::<Vec<_>>(),
        "name": container.name,
        "restartPolicy": container.restart_policy.as_deref().unwrap_or_default(),
        "securityContext": security_context(container.security_context.clone()),
        "livenessProbe": handler(&json!(container.liveness_probe)),
        "readinessProbe": handler(&json!(container.readiness_probe)),
        "startupProbe": probe(container.startup_probe.clone()),
        "terminationMessagePath": container.termination_message_path.as_deref().unwrap_or_default(),
        "workingDir": container.working_dir.as_deref().unwrap_or_default(),
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

fn probe(probe: Option<core::Probe>) -> Value {
    let handler = handler(&json!(probe));
    let probe = probe.unwrap_or_default();
    json!({
        "failureThreshold": probe.failure_threshold.unwrap_or_default(),
        "handler": handler,
        "initialDelaySeconds": probe.initial_delay_seconds.unwrap_or_default(),
        "periodSeconds": probe.period_seconds.unwrap_or_default(),
    })
}

fn variable(variable: &core::EnvVar) -> Value {
    json!({
        "name": variable.name,
        "value": variable.value.as_deref().unwrap_or_default(),
        "hasSource": variable.value_from.is_some(),
    })
}

/// Converts a probe or a hook, whose types have these fields in common.
fn handler(handler: &Value) -> Value {
    let field = |pointer: &str| handler.pointer(pointer).cloned();
    json!({
        "command": field("/exec/command").unwrap_or_else(|| json!([])),
        "httpHost": field("/httpGet/host").unwrap_or_else(|| "".into()),
        "tcpHost": field("/tcpSocket/host").unwrap_or_else(|| "".into()),
    })
}

fn hooks(lifecycle: Option<core::Lifecycle>) -> Vec<Value> {
    let lifecycle = lifecycle.unwrap_or_default();
    [lifecycle.post_start, lifecycle.pre_stop].map(|hook| handler(&json!(hook))).into()
}

/// Converts a profile of either type, which have the same fields.
fn profile(profile: &Value) -> Value {
    let field = |key: &str| profile.get(key).cloned().unwrap_or_else(|| "".into());
    json!({"isSet": !profile.is_null(), "localhostProfile": field("localhostProfile"), "type": field("type")})
}

fn se_linux_options(options: Option<core::SELinuxOptions>) -> Value {
    let is_set = options.is_some();
    let core::SELinuxOptions { role, type_, user, level: _ } = options.unwrap_or_default();
    let [role, kind, user] = [role, type_, user].map(Option::unwrap_or_default);
    json!({"isSet": is_set, "role": role, "type": kind, "user": user})
}

fn device(device: &core::VolumeDevice) -> Value {
    json!({"devicePath": device.device_path, "name": device.name})
}

fn mount(mount: &core::VolumeMount) -> Value {
    json!({
        "bindMountOptions": mount.bind_mount_options.clone().unwrap_or_default(),
        "mountPath": mount.mount_path,
        "name": mount.name,
        "readOnly": mount.read_only.unwrap_or_default(),
        "recursiveReadOnly": mount.recursive_read_only.as_deref().unwrap_or_default(),
        "subPath": mount.sub_path.as_deref().unwrap_or_default(),
        "subPathExpr": mount.sub_path_expr.as_deref().unwrap_or_default(),
    })
}

fn security_context(context: Option<core::SecurityContext>) -> Value {
    let context = context.unwrap_or_default();
    let capabilities = context.capabilities.unwrap_or_default();
    json!({
        "allowPrivilegeEscalation": context.allow_privilege_escalation,
        "appArmorProfile": profile(&json!(context.app_armor_profile)),
        "capabilities": {
            "add": capabilities.add.unwrap_or_default(),
            "drop": capabilities.drop.unwrap_or_default(),
        },
        "privileged": context.privileged.unwrap_or_default(),
        "procMount": context.proc_mount,
        "readOnlyRootFilesystem": context.read_only_root_filesystem,
        "runAsGroup": context.run_as_group,
        "runAsNonRoot": context.run_as_non_root,
        "runAsUser": context.run_as_user,
        "seLinuxOptions": se_linux_options(context.se_linux_options),
        "seccompProfile": profile(&json!(context.seccomp_profile)),
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
        "claimName": text("claimName"),
        "path": text("path"),
        "readOnly": source.get("readOnly").and_then(Value::as_bool).unwrap_or_default(),
        "reference": text("reference"),
    })
}
