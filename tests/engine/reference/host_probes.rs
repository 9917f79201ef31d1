//! `hostProbes`

use k8s_openapi::api::core::v1::{Container, HTTPGetAction, TCPSocketAction};

use super::findings::Findings;
use super::request::Request;
use super::rule::ReferenceRule;

/// `hostProbes`
pub(super) const RULE: ReferenceRule =
    ReferenceRule { default_mode: "off", ..ReferenceRule::new("hostProbes", findings) };

/// The requests of a probe or of a hook.
type Requests = (Option<HTTPGetAction>, Option<TCPSocketAction>);

fn findings(request: &Request<'_>) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            for (field, (http_get, tcp_socket)) in requests(&container.spec) {
                let hosts = [
                    ("httpGet.host", http_get.and_then(|action| action.host)),
                    ("tcpSocket.host", tcp_socket.and_then(|action| action.host)),
                ];
                for (host, value) in hosts {
                    if value.is_some_and(|value| !value.is_empty()) {
                        findings.add(container.path.field(field).field(host), container.as_responsible());
                    }
                }
            }
        }
    }
    findings
}

/// Returns all probes and hooks of a container.
fn requests(container: &Container) -> Vec<(&'static str, Requests)> {
    let probes = [
        ("livenessProbe", &container.liveness_probe),
        ("readinessProbe", &container.readiness_probe),
        ("startupProbe", &container.startup_probe),
    ];
    let lifecycle = container.lifecycle.clone().unwrap_or_default();
    let hooks = [("lifecycle.postStart", lifecycle.post_start), ("lifecycle.preStop", lifecycle.pre_stop)];
    let probes = probes.into_iter().map(|(field, probe)| {
        let probe = probe.clone().unwrap_or_default();
        (field, (probe.http_get, probe.tcp_socket))
    });
    let hooks = hooks.into_iter().map(|(field, hook)| {
        let hook = hook.unwrap_or_default();
        (field, (hook.http_get, hook.tcp_socket))
    });
    probes.chain(hooks).collect()
}
