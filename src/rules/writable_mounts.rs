//! `writableMounts`: containers cannot write where programs, libraries and login files are.

mod default_paths;
mod image_volumes;
mod live_content;
mod mounted_volume;
mod protected_filter;
mod shared;
mod termination_message;
mod volume_types;

use std::borrow::Cow;
use std::cell::LazyCell;

use super::finding::Findings;
use super::fingerprint::Fingerprint;
use super::host_path_volumes::HostPathVolumes;
use super::rule::{ImageConfig, ImageViolation, Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::pod::ContainerAt;
use crate::kubernetes::volume::{CLAIM, Volume, writable_types};
use crate::settings::declaration::{Choices, Declared, Flag, Format, OptionalTexts, Setting, Texts, Word};
use crate::settings::mode::Mode;
use crate::settings::path_pattern::{PATH, PATH_PATTERN, is_within, lies_within};
use crate::settings::reader::ObjectReader;
use crate::settings::suggestion::suggestion;
use crate::text::quoted;
use default_paths::PROTECTED;
use mounted_volume::{Access, DEVICES, MOUNTS, Mount, MountedVolume};
use protected_filter::ProtectedFilter;

const PROTECTED_PATHS: Setting<Texts> = Setting {
    key: "protectedPaths",
    label: "Protected paths",
    doc: "Paths that containers cannot write to. By default, the directories of programs and libraries, and the files in `/etc` that \
          decide about logins and loaded libraries. A list replaces the default.",
    kind: Texts { format: &PATH, default: &PROTECTED, may_be_empty: true },
};

const ADDITIONAL_PROTECTED_PATHS: Setting<Texts> = Setting {
    key: "additionalProtectedPaths",
    label: "Additional protected paths",
    doc: "Paths that are protected in addition to `protectedPaths`, such as the directory of an application.",
    kind: Texts { format: &PATH, default: &[], may_be_empty: true },
};

const ALLOWED_PATHS: Setting<OptionalTexts> = Setting {
    key: "allowedPaths",
    label: "Allowed paths",
    doc: "If set, containers can write only to these paths and below them. `*` matches any characters within one segment; a trailing \
          `/**` matches only what is below.",
    kind: OptionalTexts { format: &PATH_PATTERN, may_be_empty: true },
};

const ALLOWED_TYPES: Setting<Texts> = Setting {
    key: "allowedTypes",
    label: "Allowed volume types",
    doc: "Types of volumes that containers can write to.",
    kind: Texts {
        format: &WRITABLE_TYPE,
        default: &["emptyDir", "persistentVolumeClaim", "ephemeral"],
        may_be_empty: true,
    },
};

const LIVE_VOLUMES: Setting<Word<LiveVolumes>> = Setting {
    key: "liveVolumes",
    label: "Volumes that change",
    doc: "Whether volumes whose content changes in running containers (`configMap`, `secret`, `projected`, `downwardAPI`) can be \
          mounted at protected paths without a `subPath`.",
    kind: Word {
        words: &[("deny", LiveVolumes::Deny), ("allow", LiveVolumes::Allow)],
        default: LiveVolumes::Deny,
    },
};

const INSPECT_IMAGE: Setting<Flag> = Setting {
    key: "inspectImage",
    label: "Look up VOLUMEs of images",
    doc: "Evaluates the paths of each `VOLUME` of the image, except where the container mounts a volume. The policy server looks up \
          each image once in its registry, also for `runAsNonRoot.inspectImage`; its configuration must grant \
          `oci/v1/oci_manifest_config`. A failed look-up is a finding. Images of Windows pods are not looked up.",
    kind: Flag,
};

const WRITABLE_TYPE: Format = Format {
    check: check_type,
    demands: &[],
    choices: Some(|| Choices { words: writable_types().collect(), other_spellings: None }),
};

pub(crate) struct WritableMounts<'s> {
    protected_paths: Cow<'s, [&'s str]>,
    additional_protected_paths: Cow<'s, [&'s str]>,
    /// Excludes most paths that overlap no protected path.
    protected_filter: ProtectedFilter,
    allowed_paths: Option<Vec<&'s str>>,
    allowed_types: Cow<'s, [&'s str]>,
    live_volumes: LiveVolumes,
    inspect_image: bool,
    /// The rule about host paths, if it is on. What it denies is not denied again because of its type.
    host_path_volumes: Option<HostPathVolumes<'s>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LiveVolumes {
    Deny,
    Allow,
}

