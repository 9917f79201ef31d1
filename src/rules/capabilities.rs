//! `capabilities`: a container has no powers over its node beyond those that the settings name.
//!
//! A finding is a capability in `securityContext.capabilities.add` that is not in `allowedAdd`, or in `deniedAdd`; a
//! `drop` that lacks one of `requiredDrop`
//!
//! A fix appends to `drop` what it lacks of `requiredDrop`, unless the container adds that
//!
//! Names are compared in any case, and without `CAP_` in `add` and in the settings. In `drop` a name must not have it:
//! containerd puts one before every name, so that `CAP_NET_RAW` drops nothing. Adding `ALL` adds everything, and dropping
//! `ALL` drops everything. Windows pods have no capabilities, so nothing is asked of them.
//!
//! Settings:
//!
//! - `requiredDrop`: what every container must drop; `ALL` is the safest.
//! - `allowedAdd`: what a container may add; `"*"` for anything that is not in `deniedAdd`.
//! - `deniedAdd`: what no container may add, which is of use beside `allowedAdd: ["*"]`.

use std::borrow::Cow;

use super::{Definition, Kind, Rule};
use crate::fix::apply::Fix;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{Capabilities as View, Pod};
use crate::rules::finding::{Finding, list};
use crate::rules::settings::Severity;
use crate::settings::reader::{Options, choice};
use crate::text::quoted;
use json_view::Text;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "capabilities", mode: Some(Severity::Deny), can_fix: true, kind: Kind::Capabilities };

const DROP: &str = "securityContext.capabilities.drop";

/// Every capability.
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
}

impl<'s> Capabilities<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let required_drop = options.strings("requiredDrop", &[], |name| check(name, &[ALL]));
        let allowed_add =
            options.strings("allowedAdd", &["NET_BIND_SERVICE"], |name| check(name, &[ALL, ANY]));
        let denied_add = options.strings("deniedAdd", &[], |name| check(name, &[]));
        for name in allowed_add.iter() {
            if contains(&denied_add, name) {
                let reason = format!("{} can never be added: deniedAdd has it too", quoted(name));
                options.refuse("allowedAdd", &reason);
            }
        }
        Self { required_drop, allowed_add, denied_add }
    }

    fn allows(&self, name: &str) -> bool {
        // Runtimes turn some letters that are not ASCII into upper case ones that are, and so into other names.
        if !name.is_ascii() {
            return false;
        }
        let allows_any = self.allowed_add.iter().any(|allowed| *allowed == ANY || is_same(allowed, ALL));
        if is_same(name, ALL) {
            return allows_any && self.denied_add.is_empty();
        }
        (allows_any || contains(&self.allowed_add, name)) && !contains(&self.denied_add, name)
    }

    /// What must be dropped and is not.
    fn missing(&self, capabilities: &View<'_>) -> Vec<&'s str> {
        let mut missing = Vec::new();
        for name in self.required_drop.iter() {
            if !drops(&capabilities.drop, name) && !drops(&capabilities.drop, ALL) {
                missing.push(*name);
            }
        }
        missing
    }
}

impl Rule for Capabilities<'_> {
    fn needs_for_fix(&self) -> Option<&'static str> {
        self.required_drop.is_empty().then_some("requiredDrop")
    }

    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        for at in pod.all_containers() {
            let capabilities = &at.container.security_context.capabilities;
            for (index, name) in capabilities.add.iter().enumerate() {
                if !self.allows(name) {
                    let field = of_item("securityContext.capabilities.add", index, "");
                    let demand = format!("must not add {}", quoted(name));
                    Finding::of_container(found, at, &field, name, demand);
                }
            }
            let missing = self.missing(capabilities);
            if !missing.is_empty() {
                let demand = format!("must drop {}", missing.join(", "));
                let finding = Finding::of_container(found, at, DROP, &list(&capabilities.drop), demand);
                // What somebody adds is not taken away from them unseen.
                if !missing.iter().any(|name| has(&capabilities.add, name)) {
                    finding.fix = Some(Fix::append(at, DROP, canonical(&missing)));
                }
            }
        }
    }
}

/// The name without `CAP_`, still in the case in which it is written.
fn bare(name: &str) -> &str {
    match name.split_at_checked(4) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("CAP_") => rest,
        _ => name,
    }
}

