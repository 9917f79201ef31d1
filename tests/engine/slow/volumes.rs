//! Rules about volumes and where they are mounted.

use k8s_openapi::api::core::v1::Volume;
use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Asked, Judged, Pod};
use super::found::{Found, Holders, Path};
use super::places::Place;
use super::settings::options;

/// Those who answer for a volume: the containers that mount it, or all where none does.
fn holders_of_volume(pod: &Pod, name: &str) -> Holders {
    let mounts = |judged: &Judged| judged.container.volume_mounts.clone().unwrap_or_default();
    let mounts_it = |judged: &Judged| mounts(judged).iter().any(|mount| mount.name == name);
    let holders: Vec<_> =
        pod.containers.iter().filter(|judged| mounts_it(judged)).map(Judged::holder).collect();
    if holders.is_empty() { pod.holders() } else { Holders { all: holders, are_whole_pod: false } }
}

/// A mount or a device of a container.
struct Mount {
    path: Path,
    volume: String,
    place: String,
    /// The field that says where it is.
    field: &'static str,
    is_read_only: bool,
}

fn mounts(judged: &Judged) -> Vec<Mount> {
    let mounts = judged.container.volume_mounts.iter().flatten().enumerate().map(|(index, mount)| Mount {
        path: judged.path.to("volumeMounts").item(index),
        volume: mount.name.clone(),
        place: mount.mount_path.clone(),
        field: "mountPath",
        is_read_only: mount.read_only == Some(true),
    });
    let devices = judged.container.volume_devices.iter().flatten().enumerate().map(|(index, device)| Mount {
        path: judged.path.to("volumeDevices").item(index),
        volume: device.name.clone(),
        place: device.device_path.clone(),
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
struct HostPathVolumes {
    allowed: Vec<Allowed>,
    denied: Vec<String>,
}

impl HostPathVolumes {
    /// The entry that allows a path, if one does.
    fn entry(&self, path: &str, is_windows: bool) -> Option<Allowed> {
        let place = Place::of(path, is_windows);
        let is_denied = self.denied.iter().any(|denied| {
            let denied = Place::of(denied, is_windows);
            place.is_in(&denied) || denied.is_in(&place)
        });
        if !place.is_absolute || !place.is_certain || is_denied {
            return None;
        }
        let prefix = |entry: &Allowed| Place::of(&entry.path_prefix, is_windows);
        let matching = self.allowed.iter().filter(|entry| place.is_in(&prefix(entry)));
        matching.max_by_key(|entry| prefix(entry).depth()).cloned()
    }
}

/// `hostPathVolumes`
pub(super) fn host_path_volumes(asked: &Asked<'_>) -> Found {
    let settings: HostPathVolumes = options(asked.settings, "hostPathVolumes");
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for (path, volume) in pod.volumes() {
            let Some(host_path) = &volume.host_path else { continue };
            let Some(entry) = settings.entry(&host_path.path, pod.is_windows()) else {
                found.add(path.to("hostPath.path"), holders_of_volume(pod, &volume.name));
                continue;
            };
            for judged in &pod.containers {
                let mounts = mounts(judged).into_iter().filter(|mount| mount.volume == volume.name);
                // A directory is no device.
                let mounts = mounts.filter(|mount| mount.field == "mountPath");
                for mount in mounts.filter(|mount| entry.read_only && !mount.is_read_only) {
                    found.add(mount.path.to("readOnly"), judged.holder());
                }
            }
        }
    }
    found
}

/// Types of volumes that nobody can write to.
const READ_ONLY: [&str; 5] = ["configMap", "secret", "downwardAPI", "projected", "image"];

/// What is protected where the settings do not say it.
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
struct WritableMounts {
    protected_paths: Vec<String>,
    allowed_paths: Option<Vec<String>>,
    allowed_types: Vec<String>,
}

impl Default for WritableMounts {
    fn default() -> Self {
        Self {
            protected_paths: PROTECTED.map(str::to_owned).to_vec(),
            allowed_paths: None,
            allowed_types: ["emptyDir", "persistentVolumeClaim", "ephemeral"].map(str::to_owned).to_vec(),
        }
    }
}

impl WritableMounts {
    fn accept(&self, path: &str, pod: &Pod) -> bool {
        let is_windows = is_of_windows(pod, path);
        let mut place = Place::of(path, is_windows);
        place.is_certain &= is_windows == pod.is_windows();
        let is_protected = self.protected_paths.iter().any(|protected| {
            let protected = Place::of(protected, is_windows);
            place.is_in(&protected) || protected.is_in(&place)
        });
        let is_allowed = match &self.allowed_paths {
            None => true,
            Some(patterns) => patterns.iter().any(|pattern| place.is_in_pattern(pattern, is_windows)),
        };
        is_allowed && !is_protected
    }
}

/// The types of a volume that can be written to. Kubernetes knows no volume of two types, or two volumes of one name;
/// should there be any, all of them count.
fn writable_types(pod: &Pod, name: &str) -> Vec<String> {
    let volumes: Vec<_> = pod.volumes().into_iter().filter(|(_, volume)| volume.name == name).collect();
    // What stands nowhere in the pod spec comes from a claim template, which takes the place of what has its name.
    if volumes.is_empty() || pod.claims.contains(name) {
        return vec!["persistentVolumeClaim".to_owned()];
    }
    let sources = volumes.iter().flat_map(|(_, volume)| sources(volume));
    let is_writable = |kind: &str, source: &Value| {
        !READ_ONLY.contains(&kind) && source.get("readOnly") != Some(&Value::Bool(true))
    };
    sources.filter(|(kind, source)| is_writable(kind, source)).map(|(kind, _)| kind).collect()
}

/// The types of a volume, and what is said of them. Of a volume without a type, the API server makes an `emptyDir`.
fn sources(volume: &Volume) -> Vec<(String, Value)> {
    let fields = json!(volume);
    let fields = fields.as_object().into_iter().flatten().filter(|(field, _)| *field != "name");
    let sources: Vec<_> = fields.map(|(kind, source)| (kind.clone(), source.clone())).collect();
    if sources.is_empty() { vec![("emptyDir".to_owned(), json!({}))] } else { sources }
}

/// Whether a path is read as Windows reads it: a pod that does not say its system may run on either.
fn is_of_windows(pod: &Pod, path: &str) -> bool {
    let has_drive =
        path.starts_with(|letter: char| letter.is_ascii_alphabetic()) && path[1..].starts_with(':');
    let is_open = pod.spec.os.as_ref().is_none_or(|os| os.name.is_empty());
    pod.is_windows() || (is_open && (has_drive || path.starts_with('\\')))
}

/// `writableMounts`
pub(super) fn writable_mounts(asked: &Asked<'_>) -> Found {
    let settings: WritableMounts = options(asked.settings, "writableMounts");
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for judged in &pod.containers {
            for mount in mounts(judged).into_iter().filter(|mount| !mount.is_read_only) {
                let types = writable_types(pod, &mount.volume);
                if types.is_empty() {
                    continue;
                }
                if !settings.accept(&mount.place, pod) {
                    found.add(mount.path.to(mount.field), judged.holder());
                }
                if !types.iter().all(|kind| settings.allowed_types.contains(kind)) {
                    found.add(mount.path.to("name"), judged.holder());
                }
            }
        }
    }
    found
}
