//! The resources of kinds: their plural names, and whether they belong to a namespace.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// The groups of Kubernetes. Clients derive the plural names of their kinds.
///
/// Source: the [API reference](https://kubernetes.io/docs/reference/kubernetes-api/) of Kubernetes 1.37
/// (`kubectl api-resources`).
const BUILT_IN_GROUPS: &[&str] = &[
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// The built-in kinds without a namespace, from the
/// [API reference](https://kubernetes.io/docs/reference/kubernetes-api/) of Kubernetes 1.36
/// (`kubectl api-resources --namespaced=false`).
const CLUSTER_SCOPED: &[(&str, &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("internal.apiserver.k8s.io", &["StorageVersion"]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("storagemigration.k8s.io", &["StorageVersionMigration"]),
];

/// The resource of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The plural name, such as `deployments`.
    pub plural: String,
    /// Whether objects belong to a namespace.
    pub is_namespaced: bool,
    /// Whether the plural name and the scope are guesses, because the kind is not built in and no definition was given.
    pub is_guessed: bool,
}

/// The resources of the built-in kinds, of `CustomResourceDefinition`s, and of a cluster.
#[derive(Debug, Clone, Default)]
pub struct Resources {
    /// The kinds of definitions and of a cluster, by group and kind.
    known: HashMap<(String, String), Resource>,
}

impl Resources {
    /// Adds the kind that a `CustomResourceDefinition` defines. Returns whether the object is one.
    pub fn define(&mut self, definition: &Map<String, Value>) -> bool {
        let definition = Value::Object(definition.clone());
        let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str);
        let (Some(group), Some(kind), Some(plural)) =
            (text("/spec/group"), text("/spec/names/kind"), text("/spec/names/plural"))
        else {
            return false;
        };
        if text("/kind") != Some("CustomResourceDefinition") {
            return false;
        }
        self.add(group, kind, plural, text("/spec/scope") != Some("Cluster"));
        true
    }

    /// Adds a kind that a cluster serves.
    pub fn add(&mut self, group: &str, kind: &str, plural: &str, is_namespaced: bool) {
        let resource = Resource { plural: plural.to_owned(), is_namespaced, is_guessed: false };
        self.known.insert((group.to_owned(), kind.to_owned()), resource);
    }

    /// Returns the resource of a kind. Without a definition, a custom kind belongs to a namespace, and its plural name is a guess.
    #[must_use]
    pub fn of(&self, group: &str, kind: &str) -> Resource {
        if let Some(known) = self.known.get(&(group.to_owned(), kind.to_owned())) {
            return known.clone();
        }
        Resource {
            plural: plural(kind),
            is_namespaced: !is_cluster_scoped(group, kind),
            is_guessed: !is_built_in(group),
        }
    }
}

/// Returns whether Kubernetes itself defines the kinds of a group.
#[must_use]
pub fn is_built_in(group: &str) -> bool {
    BUILT_IN_GROUPS.contains(&group)
}

fn is_cluster_scoped(group: &str, kind: &str) -> bool {
    CLUSTER_SCOPED.iter().any(|(known, kinds)| *known == group && kinds.contains(&kind))
}

/// Returns the resource of a kind, with the heuristic of Kubernetes clients.
///
/// Source: `UnsafeGuessKindToResource` in `k8s.io/apimachinery`.
fn plural(kind: &str) -> String {
    let singular = kind.to_lowercase();
    if singular.ends_with("endpoints") {
        return singular;
    }
    if singular.ends_with('s') {
        return singular + "es";
    }
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => singular + "s",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_kind_is_cluster_scoped_only_in_its_own_group() {
        assert!(is_cluster_scoped("", "Node"));
        assert!(!is_cluster_scoped("example.com", "Node"));
        assert!(!is_cluster_scoped("", "Pod"));
    }

    #[test]
    fn the_tables_are_sorted() {
        assert!(BUILT_IN_GROUPS.is_sorted());
        assert!(CLUSTER_SCOPED.is_sorted());
        assert!(CLUSTER_SCOPED.iter().all(|(_, kinds)| kinds.is_sorted()));
    }

    #[test]
    fn every_cluster_scoped_kind_is_in_a_built_in_group() {
        assert!(CLUSTER_SCOPED.iter().all(|(group, _)| BUILT_IN_GROUPS.contains(group)));
    }

    #[test]
    fn plurals_are_those_of_clients() {
        let plurals = ["Pod", "Ingress", "NetworkPolicy", "Endpoints"].map(plural);
        assert_eq!(plurals, ["pods", "ingresses", "networkpolicies", "endpoints"]);
    }

    #[test]
    fn a_custom_kind_is_guessed_until_it_is_defined() {
        let mut resources = Resources::default();
        let guess = Resource { plural: "gatewaies".to_owned(), is_namespaced: true, is_guessed: true };
        assert_eq!(resources.of("example.com", "Gateway"), guess);
        let definition = json!({
            "kind": "CustomResourceDefinition",
            "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Gateway", "plural": "gateways"}},
        });
        assert!(resources.define(definition.as_object().unwrap()));
        let defined = Resource { plural: "gateways".to_owned(), is_namespaced: false, is_guessed: false };
        assert_eq!(resources.of("example.com", "Gateway"), defined);
        assert!(!resources.of("apps", "Deployment").is_guessed);
    }

    #[test]
    fn other_objects_define_nothing() {
        let mut resources = Resources::default();
        for object in
            [json!({"kind": "Pod"}), json!({"kind": "CustomResourceDefinition", "spec": {"group": "a"}})]
        {
            assert!(!resources.define(object.as_object().unwrap()), "{object}");
        }
    }
}
