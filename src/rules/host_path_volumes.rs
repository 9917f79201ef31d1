//! `hostPathVolumes`: pods mount only those files of their node that the settings allow.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::finding::Findings;
use super::fingerprint::Fingerprint;
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::volume::Volume;
use crate::settings::declaration::{Declared, Flag, ObjectKind, Objects, Required, Setting, Text, Texts};
use crate::settings::mode::Mode;
use crate::settings::path_pattern::PATH;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;

const ALLOWED: Setting<Objects<Allowed<'static>>> = Setting {
    key: "allowed",
    label: "Allowed paths",
    doc: "Paths of the node that pods can mount.",
    kind: Objects::ANY,
};

const PATH_PREFIX: Setting<Required<Text>> = Setting {
    key: "pathPrefix",
    label: "Path prefix",
    doc: "The path that is allowed, with everything below it.",
    kind: Required { kind: Text(&PATH), instruction: "name the directory that is allowed" },
};

const READ_ONLY: Setting<Flag> = Setting {
    key: "readOnly",
    label: "Read-only",
    doc: "Requires `readOnly: true` on every mount.",
    kind: Flag,
};

const RECURSIVE: Setting<Flag> = Setting {
    key: "recursive",
    label: "Recursive",
    doc: "With `readOnly`, requires `recursiveReadOnly: Enabled` on every mount too. File systems that are mounted below the path on \
          the node stay writable otherwise.",
    kind: Flag,
};

const DENIED: Setting<Texts> = Setting {
    key: "denied",
    label: "Denied paths",
    doc: "Path prefixes that are denied even if `allowed` contains them.",
    kind: Texts { format: &PATH, default: &[], may_be_empty: true },
};

/// Maximum length of a path that can be mounted, in bytes. The finding about each mount contains all of the path.
///
/// Source: `PATH_MAX` of Linux.
const MAX_PATH_LENGTH: usize = 4096;

/// Entries of a process in `/proc` that lead to other files of the node, or contain such links.
const PROCESS_LINKS: [&str; 5] = ["root", "cwd", "fd", "task", "map_files"];

const LINKS_LEAD_ELSEWHERE: &str = "links in /proc lead to other files of the node";

#[derive(Clone)]
pub(crate) struct HostPathVolumes<'s> {
    allowed: Vec<Allowed<'s>>,
    denied: Cow<'s, [&'s str]>,
}

/// An entry of `allowed`.
#[derive(Clone)]
struct Allowed<'s> {
    /// Its index in the settings.
    index: usize,
    path_prefix: &'s str,
    required: RequiredAccess,
}

/// What an entry requires of every mount.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RequiredAccess {
    Any,
    ReadOnly,
    /// Read-only with everything that is mounted below.
    RecursivelyReadOnly,
}

/// A `hostPath` volume.
struct HostPath<'p> {
    index: usize,
    name: &'p str,
    path: &'p str,
    /// The fingerprint of the path. It is computed once, because the path may be long and mounted often.
    fingerprint: OnceCell<Fingerprint>,
    /// What is wrong with the path, if anything.
    message: Option<String>,
    required: RequiredAccess,
    mounted_by: Vec<ResponsibleContainer<'p>>,
}

