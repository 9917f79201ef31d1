//! `seccompProfile`

use serde_json::json;

use super::findings::Findings;
use super::generators::switch;
use super::profiles::{ProfileField, ProfileOptions, of_all};
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `seccompProfile`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[
        ("allowed", &[Reports, Allows]),
        ("localhostProfiles", &[Reports]),
        ("allowUnset", &[Allows]),
        ("podSecurity", &[Reports]),
    ],
    options: || {
        let allowed =
            json!([["RuntimeDefault"], ["Localhost"], ["RuntimeDefault", "Localhost", "Unconfined"]]);
        vec![
            ("allowed", one_of(&allowed)),
            ("localhostProfiles", one_of(&json!([["profiles/*.json"], ["web.json", "*/audit*"]]))),
            ("allowUnset", switch()),
            ("podSecurity", switch()),
        ]
    },
    ..ReferenceRule::new("seccompProfile", findings)
};

const FIELD: ProfileField = ProfileField {
    name: "seccompProfile",
    of_pod: |pod| Some(pod.spec.security_context.clone()?.seccomp_profile?.into()),
    of_container: |container| Some(container.context().seccomp_profile?.into()),
};

fn findings(request: &Request<'_>) -> Findings {
    let options: ProfileOptions = options(request.settings, "seccompProfile");
    let counts_windows = options.pod_security && options.allow_unset;
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| counts_windows || !pod.is_windows()) {
        let without = FIELD.check(&options, pod, &mut findings);
        if !options.allow_unset && !without.is_empty() {
            report_unset(request, pod, &without, &mut findings);
        }
    }
    findings
}

/// Reports containers without a profile: at the pod if its spec is known to have the field, else at each container.
fn report_unset(request: &Request<'_>, pod: &Pod, without: &[&ContainerAt], findings: &mut Findings) {
    if request.is_built_in() || pod.path.to_string().ends_with(".template.spec") {
        let path = pod.path.field("securityContext.seccompProfile.type");
        findings.add_unset(path, of_all(without), !has_values(pod, ""));
        return;
    }
    for container in without {
        let is_fixable = !has_values(pod, &pod.pointer_to(container));
        findings.add_unset(
            container.context_path("seccompProfile.type"),
            container.as_responsible(),
            is_fixable,
        );
    }
}

/// Whether a profile has values, which a fix would keep: a type, even an empty one, or the name of a file.
fn has_values(pod: &Pod, pointer: &str) -> bool {
    let sent = |key: &str| pod.sent(&format!("{pointer}/securityContext/seccompProfile/{key}"));
    !sent("type").is_null() || sent("localhostProfile").as_str().is_some_and(|name| !name.is_empty())
}
