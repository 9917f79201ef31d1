//! The volumes that a fix adds to a pod, because containers with a read-only root write to them.

use std::borrow::Cow;

use json_view::{RawValue, Text};
use serde::Serialize;

use crate::kubernetes::name_index::{NO_INDEX, NameIndex};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::quantity::billionths;
use crate::kubernetes::volume::Volume;
use crate::raw_object::RawObject;
use crate::settings::writable_paths::WritablePath;

/// The beginning of the name of every added volume.
const PREFIX: &str = "writable-";

/// Maximum length of the readable part of a name. A volume name is a DNS label of at most 63 characters: the readable part, a dash,
/// eight digits, and two more dashes and numbers if the name exists already.
const MAX_READABLE_LENGTH: usize = 40;

/// The volumes of a pod, and those that a fix adds.
#[derive(Debug, Default)]
pub(super) struct Volumes<'p> {
    present: &'p [Volume<'p>],
    names: NameIndex<'p>,
    /// The names of mounted volumes.
    mounted: NameIndex<'p>,
}

impl<'p> Volumes<'p> {
    /// Returns the volumes of a pod.
    pub(super) fn of(pod: &'p Pod<'p>) -> Self {
        let mut mounted = NameIndex::default();
        for at in pod.all_containers() {
            let mounts = at.container.volume_mounts.iter().map(|mount| &*mount.name);
            let devices = at.container.volume_devices.iter().map(|device| &*device.name);
            for name in mounts.chain(devices) {
                mounted.add(name.into(), 0);
            }
        }
        Self { present: &pod.spec.volumes, names: pod.volumes_by_name(), mounted }
    }

    /// Adds a volume for a path that a container writes to.
    ///
    /// The name of the volume depends only on the container and the path, unless another volume has this name. A volume that an
    /// earlier fix has added, and that no container mounts, is used again: applying a manifest replaces containers, but keeps volumes.
    pub(super) fn add<'s>(&mut self, at: ContainerAt<'_, '_>, path: WritablePath<'s>) -> AddedVolume<'s> {
        let preferred = preferred_name(&at.container.name, path.path);
        let mut name = preferred.clone();
        let mut attempt = 0;
        loop {
            let is_free = self.names.get(&name).is_none() && self.mounted.get(&name).is_none();
            if is_free {
                self.names.add(Cow::Owned(name.clone()), NO_INDEX);
                return AddedVolume { name, path, is_present: false };
            }
            if self.is_left_over(&name, path) {
                self.mounted.add(Cow::Owned(name.clone()), 0);
                return AddedVolume { name, path, is_present: true };
            }
            attempt += 1;
            // The index of the container is part of the name, so that containers do not compete for names.
            name = format!("{preferred}-{}-{attempt}", at.index);
        }
    }

    fn is_left_over(&self, name: &str, path: WritablePath<'_>) -> bool {
        let volume = self.names.get(name).and_then(|index| self.present.get(index));
        self.mounted.get(name).is_none() && volume.is_some_and(|volume| is_added_for(volume, path))
    }
}

/// Returns whether a volume is the `emptyDir` that a fix would add for a path, and nothing else.
fn is_added_for(volume: &Volume<'_>, path: WritablePath<'_>) -> bool {
    let Ok(RawObject(fields)) = json_view::from_slice(volume.json.0) else { return false };
    let is_expected = |(key, value): &(Text<'_>, RawValue<'_>)| match &**key {
        "name" => true,
        _ if value.0 == b"null" => true,
        "emptyDir" => is_empty_dir_for(*value, path),
        _ => false,
    };
    volume.source("emptyDir").is_some() && fields.iter().all(is_expected)
}

fn is_empty_dir_for(RawValue(json): RawValue<'_>, path: WritablePath<'_>) -> bool {
    let Ok(RawObject(fields)) = json_view::from_slice(json) else { return false };
    let (mut medium, mut size) = (None, None);
    for (key, value) in fields.iter().filter(|(_, value)| value.0 != b"null") {
        let field = match &**key {
            "medium" => &mut medium,
            "sizeLimit" => &mut size,
            _ => return false,
        };
        let Ok(text) = json_view::from_slice::<Text<'_>>(value.0) else { return false };
        *field = Some(text);
    }
    // API servers write an unset medium as an empty one, and a size with another unit.
    let has_size = match (size.as_deref(), path.size_limit) {
        (Some(size), Some(limit)) => {
            size == limit || billionths(size).is_some_and(|size| Some(size) == billionths(limit))
        }
        (size, limit) => size == limit,
    };
    medium.as_deref().filter(|medium| !medium.is_empty()) == path.medium && has_size
}

/// Returns a name that shows what the volume is for, and ends in a number that other volumes are unlikely to have.
fn preferred_name(container: &str, path: &str) -> String {
    let purpose = [container, "\0", path.trim_end_matches('/')].concat();
    let mut name = PREFIX.to_owned();
    for byte in purpose.bytes() {
        if name.len() == MAX_READABLE_LENGTH {
            break;
        }
        match byte.to_ascii_lowercase() {
            byte @ (b'a'..=b'z' | b'0'..=b'9') => name.push(char::from(byte)),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let readable = name.trim_end_matches('-');
    format!("{readable}-{:08x}", hash(&purpose))
}

/// Returns the FNV-1a hash, which is the same on all machines.
///
/// Source: <http://www.isthe.com/chongo/tech/comp/fnv/>
fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// A volume that is added for a path.
#[derive(Debug)]
pub(super) struct AddedVolume<'s> {
    /// The name, which is a DNS label.
    name: String,
    path: WritablePath<'s>,
    is_present: bool,
}

impl AddedVolume<'_> {
    /// Returns whether the pod has the volume already, so that only the mount is missing.
    pub(super) fn is_present(&self) -> bool {
        self.is_present
    }

    /// Returns the path of the mount.
    pub(super) fn path(&self) -> &str {
        self.path.path
    }

    /// Returns the volume.
    pub(super) fn volume(&self) -> impl Serialize {
        let WritablePath { medium, size_limit, .. } = self.path;
        EmptyDirVolume { name: &self.name, empty_dir: EmptyDir { medium, size_limit } }
    }

    /// Returns the mount of its container.
    pub(super) fn mount<'v>(&'v self, options: &'v [&'v str]) -> impl Serialize + 'v {
        AddedMount { name: &self.name, mount_path: self.path.path, options }
    }
}

