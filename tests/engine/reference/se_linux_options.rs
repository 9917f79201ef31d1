//! `seLinuxOptions`

use k8s_openapi::api::core::v1::SELinuxOptions;
use serde::Deserialize;
use serde_json::json;

use super::findings::Findings;
use super::request::Request;
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

/// `seLinuxOptions`
pub(super) const RULE: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("allowedTypes", &[Reports, Allows])],
    options: || {
        vec![(
            "allowedTypes",
            one_of(&json!([["", "container_t"], ["container_t", "spc_t"], ["container_kvm_t"], [""]])),
        )]
    },
    ..ReferenceRule::new("seLinuxOptions", findings)
};

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SeLinuxOptions {
    allowed_types: Vec<String>,
}

impl Default for SeLinuxOptions {
    fn default() -> Self {
        let types = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
        Self { allowed_types: types.map(str::to_owned).into() }
    }
}

impl SeLinuxOptions {
    fn allows(&self, kind: &str) -> bool {
        self.allowed_types.iter().any(|allowed| allowed == kind)
    }

    /// Returns the fields that have a value that is not allowed.
    fn denied(&self, options: &SELinuxOptions) -> Vec<&'static str> {
        let is_set = |field: &Option<String>| field.as_ref().is_some_and(|value| !value.is_empty());
        let is_denied_type = is_set(&options.type_) && !self.allows(&text(options.type_.as_ref()));
        let fields =
            [("type", is_denied_type), ("user", is_set(&options.user)), ("role", is_set(&options.role))];
        fields.into_iter().filter(|(_, is_denied)| *is_denied).map(|(field, _)| field).collect()
    }
}

fn text(field: Option<&String>) -> String {
    field.cloned().unwrap_or_default()
}

fn findings(request: &Request<'_>) -> Findings {
    let settings: SeLinuxOptions = options(request.settings, "seLinuxOptions");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        let of_pod = pod.spec.security_context.clone().unwrap_or_default().se_linux_options;
        let of_pod = of_pod.unwrap_or_default();
        for field in settings.denied(&of_pod) {
            let path = pod.path.field("securityContext.seLinuxOptions").field(field);
            findings.add(path, pod.responsible_containers());
        }
        for container in &pod.containers {
            let own = container.context().se_linux_options.unwrap_or_default();
            for field in settings.denied(&own) {
                let path = container.context_path("seLinuxOptions").field(field);
                findings.add(path, container.as_responsible());
            }
            let has_type = !text(own.type_.as_ref()).is_empty() || !text(of_pod.type_.as_ref()).is_empty();
            // Windows pods cannot set this field.
            if !has_type && !settings.allows("") && !pod.is_windows() {
                findings.add(container.context_path("seLinuxOptions.type"), container.as_responsible());
            }
        }
    }
    findings
}
