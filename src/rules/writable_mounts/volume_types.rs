//! Writable volumes of types that are not allowed.

use super::WritableMounts;
use super::mounted_volume::{Mount, MountedVolume};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::finding::Findings;
use crate::text::quoted;

impl WritableMounts<'_> {
    /// Reports a writable volume of a type that is not allowed.
    pub(super) fn report_type<'p>(
        &self,
        container: ContainerAt<'p, 'p>,
        mount: &Mount<'_>,
        mounted: &MountedVolume<'_>,
        kind: &str,
        findings: &mut Findings<'p>,
    ) {
        let Mount { list, index, volume, .. } = mount;
        let (start, end) =
            if mount.is_device() { ("must not use", " as a device") } else { ("must mount", " read-only") };
        let contrast = if self.allows_host_path(container.pod, mounted) {
            "hostPathVolumes allows the path, but "
        } else {
            ""
        };
        let finding = findings.at(container, &of_item(list, *index, "name"));
        finding.message(format!(
            "{start} volume {}{end}: {contrast}type {} is not in allowedTypes",
            quoted(volume),
            quoted(kind)
        ));
        finding.shared_value(mounted.fingerprint(volume));
        if let Some((index, volume)) = mounted.source
            && volume.source("hostPath").is_some()
        {
            finding.unless_denied_at(container.pod.path_to(&of_item("volumes", index, "hostPath.path")));
        }
    }

    /// Returns whether the rule about host paths is on and allows a volume.
    fn allows_host_path(&self, pod: &Pod<'_>, mounted: &MountedVolume<'_>) -> bool {
        let host_path = mounted.source.and_then(|(_, volume)| volume.source("hostPath"));
        let Some((rule, host_path)) = self.host_path_volumes.as_ref().zip(host_path) else { return false };
        *mounted.is_allowed_host_path.get_or_init(|| rule.allows(pod, &host_path.path))
    }
}
