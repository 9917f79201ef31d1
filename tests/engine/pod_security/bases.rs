//! Pods that the levels admit, and the places in them.

use serde_json::{Value, json};

/// A place for a container, as the Pod Security Standards list them. A sidecar is an init container that keeps running.
pub(super) const PLACES: [Place; 4] = [
    Place { list: "containers", restart_policy: None },
    Place { list: "initContainers", restart_policy: None },
    Place { list: "initContainers", restart_policy: Some("Always") },
    Place { list: "ephemeralContainers", restart_policy: None },
];

/// The lists of containers in a pod.
pub(super) const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// A list of containers, and how its container restarts.
pub(super) struct Place {
    pub(super) list: &'static str,
    pub(super) restart_policy: Option<&'static str>,
}

/// Returns a pod that the level baseline admits, and restricted denies.
pub(super) fn plain() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
        "spec": {"containers": [plain_container("web")]},
    })
}

/// Returns a pod that both levels admit.
pub(super) fn hardened() -> Value {
    let mut pod = plain();
    pod["spec"]["securityContext"] =
        json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}});
    pod["spec"]["containers"] = json!([hardened_container("web")]);
    pod
}

pub(super) fn plain_container(name: &str) -> Value {
    json!({"name": name, "image": "registry.example.com/shop/web:1.4"})
}

/// Returns a container with the fields that restricted demands of each container.
pub(super) fn hardened_container(name: &str) -> Value {
    let mut container = plain_container(name);
    container["securityContext"] =
        json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}});
    container
}

/// Sets a field at a path.
pub(super) fn put(object: &mut Value, path: &[&str], field: &Value) {
    let parent = path.iter().fold(object, |parent, key| &mut parent[*key]);
    *parent = field.clone();
}

/// Returns the containers of all kinds.
pub(super) fn containers(pod: &mut Value) -> Vec<&mut Value> {
    let lists = pod["spec"].as_object_mut().into_iter().flatten();
    let lists = lists.filter(|(name, _)| LISTS.contains(&name.as_str()));
    lists.flat_map(|(_, list)| list.as_array_mut().into_iter().flatten()).collect()
}
