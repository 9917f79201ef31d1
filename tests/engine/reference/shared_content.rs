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

    /// Whether one of the parts contains the other.
    fn overlaps(&self, other: &Self) -> bool {
        self.is_in(other) || other.is_in(self)
    }

    /// Whether a part is strictly below this part.
    fn is_above(&self, other: &Self) -> bool {
        other.is_in(self) && other.path.depth() > self.path.depth()
    }
}

/// Returns the parts of storages that a mount shows.
fn parts(pod: &Pod, mount: &Mount) -> Vec<Part> {
    let own = Part { storage: Storage::Volume(mount.volume.clone()), path: mount.sub_path.clone() };
    let others = volumes_of(pod, &mount.volume).into_iter().flat_map(|volume| sources(pod, &volume, mount));
    [own].into_iter().chain(others).collect()
}

fn sources(pod: &Pod, volume: &Volume, mount: &Mount) -> Vec<Part> {
    let claim = volume.persistent_volume_claim.as_ref().map(|claim| claim.claim_name.clone());
    // Kubernetes names the claim of an ephemeral volume after the pod and the volume.
    let ephemeral = volume.ephemeral.as_ref().and(pod.name.as_ref());
    let ephemeral = ephemeral.map(|pod| format!("{pod}-{}", volume.name));
    let claims = claim.into_iter().chain(ephemeral);
    let claims = claims.map(|claim| Part { storage: Storage::Claim(claim), path: mount.sub_path.clone() });
    let host_path = volume.host_path.as_ref().map(|host_path| Part {
        storage: Storage::Node,
        path: without_link(&FilePath::parse(&host_path.path, pod.is_windows()).join(&mount.sub_path)),
    });
    claims.chain(host_path).collect()
}

/// Whether a writer of one mount can change the content of the other: one part contains the other, or a container may have
/// left a link between them.
pub(super) fn touch(pod: &Pod, one: &Mount, other: &Mount) -> bool {
    let (ones, others) = (parts(pod, one), parts(pod, other));
    let mut pairs = ones.iter().flat_map(|one| others.iter().map(move |other| (one, other)));
    pairs.any(|(one, other)| {
        one.storage == other.storage && (one.overlaps(other) || may_be_linked(pod, one, other))
    })
}

/// Whether any container can write to a directory above one of the parts.
fn may_be_linked(pod: &Pod, one: &Part, other: &Part) -> bool {
    let mounts = pod.containers.iter().flat_map(|container| volume_mounts(pod, container));
    let mut writable = mounts.filter(|mount| mount.is_writable(pod));
    writable.any(|mount| parts(pod, &mount).iter().any(|above| above.is_above(one) || above.is_above(other)))
}

/// Whether a container can write while another container runs.
pub(super) fn runs_beside(writer: &ContainerAt, reader: &ContainerAt) -> bool {
    let is_init = |container: &ContainerAt| container.list == "initContainers";
    let is_before = is_init(reader) && reader.is_sidecar && reader.path < writer.path;
    writer.path == reader.path || !is_init(writer) || writer.is_sidecar || is_before
}
