//! The requests that API servers send to a policy.
//!
//! Source: `k8s.io/apiserver/pkg/admission/plugin/webhook` for the matching, and `policy_subreconciler_webhook.go` of
//! kubewarden/adm-controller for the webhook that a policy gets.

use serde_json::Value;

use super::manifest::{KubewardenKind, RegistrationSpec, Rule, Scope};
use super::namespaces::{NAME_LABEL, Namespaces, labels_of};
use super::selector::{LabelSelector, Labels, Selected};
use crate::admission;
use crate::resources::Resources;

/// Resources that API servers never send to webhooks.
///
/// Source: `IsExemptAdmissionConfigurationResource` in `predicates/rules`.
const EXEMPT: &[&str] = &[
    "mutatingadmissionpolicies",
    "mutatingadmissionpolicybindings",
    "mutatingwebhookconfigurations",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "validatingwebhookconfigurations",
];

/// The namespace in which Kubewarden is installed, unless its users choose another.
pub const KUBEWARDEN: &str = "kubewarden";

/// What is known about the cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    /// The labels of namespaces.
    pub namespaces: Namespaces,
    /// The resources of custom kinds.
    pub resources: Resources,
    /// The namespace of Kubewarden, which policies for the whole cluster leave out.
    pub kubewarden_namespace: String,
    /// Whether objects are evaluated that exist, like the audit scanner does.
    pub is_audit: bool,
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            namespaces: Namespaces::default(),
            resources: Resources::default(),
            kubewarden_namespace: KUBEWARDEN.to_owned(),
            is_audit: false,
        }
    }
}

/// Whether API servers send a request to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// They send it, as far as it is known here. Contains what is not known, in sentences.
    Yes(Vec<String>),
    /// They do not send it. Contains the reason.
    No(String),
}

/// The requests that API servers send to a policy.
#[derive(Debug, Clone)]
pub struct Registration {
    rules: Vec<Rule>,
    namespace: NamespaceScope,
    object_selector: LabelSelector,
    has_match_conditions: bool,
    background_audit: bool,
}

/// The namespaces of the requests.
#[derive(Debug, Clone)]
enum NamespaceScope {
    /// The namespace of the policy.
    Own(String),
    /// All namespaces, except for those that a selector excludes.
    Selected {
        selector: LabelSelector,
        /// Whether the namespace of Kubewarden is left out.
        leaves_out_kubewarden: bool,
    },
}

impl Registration {
    /// Returns the registration of a policy or a group. `namespace` is the namespace of its manifest.
    #[must_use]
    pub fn new(kind: KubewardenKind, namespace: Option<&str>, spec: &RegistrationSpec) -> Self {
        let mut rules = spec.rules.clone();
        let namespace = if kind.is_namespaced() {
            for rule in &mut rules {
                rule.scope = Scope::Namespaced;
            }
            NamespaceScope::Own(namespace.unwrap_or("default").to_owned())
        } else {
            let is_everywhere = spec.allow_inside_admission_controller_namespace;
            let mut selector = spec.namespace_selector.clone().unwrap_or_default();
            if !is_everywhere {
                // The controller writes a selector of its own, and copies only expressions into it.
                selector.match_labels.clear();
            }
            NamespaceScope::Selected { selector, leaves_out_kubewarden: !is_everywhere }
        };
        Self {
            rules,
            namespace,
            object_selector: spec.object_selector.clone().unwrap_or_default(),
            has_match_conditions: !spec.match_conditions.is_empty(),
            background_audit: spec.background_audit,
        }
    }

