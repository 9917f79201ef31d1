//! `volumeTypes`

use k8s_openapi::api::core::v1::Volume;
use serde::Deserialize;
use serde_json::json;

use super::findings::{Findings, ResponsibleContainers};
use super::profiles::of_all;
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `volumeTypes`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("allowed", &[Reports, Allows])],
    options: || {
        let allowed = json!([
            [],
            ["emptyDir", "configMap"],
            ["emptyDir", "hostPath", "nfs", "persistentVolumeClaim"],
            ["configMap", "gitRepo", "iscsi", "secret", "hostPath"],
        ]);
        vec![("allowed", one_of(&allowed))]
    },
    ..ReferenceRule::new("volumeTypes", findings)
};

#[derive(Deserialize)]
#[serde(default)]
struct VolumeTypes {
    allowed: Vec<String>,
}

impl Default for VolumeTypes {
    fn default() -> Self {
        let types = [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ];
        Self { allowed: types.map(str::to_owned).into() }
    }
}

impl VolumeTypes {
    fn allows(&self, kind: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == kind)
    }
}

fn findings(request: &Request<'_>) -> Findings {
    let settings: VolumeTypes = options(request.settings, "volumeTypes");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for (path, volume) in pod.volumes() {
            for kind in types(&volume) {
                if !settings.allows(&kind) {
                    findings.add(path.key(&kind), users(pod, &volume.name));
                }
            }
        }
        if !settings.allows("persistentVolumeClaim") {
            // Each claim template adds a volume to the pod.
            for _ in &pod.claims {
                findings.add_another(pod.path.field("volumes"), pod.responsible_containers());
            }
        }
    }
    findings
}

/// Returns the types of a volume. Kubernetes rejects volumes with two types; here, all of them count.
fn types(volume: &Volume) -> Vec<String> {
    let fields = json!(volume);
    let keys = fields.as_object().into_iter().flatten().map(|(key, _)| key.clone());
    let types: Vec<_> = keys.filter(|key| key != "name").collect();
    if types.is_empty() { vec!["emptyDir".to_owned()] } else { types }
}

/// Returns the containers that mount a volume or use it as a device, or all containers if none does.
fn users(pod: &Pod, name: &str) -> ResponsibleContainers {
    let uses_it = |container: &&ContainerAt| {
        let mut mounts = container.spec.volume_mounts.iter().flatten().map(|mount| &mount.name);
        let mut devices = container.spec.volume_devices.iter().flatten().map(|device| &device.name);
        mounts.any(|mounted| mounted == name) || devices.any(|device| device == name)
    };
    let users: Vec<_> = pod.containers.iter().filter(uses_it).collect();
    if users.is_empty() { pod.responsible_containers() } else { of_all(&users) }
}
