//! The status of a running pod. The kubelet reports it, and pod authors cannot change it.

use crate::kubernetes::container::ContainerList;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::{ContainerAt, Pod};
use json_view::{self as json, Text, views};

views! {
    /// `PodStatus` of `k8s.io/api/core/v1`.
    struct PodStatus<'a> {
        regular "containerStatuses": Vec<ContainerStatus<'a>>,
        ephemeral "ephemeralContainerStatuses": Vec<ContainerStatus<'a>>,
        init "initContainerStatuses": Vec<ContainerStatus<'a>>,
    }

    /// `ContainerStatus` of `k8s.io/api/core/v1`.
    struct ContainerStatus<'a> {
        image_id "imageID": Text<'a>,
        name "name": Text<'a>,
    }
}

/// The digests of the images that the containers of a pod run, according to its status.
#[derive(Debug)]
pub(crate) struct RunningImages {
    init: Digests,
    regular: Digests,
    ephemeral: Digests,
}

/// The digests of one list of containers.
#[derive(Debug)]
struct Digests {
    by_container: NameIndex<'static>,
    digests: Vec<String>,
}

impl RunningImages {
    /// Reads the status of a pod. A status that cannot be parsed contains no images.
    pub(crate) fn of(pod: &Pod<'_>) -> Self {
        let status: PodStatus<'_> = json::from_slice(pod.status.0).unwrap_or_default();
        Self {
            init: digests(&status.init),
            regular: digests(&status.regular),
            ephemeral: digests(&status.ephemeral),
        }
    }

    /// Returns the digest of the image that a container runs, if it is known.
    pub(crate) fn digest_of(&self, at: ContainerAt<'_, '_>) -> Option<&str> {
        let digests = match at.list {
            ContainerList::Init => &self.init,
            ContainerList::Regular => &self.regular,
            ContainerList::Ephemeral => &self.ephemeral,
        };
        let index = digests.by_container.get(&at.container.name)?;
        digests.digests.get(index).map(String::as_str)
    }
}

/// Returns the digest in each image id, which is a reference with a digest (`docker.io/library/nginx@sha256:…`), or a digest alone.
fn digests(statuses: &[ContainerStatus<'_>]) -> Digests {
    let mut by_container = NameIndex::default();
    for (index, status) in statuses.iter().enumerate() {
        by_container.set(String::from(&status.name).into(), index);
    }
    let digest = |status: &ContainerStatus<'_>| {
        let id = &*status.image_id;
        id.rsplit_once('@').map_or(id, |(_, digest)| digest).to_owned()
    };
    Digests { by_container, digests: statuses.iter().map(digest).collect() }
}
