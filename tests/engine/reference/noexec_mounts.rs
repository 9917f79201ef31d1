//! `noexecMounts`

use proptest::prelude::Strategy;
use proptest::sample::subsequence;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::Findings;
use super::generators::some_of;
use super::mounts::volume_mounts;
use super::request::Request;
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use super::writable_mounts::matches_any;
use crate::generators::one_of;

/// `noexecMounts`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("required", &[Reports, Allows]), ("allowedPaths", &[Allows])],
    options: || {
        let required = subsequence(vec!["noexec", "nosuid", "nodev"], 1..=3);
        vec![
            ("required", required.prop_map(Value::from).boxed()),
            ("required", one_of(&json!([["noexec"], ["nodev"]]))),
            ("allowedPaths", some_of(&["/tmp/", "/srv/*/data", "/cache/**", "/data", "/usr"])),
        ]
    },
    ..ReferenceRule::new("noexecMounts", findings)
};

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NoexecMounts {
    required: Vec<String>,
    allowed_paths: Vec<String>,
}

impl Default for NoexecMounts {
    fn default() -> Self {
        Self { required: vec!["noexec".to_owned(), "nosuid".to_owned()], allowed_paths: Vec::new() }
    }
}

/// Returns writable mounts that lack a required option.
fn findings(request: &Request<'_>) -> Findings {
    let NoexecMounts { required, allowed_paths } = options(request.settings, RULE.id);
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| !pod.is_windows()) {
        for container in &pod.containers {
            for mount in volume_mounts(pod, container).into_iter().filter(|mount| mount.is_writable(pod)) {
                let has_all = required.iter().all(|option| mount.options.contains(option));
                if !has_all && !matches_any(pod, &mount.target, &allowed_paths) {
                    let path = mount.path.field("bindMountOptions");
                    findings.add_unset(path, container.as_responsible(), true);
                }
            }
        }
    }
    findings
}
