//! `writableMounts`: where a container can write, nothing lies that it runs, loads or logs in by.
//!
//! A finding is a writable mount at, above or below a protected path; outside of `allowedPaths` when that is set; of
//! a volume type outside of `allowedTypes`
//!
//! A mount is writable unless it has `readOnly: true`, its volume has, or nothing can write to volumes of its type:
//! `configMap`, `secret`, `downwardAPI`, `projected`, `image`. Raw devices (`volumeDevices`) are mounts too. A volume
//! that the pod spec does not have comes from a claim template beside it, and so does one that has the name of such a
//! template: both count as a `persistentVolumeClaim`. Paths are compared segment by segment, after `.`, `..` and `//` are
//! resolved; links are not followed. Windows paths are read as Windows reads them, in pods for Windows and where a pod
//! does not say its `os` and the path begins with a drive or `\`. Where Windows may read a path in another way, it lies in
//! no allowed place.
//!
//! Settings:
//!
//! - `protectedPaths`: what nobody may write to. By default, the directories that programs and libraries are loaded
//!   from, and the files in `/etc` that decide who may log in and what is loaded.
//! - `allowedPaths`: the strict form, unset by default: a container may write only there and below. `*` stands for
//!   any run of characters within one segment; a trailing `/**` means only what lies below.
//! - `allowedTypes`: the types of volumes that a container may write to.

use std::borrow::Cow;
use std::cell::{LazyCell, OnceCell};

use super::{Definition, Kind, Rule};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::file_path::{check_pattern, check_place, pattern_lies_within};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::volume::{Volume, writable_types};
use crate::rules::finding::{Finding, Value};
use crate::rules::fingerprint::Fingerprint;
use crate::rules::settings::Severity;
use crate::settings::reader::{Options, choice};
use crate::text::quoted;
use json_view::Raw;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "writableMounts",
    mode: Some(Severity::Deny),
    can_fix: false,
    kind: Kind::WritableMounts,
};

/// What programs and libraries are loaded from, what decides who may log in, and what is the kernel's.
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

pub(crate) struct WritableMounts<'s> {
    protected_paths: Cow<'s, [&'s str]>,
    allowed_paths: Option<Vec<&'s str>>,
    allowed_types: Cow<'s, [&'s str]>,
}

/// A place in a container where a volume can be written to, and the field that puts it there.
struct Mount<'p> {
    list: &'static str,
    index: usize,
    path_field: &'static str,
    path: &'p str,
    volume: &'p str,
}

impl Mount<'_> {
    fn is_device(&self) -> bool {
        self.list == DEVICES
    }
}

const MOUNTS: &str = "volumeMounts";
const DEVICES: &str = "volumeDevices";

const CLAIM: &str = "persistentVolumeClaim";

/// A volume, or what stands for all that come from claim templates.
struct MountedVolume<'p> {
    access: Access<'p>,
    /// The volume as it is written; nothing for one from a claim template.
    json: Raw<'p>,
    /// The fingerprint of the volume, once something is found. The text may be long, and mounted often.
    fingerprint: OnceCell<Fingerprint>,
}

impl<'p> MountedVolume<'p> {
    fn new(access: Access<'p>, json: Raw<'p>) -> Self {
        Self { access, json, fingerprint: OnceCell::new() }
    }

    /// The value of a finding about it: another volume in the same place is another finding.
    fn value(&self, field: &str) -> Value {
        let volume = self.fingerprint.get_or_init(|| Fingerprint::of(self.json.0));
        Value::Shared(Fingerprint::of_parts(&[field.as_bytes(), &volume.to_bytes()]))
    }
}

/// What a mount of a volume can do, where it does not ask for less.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access<'p> {
    ReadOnly,
    Writable,
    /// Write to a type of volume that may not be written to.
    Denied(&'p str),
}

