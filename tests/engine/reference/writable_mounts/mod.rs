//! `writableMounts`, except for the volumes of images, which need a registry.

use proptest::prelude::{Just, Strategy, prop_oneof};
use serde_json::Value;

use super::findings::Findings;
use super::generators::some_of;
use super::mounts::{Mount, container_path, mounts, types_of, volume_mounts, volumes_of, writable_types};
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::of;
use options::Options;

mod aliases;
mod options;

pub(super) use options::matches_any;

/// Volume types whose content can change while a container runs.
const LIVE: [&str; 4] = ["configMap", "secret", "projected", "downwardAPI"];

/// Directories of certificates, which are renewed in running containers.
const CERTIFICATES: [&str; 4] =
    ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/usr/local/share/ca-certificates"];

/// The file that every container may write its termination message to.
const TERMINATION_LOG: [&str; 2] = ["dev", "termination-log"];

/// `writableMounts`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    effects: &[
        ("protectedPaths", &[Reports, Allows]),
        ("additionalProtectedPaths", &[Reports]),
        ("allowedPaths", &[Reports]),
        ("allowedTypes", &[Reports, Allows]),
        ("liveVolumes", &[Allows]),
    ],
    options: || {
        let paths = some_of(&["/tmp/", "/srv/*/data", "/cache/**", "/var/l*", "/data"]);
        let types = &["emptyDir", "persistentVolumeClaim", "ephemeral", "nfs", "csi", "hostPath"];
        vec![
            ("protectedPaths", some_of(&["/opt/web/", "/usr/bin", "/Windows", "/var/log/audit"])),
            ("additionalProtectedPaths", some_of(&["/opt/web2", "/cache/x/y", "/srv/a"])),
            ("allowedPaths", prop_oneof![Just(Value::Null), paths].boxed()),
            ("allowedTypes", some_of(types)),
            ("liveVolumes", of(&["allow", "deny"])),
            ("liveVolumes", of(&["allow"])),
        ]
    },
    ..ReferenceRule::new("writableMounts", findings)
};

fn findings(request: &Request<'_>) -> Findings {
    let settings: Options = options(request.settings, RULE.id);
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            termination_message(&settings, pod, container, &mut findings);
            live_content(&settings, pod, container, &mut findings);
            writable(request, &settings, pod, container, &mut findings);
        }
        aliases::aliases(&settings, pod, &mut findings);
    }
    findings
}

/// Reports writable mounts whose path or whose volume type is not allowed.
fn writable(
    request: &Request<'_>,
    settings: &Options,
    pod: &Pod,
    container: &ContainerAt,
    findings: &mut Findings,
) {
    for mount in mounts(pod, container).into_iter().filter(|mount| mount.is_writable(pod)) {
        if settings.protects(pod, &mount.target) || !settings.allows(pod, &mount.target) {
            findings.add(mount.path.field(mount.field), container.as_responsible());
        }
        let types = writable_types(pod, &mount.volume);
        let denied: Vec<_> = types.iter().filter(|kind| !settings.allowed_types.contains(kind)).collect();
        let path = mount.path.field("name");
        if denied.iter().all(|kind| *kind == "hostPath") && is_denied_host_path(request, pod, &mount) {
            // The finding about the host path may be older than the update.
            if !denied.is_empty() && !request.counts_all_findings() {
                findings.add_optional(path, container.as_responsible());
            }
        } else if !denied.is_empty() {
            findings.add(path, container.as_responsible());
        }
    }
}

/// Whether `hostPathVolumes` denies the volume of a mount, so that its type is not denied again.
fn is_denied_host_path(request: &Request<'_>, pod: &Pod, mount: &Mount) -> bool {
    let volumes = volumes_of(pod, &mount.volume);
    let mut host_paths = volumes.iter().filter_map(|volume| volume.host_path.as_ref());
    host_paths.any(|host_path| {
        super::host_path_volumes::denies_volume(request, pod, &mount.volume, &host_path.path)
    })
}

/// Reports a file for termination messages at a path that is not allowed.
fn termination_message(settings: &Options, pod: &Pod, container: &ContainerAt, findings: &mut Findings) {
    let path = container.spec.termination_message_path.clone().unwrap_or_default();
    let target = container_path(pod, &path);
    let is_default = path.is_empty() || target.is_unambiguous && target.names() == TERMINATION_LOG;
    if !is_default && (settings.protects(pod, &path) || !settings.allows(pod, &path)) {
        findings.add(container.path.field("terminationMessagePath"), container.as_responsible());
    }
}

/// Reports mounts over protected paths whose content the kubelet replaces when its source changes.
fn live_content(settings: &Options, pod: &Pod, container: &ContainerAt, findings: &mut Findings) {
    if settings.live_volumes == "allow" {
        return;
    }
    for mount in volume_mounts(pod, container) {
        let is_live = types_of(pod, &mount.volume).iter().any(|(kind, _)| LIVE.contains(&&**kind));
        let is_whole = mount.sub_path.depth() == 0;
        if is_live && is_whole && settings.protects(pod, &mount.target) && !has_certificates(pod, &mount) {
            findings.add(mount.path.field("mountPath"), container.as_responsible());
        }
    }
}

fn has_certificates(pod: &Pod, mount: &Mount) -> bool {
    let path = container_path(pod, &mount.target);
    path.is_unambiguous
        && CERTIFICATES.iter().any(|directory| path.starts_with(&container_path(pod, directory)))
}
