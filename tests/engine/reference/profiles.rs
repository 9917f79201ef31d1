//! Seccomp and AppArmor profiles, which a container has itself or inherits from its pod.

use k8s_openapi::api::core::v1::{AppArmorProfile, SeccompProfile};
use serde::Deserialize;

use super::findings::{Findings, ResponsibleContainers};
use super::patterns::matches;
use super::request::{ContainerAt, Pod};

/// A profile, without a type if the type is unset.
#[derive(Default)]
pub(super) struct Profile {
    kind: String,
    name: String,
}

impl From<SeccompProfile> for Profile {
    fn from(profile: SeccompProfile) -> Self {
        Self { kind: profile.type_, name: profile.localhost_profile.unwrap_or_default() }
    }
}

impl From<AppArmorProfile> for Profile {
    fn from(profile: AppArmorProfile) -> Self {
        Self { kind: profile.type_, name: profile.localhost_profile.unwrap_or_default() }
    }
}

/// The options of both rules.
#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ProfileOptions {
    pub(super) allowed: Vec<String>,
    localhost_profiles: Option<Vec<String>>,
    pub(super) allow_unset: bool,
    pub(super) pod_security: bool,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self {
            allowed: vec!["RuntimeDefault".to_owned(), "Localhost".to_owned()],
            localhost_profiles: None,
            allow_unset: false,
            pod_security: false,
        }
    }
}

impl ProfileOptions {
    pub(super) fn allows(&self, kind: &str) -> bool {
        self.allowed.iter().any(|allowed| allowed == kind)
    }

    /// Whether a profile is set. Pod Security Admission evaluates a profile without a type too.
    fn is_set(&self, profile: &Profile) -> bool {
        self.pod_security || !profile.kind.is_empty()
    }

    /// Returns the field of a profile that has a value that is not allowed.
    fn denied_field(&self, profile: &Profile) -> Option<&'static str> {
        if !self.allows(&profile.kind) {
            return Some("type");
        }
        let names = self.localhost_profiles.as_ref().filter(|_| profile.kind == "Localhost")?;
        let is_known = names.iter().any(|pattern| matches(pattern, &profile.name));
        (!is_known).then_some("localhostProfile")
    }
}

/// A field of the security contexts of a pod and its containers.
pub(super) struct ProfileField {
    pub(super) name: &'static str,
    pub(super) of_pod: fn(&Pod) -> Option<Profile>,
    pub(super) of_container: fn(&ContainerAt) -> Option<Profile>,
}

impl ProfileField {
    /// Reports the profiles of a pod that are not allowed, and returns the containers without a profile.
    pub(super) fn check<'p>(
        &self,
        options: &ProfileOptions,
        pod: &'p Pod,
        findings: &mut Findings,
    ) -> Vec<&'p ContainerAt> {
        let of_pod = (self.of_pod)(pod).filter(|profile| options.is_set(profile));
        let mut heirs = Vec::new();
        for container in &pod.containers {
            match (self.of_container)(container).filter(|profile| options.is_set(profile)) {
                None => heirs.push(container),
                Some(own) => {
                    if let Some(field) = options.denied_field(&own) {
                        let path = container.context_path(self.name).field(field);
                        findings.add(path, container.as_responsible());
                    }
                }
            }
        }
        let Some(of_pod) = of_pod else { return heirs };
        if let Some(field) = options.denied_field(&of_pod) {
            let path = pod.path.field("securityContext").field(self.name).field(field);
            if !heirs.is_empty() {
                findings.add(path, of_all(&heirs));
            } else if options.pod_security {
                findings.add(path, pod.responsible_containers());
            }
        }
        Vec::new()
    }
}

/// Returns containers as the responsible containers of a finding.
pub(super) fn of_all(containers: &[&ContainerAt]) -> ResponsibleContainers {
    let all = containers.iter().map(|container| container.as_responsible()).collect();
    ResponsibleContainers { all, are_whole_pod: false }
}
