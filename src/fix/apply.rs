//! Applies fixes to an object: sets fields that are unset, and mounts volumes where a container with a read-only root writes.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::value::RawValue;

use super::lazy_value::LazyValue;
use super::plan::{PlannedFix, VolumeSource};
use super::volumes::{AddedVolume, Volumes};
use crate::kubernetes::container::ContainerList;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::{Change, FixField, Value};

/// Returns the object with all fixes, and all volumes that containers need because of them. Returns `None` if the object is not
/// the text that the pods were read from, or if that text is not JSON.
#[must_use]
pub fn apply(
    object: json_view::RawValue<'_>,
    fixes: &[PlannedFix<'_, '_>],
    source: VolumeSource<'_, '_>,
) -> Option<Box<RawValue>> {
    let mut by_pod: BTreeMap<usize, Vec<&PlannedFix<'_, '_>>> = BTreeMap::new();
    for planned in fixes {
        by_pod.entry(object.offset_of(planned.fix.pod().json)?).or_default().push(planned);
    }
    let mut edits: Vec<Edit> = Vec::new();
    // A pod spec in another pod spec begins after it, and is fixed first.
    for (start, fixes) in by_pod.into_iter().rev() {
        let pod = fixes.first()?.fix.pod();
        let range = start..start + pod.json.0.len();
        let inner = edits.iter().rposition(|edit| edit.range.start >= range.end).map_or(0, |last| last + 1);
        let text = with_edits(object.0, range.clone(), &edits.split_off(inner));
        let text = fix_pod(&text, pod, &fixes, source).ok()?;
        edits.push(Edit { range, text });
    }
    let text = with_edits(object.0, 0..object.0.len(), &edits);
    RawValue::from_string(String::from_utf8(text).ok()?).ok()
}

/// A new text for a part of the object.
struct Edit {
    range: Range<usize>,
    text: Vec<u8>,
}

