//! One violation of one rule at one field path, and how it reads.

use std::borrow::Cow;

use crate::fix::Fix;
use crate::places::Places;
use crate::pod::{ContainerAt, Pod};
use crate::text::{Text, push_all, quoted};

/// The length up to which clients show a warning whole, in bytes.
///
/// Source: the `warnings` field of `k8s.io/api/admission/v1` asks for at most 120 characters where possible.
const WARNING_LENGTH: usize = 120;

/// What a rule found at one field.
#[derive(Clone, Debug)]
pub struct Finding<'p> {
    /// The field that must change, from the root of the object.
    pub path: String,
    /// Whom the field belongs to: `container "web"`, `the pod`.
    pub subject: String,
    /// What the subject must do about it, from the verb on: `must set it to true`.
    pub demand: Cow<'static, str>,
    /// What the demand does not tell of the value that is wrong, in no particular form: an update that leaves it as it
    /// is adds no finding.
    pub value: Cow<'p, str>,
    /// On whose account it is found. Exemptions must cover each of them, and whoever joins them by an update makes it a
    /// new one.
    pub concerns: Concerns<'p>,
    /// What would mend it, where nothing but a missing value is wrong.
    pub fix: Option<Fix<'p>>,
    /// The image whose user decides whether it is one, where the pod spec leaves that open.
    pub decided_by: Option<&'p str>,
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
        let all = Places::of(others.iter().map(Concern::name));
        let writers = Places::of(others.iter().filter(|concern| concern.can_write).map(Concern::name));
        mine.iter().all(|concern| {
            let known = if concern.can_write { &writers } else { &all };
            known.get(concern.name()).is_some()
        })
    }
}

impl<'p> Concern<'p> {
    /// What it is known by from one version of an object to the next.
    fn name(&self) -> &'p str {
        self.container.unwrap_or_default()
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
        let value = value.to_owned().into();
        found.push_mut(Self { path, subject, demand, value, concerns, fix: None, decided_by: None })
    }

    /// Says why the demand is made.
    pub fn explain(&mut self, reason: &str) {
        push_all(self.demand.to_mut(), &[": ", reason]);
    }

    /// Says that it is about a volume.
    pub fn name_volume(&mut self, name: &str) {
        self.subject = format!("volume {}", quoted(name));
    }

    /// What it has in common with the same finding in another object, and with no other one. Only the value can hold the
    /// character between the parts.
    #[must_use]
    #[inline(never)]
    pub fn identity(&self) -> String {
        [&self.path, &*self.subject, &self.demand, &self.value].join("\0")
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
        push_all(lines, &[&self.path, ": ", &self.subject, " ", &self.demand, " [", rule, "]"]);
    }

    /// The line that a warned user reads. The path names the subject too, so the subject is what goes first where
    /// the line would be cut.
    #[must_use]
    pub fn warning(&self, rule: &str) -> String {
        let line = self.line(rule);
        if line.len() <= WARNING_LENGTH {
            return line;
        }
        format!("{}: {} [{rule}]", self.path, self.demand)
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
            value: "".into(),
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
            let concern = |&(name, can_write)| Concern { container: Some(name), image: None, can_write };
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
    fn a_warning_leaves_out_the_subject_before_it_is_cut() {
        assert_eq!(
            finding("spec.hostPID").warning("x"),
            r#"spec.hostPID: container "web" must set it to true [x]"#
        );
        let warning = finding("spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged");
        assert_eq!(
            warning.warning("readOnlyRootFilesystem"),
            "spec.jobTemplate.spec.template.spec.containers[0].securityContext.privileged: must set it to true [readOnlyRootFilesystem]"
        );
    }
}
