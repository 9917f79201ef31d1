//! Reduces a pod to the fields that matter.

use serde_json::Value;

/// Removes fields and items of a pod until none can be removed without losing the property.
pub(super) fn minimised(mut pod: Value, mut has_property: impl FnMut(&Value) -> bool) -> Value {
    let mut next = 0;
    while let Some(pointer) = pointers(&pod).get(next) {
        let smaller = without(&pod, pointer);
        if has_property(&smaller) {
            pod = smaller;
        } else {
            next += 1;
        }
    }
    pod
}

/// Returns a pointer to each part that may be absent, and to each part before its own parts.
fn pointers(pod: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(pod, "", &mut found);
    let is_required = |pointer: &str| {
        ["/kind", "/apiVersion", "/metadata", "/spec", "/spec/containers", "/spec/containers/0"]
            .contains(&pointer)
            || ["/name", "/image"].iter().any(|field| pointer.ends_with(field))
    };
    found.retain(|pointer| !is_required(pointer));
    found
}

fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
    let fields = value.as_object().into_iter().flatten();
    let fields = fields.map(|(key, part)| (key.replace('~', "~0").replace('/', "~1"), part));
    let items = value.as_array().into_iter().flatten().enumerate();
    for (key, part) in fields.chain(items.map(|(index, part)| (index.to_string(), part))) {
        let pointer = format!("{pointer}/{key}");
        found.push(pointer.clone());
        collect(part, &pointer, found);
    }
}

fn without(pod: &Value, pointer: &str) -> Value {
    let mut pod = pod.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    match pod.pointer_mut(parent) {
        Some(Value::Object(fields)) => {
            fields.remove(&key.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            items.remove(key.parse().unwrap_or_default());
        }
        _ => {}
    }
    pod
}

#[test]
fn a_minimised_pod_has_only_what_matters() {
    let pod = serde_json::json!({
        "metadata": {"annotations": {"a/b": "1", "c": "2"}},
        "spec": {"containers": [{"name": "web", "ports": [{"hostPort": 1}, {"hostPort": 2}]}], "hostPID": true},
    });
    let smallest = minimised(pod, |pod| {
        pod["metadata"]["annotations"]["a/b"] == "1" && pod.to_string().contains("\"hostPort\":2")
    });
    let expected = serde_json::json!({
        "metadata": {"annotations": {"a/b": "1"}},
        "spec": {"containers": [{"name": "web", "ports": [{"hostPort": 2}]}]},
    });
    assert_eq!(smallest, expected);
}
