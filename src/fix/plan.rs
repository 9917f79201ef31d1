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
    fn paths_for(self, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        self.writable_paths.missing_paths(self.namespace, at)
    }
}

/// A fix that can be applied. If it needs a digest, the digest has been looked up.
#[derive(Clone, Debug)]
pub struct PlannedFix<'p, 's> {
    pub(super) fix: Fix<'p>,
    /// The digest of an image that the fix pins.
    pub(super) digest: Option<String>,
    /// The paths at which the container needs a volume because its root becomes read-only.
    pub(super) paths: Vec<WritablePath<'s>>,
}

impl<'p, 's> PlannedFix<'p, 's> {
    /// Looks up what a fix needs.
    ///
    /// # Errors
    /// The reason why the fix cannot be applied.
    pub fn new(
        fix: &Fix<'p>,
        source: VolumeSource<'_, 's>,
        digest_of: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        let at = fix.makes_read_only();
        let paths = at.map(|at| source.paths_for(at)).unwrap_or_default();
        if let Some(path) = paths.first()
            && at.is_some_and(|at| !at.pod.takes_volumes())
        {
            return Err(format!("no volume can be added here for {}", quoted(path.path)));
        }
        let digest = match fix.change {
            Change::Pin(image) => Some(digest_of(image)?),
            _ => None,
        };
        Ok(Self { fix: fix.clone(), digest, paths })
    }

    /// Returns the number of volumes that the fix adds.
    #[must_use]
    pub fn added_volumes(&self) -> usize {
        self.paths.len()
    }
}
