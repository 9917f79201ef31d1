//! The items of public standards, and which options cover them.
//!
//! `src/rules/controls.rs` names the rules for each item, and the versions and sources of the standards. Titles are abridged.

use serde_json::Value;

/// An item of a standard.
pub(super) struct Item {
    /// The number or name of the item.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The options that the item needs, in addition to rules that deny.
    pub(super) requirements: &'static [Requirement],
    /// The reason why rules cannot cover the item.
    pub(super) not_covered: Option<&'static str>,
}

/// An option without which a rule covers only a part of an item.
pub(super) struct Requirement {
    /// The name of the rule in settings.
    pub(super) rule: &'static str,
    pub(super) key: &'static str,
    /// Whether a value of the option covers the item.
    pub(super) is_met: fn(&Value) -> bool,
    /// What the rule does not deny otherwise.
    pub(super) gap: &'static str,
}

impl Item {
    const fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, requirements: &[], not_covered: None }
    }

    const fn with(id: &'static str, title: &'static str, requirements: &'static [Requirement]) -> Self {
        Self { requirements, ..Self::new(id, title) }
    }

    const fn not_covered(id: &'static str, title: &'static str, reason: &'static str) -> Self {
        Self { not_covered: Some(reason), ..Self::new(id, title) }
    }
}

/// Sections 5.2 and 5.6 of the CIS Kubernetes Benchmark.
pub(super) const CIS: [Item; 16] = [
    Item::not_covered(
        "5.2.1",
        "An active policy control mechanism",
        "the policy is one, but cannot check that it is registered for every namespace",
    ),
    Item::new("5.2.2", "Privileged containers"),
    Item::new("5.2.3", "Host process ID namespace"),
    Item::new("5.2.4", "Host IPC namespace"),
    Item::new("5.2.5", "Host network namespace"),
    Item::new("5.2.6", "`allowPrivilegeEscalation`"),
    Item::new("5.2.7", "Root containers"),
    Item::with("5.2.8", "The capability `NET_RAW`", &[DROPS_NET_RAW]),
    Item::with("5.2.9", "Containers with capabilities", &[DROPS_ALL]),
    Item::new("5.2.10", "Windows HostProcess containers"),
    Item::with("5.2.11", "HostPath volumes", &[NO_HOST_PATHS]),
    Item::with("5.2.12", "HostPorts", &[NO_HOST_PORTS]),
    Item::not_covered(
        "5.6.1",
        "Namespaces as administrative boundaries",
        "administrators decide about namespaces",
    ),
    Item::with("5.6.2", "The seccomp profile of the runtime", &[SECCOMP_SET, SECCOMP_DEFAULT]),
    Item::new("5.6.3", "Security contexts of pods and containers"),
    Item::not_covered(
        "5.6.4",
        "The default namespace is not used",
        "rules do not read the namespace of an object",
    ),
];

/// The Pod Security Standards, level Baseline.
pub(super) const BASELINE: [Item; 12] = [
    Item::new("HostProcess", "Windows pods do not access their node"),
    Item::new("Host Namespaces", "No network, PID or IPC namespace of the node"),
    Item::new("Privileged Containers", "No privileged containers"),
    Item::with("Capabilities", "No capabilities beyond a list of 13", &[ADDS_BASELINE]),
    Item::with("HostPath Volumes", "No `hostPath` volumes", &[NO_HOST_PATHS]),
    Item::with("Host Ports", "No host ports", &[NO_HOST_PORTS]),
    Item::new("Host Probes / Lifecycle Hooks", "No `host` in probes and lifecycle hooks"),
    Item::new("AppArmor", "No profile `Unconfined`"),
    Item::new("SELinux", "Only container types, no user or role"),
    Item::new("/proc Mount Type", "The default `/proc` masks, except in user namespaces"),
    Item::new("Seccomp", "No profile `Unconfined`"),
    Item::with("Sysctls", "Only safe sysctls", &[NO_SYSCTLS]),
];

/// The Pod Security Standards, what level Restricted requires in addition to Baseline.
pub(super) const RESTRICTED: [Item; 7] = [
    Item::new("Volume Types", "Only volume types on a list"),
    Item::new("Privilege Escalation", "`allowPrivilegeEscalation: false`"),
    Item::with("Running as Non-root", "`runAsNonRoot: true`", &[NON_ROOT_FIELD]),
    Item::new("Running as Non-root user", "No `runAsUser: 0`"),
    Item::with("Seccomp", "A profile other than `Unconfined` is set", &[SECCOMP_SET]),
    Item::with("Capabilities", "`ALL` is dropped, only `NET_BIND_SERVICE` is added", &[DROPS_ALL, ADDS_ONE]),
    Item::with("/proc Mount Type", "The default `/proc` masks", &[PROC_MASKED]),
];

const DROPS_NET_RAW: Requirement = Requirement {
    rule: "capabilities",
    key: "requiredDrop",
    is_met: |value| contains(value, "NET_RAW") || contains(value, "ALL"),
    gap: "containers need not drop it (`requiredDrop`)",
};

