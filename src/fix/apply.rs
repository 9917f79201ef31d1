//! Fixes: a field that is unset is filled in, and a container that gets a read-only root gets the places it writes to.

use crate::evaluation::registry::Lookups;
use crate::fix::additions::{Additions, Insertions, Step, to_json};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::settings::writable_paths::{Volumes, WritablePath, WritablePaths};
use crate::text::quoted;
use json_view::Raw;

/// The field of a container whose fix brings the writable paths with it.
pub const READ_ONLY_ROOT: &str = "securityContext.readOnlyRootFilesystem";

/// What a fix may change in an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whatever is unset.
    Unset,
    /// Images alone, which must lose no digest: an API server refuses all else in an update of a pod.
    LostDigests,
}

/// Where the volumes come from that containers get with a read-only root.
#[derive(Clone, Copy, Debug)]
pub struct VolumeSource<'v, 's> {
    /// The `writablePaths` of the settings.
    pub writable_paths: &'v WritablePaths<'s>,
    /// The namespace of the object.
    pub namespace: &'v str,
}

impl<'s> VolumeSource<'_, 's> {
    fn paths_for(self, at: ContainerAt<'_, '_>) -> Vec<WritablePath<'s>> {
        self.writable_paths.lacking(self.namespace, at)
    }
}

/// What fills in a field.
#[derive(Clone, Debug)]
pub struct Fix<'p> {
    place: Place<'p>,
    filling: Filling<'p>,
}

/// Where something is filled in.
#[derive(Clone, Copy, Debug)]
enum Place<'p> {
    /// In a container. The keys from the container on have dots between them.
    Container(ContainerAt<'p, 'p>, &'static str),
    /// In the reference of an image volume of a pod, by its place in the list.
    ImageVolume(&'p Pod<'p>, usize),
}

#[derive(Clone, Debug)]
enum Filling<'p> {
    /// The field gets this value.
    Flag(bool),
    /// The list gets these as well.
    Items(Vec<String>),
    /// The field, which holds this image, gets the digest that its tag stands for.
    DigestOf(&'p str),
    /// The field, which holds an image, gets this digest.
    Digest(String),
    /// The field gets back this image, whose digest it has lost.
    Image(&'p str),
}

impl<'p> Fix<'p> {
    /// Sets a field that is unset.
    #[must_use]
    pub fn set(at: ContainerAt<'p, 'p>, field: &'static str, flag: bool) -> Self {
        Self { place: Place::Container(at, field), filling: Filling::Flag(flag) }
    }

    /// Appends to a list, whether it is there or not.
    #[must_use]
    pub fn append(at: ContainerAt<'p, 'p>, field: &'static str, items: Vec<String>) -> Self {
        Self { place: Place::Container(at, field), filling: Filling::Items(items) }
    }

    /// Pins the image of a container.
    #[must_use]
    pub fn pin(at: ContainerAt<'p, 'p>) -> Self {
        Self { place: Place::Container(at, "image"), filling: Filling::DigestOf(&at.container.image) }
    }

    /// Pins the image of a volume.
    #[must_use]
    pub fn pin_volume(pod: &'p Pod<'p>, index: usize, reference: &'p str) -> Self {
        Self { place: Place::ImageVolume(pod, index), filling: Filling::DigestOf(reference) }
    }

    /// Gives back the image of a container.
    #[must_use]
    pub fn restore(at: ContainerAt<'p, 'p>, image: &'p str) -> Self {
        Self { place: Place::Container(at, "image"), filling: Filling::Image(image) }
    }

    /// The same fix with what has to be looked up for it.
    ///
    /// # Errors
    /// Why that is not known, or why the fix cannot be made.
    pub fn prepared(&self, source: VolumeSource<'_, '_>, lookups: &mut Lookups<'_>) -> Result<Self, String> {
        if let Some(at) = self.made_read_only().filter(|at| !at.pod.takes_volumes())
            && let Some(path) = source.paths_for(at).first()
        {
            return Err(format!("no volume can be added here for {}", quoted(path.path())));
        }
        let filling = match self.filling {
            Filling::DigestOf(image) => Filling::Digest(lookups.digest_of(image)?),
            ref other => other.clone(),
        };
        Ok(Self { place: self.place, filling })
    }

    fn pod(&self) -> &'p Pod<'p> {
        match self.place {
            Place::Container(at, _) => at.pod,
            Place::ImageVolume(pod, _) => pod,
        }
    }

    /// The container that gets a read-only root, if any does.
    fn made_read_only(&self) -> Option<ContainerAt<'p, 'p>> {
        match self.place {
            Place::Container(at, READ_ONLY_ROOT) => Some(at),
            _ => None,
        }
    }

    fn path(&self) -> Vec<Step> {
        match self.place {
            Place::Container(at, field) => {
                let mut path = place_of(at).to_vec();
                path.extend(field.split('.').map(Step::Key));
                path
            }
            Place::ImageVolume(_, index) => {
                vec![Step::Key("volumes"), Step::Index(index), Step::Key("image"), Step::Key("reference")]
            }
        }
    }

    fn add_to(&self, additions: &mut Additions) {
        let mut path = self.path();
        match &self.filling {
            Filling::Flag(flag) => additions.add(&path, if *flag { "true" } else { "false" }),
            Filling::Items(items) => {
                path.push(Step::End);
                for item in items {
                    additions.add(&path, &to_json(item));
                }
            }
            Filling::Digest(digest) => additions.add_suffix(&path, format!("@{digest}")),
            Filling::Image(image) => additions.replace(&path, to_json(image)),
            // It has to be looked up first.
            Filling::DigestOf(_) => {}
        }
    }
}

/// The object with every fix in it, and every volume that containers need because of them. What fixes need must have been
/// looked up.
///
/// `object` is the text that the pods were read from. There is no such object when they were read from another one.
#[must_use]
pub fn apply(object: Raw<'_>, fixes: &[Fix<'_>], source: VolumeSource<'_, '_>) -> Option<Vec<u8>> {
    let mut by_pod: Vec<Vec<&Fix<'_>>> = Vec::new();
    for fix in fixes {
        let index = fix.pod().index;
        while by_pod.len() <= index {
            by_pod.push(Vec::new());
        }
        by_pod.get_mut(index)?.push(fix);
    }
    let mut insertions = Insertions::default();
    for fixes in &by_pod {
        if let Some(fix) = fixes.first() {
            let pod = fix.pod();
            let additions = additions_to(pod, fixes, source);
            insertions.find(object.offset_of(pod.json)?, pod.json.0, &additions).ok()?;
        }
    }
    Some(insertions.put_into(object.0))
}

/// What fixes add to a pod spec.
fn additions_to(pod: &Pod<'_>, fixes: &[&Fix<'_>], source: VolumeSource<'_, '_>) -> Additions {
    let mut additions = Additions::default();
    let mut volumes = Volumes::of(pod);
    for fix in fixes {
        fix.add_to(&mut additions);
        let Some(at) = fix.made_read_only() else { continue };
        for path in source.paths_for(at) {
            let volume = volumes.add(at, path);
            let [list, index] = place_of(at);
            additions.add(&[list, index, Step::Key("volumeMounts"), Step::End], &volume.mount());
            if !volume.is_there() {
                additions.add(&[Step::Key("volumes"), Step::End], &volume.volume());
            }
        }
    }
    additions
}

/// The way from the pod spec to a container.
fn place_of(at: ContainerAt<'_, '_>) -> [Step; 2] {
    [Step::Key(at.list.field()), Step::Index(at.index)]
}
