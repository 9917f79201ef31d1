//! Volumes whose content changes in running containers.

use super::{Access, MOUNTS, MountedVolume, WritableMounts};
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

impl WritableMounts<'_> {
    /// Checks a mount of a volume whose content changes.
    pub(super) fn check_live<'p>(
        &self,
        container: ContainerAt<'p, 'p>,
        index: usize,
        mounted: &MountedVolume<'_>,
        live_type: &str,
        findings: &mut Findings<'p>,
    ) {
        let Some(mount) = container.container.volume_mounts.get(index) else { return };
        let at = container.pod.file_path(&mount.mount_path);
        // A volume of several types may be writable too. Then its path is a finding already.
        let is_writable = !mount.read_only && mounted.access != Access::ReadOnly;
        let Some(protected) = self.protected_path(&at).filter(|_| !is_writable) else { return };
        let is_certificate_store = CERTIFICATE_STORES.iter().any(|store| at.starts_with(store));
        if is_certificate_store || has_sub_path(container.pod, mount) {
            return;
        }
        let message = format!(
            "must mount {} with a subPath, or elsewhere: the content of {live_type} volume {} can change at any time, and \
             {protected} is protected",
            quoted(&mount.mount_path),
            quoted(&mount.name),
        );
        let finding = findings.at(container, &of_item(MOUNTS, index, "mountPath"));
        finding.message(message).shared_value(mounted.fingerprint(&mount.mount_path));
    }
}

/// Returns whether a mount certainly contains only a part of its volume, which the kubelet does not update. An expression may result
/// in the whole volume.
fn has_sub_path(pod: &Pod<'_>, mount: &VolumeMount<'_>) -> bool {
    mount.sub_path_expr.is_empty() && !pod.file_path(&mount.sub_path).as_str().is_empty()
}
