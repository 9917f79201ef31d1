//! Containers as far as rules read them.

use std::borrow::Cow;

use crate::kubernetes::unread::Unread;
use json_view::{Error, KnownKey, RawValue, ReadJson, Reader, StringEnding, Text, views};

/// A list of containers in a pod spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerList {
    /// `initContainers`, which include sidecars.
    Init,
    /// `containers`.
    Regular,
    /// `ephemeralContainers`.
    Ephemeral,
}

impl ContainerList {
    /// Returns the field of the pod spec.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Regular => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// The last characters of each variable that loads code.
const CODE_ENDINGS: [StringEnding; 9] = [
    StringEnding::new(b"\"PATH"),
    StringEnding::new(b"_PATH"),
    StringEnding::new(b"NPATH"),
    StringEnding::new(b"ELOAD"),
    StringEnding::new(b"AUDIT"),
    StringEnding::new(b"H_ENV"),
    StringEnding::new(b"L5LIB"),
    StringEnding::new(b"BYLIB"),
    StringEnding::new(b"TIONS"),
];

/// The environment variables of a container. Most containers have many, of which none matters, so they are read only if a rule needs
/// them: this makes a container with 27 variables a fifth cheaper.
#[derive(Debug, Default)]
pub struct EnvVars<'a> {
    /// All variables, if one of them may load code; otherwise none.
    pub loading_code: Vec<EnvVar<'a>>,
    /// The variables that have not been read.
    unread: RawValue<'a>,
}

impl<'a> EnvVars<'a> {
    /// Returns all variables; none if the value is not a list of variables. API servers refuse such a pod.
    #[must_use]
    pub fn all(&self) -> Cow<'_, [EnvVar<'a>]> {
        if self.unread.0.is_empty() {
            return Cow::Borrowed(&self.loading_code);
        }
        Cow::Owned(json_view::from_slice(self.unread.0).unwrap_or_default())
    }
}

impl<'a> ReadJson<'a> for EnvVars<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let json = reader.peek_raw()?;
        if json.0.starts_with(b"[") && json.may_have_string_ending(&CODE_ENDINGS) {
            return self.loading_code.read(reader);
        }
        self.unread = json;
        reader.skip_peeked(json);
        Ok(())
    }
}

