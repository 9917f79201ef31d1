//! Gives the images of a pod template the digests of their tags.
//!
//! In a cluster, the policy pins the images of pods only: a template would keep the digest of the day on which it was created. The
//! author of a file decides when it changes, and the tag beside the digest says what was meant.

use immutable_pods_policy::kubernetes::workload::{WORKLOADS, Workload};
use serde_json::{Map, Value, json};

use crate::evaluation::Fix;
use crate::evaluator::Evaluator;
use crate::input::{InputError, Source};
use crate::manifest::Manifest;

/// The lists of a pod spec with images, and the place of the image in an item.
const IMAGES: [(&str, &str); 3] =
    [("initContainers", "/image"), ("containers", "/image"), ("volumes", "/image/reference")];

/// Pins the images in the pod template of an object, if it has one. They get what a fix of a pod with the same spec would give them.
pub(crate) fn pin_template(
    evaluator: &Evaluator,
    source: &Source,
    object: &mut Value,
) -> Result<(), InputError> {
    let Some(workload) = workload(object) else { return Ok(()) };
    let namespace = object.pointer("/metadata/namespace").cloned().unwrap_or_default();
    let path = format!("/{}", workload.pod_spec.replace('.', "/"));
    let Some(spec) = object.pointer_mut(&path) else { return Ok(()) };
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "template", "namespace": namespace},
        "spec": spec,
    });
    let Value::Object(pod) = pod else { return Ok(()) };
    let evaluation = evaluator.evaluate(Manifest::without_file(source.clone(), pod))?;
    if let Some(Fix { after, .. }) = evaluation.fix {
        copy_images(after.get("spec").unwrap_or(&Value::Null), spec);
    }
    Ok(())
}

/// Returns the kind of an object, if it has a pod template.
fn workload(object: &Value) -> Option<&'static Workload> {
    let text = |key| object.get(key).and_then(Value::as_str);
    let (kind, api_version) = (text("kind")?, text("apiVersion")?);
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    WORKLOADS
        .iter()
        .find(|workload| workload.is_template() && (workload.group, workload.kind) == (group, kind))
}

/// Copies the images from one version of a pod spec into another one. A fix does not change the order of lists.
fn copy_images(from: &Value, to: &mut Value) {
    let list = |spec: &Map<String, Value>, key| spec.get(key).and_then(Value::as_array).cloned();
    for (key, image) in IMAGES {
        let from = from.as_object().and_then(|spec| list(spec, key)).unwrap_or_default();
        let items = to.get_mut(key).and_then(Value::as_array_mut);
        for (to, from) in items.into_iter().flatten().zip(&from) {
            if let (Some(to), Some(from)) = (to.pointer_mut(image), from.pointer(image)) {
                to.clone_from(from);
            }
        }
    }
}
