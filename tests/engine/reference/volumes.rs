//! `hostPathVolumes` and `writableMounts`.

use k8s_openapi::api::core::v1::Volume;
use proptest::prelude::{Just, Strategy, prop_oneof};
use serde::Deserialize;
use serde_json::{Value, json};

use super::file_paths::FilePath;
use super::findings::{FieldPath, Findings, ResponsibleContainers};
use super::generators::some_of;
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// Returns the responsible containers of a volume: the containers that mount the volume, or all containers of the pod if
/// none does.
fn responsible_for_volume(pod: &Pod, name: &str) -> ResponsibleContainers {
    let mounts = |container: &ContainerAt| container.spec.volume_mounts.clone().unwrap_or_default();
    let mounts_it = |container: &ContainerAt| mounts(container).iter().any(|mount| mount.name == name);
    let responsible: Vec<_> = pod
        .containers
        .iter()
        .filter(|container| mounts_it(container))
        .map(ContainerAt::as_responsible)
        .collect();
    if responsible.is_empty() {
        pod.responsible_containers()
    } else {
        ResponsibleContainers { all: responsible, are_whole_pod: false }
    }
}

/// A volume mount or a block device of a container.
struct Mount {
    path: FieldPath,
    volume: String,
    target: String,
    /// The field that contains the target.
    field: &'static str,
    is_read_only: bool,
}

fn mounts(container: &ContainerAt) -> Vec<Mount> {
    let mounts = container.spec.volume_mounts.iter().flatten().enumerate().map(|(index, mount)| Mount {
        path: container.path.field("volumeMounts").item(index),
        volume: mount.name.clone(),
        target: mount.mount_path.clone(),
        field: "mountPath",
        is_read_only: mount.read_only == Some(true),
    });
    let devices = container.spec.volume_devices.iter().flatten().enumerate().map(|(index, device)| Mount {
        path: container.path.field("volumeDevices").item(index),
        volume: device.name.clone(),
        target: device.device_path.clone(),
        field: "devicePath",
        is_read_only: false,
    });
    mounts.chain(devices).collect()
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allowed {
    path_prefix: String,
    #[serde(default)]
    read_only: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostPathVolumesOptions {
    allowed: Vec<Allowed>,
    denied: Vec<String>,
}

impl HostPathVolumesOptions {
    /// Returns the entry that allows a host path.
    fn entry(&self, path: &str, is_windows: bool) -> Option<Allowed> {
        let path = FilePath::parse(path, is_windows);
        let is_denied = self.denied.iter().any(|denied| {
            let denied = FilePath::parse(denied, is_windows);
            path.starts_with(&denied) || denied.starts_with(&path)
        });
        if !path.is_absolute || !path.is_unambiguous || is_denied {
            return None;
        }
        let prefix = |entry: &Allowed| FilePath::parse(&entry.path_prefix, is_windows);
        let matching = self.allowed.iter().filter(|entry| path.starts_with(&prefix(entry)));
        matching.max_by_key(|entry| prefix(entry).depth()).cloned()
    }
}

/// `hostPathVolumes`
pub(super) const HOST_PATH_VOLUMES: ReferenceRule = ReferenceRule {
    effects: &[("allowed", &[Reports, Allows]), ("denied", &[Reports])],
    options: || {
        let allowed = json!([
            [],
            [{"pathPrefix": "/"}],
            [{"pathPrefix": "/"}],
            [{"pathPrefix": "/"}],
            [{"pathPrefix": "/var/log/"}],
            [{"pathPrefix": "/var", "readOnly": true}, {"pathPrefix": "/var/log"}],
            [{"pathPrefix": "/var/log", "readOnly": false}, {"pathPrefix": "/var/log/audit", "readOnly": true}],
            [{"pathPrefix": "/", "readOnly": true}, {"pathPrefix": "/data"}],
        ]);
        vec![
            ("allowed", one_of(&allowed)),
            ("denied", some_of(&["/etc", "/var/run/docker.sock", "/var/log/audit/x", "/windows"])),
            ("denied", Just(json!(["/etc", "/usr/local", "/srv/a/data"])).boxed()),
        ]
    },
    ..ReferenceRule::new("hostPathVolumes", host_path_volumes)
};

fn host_path_volumes(request: &Request<'_>) -> Findings {
    let settings: HostPathVolumesOptions = options(request.settings, "hostPathVolumes");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for (path, volume) in pod.volumes() {
            let Some(host_path) = &volume.host_path else { continue };
            let Some(entry) = settings.entry(&host_path.path, pod.is_windows()) else {
                findings.add(path.field("hostPath.path"), responsible_for_volume(pod, &volume.name));
                continue;
            };
            for container in &pod.containers {
                let mounts = mounts(container).into_iter().filter(|mount| mount.volume == volume.name);
                // A host path cannot be a block device.
                let mounts = mounts.filter(|mount| mount.field == "mountPath");
                for mount in mounts.filter(|mount| entry.read_only && !mount.is_read_only) {
                    findings.add(mount.path.field("readOnly"), container.as_responsible());
                }
            }
        }
    }
    findings
}

/// Volume types that containers cannot write to.
const READ_ONLY: [&str; 5] = ["configMap", "secret", "downwardAPI", "projected", "image"];

/// The default protected paths.
const PROTECTED: [&str; 25] = [
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/local/lib",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/sudoers",
    "/etc/ld.so.preload",
    "/etc/ld.so.conf",
    "/etc/ssl",
    "/boot",
    "/proc",
    "/sys",
];

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WritableMountsOptions {
    protected_paths: Vec<String>,
    allowed_paths: Option<Vec<String>>,
    allowed_types: Vec<String>,
}

impl Default for WritableMountsOptions {
    fn default() -> Self {
        Self {
            protected_paths: PROTECTED.map(str::to_owned).to_vec(),
            allowed_paths: None,
            allowed_types: ["emptyDir", "persistentVolumeClaim", "ephemeral"].map(str::to_owned).to_vec(),
        }
    }
}

impl WritableMountsOptions {
    fn allows(&self, path: &str, pod: &Pod) -> bool {
        let is_windows = is_windows_path(pod, path);
        let mut path = FilePath::parse(path, is_windows);
        path.is_unambiguous &= is_windows == pod.is_windows();
        let is_protected = self.protected_paths.iter().any(|protected| {
            let protected = FilePath::parse(protected, is_windows);
            path.starts_with(&protected) || protected.starts_with(&path)
        });
        let is_allowed = match &self.allowed_paths {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| path.matches(pattern, is_windows)),
        };
        is_allowed && !is_protected
    }
}