const DROPS_ALL: Requirement = Requirement {
    rule: "capabilities",
    key: "requiredDrop",
    is_met: |value| contains(value, "ALL"),
    gap: "containers need not drop `ALL` (`requiredDrop`)",
};

const ADDS_ONE: Requirement = Requirement {
    rule: "capabilities",
    key: "allowedAdd",
    is_met: |value| only_contains(value, &["NET_BIND_SERVICE"]),
    gap: "containers can add more (`allowedAdd`)",
};

const ADDS_BASELINE: Requirement = Requirement {
    rule: "capabilities",
    key: "allowedAdd",
    is_met: |value| only_contains(value, &BASELINE_CAPABILITIES),
    gap: "containers can add more (`allowedAdd`)",
};

/// Source: `check_capabilities_baseline.go` of `k8s.io/pod-security-admission`.
const BASELINE_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const NO_HOST_PATHS: Requirement = Requirement {
    rule: "hostPathVolumes",
    key: "allowed",
    is_met: is_empty,
    gap: "some paths are allowed (`allowed`)",
};

const NO_HOST_PORTS: Requirement = Requirement {
    rule: "hostPorts",
    key: "allowed",
    is_met: is_empty,
    gap: "some ports are allowed (`allowed`)",
};

const NO_SYSCTLS: Requirement = Requirement {
    rule: "sysctls",
    key: "allowed",
    is_met: is_empty,
    gap: "unsafe sysctls are allowed (`allowed`)",
};

const NON_ROOT_FIELD: Requirement = Requirement {
    rule: "runAsNonRoot",
    key: "require",
    is_met: |value| value == "field",
    gap: "a `runAsUser` other than 0 is sufficient",
};

const PROC_MASKED: Requirement = Requirement {
    rule: "procMount",
    key: "allowInUserNamespace",
    is_met: |value| value != true,
    gap: "`Unmasked` is allowed in user namespaces (`allowInUserNamespace`)",
};

const SECCOMP_SET: Requirement = Requirement {
    rule: "seccompProfile",
    key: "allowUnset",
    is_met: |value| value != true,
    gap: "the profile can be unset (`allowUnset`)",
};

const SECCOMP_DEFAULT: Requirement = Requirement {
    rule: "seccompProfile",
    key: "allowed",
    is_met: |value| only_contains(value, &["RuntimeDefault"]),
    gap: "`Localhost` profiles are allowed (`allowed`)",
};

fn contains(list: &Value, item: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|value| value == item))
}

fn only_contains(list: &Value, items: &[&str]) -> bool {
    let is_item = |value: &Value| value.as_str().is_some_and(|text| items.contains(&text));
    list.as_array().is_none_or(|list| list.iter().all(is_item))
}

fn is_empty(list: &Value) -> bool {
    only_contains(list, &[])
}

/// The sections of "Kubernetes Pod security" in the Kubernetes Hardening Guidance.
#[cfg(test)]
pub(super) const NSA_CISA: [&str; 6] = [
    "\"Non-root\" containers and \"rootless\" container engines",
    "Immutable container file systems",
    "Building secure container images",
    "Pod security enforcement",
    "Protecting Pod service account tokens",
    "Hardening container environments",
];

/// Controls of Kubescape.
pub(super) const KUBESCAPE: [(&str, &str); 20] = [
    ("C-0002", "Prevent containers from allowing command execution"),
    ("C-0013", "Non-root containers"),
    ("C-0016", "Allow privilege escalation"),
    ("C-0017", "Immutable container filesystem"),
    ("C-0038", "Host PID/IPC privileges"),
    ("C-0041", "HostNetwork access"),
    ("C-0044", "Container hostPort"),
    ("C-0045", "Writable hostPath mount"),
    ("C-0046", "Insecure capabilities"),
    ("C-0048", "HostPath mount"),
    ("C-0055", "Linux hardening"),
    ("C-0057", "Privileged container"),
    ("C-0074", "Container runtime socket mounted"),
    ("C-0075", "Image pull policy on latest tag"),
    ("C-0078", "Images from allowed registry"),
    ("C-0210", "Ensure that the seccomp profile is set to docker/default in your pod definitions"),
    ("C-0211", "Apply Security Context to Your Pods and Containers"),
    ("C-0275", "Minimize the admission of containers wishing to share the host process ID namespace"),
    ("C-0276", "Minimize the admission of containers wishing to share the host IPC namespace"),
    ("C-0306", "Images not pinned to digest"),
];

/// Techniques of MITRE ATT&CK.
pub(super) const ATTACK: [(&str, &str); 10] = [
    ("T1046", "Network Service Discovery"),
    ("T1068", "Exploitation for Privilege Escalation"),
    ("T1204.003", "Malicious Image"),
    ("T1525", "Implant Internal Image"),
    ("T1548.001", "Setuid and Setgid"),
    ("T1574.006", "Dynamic Linker Hijacking"),
    ("T1574.007", "Path Interception by PATH Environment Variable"),
    ("T1609", "Container Administration Command"),
    ("T1610", "Deploy Container"),
    ("T1611", "Escape to Host"),
];