impl<'s> HostPathVolumes<'s> {
    fn host_path<'p>(&self, pod: &Pod<'_>, index: usize, volume: &'p Volume<'_>) -> Option<HostPath<'p>> {
        let path = &*volume.source("hostPath")?.path;
        let (required, message) = match self.entry_for(pod, path) {
            Ok(entry) => (entry.required, None),
            Err(message) => (RequiredAccess::Any, Some(message)),
        };
        let (name, fingerprint, mounted_by) = (&*volume.name, OnceCell::new(), Vec::new());
        Some(HostPath { index, name, path, fingerprint, message, required, mounted_by })
    }

    /// Whether volumes with a path are allowed.
    pub(super) fn allows(&self, pod: &Pod<'_>, path: &str) -> bool {
        self.entry_for(pod, path).is_ok()
    }

    /// The entry that allows a path, or else what the volume must do.
    fn entry_for(&self, pod: &Pod<'_>, path: &str) -> Result<&Allowed<'s>, String> {
        let at = pod.file_path(path);
        if !is_absolute(pod, path) {
            return Err(format!("must mount an absolute host path, not {}", quoted(path)));
        }
        if path.len() > MAX_PATH_LENGTH {
            return Err(format!("must mount a host path of at most 4096 bytes, not {}", quoted(path)));
        }
        if is_process_link(&at) {
            return Err(format!("must not mount host path {}: {LINKS_LEAD_ELSEWHERE}", quoted(path)));
        }
        let linked = linked_path(&at);
        let is_denied = |denied: &&&str| overlaps(&at, linked.as_ref(), denied);
        if let Some(denied) = self.denied.iter().find(is_denied) {
            return Err(format!("must not mount host path {}: {denied} is denied", quoted(path)));
        }
        let is_allowed = |entry: &&Allowed<'s>| is_within(&at, linked.as_ref(), entry.path_prefix);
        let matching = self.allowed.iter().filter(is_allowed);
        // Of entries of the same length, the first one decides.
        let longest = matching.rev().max_by_key(|entry| without_link(entry.path_prefix).len());
        longest.ok_or_else(|| format!("must not mount host path {}", quoted(path)))
    }
}

impl<'s> Rule<'s> for HostPathVolumes<'s> {
    const META: RuleMeta = RuleMeta {
        id: "hostPathVolumes",
        severity: Severity::Critical,
        default_mode: Mode::Deny,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Pods mount only those files of their node that the settings allow.",
        finding: "a `hostPath` volume that is not in `allowed` or that reaches a path in `denied`; a writable mount of a volume whose \
                  entry has `readOnly`; a mount without `recursiveReadOnly: Enabled` of a volume whose entry has `recursive`",
        fix: None,
        why: "\
A container that writes to the files of its node can change the node and every container on it.",
        how: Some(
            "\
Paths are compared segment by segment, after `.`, `..` and `//` are resolved: `/var/log` allows `/var/log/pods`, but not `/var/logs`. The
longest matching prefix decides. A volume that contains a denied path is denied, like a volume within it. Always denied are paths that
are not absolute, paths of more than 4096 bytes, which no node can open, and Windows paths that lead to a device or another machine, or
that have a dot or a space at the end of a name. `/var/run` is `/run`, in settings and in volumes, so `/var` does not allow it. The links
of processes lead to every file of the node, so `root`, `cwd`, `fd`, `task` and `map_files` of a process in `/proc`, `/proc/self` and
`/proc/thread-self` are always denied.",
        ),
        limits: Some(
            "\
The policy does not see the sources of persistent volumes, or where other links on the node lead.

A read-only mount protects files and directories. It does not protect the service of a socket, or a device: a container can send requests
to a socket in a read-only mount of `/run`, and can write to a device in a read-only mount of `/dev` if its device rules allow it. Allow
neither directory as a whole, not even with `readOnly`.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED, &DENIED];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let allowed = reader.get(&ALLOWED);
        let denied = reader.get(&DENIED);
        for entry in &allowed {
            let at = FilePath::linux(entry.path_prefix);
            let linked = linked_path(&at);
            let is_below = |path: &&&str| is_within(&at, linked.as_ref(), path);
            let reason = if is_process_link(&at) {
                LINKS_LEAD_ELSEWHERE.to_owned()
            } else if let Some(path) = denied.iter().find(is_below) {
                format!("denied has {}", quoted(path))
            } else {
                continue;
            };
            let reason = format!("{} can never be allowed: {reason}", quoted(entry.path_prefix));
            reader.refuse_in_item(ALLOWED.key, entry.index, PATH_PREFIX.key, reason);
        }
        Self { allowed, denied }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let volumes = pod.spec.volumes.iter().enumerate();
        let mut host_paths: Vec<_> =
            volumes.filter_map(|(index, volume)| self.host_path(pod, index, volume)).collect();
        if host_paths.is_empty() {
            return;
        }
        check_mounts(pod, &mut host_paths, findings);
        for host_path in host_paths {
            let Some(message) = host_path.message else { continue };
            let finding = findings.at_volume(pod, host_path.index, "hostPath.path");
            finding.message(message).value(host_path.path);
            // All containers are responsible for a volume that is not mounted.
            if !host_path.mounted_by.is_empty() {
                finding.responsible(host_path.mounted_by);
            }
        }
    }
}

