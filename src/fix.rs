//! Fixes: a field that is unset is filled in, and a container that gets a read-only root gets the places it writes to.

use crate::additions::{Additions, Insertions, Step, to_json};
use crate::json::Raw;
use crate::pod::{ContainerAt, Pod};
use crate::writable_paths::{Volumes, WritablePaths};

/// The field of a container whose fix brings the writable paths with it.
pub const READ_ONLY_ROOT: &str = "securityContext.readOnlyRootFilesystem";

/// What fills in a field of a container.
#[derive(Clone, Debug)]
pub struct Fix<'p> {
    at: ContainerAt<'p, 'p>,
    /// The keys from the container on, with dots between them.
    field: &'static str,
    filling: Filling,
}

#[derive(Clone, Debug)]
enum Filling {
    /// The field gets this value.
    Flag(bool),
    /// The list gets these as well.
    Items(Vec<String>),
}

impl<'p> Fix<'p> {
    /// Sets a field that is unset.
    #[must_use]
    pub fn set(at: ContainerAt<'p, 'p>, field: &'static str, flag: bool) -> Self {
        Self { at, field, filling: Filling::Flag(flag) }
    }

    /// Appends to a list, whether it is there or not.
    #[must_use]
    pub fn append(at: ContainerAt<'p, 'p>, field: &'static str, items: Vec<String>) -> Self {
        Self { at, field, filling: Filling::Items(items) }
    }

    fn add_to(&self, additions: &mut Additions) {
        let mut path = place_of(self.at);
        path.extend(self.field.split('.').map(Step::Key));
        match &self.filling {
            Filling::Flag(flag) => additions.add(&path, flag.to_string()),
            Filling::Items(items) => {
                path.push(Step::End);
                for item in items {
                    additions.add(&path, to_json(item));
                }
            }
        }
    }
}

/// What is added to one pod spec.
struct Mended<'p> {
    pod: &'p Pod<'p>,
    volumes: Volumes<'p>,
    additions: Additions,
}

impl<'p> Mended<'p> {
    fn new(pod: &'p Pod<'p>) -> Self {
        Self { pod, volumes: Volumes::of(pod), additions: Additions::default() }
    }

    /// Gives a container the volumes for the places that it writes to.
    fn mount(&mut self, at: ContainerAt<'_, '_>, writable_paths: &WritablePaths<'_>, namespace: &str) {
        for path in writable_paths.lacking(namespace, at) {
            let volume = self.volumes.add(at, path);
            let mut mounts = place_of(at);
            mounts.extend([Step::Key("volumeMounts"), Step::End]);
            self.additions.add(&mounts, volume.mount());
            self.additions.add(&[Step::Key("volumes"), Step::End], volume.volume());
        }
    }
}

/// The object with every fix in it, and every volume that containers need because of them.
///
/// `object` is the text that the pods were read from. There is no such object when they were read from another one.
#[must_use]
pub fn apply(
    object: Raw<'_>,
    fixes: &[&Fix<'_>],
    writable_paths: &WritablePaths<'_>,
    namespace: &str,
) -> Option<Vec<u8>> {
    let mut pods: Vec<Option<Mended<'_>>> = Vec::new();
    for fix in fixes {
        let pod = fix.at.pod;
        if pods.len() <= pod.index {
            pods.resize_with(pod.index + 1, || None);
        }
        let mended = pods.get_mut(pod.index)?.get_or_insert_with(|| Mended::new(pod));
        fix.add_to(&mut mended.additions);
        if fix.field == READ_ONLY_ROOT {
            mended.mount(fix.at, writable_paths, namespace);
        }
    }
    let mut insertions = Insertions::default();
    for Mended { pod, additions, .. } in pods.into_iter().flatten() {
        insertions.find(object.offset_of(pod.json)?, pod.json.0, &additions).ok()?;
    }
    Some(insertions.put_into(object.0))
}

/// The way from the pod spec to a container.
fn place_of(at: ContainerAt<'_, '_>) -> Vec<Step> {
    vec![Step::Key(at.list.field()), Step::Index(at.index)]
}
