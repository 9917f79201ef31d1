//! `sysctls`: pods change no kernel parameters that affect other pods.

use std::borrow::Cow;

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::field_path::of_item;
use crate::settings::declaration::{Declared, Flag, NOT_EMPTY, Setting, Texts};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::settings::wildcard;
use crate::text::quoted;

const ALLOWED: Setting<Texts> = Setting {
    key: "allowed",
    label: "Allowed sysctls",
    doc: "Sysctls that pods can set besides the safe ones. `*` matches any characters: `net.ipv4.*`.",
    kind: Texts { format: &NOT_EMPTY, default: &[], may_be_empty: true },
};

const DENIED: Setting<Texts> = Setting {
    key: "denied",
    label: "Denied sysctls",
    doc: "Sysctls that pods cannot set, even safe ones. It overrides `allowed`.",
    kind: Texts { format: &NOT_EMPTY, default: &[], may_be_empty: true },
};

const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Compares names with the safe ones as they are written, and counts those of Windows pods too, as Pod Security Admission does.",
    kind: Flag,
};

/// The sysctls that affect the pod alone.
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
    judges_every_value: bool,
}

impl Sysctls<'_> {
    fn allows(&self, name: &str) -> bool {
        // API servers reject a name that climbs out of its directory, whatever a pattern says.
        if name.as_bytes().windows(2).any(|pair| pair == b"..") {
            return false;
        }
        let dotted = with_dots(name);
        let is_safe = SAFE.contains(&if self.judges_every_value { name } else { &*dotted });
        (is_safe || matches_any(&self.allowed, &dotted)) && !matches_any(&self.denied, &dotted)
    }
}

impl<'s> Rule<'s> for Sysctls<'s> {
    const META: RuleMeta =
        RuleMeta { id: "sysctls", severity: Severity::Medium, default_mode: Mode::Deny, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Pods set only sysctls that do not affect other pods.",
        finding: "an entry of the pod's `securityContext.sysctls` that `denied` contains, or that is neither safe nor in `allowed`",
        fix: None,
        why: "\
Some sysctls change the kernel for every pod of the node.",
        how: Some(
            "\
The safe sysctls are those of the Pod Security Standards of Kubernetes 1.37. Names can be written with dots or with slashes, as in
sysctl(8): `net/ipv4/tcp_syncookies`. A name with two consecutive dots is always denied. Windows pods are skipped because they cannot
set this field.",
        ),
        limits: None,
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED, &DENIED, &POD_SECURITY];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let mut dotted = |setting: &'static Setting<Texts>| -> Vec<_> {
            reader.get(setting).iter().map(|&name| with_dots(name)).collect()
        };
        let (allowed, denied) = (dotted(&ALLOWED), dotted(&DENIED));
        for pattern in &allowed {
            // Here a star is a character like any other, which only another star matches.
            if matches_any(&denied, pattern) {
                let reason = format!("{} can never be allowed: denied has it too", quoted(pattern));
                reader.refuse(ALLOWED.key, reason);
            }
        }
        Self { allowed, denied, judges_every_value: reader.get(&POD_SECURITY) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let pod = if self.judges_every_value { target.pod() } else { target.linux_pod() };
        let Some(pod) = pod else { return };
        for (index, sysctl) in pod.spec.security_context.sysctls.iter().enumerate() {
            let name = &*sysctl.name;
            if !self.allows(name) {
                let field = of_item("securityContext.sysctls", index, "name");
                let finding = findings.at_pod(pod, &field);
                finding.message(format!("must not set {}", quoted(name)));
                // Another value is another finding.
                finding.value(format!("{name}={}", &*sysctl.value));
            }
        }
    }
}

fn matches_any(patterns: &[Cow<'_, str>], name: &str) -> bool {
    patterns.iter().any(|pattern| wildcard::matches(pattern, name))
}

/// The name with dots instead of slashes, and slashes instead of dots, if its first separator is a slash.
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

    use super::super::RuleId;
    use super::super::testing::{check, errors};
    use super::*;

    /// The names among these that are not accepted.
    fn refused(settings: &Value, names: &[&str]) -> Vec<String> {
        let sysctls: Vec<_> = names.iter().map(|name| json!({"name": name, "value": "1"})).collect();
        let lines = check(RuleId::Sysctls, settings, &json!({"securityContext": {"sysctls": sysctls}}));
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
            check(RuleId::Sysctls, &json!({}), &json!({"securityContext": {"sysctls": sysctls}})),
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
    fn another_form_does_not_evade_a_pattern() {
        let settings = json!({"podSecurity": true, "allowed": ["*"], "denied": ["net.ipv4.tcp_*"]});
        assert_eq!(refused(&settings, &["net/ipv4/tcp_rmem", "vm/swappiness"]), ["net/ipv4/tcp_rmem"]);
    }

    #[test]
    fn asks_nothing_of_windows() {
        let pod =
            json!({"os": {"name": "windows"}, "securityContext": {"sysctls": [{"name": "vm.swappiness"}]}});
        assert_eq!(check(RuleId::Sysctls, &json!({}), &pod), [""; 0]);
    }

    #[test]
    fn refuses_what_can_never_match() {
        let settings = json!({"allowed": ["", "net.*", "kernel.msgmax", "vm/*"], "denied": ["kernel.*", "net.*", "vm.*"]});
        assert_eq!(
            errors(RuleId::Sysctls, &settings),
            [
                "sysctls.allowed[0]: must not be empty",
                r#"sysctls.allowed: "net.*" can never be allowed: denied has it too"#,
                r#"sysctls.allowed: "kernel.msgmax" can never be allowed: denied has it too"#,
                r#"sysctls.allowed: "vm.*" can never be allowed: denied has it too"#,
            ]
        );
    }
}
