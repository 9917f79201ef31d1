//! Rules about a single field of a container or a pod.

use k8s_openapi::api::core::v1::SecurityContext;
use serde::Deserialize;

use super::asked::{Asked, Judged, Pod};
use super::found::Found;
use super::settings::options;

/// The containers whose field of the security context is not what it must be are found. A fix could fill in what is unset,
/// if a condition is met.
fn must_be(
    asked: &Asked<'_>,
    field: &str,
    value: bool,
    read: fn(&SecurityContext) -> Option<bool>,
    can_be_filled: fn(&SecurityContext) -> bool,
) -> Found {
    let mut found = Found::default();
    for pod in asked.pods.iter().filter(|pod| !pod.is_windows()) {
        for judged in &pod.containers {
            let context = judged.context();
            if read(&context) != Some(value) {
                let can_be_filled = read(&context).is_none() && can_be_filled(&context);
                found.add_unset(judged.context_path(field), judged.holder(), can_be_filled);
            }
        }
    }
    found
}

/// The containers that a condition holds for are found, at a field of their security contexts.
fn containers(asked: &Asked<'_>, field: &str, is_wrong: impl Fn(&Pod, &Judged) -> bool) -> Found {
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for judged in &pod.containers {
            if is_wrong(pod, judged) {
                found.add(judged.context_path(field), judged.holder());
            }
        }
    }
    found
}

/// `readOnlyRootFilesystem`
pub(super) fn read_only_root_filesystem(asked: &Asked<'_>) -> Found {
    must_be(asked, "readOnlyRootFilesystem", true, |context| context.read_only_root_filesystem, |_| true)
}

/// `allowPrivilegeEscalation`
pub(super) fn allow_privilege_escalation(asked: &Asked<'_>) -> Found {
    let read = |context: &SecurityContext| context.allow_privilege_escalation;
    must_be(asked, "allowPrivilegeEscalation", false, read, may_be_false)
}

/// Whether Kubernetes accepts that a container gains no privileges.
///
/// Source: `validateSecurityContext` in `pkg/apis/core/validation` of Kubernetes.
fn may_be_false(context: &SecurityContext) -> bool {
    let added = context.capabilities.clone().unwrap_or_default().add.unwrap_or_default();
    context.privileged != Some(true) && !added.contains(&"CAP_SYS_ADMIN".to_owned())
}

/// `privileged`
pub(super) fn privileged(asked: &Asked<'_>) -> Found {
    let mut found = containers(asked, "privileged", |_, judged| judged.context().privileged == Some(true));
    let host_process = containers(asked, "windowsOptions.hostProcess", |_, judged| {
        judged.context().windows_options.unwrap_or_default().host_process == Some(true)
    });
    for (path, objection) in host_process.into_fields() {
        found.add(path, objection.holders);
    }
    for pod in asked.pods.iter() {
        let context = pod.spec.security_context.clone().unwrap_or_default();
        if context.windows_options.unwrap_or_default().host_process == Some(true) {
            found.add(pod.path.to("securityContext.windowsOptions.hostProcess"), pod.holders());
        }
    }
    found
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ProcMount {
    allow_in_user_namespace: bool,
}

/// `procMount`
pub(super) fn proc_mount(asked: &Asked<'_>) -> Found {
    let ProcMount { allow_in_user_namespace } = options(asked.settings, "procMount");
    containers(asked, "procMount", |pod, judged| match &*judged.context().proc_mount.unwrap_or_default() {
        "" | "Default" => false,
        "Unmasked" if allow_in_user_namespace && pod.has_user_namespace() => false,
        _ => !pod.is_windows(),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostNamespaces {
    allow: Vec<String>,
}

/// `hostNamespaces`
pub(super) fn host_namespaces(asked: &Asked<'_>) -> Found {
    let HostNamespaces { allow } = options(asked.settings, "hostNamespaces");
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        let fields = [
            ("hostNetwork", pod.spec.host_network),
            ("hostPID", pod.spec.host_pid),
            ("hostIPC", pod.spec.host_ipc),
        ];
        for (field, value) in fields {
            if value == Some(true) && !allow.iter().any(|allowed| allowed == field) {
                found.add(pod.path.to(field), pod.holders());
            }
        }
    }
    found
}

/// `sharedProcessNamespace`
pub(super) fn shared_process_namespace(asked: &Asked<'_>) -> Found {
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        if pod.spec.share_process_namespace == Some(true) {
            found.add(pod.path.to("shareProcessNamespace"), pod.holders());
        }
    }
    found
}
