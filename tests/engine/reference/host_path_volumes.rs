//! `hostPathVolumes`

use proptest::prelude::{Just, Strategy};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exemptions::is_exempt;
use super::file_paths::FilePath;
use super::findings::Findings;
use super::generators::some_of;
use super::mounts::{responsible_for_volume, volume_mounts};
use super::request::{Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::{mode, options};
use crate::generators::one_of;

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Allowed {
    path_prefix: String,
    #[serde(default)]
    read_only: bool,
    #[serde(default)]
    recursive: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostPathVolumes {
    allowed: Vec<Allowed>,
    denied: Vec<String>,
}

impl HostPathVolumes {
    /// Returns the entry that allows a host path: the entry with the longest prefix.
    fn entry(&self, path: &str, is_windows: bool) -> Option<Allowed> {
        let path = FilePath::parse(path, is_windows);
        let without_link = |path: &FilePath| if is_windows { path.clone() } else { without_link(path) };
        let target = without_link(&path);
        let is_denied = self.denied.iter().any(|denied| {
            let denied = FilePath::parse(denied, is_windows);
            path.overlaps(&denied) || target.overlaps(&without_link(&denied))
        });
        let is_usable = path.is_absolute && path.is_unambiguous;
        if !is_usable || is_denied || (!is_windows && is_link_of_process(&path)) {
            return None;
        }
        let prefix = |entry: &Allowed| without_link(&FilePath::parse(&entry.path_prefix, is_windows));
        let matching = self.allowed.iter().filter(|entry| target.starts_with(&prefix(entry)));
        matching.max_by_key(|entry| prefix(entry).depth()).cloned()
    }
}

/// Returns a path on a node with `/run` in place of `/var/run`, which is a link.
pub(super) fn without_link(path: &FilePath) -> FilePath {
    match path.names().as_slice() {
        ["var", "run", ..] => path.skip(1),
        _ => path.clone(),
    }
}

/// Whether a path is, or is below, a link of a process to other files of the node.
fn is_link_of_process(path: &FilePath) -> bool {
    match path.names().as_slice() {
        ["proc", "self" | "thread-self", ..] => true,
        ["proc", _, name, ..] => ["root", "cwd", "fd", "task", "map_files"].contains(name),
        _ => false,
    }
}

/// Whether the rule denies a pod because of the host path of a volume, or would deny it without `enforcement: warn`.
pub(super) fn denies_volume(request: &Request<'_>, pod: &Pod, name: &str, path: &str) -> bool {
    let settings: HostPathVolumes = options(request.settings, RULE.id);
    mode(request.settings, &RULE) == "deny"
        && settings.entry(path, pod.is_windows()).is_none()
        && !is_exempt(request, RULE.id, &responsible_for_volume(pod, name))
}

/// `hostPathVolumes`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    effects: &[("allowed", &[Reports, Allows]), ("denied", &[Reports])],
    options: || {
        let denied = &["/etc", "/var/run/docker.sock", "/run/web", "/var/log/audit/x", "/windows"];
        vec![
            ("allowed", one_of(&allowed())),
            ("denied", some_of(denied)),
            ("denied", Just(json!(["/etc", "/usr/local", "/srv/a/data"])).boxed()),
        ]
    },
    ..ReferenceRule::new("hostPathVolumes", findings)
};

fn allowed() -> Value {
    json!([
        [],
        [{"pathPrefix": "/"}],
        [{"pathPrefix": "/"}],
        [{"pathPrefix": "/"}],
        [{"pathPrefix": "/var/log/"}],
        [{"pathPrefix": "/run"}, {"pathPrefix": "/proc"}],
        [{"pathPrefix": "/var/run", "readOnly": true, "recursive": true}],
        [{"pathPrefix": "/", "readOnly": true, "recursive": true}],
        [{"pathPrefix": "/var", "readOnly": true}, {"pathPrefix": "/var/log"}],
        [{"pathPrefix": "/var/log", "readOnly": false}, {"pathPrefix": "/var/log/audit", "readOnly": true}],
        [{"pathPrefix": "/", "readOnly": true}, {"pathPrefix": "/data"}],
    ])
}

fn findings(request: &Request<'_>) -> Findings {
    let settings: HostPathVolumes = options(request.settings, RULE.id);
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for (path, volume) in pod.volumes() {
            let Some(host_path) = &volume.host_path else { continue };
            let Some(entry) = settings.entry(&host_path.path, pod.is_windows()) else {
                findings.add(path.field("hostPath.path"), responsible_for_volume(pod, &volume.name));
                continue;
            };
            for container in &pod.containers {
                let mounts = volume_mounts(pod, container).into_iter();
                for mount in mounts.filter(|mount| mount.volume == volume.name) {
                    if entry.read_only && !mount.is_read_only {
                        findings.add(mount.path.field("readOnly"), container.as_responsible());
                    }
                    if entry.recursive && !mount.is_recursive {
                        findings.add(mount.path.field("recursiveReadOnly"), container.as_responsible());
                    }
                }
            }
        }
    }
    findings
}
