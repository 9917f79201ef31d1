//! Findings: fields that violate a rule, with the responsible containers.

use std::borrow::Cow;

use super::fingerprint::Fingerprint;
use super::responsible::{ResponsibleContainer, ResponsibleContainers};
use crate::kubernetes::field_path;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::Fix;
use crate::text::quoted;
use json_view::Text;

/// A violation of a rule at one field.
#[derive(Clone, Debug)]
pub struct Finding<'p> {
    /// The path of the field that must change, from the root of the object.
    pub path: String,
    /// The subject of the message: `container "web"`, `the pod`.
    pub subject: String,
    /// The required change, without the subject: `must set it to true`.
    pub message: Cow<'static, str>,
    /// The wrong value, if the message does not contain it. An update that keeps the value does not add a finding.
    value: FindingValue,
    /// The containers that are responsible. An exemption must cover all of them.
    pub responsible: ResponsibleContainers<'p>,
    /// The fix, if only a value is missing.
    pub fix: Option<Fix<'p>>,
    /// The container whose image decides whether the finding counts, if the pod spec leaves that open.
    pub pending_image: Option<ContainerAt<'p, 'p>>,
    /// The path of another field. If an earlier rule denies that field, the finding does not count.
    pub superseding_path: Option<String>,
}

/// Maximum number of responsible containers that a finding lists.
pub const MAX_RESPONSIBLE: usize = 16;

/// A value by which findings are compared.
#[derive(Clone, Debug)]
enum FindingValue {
    /// The value.
    Text(String),
    /// The fingerprint of a value that many findings share and that may be long.
    Shared(Fingerprint),
}

impl<'p> Finding<'p> {
    fn new(path: String, subject: String, responsible: ResponsibleContainers<'p>) -> Self {
        Self {
            path,
            subject,
            message: Cow::Borrowed(""),
            value: FindingValue::Text(String::new()),
            responsible,
            fix: None,
            pending_image: None,
            superseding_path: None,
        }
    }

    /// Sets the required change, without the subject.
    pub fn message(&mut self, message: impl Into<Cow<'static, str>>) -> &mut Self {
        self.message = message.into();
        self
    }

    /// Sets the wrong value, if the message does not contain it.
    pub fn value(&mut self, value: impl Into<String>) -> &mut Self {
        self.value = FindingValue::Text(value.into());
        self
    }

    /// Sets the fingerprint of a wrong value that many findings share.
    pub fn shared_value(&mut self, fingerprint: Fingerprint) -> &mut Self {
        self.value = FindingValue::Shared(fingerprint);
        self
    }

    /// Sets the fix.
    pub fn fix(&mut self, fix: Fix<'p>) -> &mut Self {
        self.fix = Some(fix);
        self
    }

    /// Sets the container whose image decides whether the finding counts.
    pub fn pending_image(&mut self, container: ContainerAt<'p, 'p>) -> &mut Self {
        self.pending_image = Some(container);
        self
    }

    /// Sets the path of another field. If an earlier rule denies that field, the finding does not count.
    pub fn unless_denied_at(&mut self, path: String) -> &mut Self {
        self.superseding_path = Some(path);
        self
    }

    /// Sets the responsible containers.
    pub fn responsible(&mut self, containers: Vec<ResponsibleContainer<'p>>) -> &mut Self {
        self.responsible = ResponsibleContainers::Only(containers);
        self
    }