/// Returns a part of a text with edits, which are in the order of descending offsets.
fn with_edits(text: &[u8], range: Range<usize>, edits: &[Edit]) -> Vec<u8> {
    let mut result =
        Vec::with_capacity(range.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut position = range.start;
    for edit in edits.iter().rev() {
        result.extend_from_slice(text.get(position..edit.range.start).unwrap_or_default());
        result.extend_from_slice(&edit.text);
        position = edit.range.end;
    }
    result.extend_from_slice(text.get(position..range.end).unwrap_or_default());
    result
}

/// Returns the text of a pod spec with fixes.
fn fix_pod(
    text: &[u8],
    pod: &Pod<'_>,
    fixes: &[&PlannedFix<'_, '_>],
    source: VolumeSource<'_, '_>,
) -> serde_json::Result<Vec<u8>> {
    let mut spec = LazyValue::parse(text)?;
    let volumes = added_volumes(pod, fixes);
    for list in [ContainerList::Init, ContainerList::Regular, ContainerList::Ephemeral] {
        let mut fixes = fixes.iter().filter(|planned| planned.fix.list() == Some(list)).peekable();
        if fixes.peek().is_none() {
            continue;
        }
        let containers = spec.field(list.field())?.items()?;
        let fixes: Vec<_> = fixes.copied().collect();
        for planned in &fixes {
            let FixField::Container(at, field) = planned.fix.field else { continue };
            let Some(container) = containers.get_mut(at.index) else { continue };
            change(field_at(container, field)?, planned)?;
        }
        fix_mounts(containers, &fixes)?;
        for (at, volume) in volumes.iter().filter(|(at, _)| at.list == list) {
            let Some(container) = containers.get_mut(at.index) else { continue };
            let options = source.options_at(*at, volume.path());
            container.field("volumeMounts")?.push(&volume.mount(options))?;
        }
    }
    for planned in fixes {
        match planned.fix.field {
            FixField::Pod(_, field) => change(field_at(&mut spec, field)?, planned)?,
            FixField::ImageVolume(_, index) => {
                let Some(volume) = spec.field("volumes")?.items()?.get_mut(index) else { continue };
                change(field_at(volume, "image.reference")?, planned)?;
            }
            FixField::Container(..) | FixField::MountOptions(..) => {}
        }
    }
    let mut new = volumes.iter().filter(|(_, volume)| !volume.is_present()).peekable();
    if new.peek().is_some() {
        let list = spec.field("volumes")?;
        for (_, volume) in new {
            list.push(&volume.volume())?;
        }
    }
    serde_json::to_vec(&spec)
}

/// Changes the mounts of containers. The mounts of a container are looked up once, because both may be many.
fn fix_mounts(containers: &mut [LazyValue<'_>], fixes: &[&PlannedFix<'_, '_>]) -> serde_json::Result<()> {
    let mount_of = |planned: &&PlannedFix<'_, '_>| match planned.fix.field {
        FixField::MountOptions(at, index) => Some((at.index, index)),
        _ => None,
    };
    let container_of = |planned: &&PlannedFix<'_, '_>| mount_of(planned).map(|(container, _)| container);
    for fixes in fixes.chunk_by(|one, other| container_of(one) == container_of(other)) {
        let container = fixes.first().and_then(container_of).and_then(|index| containers.get_mut(index));
        let Some(container) = container else { continue };
        let mounts = container.field("volumeMounts")?.items()?;
        for planned in fixes {
            let mount = mount_of(planned).and_then(|(_, index)| mounts.get_mut(index));
            if let Some(mount) = mount {
                change(mount.field("bindMountOptions")?, planned)?;
            }
        }
    }
    Ok(())
}

/// Returns the volumes that containers need because their root becomes read-only, each with its container.
fn added_volumes<'f, 's>(
    pod: &'f Pod<'f>,
    fixes: &[&'f PlannedFix<'f, 's>],
) -> Vec<(ContainerAt<'f, 'f>, AddedVolume<'s>)> {
    let mut volumes = Volumes::of(pod);
    let mut added = Vec::new();
    for planned in fixes {
        let Some(at) = planned.fix.makes_read_only() else { continue };
        added.extend(planned.paths.iter().map(|path| (at, volumes.add(at, *path))));
    }
    added
}

/// Returns the field at keys that are separated by dots.
fn field_at<'v, 'j>(value: &'v mut LazyValue<'j>, keys: &str) -> serde_json::Result<&'v mut LazyValue<'j>> {
    keys.split('.').try_fold(value, |value, key| value.field(key))
}

/// Changes a field as a fix says.
fn change(field: &mut LazyValue<'_>, planned: &PlannedFix<'_, '_>) -> serde_json::Result<()> {
    match (&planned.fix.change, &planned.digest) {
        (Change::Set(_), _) if !field.is_unset() => Ok(()),
        (Change::Set(Value::Flag(flag)), _) => field.set(flag),
        (Change::Set(Value::Text(text)), _) => field.set(text),
        (Change::Append(items), _) => items.iter().try_for_each(|item| field.push(item)),
        (Change::Pin(_), Some(digest)) => field.set(&format!("{}@{digest}", field.text()?)),
        (Change::Pin(_), None) => Ok(()),
        (Change::Restore(image), _) => field.set(image),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::pod::PodSpec;
    use crate::rules::fix::Fix;

    #[test]
    fn a_fix_sets_no_field_that_is_set() {
        let pod = Pod::template(PodSpec::default());
        let fix = Fix::set_text_of_pod(&pod, "securityContext.seccompProfile.type", "RuntimeDefault");
        let planned = PlannedFix { fix, digest: None, paths: Vec::new() };
        let changed = |json: &str| {
            let mut field = LazyValue::parse(json.as_bytes()).unwrap();
            change(&mut field, &planned).unwrap();
            serde_json::to_string(&field).unwrap()
        };
        assert_eq!(changed("null"), r#""RuntimeDefault""#);
        assert_eq!(changed(r#""Localhost""#), r#""Localhost""#);
    }
}
