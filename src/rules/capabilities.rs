//! `capabilities`: containers have no capabilities beyond those that the settings allow.

use std::borrow::Cow;

use super::finding::{Findings, list};
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::Capabilities as ContainerCapabilities;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::Pod;
use crate::rules::fix::Fix;
use crate::settings::declaration::{Choices, Declared, Flag, Format, Setting, Texts};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::settings::suggestion::suggestion;
use crate::text::quoted;
use json_view::Text;

const REQUIRED_DROP: Setting<Texts> = Setting {
    key: "requiredDrop",
    label: "Capabilities that must be dropped",
    doc: "Capabilities that every container must drop and no container can add; `ALL` is the safest, and leaves adding to \
          `allowedAdd`.",
    kind: Texts { format: &DROPPABLE, default: &[], may_be_empty: true },
};

const ALLOWED_ADD: Setting<Texts> = Setting {
    key: "allowedAdd",
    label: "Capabilities that can be added",
    doc: "Capabilities that containers can add; `\"*\"` allows all that are not in `deniedAdd`.",
    kind: Texts { format: &ADDABLE, default: &["NET_BIND_SERVICE"], may_be_empty: true },
};

const DENIED_ADD: Setting<Texts> = Setting {
    key: "deniedAdd",
    label: "Capabilities that cannot be added",
    doc: "Capabilities that no container can add. It is useful together with `allowedAdd: [\"*\"]`. `ALL` denies only the name \
          `ALL`.",
    kind: Texts { format: &DROPPABLE, default: &[], may_be_empty: true },
};

const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Compares the names in `drop` as they are written, and counts those of Windows pods if `requiredDrop` is empty, as Pod Security \
          Admission does.",
    kind: Flag,
};

const DROPPABLE: Format =
    Format { check: |name| check(name, &[ALL]), demands: &[], choices: Some(|| choices(&[ALL])) };

const ADDABLE: Format =
    Format { check: |name| check(name, &[ALL, ANY]), demands: &[], choices: Some(|| choices(&[ALL, ANY])) };

const DROP: &str = "securityContext.capabilities.drop";

/// Maximum length of a name, in bytes.
const MAX_NAME_LENGTH: usize = 64;

/// All capabilities.
const ALL: &str = "ALL";

/// In `allowedAdd`: any capability.
const ANY: &str = "*";

/// The capabilities of Linux, without `CAP_`.
///
/// Source: capabilities(7) of man-pages 6.9. The newest, `CHECKPOINT_RESTORE`, is from Linux 5.9.
const KNOWN: [&str; 41] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

pub(crate) struct Capabilities<'s> {
    required_drop: Cow<'s, [&'s str]>,
    allowed_add: Cow<'s, [&'s str]>,
    denied_add: Cow<'s, [&'s str]>,
    judges_every_value: bool,
}

impl<'s> Capabilities<'s> {
    fn allows(&self, name: &str) -> bool {
        let allows_any = self.allowed_add.iter().any(|allowed| *allowed == ANY || is_same(allowed, ALL));
        if is_same(name, ALL) {
            return allows_any && self.denied_add.is_empty();
        }
        (allows_any || contains(&self.allowed_add, name)) && !contains(&self.denied_add, name)
    }

    /// What is wrong with an added capability, if anything.
    fn violation(&self, name: &str) -> Option<String> {
        if !is_name(bare(name)) || !self.allows(name) {
            return Some(format!("must not add {}", quoted(name)));
        }
        if let Some(required) = self.required_drop_of(name) {
            let required = bare(required).to_ascii_uppercase();
            return Some(format!("must not add {}: requiredDrop contains {required}", quoted(name)));
        }
        let canonical = bare(name).to_ascii_uppercase();
        (name != canonical).then(|| format!("must write {} as {canonical}", quoted(name)))
    }