    /// Returns whether a rule names an operation on a resource, such as `pods/exec`, of the core group.
    #[must_use]
    pub fn names(&self, operation: &str, resource: &str) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let request = RequestedResource { operation, group: "", version: "v1", resource, subresource };
        self.rules.iter().any(|rule| request.is_named_by(rule))
    }

    /// Returns the rules for objects that exist: none if the audit scanner skips the policy.
    #[must_use]
    pub fn audited_rules(&self) -> &[Rule] {
        if self.background_audit { &self.rules } else { &[] }
    }

    /// Returns whether API servers send a request to the policy.
    #[must_use]
    pub fn covers(&self, request: &Value, cluster: &Cluster) -> Asked {
        if cluster.is_audit && !self.background_audit {
            return Asked::No("its backgroundAudit is false".to_owned());
        }
        let mut notes = Vec::new();
        if let Some(reason) = self.namespace_excludes(request, cluster, &mut notes) {
            return Asked::No(reason);
        }
        let resource = RequestedResource::of(request);
        let is_namespaced = is_namespaced(request);
        let matches = |rule: &Rule| resource.is_named_by(rule) && rule.scope.contains(is_namespaced);
        if !self.rules.iter().any(matches) {
            let guess =
                guessed(request, &cluster.resources).map(|_| ", a guess: pass its definition with --crds");
            return Asked::No(format!("its rules do not name {resource}{}", guess.unwrap_or_default()));
        }
        if resource.is_exempt() {
            return Asked::No(format!("API servers send no {resource} to webhooks"));
        }
        if !self.object_selector.is_empty() && !self.selects_object(request) {
            return Asked::No("its objectSelector does not select the object".to_owned());
        }
        if self.has_match_conditions {
            notes.push("its matchConditions are not evaluated here".to_owned());
        }
        if let Some((kind, plural)) = guessed(request, &cluster.resources) {
            notes.push(format!(
                "the resource of kind {kind} is guessed as {plural}: pass its definition with --crds"
            ));
        }
        Asked::Yes(notes)
    }

    /// Returns why the namespace of a request is excluded, if it is.
    fn namespace_excludes(
        &self,
        request: &Value,
        cluster: &Cluster,
        notes: &mut Vec<String>,
    ) -> Option<String> {
        let labels = namespace_labels(request, &cluster.namespaces);
        match &self.namespace {
            NamespaceScope::Own(own) => {
                let labels = labels?;
                let is_own = labels.known.get(NAME_LABEL) == Some(own);
                (!is_own).then(|| format!("it is for namespace {own}"))
            }
            NamespaceScope::Selected { selector, leaves_out_kubewarden } => {
                let labels = labels?;
                let name = labels.known.get(NAME_LABEL).cloned().unwrap_or_default();
                if *leaves_out_kubewarden && name == cluster.kubewarden_namespace {
                    return Some(format!("it leaves out the namespace of Kubewarden, {name}"));
                }
                match selector.selects(&labels) {
                    Selected::No => Some(format!("its namespaceSelector does not select {name}")),
                    Selected::Yes => None,
                    Selected::Unknown => {
                        notes.push(format!(
                            "its namespaceSelector needs the labels of namespace {name}: pass it with --namespaces"
                        ));
                        None
                    }
                }
            }
        }
    }

    /// Returns whether the object selector selects the object before or after the request.
    fn selects_object(&self, request: &Value) -> bool {
        ["object", "oldObject"].iter().filter_map(|field| request.get(field)).any(|object| {
            let can_have_labels = object.get("metadata").is_some();
            let labels = Labels { known: labels_of(object), may_have_others: false };
            can_have_labels && self.object_selector.selects(&labels) == Selected::Yes
        })
    }
}

impl Rule {
    /// Returns whether the rule matches resources in a version of a group.
    #[must_use]
    pub fn names_version(&self, group: &str, version: &str) -> bool {
        has(&self.api_groups, group) && has(&self.api_versions, version)
    }

    /// Returns whether the rule matches requests to create objects of a resource.
    #[must_use]
    pub fn names_creation(&self, group: &str, version: &str, resource: &str, is_namespaced: bool) -> bool {
        let request = RequestedResource { operation: "CREATE", group, version, resource, subresource: "" };
        request.is_named_by(self) && self.scope.contains(is_namespaced)
    }

    /// Returns whether the rule contains the name of a resource, not only a wildcard.
    #[must_use]
    pub fn contains_name(&self, resource: &str) -> bool {
        self.resources.iter().any(|named| named.split('/').next() == Some(resource))
    }
}

/// Returns whether a list of a rule contains a value, or the wildcard.
fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == "*" || item == wanted)
}

impl Scope {
    fn contains(self, is_namespaced: bool) -> bool {
        match self {
            Self::All => true,
            Self::Namespaced => is_namespaced,
            Self::Cluster => !is_namespaced,
        }
    }
}

/// Returns whether the object belongs to a namespace. A `Namespace` does not.
fn is_namespaced(request: &Value) -> bool {
    let namespace = request.get("namespace").and_then(Value::as_str).unwrap_or_default();
    !namespace.is_empty() && !is_of_namespace(request)
}

