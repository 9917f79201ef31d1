//! Findings that count only if an image violates a rule.

use super::registry::RegistryCache;
use crate::kubernetes::file_path::FilePath;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::ContainerAt;
use crate::rules::ConfiguredRule;
use crate::rules::finding::Finding;
use crate::rules::rule::ImageViolation;

/// Number of findings of a rule after which a container has at most one finding about its image. Many containers can have an image
/// with many VOLUMEs.
const MANY_FINDINGS: usize = 1000;

/// Queries registries about the images of pending findings, and returns the findings that count, with their reasons.
pub(super) fn resolve<'j>(
    pending: Vec<Finding<'j>>,
    rule: &ConfiguredRule<'_>,
    registry_cache: &mut RegistryCache<'_>,
) -> Vec<Finding<'j>> {
    let mut images = NameIndex::default();
    let mut violations_by_image = Vec::new();
    let mut findings = Vec::new();
    for finding in pending {
        let Some(container) = finding.pending_image else { continue };
        let image = &*container.container.image;
        let index = images.add(image.into(), violations_by_image.len());
        if index == violations_by_image.len() {
            violations_by_image.push(rule.image_violations(image, &registry_cache.config_of(image)));
        }
        let violations = violations_by_image.get(index).map_or(&[][..], Vec::as_slice);
        let room = MANY_FINDINGS.saturating_sub(findings.len()).max(1);
        add_counting(&finding, container, violations, room, &mut findings);
    }
    findings
}

/// Adds a finding for each violation of an image that counts for a container, up to a number.
fn add_counting<'j>(
    finding: &Finding<'j>,
    container: ContainerAt<'j, 'j>,
    violations: &[ImageViolation],
    room: usize,
    findings: &mut Vec<Finding<'j>>,
) {
    if violations.is_empty() {
        return;
    }
    let mounts = container.container.volume_mounts.iter();
    let mounted: Vec<_> = mounts.map(|mount| container.pod.file_path(&mount.mount_path)).collect();
    // Runtimes replace a VOLUME by a mount only if both paths are equal as they are written, except for slashes and dots.
    // Source: `volumeMounts` in `internal/cri/server` of containerd.
    let is_mounted = |path: &str| path.starts_with('/') && mounted.contains(&FilePath::linux(path));
    let counting = violations.iter().filter_map(|violation| {
        let mut finding = finding.clone();
        match violation {
            ImageViolation::Reason(reason) => finding.explain(reason),
            ImageViolation::Volume { path, .. } if is_mounted(path) => return None,
            ImageViolation::Volume { message, .. } => _ = finding.message(message.clone()),
        }
        Some(finding)
    });
    findings.extend(counting.take(room));
}
