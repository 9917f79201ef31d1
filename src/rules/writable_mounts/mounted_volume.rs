//! Volumes as containers mount them.

use std::cell::OnceCell;

use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::volume::Volume;
use crate::rules::fingerprint::Fingerprint;
use json_view::RawValue;

pub(super) const MOUNTS: &str = "volumeMounts";
pub(super) const DEVICES: &str = "volumeDevices";

/// A path of a container at which a volume is mounted, and the field that mounts it.
pub(super) struct Mount<'p> {
    pub(super) list: &'static str,
    pub(super) index: usize,
    pub(super) path_field: &'static str,
    pub(super) path: &'p str,
    /// The same path as it is compared.
    pub(super) at: FilePath<'p>,
    /// The first protected path that the path overlaps.
    pub(super) protected: Option<&'p str>,
    pub(super) volume: &'p str,
    /// The part of the volume, as it is written: `subPath` or `subPathExpr`.
    pub(super) part: &'p str,
}

impl Mount<'_> {
    pub(super) fn is_device(&self) -> bool {
        self.list == DEVICES
    }
}

/// A volume, or all volumes that come from claim templates.
#[derive(Default)]
pub(super) struct MountedVolume<'p> {
    pub(super) access: Access<'p>,
    /// The type, if the kubelet updates the content in running containers.
    pub(super) live_type: Option<&'static str>,
    /// The volume and its index in the pod; nothing for one from a claim template.
    pub(super) source: Option<(usize, &'p Volume<'p>)>,
    /// The fingerprint of the volume. It is computed once, because the text may be long and mounted often.
    pub(super) volume_fingerprint: OnceCell<Fingerprint>,
    /// Whether the rule about host paths allows the volume. It is evaluated once, because the volume may be mounted often.
    pub(super) is_allowed_host_path: OnceCell<bool>,
}

impl MountedVolume<'_> {
    /// The fingerprint of a finding about the volume: another volume at the same path is another finding.
    pub(super) fn fingerprint(&self, field: &str) -> Fingerprint {
        let json = self.source.map_or(RawValue::default(), |(_, volume)| volume.json);
        let volume = self.volume_fingerprint.get_or_init(|| Fingerprint::of(json.0));
        Fingerprint::of_parts(&[field.as_bytes(), &volume.to_bytes()])
    }
}

/// What a mount of a volume can do, unless the mount itself is read-only.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Access<'p> {
    #[default]
    ReadOnly,
    Writable,
    /// It can write to a volume of a type that is not allowed.
    Denied(&'p str),
}
