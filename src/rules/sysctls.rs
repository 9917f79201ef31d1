//! `sysctls`: a pod changes no parameters of the kernel but those that concern nobody else.
//!
//! A finding is a name in `securityContext.sysctls` of the pod that is in `denied`, or neither in the safe set of
//! Kubernetes nor in `allowed`
//!
//! The safe set is that of the Pod Security Standards of Kubernetes 1.37. A name may be written with dots or with
//! slashes, as for sysctl(8): `net/ipv4/tcp_syncookies`. One with two dots in a row is never allowed. Windows pods may not set the field, so nothing is asked of
//! them.
//!
//! Settings:
//!
//! - `allowed`: what a pod may set besides. `*` stands for any run of characters: `net.ipv4.*`.
//! - `denied`: what no pod may set, in the safe set or not; it wins over `allowed`.

use std::borrow::Cow;

use super::{Definition, Kind, Rule};
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::settings::Severity;
use crate::settings::reader::{Options, not_empty};
use crate::settings::wildcard;
use crate::text::quoted;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "sysctls", mode: Some(Severity::Deny), can_fix: false, kind: Kind::Sysctls };

/// What affects the pod alone.
///
/// Source: `policy/check_sysctls.go` in `k8s.io/pod-security-admission`, for Kubernetes 1.37.
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

pub(crate) struct Sysctls<'s> {
    allowed: Vec<Cow<'s, str>>,
    denied: Vec<Cow<'s, str>>,
}

impl<'s> Sysctls<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let mut dotted = |key| -> Vec<_> {
            options.strings(key, &[], not_empty).iter().map(|&name| with_dots(name)).collect()
        };
        let (allowed, denied) = (dotted("allowed"), dotted("denied"));
        for pattern in &allowed {
            // A star is a character like any other here, which only another star matches.
            if matches_any(&denied, pattern) {
                let reason = format!("{} can never be allowed: denied has it too", quoted(pattern));
                options.refuse("allowed", &reason);
            }
        }
        Self { allowed, denied }
    }

    fn allows(&self, name: &str) -> bool {
        // Where one climbs out of its directory, API servers refuse it, and so does this: no pattern means that.
        if name.as_bytes().windows(2).any(|pair| pair == b"..") {
            return false;
        }
        let name = with_dots(name);
        (SAFE.contains(&&*name) || matches_any(&self.allowed, &name)) && !matches_any(&self.denied, &name)
    }
}

impl Rule for Sysctls<'_> {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        for (index, sysctl) in pod.spec.security_context.sysctls.iter().enumerate() {
            let name = &sysctl.name;
            if !self.allows(name) {
                let field = of_item("securityContext.sysctls", index, "name");
                Finding::of_pod(found, pod, &field, name, format!("must not set {}", quoted(name)));
            }
        }
    }
}

fn matches_any(patterns: &[Cow<'_, str>], name: &str) -> bool {
    patterns.iter().any(|pattern| wildcard::matches(pattern, name))
}

/// The name with dots where it is written with slashes, in which case its dots mean slashes: the first one decides.
///
/// Source: `NormalizeName` in `k8s.io/component-helpers/node/util/sysctl`.
fn with_dots(name: &str) -> Cow<'_, str> {
    match name.bytes().find(|byte| matches!(byte, b'.' | b'/')) {
        Some(b'/') => name
            .chars()
            .map(|character| match character {
                '/' => '.',
                '.' => '/',
                other => other,
            })
            .collect(),
        _ => name.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    /// The names among these that are not accepted.
    fn refused(settings: &Value, names: &[&str]) -> Vec<String> {
        let sysctls: Vec<_> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        let lines = check(&RULE, settings, &json!({"securityContext": {"sysctls": sysctls}}));
        let name = |line: &String| {
            let (_, behind) = line.split_once(": the pod must not set \"").unwrap();
            behind.strip_suffix("\" [sysctls]").unwrap().to_owned()
        };
        lines.iter().map(name).collect()
    }

    #[test]
    fn accepts_the_safe_set() {
        assert!(SAFE.is_sorted());
        assert_eq!(refused(&json!({}), &SAFE), [""; 0]);
        assert_eq!(
            refused(&json!({}), &["vm.swappiness", "kernel.shm_rmid_forced_", "net.ipv4.tcp_wmem", ""]),
            ["vm.swappiness", "kernel.shm_rmid_forced_", ""]
        );
    }

    #[test]
    fn says_where_the_name_stands() {
        let sysctls = json!([{"name": "net.ipv4.tcp_rmem"}, {"name": "kernel.msgmax"}]);
        assert_eq!(
            check(&RULE, &json!({}), &json!({"securityContext": {"sysctls": sysctls}})),
            ["spec.securityContext.sysctls[1].name: the pod must not set \"kernel.msgmax\" [sysctls]"]
        );
    }

    #[test]
    fn names_may_be_written_with_slashes() {
        assert_eq!(refused(&json!({}), &["net/ipv4/tcp_syncookies"]), [""; 0]);
        assert_eq!(refused(&json!({}), &["net.ipv4/tcp_syncookies", "vm/swappiness"]).len(), 2);
        let settings = json!({"allowed": ["net/ipv4/conf/eth0.100/*"], "denied": ["net/ipv4/tcp_rmem"]});
        assert_eq!(
            refused(
                &settings,
                &["net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/x", "net.ipv4.tcp_rmem"]
            ),
            ["net.ipv4.tcp_rmem"]
        );
    }

    #[test]
    fn denied_wins() {
        let settings =
            json!({"allowed": ["kernel.msg*", "net.*"], "denied": ["net.ipv4.*", "kernel.msgmni"]});
        assert_eq!(
            refused(
                &settings,
                &["kernel.msgmax", "kernel.msgmni", "net.core.somaxconn", "net.ipv4.tcp_rmem"]
            ),
            ["kernel.msgmni", "net.ipv4.tcp_rmem"]
        );
        assert_eq!(refused(&json!({"denied": ["*"]}), &SAFE).len(), SAFE.len());
    }

    #[test]
    fn asks_nothing_of_windows() {
        let pod =
            json!({"os": {"name": "windows"}, "securityContext": {"sysctls": [{"name": "vm.swappiness"}]}});
        assert_eq!(check(&RULE, &json!({}), &pod), [""; 0]);
    }

    #[test]
    fn refuses_what_can_never_match() {
        let settings = json!({"allowed": ["", "net.*", "kernel.msgmax", "vm/*"], "denied": ["kernel.*", "net.*", "vm.*"]});
        assert_eq!(
            errors(&RULE, &settings),
            [
                "sysctls.allowed[0]: must not be empty",
                r#"sysctls.allowed: "net.*" can never be allowed: denied has it too"#,
                r#"sysctls.allowed: "kernel.msgmax" can never be allowed: denied has it too"#,
                r#"sysctls.allowed: "vm.*" can never be allowed: denied has it too"#,
            ]
        );
    }
}
