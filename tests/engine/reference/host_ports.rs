//! `hostPorts`

use serde::Deserialize;
use serde_json::json;

use super::findings::Findings;
use super::request::Request;
use super::rule::Effect::Allows;
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::{fields, list, one_of};

/// `hostPorts`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("allowed", &[Allows])],
    options: || {
        vec![("allowed", one_of(&json!([[], [{"min": 8000, "max": 8080}, {"min": 9000, "max": 9000}]])))]
    },
    container_fields: || {
        let ports = one_of(&json!([null, 0, 80, 7999, 8000, 8080, 8081, 9000]));
        let port = fields(vec![("containerPort", one_of(&json!([80]))), ("hostPort", ports)]);
        vec![("ports", list(port, 2))]
    },
    ..ReferenceRule::new("hostPorts", findings)
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostPorts {
    allowed: Vec<Allowed>,
}

#[derive(Deserialize)]
struct Allowed {
    min: i64,
    max: i64,
}

/// Returns the ports of the node that no range allows.
fn findings(request: &Request<'_>) -> Findings {
    let HostPorts { allowed } = options(request.settings, "hostPorts");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            let ports = container.spec.ports.clone().unwrap_or_default();
            for (index, port) in ports.iter().enumerate() {
                let number = i64::from(port.host_port.unwrap_or(0));
                let is_allowed = allowed.iter().any(|range| range.min <= number && number <= range.max);
                if number != 0 && !is_allowed {
                    let path = container.path.field("ports").item(index).field("hostPort");
                    findings.add(path, container.as_responsible());
                }
            }
        }
    }
    findings
}
