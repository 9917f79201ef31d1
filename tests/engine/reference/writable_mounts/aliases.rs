//! Content at a protected path that a container can write to at another path.

use super::options::Options;
use crate::reference::findings::{Findings, ResponsibleContainers};
use crate::reference::mounts::{Mount, volume_mounts};
use crate::reference::request::{ContainerAt, Pod};
use crate::reference::shared_content::{runs_beside, shown_at};

/// Reports writable mounts of content that is also mounted at a protected path, in a container that runs beside the writer.
pub(super) fn aliases(settings: &Options, pod: &Pod, findings: &mut Findings) {
    let all: Vec<(&ContainerAt, Mount)> = pod
        .containers
        .iter()
        .flat_map(|container| volume_mounts(pod, container).into_iter().map(move |mount| (container, mount)))
        .collect();
    for (writer, writable) in &all {
        // A writable mount at a protected path is a finding of its own.
        if !writable.is_writable(pod) || settings.protects(pod, &writable.target) {
            continue;
        }
        let mut responsible = vec![writer.as_responsible()];
        for (reader, mount) in all.iter().filter(|(_, mount)| settings.protects(pod, &mount.target)) {
            let mut shown = shown_at(pod, writable, mount).into_iter();
            if runs_beside(writer, reader) && shown.any(|path| settings.protects(pod, &path)) {
                responsible.push(reader.as_responsible());
            }
        }
        if responsible.len() > 1 {
            let responsible = ResponsibleContainers { all: responsible, are_whole_pod: false };
            findings.add(writable.path.field("readOnly"), responsible);
        }
    }
}