    /// Sets the containers that are responsible: all containers of the pod if there are too many, or if not all are known.
    pub fn responsible_among(
        &mut self,
        pod: &'p Pod<'p>,
        containers: Vec<ResponsibleContainer<'p>>,
        are_known: bool,
    ) -> &mut Self {
        let mut list: Vec<ResponsibleContainer<'p>> = Vec::new();
        for container in containers {
            if list.len() > MAX_RESPONSIBLE {
                break;
            }
            let is_same = |known: &&mut ResponsibleContainer<'_>| {
                (known.kind, known.name, known.image) == (container.kind, container.name, container.image)
            };
            match list.iter_mut().find(is_same) {
                Some(known) => known.can_write |= container.can_write,
                None => list.push(container),
            }
        }
        self.responsible = if are_known && list.len() <= MAX_RESPONSIBLE {
            ResponsibleContainers::Only(list)
        } else {
            ResponsibleContainers::Pod(pod)
        };
        self
    }

    /// Appends the reason why the subject must change something.
    pub fn explain(&mut self, reason: &str) {
        self.message.to_mut().extend([": ", reason]);
    }

    /// Returns the identity of the finding: equal for the same finding in another version of the object, and different for all other
    /// findings.
    #[must_use]
    pub fn identity(&self) -> Fingerprint {
        let shared;
        let value = match &self.value {
            FindingValue::Text(text) => text.as_bytes(),
            FindingValue::Shared(fingerprint) => {
                shared = fingerprint.to_bytes();
                &shared
            }
        };
        Fingerprint::of_parts(&[
            self.path.as_bytes(),
            self.subject.as_bytes(),
            self.message.as_bytes(),
            value,
        ])
    }

    /// Returns the line in a denial: `path: who must … [rule]`.
    #[must_use]
    pub fn line(&self, rule: &str) -> String {
        let mut line = String::new();
        self.push_line(rule, &mut line);
        line
    }

    /// Appends the line in a denial.
    pub fn push_line(&self, rule: &str, lines: &mut String) {
        self.push_sentence(lines);
        lines.extend([" [", rule, "]"]);
    }

    /// Appends the line without the rule.
    pub fn push_sentence(&self, text: &mut String) {
        text.extend([&*self.path, ": ", &self.subject, " ", &self.message]);
    }
}

/// The findings of a rule.
#[derive(Debug, Default)]
pub struct Findings<'p> {
    /// The findings, in the order in which the rule reported them.
    pub list: Vec<Finding<'p>>,
    /// Improvements by fixes of objects that do not violate the rule. Users read a suggestion only if its fix fails.
    pub suggestions: Vec<Finding<'p>>,
    /// Whether suggestions are wanted.
    wants_suggestions: bool,
}

impl<'p> Findings<'p> {
    /// Returns empty findings of a rule whose suggestions are wanted.
    #[must_use]
    pub fn wanting_suggestions(self) -> Self {
        Self { wants_suggestions: true, ..self }
    }

    /// Returns whether suggestions are wanted.
    #[must_use]
    pub fn wants_suggestions(&self) -> bool {
        self.wants_suggestions
    }

    /// Adds a finding at a field of a container, given relative to the container.
    pub fn at(&mut self, container: ContainerAt<'p, '_>, field: &str) -> &mut Finding<'p> {
        self.list.push_mut(at_container(container, field))
    }

    /// Adds a finding at a field that all containers of a pod share, given relative to the pod spec.
    pub fn at_pod(&mut self, pod: &'p Pod<'p>, field: &str) -> &mut Finding<'p> {
        self.list.push_mut(at_pod(pod, field, "the pod".to_owned()))
    }

    /// Adds a finding at an annotation of a pod; without a key, at all its annotations.
    pub fn at_annotation(&mut self, pod: &'p Pod<'p>, key: &str) -> &mut Finding<'p> {
        let (path, subject) = (pod.path_to_annotation(key), "the pod".to_owned());
        self.list.push_mut(Finding::new(path, subject, ResponsibleContainers::Pod(pod)))
    }

    /// Adds a finding at a field of a volume, given relative to the volume.
    pub fn at_volume(&mut self, pod: &'p Pod<'p>, index: usize, field: &str) -> &mut Finding<'p> {
        self.list.push_mut(at_volume(pod, index, field))
    }

    /// Adds a finding at a field of the request, about its user and a container.
    pub fn at_request(&mut self, field: &str, user: &str, container: Option<&'p str>) -> &mut Finding<'p> {
        let responsible = ResponsibleContainer { name: container, ..ResponsibleContainer::default() };
        let finding = Finding::new(
            field.to_owned(),
            format!("user {}", quoted(user)),
            ResponsibleContainers::Only(vec![responsible]),
        );
        self.list.push_mut(finding)
    }

    /// Adds a suggestion at a field of a container, given relative to the container.
    pub fn suggest_at(&mut self, container: ContainerAt<'p, '_>, field: &str) -> &mut Finding<'p> {
        self.suggestions.push_mut(at_container(container, field))
    }

    /// Adds a suggestion at a field of a volume, given relative to the volume.
    pub fn suggest_at_volume(&mut self, pod: &'p Pod<'p>, index: usize, field: &str) -> &mut Finding<'p> {
        self.suggestions.push_mut(at_volume(pod, index, field))
    }
}

