//! The requests that API servers send to a policy, according to its manifest.

use serde_json::{Map, Value};

/// The label of every namespace that contains its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The rules and the namespaces of a `ClusterAdmissionPolicy` or an `AdmissionPolicy`.
///
/// Of the labels of a namespace, only the label with the name is known. Selectors that need other labels count as matching, like
/// `objectSelector` and `matchConditions`, which are ignored.
#[derive(Debug, Clone)]
pub struct Registration {
    rules: Vec<Value>,
    namespace_selector: Value,
    /// The namespace of an `AdmissionPolicy`.
    namespace: Option<String>,
}

impl Registration {
    /// Reads the registration in a policy manifest.
    #[must_use]
    pub fn of(manifest: &Map<String, Value>) -> Self {
        let field = |path: &str| {
            let (first, rest) = path.split_once('/').unwrap_or((path, ""));
            manifest.get(first).and_then(|value| value.get(rest)).cloned().unwrap_or_default()
        };
        let is_namespaced = manifest.get("kind").is_some_and(|kind| kind == "AdmissionPolicy");
        let namespace = field("metadata/namespace").as_str().map(str::to_owned);
        Self {
            rules: field("spec/rules").as_array().cloned().unwrap_or_default(),
            namespace_selector: field("spec/namespaceSelector"),
            namespace: namespace.filter(|_| is_namespaced),
        }
    }

    /// Returns whether API servers send a request to the policy. A manifest without rules matches every request.
    #[must_use]
    pub fn covers(&self, request: &Value) -> bool {
        let namespace = request.get("namespace").and_then(Value::as_str).unwrap_or_default();
        self.covers_namespace(namespace)
            && (self.rules.is_empty() || self.rules.iter().any(|rule| is_matched(rule, request)))
    }

    fn covers_namespace(&self, namespace: &str) -> bool {
        if let Some(own) = &self.namespace {
            return own == namespace;
        }
        // A selector does not apply to objects without a namespace.
        namespace.is_empty() || selects(&self.namespace_selector, namespace)
    }
}

/// Returns whether a rule of a webhook matches a request.
///
/// Source: `k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules`.
fn is_matched(rule: &Value, request: &Value) -> bool {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let has = |key: &str, wanted: &str| items(rule.get(key)).any(|item| item == "*" || item == wanted);
    let (resource, subresource) = (text("/resource/resource"), text("/subResource"));
    let has_resource = items(rule.get("resources")).any(|item| {
        let (wanted, wanted_subresource) = item.split_once('/').unwrap_or((item, ""));
        let is_same = |wanted: &str, given: &str| wanted == "*" || wanted == given;
        // `*` matches every resource, but no subresource.
        is_same(wanted, resource) && is_same(wanted_subresource, subresource)
    });
    has("operations", text("/operation"))
        && has("apiGroups", text("/resource/group"))
        && has("apiVersions", text("/resource/version"))
        && has_resource
}

/// Returns whether a selector can match a namespace, of which only the name is known.
fn selects(selector: &Value, namespace: &str) -> bool {
    let label = selector.get("matchLabels").and_then(|labels| labels.get(NAME_LABEL));
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    label.is_none_or(|name| name == namespace)
        && expressions.into_iter().flatten().all(|expression| may_match(expression, namespace))
}