/// Returns whether a path leads to a link of a process, or contains such links and nothing else.
fn is_process_link(at: &FilePath<'_>) -> bool {
    let mut segments = at.segments();
    if at.ignores_case() || segments.next() != Some("proc") {
        return false;
    }
    match (segments.next(), segments.next()) {
        (Some("self" | "thread-self"), _) => true,
        (Some(_), Some(entry)) => PROCESS_LINKS.contains(&entry),
        _ => false,
    }
}

/// Returns whether a path overlaps one of the settings, as they are written or with the link `/var/run` replaced in both.
fn overlaps(at: &FilePath<'_>, linked: Option<&FilePath<'_>>, path: &str) -> bool {
    let linked_path = without_link(path);
    let is_link = linked_path.len() < path.len() && !at.ignores_case();
    at.overlaps(path) || (linked.is_some() || is_link) && linked.unwrap_or(at).overlaps(linked_path)
}

/// Returns whether a path is at or below one of the settings, with the link `/var/run` replaced in both: a mount of `/var` does not
/// contain what the link leads to.
fn is_within(at: &FilePath<'_>, linked: Option<&FilePath<'_>>, path: &str) -> bool {
    let prefix = if at.ignores_case() { path } else { without_link(path) };
    linked.unwrap_or(at).starts_with(prefix)
}

/// Returns a path on Linux with the link `/var/run` replaced, if it begins with the link.
fn linked_path<'p>(at: &'p FilePath<'_>) -> Option<FilePath<'p>> {
    let linked = without_link(at.as_str());
    (linked.len() < at.as_str().len() && !at.ignores_case()).then(|| FilePath::linux(linked))
}

/// Returns a normalized path with the link `/var/run` replaced.
fn without_link(path: &str) -> &str {
    match path.strip_prefix("/var") {
        Some(rest) if rest == "/run" || rest.starts_with("/run/") => rest,
        _ => path,
    }
}