    /// The first entry of `requiredDrop` that adding a capability contradicts. To drop `ALL` and to add an allowed capability is the
    /// pattern of the restricted Pod Security Standard.
    fn required_drop_of(&self, name: &str) -> Option<&'s str> {
        let is_added =
            |required: &&&str| !is_same(required, ALL) && (is_same(name, required) || is_same(name, ALL));
        self.required_drop.iter().find(is_added).copied()
    }

    /// The capabilities that must be dropped and are not.
    fn missing(&self, capabilities: &ContainerCapabilities<'_>) -> Vec<&'s str> {
        if self.drops(&capabilities.drop, ALL) {
            return Vec::new();
        }
        self.required_drop.iter().filter(|name| !self.drops(&capabilities.drop, name)).copied().collect()
    }

    /// Whether every runtime drops a capability, with or without `CAP_` in the settings.
    fn drops(&self, names: &[Text<'_>], name: &str) -> bool {
        let name = bare(name);
        names.iter().any(|other| {
            // Only Pod Security Admission distinguishes upper case, and the settings can name it in any case.
            let is_canonical = !other.bytes().any(|byte| byte.is_ascii_lowercase());
            other.eq_ignore_ascii_case(name) && (is_canonical || !self.judges_every_value)
        })
    }

    /// Whether the rule skips a Windows pod, which has no capabilities. Pod Security Admission skips it only where it requires `drop`.
    ///
    /// Source: `policy/check_capabilities_{baseline,restricted}.go` in `k8s.io/pod-security-admission`, for Kubernetes 1.37.
    fn skips(&self, pod: &Pod<'_>) -> bool {
        pod.is_windows() && !(self.judges_every_value && self.required_drop.is_empty())
    }
}

impl<'s> Rule<'s> for Capabilities<'s> {
    const META: RuleMeta =
        RuleMeta { id: "capabilities", severity: Severity::High, default_mode: Mode::Deny, can_fix: true };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers have no capabilities beyond those that the settings allow.",
        finding: "an entry of `securityContext.capabilities.add` that is not in `allowedAdd`, that is in `deniedAdd` or `requiredDrop`, or \
                  that is not written as Kubernetes writes it; a `drop` without an entry of `requiredDrop`",
        fix: Some("appends the missing entries of `requiredDrop` to `drop`, unless the container adds one of them"),
        why: "\
Capabilities give a container power over its node.",
        how: Some(
            "\
Names are compared case-insensitively, and without `CAP_` in `add` and in the settings. In `add`, only upper case names without `CAP_` are
accepted, because runtimes and Pod Security Admission disagree on other spellings. A container can drop `ALL` and add a capability that
`allowedAdd` contains, but not one that `requiredDrop` names. In `drop`, a name must not begin with `CAP_`: containerd puts `CAP_` before
every name, so `CAP_NET_RAW` drops nothing. Adding `ALL` adds every capability, and dropping `ALL` drops every capability. Windows pods are
skipped because they have no capabilities.",
        ),
        limits: None,
    };

    const SETTINGS: &'static [&'static dyn Declared] =
        &[&REQUIRED_DROP, &ALLOWED_ADD, &DENIED_ADD, &POD_SECURITY];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let required_drop = reader.get(&REQUIRED_DROP);
        let allowed_add = reader.get(&ALLOWED_ADD);
        let denied_add = reader.get(&DENIED_ADD);
        let judges_every_value = reader.get(&POD_SECURITY);
        let rule = Self { required_drop, allowed_add, denied_add, judges_every_value };
        for name in rule.allowed_add.iter() {
            let list = if contains(&rule.denied_add, name) {
                DENIED_ADD.key
            } else if !is_same(name, ALL) && contains(&rule.required_drop, name) {
                REQUIRED_DROP.key
            } else {
                continue;
            };
            let reason = format!("{} can never be added: {list} has it too", quoted(name));
            reader.refuse(ALLOWED_ADD.key, reason);
        }
        rule
    }

    fn missing_fix_option(&self) -> Option<&'static str> {
        self.required_drop.is_empty().then_some(REQUIRED_DROP.key)
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod().filter(|pod| !self.skips(pod)) else { return };
        for container in pod.all_containers() {
            let capabilities = &container.container.security_context.capabilities;
            for (index, name) in capabilities.add.iter().enumerate() {
                if let Some(message) = self.violation(name) {
                    let field = of_item("securityContext.capabilities.add", index, "");
                    findings.at(container, &field).message(message).value(&**name);
                }
            }
            let missing = self.missing(capabilities);
            if missing.is_empty() {
                continue;
            }
            let finding = findings.at(container, DROP);
            finding.message(format!("must drop {}", missing.join(", "))).value(list(&capabilities.drop));
            // A fix never takes away what a pod author adds.
            if !missing.iter().any(|name| has(&capabilities.add, name)) {
                finding.fix(Fix::append(container, DROP, canonical(&missing)));
            }
        }
    }
}

