//! `hostPathVolumes`: a pod gets at the files of its node only where the settings let it.
//!
//! A finding is a `hostPath` volume outside of `allowed` or in reach of `denied`, or one with a writable mount where
//! the entry says `readOnly`
//!
//! Paths are compared segment by segment, after `.`, `..` and `//` are resolved: `/var/log` allows `/var/log/pods`,
//! and never `/var/logs`. The longest matching prefix decides. A volume that holds a denied path is refused like one
//! within it. A path that is not absolute is never allowed, nor is one of more than 4096 bytes, which no node can open,
//! nor one of Windows that leads to a device or another machine, or has a dot or a space behind a name.
//! What a persistent volume is made from, and where a link on the node leads, the policy cannot see.
//!
//! Settings:
//!
//! - `allowed`: the paths of the node that may be mounted.
//!   - `pathPrefix`: the path that is allowed, with what lies below it.
//!   - `readOnly`: whether every mount must have `readOnly: true`.
//! - `denied`: prefixes that are refused whatever is allowed.

use super::{Definition, Kind, Rule};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::file_path::{FilePath, check_place};
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::volume::Volume;
use crate::rules::finding::{Concern, Concerns, Finding, Value};
use crate::rules::fingerprint::Fingerprint;
use crate::rules::settings::Severity;
use crate::settings::reader::Options;
use crate::text::quoted;
use std::borrow::Cow;
use std::cell::OnceCell;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "hostPathVolumes",
    mode: Some(Severity::Deny),
    can_fix: false,
    kind: Kind::HostPathVolumes,
};

/// The most bytes of a path that can be mounted. What is found about each mount holds all of it.
///
/// Source: `PATH_MAX` of Linux.
const PATH_LENGTH: usize = 4096;

pub(crate) struct HostPathVolumes<'s> {
    allowed: Vec<Allowed<'s>>,
    denied: Cow<'s, [&'s str]>,
}

struct Allowed<'s> {
    path_prefix: &'s str,
    read_only: bool,
}

impl<'s> HostPathVolumes<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let denied = options.strings("denied", &[], check_place);
        let allowed = options.objects("allowed", |own| {
            let path_prefix = own.string("pathPrefix", check_place).map(|path| path.trim_end_matches('/'));
            own.require("pathPrefix", "name the directory that is allowed");
            let read_only = own.flag("readOnly", false);
            let path_prefix = path_prefix?;
            let at = FilePath::linux(path_prefix);
            if let Some(place) = denied.iter().find(|place| at.is_within(place)) {
                let reason =
                    format!("{} can never be allowed: denied has {}", quoted(path_prefix), quoted(place));
                own.refuse("pathPrefix", &reason);
            }
            Some(Allowed { path_prefix, read_only })
        });
        Self { allowed, denied }
    }

    fn host_path<'p>(&self, pod: &Pod<'_>, index: usize, volume: &'p Volume<'_>) -> Option<HostPath<'p>> {
        let path = &*volume.source("hostPath")?.path;
        let (must_be_read_only, demand) = match self.judge(pod, path) {
            Ok(allowed) => (allowed.read_only, None),
            Err(demand) => (false, Some(demand)),
        };
        let value = OnceCell::new();
        Some(HostPath {
            index,
            name: &volume.name,
            path,
            value,
            demand,
            must_be_read_only,
            users: Vec::new(),
        })
    }

    /// The entry that allows a path, or what must change about it.
    fn judge(&self, pod: &Pod<'_>, path: &str) -> Result<&Allowed<'s>, String> {
        let at = pod.file_path(path);
        if !is_absolute(pod, path) {
            return Err(format!("must mount an absolute path of the host, not {}", quoted(path)));
        }
        if path.len() > PATH_LENGTH {
            return Err(format!("must mount a path of at most 4096 bytes, not {}", quoted(path)));
        }
        if let Some(place) = self.denied.iter().find(|place| at.overlaps(place)) {
            return Err(format!("must not mount {} of the host, for {place} is denied", quoted(path)));
        }
        let mut longest: Option<&Allowed<'s>> = None;
        for entry in &self.allowed {
            let is_longer = longest.is_none_or(|other| entry.path_prefix.len() > other.path_prefix.len());
            if is_longer && at.is_within(entry.path_prefix) {
                longest = Some(entry);
            }
        }
        longest.ok_or_else(|| format!("must not mount {} of the host", quoted(path)))
    }
}

