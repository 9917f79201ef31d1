//! Rules about a single field of a container or a pod.

use serde::Deserialize;

use super::asked::{Asked, Judged, Pod};
use super::found::Found;
use super::settings::options;

/// The containers that a condition holds for are found, at a field of their security contexts.
fn containers(asked: &Asked<'_>, field: &str, is_wrong: impl Fn(&Pod, &Judged) -> bool) -> Found {
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for judged in &pod.containers {
            if is_wrong(pod, judged) {
                found.add(judged.context_path(field), [judged.holder()]);
            }
        }
    }
    found
}

/// `readOnlyRootFilesystem`
pub(super) fn read_only_root_filesystem(asked: &Asked<'_>) -> Found {
    containers(asked, "readOnlyRootFilesystem", |pod, judged| {
        !pod.is_windows() && judged.context().read_only_root_filesystem != Some(true)
    })
}

/// `allowPrivilegeEscalation`
pub(super) fn allow_privilege_escalation(asked: &Asked<'_>) -> Found {
    containers(asked, "allowPrivilegeEscalation", |pod, judged| {
        !pod.is_windows() && judged.context().allow_privilege_escalation != Some(false)
    })
}

/// `privileged`
pub(super) fn privileged(asked: &Asked<'_>) -> Found {
    let mut found = containers(asked, "privileged", |_, judged| judged.context().privileged == Some(true));
    let host_process = containers(asked, "windowsOptions.hostProcess", |_, judged| {
        judged.context().windows_options.unwrap_or_default().host_process == Some(true)
    });
    for (path, holders) in host_process.into_fields() {
        found.add(path, holders);
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
