//! Which container can write to the code at a path.

use std::cell::OnceCell;
use std::iter::once;

use crate::kubernetes::mount_points::{MountPoint, MountPoints};
use crate::kubernetes::pod::ContainerAt;
use crate::kubernetes::shared_volumes::{SharedMount, SharedVolume, SharedVolumes, runs_beside};
use crate::rules::finding::{Finding, MAX_RESPONSIBLE};
use crate::rules::fingerprint::Fingerprint;
use crate::rules::responsible::ResponsibleContainer;
use crate::text::quoted;

/// The code that a container runs or loads.
pub(super) struct Code<'v, 'p> {
    container: ContainerAt<'p, 'p>,
    mount_points: MountPoints<'p>,
    /// The volumes of the pod, which are read when the first code lies in one of them.
    volumes: &'v OnceCell<SharedVolumes<'p>>,
    /// The writers of each mount of the container. They are searched once, because a variable can name the same mount many times.
    writers: Vec<OnceCell<Option<Writers<'p>>>>,
}

/// The containers that can write to code.
#[derive(Clone)]
pub(super) struct Writers<'p> {
    /// Who can write, as messages say it.
    pub(super) reason: String,
    /// The responsible containers.
    responsible: Vec<ResponsibleContainer<'p>>,
    /// Whether these are all.
    are_known: bool,
    /// What identifies the volume.
    fingerprint: Fingerprint,
}

impl<'v, 'p> Code<'v, 'p> {
    pub(super) fn of(container: ContainerAt<'p, 'p>, volumes: &'v OnceCell<SharedVolumes<'p>>) -> Self {
        let writers = container.container.volume_mounts.iter().map(|_| OnceCell::new()).collect();
        Self { container, mount_points: MountPoints::of(container), volumes, writers }
    }

    /// Returns which containers can write to code at a path, if any.
    pub(super) fn writers_at(&self, path: &str) -> Option<Writers<'p>> {
        let own = ResponsibleContainer { can_write: true, ..ResponsibleContainer::of(self.container) };
        let (reason, responsible, are_known) = match self.mount_points.find(path)? {
            MountPoint::Volume(index) => {
                return self.writers.get(index)?.get_or_init(|| self.writers_of(index)).clone();
            }
            MountPoint::TerminationMessage => {
                (format!("{} can write to its termination message", self.container.label()), vec![own], true)
            }
            MountPoint::SharedMemory => {
                let others = self.containers_beside();
                let are_known = others.is_some();
                let all = once(own).chain(others.unwrap_or_default()).collect();
                ("every container can write to /dev/shm".to_owned(), all, are_known)
            }
        };
        Some(Writers { reason, responsible, are_known, fingerprint: Fingerprint::default() })
    }

    /// Returns the containers that run while this container does, unless the pod has too many containers.
    fn containers_beside(&self) -> Option<Vec<ResponsibleContainer<'p>>> {
        let all = || self.container.pod.all_containers();
        if all().nth(MAX_RESPONSIBLE).is_some() {
            return None;
        }
        let beside = all().filter(|other| runs_beside(*other, self.container));
        let can_write = |other| ResponsibleContainer { can_write: true, ..ResponsibleContainer::of(other) };
        Some(beside.map(can_write).collect())
    }

    fn writers_of(&self, index: usize) -> Option<Writers<'p>> {
        let volumes = self.volumes.get_or_init(|| SharedVolumes::of(self.container.pod));
        let (volume, reader) = volumes.find(self.container, index)?;
        let is_own = |writer: &&SharedMount<'_>| writer.container.is_same(self.container);
        let first = volume.writers_of(reader).find(is_own).or_else(|| volume.writers_of(reader).next())?;
        let reason = format!("{} can write to volume {}", first.container.label(), quoted(&first.mount.name));
        let of = |writer: &SharedMount<'p>| ResponsibleContainer {
            can_write: true,
            ..ResponsibleContainer::of(writer.container)
        };
        let responsible =
            once(ResponsibleContainer::of(self.container)).chain(volume.writers_of(reader).map(of));
        let fingerprint = fingerprint(volume, reader, first);
        Some(Writers {
            reason,
            responsible: responsible.collect(),
            are_known: volume.is_compared(),
            fingerprint,
        })
    }
}

impl<'p> Writers<'p> {
    /// Completes a finding about code at a path.
    pub(super) fn blame(self, finding: &mut Finding<'p>, container: ContainerAt<'p, 'p>, path: &str) {
        finding.shared_value(Fingerprint::of_parts(&[path.as_bytes(), &self.fingerprint.to_bytes()]));
        finding.responsible_among(container.pod, self.responsible, self.are_known);
    }
}

/// Returns what identifies the content of a mount.
fn fingerprint(volume: &SharedVolume<'_>, reader: &SharedMount<'_>, writer: &SharedMount<'_>) -> Fingerprint {
    Fingerprint::of_parts(&[
        &[volume.origin as u8],
        reader.mount.name.as_bytes(),
        reader.part().as_bytes(),
        reader.volume_type().as_bytes(),
        writer.part().as_bytes(),
        // Containers that are not listed.
        &volume.mounts.len().saturating_sub(MAX_RESPONSIBLE).to_le_bytes(),
    ])
}