/// The names as container runtimes want them, each once: they put `CAP_` before whatever is given.
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

#[inline(never)]
fn has(names: &[Text<'_>], name: &str) -> bool {
    names.iter().any(|other| is_same(other, name))
}

/// Whether a name is dropped by any runtime, `CAP_` or not in the settings.
#[inline(never)]
fn drops(names: &[Text<'_>], name: &str) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(bare(name)))
}

#[inline(never)]
fn contains(names: &[&str], name: &str) -> bool {
    names.iter().any(|other| is_same(other, name))
}

fn check(name: &str, others: &[&str]) -> Result<(), String> {
    if contains(&KNOWN, name) || contains(others, name) {
        return Ok(());
    }
    let allowed = [others, &KNOWN].concat();
    Err(format!("{} is no capability{}", quoted(name), choice(bare(name), &allowed)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    fn findings(settings: &Value, capabilities: &Value) -> Vec<String> {
        let pod = json!({"containers": [{"name": "a", "securityContext": {"capabilities": capabilities}}]});
        check(&RULE, settings, &pod)
    }

    fn added(index: usize, name: &str) -> String {
        format!(
            "spec.containers[0].securityContext.capabilities.add[{index}]: \
             container \"a\" must not add \"{name}\" [capabilities]"
        )
    }

    fn undropped(names: &str) -> String {
        format!(
            "spec.containers[0].securityContext.capabilities.drop: container \"a\" must drop {names} [capabilities]"
        )
    }

    #[test]
    fn allows_what_the_settings_allow() {
        let add = json!({"add": ["NET_BIND_SERVICE", "cap_net_bind_service", "SYS_ADMIN", "Cap_Chown", ""]});
        assert_eq!(findings(&json!({}), &add), [added(2, "SYS_ADMIN"), added(3, "Cap_Chown"), added(4, "")]);
        assert_eq!(findings(&json!({"allowedAdd": []}), &add).len(), 5);
        let settings = json!({"allowedAdd": ["CAP_SYS_ADMIN", "chown"]});
        assert_eq!(
            findings(&settings, &add),
            [added(0, "NET_BIND_SERVICE"), added(1, "cap_net_bind_service"), added(4, "")]
        );
    }

    #[test]
    fn a_star_allows_all_that_is_not_denied() {
        let add = json!({"add": ["SYS_ADMIN", "FROM_THE_FUTURE", "cap_sys_module"]});
        for any in ["*", "ALL", "all"] {
            assert_eq!(findings(&json!({"allowedAdd": [any]}), &add), [""; 0]);
            let settings = json!({"allowedAdd": [any], "deniedAdd": ["SYS_MODULE"]});
            assert_eq!(findings(&settings, &add), [added(2, "cap_sys_module")]);
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
        assert_eq!(check(&RULE, &json!({}), &pod).len(), 3);
        pod["os"] = json!({"name": "windows"});
        assert_eq!(check(&RULE, &json!({"requiredDrop": ["ALL"]}), &pod), [""; 0]);
    }

    #[test]
    fn refuses_names_that_are_none() {
        let settings = json!({
            "requiredDrop": ["NETRAW", "cap_all", "*"],
            "allowedAdd": ["NET_BIND", "CHOWN", "cap_chown"],
            "deniedAdd": ["ALL", "Chown"],
        });
        let known = KNOWN.join(", ");
        let errors: Vec<_> =
            errors(&RULE, &settings).iter().map(|error| error.replace(&known, "…")).collect();
        assert_eq!(
            errors,
            [
                r#"capabilities.requiredDrop[0]: "NETRAW" is no capability, did you mean "NET_RAW"? (allowed: ALL, …)"#,
                r#"capabilities.requiredDrop[2]: "*" is no capability (allowed: ALL, …)"#,
                r#"capabilities.allowedAdd[0]: "NET_BIND" is no capability (allowed: ALL, *, …)"#,
                r#"capabilities.deniedAdd[0]: "ALL" is no capability (allowed: …)"#,
                r#"capabilities.allowedAdd: "CHOWN" can never be added: deniedAdd has it too"#,
                r#"capabilities.allowedAdd: "cap_chown" can never be added: deniedAdd has it too"#,
            ]
        );
    }
}
