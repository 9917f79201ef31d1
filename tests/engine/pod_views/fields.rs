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
            "procMount": context.proc_mount.unwrap_or_default(),
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
            "appArmorProfile": profile(app_armor_profile.as_ref()),
            "fsGroup": fs_group,
            "runAsGroup": run_as_group,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "seLinuxOptions": se_linux_options(options.as_ref()),
            "seccompProfile": profile(seccomp_profile.as_ref()),
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

    fn actions(
        container::ExecAction { command }: &container::ExecAction<'_>,
        container::NetworkAction { host: http_host }: &container::NetworkAction<'_>,
        container::NetworkAction { host: tcp_host }: &container::NetworkAction<'_>,
    ) -> Value {
        json!({"command": texts(command), "httpHost": **http_host, "tcpHost": **tcp_host})
    }

    fn profile(profile: Option<&container::Profile<'_>>) -> Value {
        let unset = container::Profile::default();
        let container::Profile { kind, localhost_profile } = profile.unwrap_or(&unset);
        json!({"isSet": profile.is_some(), "localhostProfile": **localhost_profile, "type": **kind})
    }

    fn se_linux_options(options: Option<&container::SeLinuxOptions<'_>>) -> Value {
        let unset = container::SeLinuxOptions::default();
        let container::SeLinuxOptions { kind, role, user } = options.unwrap_or(&unset);
        json!({"isSet": options.is_some(), "role": **role, "type": **kind, "user": **user})
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
            "appArmorProfile": profile(app_armor_profile.as_ref()),
            "capabilities": {"add": texts(add), "drop": texts(drop)},
            "privileged": privileged,
            "procMount": **proc_mount,
            "readOnlyRootFilesystem": read_only_root_filesystem,
            "runAsGroup": run_as_group,
            "runAsNonRoot": run_as_non_root,
            "runAsUser": run_as_user,
            "seLinuxOptions": se_linux_options(options.as_ref()),
            "seccompProfile": profile(seccomp_profile.as_ref()),
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
