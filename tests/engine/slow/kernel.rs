//! Rules about the powers over the kernel: capabilities and sysctls.

use serde::Deserialize;

use super::asked::Asked;
use super::found::Found;
use super::patterns::fits;
use super::settings::options;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Capabilities {
    required_drop: Vec<String>,
    allowed_add: Vec<String>,
    denied_add: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self {
            required_drop: Vec::new(),
            allowed_add: vec!["NET_BIND_SERVICE".to_owned()],
            denied_add: Vec::new(),
        }
    }
}

impl Capabilities {
    fn may_add(&self, name: &str) -> bool {
        let holds = |list: &[String], name: &str| list.iter().any(|listed| plain(listed) == name);
        let name = plain(name);
        let is_allowed = holds(&self.allowed_add, "*") || holds(&self.allowed_add, &name);
        // Who adds all of them adds those that are denied.
        let is_denied = holds(&self.denied_add, &name) || (name == "ALL" && !self.denied_add.is_empty());
        is_allowed && !is_denied
    }

    /// What must be dropped and is not.
    fn missing(&self, dropped: &[String]) -> Vec<String> {
        // In `drop`, a name with `CAP_` before it is none.
        let drops = |name: &str| dropped.iter().any(|dropped| dropped.to_uppercase() == name);
        let required = self.required_drop.iter().map(|required| plain(required));
        required.filter(|required| !drops("ALL") && !drops(required)).collect()
    }
}

/// A name in capitals, without `CAP_`. Runtimes write it in capitals as well, also letters that are not ASCII.
fn plain(name: &str) -> String {
    let name = name.to_uppercase();
    name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
}

/// `capabilities`
pub(super) fn capabilities(asked: &Asked<'_>) -> Found {
    let settings: Capabilities = options(asked.settings, "capabilities");
    let mut found = Found::default();
    for pod in asked.pods.iter().filter(|pod| !pod.is_windows()) {
        for judged in &pod.containers {
            let own = judged.context().capabilities.unwrap_or_default();
            let added = own.add.unwrap_or_default();
            for (index, name) in added.iter().enumerate() {
                if !settings.may_add(name) {
                    found.add(judged.context_path("capabilities.add").item(index), judged.holder());
                }
            }
            let missing = settings.missing(&own.drop.unwrap_or_default());
            if !missing.is_empty() {
                // A fix takes nothing away that the container adds.
                let can_be_filled =
                    !missing.iter().any(|name| added.iter().any(|added| plain(added) == *name));
                found.add_unset(judged.context_path("capabilities.drop"), judged.holder(), can_be_filled);
            }
        }
    }
    found
}

/// What the Pod Security Standards hold to be safe.
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
#[serde(default)]
struct Sysctls {
    allowed: Vec<String>,
    denied: Vec<String>,
}

/// A name with dots between its parts. As for `sysctl(8)`, the first separator says which one it is: in a name with
/// slashes, a dot belongs to a part, and is a slash in one with dots.
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
pub(super) fn sysctls(asked: &Asked<'_>) -> Found {
    let Sysctls { allowed, denied } = options(asked.settings, "sysctls");
    let mut found = Found::default();
    for pod in asked.pods.iter().filter(|pod| !pod.is_windows()) {
        let context = pod.spec.security_context.clone().unwrap_or_default();
        for (index, sysctl) in context.sysctls.unwrap_or_default().iter().enumerate() {
            let name = with_dots(&sysctl.name);
            let is_in = |list: &[String]| list.iter().any(|pattern| fits(&with_dots(pattern), &name));
            // Nothing that a pattern allows leads elsewhere.
            let is_allowed = is_in(&allowed) && !sysctl.name.contains("..");
            if is_in(&denied) || !(SAFE.contains(&&*name) || is_allowed) {
                found.add(pod.path.to("securityContext.sysctls").item(index).to("name"), pod.holders());
            }
        }
    }
    found
}