/// Returns whether the request is about a `Namespace`.
fn is_of_namespace(request: &Value) -> bool {
    let resource = RequestedResource::of(request);
    (resource.group, resource.resource) == ("", "namespaces")
}

/// Returns the labels by which a selector selects: those of the namespace of the object, or of the object if it is a namespace. An
/// object without a namespace has none, and is selected by every selector.
fn namespace_labels(request: &Value, namespaces: &Namespaces) -> Option<Labels> {
    if is_of_namespace(request) {
        let object = request.get("object").filter(|object| !object.is_null()).or(request.get("oldObject"))?;
        let mut known = labels_of(object);
        let name = request.get("name").and_then(Value::as_str).unwrap_or_default();
        known.insert(NAME_LABEL.to_owned(), name.to_owned());
        return Some(Labels { known, may_have_others: false });
    }
    let namespace = request.get("namespace").and_then(Value::as_str).filter(|name| !name.is_empty())?;
    Some(namespaces.labels(namespace))
}

/// Returns the kind of the object and its plural name, if the program guessed the name.
fn guessed(request: &Value, resources: &Resources) -> Option<(String, String)> {
    let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
    let (group, kind) = (text("/kind/group")?, text("/kind/kind")?);
    let resource = resources.of(group, kind);
    let is_own_request = text("/uid") == Some(admission::UID);
    (is_own_request && resource.is_guessed).then(|| (kind.to_owned(), resource.plural))
}

/// The operation and the resource of a request.
#[derive(Clone, Copy)]
struct RequestedResource<'r> {
    operation: &'r str,
    group: &'r str,
    version: &'r str,
    resource: &'r str,
    subresource: &'r str,
}

impl<'r> RequestedResource<'r> {
    fn of(request: &'r Value) -> Self {
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        Self {
            operation: text("/operation"),
            group: text("/resource/group"),
            version: text("/resource/version"),
            resource: text("/resource/resource"),
            subresource: text("/subResource"),
        }
    }

    fn is_named_by(self, rule: &Rule) -> bool {
        has(&rule.operations, self.operation)
            && rule.names_version(self.group, self.version)
            && rule.resources.iter().any(|resource| self.has_resource(resource))
    }

    /// `*` matches every resource, but no subresource.
    fn has_resource(self, named: &str) -> bool {
        let (resource, subresource) = named.split_once('/').unwrap_or((named, ""));
        let is_same = |wanted: &str, given: &str| wanted == "*" || wanted == given;
        is_same(resource, self.resource) && is_same(subresource, self.subresource)
    }

    fn is_exempt(self) -> bool {
        self.group == "admissionregistration.k8s.io" && EXEMPT.contains(&self.resource)
    }
}

