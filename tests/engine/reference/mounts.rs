//! Volume mounts, and the volumes that they mount.

use k8s_openapi::api::core::v1::Volume;
use serde_json::{Value, json};

use super::file_paths::FilePath;
use super::findings::{FieldPath, ResponsibleContainers};
use super::request::{ContainerAt, Pod};

/// Volume types that containers cannot write to.
const READ_ONLY: [&str; 5] = ["configMap", "secret", "downwardAPI", "projected", "image"];

/// A volume mount or a block device of a container.
#[derive(Clone)]
pub(super) struct Mount {
    pub(super) path: FieldPath,
    pub(super) volume: String,
    pub(super) target: String,
    /// The field that contains the target.
    pub(super) field: &'static str,
    pub(super) is_read_only: bool,
    /// The part of the volume: the normalized `subPath`, or the whole volume.
    pub(super) sub_path: FilePath,
    pub(super) is_recursive: bool,
    /// The mount options, such as `noexec`.
    pub(super) options: Vec<String>,
}

impl Mount {
    /// Whether the mount is a volume mount, not a block device.
    pub(super) fn is_volume_mount(&self) -> bool {
        self.field == "mountPath"
    }

    /// Whether the container can write to the mount.
    pub(super) fn is_writable(&self, pod: &Pod) -> bool {
        !self.is_read_only && !writable_types(pod, &self.volume).is_empty()
    }
}

/// Returns the volume mounts of a container.
pub(super) fn volume_mounts(pod: &Pod, container: &ContainerAt) -> Vec<Mount> {
    mounts(pod, container).into_iter().filter(Mount::is_volume_mount).collect()
}

/// Returns the volume mounts and block devices of a container.
pub(super) fn mounts(pod: &Pod, container: &ContainerAt) -> Vec<Mount> {
    let windows = pod.is_windows();
    let mounts = container.spec.volume_mounts.iter().flatten().enumerate().map(|(index, mount)| {
        let has_expression = mount.sub_path_expr.as_ref().is_some_and(|expression| !expression.is_empty());
        let sub_path = mount.sub_path.clone().filter(|_| !has_expression).unwrap_or_default();
        Mount {
            path: container.path.field("volumeMounts").item(index),
            volume: mount.name.clone(),
            target: mount.mount_path.clone(),
            field: "mountPath",
            is_read_only: mount.read_only == Some(true),
            sub_path: FilePath::parse(&sub_path, windows),
            is_recursive: mount.recursive_read_only.as_deref() == Some("Enabled"),
            options: mount.bind_mount_options.clone().unwrap_or_default(),
        }
    });
    let devices = container.spec.volume_devices.iter().flatten().enumerate().map(|(index, device)| Mount {
        path: container.path.field("volumeDevices").item(index),
        volume: device.name.clone(),
        target: device.device_path.clone(),
        field: "devicePath",
        is_read_only: false,
        sub_path: FilePath::parse("", windows),
        is_recursive: false,
        options: Vec::new(),
    });
    mounts.chain(devices).collect()
}

/// Returns the responsible containers of a volume: the containers that mount the volume, or all containers of the pod if
/// none does.
pub(super) fn responsible_for_volume(pod: &Pod, name: &str) -> ResponsibleContainers {
    let mounts_it = |container: &&ContainerAt| {
        let mut mounts = container.spec.volume_mounts.iter().flatten();
        mounts.any(|mount| mount.name == name)
    };
    let all: Vec<_> = pod.containers.iter().filter(mounts_it).map(ContainerAt::as_responsible).collect();
    if all.is_empty() {
        pod.responsible_containers()
    } else {
        ResponsibleContainers { all, are_whole_pod: false }
    }
}

/// Returns the volumes that a mount may mean. Kubernetes rejects volumes with the same name; here, all of them count.
pub(super) fn volumes_of(pod: &Pod, name: &str) -> Vec<Volume> {
    let volumes = pod.volumes().into_iter().map(|(_, volume)| volume);
    // A volume claim template replaces the volume of its name.
    volumes.filter(|volume| volume.name == name && !pod.claims.contains(name)).collect()
}

/// Returns the types of a volume, each with its fields. Kubernetes rejects volumes with two types; here, all of them count.
pub(super) fn types_of(pod: &Pod, name: &str) -> Vec<(String, Value)> {
    let volumes = volumes_of(pod, name);
    // A volume that is not in the pod spec comes from a volume claim template.
    if volumes.is_empty() {
        return vec![("persistentVolumeClaim".to_owned(), json!({}))];
    }
    volumes.iter().flat_map(sources).collect()
}

/// Returns the types of a volume that containers can write to.
pub(super) fn writable_types(pod: &Pod, name: &str) -> Vec<String> {
    let is_writable = |kind: &str, source: &Value| {
        !READ_ONLY.contains(&kind) && source.get("readOnly") != Some(&Value::Bool(true))
    };
    let types = types_of(pod, name).into_iter();
    types.filter(|(kind, source)| is_writable(kind, source)).map(|(kind, _)| kind).collect()
}

/// Returns the types of a volume with their fields. A volume without a type is an `emptyDir` to the API server.
fn sources(volume: &Volume) -> Vec<(String, Value)> {
    let fields = json!(volume);
    let fields = fields.as_object().into_iter().flatten().filter(|(field, _)| *field != "name");
    let sources: Vec<_> = fields.map(|(kind, source)| (kind.clone(), source.clone())).collect();
    if sources.is_empty() { vec![("emptyDir".to_owned(), json!({}))] } else { sources }
}

/// Whether a path is a Windows path: a pod that does not set its operating system may run on either.
pub(super) fn is_windows_path(pod: &Pod, path: &str) -> bool {
    let has_drive =
        path.starts_with(|letter: char| letter.is_ascii_alphabetic()) && path[1..].starts_with(':');
    pod.is_windows() || (pod.has_any_os() && (has_drive || path.starts_with('\\')))
}

/// Returns a path in a container. A path of the other operating system is ambiguous.
pub(super) fn container_path(pod: &Pod, path: &str) -> FilePath {
    let is_windows = is_windows_path(pod, path);
    let mut path = FilePath::parse(path, is_windows);
    path.is_unambiguous &= is_windows == pod.is_windows();
    path
}

/// Whether a file is at a path or below it. A pod of any operating system may have mounts for Windows.
pub(super) fn is_at_or_below(pod: &Pod, file: &FilePath, path: &FilePath) -> bool {
    file.starts_with(path) || pod.has_any_os() && file.on_windows().starts_with(&path.on_windows())
}