impl<'s> WritableMounts<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let protected_paths = options.strings("protectedPaths", &PROTECTED, check_place);
        let allowed_paths = options.strings_if_given("allowedPaths", check_pattern);
        for pattern in allowed_paths.iter().flatten() {
            if let Some(place) = protected_paths.iter().find(|place| pattern_lies_within(pattern, place)) {
                let reason = format!("{} can never be allowed: {place} is protected", quoted(pattern));
                options.refuse("allowedPaths", &reason);
            }
        }
        let allowed_types =
            options.strings("allowedTypes", &["emptyDir", "persistentVolumeClaim", "ephemeral"], check_type);
        Self { protected_paths, allowed_paths, allowed_types }
    }

    /// What is wrong with the place of a writable mount, if anything.
    fn judge_path(&self, pod: &Pod<'_>, path: &str) -> Option<String> {
        let at = pod.file_path(path);
        if let Some(place) = self.protected_paths.iter().find(|place| at.overlaps(place)) {
            return Some(format!("{place} is protected"));
        }
        let is_allowed = |patterns: &Vec<&str>| patterns.iter().any(|pattern| at.is_within_pattern(pattern));
        let lies_outside = !self.allowed_paths.as_ref().is_none_or(is_allowed);
        lies_outside.then(|| "it lies outside of the allowed paths".to_owned())
    }

    /// What mounting a volume means where a mount may write to it.
    fn judge_volume<'p>(&self, volume: &'p Volume<'_>) -> Access<'p> {
        let mut access = Access::ReadOnly;
        for kind in volume.writable_types() {
            if !self.allowed_types.contains(&kind) {
                return Access::Denied(kind);
            }
            access = Access::Writable;
        }
        access
    }

    /// What mounting a volume means that the pod spec does not have: it comes from a claim template.
    fn judge_claim(&self) -> Access<'static> {
        if self.allowed_types.contains(&CLAIM) { Access::Writable } else { Access::Denied(CLAIM) }
    }

    fn judge<'p>(
        &self,
        at: ContainerAt<'p, '_>,
        mount: &Mount<'_>,
        mounted: &MountedVolume<'_>,
        found: &mut Vec<Finding<'p>>,
    ) {
        let Mount { list, index, path_field, path, volume } = mount;
        if mounted.access == Access::ReadOnly {
            return;
        }
        if let Some(reason) = self.judge_path(at.pod, path) {
            let demand = if mount.is_device() {
                format!("must have no writable device at {}: {reason}", quoted(path))
            } else {
                format!("must mount {} read-only, or elsewhere: {reason}", quoted(path))
            };
            let field = of_item(list, *index, path_field);
            Finding::of_container(found, at, &field, "", demand).value = mounted.value(path);
        }
        if let Access::Denied(kind) = mounted.access {
            let demand = if mount.is_device() {
                format!("must not have {} as a device: its type is {}", quoted(volume), quoted(kind))
            } else {
                format!("must mount {} read-only: its type is {}", quoted(volume), quoted(kind))
            };
            let field = of_item(list, *index, "name");
            Finding::of_container(found, at, &field, "", demand).value = mounted.value(volume);
        }
    }
}

impl Rule for WritableMounts<'_> {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let volumes = LazyCell::new(|| {
            let judged = |volume| MountedVolume::new(self.judge_volume(volume), volume.json);
            let volumes: Vec<_> = pod.spec.volumes.iter().map(judged).collect();
            (pod.volume_places(), volumes, MountedVolume::new(self.judge_claim(), Raw::default()))
        });
        let mounted = |name: &str| {
            let (places, volumes, claim) = &*volumes;
            places.get(name).and_then(|place| volumes.get(place)).unwrap_or(claim)
        };
        for at in pod.all_containers() {
            for (index, mount) in at.container.volume_mounts.iter().enumerate() {
                if !mount.read_only {
                    let (path, volume) = (&*mount.mount_path, &*mount.name);
                    let mount = Mount { list: MOUNTS, index, path_field: "mountPath", path, volume };
                    self.judge(at, &mount, mounted(volume), found);
                }
            }
            for (index, device) in at.container.volume_devices.iter().enumerate() {
                let (path, volume) = (&*device.device_path, &*device.name);
                let mount = Mount { list: DEVICES, index, path_field: "devicePath", path, volume };
                self.judge(at, &mount, mounted(volume), found);
            }
        }
    }
}

