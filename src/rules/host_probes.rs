//! `hostProbes`: probes and lifecycle hooks connect only to their own pod.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::{Container, NetworkAction};
use crate::kubernetes::unread::Unread;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;
use json_view::Text;

pub(crate) struct HostProbes;

impl Rule<'_> for HostProbes {
    const META: RuleMeta =
        RuleMeta { id: "hostProbes", severity: Severity::Low, default_mode: Mode::Off, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Probes and lifecycle hooks connect only to their own pod.",
        finding: "a probe or lifecycle hook whose `httpGet.host` or `tcpSocket.host` is set",
        fix: None,
        why: "\
The kubelet runs these requests in the network of the node, so a host makes it send requests to other machines and to the node itself.
Network policies do not apply to them.",
        how: Some(
            "\
Every host is a finding, `localhost` too, because there it means the node. To probe the pod, leave `host` unset; an HTTP server that needs
a name gets it in the header `Host`.",
        ),
        limits: None,
    };

    fn configure(_: &mut ObjectReader<'_, '_>) -> Self {
        Self
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        for at in pod.all_containers() {
            for (field, action, kind) in network_actions(at.container) {
                let host = host(action);
                if !host.is_empty() {
                    let finding = findings.at(at, &format!("{field}.{kind}.host"));
                    finding.message(format!("must leave it unset, not {}", quoted(&host))).value(&*host);
                }
            }
        }
    }
}

/// Returns the host of a connection. One that cannot be read is `?`.
fn host<'a>(action: &Unread<'a, NetworkAction<'a>>) -> Text<'a> {
    let unreadable = |_| Some(NetworkAction { host: "?".into() });
    action.parse().unwrap_or_else(unreadable).unwrap_or_default().host
}

/// Returns what the probes and hooks of a container connect to: the field of the probe, the connection, and its kind.
fn network_actions<'c, 'a>(
    container: &'c Container<'a>,
) -> impl Iterator<Item = (&'static str, &'c Unread<'a, NetworkAction<'a>>, &'static str)> {
    let Container { startup_probe: startup, lifecycle, .. } = container;
    let handlers = [
        ("lifecycle.postStart", &lifecycle.post_start.http_get, &lifecycle.post_start.tcp_socket),
        ("lifecycle.preStop", &lifecycle.pre_stop.http_get, &lifecycle.pre_stop.tcp_socket),
        ("livenessProbe", &container.liveness_probe.http_get, &container.liveness_probe.tcp_socket),
        ("readinessProbe", &container.readiness_probe.http_get, &container.readiness_probe.tcp_socket),
        ("startupProbe", &startup.http_get, &startup.tcp_socket),
    ];
    handlers.into_iter().flat_map(|(field, http_get, tcp_socket)| {
        [(field, http_get, "httpGet"), (field, tcp_socket, "tcpSocket")]
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

    #[test]
    fn every_probe_and_hook_counts() {
        let get = |host: &str| json!({"httpGet": {"host": host, "port": 80}});
        let connect = |host: &str| json!({"tcpSocket": {"host": host, "port": 80}});
        let pod = json!({
            "initContainers": [{"name": "a", "livenessProbe": get("127.0.0.1"), "readinessProbe": connect("db")}],
            "containers": [{
                "name": "b",
                "startupProbe": get("x"),
                "lifecycle": {"postStart": connect("y"), "preStop": get("z")},
            }, {
                "name": "c",
                "livenessProbe": get(""),
                "readinessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "Host", "value": "x"}]}},
                "startupProbe": {"exec": {"command": ["true"]}},
            }],
        });
        let lines = check(RuleId::HostProbes, &json!({}), &pod);
        assert_eq!(
            lines[0],
            "spec.initContainers[0].livenessProbe.httpGet.host: init container \"a\" must leave it unset, not \
             \"127.0.0.1\" [hostProbes]"
        );
        let paths: Vec<_> = lines.iter().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(
            paths,
            [
                "spec.initContainers[0].livenessProbe.httpGet.host",
                "spec.initContainers[0].readinessProbe.tcpSocket.host",
                "spec.containers[0].lifecycle.postStart.tcpSocket.host",
                "spec.containers[0].lifecycle.preStop.httpGet.host",
                "spec.containers[0].startupProbe.httpGet.host",
            ]
        );
    }
}
