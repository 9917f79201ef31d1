//! `hostPorts`: containers use no ports of their node, except for those that the settings allow.

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::field_path::of_item;
use crate::settings::declaration::{Declared, Objects, Setting};
use crate::settings::mode::Mode;
use crate::settings::range::{Range, listed};
use crate::settings::reader::ObjectReader;

const ALLOWED: Setting<Objects<Range>> = Setting {
    key: "allowed",
    label: "Allowed ports",
    doc: "Ranges of host ports that containers can use: `[{min: 8000, max: 8080}]`.",
    kind: Objects::ANY,
};

pub(crate) struct HostPorts {
    allowed: Vec<Range>,
}

impl HostPorts {
    fn message(&self, port: i64) -> String {
        if self.allowed.is_empty() {
            return format!("must not use host port {port}");
        }
        format!("must use a host port in {}, not {port}", listed(&self.allowed))
    }
}

impl Rule<'_> for HostPorts {
    const META: RuleMeta =
        RuleMeta { id: "hostPorts", severity: Severity::Medium, default_mode: Mode::Off, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers use no ports of their node, except for those that the settings allow.",
        finding: "a container port whose `hostPort` is neither 0 nor in one of the `allowed` ranges",
        fix: None,
        why: "\
A host port is reachable at the address of the node, where network policies do not always apply, and only one pod of the node can use it.",
        how: Some(
            "\
An unset `hostPort` means 0. With `hostNetwork: true`, API servers set the `hostPort` of every port, so such a port is a finding too.",
        ),
        limits: None,
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED];

    fn configure(reader: &mut ObjectReader<'_, '_>) -> Self {
        Self { allowed: reader.get(&ALLOWED) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        for container in pod.all_containers() {
            for (index, port) in container.container.ports.iter().enumerate() {
                let number = port.host_port;
                if number != 0 && !self.allowed.iter().any(|range| range.contains(number)) {
                    let field = of_item("ports", index, "hostPort");
                    findings.at(container, &field).message(self.message(number));
                }
            }
        }
    }
}
