//! The containers that can write to a file of a container.

use crate::reference::file_paths::FilePath;
use crate::reference::mounts::{Mount, container_path, is_at_or_below, volume_mounts};
use crate::reference::request::{ContainerAt, Pod};
use crate::reference::shared_content::{runs_beside, touch};

/// What is mounted at a path of a container.
enum Mounted {
    SharedMemory,
    TerminationMessage,
    Volume(Mount),
}

/// Returns the containers that can write to a file while a container runs.
pub(super) fn writers<'p>(pod: &'p Pod, reader: &'p ContainerAt, file: &FilePath) -> Vec<&'p ContainerAt> {
    let mounted = mounted(pod, reader).into_iter().filter(|(path, _)| is_at_or_below(pod, file, path));
    let Some((_, mounted)) = mounted.max_by_key(|(path, _)| path.depth()) else { return Vec::new() };
    let can_write = |writer: &&ContainerAt| match &mounted {
        Mounted::SharedMemory => runs_beside(writer, reader),
        Mounted::TerminationMessage => writer.path == reader.path,
        Mounted::Volume(mount) => {
            let mut mounts = volume_mounts(pod, writer).into_iter();
            runs_beside(writer, reader)
                && mounts.any(|other| other.is_writable(pod) && touch(pod, &other, mount))
        }
    };
    pod.containers.iter().filter(can_write).collect()
}

/// Returns what is mounted in a container, each with its path. Of equal paths, the last one counts.
fn mounted(pod: &Pod, container: &ContainerAt) -> Vec<(FilePath, Mounted)> {
    let mut mounted = Vec::new();
    if !pod.is_windows() {
        mounted.push((FilePath::parse("/dev/shm", false), Mounted::SharedMemory));
    }
    let mounts = volume_mounts(pod, container).into_iter();
    mounted.extend(mounts.map(|mount| (container_path(pod, &mount.target), Mounted::Volume(mount))));
    // The kubelet mounts this file after all volumes.
    let message = container.spec.termination_message_path.clone().unwrap_or_default();
    let message = if message.is_empty() { "/dev/termination-log" } else { &message };
    mounted.push((container_path(pod, message), Mounted::TerminationMessage));
    mounted
}
