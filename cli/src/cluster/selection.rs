//! Selects the resources that policies evaluate.

use std::collections::BTreeSet;

use immutable_pods_policy::kubernetes::workload::{WORKLOADS, Workload};

use super::discovery::ServedResource;
use crate::policies::manifest::{Rule, Scope};
use crate::policies::{PolicySet, RegisteredPolicy};
use crate::resources::is_built_in;

/// The rules by which resources are selected, one list per policy.
#[derive(Debug)]
pub(super) struct Selection {
    policies: Vec<Vec<Rule>>,
    has_registrations: bool,
}

impl Selection {
    /// Returns what policies evaluate in an audit. Bare settings have the rules of `metadata.yml`.
    pub(super) fn of(policies: &PolicySet) -> Self {
        let policies = policies.policies();
        let rules = |policy: &RegisteredPolicy| match &policy.registration {
            Some(registration) => registration.audited_rules().to_vec(),
            None => default_rules(),
        };
        Self {
            policies: policies.iter().map(rules).collect(),
            has_registrations: policies.iter().any(|policy| policy.registration.is_some()),
        }
    }

    /// Returns whether a policy has a registration, which can select namespaces.
    pub(super) fn has_registrations(&self) -> bool {
        self.has_registrations
    }

    /// Returns whether a rule names a version of a group.
    pub(super) fn names_version(&self, group: &str, version: &str) -> bool {
        self.policies.iter().flatten().any(|rule| rule.names_version(group, version))
    }

    /// Returns the resources that the rules name, without duplicates, in the order of the report. If a policy names several
    /// versions of a resource, the first one is selected, because all versions have the same objects.
    pub(super) fn select(&self, served: &[ServedResource]) -> Vec<ServedResource> {
        let mut selected = BTreeSet::new();
        for rules in &self.policies {
            let mut seen = BTreeSet::new();
            for resource in served {
                let is_named = rules.iter().any(|rule| selects(rule, resource));
                if is_named && seen.insert((&resource.group, &resource.plural)) {
                    selected.insert(resource);
                }
            }
        }
        selected.into_iter().cloned().collect()
    }
}

/// Returns whether a rule selects a resource. A wildcard selects only the resources with pods in the groups of Kubernetes.
fn selects(rule: &Rule, resource: &ServedResource) -> bool {
    let ServedResource { group, version, plural, is_namespaced, .. } = resource;
    rule.names_creation(group, version, plural, *is_namespaced)
        && (rule.contains_name(plural) || !is_built_in(group) || has_pods(group, plural))
}

fn has_pods(group: &str, plural: &str) -> bool {
    WORKLOADS.iter().any(|workload| workload.group == group && workload.resource == plural)
}

/// Returns the rules of `metadata.yml` that contain CREATE: all workloads except for `ReplicaSets`, whose pods are evaluated.
fn default_rules() -> Vec<Rule> {
    WORKLOADS.iter().filter(|workload| !workload.is_compared_by_its_controller()).map(rule).collect()
}

fn rule(workload: &Workload) -> Rule {
    Rule {
        operations: vec!["CREATE".to_owned()],
        api_groups: vec![workload.group.to_owned()],
        api_versions: vec!["v1".to_owned()],
        resources: vec![workload.resource.to_owned()],
        scope: Scope::All,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Value, json};

    use super::*;

    fn served(group: &str, version: &str, plural: &str, is_namespaced: bool) -> ServedResource {
        let text = str::to_owned;
        ServedResource {
            group: text(group),
            version: text(version),
            plural: text(plural),
            kind: text("Any"),
            is_namespaced,
        }
    }

    fn cluster() -> Vec<ServedResource> {
        vec![
            served("", "v1", "nodes", false),
            served("", "v1", "secrets", true),
            served("", "v1", "pods", true),
            served("", "v1", "replicationcontrollers", true),
            served("example.com", "v2", "apps", true),
            served("example.com", "v1", "apps", true),
            served("apps", "v1", "replicasets", true),
            served("apps", "v1", "deployments", true),
            served("coordination.k8s.io", "v1", "leases", true),
        ]
    }

    fn names(policies: &[Value]) -> Vec<String> {
        let policies = policies.iter().map(|rules| serde_json::from_value(rules.clone()).unwrap()).collect();
        let selection = Selection { policies, has_registrations: true };
        let selected = selection.select(&cluster());
        selected.iter().map(|resource| format!("{} {}", resource.api_version(), resource.plural)).collect()
    }

    fn rule_of(group: &str, version: &str, resources: &[&str], scope: &str) -> Value {
        json!({"apiGroups": [group], "apiVersions": [version], "operations": ["CREATE"], "resources": resources,
            "scope": scope})
    }

    #[test]
    fn a_wildcard_selects_pods_and_custom_kinds() {
        assert_eq!(
            names(&[json!([rule_of("*", "*", &["*/*"], "*")])]),
            [
                "v1 pods",
                "v1 replicationcontrollers",
                "apps/v1 deployments",
                "apps/v1 replicasets",
                "example.com/v2 apps"
            ]
        );
    }

    #[test]
    fn a_name_selects_any_resource() {
        assert_eq!(names(&[json!([rule_of("", "v1", &["secrets", "pods/exec"], "*")])]), ["v1 secrets"]);
        assert_eq!(names(&[json!([rule_of("", "v1", &["nodes"], "Namespaced")])]), [""; 0]);
    }

    #[test]
    fn each_policy_selects_one_version() {
        let both = json!([rule_of("example.com", "*", &["apps"], "*")]);
        let old = json!([rule_of("example.com", "v1", &["apps"], "*")]);
        assert_eq!(names(std::slice::from_ref(&both)), ["example.com/v2 apps"]);
        assert_eq!(names(&[both, old]), ["example.com/v1 apps", "example.com/v2 apps"]);
    }

    #[test]
    fn a_rule_without_creations_selects_nothing() {
        let mut rule = rule_of("", "v1", &["pods"], "*");
        rule["operations"] = json!(["UPDATE"]);
        assert_eq!(names(&[json!([rule])]), [""; 0]);
    }

    #[derive(Deserialize)]
    struct Metadata {
        rules: Vec<Rule>,
    }

    #[test]
    fn without_policies_the_rules_of_the_metadata_apply() {
        let metadata: Metadata = serde_saphyr::from_str(include_str!("../../../metadata.yml")).unwrap();
        let mut documented = BTreeSet::new();
        for rule in metadata.rules.iter().filter(|rule| rule.operations.iter().any(|op| op == "CREATE")) {
            for group in &rule.api_groups {
                for version in &rule.api_versions {
                    for resource in &rule.resources {
                        documented.insert([group.clone(), version.clone(), resource.clone()]);
                    }
                }
            }
        }
        let first = |list: &[String]| list[0].clone();
        let defaults: BTreeSet<[String; 3]> = default_rules()
            .iter()
            .map(|rule| [first(&rule.api_groups), first(&rule.api_versions), first(&rule.resources)])
            .collect();
        assert_eq!(defaults, documented);
    }
}
