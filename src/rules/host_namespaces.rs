//! `hostNamespaces`: a pod does not reach into the namespaces of its node, where other containers can be changed.
//!
//! A finding is `hostNetwork`, `hostPID` or `hostIPC` that is `true` and not in `allow`
//!
//! Settings:
//!
//! - `allow`: the fields that may be `true` all the same.

use std::borrow::Cow;

use super::{Definition, Kind, Rule};
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::settings::Severity;
use crate::settings::reader::Options;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "hostNamespaces",
    mode: Some(Severity::Deny),
    can_fix: false,
    kind: Kind::HostNamespaces,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Namespace {
    Network,
    Pid,
    Ipc,
}

const FIELDS: [(&str, Namespace); 3] =
    [("hostNetwork", Namespace::Network), ("hostPID", Namespace::Pid), ("hostIPC", Namespace::Ipc)];

impl Namespace {
    fn is_shared(self, pod: &Pod<'_>) -> bool {
        match self {
            Self::Network => pod.spec.host_network,
            Self::Pid => pod.spec.host_pid,
            Self::Ipc => pod.spec.host_ipc,
        }
    }

    fn demand(self) -> &'static str {
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

impl HostNamespaces {
    pub(super) fn new(options: &mut Options<'_, '_>) -> Self {
        Self { allow: options.any_of("allow", &[], &FIELDS) }
    }
}

impl Rule for HostNamespaces {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        for (field, namespace) in FIELDS {
            if namespace.is_shared(pod) && !self.allow.contains(&namespace) {
                Finding::of_pod(found, pod, field, "", namespace.demand());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::check;
    use super::*;

    const NETWORK: &str =
        "spec.hostNetwork: the pod must not share the host's network namespace [hostNamespaces]";
    const PID: &str = "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";
    const IPC: &str = "spec.hostIPC: the pod must not share the host's IPC namespace [hostNamespaces]";

    #[test]
    fn refuses_each_namespace_of_the_host() {
        let all = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
        assert_eq!(check(&RULE, &json!({}), &all), [NETWORK, PID, IPC]);
        assert_eq!(check(&RULE, &json!({}), &json!({"hostNetwork": false, "hostPID": null})), [""; 0]);
    }

    #[test]
    fn allows_what_the_settings_allow() {
        let all = json!({"hostNetwork": true, "hostPID": true, "hostIPC": true});
        assert_eq!(check(&RULE, &json!({"allow": ["hostNetwork"]}), &all), [PID, IPC]);
        assert_eq!(check(&RULE, &json!({"allow": ["hostIPC", "hostPID", "hostNetwork"]}), &all), [""; 0]);
        assert_eq!(check(&RULE, &json!({"allow": null}), &all).len(), 3);
    }
}