fn may_match(expression: &Value, namespace: &str) -> bool {
    if expression.get("key").is_none_or(|key| key != NAME_LABEL) {
        return true;
    }
    let is_listed = || items(expression.get("values")).any(|value| value == namespace);
    match expression.get("operator").and_then(Value::as_str) {
        Some("In") => is_listed(),
        Some("NotIn") => !is_listed(),
        Some("DoesNotExist") => false,
        _ => true,
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn registration(kind: &str, spec: &Value) -> Registration {
        let manifest = json!({"kind": kind, "metadata": {"namespace": "shop"}, "spec": spec});
        Registration::of(manifest.as_object().unwrap())
    }

    fn request(group: &str, resource: &str, subresource: &str, operation: &str, namespace: &str) -> Value {
        json!({"resource": {"group": group, "version": "v1", "resource": resource}, "subResource": subresource,
            "operation": operation, "namespace": namespace})
    }

    #[test]
    fn rules_match_like_rules_of_webhooks() {
        let covers = |resources: Value, resource: &str, subresource: &str| {
            let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": resources});
            registration("ClusterAdmissionPolicy", &json!({"rules": [rule]})).covers(&request(
                "",
                resource,
                subresource,
                "CREATE",
                "shop",
            ))
        };
        for (resources, resource, subresource) in [
            (json!(["pods"]), "pods", ""),
            (json!(["services", "pods"]), "pods", ""),
            (json!(["*"]), "pods", ""),
            (json!(["*/*"]), "pods", "exec"),
            (json!(["pods/*"]), "pods", "exec"),
            (json!(["pods/exec"]), "pods", "exec"),
        ] {
            assert!(covers(resources.clone(), resource, subresource), "{resources}");
        }
        for (resources, resource, subresource) in [
            (json!(["pods"]), "services", ""),
            (json!(["pods"]), "pods", "exec"),
            (json!(["*"]), "pods", "exec"),
            (json!(["pods/exec"]), "pods", ""),
            (json!(["pods/exec"]), "pods", "attach"),
            (json!([]), "pods", ""),
        ] {
            assert!(!covers(resources.clone(), resource, subresource), "{resources}");
        }
    }

    #[test]
    fn group_version_and_operation_count() {
        let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]});
        let policy = registration("ClusterAdmissionPolicy", &json!({"rules": [rule]}));
        assert!(policy.covers(&request("apps", "deployments", "", "CREATE", "shop")));
        assert!(!policy.covers(&request("batch", "jobs", "", "CREATE", "shop")));
        assert!(!policy.covers(&request("apps", "deployments", "", "DELETE", "shop")));
        let mut old = request("apps", "deployments", "", "CREATE", "shop");
        old["resource"]["version"] = "v1beta1".into();
        assert!(!policy.covers(&old));
    }

    #[test]
    fn without_rules_every_request_matches() {
        let policy = registration("ClusterAdmissionPolicy", &json!({}));
        assert!(policy.covers(&request("", "pods", "exec", "CONNECT", "")));
    }

    #[test]
    fn a_selector_by_name_decides() {
        let covers = |selector: Value, namespace: &str| {
            registration("ClusterAdmissionPolicy", &json!({"namespaceSelector": selector}))
                .covers(&request("", "pods", "", "CREATE", namespace))
        };
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": NAME_LABEL, "operator": operator, "values": values}]});
        assert!(!covers(expression("NotIn", &["kube-system"]), "kube-system"));
        assert!(covers(expression("NotIn", &["kube-system"]), "shop"));
        assert!(covers(expression("NotIn", &["kube-system"]), ""));
        assert!(covers(expression("In", &["shop"]), "shop"));
        assert!(!covers(expression("In", &["shop"]), "bank"));
        assert!(!covers(expression("DoesNotExist", &[]), "shop"));
        assert!(covers(expression("Exists", &[]), "shop"));
        assert!(!covers(json!({"matchLabels": {NAME_LABEL: "bank"}}), "shop"));
        assert!(covers(json!({"matchLabels": {"team": "bank"}}), "shop"));
        assert!(covers(
            json!({"matchExpressions": [{"key": "team", "operator": "In", "values": ["bank"]}]}),
            "shop"
        ));
    }

    #[test]
    fn a_namespaced_policy_matches_its_namespace() {
        let policy = registration("AdmissionPolicy", &json!({}));
        assert!(policy.covers(&request("", "pods", "", "CREATE", "shop")));
        assert!(!policy.covers(&request("", "pods", "", "CREATE", "bank")));
        assert!(!policy.covers(&request("", "nodes", "", "CREATE", "")));
    }
}
