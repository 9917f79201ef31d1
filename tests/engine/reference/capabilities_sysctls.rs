//! `capabilities` and `sysctls`.

use proptest::prelude::{Just, Strategy};
use serde::Deserialize;
use serde_json::json;

use super::findings::Findings;
use super::generators::{some_of, switch};
use super::patterns::matches;
use super::request::Request;
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Capabilities {
    required_drop: Vec<String>,
    allowed_add: Vec<String>,
    denied_add: Vec<String>,
    pod_security: bool,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            required_drop: Vec::new(),
            allowed_add: vec!["NET_BIND_SERVICE".to_owned()],
            denied_add: Vec::new(),
            pod_security: false,
        }
    }
}

impl Capabilities {
    /// Whether a container may add a capability by this name.
    fn allows_adding(&self, name: &str) -> bool {
        is_canonical(name) && !self.requires_dropping(name) && self.lists_allow(name)
    }

    /// Whether a required capability is among those that a name adds. Dropping `ALL` does not forbid adding one of them.
    fn requires_dropping(&self, name: &str) -> bool {
        let mut required =
            self.required_drop.iter().map(|required| plain(required)).filter(|required| required != "ALL");
        required.any(|required| name == "ALL" || name == required)
    }

    fn lists_allow(&self, name: &str) -> bool {
        let contains = |list: &[String], name: &str| list.iter().any(|listed| plain(listed) == name);
        let name = plain(name);
        let is_allowed = contains(&self.allowed_add, "*") || contains(&self.allowed_add, &name);
        // `ALL` includes every denied capability.
        let is_denied = contains(&self.denied_add, &name) || (name == "ALL" && !self.denied_add.is_empty());
        is_allowed && !is_denied
    }

    /// Whether Windows pods count: Pod Security Admission skips them if it requires dropped capabilities.
    fn counts_windows(&self) -> bool {
        self.pod_security && self.required_drop.is_empty()
    }

    /// Returns the required capabilities that the container does not drop.
    fn missing(&self, dropped: &[String]) -> Vec<String> {
        // In `drop`, a name with the prefix `CAP_` is not a capability.
        let name_of =
            |dropped: &String| if self.pod_security { dropped.clone() } else { dropped.to_uppercase() };
        let drops = |name: &str| dropped.iter().any(|dropped| name_of(dropped) == name);
        let required = self.required_drop.iter().map(|required| plain(required));
        required.filter(|required| !drops("ALL") && !drops(required)).collect()
    }
}

/// Whether a capability name is in upper case, without `CAP_`.
fn is_canonical(name: &str) -> bool {
    let is_valid = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    !name.is_empty() && name.chars().all(is_valid) && !name.starts_with("CAP_")
}

/// Returns a capability name in upper case, without `CAP_`. Runtimes convert names to upper case too, including non-ASCII
/// letters.
fn plain(name: &str) -> String {
    let name = name.to_uppercase();
    name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
}

/// `capabilities`
pub(super) const CAPABILITIES: ReferenceRule = ReferenceRule {
    effects: &[
        ("requiredDrop", &[Reports]),
        ("allowedAdd", &[Reports, Allows]),
        ("deniedAdd", &[Reports]),
        ("podSecurity", &[Reports]),
    ],
    options: || {
        vec![
            ("requiredDrop", some_of(&["NET_RAW", "CAP_MKNOD", "sys_chroot"])),
            ("requiredDrop", Just(json!(["ALL"])).boxed()),
            ("allowedAdd", some_of(&["NET_BIND_SERVICE", "cap_chown", "KILL"])),
            ("allowedAdd", one_of(&json!([["*"], ["*"], []]))),
            ("deniedAdd", some_of(&["CAP_SYS_MODULE", "sys_admin", "ALL"])),
            ("podSecurity", switch()),
        ]
    },
    ..ReferenceRule::new("capabilities", capabilities)
};

fn capabilities(request: &Request<'_>) -> Findings {
    let settings: Capabilities = options(request.settings, "capabilities");
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| settings.counts_windows() || !pod.is_windows()) {
        for container in &pod.containers {
            let own = container.context().capabilities.unwrap_or_default();
            let added = own.add.unwrap_or_default();
            for (index, name) in added.iter().enumerate() {
                if !settings.allows_adding(name) {
                    findings.add(
                        container.context_path("capabilities.add").item(index),
                        container.as_responsible(),
                    );
                }
            }
            let missing = settings.missing(&own.drop.unwrap_or_default());
            if !missing.is_empty() {
                // A fix does not drop capabilities that the container adds.
                let is_fixable = !missing.iter().any(|name| added.iter().any(|added| plain(added) == *name));
                findings.add_unset(
                    container.context_path("capabilities.drop"),
                    container.as_responsible(),
                    is_fixable,
                );
            }
        }
    }
    findings
}

/// The safe sysctls of the Pod Security Standards.
///
/// Source: `check_sysctls.go` in `k8s.io/pod-security-admission` of Kubernetes 1.37.
const SAFE: [&str; 14] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sysctls {
    allowed: Vec<String>,
    denied: Vec<String>,
    pod_security: bool,
}

/// Returns a sysctl name in dotted form. As in `sysctl(8)`, the first separator decides: in a name that is separated by
/// slashes, a dot is part of a segment, and becomes a slash in the dotted form.
fn with_dots(name: &str) -> String {
    let separator = name.chars().find(|letter| "./".contains(*letter));
    if separator != Some('/') {
        return name.to_owned();
    }
    let swapped = |letter| match letter {
        '/' => '.',
        '.' => '/',
        other => other,
    };
    name.chars().map(swapped).collect()
}

/// `sysctls`
pub(super) const SYSCTLS: ReferenceRule = ReferenceRule {
    effects: &[("allowed", &[Allows]), ("denied", &[Reports]), ("podSecurity", &[Reports])],
    options: || {
        vec![
            ("allowed", some_of(&["net.core.*", "kernel/msg*", "net/ipv4/conf/eth0.1/*", "*.swappiness"])),
            ("denied", some_of(&["net.core.bpf_*", "net/ipv4/tcp_s*", "kernel.shm"])),
            ("denied", Just(json!(["net/ipv4/tcp_*"])).boxed()),
            ("podSecurity", switch()),
        ]
    },
    ..ReferenceRule::new("sysctls", sysctls)
};

fn sysctls(request: &Request<'_>) -> Findings {
    let Sysctls { allowed, denied, pod_security } = options(request.settings, "sysctls");
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| pod_security || !pod.is_windows()) {
        let context = pod.spec.security_context.clone().unwrap_or_default();
        for (index, sysctl) in context.sysctls.unwrap_or_default().iter().enumerate() {
            let name = with_dots(&sysctl.name);
            // Pod Security Admission knows only names with dots.
            let is_safe = SAFE.contains(&if pod_security { &*sysctl.name } else { &*name });
            let is_in = |list: &[String]| list.iter().any(|pattern| matches(&with_dots(pattern), &name));
            // A name with `..` may refer to a sysctl that no pattern allows.
            let is_allowed = is_in(&allowed) && !sysctl.name.contains("..");
            if is_in(&denied) || !(is_safe || is_allowed) {
                findings.add(
                    pod.path.field("securityContext.sysctls").item(index).field("name"),
                    pod.responsible_containers(),
                );
            }
        }
    }
    findings
}
