//! One violation of one rule at one field path, and how it reads.

use std::borrow::Cow;

use crate::fix::apply::Fix;
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fingerprint::Fingerprint;
use crate::text::quoted;
use json_view::Text;

/// What a rule found at one field.
#[derive(Clone, Debug)]
pub struct Finding<'p> {
    /// The field that must change, from the root of the object.
    pub path: String,
    /// Whom the field belongs to: `container "web"`, `the pod`.
    pub subject: String,
    /// What the subject must do about it, from the verb on: `must set it to true`.
    pub demand: Cow<'static, str>,
    /// The value that is wrong, as far as the demand does not contain it: an update that leaves the value as it is adds no
    /// finding.
    pub value: Value,
    /// On whose account it is found. Exemptions must cover each of them, and whoever joins them by an update makes it a
    /// new one.
    pub concerns: Concerns<'p>,
    /// What would mend it, where nothing but a missing value is wrong.
    pub fix: Option<Fix<'p>>,
    /// The image whose user decides whether it is one, where the pod spec leaves that open.
    pub decided_by: Option<&'p str>,
}

/// A value that findings are compared by.
#[derive(Clone, Debug)]
pub enum Value {
    /// The value, in no particular form.
    Text(String),
    /// The fingerprint of a value that many findings share and that may be long.
    Shared(Fingerprint),
}

impl Default for Value {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// On whose account something is found.
#[derive(Clone, Debug)]
pub enum Concerns<'p> {
    /// All containers of a pod.
    Pod(&'p Pod<'p>),
    /// These alone.
    Only(Vec<Concern<'p>>),
}

/// What exemptions may know the culprit by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Concern<'p> {
    /// What kind of container it is, as messages say it; empty for anything else.
    pub noun: &'static str,
    /// The name of a container, if it is one.
    pub container: Option<&'p str>,
    /// The reference of an image, if there is one.
    pub image: Option<&'p str>,
    /// Whether it can write to what the finding is about, where that makes a difference.
    pub can_write: bool,
}

impl Concerns<'_> {
    /// Whether each of them is among others, and could write there if it can now.
    #[must_use]
    pub fn are_among(&self, others: &Self) -> bool {
        let (mine, others) = match (self, others) {
            (Self::Only(mine), Self::Only(others)) => (mine, others),
            // A field that all share is nobody's in particular, and a volume that nobody mounts does no harm.
            (Self::Pod(_), _) => return true,
            (Self::Only(_), Self::Pod(_)) => return false,
        };
        let all = Identities::of(others.iter());
        let writers = Identities::of(others.iter().filter(|concern| concern.can_write));
        mine.iter().all(|concern| {
            let known = if concern.can_write { &writers } else { &all };
            known.contains(concern)
        })
    }
}

/// What containers are known by from one version of an object to the next: their names, and what kind of container each
/// is. What an init container did, a regular one must not do.
#[derive(Default)]
struct Identities<'c>(Vec<(&'static str, Places<'c>)>);

impl<'c> Identities<'c> {
    fn of(concerns: impl Iterator<Item = &'c Concern<'c>>) -> Self {
        let mut identities = Self::default();
        for concern in concerns {
            let known = identities.0.iter().position(|(noun, _)| *noun == concern.noun);
            let kind = known.unwrap_or(identities.0.len());
            if known.is_none() {
                identities.0.push((concern.noun, Places::default()));
            }
            if let Some((_, names)) = identities.0.get_mut(kind) {
                names.add(concern.container.unwrap_or_default().into(), 0);
            }
        }
        identities
    }

    fn contains(&self, concern: &Concern<'_>) -> bool {
        let name = concern.container.unwrap_or_default();
        self.0.iter().any(|(noun, names)| *noun == concern.noun && names.get(name).is_some())
    }
}

