//! Checks of settings and of policy manifests.

use serde_json::{Value, json};

use super::ADVICE;
use crate::documents::metadata;
use crate::module::policy;
use crate::registrations::ANNOTATIONS;

/// Checks that settings are valid.
pub(super) fn check_settings(settings: &Value) -> Result<(), String> {
    let answer = policy().validate_settings(settings).map_err(|error| error.to_string())?;
    if answer.valid { Ok(()) } else { Err(format!("{settings}: {}", answer.message.unwrap_or_default())) }
}

/// Checks that exactly policies with fixes are mutating.
pub(super) fn check_mutating(settings: &Value, mutating: &Value) -> Result<(), String> {
    let fixes = |options: &Value| options == "fix" || options["mode"] == "fix";
    let expected = settings.as_object().is_some_and(|settings| settings.values().any(fixes));
    let mutating = mutating.as_bool().unwrap_or_default();
    if mutating == expected { Ok(()) } else { Err(format!("must be mutating: {expected}")) }
}

/// Checks that a policy loads this version and agrees with the metadata.
pub(super) fn check_policy(policy: &Value) -> Result<(), String> {
    let kind = &policy["kind"];
    if kind != "ClusterAdmissionPolicy" && kind != "AdmissionPolicy" {
        return Err(format!("is a {kind}: {ADVICE}"));
    }
    let spec = &policy["spec"];
    check_settings(&spec["settings"])?;
    check_mutating(&spec["settings"], &spec["mutating"])?;
    let module = spec["module"].as_str().unwrap_or_default();
    if !module.starts_with("registry://") || !module.ends_with(concat!(":v", env!("CARGO_PKG_VERSION"))) {
        return Err(format!("must load this version from a registry, not {module}"));
    }
    if spec["mutating"].is_null() {
        return Err("must set `mutating`".to_owned());
    }
    let rules = spec["rules"].as_array().filter(|rules| !rules.is_empty()).ok_or("has no rules")?;
    rules.iter().try_for_each(check_rule)?;
    let metadata = metadata();
    for annotation in ANNOTATIONS {
        if policy["metadata"]["annotations"][annotation] != metadata["annotations"][annotation] {
            return Err(format!("lacks the annotation {annotation} of the metadata"));
        }
    }
    if kind == "ClusterAdmissionPolicy" { check_namespaces(&spec["namespaceSelector"]) } else { Ok(()) }
}

/// Checks that a cluster-wide policy either excludes kube-system or names its namespaces.
pub(super) fn check_namespaces(selector: &Value) -> Result<(), String> {
    let by_name = |requirement: &Value| requirement["key"] == "kubernetes.io/metadata.name";
    let decides = |requirement: &Value| match requirement["operator"].as_str() {
        Some("NotIn") => {
            requirement["values"].as_array().is_some_and(|names| names.contains(&json!("kube-system")))
        }
        operator => operator == Some("In"),
    };
    let mut requirements = selector["matchExpressions"].as_array().into_iter().flatten();
    if requirements.any(|requirement| by_name(requirement) && decides(requirement)) {
        return Ok(());
    }
    Err("must exclude kube-system or name its namespaces".to_owned())
}

/// Checks that a webhook rule is part of a rule in the metadata. Rules for other API groups are not checked.
fn check_rule(rule: &Value) -> Result<(), String> {
    let metadata = metadata();
    let known = metadata["rules"].as_array().into_iter().flatten();
    let mut known = known.filter(|known| known["apiGroups"] == rule["apiGroups"]).peekable();
    let contains = |known: &Value, key: &str| {
        let items = rule[key].as_array().into_iter().flatten();
        items.clone().count() > 0
            && items.into_iter().all(|item| known[key].as_array().is_some_and(|known| known.contains(item)))
    };
    let covers =
        |known: &Value| ["apiVersions", "resources", "operations"].iter().all(|key| contains(known, key));
    if known.peek().is_none() || known.any(covers) {
        return Ok(());
    }
    Err(format!("has a rule that is not in the metadata: {rule}"))
}
