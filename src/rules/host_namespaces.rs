//! `hostNamespaces`: pods do not share namespaces with their node.

use std::borrow::Cow;

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::pod::Pod;
use crate::settings::declaration::{Declared, Setting, Words};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

const ALLOW: Setting<Words<Namespace>> = Setting {
    key: "allow",
    label: "Allowed fields",
    doc: "Fields that can be `true`.",
    kind: Words { words: FIELDS, default: &[], may_be_empty: true },
};

const FIELDS: &[(&str, Namespace)] =
    &[("hostNetwork", Namespace::Network), ("hostPID", Namespace::Pid), ("hostIPC", Namespace::Ipc)];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Namespace {
    Network,
    Pid,
    Ipc,
}

impl Namespace {
    fn is_shared(self, pod: &Pod<'_>) -> bool {
        match self {
            Self::Network => pod.spec.host_network,
            Self::Pid => pod.spec.host_pid,
            Self::Ipc => pod.spec.host_ipc,
        }
    }

    fn message(self) -> &'static str {
        match self {
            Self::Network => "must not share the host's network namespace",
            Self::Pid => "must not share the host's process namespace",
            Self::Ipc => "must not share the host's IPC namespace",
        }
    }
}

pub(crate) struct HostNamespaces {
    allow: Cow<'static, [Namespace]>,
}

impl Rule<'_> for HostNamespaces {
    const META: RuleMeta = RuleMeta {
        id: "hostNamespaces",
        severity: Severity::Critical,
        default_mode: Mode::Deny,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Pods do not share namespaces with their node.",
        finding: "a pod with `hostNetwork`, `hostPID` or `hostIPC` set to `true`, unless `allow` contains the field",
        fix: None,
        why: "\
In a namespace of its node, a container can reach the processes and connections of other containers and change them.",
        how: None,
        limits: None,
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOW];

    fn configure(reader: &mut ObjectReader<'_, '_>) -> Self {
        Self { allow: reader.get(&ALLOW) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        for (field, namespace) in FIELDS {
            if namespace.is_shared(pod) && !self.allow.contains(namespace) {
                findings.at_pod(pod, field).message(namespace.message());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

    const NETWORK: &str =
        "spec.hostNetwork: the pod must not share the host's network namespace [hostNamespaces]";
    const PID: &str = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";
    const IPC: &str = "spec.hostIPC: the pod must not share the host's IPC namespace [hostNamespaces]";

    #[test]
    fn refuses_each_namespace_of_the_host() {
        let all = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
        assert_eq!(check(RuleId::HostNamespaces, &json!({}), &all), [NETWORK, PID, IPC]);
        assert_eq!(
            check(RuleId::HostNamespaces, &json!({}), &json!({"hostNetwork": false, "hostPID": null})),
            [""; 0]
        );
    }

    #[test]
    fn allows_what_the_settings_allow() {
        let all = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
        assert_eq!(check(RuleId::HostNamespaces, &json!({"allow": ["hostNetwork"]}), &all), [PID, IPC]);
        assert_eq!(
            check(RuleId::HostNamespaces, &json!({"allow": ["hostIPC", "hostPID", "hostNetwork"]}), &all),
            [""; 0]
        );
        assert_eq!(check(RuleId::HostNamespaces, &json!({"allow": null}), &all).len(), 3);
    }
}
