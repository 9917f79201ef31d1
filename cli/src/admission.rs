//! Converts a Kubernetes object to the admission request that an API server sends when the object is created.

use std::fmt;

use serde_json::{Map, Value, json};

/// The uid of all requests, so that the same object always gives the same bytes.
const UID: &str = "00000000-0000-4000-8000-000000000000";

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

/// Returns the request that an API server sends to its webhooks when an administrator creates the object.
#[must_use]
pub fn create(mut object: Map<String, Value>) -> Value {
    let api_version = text(&object, "apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = text(&object, "kind");
    let gvk = json!({"group": group, "version": version, "kind": kind});
    let gvr = json!({"group": group, "version": version, "resource": plural(kind)});
    let cluster_scoped = is_cluster_scoped(group, kind);

    let name = metadata(&object, "name").to_owned();
    let namespace = (!cluster_scoped).then(|| fill_in_namespace(&mut object));

    let mut request = json!({
        "uid": UID,
        "kind": gvk,
        "resource": gvr,
        "requestKind": gvk,
        "requestResource": gvr,
        "name": name,
        "operation": "CREATE",
        "userInfo": {
            "username": "kubernetes-admin",
            "groups": ["system:masters", "system:authenticated"],
        },
        "object": object,
        "oldObject": null,
        "dryRun": false,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    });
    if let (Some(request), Some(namespace)) = (request.as_object_mut(), namespace) {
        request.insert("namespace".to_owned(), namespace.into());
    }
    request
}

fn text<'a>(fields: &'a Map<String, Value>, field: &str) -> &'a str {
    fields.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn metadata<'a>(object: &'a Map<String, Value>, field: &str) -> &'a str {
    let metadata = object.get("metadata").and_then(Value::as_object);
    metadata.map_or("", |metadata| text(metadata, field))
}

/// Returns the namespace of the object. Writes the default namespace into the object, like the API server.
fn fill_in_namespace(object: &mut Map<String, Value>) -> String {
    let namespace = match metadata(object, "namespace") {
        "" => "default",
        given => given,
    }
    .to_owned();
    let metadata = object.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = Value::Object(Map::new());
    }
    // The policy reports metadata that is not a mapping.
    if let Value::Object(metadata) = metadata {
        metadata.insert("namespace".to_owned(), namespace.clone().into());
    }
    namespace
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

/// The object of a request, for people: `Pod default/web`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The group and the version, such as `apps/v1`; empty if the request does not contain them.
    pub api_version: String,
    /// The kind, such as `Pod`.
    pub kind: String,
    /// The namespace, if the kind has one.
    pub namespace: Option<String>,
    /// The name. A name that the API server will generate ends in `*`.
    pub name: String,
}

impl Subject {
    /// Reads the object's kind and name. A request can be anything, so all fields are optional.
    #[must_use]
    pub fn of(request: &Value) -> Self {
        let field = |pointer: &str| {
            let value = request.pointer(pointer).and_then(Value::as_str);
            value.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let generated = || field("/object/metadata/generateName").map(|prefix| prefix + "*");
        let version = field("/kind/version").unwrap_or_default();
        let group = field("/kind/group");
        Self {
            api_version: group.map_or_else(|| version.clone(), |group| format!("{group}/{version}")),
            kind: field("/kind/kind").unwrap_or_else(|| "object".to_owned()),
            namespace: field("/namespace"),
            name: field("/name")
                .or_else(|| field("/object/metadata/name"))
                .or_else(generated)
                .unwrap_or_else(|| "(unnamed)".to_owned()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(object: Value) -> Value {
        let Value::Object(object) = object else {
            panic!("{object} is not an object");
        };
        create(object)
    }

    #[test]
    fn a_deployment_becomes_a_whole_request() {
        let deployment = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"replicas": 2},
        });
        let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
        let resource = json!({"group": "apps", "version": "v1", "resource": "deployments"});
        assert_eq!(
            request(deployment.clone()),
            json!({
                "uid": "00000000-0000-4000-8000-000000000000",
                "kind": kind,
                "resource": resource,
                "requestKind": kind,
                "requestResource": resource,
                "name": "web",
                "namespace": "shop",
                "operation": "CREATE",
                "userInfo": {
                    "username": "kubernetes-admin",
                    "groups": ["system:masters", "system:authenticated"],
                },
                "object": deployment,
                "oldObject": null,
                "dryRun": false,
                "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
            })
        );
    }

    #[test]
    fn the_core_group_is_empty() {
        let request = request(json!({"apiVersion": "v1", "kind": "Pod"}));
        assert_eq!(request["resource"], json!({"group": "", "version": "v1", "resource": "pods"}));
    }

    #[test]
    fn a_missing_namespace_is_filled_in() {
        for metadata in [json!(null), json!({}), json!({"namespace": ""})] {
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
            let request = request(pod);
            assert_eq!(request["namespace"], "default");
            assert_eq!(request["object"]["metadata"], json!({"namespace": "default"}));
        }
    }

    #[test]
    fn metadata_that_is_not_a_mapping_is_kept() {
        let request = request(json!({"apiVersion": "v1", "kind": "Pod", "metadata": [1]}));
        assert_eq!(request["object"]["metadata"], json!([1]));
    }

    #[test]
    fn a_cluster_scoped_object_has_no_namespace() {
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "reader"},
        });
        let request = request(role.clone());
        assert_eq!(request.get("namespace"), None);
        assert_eq!(request["object"], role);
        assert_eq!(Subject::of(&request).to_string(), "ClusterRole reader");
    }

    #[test]
    fn a_kind_is_cluster_scoped_only_in_its_own_group() {
        assert!(is_cluster_scoped("", "Node"));
        assert!(!is_cluster_scoped("example.com", "Node"));
        assert!(!is_cluster_scoped("", "Pod"));
    }

    #[test]
    fn cluster_scoped_kinds_are_sorted() {
        assert!(CLUSTER_SCOPED.is_sorted());
        assert!(CLUSTER_SCOPED.iter().all(|(_, kinds)| kinds.is_sorted()));
    }

    #[test]
    fn plurals_are_those_of_clients() {
        let plurals = ["Pod", "Ingress", "NetworkPolicy", "Endpoints"].map(plural);
        assert_eq!(plurals, ["pods", "ingresses", "networkpolicies", "endpoints"]);
    }

    #[test]
    fn a_generated_name_is_still_empty_in_the_request() {
        let pod = json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"generateName": "web-"},
        });
        let request = request(pod);
        assert_eq!(request["name"], "");
        assert_eq!(Subject::of(&request).to_string(), "Pod default/web-*");
    }

    #[test]
    fn any_request_has_a_subject() {
        assert_eq!(Subject::of(&json!(5)).to_string(), "object (unnamed)");
    }
}