impl std::fmt::Display for RequestedResource<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.operation, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn registration(kind: KubewardenKind, spec: Value) -> Registration {
        let mut spec = spec;
        if spec.get("rules").is_none() {
            spec["rules"] = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]);
        }
        Registration::new(kind, Some("shop"), &serde_json::from_value(spec).unwrap())
    }

    fn cluster() -> Cluster {
        Cluster::default()
    }

    fn request(group: &str, resource: &str, subresource: &str, operation: &str, namespace: &str) -> Value {
        json!({"resource": {"group": group, "version": "v1", "resource": resource}, "subResource": subresource,
            "operation": operation, "namespace": namespace, "object": {"metadata": {"labels": {"team": "web"}}}})
    }

    fn pod_in(namespace: &str) -> Value {
        request("", "pods", "", "CREATE", namespace)
    }

    fn yes() -> Asked {
        Asked::Yes(Vec::new())
    }

    fn no(reason: &str) -> Asked {
        Asked::No(reason.to_owned())
    }

    const CLUSTER: KubewardenKind = KubewardenKind::ClusterPolicy;

    #[test]
    fn rules_match_like_rules_of_webhooks() {
        let covers = |resources: &[&str], resource: &str, subresource: &str| {
            let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": resources});
            let registration = registration(CLUSTER, json!({"rules": [rule]}));
            registration.covers(&request("", resource, subresource, "CREATE", "shop"), &cluster()) == yes()
        };
        for (resources, resource, subresource) in [
            (&["pods"][..], "pods", ""),
            (&["services", "pods"], "pods", ""),
            (&["*"], "pods", ""),
            (&["*/*"], "pods", "exec"),
            (&["pods/*"], "pods", "exec"),
            (&["pods/exec"], "pods", "exec"),
        ] {
            assert!(covers(resources, resource, subresource), "{resources:?}");
        }
        for (resources, resource, subresource) in [
            (&["pods"][..], "services", ""),
            (&["pods"], "pods", "exec"),
            (&["*"], "pods", "exec"),
            (&["pods/exec"], "pods", ""),
            (&["pods/exec"], "pods", "attach"),
            (&[], "pods", ""),
        ] {
            assert!(!covers(resources, resource, subresource), "{resources:?}");
        }
    }

    #[test]
    fn group_version_operation_and_scope_count() {
        let rule = json!({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["*"]});
        let policy = registration(CLUSTER, json!({"rules": [rule.clone()]}));
        let asked = |request: &Value| policy.covers(request, &cluster());
        assert_eq!(asked(&request("apps", "deployments", "", "CREATE", "shop")), yes());
        assert_eq!(
            asked(&request("batch", "jobs", "", "CREATE", "shop")),
            no("its rules do not name CREATE of jobs.batch")
        );
        assert_eq!(
            asked(&request("apps", "deployments", "scale", "DELETE", "shop")),
            no("its rules do not name DELETE of deployments/scale.apps")
        );
        let mut old = request("apps", "deployments", "", "CREATE", "shop");
        old["resource"]["version"] = "v1beta1".into();
        assert_eq!(asked(&old), no("its rules do not name CREATE of deployments.apps"));
        for (scope, namespace, is_asked) in
            [("Cluster", "shop", false), ("Cluster", "", true), ("Namespaced", "", false), ("*", "", true)]
        {
            let mut rule = rule.clone();
            rule["scope"] = scope.into();
            let policy = registration(CLUSTER, json!({"rules": [rule]}));
            let request = request("apps", "deployments", "", "CREATE", namespace);
            assert_eq!(policy.covers(&request, &cluster()) == yes(), is_asked, "{scope}");
        }
    }

    #[test]
    fn webhooks_are_not_asked_about_webhooks() {
        let policy = registration(CLUSTER, json!({}));
        let request =
            request("admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "CREATE", "");
        assert_eq!(
            policy.covers(&request, &cluster()),
            no(
                "API servers send no CREATE of validatingwebhookconfigurations.admissionregistration.k8s.io to webhooks"
            )
        );
    }

    fn by_name(operator: &str, values: &[&str]) -> Value {
        json!({"namespaceSelector": {"matchExpressions": [{"key": NAME_LABEL, "operator": operator, "values": values}]}})
    }

    #[test]
    fn a_selector_by_name_decides() {
        let policy = registration(CLUSTER, by_name("NotIn", &["kube-system"]));
        let asked = |namespace: &str| policy.covers(&pod_in(namespace), &cluster());
        assert_eq!(asked("kube-system"), no("its namespaceSelector does not select kube-system"));
        assert_eq!(asked("shop"), yes());
        assert_eq!(asked(""), yes());
    }

    #[test]
    fn labels_of_a_namespace_decide_if_they_are_known() {
        let team = |operator: &str, values: &[&str]| json!({"namespaceSelector": {"matchExpressions": [{"key": "team", "operator": operator, "values": values}]}});
        let policy = registration(CLUSTER, team("In", &["web"]));
        let unknown =
            "its namespaceSelector needs the labels of namespace shop: pass it with --namespaces".to_owned();
        assert_eq!(policy.covers(&pod_in("shop"), &cluster()), Asked::Yes(vec![unknown]));
        let mut known = cluster();
        let shop = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "web"}}});
        known.namespaces.add(shop.as_object().unwrap());
        assert_eq!(policy.covers(&pod_in("shop"), &known), yes());
        let policy = registration(CLUSTER, team("NotIn", &["web"]));
        assert_eq!(policy.covers(&pod_in("shop"), &known), no("its namespaceSelector does not select shop"));
    }

    #[test]
    fn the_controller_drops_labels_of_a_namespace_selector() {
        let selector = json!({"namespaceSelector": {"matchLabels": {NAME_LABEL: "bank"}}});
        assert_eq!(registration(CLUSTER, selector.clone()).covers(&pod_in("shop"), &cluster()), yes());
        let mut everywhere = selector;
        everywhere["allowInsideAdmissionControllerNamespace"] = true.into();
        assert_eq!(
            registration(CLUSTER, everywhere).covers(&pod_in("shop"), &cluster()),
            no("its namespaceSelector does not select shop")
        );
    }

    #[test]
    fn the_namespace_of_kubewarden_is_left_out() {
        let asked = |kind, spec| registration(kind, spec).covers(&pod_in("kubewarden"), &cluster());
        assert_eq!(asked(CLUSTER, json!({})), no("it leaves out the namespace of Kubewarden, kubewarden"));
        assert_eq!(asked(CLUSTER, json!({"allowInsideAdmissionControllerNamespace": true})), yes());
    }

    #[test]
    fn a_namespaced_policy_is_asked_about_its_namespace() {
        for kind in [KubewardenKind::Policy, KubewardenKind::Group] {
            let policy = registration(
                kind,
                json!({"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"], "scope": "Cluster"}]}),
            );
            let asked = |request: &Value| policy.covers(request, &cluster());
            assert_eq!(asked(&pod_in("shop")), yes());
            assert_eq!(asked(&pod_in("bank")), no("it is for namespace shop"));
            assert_eq!(
                asked(&request("", "nodes", "", "CREATE", "")),
                no("its rules do not name CREATE of nodes")
            );
        }
    }

    #[test]
    fn a_namespace_is_selected_by_its_own_labels() {
        let policy = registration(CLUSTER, by_name("In", &["shop"]));
        let namespace = |name: &str| {
            json!({"resource": {"group": "", "version": "v1", "resource": "namespaces"}, "operation": "CREATE",
                "name": name, "namespace": name, "object": {"metadata": {"name": name}}})
        };
        assert_eq!(policy.covers(&namespace("shop"), &cluster()), yes());
        assert_eq!(
            policy.covers(&namespace("bank"), &cluster()),
            no("its namespaceSelector does not select bank")
        );
    }

    #[test]
    fn an_object_selector_selects_the_object_before_or_after() {
        let policy = registration(CLUSTER, json!({"objectSelector": {"matchLabels": {"team": "web"}}}));
        let asked = |request: &Value| policy.covers(request, &cluster());
        assert_eq!(asked(&pod_in("shop")), yes());
        let mut other = pod_in("shop");
        other["object"]["metadata"] = json!({});
        assert_eq!(asked(&other), no("its objectSelector does not select the object"));
        other["oldObject"] = json!({"metadata": {"labels": {"team": "web"}}});
        assert_eq!(asked(&other), yes());
        let policy = registration(
            CLUSTER,
            json!({"objectSelector": {"matchExpressions": [{"key": "team", "operator": "DoesNotExist"}]}}),
        );
        let mut exec = request("", "pods", "exec", "CONNECT", "shop");
        exec["object"] = json!({"command": ["sh"]});
        assert_eq!(policy.covers(&exec, &cluster()), no("its objectSelector does not select the object"));
    }

    #[test]
    fn match_conditions_are_said_to_be_unknown() {
        let policy =
            registration(CLUSTER, json!({"matchConditions": [{"name": "a", "expression": "false"}]}));
        assert_eq!(
            policy.covers(&pod_in("shop"), &cluster()),
            Asked::Yes(vec!["its matchConditions are not evaluated here".to_owned()])
        );
    }

    #[test]
    fn the_audit_skips_policies_without_background_audit() {
        let policy = registration(CLUSTER, json!({"backgroundAudit": false}));
        assert_eq!(policy.covers(&pod_in("shop"), &cluster()), yes());
        let audit = Cluster { is_audit: true, ..cluster() };
        assert_eq!(policy.covers(&pod_in("shop"), &audit), no("its backgroundAudit is false"));
    }

    #[test]
    fn a_guessed_resource_is_said_to_be_a_guess() {
        let object = json!({"apiVersion": "example.com/v1", "kind": "Gateway", "metadata": {"name": "a", "namespace": "shop"}});
        let request = admission::create(object.as_object().unwrap().clone());
        let guess = "the resource of kind Gateway is guessed as gatewaies: pass its definition with --crds"
            .to_owned();
        assert_eq!(registration(CLUSTER, json!({})).covers(&request, &cluster()), Asked::Yes(vec![guess]));
        let rule = json!({"apiGroups": ["example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["gateways"]});
        assert_eq!(
            registration(CLUSTER, json!({"rules": [rule]})).covers(&request, &cluster()),
            no(
                "its rules do not name CREATE of gatewaies.example.com, a guess: pass its definition with --crds"
            )
        );
    }
}