impl<'s> WritableMounts<'s> {
    /// Sets the rule about host paths, which evaluates the same volumes.
    pub(super) fn set_host_path_volumes(&mut self, rule: Option<HostPathVolumes<'s>>) {
        self.host_path_volumes = rule;
    }

    /// The first protected path that a path in a container overlaps.
    fn protected_path(&self, at: &FilePath<'_>) -> Option<&'s str> {
        if self.protected_filter.excludes(at.as_str()) {
            return None;
        }
        let mut paths = self.protected_paths.iter().chain(&*self.additional_protected_paths).copied();
        paths.find(|protected| at.overlaps(protected))
    }

    /// What is wrong with a path that a container can write to, if anything.
    fn path_violation(&self, at: &FilePath<'_>) -> Option<String> {
        self.violation_at(at, self.protected_path(at))
    }

    /// What is wrong with a path that a container can write to, and that overlaps a protected path or none.
    fn violation_at(&self, at: &FilePath<'_>, protected: Option<&str>) -> Option<String> {
        if let Some(protected) = protected {
            return Some(format!("{protected} is protected"));
        }
        let is_allowed = |patterns: &Vec<&str>| patterns.iter().any(|pattern| is_within(at, pattern));
        let is_outside = !self.allowed_paths.as_ref().is_none_or(is_allowed);
        is_outside.then(|| "the path is not in allowedPaths".to_owned())
    }

    fn mounted_volume<'p>(&self, index: usize, volume: &'p Volume<'p>) -> MountedVolume<'p> {
        let live_type = match self.live_volumes {
            LiveVolumes::Deny => live_content::live_type(volume),
            LiveVolumes::Allow => None,
        };
        let (access, source) = (self.access_to(volume), Some((index, volume)));
        MountedVolume { access, live_type, source, ..MountedVolume::default() }
    }

    /// All volumes that the pod spec does not contain: they come from claim templates.
    fn mounted_claims(&self) -> MountedVolume<'static> {
        let is_allowed = self.allowed_types.contains(&CLAIM);
        let access = if is_allowed { Access::Writable } else { Access::Denied(CLAIM) };
        MountedVolume { access, ..MountedVolume::default() }
    }

    fn access_to<'p>(&self, volume: &'p Volume<'_>) -> Access<'p> {
        let mut access = Access::ReadOnly;
        for kind in volume.writable_types() {
            if !self.allowed_types.contains(&kind) {
                return Access::Denied(kind);
            }
            access = Access::Writable;
        }
        access
    }

    /// Checks a mount that is not read-only.
    fn check_writable<'p>(
        &self,
        container: ContainerAt<'p, 'p>,
        mount: &Mount<'_>,
        mounted: &MountedVolume<'_>,
        findings: &mut Findings<'p>,
    ) {
        let Mount { list, index, path_field, path, at, protected, .. } = mount;
        if mounted.access == Access::ReadOnly {
            return;
        }
        if let Some(reason) = self.violation_at(at, *protected) {
            let message = if mount.is_device() {
                format!("must not have a writable device at {}: {reason}", quoted(path))
            } else {
                format!("must mount {} read-only, or elsewhere: {reason}", quoted(path))
            };
            let finding = findings.at(container, &of_item(list, *index, path_field));
            let volume = mounted.fingerprint(path).to_bytes();
            // Another part of the same volume is another finding.
            finding.message(message).shared_value(Fingerprint::of_parts(&[&volume, mount.part.as_bytes()]));
        }
        if let Access::Denied(kind) = mounted.access {
            self.report_type(container, mount, mounted, kind, findings);
        }
    }
}

