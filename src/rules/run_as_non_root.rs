//! `runAsNonRoot`: no container may run as root, who can undo most of what the other rules ask for.
//!
//! Fields: `securityContext.runAsNonRoot` and `securityContext.runAsUser` of every container and of the pod. A
//! container's value overrides the pod's.
//! Demanded: an effective `runAsUser` other than 0, or else an effective `runAsNonRoot: true`.
//!
//! On Windows: `runAsNonRoot: true`, or an effective `windowsOptions.runAsUserName` other than
//! `ContainerAdministrator`, written in any case and with any domain.
//!
//! A finding stands at the field that holds the wrong value, which may be the pod's; where nothing is set, at the
//! container's `runAsNonRoot`.

use super::{Definition, Rule};
use crate::finding::Finding;
use crate::pod::{ContainerAt, Pod};
use crate::settings::Severity;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "runAsNonRoot", mode: Some(Severity::Deny), bind: |_| Box::new(RunAsNonRoot) };

struct RunAsNonRoot;

/// A field that is wrong, and what must be done about it.
struct Wrong {
    on_pod: bool,
    field: &'static str,
    demand: &'static str,
}

impl Rule for RunAsNonRoot {
    fn check(&self, pod: &Pod<'_>) -> Vec<Finding> {
        let judge = if pod.is_windows() { judge_windows } else { judge_linux };
        let mut findings = Vec::new();
        // Many containers may inherit one wrong value: it is to be changed once.
        let mut found_on_pod = Vec::new();
        for at in pod.all_containers() {
            match judge(pod, at) {
                Some(Wrong { on_pod: false, field, demand }) => {
                    findings.push(Finding::of_container(at, field, demand));
                }
                Some(Wrong { on_pod: true, field, demand }) if !found_on_pod.contains(&field) => {
                    found_on_pod.push(field);
                    findings.push(Finding::of_pod(pod.path_to(field), demand));
                }
                _ => {}
            }
        }
        findings
    }
}

fn judge_linux(pod: &Pod<'_>, at: ContainerAt<'_, '_>) -> Option<Wrong> {
    let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
    match own.run_as_user.or(shared.run_as_user) {
        Some(0) => Some(Wrong {
            on_pod: own.run_as_user.is_none(),
            field: "securityContext.runAsUser",
            demand: "must not run as UID 0",
        }),
        Some(_) => None,
        None if own.run_as_non_root.or(shared.run_as_non_root) == Some(true) => None,
        None => Some(Wrong {
            on_pod: own.run_as_non_root.is_none() && shared.run_as_non_root.is_some(),
            field: "securityContext.runAsNonRoot",
            demand: "must set it to true, or runAsUser to a UID other than 0",
        }),
    }
}

fn judge_windows(pod: &Pod<'_>, at: ContainerAt<'_, '_>) -> Option<Wrong> {
    let (own, shared) = (&at.container.security_context, &pod.spec.security_context);
    if own.run_as_non_root.or(shared.run_as_non_root) == Some(true) {
        return None;
    }
    let inherits_name = own.windows_options.run_as_user_name.is_empty();
    let windows_options = if inherits_name { &shared.windows_options } else { &own.windows_options };
    let name = &windows_options.run_as_user_name;
    if name.is_empty() {
        return Some(Wrong {
            on_pod: own.run_as_non_root.is_none() && shared.run_as_non_root.is_some(),
            field: "securityContext.runAsNonRoot",
            demand: "must set it to true, or windowsOptions.runAsUserName to a user other than ContainerAdministrator",
        });
    }
    is_administrator(name).then_some(Wrong {
        on_pod: inherits_name,
        field: "securityContext.windowsOptions.runAsUserName",
        demand: "must not run as ContainerAdministrator",
    })
}

