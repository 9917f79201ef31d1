//! `hostPorts`

use serde::Deserialize;

use super::findings::Findings;
use super::request::Request;
use super::settings::options;

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

/// `hostPorts`: a port of the node that no range allows.
pub(super) fn host_ports(request: &Request<'_>) -> Findings {
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
