//! Mounts with the same content: mounts of one volume, of volumes of one claim, and of host paths that overlap.

use k8s_openapi::api::core::v1::Volume;

use super::file_paths::FilePath;
use super::host_path_volumes::without_link;
use super::mounts::{Mount, volume_mounts, volumes_of};
use super::request::{ContainerAt, Pod};

/// A place that volumes get their content from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Storage {
    /// A volume of the pod, by its name.
    Volume(String),
    /// A claim of the namespace, by its name.
    Claim(String),
    /// The file system of the node.
    Node,
}

/// A part of a storage.
struct Part {
    storage: Storage,
    path: FilePath,
}

impl Part {
    /// Whether the other part contains this part, or is this part.
    fn is_in(&self, other: &Self) -> bool {
        self.storage == other.storage && self.path.starts_with(&other.path)
    }

    /// Whether a part is strictly below this part.
    fn is_above(&self, other: &Self) -> bool {
        other.is_in(self) && other.path.depth() > self.path.depth()
    }
}

/// Returns the parts of storages that a mount shows.
fn parts(pod: &Pod, mount: &Mount) -> Vec<Part> {
    let own = Part { storage: Storage::Volume(mount.volume.clone()), path: known(mount.sub_path.clone()) };
    let others = volumes_of(pod, &mount.volume).into_iter().flat_map(|volume| sources(pod, &volume, mount));
    [own].into_iter().chain(others).collect()
}

fn sources(pod: &Pod, volume: &Volume, mount: &Mount) -> Vec<Part> {
    let claim = volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.clone());
    // Kubernetes names the claim of an ephemeral volume after the pod and the volume.
    let ephemeral = volume.ephemeral.as_ref().and(pod.name.as_ref());
    let ephemeral = ephemeral.map(|pod| format!("{pod}-{}", volume.name));
    let claims = claim.into_iter().chain(ephemeral);
    let claims =
        claims.map(|claim| Part { storage: Storage::Claim(claim), path: known(mount.sub_path.clone()) });
    let host_path = volume.host_path.as_ref().map(|host_path| Part {
        storage: Storage::Node,
        path: node_path(pod, &host_path.path, &mount.sub_path),
    });
    claims.chain(host_path).collect()
}

/// Returns a path on the node with the link `/var/run` of Linux replaced.
fn node_path(pod: &Pod, host_path: &str, sub_path: &FilePath) -> FilePath {
    let host_path = known(FilePath::parse(host_path, pod.is_windows()));
    let path = host_path.join(&known(sub_path.clone()));
    if pod.is_windows() { path } else { without_link(&path) }
}

/// Returns the whole volume for a path that a runtime may resolve in several ways.
fn known(path: FilePath) -> FilePath {
    if path.is_unambiguous { path } else { FilePath::parse("/", true) }
}

/// Whether a writer of one mount can change the content of the other: one part contains the other, or a container may have
/// left a link between them.
pub(super) fn touch(pod: &Pod, one: &Mount, other: &Mount) -> bool {
    !shown_at(pod, one, other).is_empty()
}

/// Returns the paths in the container of a reader at which content appears that a writer can change.
pub(super) fn shown_at(pod: &Pod, writer: &Mount, reader: &Mount) -> Vec<String> {
    let (written, read) = (parts(pod, writer), parts(pod, reader));
    let pairs = written.iter().flat_map(|written| read.iter().map(move |read| (written, read)));
    let pairs = pairs.filter(|(written, read)| written.storage == read.storage);
    pairs.filter_map(|(written, read)| shown(pod, (writer, written), (reader, read))).collect()
}

fn shown(pod: &Pod, (writer, written): (&Mount, &Part), (reader, read): (&Mount, &Part)) -> Option<String> {
    // Links lead from one host path to another only within one volume.
    let can_be_linked = written.storage != Storage::Node || writer.volume == reader.volume;
    if read.is_in(written) || can_be_linked && may_be_linked(pod, writer, written, read) {
        return Some(reader.target.clone());
    }
    let below = written.path.skip(read.path.depth());
    written.is_in(read).then(|| format!("{}/{}", reader.target, below.names().join("/")))
}

/// Whether any container can write to a directory above one of the parts.
fn may_be_linked(pod: &Pod, writer: &Mount, one: &Part, other: &Part) -> bool {
    let mounts = pod.containers.iter().flat_map(|container| volume_mounts(pod, container));
    let mut writable = mounts.filter(|mount| mount.is_writable(pod));
    writable.any(|mount| {
        let counts = |above: &Part| above.storage != Storage::Node || mount.volume == writer.volume;
        let parts = parts(pod, &mount);
        parts.iter().any(|above| counts(above) && (above.is_above(one) || above.is_above(other)))
    })
}

/// Whether a container can write while another container runs.
pub(super) fn runs_beside(writer: &ContainerAt, reader: &ContainerAt) -> bool {
    let is_init = |container: &ContainerAt| container.list == "initContainers";
    let is_before = is_init(reader) && reader.is_sidecar && reader.path < writer.path;
    writer.path == reader.path || !is_init(writer) || writer.is_sidecar || is_before
}
