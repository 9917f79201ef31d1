//! Converts a Kubernetes object to the admission request that an API server sends when the object is created.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::resources::Resources;

/// The uid of all requests, so that the same object always gives the same bytes.
pub(crate) const UID: &str = "00000000-0000-4000-8000-000000000000";

/// Returns the request that an API server sends to its webhooks when an administrator creates the object.
#[must_use]
pub fn create(object: Map<String, Value>) -> Value {
    create_with(object, &Resources::default())
}

/// Returns the request like [`create`], with the resources of custom kinds.
#[must_use]
pub fn create_with(mut object: Map<String, Value>, resources: &Resources) -> Value {
    let api_version = text(&object, "apiVersion");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let kind = text(&object, "kind");
    let gvk = json!({"group": group, "version": version, "kind": kind});
    let resource = resources.of(group, kind);
    let gvr = json!({"group": group, "version": version, "resource": resource.plural});

    let name = metadata(&object, "name").to_owned();
    let namespace = resource.is_namespaced.then(|| fill_in_namespace(&mut object));

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

/// Returns the request that an API server sends when an administrator updates an object: the request that creates the new object,
/// with the old object.
#[must_use]
pub fn update(old: &Value, mut created: Value) -> Value {
    if let Some(request) = created.as_object_mut() {
        request.insert("operation".to_owned(), "UPDATE".into());
        request.insert("oldObject".to_owned(), old.clone());
        if let Some(Value::Object(options)) = request.get_mut("options") {
            options.insert("kind".to_owned(), "UpdateOptions".into());
        }
    }
    created
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