views! {
    /// `Container` or `EphemeralContainer` of `k8s.io/api/core/v1`.
    pub struct Container<'a> {
        /// Program and arguments in place of those of the image.
        pub command "command": Vec<Text<'a>>,
        /// Environment variables.
        pub env "env": EnvVars<'a>,
        /// Image reference; empty if an admission controller is to add one.
        pub image "image": Text<'a>,
        /// Commands at the start and at the end of the container.
        pub lifecycle "lifecycle": Lifecycle<'a>,
        /// Probe that restarts the container if it fails.
        pub liveness_probe "livenessProbe": Handler<'a>,
        /// Name, unique in the pod.
        pub name "name": Text<'a>,
        /// Ports that the container listens on.
        pub ports "ports": Vec<ContainerPort>,
        /// Probe that decides whether the container gets requests.
        pub readiness_probe "readinessProbe": Handler<'a>,
        /// `Always` makes an init container a sidecar.
        pub restart_policy "restartPolicy": Text<'a>,
        /// Security settings, which override those of the pod.
        pub security_context "securityContext": SecurityContext<'a>,
        /// Probe that delays all other probes until it succeeds.
        pub startup_probe "startupProbe": Probe<'a>,
        /// Path of a file that the kubelet mounts writable; empty for `/dev/termination-log`.
        pub termination_message_path "terminationMessagePath": Text<'a>,
        /// Block devices in the container.
        pub volume_devices "volumeDevices": Vec<VolumeDevice<'a>>,
        /// Volumes in the container's file system.
        pub volume_mounts "volumeMounts": Vec<VolumeMount<'a>>,
        /// Working directory; empty for that of the image.
        pub working_dir "workingDir": Text<'a>,
    }

    /// `EnvVar` of `k8s.io/api/core/v1`.
    #[derive(Clone)]
    pub struct EnvVar<'a> {
        /// Name, which may occur again.
        pub name "name": Text<'a>,
        /// Literal value.
        pub value "value": Text<'a>,
        /// Source of the value if `value` is unset.
        pub value_from "valueFrom": RawValue<'a>,
    }

    /// `Lifecycle` of `k8s.io/api/core/v1`.
    pub struct Lifecycle<'a> {
        /// Hook after the start of the container.
        pub post_start "postStart": Handler<'a>,
        /// Hook before the end of the container.
        pub pre_stop "preStop": Handler<'a>,
    }

    /// `LifecycleHandler` of `k8s.io/api/core/v1`, or a `Probe` whose times do not matter.
    pub struct Handler<'a> {
        /// Command to run; empty for other hooks and probes.
        pub exec "exec": ExecAction<'a>,
        /// HTTP request to send.
        pub http_get "httpGet": Unread<'a, NetworkAction<'a>>,
        /// TCP connection to open.
        pub tcp_socket "tcpSocket": Unread<'a, NetworkAction<'a>>,
    }

    /// `HTTPGetAction` or `TCPSocketAction` of `k8s.io/api/core/v1`.
    pub struct NetworkAction<'a> {
        /// Host to connect to; empty for the pod.
        pub host "host": Text<'a>,
    }

    /// `Probe` of `k8s.io/api/core/v1`.
    pub struct Probe<'a> {
        /// Command to run; empty for probes by network.
        pub exec "exec": ExecAction<'a>,
        /// Number of failures after which the kubelet restarts the container; 0 if unset, which means 3.
        pub failure_threshold "failureThreshold": i64,
        /// HTTP request to send.
        pub http_get "httpGet": Unread<'a, NetworkAction<'a>>,
        /// Seconds before the first probe.
        pub initial_delay_seconds "initialDelaySeconds": i64,
        /// Seconds between two probes; 0 if unset, which means 10.
        pub period_seconds "periodSeconds": i64,
        /// TCP connection to open.
        pub tcp_socket "tcpSocket": Unread<'a, NetworkAction<'a>>,
    }

    /// `ExecAction` of `k8s.io/api/core/v1`.
    pub struct ExecAction<'a> {
        /// Program and arguments, executed without a shell.
        pub command "command": Vec<Text<'a>>,
    }

    /// `VolumeDevice` of `k8s.io/api/core/v1`.
    pub struct VolumeDevice<'a> {
        /// Path of the device in the container.
        pub device_path "devicePath": Text<'a>,
        /// Name of the volume.
        pub name "name": Text<'a>,
    }

    /// `VolumeMount` of `k8s.io/api/core/v1`.
    pub struct VolumeMount<'a> {
        /// Options of the mount, such as `noexec`.
        pub bind_mount_options "bindMountOptions": Vec<Text<'a>>,
        /// Path of the volume in the container.
        pub mount_path "mountPath": Text<'a>,
        /// Name of the volume.
        pub name "name": Text<'a>,
        /// Whether the container cannot write to the volume.
        pub read_only "readOnly": bool,
        /// `Enabled` makes a read-only mount read-only with everything that is mounted below it.
        pub recursive_read_only "recursiveReadOnly": Text<'a>,
        /// Path of the mounted part within the volume; empty for the whole volume.
        pub sub_path "subPath": Text<'a>,
        /// Path within the volume, with environment variables.
        pub sub_path_expr "subPathExpr": Text<'a>,
    }

    /// `SecurityContext` of `k8s.io/api/core/v1`.
    pub struct SecurityContext<'a> {
        /// Whether a process can gain more privileges than its parent.
        pub allow_privilege_escalation "allowPrivilegeEscalation": Option<bool>,
        /// AppArmor profile.
        pub app_armor_profile "appArmorProfile": Unread<'a, Profile<'a>>,
        /// Linux capabilities.
        pub capabilities "capabilities": Capabilities<'a>,
        /// Whether the container has nearly the same access to the node as processes on the node.
        pub privileged "privileged": bool,
        /// Type of the `/proc` mount; unset or empty for the default one, in which paths are masked.
        pub proc_mount "procMount": Option<Text<'a>>,
        /// Whether the container cannot write to its root filesystem.
        pub read_only_root_filesystem "readOnlyRootFilesystem": Option<bool>,
        /// Primary group of the first process.
        pub run_as_group "runAsGroup": Option<i64>,
        /// Whether the kubelet refuses to start the container as root.
        pub run_as_non_root "runAsNonRoot": Option<bool>,
        /// User of the first process.
        pub run_as_user "runAsUser": Option<i64>,
        /// SELinux context.
        pub se_linux_options "seLinuxOptions": Unread<'a, SeLinuxOptions<'a>>,
        /// Seccomp profile.
        pub seccomp_profile "seccompProfile": Unread<'a, Profile<'a>>,
        /// Settings that only Windows reads.
        pub windows_options "windowsOptions": WindowsOptions<'a>,
    }

    /// `SeccompProfile` or `AppArmorProfile` of `k8s.io/api/core/v1`.
    pub struct Profile<'a> {
        /// Name of the profile on the node, for type `Localhost`.
        pub localhost_profile "localhostProfile": Text<'a>,
        /// `RuntimeDefault`, `Localhost` or `Unconfined`. API servers refuse a profile without a type.
        pub kind "type": Option<Text<'a>>,
    }

    /// `SELinuxOptions` of `k8s.io/api/core/v1`.
    pub struct SeLinuxOptions<'a> {
        /// SELinux type; empty for that of the runtime.
        pub kind "type": Text<'a>,
        /// SELinux role; empty for that of the runtime.
        pub role "role": Text<'a>,
        /// SELinux user; empty for that of the runtime.
        pub user "user": Text<'a>,
    }

    /// `Capabilities` of `k8s.io/api/core/v1`.
    pub struct Capabilities<'a> {
        /// Capabilities added to those that the runtime grants by default.
        pub add "add": Vec<Text<'a>>,
        /// Capabilities removed from those that the runtime grants by default.
        pub drop "drop": Vec<Text<'a>>,
    }

    /// `WindowsSecurityContextOptions` of `k8s.io/api/core/v1`.
    pub struct WindowsOptions<'a> {
        /// Whether the container runs as a process of the node.
        pub host_process "hostProcess": bool,
        /// Windows user of the first process.
        pub run_as_user_name "runAsUserName": Text<'a>,
    }
}

/// `ContainerPort` of `k8s.io/api/core/v1`.
#[derive(Debug, Default)]
pub struct ContainerPort {
    /// Port of the node; 0 if the container does not use one.
    pub host_port: i64,
}

impl<'a> ReadJson<'a> for ContainerPort {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut fields = reader.fields(const { &[KnownKey::new("hostPort")] })?;
        while fields.next_field()?.is_some() {
            fields.read(&mut self.host_port)?;
        }
        Ok(())
    }
}

impl Container<'_> {
    /// Returns whether an init container is a sidecar.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        &*self.restart_policy == "Always"
    }
}