impl<'p> Finding<'p> {
    /// Adds a finding at a field of a container, given relative to the container.
    pub fn of_container<'f>(
        found: &'f mut Vec<Self>,
        at: ContainerAt<'p, '_>,
        field: &str,
        value: &str,
        demand: impl Into<Cow<'static, str>>,
    ) -> &'f mut Self {
        let concerns = Concerns::Only(vec![at.concern()]);
        Self::add(found, at.path_to(field), at.label(), value, demand.into(), concerns)
    }

    /// Adds a finding at a field that all containers of the pod share, given relative to the pod spec.
    pub fn of_pod<'f>(
        found: &'f mut Vec<Self>,
        pod: &'p Pod<'p>,
        field: &str,
        value: &str,
        demand: impl Into<Cow<'static, str>>,
    ) -> &'f mut Self {
        let subject = "the pod".to_owned();
        Self::add(found, pod.path_to(field), subject, value, demand.into(), Concerns::Pod(pod))
    }

    #[inline(never)]
    fn add<'f>(
        found: &'f mut Vec<Self>,
        path: String,
        subject: String,
        value: &str,
        demand: Cow<'static, str>,
        concerns: Concerns<'p>,
    ) -> &'f mut Self {
        let value = Value::Text(value.to_owned());
        found.push_mut(Self { path, subject, demand, value, concerns, fix: None, decided_by: None })
    }

    /// Says why the demand is made.
    pub fn explain(&mut self, reason: &str) {
        self.demand.to_mut().extend([": ", reason]);
    }

    /// Says that it is about a volume.
    pub fn name_volume(&mut self, name: &str) {
        self.subject = format!("volume {}", quoted(name));
    }

    /// What it has in common with the same finding in another object, and with no other one.
    #[must_use]
    pub fn identity(&self) -> Fingerprint {
        let shared;
        let value = match &self.value {
            Value::Text(text) => text.as_bytes(),
            Value::Shared(fingerprint) => {
                shared = fingerprint.to_bytes();
                &shared
            }
        };
        Fingerprint::of_parts(&[self.path.as_bytes(), self.subject.as_bytes(), self.demand.as_bytes(), value])
    }

    /// The line that a denied user reads.
    #[must_use]
    pub fn line(&self, rule: &str) -> String {
        let mut line = String::new();
        self.push_line(rule, &mut line);
        line
    }

    /// Appends that line.
    pub fn push_line(&self, rule: &str, lines: &mut String) {
        self.push_sentence(lines);
        lines.extend([" [", rule, "]"]);
    }

    /// Appends the line without the rule.
    pub fn push_sentence(&self, text: &mut String) {
        text.extend([&self.path, ": ", &self.subject, " ", &self.demand]);
    }
}

/// A flag, as the value of a finding.
#[must_use]
pub fn flag(flag: Option<bool>) -> &'static str {
    match flag {
        None => "",
        Some(false) => "false",
        Some(true) => "true",
    }
}

/// A list of strings, as the value of a finding.
#[must_use]
pub fn list(items: &[Text<'_>]) -> String {
    let mut list = String::new();
    for item in items {
        list.push_str(item);
        list.push('\n');
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(path: &str) -> Finding<'static> {
        Finding {
            path: path.to_owned(),
            subject: "container \"web\"".to_owned(),
            demand: "must set it to true".into(),
            value: Value::default(),
            concerns: Concerns::Only(Vec::new()),
            fix: None,
            decided_by: None,
        }
    }

    #[test]
    fn reads_with_the_path_first_and_the_rule_last() {
        assert_eq!(
            finding("spec.containers[0].securityContext.readOnlyRootFilesystem")
                .line("readOnlyRootFilesystem"),
            r#"spec.containers[0].securityContext.readOnlyRootFilesystem: container "web" must set it to true [readOnlyRootFilesystem]"#
        );
    }

    #[test]
    fn whoever_joins_is_not_among_them() {
        let concerns = |names: &[(&'static str, bool)]| {
            let concern =
                |&(name, can_write)| Concern { container: Some(name), can_write, ..Concern::default() };
            Concerns::Only(names.iter().map(concern).collect())
        };
        let both = concerns(&[("a", true), ("b", false)]);
        for less in [&[("a", true)][..], &[("a", false), ("b", false)], &[("b", false), ("b", false)], &[]] {
            assert!(concerns(less).are_among(&both), "{less:?}");
        }
        for more in [&[("a", true), ("b", true)][..], &[("a", true), ("c", false)]] {
            assert!(!concerns(more).are_among(&both), "{more:?}");
        }
    }

    #[test]
    fn a_container_that_changes_its_list_is_another_one() {
        let concern =
            |noun| Concerns::Only(vec![Concern { noun, container: Some("a"), ..Concern::default() }]);
        assert!(concern("container").are_among(&concern("container")));
        for other in ["init container", "sidecar", "ephemeral container"] {
            assert!(!concern("container").are_among(&concern(other)), "{other}");
            assert!(!concern(other).are_among(&concern("container")), "{other}");
        }
    }
}