impl<'s> Rule<'s> for WritableMounts<'s> {
    const META: RuleMeta =
        RuleMeta { id: "writableMounts", severity: Severity::High, default_mode: Mode::Deny, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Writable mounts do not cover programs, libraries or login files.",
        finding: "a writable mount at, above or below a protected path; outside of `allowedPaths` if it is set; of a volume type that is \
                  not in `allowedTypes`; of a volume that is also mounted at, above or below a protected path; a termination message, or \
                  with `inspectImage` a `VOLUME` of the image, at such a path; a volume that changes while the container runs, at, above \
                  or below a protected path",
        fix: None,
        why: "\
Where a container can write, an attacker can replace what it runs, loads or trusts, even if its root filesystem is read-only.",
        how: Some(
            "\
A mount is writable unless it has `readOnly: true`, its volume has, or volumes of its type are never writable: `configMap`, `secret`,
`downwardAPI`, `projected`, `image`. Raw devices (`volumeDevices`) are mounts too. A volume that the pod spec does not contain comes from
a claim template, and so does a volume with the name of a claim template: both count as a `persistentVolumeClaim`. Paths are compared
segment by segment, after `.`, `..` and `//` are resolved; links are not followed. Windows paths are parsed as Windows parses them, in
Windows pods, and in pods that do not set `os` if the path begins with a drive or `\\\\`. A path that Windows may read in another way is
not within any allowed path. A `hostPath` volume that `hostPathVolumes` denies is not denied again because of its type.

A volume that is mounted at, above or below a protected path, read-only or not, must not be mounted writable elsewhere by a container that
runs at the same time: the container itself, a regular container, a sidecar or a debug container. An init container that is not a sidecar
counts only for itself and for the sidecars before it in the list. Two mounts with a `subPath` have nothing in common if neither part
contains the other, and if no container mounts a directory above one of them writable, in which it could leave a link. A `subPathExpr`
counts as the whole volume. A part that appears below the mount, such as `cache` of a volume at `/root`, counts only if it appears at a
protected path. Volumes of one claim are one volume. Host paths are parts of one volume, the node's file system, in which `/var/run` is
`/run`; links count only within one of them. If a volume has more than 128 mounts, all of them count as the whole volume, and all containers
as running at the same time. An exemption must cover the container that writes and all containers that it can affect.

The kubelet mounts a file that every user can write at `terminationMessagePath`, even if the root filesystem is read-only. The path must
not overlap a protected path, and must be in `allowedPaths` if it is set. The default, `/dev/termination-log`, always passes.

The kubelet updates `configMap`, `secret`, `projected` and `downwardAPI` volumes in running containers: a user who changes a ConfigMap,
or an annotation of the pod, changes the files. At, above or below a protected path, such a volume needs a `subPath`, which is not updated;
`.` and a `subPathExpr` do not count. Certificate stores are meant to be renewed and pass: `/etc/ssl/certs`, `/etc/pki/tls/certs`,
`/etc/pki/ca-trust` and `/usr/local/share/ca-certificates`, and paths below them. `liveVolumes: allow` switches this check off.

containerd mounts a writable copy of the content at each `VOLUME` of an image, even if the root filesystem is read-only. CRI-O by default
only creates the directory. With `inspectImage`, a `VOLUME` counts like a writable mount, but its type does not matter. A mount of the
container at exactly this path replaces a `VOLUME` with an absolute path. Look-ups come last: if anything else denies the request, images
are not looked up.",
        ),
        limits: Some(
            "\
The policy does not read what a volume contains, and does not know when two `nfs` or `csi` volumes are the same share.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[
        &PROTECTED_PATHS,
        &ADDITIONAL_PROTECTED_PATHS,
        &ALLOWED_PATHS,
        &ALLOWED_TYPES,
        &LIVE_VOLUMES,
        &INSPECT_IMAGE,
    ];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let protected_paths = reader.get(&PROTECTED_PATHS);
        let additional_protected_paths = reader.get(&ADDITIONAL_PROTECTED_PATHS);
        let allowed_paths = reader.get(&ALLOWED_PATHS);
        for pattern in allowed_paths.iter().flatten() {
            let mut paths = protected_paths.iter().chain(&*additional_protected_paths);
            if let Some(path) = paths.find(|path| lies_within(pattern, path)) {
                let reason = format!("{} can never be allowed: {path} is protected", quoted(pattern));
                reader.refuse(ALLOWED_PATHS.key, reason);
            }
        }
        Self {
            protected_filter: ProtectedFilter::of(protected_paths.iter().chain(&*additional_protected_paths)),
            protected_paths,
            additional_protected_paths,
            allowed_paths,
            allowed_types: reader.get(&ALLOWED_TYPES),
            live_volumes: reader.get(&LIVE_VOLUMES),
            inspect_image: reader.get(&INSPECT_IMAGE),
            host_path_volumes: None,
        }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let volumes = LazyCell::new(|| {
            let volumes = pod.spec.volumes.iter().enumerate();
            let volumes: Vec<_> = volumes.map(|(index, volume)| self.mounted_volume(index, volume)).collect();
            (pod.volumes_by_name(), volumes, self.mounted_claims())
        });
        let mounted = |name: &str| {
            let (places, volumes, claim) = &*volumes;
            places.get(name).and_then(|place| volumes.get(place)).unwrap_or(claim)
        };
        let at = |path| {
            let at = pod.file_path(path);
            let protected = self.protected_path(&at);
            (at, protected)
        };
        let mut reaches_protected = false;
        for container in pod.all_containers() {
            for (index, volume_mount) in container.container.volume_mounts.iter().enumerate() {
                let (path, volume) = (&*volume_mount.mount_path, &*volume_mount.name);
                let (at, protected) = at(path);
                let part = if volume_mount.sub_path.is_empty() {
                    &volume_mount.sub_path_expr
                } else {
                    &volume_mount.sub_path
                };
                let mount =
                    Mount { list: MOUNTS, index, path_field: "mountPath", path, at, protected, volume, part };
                reaches_protected |= protected.is_some();
                if !volume_mount.read_only {
                    self.check_writable(container, &mount, mounted(volume), findings);
                }
                if protected.is_some() {
                    live_content::check(container, &mount, volume_mount, mounted(volume), findings);
                }
            }
            for (index, device) in container.container.volume_devices.iter().enumerate() {
                let (path, volume) = (&*device.device_path, &*device.name);
                let (at, protected) = at(path);
                let mount = Mount {
                    list: DEVICES,
                    index,
                    path_field: "devicePath",
                    path,
                    at,
                    protected,
                    volume,
                    part: "",
                };
                self.check_writable(container, &mount, mounted(volume), findings);
            }
            self.check_termination_message(container, findings);
            self.check_image_volumes(container, findings);
        }
        // Most pods have no such mount.
        if reaches_protected {
            let paths = shared::Paths {
                protected: &|path| self.protected_path(&pod.file_path(path)),
                fingerprint: &|volume| mounted(volume).fingerprint(volume),
            };
            shared::check(pod, &paths, findings);
        }
    }

    fn image_violations(&self, image: &str, config: &ImageConfig) -> Vec<ImageViolation> {
        self.image_volume_violations(image, config)
    }
}

