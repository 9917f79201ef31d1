//! Rules that check one field of a container or a pod.

use k8s_openapi::api::core::v1::SecurityContext;
use serde::Deserialize;

use super::findings::Findings;
use super::generators::{some_of, switch};
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;

/// Reports containers whose security context does not have the required value. A fix can set an unset field if a condition
/// is met.
fn require(
    request: &Request<'_>,
    field: &str,
    value: bool,
    read: fn(&SecurityContext) -> Option<bool>,
    is_fixable: fn(&SecurityContext) -> bool,
) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| !pod.is_windows()) {
        for container in &pod.containers {
            let context = container.context();
            if read(&context) != Some(value) {
                let is_fixable = read(&context).is_none() && is_fixable(&context);
                findings.add_unset(container.context_path(field), container.as_responsible(), is_fixable);
            }
        }
    }
    findings
}

/// Reports a field of the security context for each container that violates a condition.
fn report(request: &Request<'_>, field: &str, is_violation: impl Fn(&Pod, &ContainerAt) -> bool) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            if is_violation(pod, container) {
                findings.add(container.context_path(field), container.as_responsible());
            }
        }
    }
    findings
}

/// `readOnlyRootFilesystem`
pub(super) const READ_ONLY_ROOT_FILESYSTEM: ReferenceRule =
    ReferenceRule::new("readOnlyRootFilesystem", read_only_root_filesystem);

fn read_only_root_filesystem(request: &Request<'_>) -> Findings {
    require(request, "readOnlyRootFilesystem", true, |context| context.read_only_root_filesystem, |_| true)
}

/// `allowPrivilegeEscalation`
pub(super) const ALLOW_PRIVILEGE_ESCALATION: ReferenceRule =
    ReferenceRule::new("allowPrivilegeEscalation", allow_privilege_escalation);

fn allow_privilege_escalation(request: &Request<'_>) -> Findings {
    let read = |context: &SecurityContext| context.allow_privilege_escalation;
    require(request, "allowPrivilegeEscalation", false, read, can_be_false)
}

/// Whether Kubernetes accepts `allowPrivilegeEscalation: false` on a container.
///
/// Source: `validateSecurityContext` in `pkg/apis/core/validation` of Kubernetes.
fn can_be_false(context: &SecurityContext) -> bool {
    let added = context.capabilities.clone().unwrap_or_default().add.unwrap_or_default();
    context.privileged != Some(true) && !added.contains(&"CAP_SYS_ADMIN".to_owned())
}

/// `privileged`
pub(super) const PRIVILEGED: ReferenceRule = ReferenceRule::new("privileged", privileged);

fn privileged(request: &Request<'_>) -> Findings {
    let mut findings =
        report(request, "privileged", |_, container| container.context().privileged == Some(true));
    let host_process = report(request, "windowsOptions.hostProcess", |_, container| {
        container.context().windows_options.unwrap_or_default().host_process == Some(true)
    });
    for (path, finding) in host_process.into_fields() {
        findings.add(path, finding.responsible);
    }
    for pod in request.pods.iter() {
        let context = pod.spec.security_context.clone().unwrap_or_default();
        if context.windows_options.unwrap_or_default().host_process == Some(true) {
            findings.add(
                pod.path.field("securityContext.windowsOptions.hostProcess"),
                pod.responsible_containers(),
            );
        }
    }
    findings
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ProcMount {
    allow_in_user_namespace: bool,
    pod_security: bool,
}

/// `procMount`
pub(super) const PROC_MOUNT: ReferenceRule = ReferenceRule {
    effects: &[("allowInUserNamespace", &[Allows]), ("podSecurity", &[Reports])],
    options: || vec![("allowInUserNamespace", switch()), ("podSecurity", switch())],
    ..ReferenceRule::new("procMount", proc_mount)
};

fn proc_mount(request: &Request<'_>) -> Findings {
    let ProcMount { allow_in_user_namespace, pod_security } = options(request.settings, "procMount");
    report(request, "procMount", |pod, container| {
        match &*container.context().proc_mount.unwrap_or_else(|| "Default".to_owned()) {
            "Default" => false,
            "" => pod_security,
            "Unmasked" if allow_in_user_namespace && pod.has_user_namespace() => false,
            _ => pod_security || !pod.is_windows(),
        }
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostNamespaces {
    allow: Vec<String>,
}

/// `hostNamespaces`
pub(super) const HOST_NAMESPACES: ReferenceRule = ReferenceRule {
    effects: &[("allow", &[Allows])],
    options: || vec![("allow", some_of(&["hostNetwork", "hostPID", "hostIPC"]))],
    ..ReferenceRule::new("hostNamespaces", host_namespaces)
};

fn host_namespaces(request: &Request<'_>) -> Findings {
    let HostNamespaces { allow } = options(request.settings, "hostNamespaces");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        let fields = [
            ("hostNetwork", pod.spec.host_network),
            ("hostPID", pod.spec.host_pid),
            ("hostIPC", pod.spec.host_ipc),
        ];
        for (field, value) in fields {
            if value == Some(true) && !allow.iter().any(|allowed| allowed == field) {
                findings.add(pod.path.field(field), pod.responsible_containers());
            }
        }
    }
    findings
}

/// `sharedProcessNamespace`
pub(super) const SHARED_PROCESS_NAMESPACE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    ..ReferenceRule::new("sharedProcessNamespace", shared_process_namespace)
};

fn shared_process_namespace(request: &Request<'_>) -> Findings {
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        if pod.spec.share_process_namespace == Some(true) {
            findings.add(pod.path.field("shareProcessNamespace"), pod.responsible_containers());
        }
    }
    findings
}
