//! Volumes whose content changes in running containers.

use super::mounted_volume::{Access, Mount, MountedVolume};
use crate::kubernetes::container::VolumeMount;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::kubernetes::volume::Volume;
use crate::rules::finding::Findings;
use crate::text::quoted;

/// The types of volumes that the kubelet updates when their source changes.
const LIVE_TYPES: [&str; 4] = ["configMap", "secret", "projected", "downwardAPI"];

/// Directories of certificates, which are meant to be renewed while containers run.
const CERTIFICATE_STORES: [&str; 4] =
    ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/usr/local/share/ca-certificates"];

/// Returns the type of a volume if the kubelet updates its content in running containers.
pub(super) fn live_type(volume: &Volume<'_>) -> Option<&'static str> {
    LIVE_TYPES.into_iter().find(|kind| volume.source(kind).is_some())
}

/// Checks a mount of a volume whose content changes.
pub(super) fn check<'p>(
    container: ContainerAt<'p, 'p>,
    mount: &Mount<'_>,
    volume_mount: &VolumeMount<'_>,
    mounted: &MountedVolume<'_>,
    findings: &mut Findings<'p>,
) {
    let Some((live_type, protected)) = mounted.live_type.zip(mount.protected) else { return };
    // A volume of several types may be writable too. Then its path is a finding already.
    if !volume_mount.read_only && mounted.access != Access::ReadOnly {
        return;
    }
    let is_certificate_store = CERTIFICATE_STORES.iter().any(|store| mount.at.starts_with(store));
    if is_certificate_store || has_sub_path(container.pod, volume_mount) {
        return;
    }
    let message = format!(
        "must mount {} with a subPath, or elsewhere: the content of {live_type} volume {} can change at any time, and \
         {protected} is protected",
        quoted(mount.path),
        quoted(mount.volume),
    );
    let finding = findings.at(container, &of_item(mount.list, mount.index, mount.path_field));
    finding.message(message).shared_value(mounted.fingerprint(mount.path));
}

fn has_sub_path(pod: &Pod<'_>, mount: &VolumeMount<'_>) -> bool {
    mount.sub_path_expr.is_empty() && !pod.file_path(&mount.sub_path).as_str().is_empty()
}
