//! Fixes: a field that is unset is filled in, and a container that gets a read-only root gets the places it writes to.

use crate::fix::additions::{Additions, Insertions, Step, to_json};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::{Change, Fix, FixField};
use crate::settings::writable_paths::{Volumes, WritablePath, WritablePaths};
use crate::text::quoted;
use json_view::RawValue;

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

/// A fix whose digest, if it needs one, has been looked up.
#[derive(Clone, Debug)]
pub struct PlannedFix<'p> {
    fix: Fix<'p>,
    /// The digest that a pinned image gets.
    digest: Option<String>,
}

impl<'p> PlannedFix<'p> {
    /// Looks up what a fix needs.
    ///
    /// # Errors
    /// The reason why the fix cannot be applied.
    pub fn new(
        fix: &Fix<'p>,
        source: VolumeSource<'_, '_>,
        digest_of: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Self, String> {
        if let Some(at) = fix.makes_read_only().filter(|at| !at.pod.takes_volumes())
            && let Some(path) = source.paths_for(at).first()
        {
            return Err(format!("no volume can be added here for {}", quoted(path.path())));
        }
        let digest = match fix.change {
            Change::Pin(image) => Some(digest_of(image)?),
            _ => None,
        };
        Ok(Self { fix: fix.clone(), digest })
    }

    fn path(&self) -> Vec<Step> {
        match self.fix.field {
            FixField::Container(at, field) => {
                let mut path = place_of(at).to_vec();
                path.extend(field.split('.').map(Step::Key));
                path
            }
            FixField::ImageVolume(_, index) => {
                vec![Step::Key("volumes"), Step::Index(index), Step::Key("image"), Step::Key("reference")]
            }
        }
    }

    fn add_to(&self, additions: &mut Additions) {
        let mut path = self.path();
        match &self.fix.change {
            Change::Set(flag) => additions.add(&path, if *flag { "true" } else { "false" }),
            Change::Append(items) => {
                path.push(Step::End);
                for item in items {
                    additions.add(&path, &to_json(item));
                }
            }
            Change::Pin(_) => {
                if let Some(digest) = &self.digest {
                    additions.add_suffix(&path, format!("@{digest}"));
                }
            }
            Change::Restore(image) => additions.replace(&path, to_json(image)),
        }
    }
}

/// The object with every fix in it, and every volume that containers need because of them. What fixes need must have been
/// looked up.
///
/// `object` is the text that the pods were read from. There is no such object when they were read from another one.
#[must_use]
pub fn apply(
    object: RawValue<'_>,
    fixes: &[PlannedFix<'_>],
    source: VolumeSource<'_, '_>,
) -> Option<Vec<u8>> {
    let mut by_pod: Vec<Vec<&PlannedFix<'_>>> = Vec::new();
    for fix in fixes {
        let index = fix.fix.pod().index;
        while by_pod.len() <= index {
            by_pod.push(Vec::new());
        }
        by_pod.get_mut(index)?.push(fix);
    }
    let mut insertions = Insertions::default();
    for fixes in &by_pod {
        if let Some(fix) = fixes.first() {
            let pod = fix.fix.pod();
            let additions = additions_to(pod, fixes, source);
            insertions.find(object.offset_of(pod.json)?, pod.json.0, &additions).ok()?;
        }
    }
    Some(insertions.put_into(object.0))
}

/// What fixes add to a pod spec.
fn additions_to(pod: &Pod<'_>, fixes: &[&PlannedFix<'_>], source: VolumeSource<'_, '_>) -> Additions {
    let mut additions = Additions::default();
    let mut volumes = Volumes::of(pod);
    for fix in fixes {
        fix.add_to(&mut additions);
        let Some(at) = fix.fix.makes_read_only() else { continue };
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
