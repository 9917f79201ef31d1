//! `volumeTypes`

use k8s_openapi::api::core::v1::Volume;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::{FieldPath, Findings};
use super::mounts::responsible_for_volume;
use super::request::Request;
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
                    findings.add(path.key(&kind), responsible_for_volume(pod, &volume.name));
                }
            }
        }
        if !settings.allows("persistentVolumeClaim") {
            for (index, name) in claims(request).into_iter().enumerate() {
                let path = FieldPath::default().field("spec.volumeClaimTemplates").item(index);
                findings.add(path, responsible_for_volume(pod, &name));
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

/// Returns the volume names of the claim templates in a StatefulSet.
fn claims(request: &Request<'_>) -> Vec<String> {
    if !request.is_about("apps", "StatefulSet") {
        return Vec::new();
    }
    let templates: Vec<Value> = request.field("/object/spec/volumeClaimTemplates");
    let name = |template: &Value| {
        template.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    templates.iter().map(name).collect()
}