impl Rule for HostPathVolumes<'_> {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let mut host_paths = Vec::new();
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            host_paths.extend(self.host_path(pod, index, volume));
        }
        if host_paths.is_empty() {
            return;
        }
        let places = Places::of(host_paths.iter().map(|host_path| host_path.name));
        for at in pod.all_containers() {
            for (index, mount) in at.container.volume_mounts.iter().enumerate() {
                let place = places.get(&mount.name);
                let Some(host_path) = place.and_then(|place| host_paths.get_mut(place)) else {
                    continue;
                };
                host_path.users.push(Concern { can_write: !mount.read_only, ..at.concern() });
                if host_path.must_be_read_only && !mount.read_only {
                    let field = of_item("volumeMounts", index, "readOnly");
                    let demand = format!("must mount volume {} read-only", quoted(host_path.name));
                    let finding = Finding::of_container(found, at, &field, "", demand);
                    let value = || Fingerprint::of(host_path.path.as_bytes());
                    finding.value = Value::Shared(*host_path.value.get_or_init(value));
                }
            }
        }
        for HostPath { index, name, path, demand, users, .. } in host_paths {
            if let Some(demand) = demand {
                let field = of_item("volumes", index, "hostPath.path");
                let finding = Finding::of_pod(found, pod, &field, path, demand);
                finding.name_volume(name);
                // A volume that nobody mounts is there on the account of all.
                if !users.is_empty() {
                    finding.concerns = Concerns::Only(users);
                }
            }
        }
    }
}

fn is_absolute(pod: &Pod<'_>, path: &str) -> bool {
    match path.as_bytes() {
        [b'/', ..] => true,
        [b'\\', ..] | [_, b':', b'/' | b'\\', ..] => pod.is_windows(),
        _ => false,
    }
}