/// Reports mounts that must be read-only, and notes which containers mount each volume.
fn check_mounts<'p>(pod: &'p Pod<'p>, host_paths: &mut [HostPath<'p>], findings: &mut Findings<'p>) {
    let places = NameIndex::of(host_paths.iter().map(|host_path| host_path.name));
    for container in pod.all_containers() {
        for (index, mount) in container.container.volume_mounts.iter().enumerate() {
            let place = places.get(&mount.name);
            let Some(host_path) = place.and_then(|place| host_paths.get_mut(place)) else { continue };
            let can_write = !mount.read_only;
            let mounting = ResponsibleContainer { can_write, ..ResponsibleContainer::of(container) };
            host_path.mounted_by.push(mounting);
            if host_path.required == RequiredAccess::Any {
                continue;
            }
            let fingerprint = || Fingerprint::of(host_path.path.as_bytes());
            let fingerprint = *host_path.fingerprint.get_or_init(fingerprint);
            if can_write {
                findings
                    .at(container, &of_item("volumeMounts", index, "readOnly"))
                    .message(format!("must mount volume {} read-only", quoted(host_path.name)))
                    .shared_value(fingerprint);
            }
            let is_recursive = &*mount.recursive_read_only == "Enabled";
            if host_path.required == RequiredAccess::RecursivelyReadOnly && !is_recursive {
                findings
                    .at(container, &of_item("volumeMounts", index, "recursiveReadOnly"))
                    .message(format!(
                        "must set it to Enabled: mounts below the host path of volume {} stay writable otherwise",
                        quoted(host_path.name)
                    ))
                    .shared_value(fingerprint);
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

impl ObjectKind for Allowed<'static> {
    type Value<'s> = Allowed<'s>;

    const SETTINGS: &'static [&'static dyn Declared] = &[&PATH_PREFIX, &READ_ONLY, &RECURSIVE];

    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<Allowed<'s>> {
        let path_prefix = reader.get(&PATH_PREFIX).map(|path| path.trim_end_matches('/'));
        let required = match (reader.get(&READ_ONLY), reader.get(&RECURSIVE)) {
            (true, true) => RequiredAccess::RecursivelyReadOnly,
            (true, false) => RequiredAccess::ReadOnly,
            (false, is_recursive) => {
                if is_recursive {
                    reader.refuse(RECURSIVE.key, "has no effect without readOnly");
                }
                RequiredAccess::Any
            }
        };
        Some(Allowed { index: reader.index(), path_prefix: path_prefix?, required })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    fn pod(path: &str) -> Value {
        json!({
            "containers": [{"name": "a", "volumeMounts": [{"name": "x", "mountPath": "/x"}]}],
            "volumes": [{"name": "x", "hostPath": {"path": path}}],
        })
    }

    #[track_caller]
    fn demand(settings: &Value, path: &str) -> Option<String> {
        let lines = check(RuleId::HostPathVolumes, settings, &pod(path));
        assert!(lines.len() <= 1, "{lines:?}");
        let line = lines.first()?;
        let demand = line.strip_prefix("spec.volumes[0].hostPath.path: volume \"x\" ").unwrap();
        Some(demand.strip_suffix(" [hostPathVolumes]").unwrap().to_owned())
    }

    #[test]
    fn refuses_every_path_by_default() {
        for path in ["/", "/tmp"] {
            assert_eq!(demand(&json!({}), path).unwrap(), format!("must not mount host path \"{path}\""));
        }
        for path in ["", "tmp", "./tmp"] {
            assert_eq!(
                demand(&json!({"allowed": [{"pathPrefix": "/"}]}), path).unwrap(),
                format!("must mount an absolute host path, not \"{path}\"")
            );
        }
        let others = json!({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": null}]});
        assert_eq!(check(RuleId::HostPathVolumes, &json!({}), &others), [""; 0]);
    }

    #[test]
    fn refuses_what_is_longer_than_any_path() {
        let settings = json!({"allowed": [{"pathPrefix": "/srv", "readOnly": true}]});
        let path = |length: usize| format!("/srv{}", "/".repeat(length - 4));
        let mounted = "spec.containers[0].volumeMounts[0].readOnly: container \"a\" must mount volume \"x\" read-only [hostPathVolumes]";
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod(&path(4096))), [mounted]);
        assert_eq!(
            demand(&settings, &path(4097)).unwrap(),
            format!("must mount a host path of at most 4096 bytes, not \"{}…\"", path(128))
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
            r#"must not mount host path "/var/run": /var/run/docker.sock is denied"#
        );
        for path in ["/", "/var", "/var/run/docker.sock", "/etc/kubernetes", "/etc/"] {
            assert!(demand(&settings, path).is_some(), "{path}");
        }
    }

    #[test]
    fn var_run_is_run() {
        let settings = json!({"allowed": [{"pathPrefix": "/run"}, {"pathPrefix": "/var/run/web", "readOnly": true}],
                              "denied": ["/run/secrets", "/var/run/docker.sock"]});
        for path in ["/run", "/var/run", "/run/docker.sock", "/var/run/secrets/x", "/var", "/"] {
            assert!(demand(&settings, path).is_some(), "{path}");
        }
        for path in ["/run/x", "/var/run/x", "/var/lib/../run/x"] {
            assert_eq!(demand(&settings, path), None, "{path}");
        }
        for path in ["/run/web", "/var/run/web/x"] {
            let lines = check(RuleId::HostPathVolumes, &settings, &pod(path));
            assert!(lines[0].contains("must mount volume \"x\" read-only"), "{lines:?}");
        }
    }

    #[test]
    fn links_of_processes_are_never_allowed() {
        let settings = json!({"allowed": [{"pathPrefix": "/"}]});
        for path in ["/proc/1/root", "/proc/self", "/proc/thread-self/x", "/proc/2/./fd/3", "/proc/1/task/1"]
        {
            let denied = demand(&settings, path).unwrap();
            assert!(denied.ends_with(": links in /proc lead to other files of the node"), "{denied}");
        }
        for path in ["/proc", "/proc/1", "/proc/1/net", "/proc/selfish", "/srv/proc/1/root"] {
            assert_eq!(demand(&settings, path), None, "{path}");
        }
    }

    #[test]
    fn the_longest_prefix_decides_what_must_be_read_only() {
        let settings = json!({"allowed": [
            {"pathPrefix": "/srv/data/x"}, {"pathPrefix": "/srv", "readOnly": true}, {"pathPrefix": "/srv/data"}]});
        let writable = r#"spec.containers[0].volumeMounts[0].readOnly: container "a" must mount volume "x" read-only [hostPathVolumes]"#;
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod("/srv")), [writable]);
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod("/srv/other")), [writable]);
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod("/srv/data")), [""; 0]);
        let mut read_only = pod("/srv");
        read_only["containers"][0]["volumeMounts"][0]["readOnly"] = true.into();
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &read_only), [""; 0]);
    }

    #[test]
    fn sees_the_mounts_of_every_container() {
        let settings = json!({"allowed": [{"pathPrefix": "/srv", "readOnly": true}]});
        let container = |name: &str| json!({"name": name, "volumeMounts": [{"name": "y"}, {"name": "x", "readOnly": true}, {"name": "x"}]});
        let pod = json!({
            "initContainers": [container("a")], "containers": [container("b")],
            "ephemeralContainers": [container("c")], "volumes": [{"name": "x", "hostPath": {"path": "/srv"}}],
        });
        let paths: Vec<_> = check(RuleId::HostPathVolumes, &settings, &pod)
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
        assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod), [""; 0]);
        for path in
            [r"C:\Windows\System32", r"D:\var\log", r"c:\var\log\..\x", r"\\.\pipe\docker_engine", r"C:\"]
        {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod).len(), 1, "{path}");
        }
        let settings = json!({"allowed": [{"pathPrefix": "/"}]});
        for path in ["var", "C:var", "", r"\\server\share", r"\\.\pipe\docker_engine", r"C:\var ", r"C:\var."]
        {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod).len(), 1, "{path}");
        }
        for path in [r"\var", "/var", r"C:\var", "c:/var", r"D:\var", r"\\?\C:\var"] {
            pod["volumes"][0]["hostPath"]["path"] = path.into();
            assert_eq!(check(RuleId::HostPathVolumes, &settings, &pod), [""; 0], "{path}");
        }
    }

    #[test]
    fn refuses_what_can_never_match() {
        let settings = json!({
            "allowed": [{"pathPrefix": "srv"}, {"readOnly": true}, {"pathPrefix": "/etc/x", "readonly": true},
                        {"pathPrefix": "/srv", "readOnly": "yes"}, {"pathPrefix": "/srv", "recursive": true},
                        {"pathPrefix": "/proc/1/root"}],
            "denied": ["/etc", "../x", ""],
        });
        assert_eq!(
            errors(RuleId::HostPathVolumes, &settings),
            [
                r#"hostPathVolumes.allowed[0].pathPrefix: expected an absolute path, got "srv""#,
                "hostPathVolumes.allowed[1].pathPrefix: missing: name the directory that is allowed",
                r#"hostPathVolumes.allowed[2].readonly: unknown key, did you mean "readOnly"?"#,
                "hostPathVolumes.allowed[3].readOnly: expected true or false, got a string",
                "hostPathVolumes.allowed[4].recursive: has no effect without readOnly",
                r#"hostPathVolumes.denied[1]: expected an absolute path, got "../x""#,
                r#"hostPathVolumes.denied[2]: expected an absolute path, got """#,
                r#"hostPathVolumes.allowed[2].pathPrefix: "/etc/x" can never be allowed: denied has "/etc""#,
                r#"hostPathVolumes.allowed[5].pathPrefix: "/proc/1/root" can never be allowed: links in /proc lead to other files of the node"#,
            ]
        );
    }
}
