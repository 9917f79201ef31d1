//! `volumeTypes`: pods have volumes of the allowed types only.

use std::borrow::Cow;

use super::finding::Findings;
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::Container;
use crate::kubernetes::field_path;
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::volume::{self, CLAIM, Volume};
use crate::settings::declaration::{Choices, Declared, Format, Setting, Texts};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::settings::suggestion::suggestion;
use crate::text::{printable, quoted};

const ALLOWED: Setting<Texts> = Setting {
    key: "allowed",
    label: "Allowed types",
    doc: "Types of volumes that pods can have.",
    kind: Texts {
        format: &VOLUME_TYPE,
        default: &[
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ],
        may_be_empty: true,
    },
};

const VOLUME_TYPE: Format = Format {
    check: check_type,
    demands: &[],
    choices: Some(|| Choices { words: volume::types().collect(), other_spellings: None }),
};

pub(crate) struct VolumeTypes<'s> {
    allowed: Cow<'s, [&'s str]>,
}

/// A source of a volume, of a type that is not allowed.
struct Denied<'p> {
    /// The index of the volume.
    index: usize,
    name: &'p str,
    kind: &'p str,
}

impl VolumeTypes<'_> {
    fn denied<'p>(&self, index: usize, volume: &'p Volume<'p>) -> impl Iterator<Item = Denied<'p>> {
        let kinds = volume.types().filter(|kind| !self.allowed.contains(kind));
        kinds.map(move |kind| Denied { index, name: &volume.name, kind })
    }
}

impl<'s> Rule<'s> for VolumeTypes<'s> {
    const META: RuleMeta =
        RuleMeta { id: "volumeTypes", severity: Severity::Low, default_mode: Mode::Off, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Pods have volumes of the allowed types only.",
        finding: "a volume whose type is not in `allowed`",
        fix: None,
        why: "\
Some volume types reach the node or the network with the credentials of the node.",
        how: Some(
            "\
A volume without a source counts as `emptyDir`, which is what API servers make of it. The claim templates of a StatefulSet count as
`persistentVolumeClaim`: their findings are at `volumes` of the pod template, and name the claim template. A type that the policy does
not know is a finding. `hostPathVolumes` and `writableMounts` decide more finely, by path and by mount.",
        ),
        limits: Some(
            "\
Drivers of `csi` and `flexVolume` are not distinguished.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        Self { allowed: reader.get(&ALLOWED) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let volumes = pod.spec.volumes.iter().enumerate();
        let denied: Vec<_> = volumes.flat_map(|(index, volume)| self.denied(index, volume)).collect();
        let names = NameIndex::of(denied.iter().map(|denied| denied.name));
        let mut mounted_by = mounted_by(pod, &names, denied.len());
        for (position, Denied { index, name, kind }) in denied.into_iter().enumerate() {
            let mut field = String::new();
            field_path::push_key(&mut field, kind);
            let finding = findings.at_volume(pod, index, &field);
            finding.message(format!("must not be of type {}", printable(kind)));
            // All containers are responsible for a volume that is not mounted, and for a second source, which API servers refuse.
            let mounted_by =
                names.get(name).filter(|first| *first == position).map(|first| mounted_by.get_mut(first));
            if let Some(mounted_by) = mounted_by.flatten().filter(|containers| !containers.is_empty()) {
                finding.responsible(std::mem::take(mounted_by));
            }
        }
        if self.allowed.contains(&CLAIM) {
            return;
        }
        for claim in &pod.claim_templates {
            let name = &*claim.metadata.name;
            let message =
                format!("must not get volume {} of type {CLAIM} from a claim template", quoted(name));
            findings.at_pod(pod, "volumes").message(message);
        }
    }
}

/// Returns the containers that mount each of these volumes.
fn mounted_by<'p>(
    pod: &'p Pod<'p>,
    volumes: &NameIndex<'_>,
    count: usize,
) -> Vec<Vec<ResponsibleContainer<'p>>> {
    let mut mounted_by = vec![Vec::new(); count];
    if count == 0 {
        return mounted_by;
    }
    for at in pod.all_containers() {
        let Container { volume_mounts, volume_devices, .. } = at.container;
        let mounts = volume_mounts.iter().map(|mount| &mount.name);
        for name in mounts.chain(volume_devices.iter().map(|device| &device.name)) {
            let containers = volumes.get(name).and_then(|volume| mounted_by.get_mut(volume));
            if let Some(containers) = containers {
                containers.push(ResponsibleContainer::of(at));
            }
        }
    }
    mounted_by
}

/// Checks the name of a volume type.
fn check_type(kind: &str) -> Result<(), String> {
    let known: Vec<_> = volume::types().collect();
    if known.contains(&kind) {
        return Ok(());
    }
    Err(format!("unknown volume type {}{}", quoted(kind), suggestion(kind, &known)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    #[test]
    fn types_that_are_not_allowed_are_findings() {
        let pod = json!({
            "volumes": [
                {"name": "a", "emptyDir": {}}, {"name": "b"}, {"name": "c", "nfs": {}}, {"name": "d", "secret": {}},
                {"name": "e", "future/type": {}},
            ],
            "containers": [{"name": "x", "volumeMounts": [{"name": "c", "mountPath": "/c"}]}],
        });
        assert_eq!(
            check(RuleId::VolumeTypes, &json!({}), &pod),
            [
                "spec.volumes[2].nfs: volume \"c\" must not be of type nfs [volumeTypes]",
                "spec.volumes[4][future/type]: volume \"e\" must not be of type future/type [volumeTypes]",
            ]
        );
        assert_eq!(
            check(RuleId::VolumeTypes, &json!({"allowed": []}), &json!({"volumes": [{"name": "b"}]})),
            ["spec.volumes[0].emptyDir: volume \"b\" must not be of type emptyDir [volumeTypes]"]
        );
    }

    #[test]
    fn unknown_types_are_refused() {
        assert_eq!(
            errors(RuleId::VolumeTypes, &json!({"allowed": ["configmap", "nfs"]})),
            [r#"volumeTypes.allowed[0]: unknown volume type "configmap", did you mean "configMap"?"#]
        );
    }
}