fn check_type(kind: &str) -> Result<(), String> {
    let types: Vec<_> = writable_types().collect();
    if types.contains(&kind) {
        return Ok(());
    }
    Err(format!("{} is not a writable volume type{}", quoted(kind), suggestion(kind, &types)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
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
        let lines = check(RuleId::WritableMounts, settings, &pod(path));
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
    fn the_settings_may_protect_more_places() {
        let settings = json!({"additionalProtectedPaths": ["/opt/app/", "/\u{e9}"]});
        assert_eq!(reason(&settings, "/usr/bin").unwrap(), "/usr/bin is protected");
        for path in ["/opt", "/opt/app", "/x/..//opt/app/x"] {
            assert_eq!(reason(&settings, path).unwrap(), "/opt/app/ is protected", "{path}");
        }
        assert_eq!(reason(&settings, "/\u{e9}/x").unwrap(), "/\u{e9} is protected");
        assert_eq!(reason(&settings, "/opt/apps"), None);
        let all = json!({"protectedPaths": ["/"]});
        for path in ["/", "/x", "~"] {
            assert_eq!(reason(&all, path).unwrap(), "/ is protected", "{path}");
        }
    }

    #[test]
    fn termination_messages_are_written() {
        let lines = |settings: Value, path: &str| {
            let pod = json!({"containers": [{"name": "a", "terminationMessagePath": path}]});
            check(RuleId::WritableMounts, &settings, &pod)
        };
        for path in ["", "/dev/termination-log", "dev/./termination-log", "/tmp/message"] {
            assert_eq!(lines(json!({"additionalProtectedPaths": ["/dev"]}), path), [""; 0], "{path}");
        }
        assert_eq!(
            lines(json!({"allowedPaths": ["/tmp"]}), "/data"),
            [
                "spec.containers[0].terminationMessagePath: container \"a\" must not write its termination message to \
              \"/data\": the path is not in allowedPaths [writableMounts]"
            ]
        );
        assert!(lines(json!({}), "/usr/bin/x")[0].contains(": /usr/bin is protected"));
    }

    #[test]
    fn live_content_needs_a_part() {
        let mut pod = pod("/usr/bin");
        for (kind, mount, count) in [
            ("configMap", json!({}), 1),
            ("secret", json!({"readOnly": true}), 1),
            ("projected", json!({"subPath": "x/.."}), 1),
            ("downwardAPI", json!({"subPathExpr": "x"}), 1),
            ("configMap", json!({"subPath": "x"}), 0),
            ("secret", json!({"mountPath": "/etc/ssl/certs/x"}), 0),
            ("secret", json!({"mountPath": "/etc/ssl/certs2"}), 1),
            ("projected", json!({"mountPath": "/data"}), 0),
            ("image", json!({}), 0),
        ] {
            pod["volumes"][0] = json!({"name": "x", kind: {}});
            let mut changed = pod.clone();
            for (key, value) in mount.as_object().unwrap() {
                changed["containers"][0]["volumeMounts"][0][key] = value.clone();
            }
            assert_eq!(check(RuleId::WritableMounts, &json!({}), &changed).len(), count, "{kind} {mount}");
            let allowed = json!({"liveVolumes": "allow"});
            assert_eq!(check(RuleId::WritableMounts, &allowed, &changed), [""; 0], "{kind} {mount}");
        }
        // A volume of two types has one finding.
        pod["volumes"][0] = json!({"name": "x", "configMap": {}, "emptyDir": {}});
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn the_settings_may_allow_a_few_places_only() {
        let settings = json!({"allowedPaths": ["/tmp", "/var/lib/*/data", "/cache/**"]});
        for path in ["/tmp", "/tmp/x", "/var/lib/a/data", "/var/lib/a/data/x", "/cache/x"] {
            assert_eq!(reason(&settings, path), None, "{path}");
        }
        for path in ["/tmpfs", "/var/lib/a/b/data", "/cache", "/var", "/tmp/../x"] {
            assert_eq!(reason(&settings, path).unwrap(), "the path is not in allowedPaths", "{path}");
        }
        assert_eq!(reason(&settings, "/usr/bin").unwrap(), "/usr/bin is protected");
        assert!(reason(&json!({"allowedPaths": []}), "/tmp").is_some());
        assert_eq!(reason(&json!({"allowedPaths": null}), "/tmp"), None);
    }

    #[test]
    fn what_cannot_be_written_to_may_be_anywhere() {
        let mut pod = pod("/usr/bin");
        for read_only in [
            json!({"image": {}}),
            json!({"csi": {"readOnly": true}}),
            json!({"nfs": {"readOnly": true}}),
            json!({"persistentVolumeClaim": {"claimName": "x", "readOnly": true}}),
        ] {
            pod["volumes"][0] = read_only.clone();
            pod["volumes"][0]["name"] = "x".into();
            assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [""; 0], "{read_only}");
        }
        let mut read_only = self::pod("/usr/bin");
        read_only["containers"][0]["volumeMounts"][0]["readOnly"] = true.into();
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &read_only), [""; 0]);
    }

    #[test]
    fn only_some_types_may_be_written_to() {
        let mut pod = pod("/data");
        let finding = |kind: &str| {
            format!(
                "spec.containers[0].volumeMounts[0].name: container \"a\" \
                 must mount volume \"x\" read-only: type \"{kind}\" is not in allowedTypes [writableMounts]"
            )
        };
        for kind in ["hostPath", "csi", "nfs", "gitRepo"] {
            pod["volumes"][0] = json!({"name": "x", kind: {}});
            assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [finding(kind)]);
            assert_eq!(
                check(RuleId::WritableMounts, &json!({"allowedTypes": ["emptyDir", kind]}), &pod),
                [""; 0]
            );
        }
        pod["volumes"][0] = json!({"name": "x", "inventedTomorrow": {}});
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [finding("inventedTomorrow")]);
        for kind in ["emptyDir", "persistentVolumeClaim", "ephemeral"] {
            pod["volumes"][0] = json!({"name": "x", kind: {}});
            assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [""; 0]);
            assert_eq!(
                check(RuleId::WritableMounts, &json!({"allowedTypes": ["csi"]}), &pod),
                [finding(kind)]
            );
        }
    }

    #[test]
    fn a_volume_from_elsewhere_is_a_claim() {
        let mut pod = pod("/data");
        pod["volumes"] = json!([]);
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [""; 0]);
        assert_eq!(check(RuleId::WritableMounts, &json!({"allowedTypes": ["emptyDir"]}), &pod).len(), 1);
        pod["containers"][0]["volumeMounts"][0]["mountPath"] = "/bin".into();
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod).len(), 1);
    }

    #[test]
    fn a_place_and_a_type_are_two_findings() {
        let mut pod = pod("/bin");
        pod["volumes"][0] = json!({"name": "x", "hostPath": {"path": "/bin"}});
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod).len(), 2);
    }

    #[test]
    fn devices_are_mounts_too() {
        let mut pod = json!({
            "containers": [{"name": "a", "volumeDevices": [{"name": "x", "devicePath": "/sys/disk"}]}],
            "volumes": [{"name": "x", "persistentVolumeClaim": {}}],
        });
        assert_eq!(
            check(RuleId::WritableMounts, &json!({}), &pod),
            ["spec.containers[0].volumeDevices[0].devicePath: container \"a\" \
              must not have a writable device at \"/sys/disk\": /sys is protected [writableMounts]"]
        );
        pod["volumes"][0]["persistentVolumeClaim"]["readOnly"] = true.into();
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod), [""; 0]);
    }

    #[test]
    fn sees_every_kind_of_container() {
        let container =
            |name: &str| json!({"name": name, "volumeMounts": [{"name": "x", "mountPath": "/lib"}]});
        let pod = json!({
            "initContainers": [container("a")], "containers": [container("b")],
            "ephemeralContainers": [container("c")], "volumes": [{"name": "x", "emptyDir": {}}],
        });
        assert_eq!(check(RuleId::WritableMounts, &json!({}), &pod).len(), 3);
    }

    #[test]
    fn reads_the_paths_of_windows() {
        let settings = json!({"protectedPaths": ["/Windows"]});
        for (path, count) in [(r"C:\windows\system32", 1), (r"c:\", 1), (r"C:\data", 0), (r"D:\windows", 0)] {
            let mut pod = pod(path);
            pod["os"] = json!({"name": "windows"});
            assert_eq!(check(RuleId::WritableMounts, &settings, &pod).len(), count, "{path}");
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
        let errors: Vec<_> = errors(RuleId::WritableMounts, &settings)
            .iter()
            .map(|error| error.replace(&allowed, " …"))
            .collect();
        assert_eq!(
            errors,
            [
                r#"writableMounts.protectedPaths[0]: expected an absolute path, got "bin""#,
                r#"writableMounts.protectedPaths[1]: must be a normalized path (no ".", ".." or "//"), got "/usr/../bin""#,
                r#"writableMounts.allowedPaths[3]: "**" is supported only at the end, as in "/data/**", got "/a/**/b""#,
                r#"writableMounts.allowedPaths[4]: expected an absolute path, got "tmp""#,
                r#"writableMounts.allowedPaths: "/usr/bin/x" can never be allowed: /usr/bin is protected"#,
                r#"writableMounts.allowedPaths: "/usr/bin/**" can never be allowed: /usr/bin is protected"#,
                r#"writableMounts.allowedTypes[0]: "emptydir" is not a writable volume type, did you mean "emptyDir"?"#,
                r#"writableMounts.allowedTypes[1]: "configMap" is not a writable volume type (allowed: awsElasticBlockStore, azureDisk, azureFile, cephfs, cinder, csi, emptyDir, ephemeral and 17 more)"#,
            ]
        );
    }
}