/// `Volume` of `k8s.io/api/core/v1`, with an `emptyDir`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmptyDirVolume<'v> {
    name: &'v str,
    empty_dir: EmptyDir<'v>,
}

/// `EmptyDirVolumeSource` of `k8s.io/api/core/v1`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EmptyDir<'v> {
    #[serde(skip_serializing_if = "Option::is_none")]
    medium: Option<&'v str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size_limit: Option<&'v str>,
}

/// `VolumeMount` of `k8s.io/api/core/v1`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AddedMount<'v> {
    name: &'v str,
    mount_path: &'v str,
    #[serde(rename = "bindMountOptions", skip_serializing_if = "<[_]>::is_empty")]
    options: &'v [&'v str],
}

#[cfg(test)]
mod tests {
    use json_view as json;
    use serde_json::json;

    use super::*;

    fn add(volumes: &mut Volumes<'_>, container: &str, path: &str) -> String {
        let spec = json!({"containers": [{}, {"name": container}]}).to_string();
        let pod = json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let path = WritablePath { path, medium: None, size_limit: None };
        volumes.add(pod.all_containers().nth(1).unwrap(), path).name
    }

    #[test]
    fn volume_names_are_stable_and_valid() {
        let name = |container: &str, path: &str| add(&mut Volumes::default(), container, path);
        assert_eq!(name("web", "/run"), "writable-web-run-bc7528a1");
        assert_eq!(name("web", "/run/"), "writable-web-run-bc7528a1");
        assert_eq!(name("Web", "/run"), "writable-web-run-6dfb3701");
        assert_eq!(name("", "/.x_/é"), "writable-x-e133f7ac");
        assert_ne!(name("a-b", "/c"), name("a", "/b/c"));
        assert_eq!(name(&"x".repeat(63), "/var/lib/y"), format!("writable-{}-96d9fd77", "x".repeat(31)));
    }

    #[test]
    fn volumes_do_not_get_the_name_of_another_volume() {
        let taken = ["writable-web-run-bc7528a1", "writable-web-run-bc7528a1-1-1"];
        let mut volumes = Volumes { names: NameIndex::of(taken.into_iter()), ..Volumes::default() };
        assert_eq!(add(&mut volumes, "web", "/run"), "writable-web-run-bc7528a1-1-2");
        assert_eq!(add(&mut volumes, "web", "/run"), "writable-web-run-bc7528a1-1-3");
        assert_eq!(add(&mut volumes, "web", "/tmp"), "writable-web-tmp-1cf93155");
    }

    #[test]
    fn a_volume_has_the_options_of_the_settings() {
        let volume = |medium, size_limit| {
            let path = WritablePath { path: "/a \"b\"", medium, size_limit };
            let added = AddedVolume { name: "x".to_owned(), path, is_present: false };
            (
                serde_json::to_string(&added.volume()).unwrap(),
                serde_json::to_string(&added.mount(&[])).unwrap(),
            )
        };
        let mount = r#"{"name":"x","mountPath":"/a \"b\""}"#.to_owned();
        assert_eq!(volume(None, None), (r#"{"name":"x","emptyDir":{}}"#.to_owned(), mount.clone()));
        assert_eq!(
            volume(Some("Memory"), Some("64Mi")),
            (r#"{"name":"x","emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}}"#.to_owned(), mount)
        );
    }

    #[test]
    fn a_volume_of_an_earlier_fix_is_used_again() {
        let name = "writable-web-run-bc7528a1";
        let again = |volume: &str, mounts: &str| {
            let spec = format!(
                r#"{{"containers": [{{"name": "web"}}, {{"name": "b", "volumeMounts": [{mounts}]}}], "volumes": [{volume}]}}"#
            );
            let pod =
                json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
            let path = WritablePath { path: "/run", medium: Some("Memory"), size_limit: Some("0.5Gi") };
            let added = Volumes::of(&pod).add(pod.all_containers().next().unwrap(), path);
            assert_eq!(added.is_present(), added.name == name, "{volume}");
            added.is_present()
        };
        let volume = |source: &str| format!(r#"{{"name": "{name}", {source}}}"#);
        for same in [
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "0.5Gi"}"#,
            r#""emptyDir": {"sizeLimit": "512Mi", "medium": "Memory"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}, "secret": null"#,
        ] {
            assert!(again(&volume(same), ""), "{same}");
            assert!(again(&volume(same), r#"{"name": "other", "mountPath": "/run"}"#), "{same}");
            assert!(!again(&volume(same), &format!(r#"{{"name": "{name}", "mountPath": "/x"}}"#)), "{same}");
        }
        for other in [
            r#""emptyDir": {"medium": "Memory"}"#,
            r#""emptyDir": {"sizeLimit": "512Mi"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "513Mi"}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi", "x": 1}"#,
            r#""emptyDir": {"medium": "Memory", "sizeLimit": "512Mi"}, "hostPath": {"path": "/"}"#,
            r#""secret": {"secretName": "a"}"#,
            r#""emptyDir": null"#,
        ] {
            assert!(!again(&volume(other), ""), "{other}");
        }
    }
}
