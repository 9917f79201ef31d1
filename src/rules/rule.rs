//! What a rule is: its metadata, its settings, and one check.

use super::finding::Findings;
use crate::kubernetes::connect::Connection;
use crate::kubernetes::pod::Pod;
use crate::settings::declaration::Declared;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;

/// A rule with its settings.
///
/// Rules are pure: they know nothing of JSON, waPC or the time, and they cannot fail. A rule reports its findings in any order.
pub trait Rule<'s>: Sized {
    /// The metadata of the rule.
    const META: RuleMeta;

    /// The documentation of the rule.
    const DOCS: RuleDocs;

    /// The settings of the rule, except for its mode.
    const SETTINGS: &'static [&'static dyn Declared] = &[];

    /// Reads the settings of the rule.
    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self;

    /// Checks a target and reports findings.
    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>);

    /// The setting without which mode `fix` has no effect, if it is unset.
    fn missing_fix_option(&self) -> Option<&'static str> {
        None
    }

    /// The reasons why a finding with a pending image counts, given what is known of the image. Without a reason, it does not count.
    fn image_violations(&self, _image: &str, _config: &ImageConfig) -> Vec<ImageViolation> {
        Vec::new()
    }
}

/// What rules read of the configuration of an image, or the reasons why it is unknown.
#[derive(Clone, Debug)]
pub struct ImageConfig {
    /// The user; empty if the configuration does not name a user.
    pub user: Result<String, String>,
    /// The paths of the VOLUMEs as they are written, sorted.
    pub volumes: Result<Vec<String>, String>,
}

/// A reason why a finding with a pending image counts.
#[derive(Debug)]
pub enum ImageViolation {
    /// The end of the message.
    Reason(String),
    /// A VOLUME, unless the container mounts a volume at its path.
    Volume {
        /// The path as the image declares it.
        path: String,
        /// The whole message.
        message: String,
    },
}

/// What a rule checks.
#[derive(Clone, Copy, Debug)]
pub enum Target<'p> {
    /// A pod, whatever it was before.
    Pod(&'p Pod<'p>),
    /// A pod, and the pod that it replaces; nothing if it is new.
    Update {
        /// The pod before the request.
        old: Option<&'p Pod<'p>>,
        /// The pod after the request.
        new: &'p Pod<'p>,
    },
    /// A connection to a running pod.
    Connect(&'p Connection<'p>),
}

impl<'p> Target<'p> {
    /// The pod, if the target is a pod whatever it was before.
    #[must_use]
    pub fn pod(&self) -> Option<&'p Pod<'p>> {
        match self {
            Self::Pod(pod) => Some(pod),
            Self::Update { .. } | Self::Connect(_) => None,
        }
    }

    /// The same, unless the pod runs on Windows, where it cannot set the fields of Linux.
    #[must_use]
    pub fn linux_pod(&self) -> Option<&'p Pod<'p>> {
        self.pod().filter(|pod| !pod.is_windows())
    }
}

/// The metadata of a rule.
#[derive(Clone, Copy, Debug)]
pub struct RuleMeta {
    /// The name of the rule in settings and messages. The file of the rule has the same name in snake case.
    pub id: &'static str,
    /// How much a finding matters.
    pub severity: Severity,
    /// The mode of the rule if the settings do not set it.
    pub default_mode: Mode,
    /// Whether the mode can be `fix`.
    pub can_fix: bool,
}

/// How much a finding matters. Reports show it. Verdicts do not depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A finding is a missing layer of defense.
    Low,
    /// A finding helps an attacker who has another way in.
    Medium,
    /// A finding lets a container change itself, or is most of the way to its node.
    High,
    /// A finding gives a container control of its node.
    Critical,
}

impl Severity {
    /// The severity as reports write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// The documentation of a rule, in Markdown.
#[derive(Clone, Copy, Debug)]
pub struct RuleDocs {
    /// What the rule enforces, in one sentence.
    pub summary: &'static str,
    /// What a finding is: a phrase that begins with an article.
    pub finding: &'static str,
    /// What a fix does: a phrase that begins with a verb.
    pub fix: Option<&'static str>,
    /// Why the rule matters: paragraphs.
    pub why: &'static str,
    /// How the rule decides, beyond the finding: paragraphs.
    pub how: Option<&'static str>,
    /// What the rule does not prevent or evaluate: paragraphs.
    pub limits: Option<&'static str>,
}

impl RuleDocs {
    /// What the rule enforces, what a finding is, and what a fix does, in one paragraph.
    #[must_use]
    pub fn description(&self) -> String {
        let fix = self.fix.map(|fix| format!(" The fix {fix}.")).unwrap_or_default();
        format!("{} A finding is {}.{fix}", self.summary, self.finding)
    }

    /// Why the rule matters, how it decides, and its limits.
    #[must_use]
    pub fn details(&self) -> String {
        let parts = [Some(self.why), self.how, self.limits];
        parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers are small.",
        finding: "a large container",
        fix: Some("shrinks the container"),
        why: "Large containers are slow.",
        how: Some("The rule weighs each container."),
        limits: Some("The rule does not weigh volumes."),
    };

    #[test]
    fn a_description_says_what_is_enforced_found_and_fixed() {
        assert_eq!(
            DOCS.description(),
            "Containers are small. A finding is a large container. The fix shrinks the container."
        );
        let without_fix = RuleDocs { fix: None, ..DOCS };
        assert_eq!(without_fix.description(), "Containers are small. A finding is a large container.");
    }

    #[test]
    fn details_are_paragraphs() {
        assert_eq!(
            DOCS.details(),
            "Large containers are slow.\n\nThe rule weighs each container.\n\nThe rule does not weigh volumes."
        );
        assert_eq!(RuleDocs { how: None, limits: None, ..DOCS }.details(), "Large containers are slow.");
    }

    #[test]
    fn reports_name_severities_in_lower_case() {
        let severities = [Severity::Low, Severity::Medium, Severity::High, Severity::Critical];
        assert_eq!(severities.map(Severity::as_str), ["low", "medium", "high", "critical"]);
    }
}