/// A `hostPath` volume, judged.
struct HostPath<'p> {
    index: usize,
    name: &'p str,
    path: &'p str,
    /// The fingerprint of the path, once something is found. The path may be long, and mounted often.
    value: OnceCell<Fingerprint>,
    /// What must change about its path, if anything.
    demand: Option<String>,
    must_be_read_only: bool,
    /// On whose account it is there.
    users: Vec<Concern<'p>>,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    fn pod(path: &str) -> Value {
        json!({
            "containers": [{"name": "a", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}],
            "volumes": [{"name": "x", "hostPath": {"path": path}}],
        })
    }

    #[track_caller]
    fn demand(settings: &Value, path: &str) -> Option<String> {
        let lines = check(&RULE, settings, &pod(path));
        assert!(lines.len() <= 1, "{lines:?}");
        let line = lines.first()?;
        let demand = line.strip_prefix("spec.volumes[0].hostPath.path: volume \"x\" ").unwrap();
        Some(demand.strip_suffix(" [hostPathVolumes]").unwrap().to_owned())
    }

    #[test]
    fn refuses_every_path_by_default() {
        for path in ["/", "/tmp"] {
            assert_eq!(demand(&json!({}), path).unwrap(), format!("must not mount \"{path}\" of the host"));
        }
        for path in ["", "tmp", "./tmp"] {
            assert_eq!(
                demand(&json!({"allowed": [{"pathPrefix": "/"}]}), path).unwrap(),
                format!("must mount an absolute path of the host, not \"{path}\"")
            );
        }
        let others = json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": null}]});
        assert_eq!(check(&RULE, &json!({}), &others), [""; 0]);
    }

    #[test]
    fn refuses_what_is_longer_than_any_path() {
        let settings = json!({"allowed": [{"pathPrefix": "/srv", "readOnly": true}]});
        let path = |length: usize| format!("/srv{}", "/".repeat(length - 4));
        let mounted = "spec.containers[0].volumeMounts[0].readOnly: container \"a\" must mount volume \"x\" read-only [hostPathVolumes]";
        assert_eq!(check(&RULE, &settings, &pod(&path(4096))), [mounted]);
        assert_eq!(
            demand(&settings, &path(4097)).unwrap(),
            format!("must mount a path of at most 4096 bytes, not \"{}…\"", path(128))
        );
    }

    #[test]
    fn allows_by_prefix_and_segment() {
        let settings = json!({"allowed": [{"pathPrefix": "/var/log"}, {"pathPrefix": "/foo/"}]});
        for path in ["/var/log", "/var/log/", "/var/log/pods", "/var//log/./x", "/x/../foo"] {
            assert_eq!(demand(&settings, path), None, "{path}");
        }
        for path in
            ["/var", "/", "/var/logs", "/foobar", "/foo/../etc", "/var/log/../../etc", "var/log", r"/foo\x"]
        {
            assert!(demand(&settings, path).is_some(), "{path}");
        }
    }

    #[test]
    fn denied_wins_from_above_and_below() {
        let settings = json!({"allowed": [{"pathPrefix": "/"}], "denied": ["/var/run/docker.sock", "/etc"]});
        assert_eq!(demand(&settings, "/srv"), None);
        assert_eq!(demand(&settings, "/var/running"), None);
        assert_eq!(
            demand(&settings, "/var/run").unwrap(),
            r#"must not mount "/var/run" of the host, for /var/run/docker.sock is denied"#
        );
        for path in ["/", "/var", "/var/run/docker.sock", "/etc/kubernetes", "/etc/"] {
            assert!(demand(&settings, path).is_some(), "{path}");
        }
    }

    #[test]
    fn the_longest_prefix_decides_what_must_be_read_only() {
        let settings = json!({"allowed": [
            {"pathPrefix": "/srv/data/x"}, {"pathPrefix": "/srv", "readOnly": true}, {"pathPrefix": "/srv/data"}]});
        let writable = r#"spec.containers[0].volumeMounts[0].readOnly: container "a" must mount volume "x" read-only [hostPathVolumes]"#;
        assert_eq!(check(&RULE, &settings, &pod("/srv")), [writable]);
        assert_eq!(check(&RULE, &settings, &pod("/srv/other")), [writable]);
        assert_eq!(check(&RULE, &settings, &pod("/srv/data")), [""; 0]);
        let mut read_only = pod("/srv");
        read_only["containers"][0]["volumeMounts"][0]["readOnly"] = true.into();
        assert_eq!(check(&RULE, &settings, &read_only), [""; 0]);
    }

    #[test]
    fn sees_the_mounts_of_every_container() {
        let settings = json!({"allowed": [{"pathPrefix": "/srv", "readOnly": true}]});
        let container = |name: &str| json!({"name": name, "volumeMounts": [{"name": "y"}, {"name": "x", "readOnly": true}, {"name": "x"}]});
        let pod = json!({
            "initContainers": [container("a")], "containers": [container("b")],
            "ephemeralContainers": [container("c")], "volumes": [{"name": "x", "hostPath": {"path": "/srv"}}],
        });
        let paths: Vec<_> = check(&RULE, &settings, &pod)
            .iter()
            .map(|line| line.split_once(": ").unwrap().0.to_owned())
            .collect();
        assert_eq!(
            paths,
            [
                "spec.initContainers[0].volumeMounts[2].readOnly",
                "spec.containers[0].volumeMounts[2].readOnly",
                "spec.ephemeralContainers[0].volumeMounts[2].readOnly",
            ]
        );
    }

    #[test]
    fn reads_the_paths_of_windows() {
        let settings = json!({"allowed": [{"pathPrefix": "/var/log"}], "denied": ["/windows"]});
        let mut pod = pod(r"C:\var\Log\pods");
        pod["os"] = json!({"name": "windows"});
        assert_eq!(check(&RULE, &settings, &pod), [""; 0]);
        for path in
            [r"C:\Windows\System32", r"D:\var\log", r"c:\var\log\..\x", r"\\.\pipe\docker_engine", r"C:\"]
        {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(&RULE, &settings, &pod).len(), 1, "{path}");
        }
        let settings = json!({"allowed": [{"pathPrefix": "/"}]});
        for path in ["var", "C:var", "", r"\\server\share", r"\\.\pipe\docker_engine", r"C:\var ", r"C:\var."]
        {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(&RULE, &settings, &pod).len(), 1, "{path}");
        }
        for path in [r"\var", "/var", r"C:\var", "c:/var", r"D:\var", r"\\?\C:\var"] {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(&RULE, &settings, &pod), [""; 0], "{path}");
        }
    }

    #[test]
    fn refuses_what_can_never_match() {
        let settings = json!({
            "allowed": [{"pathPrefix": "srv"}, {"readOnly": true}, {"pathPrefix": "/etc/x", "readonly": true},
                        {"pathPrefix": "/srv", "readOnly": "yes"}],
            "denied": ["/etc", "../x", ""],
        });
        assert_eq!(
            errors(&RULE, &settings),
            [
                r#"hostPathVolumes.denied[1]: must be an absolute path, not "../x""#,
                r#"hostPathVolumes.denied[2]: must be an absolute path, not """#,
                r#"hostPathVolumes.allowed[0].pathPrefix: must be an absolute path, not "srv""#,
                "hostPathVolumes.allowed[1].pathPrefix: missing: name the directory that is allowed",
                r#"hostPathVolumes.allowed[2].pathPrefix: "/etc/x" can never be allowed: denied has "/etc""#,
                r#"hostPathVolumes.allowed[2].readonly: unknown key, did you mean "readOnly"? (allowed: pathPrefix, readOnly)"#,
                "hostPathVolumes.allowed[3].readOnly: must be true or false, not a string",
            ]
        );
    }
}