/// Returns the writable types of a volume. Kubernetes rejects volumes with two types and volumes with the same name; here,
/// all of them count.
fn writable_types(pod: &Pod, name: &str) -> Vec<String> {
    let volumes: Vec<_> = pod.volumes().into_iter().filter(|(_, volume)| volume.name == name).collect();
    // A volume that is not in the pod spec comes from a volume claim template. A template replaces the volume of its name.
    if volumes.is_empty() || pod.claims.contains(name) {
        return vec!["persistentVolumeClaim".to_owned()];
    }
    let sources = volumes.iter().flat_map(|(_, volume)| sources(volume));
    let is_writable = |kind: &str, source: &Value| {
        !READ_ONLY.contains(&kind) && source.get("readOnly") != Some(&Value::Bool(true))
    };
    sources.filter(|(kind, source)| is_writable(kind, source)).map(|(kind, _)| kind).collect()
}

/// Returns the types of a volume with their fields. A volume without a type is an `emptyDir` to the API server.
fn sources(volume: &Volume) -> Vec<(String, Value)> {
    let fields = json!(volume);
    let fields = fields.as_object().into_iter().flatten().filter(|(field, _)| *field != "name");
    let sources: Vec<_> = fields.map(|(kind, source)| (kind.clone(), source.clone())).collect();
    if sources.is_empty() { vec![("emptyDir".to_owned(), json!({}))] } else { sources }
}

/// Whether a path is a Windows path: a pod that does not set its operating system may run on either.
fn is_windows_path(pod: &Pod, path: &str) -> bool {
    let has_drive =
        path.starts_with(|letter: char| letter.is_ascii_alphabetic()) && path[1..].starts_with(':');
    let has_any_os = pod.spec.os.as_ref().is_none_or(|os| os.name.is_empty());
    pod.is_windows() || (has_any_os && (has_drive || path.starts_with('\\')))
}

/// `writableMounts`
pub(super) const WRITABLE_MOUNTS: ReferenceRule = ReferenceRule {
    effects: &[
        ("protectedPaths", &[Reports, Allows]),
        ("allowedPaths", &[Reports]),
        ("allowedTypes", &[Reports, Allows]),
    ],
    options: || {
        let paths = some_of(&["/tmp/", "/srv/*/data", "/cache/**", "/var/l*", "/opt/web2", "/data", "/usr"]);
        let types = &["emptyDir", "persistentVolumeClaim", "ephemeral", "nfs", "csi", "hostPath"];
        vec![
            ("protectedPaths", some_of(&["/opt/web/", "/usr/bin", "/Windows", "/var/log/audit"])),
            ("allowedPaths", prop_oneof![Just(Value::Null), paths].boxed()),
            ("allowedTypes", some_of(types)),
        ]
    },
    ..ReferenceRule::new("writableMounts", writable_mounts)
};

fn writable_mounts(request: &Request<'_>) -> Findings {
    let settings: WritableMountsOptions = options(request.settings, "writableMounts");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            for mount in mounts(container).into_iter().filter(|mount| !mount.is_read_only) {
                let types = writable_types(pod, &mount.volume);
                if types.is_empty() {
                    continue;
                }
                if !settings.allows(&mount.target, pod) {
                    findings.add(mount.path.field(mount.field), container.as_responsible());
                }
                if !types.iter().all(|kind| settings.allowed_types.contains(kind)) {
                    findings.add(mount.path.field("name"), container.as_responsible());
                }
            }
        }
    }
    findings
}
