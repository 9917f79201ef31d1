//! The entries of the proposed settings.

use immutable_pods_policy::kubernetes::image_reference::{ImageReference, Repository};

/// An entry. What comes first in the order is left out first if another entry makes it superfluous: entries that apply to all pods
/// before exemptions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Entry {
    /// A path of the node that pods can mount read-only: an entry of `hostPathVolumes.allowed`.
    HostPath(String),
    /// A path that containers can write to: an entry of `writableMounts.allowedPaths`.
    WritablePath(String),
    /// A repository of images: an entry of `imageReference.allowedRepositories`.
    Repository(String),
    /// An exemption.
    Exemption(Exempt),
}

impl Entry {
    /// Returns the exemption, if it is one.
    pub(super) fn exempt(&self) -> Option<&Exempt> {
        match self {
            Self::Exemption(exempt) => Some(exempt),
            Self::HostPath(_) | Self::WritablePath(_) | Self::Repository(_) => None,
        }
    }
}

/// The narrowest exemption for a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Exempt {
    pub(super) rule: &'static str,
    pub(super) image: Option<String>,
    pub(super) container: Option<String>,
    pub(super) namespace: Option<String>,
}

impl Exempt {
    /// Returns the exemption of a container in a namespace. Values that no pattern can match are left out. Nothing is returned if
    /// nothing is left.
    ///
    /// The image is named by its repository, so that its next version is admitted too.
    pub(super) fn of(
        rule: &'static str,
        namespace: &str,
        container: Option<&str>,
        image: Option<&str>,
    ) -> Option<Self> {
        let namespace = is_label(namespace).then(|| namespace.to_owned());
        let container = container.filter(|name| is_label(name)).map(str::to_owned);
        let exempt = Self { rule, image: image.and_then(repository), container, namespace };
        let selects = exempt.image.is_some() || exempt.container.is_some() || exempt.namespace.is_some();
        selects.then_some(exempt)
    }
}

/// Returns the repository of an image, with its host: `docker.io/library/nginx`.
pub(super) fn repository(image: &str) -> Option<String> {
    let Repository { host, folder, last } = ImageReference::parse(image).ok()?.repository;
    Some(match folder {
        Some(folder) => format!("{host}/{folder}/{last}"),
        None => format!("{host}/{last}"),
    })
}

/// Returns whether a text is a label of DNS, as the names of namespaces and containers are.
fn is_label(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
