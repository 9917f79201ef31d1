//! The containers that can write to a file of a container.

use crate::reference::file_paths::FilePath;
use crate::reference::mounts::{Mount, container_path, volume_mounts};
use crate::reference::request::{ContainerAt, Pod};
use crate::reference::shared_content::{runs_beside, touch};

/// Who can write to a file.
pub(super) enum Writer<'p> {
    /// Every container, because the file is in shared memory.
    Every,
    /// One container.
    Container(&'p ContainerAt),
}

impl<'p> Writer<'p> {
    /// Returns the container, if it is one container.
    pub(super) fn container(&self) -> Option<&'p ContainerAt> {
        match self {
            Self::Every => None,
            Self::Container(container) => Some(container),
        }
    }
}

/// What is mounted at a path of a container.
enum Mounted {
    SharedMemory,
    TerminationMessage,
    Volume(Mount),
}

/// Returns the first writer of a file: the container itself, then the others in the order in which they start.
pub(super) fn writer<'p>(pod: &'p Pod, reader: &'p ContainerAt, file: &FilePath) -> Option<Writer<'p>> {
    let mounted = mounted(pod, reader).into_iter().filter(|(path, _)| file.starts_with(path));
    match mounted.max_by_key(|(path, _)| path.depth())?.1 {
        Mounted::SharedMemory => Some(Writer::Every),
        Mounted::TerminationMessage => Some(Writer::Container(reader)),
        Mounted::Volume(mount) => {
            let can_write = |writer: &&ContainerAt| {
                let mut mounts = volume_mounts(pod, writer).into_iter();
                runs_beside(writer, reader)
                    && mounts.any(|other| other.is_writable(pod) && touch(pod, &other, &mount))
            };
            in_order(pod, reader).into_iter().find(can_write).map(Writer::Container)
        }
    }
}

/// Returns what is mounted in a container, each with its path. Of equal paths, the last one counts.
fn mounted(pod: &Pod, container: &ContainerAt) -> Vec<(FilePath, Mounted)> {
    let mut mounted = Vec::new();
    if !pod.is_windows() {
        let message = container.spec.termination_message_path.clone().unwrap_or_default();
        let message = if message.is_empty() { "/dev/termination-log" } else { &message };
        mounted.push((FilePath::parse("/dev/shm", false), Mounted::SharedMemory));
        mounted.push((container_path(pod, message), Mounted::TerminationMessage));
    }
    let mounts = volume_mounts(pod, container).into_iter();
    mounted.extend(mounts.map(|mount| (container_path(pod, &mount.target), Mounted::Volume(mount))));
    mounted
}

/// Returns all containers in the order in which they start, after one container.
fn in_order<'p>(pod: &'p Pod, first: &'p ContainerAt) -> Vec<&'p ContainerAt> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let of_list = |list| pod.containers.iter().filter(move |container| container.list == list);
    [first].into_iter().chain(lists.into_iter().flat_map(of_list)).collect()
}