fn at_container<'p>(container: ContainerAt<'p, '_>, field: &str) -> Finding<'p> {
    let responsible = ResponsibleContainers::Only(vec![ResponsibleContainer::of(container)]);
    Finding::new(container.path_to(field), container.label(), responsible)
}

fn at_pod<'p>(pod: &'p Pod<'p>, field: &str, subject: String) -> Finding<'p> {
    Finding::new(pod.path_to(field), subject, ResponsibleContainers::Pod(pod))
}

fn at_volume<'p>(pod: &'p Pod<'p>, index: usize, field: &str) -> Finding<'p> {
    let name = pod.spec.volumes.get(index).map_or("", |volume| &*volume.name);
    at_pod(pod, &field_path::of_item("volumes", index, field), format!("volume {}", quoted(name)))
}

/// Returns a flag as the value of a finding.
#[must_use]
pub fn flag(flag: Option<bool>) -> &'static str {
    match flag {
        None => "",
        Some(false) => "false",
        Some(true) => "true",
    }
}

/// Returns a list of strings as the value of a finding.
#[must_use]
pub fn list(items: &[Text<'_>]) -> String {
    items.iter().flat_map(|item| [&**item, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::pod::PodSpec;

    /// Returns the responsible containers among these, or nothing if all containers of the pod are responsible.
    fn responsible_among<'p>(
        pod: &'p Pod<'p>,
        containers: &[ResponsibleContainer<'p>],
        are_known: bool,
    ) -> Option<Vec<ResponsibleContainer<'p>>> {
        let mut findings = Findings::default();
        findings.at_pod(pod, "volumes").responsible_among(pod, containers.to_vec(), are_known);
        match findings.list.remove(0).responsible {
            ResponsibleContainers::Only(list) => Some(list),
            ResponsibleContainers::Pod(_) => None,
        }
    }

    fn container(name: &str) -> ResponsibleContainer<'_> {
        ResponsibleContainer { kind: "container", name: Some(name), image: Some("a:1"), can_write: false }
    }

    #[test]
    fn more_than_sixteen_responsible_containers_are_all_containers() {
        let pod = Pod::template(PodSpec::default());
        let names: Vec<_> = (0..17).map(|index| format!("c{index}")).collect();
        let all: Vec<_> = names.iter().map(|name| container(name)).collect();
        assert_eq!(responsible_among(&pod, &all[..16], true), Some(all[..16].to_vec()));
        assert_eq!(responsible_among(&pod, &all[..16], false), None);
        assert_eq!(responsible_among(&pod, &all, true), None);
    }

    #[test]
    fn a_responsible_container_is_listed_once_and_can_write_if_one_of_its_mounts_can() {
        let pod = Pod::template(PodSpec::default());
        let (web, proxy) = (container("web"), container("proxy"));
        let writer = ResponsibleContainer { can_write: true, ..web };
        for containers in [[web, writer, proxy], [writer, web, proxy], [writer, writer, proxy]] {
            assert_eq!(responsible_among(&pod, &containers, true), Some(vec![writer, proxy]));
        }
    }

    #[test]
    fn a_line_begins_with_the_path_and_ends_with_the_rule() {
        let mut findings = Findings::default();
        findings.at_request("command", "jane", None).message("must not run it");
        assert_eq!(
            findings.list.remove(0).line("interactiveAccess"),
            r#"command: user "jane" must not run it [interactiveAccess]"#
        );
    }
}
