//! Plans fixes: looks up what a fix needs before it is applied.

use crate::kubernetes::pod::ContainerAt;
use crate::rules::fix::{Change, Fix};
use crate::rules::noexec_mounts::NoexecMounts;
use crate::settings::writable_paths::{WritablePath, WritablePaths};
use crate::text::quoted;

/// Where volumes for containers with a read-only root come from.
#[derive(Clone, Copy, Debug)]
pub struct VolumeSource<'v, 's> {
    /// The `writablePaths` of the settings.
    pub writable_paths: &'v WritablePaths<'s>,
    /// The namespace of the object.
    pub namespace: &'v str,
    /// The rule about the options of mounts, if it is on.
    pub noexec_mounts: Option<&'v NoexecMounts<'s>>,
}

impl<'v, 's> VolumeSource<'v, 's> {
    /// Returns the options of a mount that a fix adds.
    pub(super) fn options_at(self, at: ContainerAt<'_, '_>, path: &str) -> &'v [&'static str] {
        self.noexec_mounts.map_or(&[], |rule| rule.options_at(at.pod, path))
    }

    /// Returns the paths at which a container needs a volume if its root becomes read-only.
    pub(super) fn paths_for(self, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        self.writable_paths.missing_paths(self.namespace, at)
    }
}

/// A fix that can be applied. If it needs a digest, the digest has been looked up.
#[derive(Clone, Debug)]
pub struct PlannedFix<'p> {
    pub(super) fix: Fix<'p>,
    /// The digest of an image that the fix pins.
    pub(super) digest: Option<String>,
}

impl<'p> PlannedFix<'p> {
    /// Looks up what a fix needs.
    ///
    /// # Errors
    /// The reason why the fix cannot be applied.
    pub fn new(
        fix: &Fix<'p>,
        source: VolumeSource<'_, '_>,
        digest_of: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        if let Some(at) = fix.makes_read_only().filter(|at| !at.pod.takes_volumes())
            && let Some(path) = source.paths_for(at).first()
        {
            return Err(format!("no volume can be added here for {}", quoted(path.path)));
        }
        let digest = match fix.change {
            Change::Pin(image) => Some(digest_of(image)?),
            _ => None,
        };
        Ok(Self { fix: fix.clone(), digest })
    }
}
