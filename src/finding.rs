//! One violation of one rule at one field path, and how it reads.

use crate::pod::ContainerAt;
use crate::text::quoted;

/// The length up to which clients show a warning whole, in bytes.
///
/// Source: the `warnings` field of `k8s.io/api/admission/v1` asks for at most 120 characters where possible.
const WARNING_LENGTH: usize = 120;

/// What a rule found at one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The field that must change, from the root of the object.
    pub path: String,
    /// Whom the field belongs to: `container "web"`, `the pod`.
    pub subject: String,
    /// What the subject must do about it, from the verb on: `must set it to true`.
    pub demand: String,
}

impl Finding {
    /// A finding at a field of a container, given relative to the container.
    #[must_use]
    pub fn of_container(container: ContainerAt<'_, '_>, field: &str, demand: impl Into<String>) -> Self {
        Self { path: container.path_to(field), subject: container.label(), demand: demand.into() }
    }

    /// A finding at a field that all containers of the pod share.
    #[must_use]
    pub fn of_pod(path: String, demand: impl Into<String>) -> Self {
        Self { path, subject: "the pod".to_owned(), demand: demand.into() }
    }

    /// A finding at a volume.
    #[must_use]
    pub fn of_volume(path: String, name: &str, demand: impl Into<String>) -> Self {
        Self { path, subject: format!("volume {}", quoted(name)), demand: demand.into() }
    }

    /// The line that a denied user reads.
    #[must_use]
    pub fn line(&self, rule: &str) -> String {
        format!("{}: {} {} [{rule}]", self.path, self.subject, self.demand)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(path: &str) -> Finding {
        Finding {
            path: path.to_owned(),
            subject: "container \"web\"".to_owned(),
            demand: "must set it to true".to_owned(),
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
