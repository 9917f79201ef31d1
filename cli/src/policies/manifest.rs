//! The manifests that register policies: `ClusterAdmissionPolicy`, `AdmissionPolicy` and their groups, and the `PolicyServer`.
//!
//! Source: `api/policies/v1` of kubewarden/adm-controller.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::selector::LabelSelector;

/// The API group of the manifests, up to its version.
const POLICIES: &str = "policies.kubewarden.io/";

/// The kinds of Kubewarden that evaluate requests or grant capabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KubewardenKind {
    /// `ClusterAdmissionPolicy`
    ClusterPolicy,
    /// `AdmissionPolicy`
    Policy,
    /// `ClusterAdmissionPolicyGroup`
    ClusterGroup,
    /// `AdmissionPolicyGroup`
    Group,
    /// `PolicyServer`
    Server,
}

impl KubewardenKind {
    /// Returns the kind of a document, or nothing if the document is something else.
    #[must_use]
    pub fn of(document: &Map<String, Value>) -> Option<Self> {
        let text = |field| document.get(field).and_then(Value::as_str).unwrap_or_default();
        if !text("apiVersion").starts_with(POLICIES) {
            return None;
        }
        match text("kind") {
            "ClusterAdmissionPolicy" => Some(Self::ClusterPolicy),
            "AdmissionPolicy" => Some(Self::Policy),
            "ClusterAdmissionPolicyGroup" => Some(Self::ClusterGroup),
            "AdmissionPolicyGroup" => Some(Self::Group),
            "PolicyServer" => Some(Self::Server),
            _ => None,
        }
    }

    /// Returns whether the policy is for one namespace.
    #[must_use]
    pub fn is_namespaced(self) -> bool {
        matches!(self, Self::Policy | Self::Group)
    }
}

/// The name and the namespace of a manifest.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// The name.
    pub name: String,
    /// The namespace, if the kind has one.
    pub namespace: Option<String>,
}

/// What only policies have in their specification.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// The settings of the policy.
    #[serde(default)]
    pub settings: Option<Map<String, Value>>,
    /// Whether the policy can change objects.
    pub mutating: bool,
    /// What users read instead of the findings.
    #[serde(default)]
    pub message: String,
}

/// What only groups have in their specification.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupSpec {
    /// The members, by name.
    pub policies: BTreeMap<String, Member>,
    /// Which members must admit an object.
    pub expression: String,
    /// What users read if the group denies an object.
    pub message: String,
}

/// A member of a group.
#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    /// The settings of the policy.
    #[serde(default)]
    pub settings: Option<Map<String, Value>>,
}

/// What policies and groups have in their specification: which requests API servers send, and what the policy server does with
/// the response.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationSpec {
    /// The requests that API servers send.
    pub rules: Vec<Rule>,
    /// The namespaces of these requests. Policies of one namespace do not have the field.
    #[serde(default)]
    pub namespace_selector: Option<LabelSelector>,
    /// The labels of the objects in these requests.
    #[serde(default)]
    pub object_selector: Option<LabelSelector>,
    /// Expressions that these requests must satisfy. They are not evaluated here.
    #[serde(default)]
    pub match_conditions: Vec<Value>,
    /// Whether the policy protects or only monitors.
    #[serde(default)]
    pub mode: Mode,
    /// Whether the audit scanner evaluates objects that exist.
    #[serde(default = "yes")]
    pub background_audit: bool,
    /// Whether the policy also evaluates the namespace of Kubewarden.
    #[serde(default)]
    pub allow_inside_admission_controller_namespace: bool,
    /// The policy server that loads the policy.
    #[serde(default = "default_server")]
    pub policy_server: String,
}

/// A rule of a webhook.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// The operations, such as `CREATE`, or `*`.
    pub operations: Vec<String>,
    /// The groups, or `*`. The core group is empty.
    #[serde(default)]
    pub api_groups: Vec<String>,
    /// The versions, or `*`.
    pub api_versions: Vec<String>,
    /// The resources and subresources, such as `pods/exec`, with `*` for all.
    pub resources: Vec<String>,
    /// The scope of the resources.
    #[serde(default)]
    pub scope: Scope,
}

/// The scope of the resources of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum Scope {
    /// Resources in namespaces.
    Namespaced,
    /// Resources without a namespace.
    Cluster,
    /// All resources.
    #[default]
    #[serde(rename = "*")]
    All,
}

/// What the policy server does with a denial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It denies the object.
    #[default]
    Protect,
    /// It admits the unchanged object, and logs the denial.
    Monitor,
}

/// The specification of a policy server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerSpec {
    /// The host capabilities of policies for one namespace; all of them if unset.
    pub namespaced_policies_capabilities: Option<Vec<String>>,
}

fn yes() -> bool {
    true
}

fn default_server() -> String {
    "default".to_owned()
}
