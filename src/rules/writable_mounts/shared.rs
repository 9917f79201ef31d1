//! A volume at a protected path must not be writable through another mount.

use std::iter::once;

use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::shared_volumes::{Change, Origin, SharedMount, SharedVolume, SharedVolumes};
use crate::rules::finding::{Findings, MAX_RESPONSIBLE};
use crate::rules::fingerprint::Fingerprint;
use crate::rules::responsible::ResponsibleContainer;
use crate::text::quoted;

/// What the check needs to know of the settings and of the volumes.
pub(super) struct Paths<'c> {
    /// Returns the protected path that a path in a container overlaps.
    pub(super) protected: &'c dyn Fn(&str) -> Option<&'c str>,
    /// Returns the fingerprint of a volume, given by its name.
    pub(super) fingerprint: &'c dyn Fn(&str) -> Fingerprint,
}

/// A mount that overlaps a protected path.
struct Reader<'v, 'c, 'p> {
    mount: &'v SharedMount<'p>,
    protected: &'c str,
}

/// Reports each writable mount that can change the content of a mount at a protected path.
pub(super) fn check<'p>(pod: &'p Pod<'p>, paths: &Paths<'_>, findings: &mut Findings<'p>) {
    for volume in SharedVolumes::of(pod).written() {
        let (mut readers, mut writers) = (Vec::new(), Vec::new());
        for mount in &volume.mounts {
            match (paths.protected)(&mount.mount.mount_path) {
                Some(protected) => readers.push(Reader { mount, protected }),
                None if mount.can_write => writers.push(mount),
                None => {}
            }
        }
        for writer in writers {
            check_writer(pod, volume, writer, &readers, paths, findings);
        }
    }
}

fn check_writer<'p, 'c>(
    pod: &'p Pod<'p>,
    volume: &SharedVolume<'p>,
    writer: &SharedMount<'p>,
    readers: &[Reader<'_, 'c, 'p>],
    paths: &Paths<'c>,
    findings: &mut Findings<'p>,
) {
    let mut changed =
        readers.iter().filter_map(|reader| Some((reader, protected_change(volume, writer, reader, paths)?)));
    let Some((Reader { mount: reader, .. }, (protected, link))) = changed.next() else { return };
    let (name, other_name) = (&*writer.mount.name, &*reader.mount.name);
    let what = match volume.origin {
        Origin::Claim if name != other_name => "the same claim",
        Origin::HostPath if name != other_name => "the same host path",
        _ => "the volume",
    };
    let finding = findings.at(writer.container, &of_item("volumeMounts", writer.index, "readOnly"));
    finding.message(format!(
        "must mount volume {} read-only: {} mounts {what} at {}, and {protected} is protected{link}",
        quoted(name),
        reader.container.label(),
        quoted(&reader.mount.mount_path),
    ));
    let own = ResponsibleContainer { can_write: true, ..ResponsibleContainer::of(writer.container) };
    let others = once(reader.container).chain(changed.map(|(reader, _)| reader.mount.container));
    let others = others.take(if volume.is_compared() { usize::MAX } else { 1 });
    let responsible = once(own).chain(others.map(ResponsibleContainer::of));
    finding.responsible_among(pod, responsible.collect(), volume.is_compared());
    finding.shared_value(Fingerprint::of_parts(&[
        &(paths.fingerprint)(name).to_bytes(),
        &(paths.fingerprint)(other_name).to_bytes(),
        writer.part().as_bytes(),
        reader.part().as_bytes(),
        reader.mount.mount_path.as_bytes(),
        // Containers that are not listed.
        &volume.mounts.len().saturating_sub(MAX_RESPONSIBLE).to_le_bytes(),
    ]));
}

/// Returns the protected path at which a writer can change what a reader mounts, and what the message says about a link.
fn protected_change<'c>(
    volume: &SharedVolume<'_>,
    writer: &SharedMount<'_>,
    reader: &Reader<'_, 'c, '_>,
    paths: &Paths<'c>,
) -> Option<(&'c str, &'static str)> {
    match volume.change(writer, reader.mount)? {
        Change::Everything => Some((reader.protected, "")),
        Change::ByLink => Some((reader.protected, "; a link in the volume can connect both")),
        Change::Below(rest) => {
            let protected = (paths.protected)(&format!("{}{rest}", &*reader.mount.mount.mount_path))?;
            Some((protected, ""))
        }
    }
}