/// Whether a name without `CAP_` can be the name of a capability. Runtimes convert some letters that are not ASCII to upper case ASCII
/// letters, and so to other names.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME_LENGTH
        && !name.is_empty()
        && bare(name) == name
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The name without `CAP_`, in the case in which it is written.
fn bare(name: &str) -> &str {
    match name.split_at_checked(4) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("CAP_") => rest,
        _ => name,
    }
}

/// The names as container runtimes expect them, each once: runtimes put `CAP_` before every name.
fn canonical(names: &[&str]) -> Vec<String> {
    let mut canonical = Vec::with_capacity(names.len());
    for name in names {
        let name = bare(name).to_ascii_uppercase();
        if !canonical.contains(&name) {
            canonical.push(name);
        }
    }
    canonical
}

fn is_same(one: &str, other: &str) -> bool {
    bare(one).eq_ignore_ascii_case(bare(other))
}

fn has(names: &[Text<'_>], name: &str) -> bool {
    names.iter().any(|other| is_same(other, name))
}

fn contains(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| is_same(other, name))
}

fn check(name: &str, others: &[&'static str]) -> Result<(), String> {
    if contains(&KNOWN, name) || contains(others, name) {
        return Ok(());
    }
    let words = choices(others).words;
    Err(format!("{} is not a capability{}", quoted(name), suggestion(bare(name), &words)))
}

fn choices(others: &[&'static str]) -> Choices {
    Choices { words: [others, &KNOWN].concat(), other_spellings: Some("^CAP_|[a-z]") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::{check, errors};
    use super::*;

    fn findings(settings: &Value, capabilities: &Value) -> Vec<String> {
        let pod = json!({"containers": [{"name": "a", "securityContext": {"capabilities": capabilities}}]});
        check(RuleId::Capabilities, settings, &pod)
    }

    fn added(index: usize, name: &str) -> String {
        format!(
            "spec.containers[0].securityContext.capabilities.add[{index}]: \
             container \"a\" must not add \"{name}\" [capabilities]"
        )
    }

    fn written(index: usize, name: &str, canonical: &str) -> String {
        format!(
            "spec.containers[0].securityContext.capabilities.add[{index}]: \
             container \"a\" must write \"{name}\" as {canonical} [capabilities]"
        )
    }

    fn undropped(names: &str) -> String {
        format!(
            "spec.containers[0].securityContext.capabilities.drop: container \"a\" must drop {names} [capabilities]"
        )
    }

    #[test]
    fn allows_what_the_settings_allow() {
        let add = json!({"add": ["NET_BIND_SERVICE", "cap_net_bind_service", "SYS_ADMIN", "CHOWN", ""]});
        assert_eq!(
            findings(&json!({}), &add),
            [
                written(1, "cap_net_bind_service", "NET_BIND_SERVICE"),
                added(2, "SYS_ADMIN"),
                added(3, "CHOWN"),
                added(4, "")
            ]
        );
        assert_eq!(findings(&json!({"allowedAdd": []}), &add).len(), 5);
        let settings = json!({"allowedAdd": ["CAP_SYS_ADMIN", "chown"]});
        assert_eq!(
            findings(&settings, &add),
            [added(0, "NET_BIND_SERVICE"), added(1, "cap_net_bind_service"), added(4, "")]
        );
    }

    #[test]
    fn a_star_allows_all_that_is_not_denied() {
        let add = json!({"add": ["SYS_ADMIN", "FROM_THE_FUTURE", "SYS_MODULE"]});
        for any in ["*", "ALL", "all"] {
            assert_eq!(findings(&json!({"allowedAdd": [any]}), &add), [""; 0]);
            let settings = json!({"allowedAdd": [any], "deniedAdd": ["SYS_MODULE"]});
            assert_eq!(findings(&settings, &add), [added(2, "SYS_MODULE")]);
        }
    }

    #[test]
    fn all_is_everything() {
        let add = json!({"add": ["ALL"]});
        assert_eq!(findings(&json!({}), &add), [added(0, "ALL")]);
        assert_eq!(findings(&json!({"allowedAdd": ["*"]}), &add), [""; 0]);
        let settings = json!({"allowedAdd": ["*"], "deniedAdd": ["SYS_ADMIN"]});
        assert_eq!(findings(&settings, &json!({"add": ["cap_all"]})), [added(0, "cap_all")]);
    }

    #[test]
    fn wants_to_be_dropped_what_must_be() {
        let settings = json!({"requiredDrop": ["NET_RAW", "CAP_MKNOD"]});
        assert_eq!(findings(&settings, &json!({})), [undropped("NET_RAW, CAP_MKNOD")]);
        assert_eq!(findings(&settings, &json!({"drop": ["net_raw"]})), [undropped("CAP_MKNOD")]);
        // To containerd these are CAP_CAP_NET_RAW and CAP_CAP_ALL.
        assert_eq!(findings(&settings, &json!({"drop": ["cap_net_raw"]})), [undropped("NET_RAW, CAP_MKNOD")]);
        assert_eq!(findings(&settings, &json!({"drop": ["CAP_ALL"]})), [undropped("NET_RAW, CAP_MKNOD")]);
        for drop in [json!(["NET_RAW", "MKNOD"]), json!(["ALL"]), json!(["all"])] {
            assert_eq!(findings(&settings, &json!({"drop": drop})), [""; 0], "{drop}");
        }
        let all = json!({"requiredDrop": ["ALL"]});
        assert_eq!(findings(&all, &json!({"drop": KNOWN.to_vec()})), [undropped("ALL")]);
        assert_eq!(findings(&all, &json!({"drop": ["ALL"]})), [""; 0]);
    }

    #[test]
    fn sees_every_kind_of_container_but_those_of_windows() {
        let bad = |name: &str| json!({"name": name, "securityContext": {"capabilities": {"add": ["BPF"]}}});
        let mut pod = json!({
            "initContainers": [bad("a")], "containers": [bad("b")], "ephemeralContainers": [bad("c")],
        });
        assert_eq!(check(RuleId::Capabilities, &json!({}), &pod).len(), 3);
        pod["os"] = json!({"name": "windows"});
        assert_eq!(check(RuleId::Capabilities, &json!({"requiredDrop": ["ALL"]}), &pod), [""; 0]);
    }

    #[test]
    fn a_capability_that_must_be_dropped_cannot_be_allowed() {
        assert_eq!(
            errors(
                RuleId::Capabilities,
                &json!({"allowedAdd": ["CAP_NET_RAW"], "requiredDrop": ["net_raw"]})
            ),
            [r#"capabilities.allowedAdd: "CAP_NET_RAW" can never be added: requiredDrop has it too"#]
        );
        for settings in [
            json!({"allowedAdd": ["CHOWN"], "requiredDrop": ["ALL"]}),
            json!({"allowedAdd": ["ALL"], "requiredDrop": ["ALL"]}),
            json!({"allowedAdd": ["*"], "requiredDrop": ["NET_RAW"]}),
        ] {
            assert_eq!(errors(RuleId::Capabilities, &settings), [""; 0], "{settings}");
        }
    }

    #[test]
    fn refuses_names_that_are_none() {
        let settings = json!({
            "requiredDrop": ["NETRAW", "cap_all", "*"],
            "allowedAdd": ["NET_BIND", "CHOWN", "cap_chown"],
            "deniedAdd": ["ALL", "Chown", "*"],
        });
        let known = KNOWN.join(", ");
        let errors: Vec<_> =
            errors(RuleId::Capabilities, &settings).iter().map(|error| error.replace(&known, "…")).collect();
        assert_eq!(
            errors,
            [
                r#"capabilities.requiredDrop[0]: "NETRAW" is not a capability, did you mean "NET_RAW"?"#,
                r#"capabilities.requiredDrop[2]: "*" is not a capability (allowed: ALL, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE, CHOWN and 34 more)"#,
                r#"capabilities.allowedAdd[0]: "NET_BIND" is not a capability (allowed: ALL, *, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE and 35 more)"#,
                r#"capabilities.deniedAdd[2]: "*" is not a capability (allowed: ALL, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE, CHOWN and 34 more)"#,
                r#"capabilities.allowedAdd: "CHOWN" can never be added: deniedAdd has it too"#,
                r#"capabilities.allowedAdd: "cap_chown" can never be added: deniedAdd has it too"#,
            ]
        );
    }
}
