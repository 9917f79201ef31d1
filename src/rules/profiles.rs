//! Security profiles: seccomp and AppArmor profiles, which a pod sets for its containers and a container for itself.

use std::borrow::Cow;

use super::finding::Findings;
use super::responsible::ResponsibleContainer;
use crate::kubernetes::container::{Profile, SecurityContext};
use crate::kubernetes::pod::{ContainerAt, Pod, PodSecurityContext};
use crate::kubernetes::unread::Unread;
use crate::settings::declaration::{Setting, Words};
use crate::settings::wildcard;
use crate::text::quoted;

pub(super) const RUNTIME_DEFAULT: &str = "RuntimeDefault";
pub(super) const LOCALHOST: &str = "Localhost";
pub(super) const UNCONFINED: &str = "Unconfined";

pub(super) const ALLOWED: Setting<Words<&str>> = Setting {
    key: "allowed",
    label: "Allowed profiles",
    doc: "Types of profiles that containers can have.",
    kind: Words {
        words: &[(RUNTIME_DEFAULT, RUNTIME_DEFAULT), (LOCALHOST, LOCALHOST), (UNCONFINED, UNCONFINED)],
        default: &[RUNTIME_DEFAULT, LOCALHOST],
        may_be_empty: false,
    },
};

/// A field with a profile, in the security contexts of pods and of containers.
pub(super) struct ProfileField {
    /// The field of a pod spec or of a container.
    pub(super) path: &'static str,
    pub(super) of_pod: for<'p, 'a> fn(&'p PodSecurityContext<'a>) -> &'p Unread<'a, Profile<'a>>,
    pub(super) of_container: for<'p, 'a> fn(&'p SecurityContext<'a>) -> &'p Unread<'a, Profile<'a>>,
}

/// The accepted profiles.
pub(super) struct AllowedProfiles<'s> {
    pub(super) types: Cow<'static, [&'static str]>,
    /// Patterns of the names of `Localhost` profiles; any name if unset.
    pub(super) names: Option<Vec<&'s str>>,
    /// Whether the profile of a pod counts even if every container overrides it, and a profile without a type.
    pub(super) judges_every_value: bool,
}

/// What is wrong with a profile: the field in it, the wrong value, and the required change.
struct Violation {
    field: &'static str,
    value: String,
    message: String,
}

impl AllowedProfiles<'_> {
    /// Returns the accepted types as messages write them.
    pub(super) fn listed(&self) -> String {
        self.types.join(" or ")
    }

    /// Reports profiles that are not accepted, and returns the containers that have none.
    pub(super) fn report<'p>(
        &self,
        pod: &'p Pod<'p>,
        field: &ProfileField,
        findings: &mut Findings<'p>,
    ) -> Vec<ContainerAt<'p, 'p>> {
        let mut without = Vec::new();
        for at in pod.all_containers() {
            let Some(own) = self.set_profile((field.of_container)(&at.container.security_context)) else {
                without.push(at);
                continue;
            };
            if let Some(Violation { field: key, value, message }) = self.violation(&own) {
                findings.at(at, &format!("{}.{key}", field.path)).message(message).value(value);
            }
        }
        let Some(shared) = self.set_profile((field.of_pod)(&pod.spec.security_context)) else {
            return without;
        };
        if (self.judges_every_value || !without.is_empty())
            && let Some(Violation { field: key, value, message }) = self.violation(&shared)
        {
            let finding = findings.at_pod(pod, &format!("{}.{key}", field.path));
            finding.message(message).value(value);
            // All containers are responsible for a profile that none inherits.
            if !without.is_empty() {
                finding.responsible(without.into_iter().map(ResponsibleContainer::of).collect());
            }
        }
        Vec::new()
    }

    /// Returns a profile if it is set. API servers refuse a profile without a type. One that cannot be read has the type `?`.
    fn set_profile<'a>(&self, profile: &Unread<'a, Profile<'a>>) -> Option<Profile<'a>> {
        let unreadable = |_| Some(Profile { kind: Some("?".into()), ..Profile::default() });
        let profile = profile.parse().unwrap_or_else(unreadable)?;
        (self.judges_every_value || !type_of(&profile).is_empty()).then_some(profile)
    }

    fn violation(&self, profile: &Profile<'_>) -> Option<Violation> {
        let kind = type_of(profile);
        if !self.types.contains(&kind) {
            let message = format!("must set it to {}, not {}", self.listed(), quoted(kind));
            return Some(Violation { field: "type", value: String::new(), message });
        }
        let (name, names) = (&*profile.localhost_profile, self.names.as_ref()?);
        let is_accepted = |pattern: &&str| wildcard::matches(pattern, name);
        if kind != LOCALHOST || names.iter().any(is_accepted) {
            return None;
        }
        let message =
            format!("must not use profile {}, which localhostProfiles does not contain", quoted(name));
        Some(Violation { field: "localhostProfile", value: name.to_owned(), message })
    }
}

/// Returns the type of a profile, which is empty if it is unset.
fn type_of<'p>(profile: &'p Profile<'_>) -> &'p str {
    profile.kind.as_deref().unwrap_or_default()
}
