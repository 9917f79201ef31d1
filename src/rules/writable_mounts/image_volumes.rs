//! Directories that an image declares as `VOLUME`.

use super::WritableMounts;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::pod::ContainerAt;
use crate::rules::finding::Findings;
use crate::rules::fingerprint::Fingerprint;
use crate::rules::rule::{ImageConfig, ImageViolation};
use crate::text::quoted;

impl WritableMounts<'_> {
    /// Reports a finding that depends on the VOLUMEs of the image. Another image or other mounts are another finding.
    pub(super) fn check_image_volumes<'p>(
        &self,
        container: ContainerAt<'p, 'p>,
        findings: &mut Findings<'p>,
    ) {
        let image = &*container.container.image;
        // An operator may complete a container of a custom kind that has no image.
        let is_incomplete = image.is_empty() && container.pod.is_custom;
        if !self.inspect_image || container.pod.is_windows() || is_incomplete {
            return;
        }
        let mounts = container.container.volume_mounts.iter().map(|mount| mount.mount_path.as_bytes());
        let parts: Vec<_> = std::iter::once(image.as_bytes()).chain(mounts).collect();
        findings
            .at(container, "image")
            .message("must use an image that can be inspected")
            .shared_value(Fingerprint::of_parts(&parts))
            .pending_image(container);
    }

    /// Returns the VOLUMEs of an image at which containers must not write.
    pub(super) fn image_volume_violations(&self, image: &str, config: &ImageConfig) -> Vec<ImageViolation> {
        let image = quoted(image);
        let volumes = match &config.volumes {
            Ok(volumes) => volumes,
            Err(reason) => {
                let reason = format!("the volumes of image {image} are unknown: {reason}");
                return vec![ImageViolation::Reason(reason)];
            }
        };
        let violation = |path: &String| {
            let reason = self.path_violation(&FilePath::linux(path))?;
            let shown = quoted(path);
            let message = format!(
                "must mount a read-only volume at {shown}, or use another image: VOLUME {shown} of image {image} is \
                 writable, and {reason}"
            );
            Some(ImageViolation::Volume { path: path.clone(), message })
        };
        volumes.iter().filter_map(violation).collect()
    }
}
