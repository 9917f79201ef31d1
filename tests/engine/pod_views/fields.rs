//! The compared fields of pods, in a common form. A new field of a view needs a line in each of the two modules.

/// Pods as the generated types parse them, in a common form. For most unset fields, the form contains the default value.
pub(super) mod typed {
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
            "fsGroup": context.fs_group,
            "runAsGroup": context.run_as_group,
            "runAsNonRoot": context.run_as_non_root,
            "runAsUser": context.run_as_user,
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
            "livenessCommand": probe_command(container.liveness_probe.clone()),
            "readinessCommand": probe_command(container.readiness_probe.clone()),
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
        let probe = probe.unwrap_or_default();
        json!({
            "command": probe.exec.and_then(|exec| exec.command).unwrap_or_default(),
            "failureThreshold": probe.failure_threshold.unwrap_or_default(),
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

    fn probe_command(probe: Option<core::Probe>) -> Vec<String> {
        let command = probe.and_then(|probe| probe.exec?.command);
        command.unwrap_or_default()
    }

    fn hooks(lifecycle: Option<core::Lifecycle>) -> Vec<Vec<String>> {
        let lifecycle = lifecycle.unwrap_or_default();
        let command = |hook: Option<core::LifecycleHandler>| hook.and_then(|hook| hook.exec?.command);
        [lifecycle.post_start, lifecycle.pre_stop].map(|hook| command(hook).unwrap_or_default()).into()
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
            "claimName": text("claimName"),
            "path": text("path"),
            "readOnly": source.get("readOnly").and_then(Value::as_bool).unwrap_or_default(),
            "reference": text("reference"),
        })
    }
}

/// Pods as the views parse them, in the common form. Patterns name every field without `..`, so that new fields must be compared too.
pub(super) mod viewed {
    use immutable_pods_policy::kubernetes::container::ContainerPort;
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
            "hooks": [command_of(post_start), command_of(pre_stop)],
            "image": **image,
            "hostPorts": ports.iter().map(|ContainerPort { host_port }| host_port).collect::<Vec<_>>(),
            "name": **name,
            "restartPolicy": **restart_policy,
            "securityContext": security_context(context),
            "livenessCommand": command_of(liveness_probe),
            "readinessCommand": command_of(readiness_probe),
            "startupProbe": probe(startup_probe),
            "terminationMessagePath": **termination_message_path,
            "workingDir": **working_dir,
            "volumeDevices": volume_devices.iter().map(device).collect::<Vec<_>>(),
            "volumeMounts": volume_mounts.iter().map(mount).collect::<Vec<_>>(),
        })
    }

    fn probe(probe: &container::Probe<'_>) -> Value {
        let container::Probe {
            exec: container::ExecAction { command },
            failure_threshold,
            initial_delay_seconds,
            period_seconds,
        } = probe;
        json!({
            "command": texts(command),
            "failureThreshold": failure_threshold,
            "initialDelaySeconds": initial_delay_seconds,
            "periodSeconds": period_seconds,
        })
    }

    fn variable(variable: &container::EnvVar<'_>) -> Value {
        let container::EnvVar { name, value, value_from } = variable;
        json!({"name": **name, "value": **value, "hasSource": !value_from.0.is_empty()})
    }

    fn command_of<'p>(handler: &'p container::Handler<'_>) -> Vec<&'p str> {
        let container::Handler { exec: container::ExecAction { command } } = handler;
        texts(command)
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
        let VolumeSource { kind, details, is_writable: _ } = source;
        let Details { claim_name, path, read_only, reference } = details;
        let details = json!({"claimName": **claim_name, "path": **path, "readOnly": read_only, "reference": **reference});
        (kind.to_string(), details)
    }

    fn texts<'t>(texts: &'t [Text<'_>]) -> Vec<&'t str> {
        texts.iter().map(|text| &**text).collect()
    }
}
