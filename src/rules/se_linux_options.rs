//! `seLinuxOptions`: containers keep the SELinux context of their runtime.

use std::borrow::Cow;

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::SeLinuxOptions as Options;
use crate::kubernetes::unread::Unread;
use crate::settings::declaration::{ANY_TEXT, Declared, Setting, Texts};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;

/// The types of containers, which are confined alike.
///
/// Source: `policy/check_seLinuxOptions.go` in `k8s.io/pod-security-admission`, for Kubernetes 1.31 and later.
const ALLOWED_TYPES: Setting<Texts> = Setting {
    key: "allowedTypes",
    label: "Allowed types",
    doc: "SELinux types that pods and containers can set. Without `\"\"`, a type must be set.",
    kind: Texts {
        format: &ANY_TEXT,
        default: &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"],
        may_be_empty: false,
    },
};

const TYPE: &str = "securityContext.seLinuxOptions.type";
const USER: &str = "securityContext.seLinuxOptions.user";
const ROLE: &str = "securityContext.seLinuxOptions.role";

pub(crate) struct SeLinuxOptions<'s> {
    allowed_types: Cow<'s, [&'s str]>,
}

impl SeLinuxOptions<'_> {
    /// Calls a function with each field that violates the rule, the wrong value and the required change.
    fn violations(&self, options: &Options<'_>, mut report: impl FnMut(&'static str, &str, String)) {
        let kind = &*options.kind;
        if !kind.is_empty() && !self.allowed_types.contains(&kind) {
            let message = match self.listed() {
                types if types.is_empty() => format!("must leave it unset, not {}", quoted(kind)),
                types => format!("must set it to {types}, not {}", quoted(kind)),
            };
            report(TYPE, kind, message);
        }
        for (field, value) in [(USER, &*options.user), (ROLE, &*options.role)] {
            if !value.is_empty() {
                report(field, value, format!("must leave it unset, not {}", quoted(value)));
            }
        }
    }

    /// The allowed types as messages write them.
    fn listed(&self) -> String {
        let types: Vec<_> = self.allowed_types.iter().copied().filter(|kind| !kind.is_empty()).collect();
        types.join(" or ")
    }

    fn requires_type(&self) -> bool {
        !self.allowed_types.contains(&"")
    }
}

impl<'s> Rule<'s> for SeLinuxOptions<'s> {
    const META: RuleMeta = RuleMeta {
        id: "seLinuxOptions",
        severity: Severity::Medium,
        default_mode: Mode::Off,
        can_fix: false,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers keep the SELinux context of their runtime.",
        finding: "an SELinux type of a pod or container that is not in `allowedTypes`; an SELinux user or role that is set",
        fix: None,
        why: "\
SELinux confines a process by its type, and types such as `spc_t` are hardly confined at all. A custom user or role can lead to such
types.",
        how: Some(
            "\
Every value counts, even if a container overrides that of its pod.",
        ),
        limits: Some(
            "\
`level` is not restricted: it separates pods from each other.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOWED_TYPES];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        Self { allowed_types: reader.get(&ALLOWED_TYPES) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.pod() else { return };
        let shared = read(&pod.spec.security_context.se_linux_options);
        self.violations(&shared, |field, value, message| {
            findings.at_pod(pod, field).message(message).value(value);
        });
        let demands_type = self.requires_type() && shared.kind.is_empty() && !pod.is_windows();
        for container in pod.all_containers() {
            let own = read(&container.container.security_context.se_linux_options);
            self.violations(&own, |field, value, message| {
                findings.at(container, field).message(message).value(value);
            });
            if demands_type && own.kind.is_empty() {
                findings.at(container, TYPE).message(format!("must set it to {}", self.listed()));
            }
        }
    }
}

/// Reads the options. Those that cannot be read have the user `?`.
fn read<'a>(options: &Unread<'a, Options<'a>>) -> Options<'a> {
    let unreadable = |_| Some(Options { user: "?".into(), ..Options::default() });
    options.parse().unwrap_or_else(unreadable).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    fn findings(settings: &Value, pod: &Value, container: &Value) -> Vec<String> {
        let spec = json!({
            "securityContext": {"seLinuxOptions": pod},
            "containers": [{"name": "a", "securityContext": {"seLinuxOptions": container}}],
        });
        check(RuleId::SeLinuxOptions, settings, &spec)
    }

    #[test]
    fn every_value_counts() {
        let bad = json!({"type": "spc_t", "user": "root", "role": "admin", "level": "s0"});
        let at = |path: &str, subject: &str| {
            [
                format!(
                    "spec.{path}securityContext.seLinuxOptions.type: {subject} must set it to container_t or \
                     container_init_t or container_kvm_t or container_engine_t, not \"spc_t\" [seLinuxOptions]"
                ),
                format!(
                    "spec.{path}securityContext.seLinuxOptions.user: {subject} must leave it unset, not \"root\" \
                     [seLinuxOptions]"
                ),
                format!(
                    "spec.{path}securityContext.seLinuxOptions.role: {subject} must leave it unset, not \"admin\" \
                     [seLinuxOptions]"
                ),
            ]
        };
        let good = json!({"type": "container_t", "level": "s0:c1"});
        assert_eq!(findings(&json!({}), &good, &json!({"user": "", "role": null})), [""; 0]);
        assert_eq!(findings(&json!({}), &bad, &good), at("", "the pod"));
        assert_eq!(findings(&json!({}), &json!({}), &bad), at("containers[0].", "container \"a\""));
    }

    #[test]
    fn a_type_can_be_required() {
        let settings = json!({"allowedTypes": ["container_t"]});
        let (good, none) = (json!({"type": "container_t"}), json!({"level": "s0"}));
        assert_eq!(findings(&settings, &good, &none), [""; 0]);
        assert_eq!(findings(&settings, &none, &good), [""; 0]);
        assert_eq!(
            findings(&settings, &none, &none),
            [
                "spec.containers[0].securityContext.seLinuxOptions.type: container \"a\" must set it to container_t \
              [seLinuxOptions]"
            ]
        );
        let windows = json!({"os": {"name": "windows"}, "containers": [{"name": "a"}]});
        assert_eq!(check(RuleId::SeLinuxOptions, &settings, &windows), [""; 0]);
    }

    #[test]
    fn no_type_may_be_allowed_at_all() {
        let settings = json!({"allowedTypes": [""]});
        assert_eq!(
            findings(&settings, &json!({"type": "container_t"}), &json!(null)),
            ["spec.securityContext.seLinuxOptions.type: the pod must leave it unset, not \"container_t\" \
              [seLinuxOptions]"]
        );
        assert_eq!(
            errors(RuleId::SeLinuxOptions, &json!({"allowedTypes": []})),
            ["seLinuxOptions.allowedTypes: must not be empty"]
        );
    }
}
