//! The containers that are responsible for a finding.

use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::{ContainerAt, Pod};

/// The responsible containers of a finding. An exemption must cover all of them. An update that adds a responsible container makes
/// the finding new.
#[derive(Clone, Debug)]
pub enum ResponsibleContainers<'p> {
    /// All containers of a pod.
    Pod(&'p Pod<'p>),
    /// These containers.
    Only(Vec<ResponsibleContainer<'p>>),
}

/// The properties of a responsible container that exemptions match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResponsibleContainer<'p> {
    /// The kind of container as messages name it; empty for other subjects.
    pub kind: &'static str,
    /// The name, for containers.
    pub name: Option<&'p str>,
    /// The image, if there is one.
    pub image: Option<&'p str>,
    /// Whether the container can write to the volume of the finding, if that matters.
    pub can_write: bool,
}

impl<'p> ResponsibleContainer<'p> {
    /// Returns the properties of a container.
    #[must_use]
    pub fn of(at: ContainerAt<'p, '_>) -> Self {
        let container = at.container;
        Self { kind: at.kind(), name: Some(&container.name), image: Some(&container.image), can_write: false }
    }
}

impl ResponsibleContainers<'_> {
    /// Returns whether each container is also among others, with write access there if it has write access here.
    #[must_use]
    pub fn are_among(&self, others: &Self) -> bool {
        let (mine, others) = match (self, others) {
            (Self::Only(mine), Self::Only(others)) => (mine, others),
            // A field of the pod concerns no single container, and an unmounted volume is harmless.
            (Self::Pod(_), _) => return true,
            (Self::Only(_), Self::Pod(_)) => return false,
        };
        let all = Identities::of(others.iter());
        let writers = Identities::of(others.iter().filter(|container| container.can_write));
        mine.iter().all(|container| {
            let known = if container.can_write { &writers } else { &all };
            known.contains(container)
        })
    }
}

/// Returns the identity of a container in all versions of an object: its kind and its name. A regular container does not inherit the
/// findings of an init container.
#[derive(Default)]
struct Identities<'c>(Vec<(&'static str, NameIndex<'c>)>);

impl<'c> Identities<'c> {
    fn of(containers: impl Iterator<Item = &'c ResponsibleContainer<'c>>) -> Self {
        let mut identities = Self::default();
        for container in containers {
            let name = container.name.unwrap_or_default().into();
            if let Some((_, names)) = identities.0.iter_mut().find(|(kind, _)| *kind == container.kind) {
                names.add(name, 0);
            } else {
                let mut names = NameIndex::default();
                names.add(name, 0);
                identities.0.push((container.kind, names));
            }
        }
        identities
    }

    fn contains(&self, container: &ResponsibleContainer<'_>) -> bool {
        let name = container.name.unwrap_or_default();
        self.0.iter().any(|(kind, names)| *kind == container.kind && names.get(name).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_that_joins_is_not_among_the_others() {
        let containers = |names: &[(&'static str, bool)]| {
            let container = |&(name, can_write)| ResponsibleContainer {
                name: Some(name),
                can_write,
                ..ResponsibleContainer::default()
            };
            ResponsibleContainers::Only(names.iter().map(container).collect())
        };
        let both = containers(&[("a", true), ("b", false)]);
        for less in [&[("a", true)][..], &[("a", false), ("b", false)], &[("b", false), ("b", false)], &[]] {
            assert!(containers(less).are_among(&both), "{less:?}");
        }
        for more in [&[("a", true), ("b", true)][..], &[("a", true), ("c", false)]] {
            assert!(!containers(more).are_among(&both), "{more:?}");
        }
    }

    #[test]
    fn a_container_that_changes_its_list_is_another_one() {
        let container = |kind| {
            let container = ResponsibleContainer { kind, name: Some("a"), ..ResponsibleContainer::default() };
            ResponsibleContainers::Only(vec![container])
        };
        assert!(container("container").are_among(&container("container")));
        for other in ["init container", "sidecar", "ephemeral container"] {
            assert!(!container("container").are_among(&container(other)), "{other}");
            assert!(!container(other).are_among(&container("container")), "{other}");
        }
    }
}