fn check_type(kind: &str) -> Result<(), String> {
    let types: Vec<_> = writable_types().collect();
    if types.contains(&kind) {
        return Ok(());
    }
    Err(format!("{} is no type of volume that can be written to{}", quoted(kind), choice(kind, &types)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    /// A pod with an `emptyDir` at a path.
    fn pod(path: &str) -> Value {
        json!({
            "containers": [{"name": "a", "volumeMounts": [{"name": "x", "mountPath": path}]}],
            "volumes": [{"name": "x", "emptyDir": {}}],
        })
    }

    #[track_caller]
    fn reason(settings: &Value, path: &str) -> Option<String> {
        let lines = check(&RULE, settings, &pod(path));
        assert!(lines.len() <= 1, "{lines:?}");
        let line = lines.first()?;
        let prefix = format!(
            "spec.containers[0].volumeMounts[0].mountPath: container \"a\" must mount \"{path}\" read-only, or elsewhere: "
        );
        Some(line.strip_prefix(&prefix).unwrap().strip_suffix(" [writableMounts]").unwrap().to_owned())
    }

    #[test]
    fn protects_places_from_above_and_below() {
        for (path, place) in [
            ("/usr/bin/x", "/usr/bin"),
            ("/usr/bin", "/usr/bin"),
            ("/usr", "/usr/bin"),
            ("/", "/bin"),
            ("", "/bin"),
            ("usr/bin", "/usr/bin"),
            ("/usr/local", "/usr/local/bin"),
            ("/etc", "/etc/passwd"),
            ("/etc/ssl/certs", "/etc/ssl"),
            ("/tmp/../bin", "/bin"),
            ("//usr//bin/", "/usr/bin"),
            ("/usr/./lib/x", "/usr/lib"),
            ("/proc/sys", "/proc"),
        ] {
            assert_eq!(reason(&json!({}), path).unwrap(), format!("{place} is protected"), "{path}");
        }
        for path in [
            "/usr/local/apache2/logs",
            "/usr/share/nginx/html",
            "/binary",
            "/usr/bin2",
            "/tmp",
            "/run",
            "/etc/nginx",
            "/etc/passwd-",
            "/var/lib",
            "/dev/shm",
            "/usr/bin/../../tmp",
        ] {
            assert_eq!(reason(&json!({}), path), None, "{path}");
        }
    }

    #[test]
    fn the_settings_may_protect_other_places() {
        let settings = json!({"protectedPaths": ["/opt/app/"]});
        assert_eq!(reason(&settings, "/usr/bin"), None);
        assert_eq!(reason(&settings, "/opt").unwrap(), "/opt/app/ is protected");
        assert_eq!(reason(&json!({"protectedPaths": []}), "/"), None);
    }

    #[test]
    fn the_settings_may_allow_a_few_places_only() {
        let settings = json!({"allowedPaths": ["/tmp", "/var/lib/*/data", "/cache/**"]});
        for path in ["/tmp", "/tmp/x", "/var/lib/a/data", "/var/lib/a/data/x", "/cache/x"] {
            assert_eq!(reason(&settings, path), None, "{path}");
        }
        for path in ["/tmpfs", "/var/lib/a/b/data", "/cache", "/var", "/tmp/../x"] {
            assert_eq!(reason(&settings, path).unwrap(), "it lies outside of the allowed paths", "{path}");
        }
        assert_eq!(reason(&settings, "/usr/bin").unwrap(), "/usr/bin is protected");
        assert!(reason(&json!({"allowedPaths": []}), "/tmp").is_some());
        assert_eq!(reason(&json!({"allowedPaths": null}), "/tmp"), None);
    }

    #[test]
    fn what_cannot_be_written_to_may_be_anywhere() {
        let mut pod = pod("/usr/bin");
        for read_only in [
            json!({"configMap": {}}),
            json!({"secret": {}}),
            json!({"downwardAPI": {}}),
            json!({"projected": {}}),
            json!({"image": {}}),
            json!({"csi": {"readOnly": true}}),
            json!({"nfs": {"readOnly": true}}),
            json!({"persistentVolumeClaim": {"claimName": "x", "readOnly": true}}),
        ] {
            pod["volumes"][0] = read_only.clone();
            pod["volumes"][0]["name"] = "x".into();
            assert_eq!(check(&RULE, &json!({}), &pod), [""; 0], "{read_only}");
        }
        let mut read_only = self::pod("/usr/bin");
        read_only["containers"][0]["volumeMounts"][0]["readOnly"] = true.into();
        assert_eq!(check(&RULE, &json!({}), &read_only), [""; 0]);
    }

    #[test]
    fn only_some_types_may_be_written_to() {
        let mut pod = pod("/data");
        let finding = |kind: &str| {
            format!(
                "spec.containers[0].volumeMounts[0].name: container \"a\" \
                 must mount \"x\" read-only: its type is \"{kind}\" [writableMounts]"
            )
        };
        for kind in ["hostPath", "csi", "nfs", "gitRepo"] {
            pod["volumes"][0] = json!({"name": "x", kind: {}});
            assert_eq!(check(&RULE, &json!({}), &pod), [finding(kind)]);
            assert_eq!(check(&RULE, &json!({"allowedTypes": ["emptyDir", kind]}), &pod), [""; 0]);
        }
        pod["volumes"][0] = json!({"name": "x", "inventedTomorrow": {}});
        assert_eq!(check(&RULE, &json!({}), &pod), [finding("inventedTomorrow")]);
        for kind in ["emptyDir", "persistentVolumeClaim", "ephemeral"] {
            pod["volumes"][0] = json!({"name": "x", kind: {}});
            assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
            assert_eq!(check(&RULE, &json!({"allowedTypes": ["csi"]}), &pod), [finding(kind)]);
        }
    }

    #[test]
    fn a_volume_from_elsewhere_is_a_claim() {
        let mut pod = pod("/data");
        pod["volumes"] = json!([]);
        assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
        assert_eq!(check(&RULE, &json!({"allowedTypes": ["emptyDir"]}), &pod).len(), 1);
        pod["containers"][0]["volumeMounts"][0]["mountPath"] = "/bin".into();
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn a_place_and_a_type_are_two_findings() {
        let mut pod = pod("/bin");
        pod["volumes"][0] = json!({"name": "x", "hostPath": {"path": "/bin"}});
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 2);
    }

    #[test]
    fn devices_are_mounts_too() {
        let mut pod = json!({
            "containers": [{"name": "a", "volumeDevices": [{"name": "x", "devicePath": "/sys/disk"}]}],
            "volumes": [{"name": "x", "persistentVolumeClaim": {}}],
        });
        assert_eq!(
            check(&RULE, &json!({}), &pod),
            ["spec.containers[0].volumeDevices[0].devicePath: container \"a\" \
              must have no writable device at \"/sys/disk\": /sys is protected [writableMounts]"]
        );
        pod["volumes"][0]["persistentVolumeClaim"]["readOnly"] = true.into();
        assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
    }

    #[test]
    fn sees_every_kind_of_container() {
        let container =
            |name: &str| json!({"name": name, "volumeMounts": [{"name": "x", "mountPath": "/lib"}]});
        let pod = json!({
            "initContainers": [container("a")], "containers": [container("b")],
            "ephemeralContainers": [container("c")], "volumes": [{"name": "x", "emptyDir": {}}],
        });
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 3);
    }

    #[test]
    fn reads_the_paths_of_windows() {
        let settings = json!({"protectedPaths": ["/Windows"]});
        for (path, count) in [(r"C:\windows\system32", 1), (r"c:\", 1), (r"C:\data", 0), (r"D:\windows", 0)] {
            let mut pod = pod(path);
            pod["os"] = json!({"name": "windows"});
            assert_eq!(check(&RULE, &settings, &pod).len(), count, "{path}");
        }
    }

    #[test]
    fn refuses_what_can_never_match() {
        let settings = json!({
            "protectedPaths": ["bin", "/usr/../bin", "/usr/bin"],
            "allowedPaths": ["/usr/bin/x", "/usr/bin/**", "/usr/*", "/a/**/b", "tmp"],
            "allowedTypes": ["emptydir", "configMap", "csi"],
        });
        let allowed = format!(" (allowed: {})", writable_types().collect::<Vec<_>>().join(", "));
        let errors: Vec<_> =
            errors(&RULE, &settings).iter().map(|error| error.replace(&allowed, " …")).collect();
        assert_eq!(
            errors,
            [
                r#"writableMounts.protectedPaths[0]: must be an absolute path, not "bin""#,
                r#"writableMounts.protectedPaths[1]: must be a path without ., .. and //, not "/usr/../bin""#,
                r#"writableMounts.allowedPaths[3]: may have ** only at the end, as in /data/**, not "/a/**/b""#,
                r#"writableMounts.allowedPaths[4]: must be an absolute path, not "tmp""#,
                r#"writableMounts.allowedPaths: "/usr/bin/x" can never be allowed: /usr/bin is protected"#,
                r#"writableMounts.allowedPaths: "/usr/bin/**" can never be allowed: /usr/bin is protected"#,
                r#"writableMounts.allowedTypes[0]: "emptydir" is no type of volume that can be written to, did you mean "emptyDir"? …"#,
                r#"writableMounts.allowedTypes[1]: "configMap" is no type of volume that can be written to …"#,
            ]
        );
    }
}
