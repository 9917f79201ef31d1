//! `appArmorProfile`

use serde_json::json;

use super::findings::{Findings, ResponsibleContainers};
use super::generators::switch;
use super::profiles::{ProfileField, ProfileOptions, of_all};
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `appArmorProfile`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("allowed", &[Reports, Allows]), ("podSecurity", &[Reports])],
    options: || {
        let allowed =
            json!([["RuntimeDefault"], ["Localhost"], ["RuntimeDefault", "Localhost", "Unconfined"]]);
        vec![("allowed", one_of(&allowed)), ("podSecurity", switch())]
    },
    ..ReferenceRule::new("appArmorProfile", findings)
};

/// The start of the keys of annotations, before the name of a container.
const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

const FIELD: ProfileField = ProfileField {
    name: "appArmorProfile",
    of_pod: |pod| Some(pod.spec.security_context.clone()?.app_armor_profile?.into()),
    of_container: |container| Some(container.context().app_armor_profile?.into()),
};

fn findings(request: &Request<'_>) -> Findings {
    let options: ProfileOptions = options(request.settings, "appArmorProfile");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        FIELD.check(&options, pod, &mut findings);
        for (key, value) in &pod.annotations {
            let Some(name) = key.strip_prefix(PREFIX) else { continue };
            if !allows_annotation(&options, value) {
                findings.add(pod.annotations_path.key(key), named(pod, name));
            }
        }
    }
    findings
}

/// Whether the value of an annotation is empty or means an allowed type.
fn allows_annotation(options: &ProfileOptions, value: &str) -> bool {
    match value {
        "" => true,
        "runtime/default" => options.allows("RuntimeDefault"),
        "unconfined" => options.allows("Unconfined"),
        _ => value.starts_with("localhost/") && options.allows("Localhost"),
    }
}

/// Returns the containers with a name, or the whole pod if no container has it.
fn named(pod: &Pod, name: &str) -> ResponsibleContainers {
    let named: Vec<&ContainerAt> =
        pod.containers.iter().filter(|container| container.spec.name == name).collect();
    if named.is_empty() { pod.responsible_containers() } else { of_all(&named) }
}