fn is_administrator(user_name: &str) -> bool {
    let (_, name) = user_name.rsplit_once('\\').unwrap_or(("", user_name));
    name.trim().eq_ignore_ascii_case("ContainerAdministrator")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::check;
    use super::*;

    fn findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(&RULE, &json!({}), &pod)
    }

    fn windows_findings(pod_context: &Value, container_context: &Value) -> Vec<String> {
        let pod = json!({
            "os": {"name": "windows"},
            "securityContext": pod_context,
            "containers": [{"name": "a", "securityContext": container_context}],
        });
        check(&RULE, &json!({}), &pod)
    }

    const UNSET: &str = "spec.containers[0].securityContext.runAsNonRoot: container \"a\" \
                         must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]";
    const POD_FALSE: &str = "spec.securityContext.runAsNonRoot: the pod \
                             must set it to true, or runAsUser to a UID other than 0 [runAsNonRoot]";
    const ZERO: &str =
        "spec.containers[0].securityContext.runAsUser: container \"a\" must not run as UID 0 [runAsNonRoot]";
    const POD_ZERO: &str = "spec.securityContext.runAsUser: the pod must not run as UID 0 [runAsNonRoot]";

    #[test]
    fn follows_what_the_container_inherits() {
        let none = [""; 0];
        let cases = [
            (json!({}), json!({}), &[UNSET][..]),
            (json!(null), json!(null), &[UNSET]),
            (json!({"runAsNonRoot": true}), json!({}), &none),
            (json!({}), json!({"runAsNonRoot": true}), &none),
            (json!({"runAsNonRoot": false}), json!({"runAsNonRoot": true}), &none),
            (json!({"runAsNonRoot": true}), json!({"runAsNonRoot": false}), &[UNSET]),
            (json!({"runAsNonRoot": false}), json!({}), &[POD_FALSE]),
            (json!({"runAsUser": 101}), json!({}), &none),
            (json!({}), json!({"runAsUser": 101}), &none),
            (json!({"runAsUser": 101}), json!({"runAsNonRoot": false}), &none),
            (json!({"runAsUser": 0}), json!({"runAsUser": 101}), &none),
            (json!({"runAsUser": 0}), json!({}), &[POD_ZERO]),
            (json!({"runAsUser": 101}), json!({"runAsUser": 0}), &[ZERO]),
            (json!({"runAsNonRoot": true}), json!({"runAsUser": 0}), &[ZERO]),
            (json!({"runAsNonRoot": true, "runAsUser": 0}), json!({"runAsNonRoot": true}), &[POD_ZERO]),
            (json!({"runAsUser": 0}), json!({"runAsUser": null}), &[POD_ZERO]),
        ];
        for (pod, container, expected) in cases {
            assert_eq!(findings(&pod, &container), expected, "pod {pod}, container {container}");
        }
    }

    #[test]
    fn one_wrong_value_of_the_pod_is_one_finding() {
        let pod = json!({
            "securityContext": {"runAsUser": 0},
            "initContainers": [{"name": "a"}, {"name": "b", "securityContext": {"runAsUser": 7}}],
            "containers": [{"name": "c"}, {"name": "d", "securityContext": {"runAsUser": 0}}],
        });
        assert_eq!(
            check(&RULE, &json!({}), &pod),
            [
                POD_ZERO,
                "spec.containers[1].securityContext.runAsUser: container \"d\" must not run as UID 0 [runAsNonRoot]"
            ]
        );
    }

    #[test]
    fn windows_users_have_names() {
        let named = |name: &str| json!({"windowsOptions": {"runAsUserName": name}});
        assert_eq!(windows_findings(&json!({"runAsNonRoot": true}), &json!({})), [""; 0]);
        assert_eq!(windows_findings(&json!({}), &named("ContainerUser")), [""; 0]);
        assert_eq!(windows_findings(&named("ContainerUser"), &json!({})), [""; 0]);
        assert_eq!(windows_findings(&named("ContainerAdministrator"), &named("app")), [""; 0]);
        for name in
            ["ContainerAdministrator", "CONTAINERADMINISTRATOR", r"User Manager\containeradministrator"]
        {
            assert_eq!(
                windows_findings(&named("app"), &named(name)),
                ["spec.containers[0].securityContext.windowsOptions.runAsUserName: container \"a\" \
                  must not run as ContainerAdministrator [runAsNonRoot]"],
                "{name}"
            );
        }
        assert_eq!(
            windows_findings(&named("ContainerAdministrator"), &json!({"runAsNonRoot": false})),
            ["spec.securityContext.windowsOptions.runAsUserName: the pod \
              must not run as ContainerAdministrator [runAsNonRoot]"]
        );
    }

    #[test]
    fn windows_pods_without_a_user_are_told_how_to_name_one() {
        let unset = "spec.containers[0].securityContext.runAsNonRoot: container \"a\" must set it to true, or \
                     windowsOptions.runAsUserName to a user other than ContainerAdministrator [runAsNonRoot]";
        // A numeric user has no meaning on Windows.
        for context in
            [json!({}), json!({"runAsUser": 1000}), json!({"windowsOptions": {"runAsUserName": ""}})]
        {
            assert_eq!(windows_findings(&context, &json!({})), [unset], "{context}");
        }
    }
}
