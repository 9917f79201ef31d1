//! What was found out about one object: its verdict, its findings, and what each policy said.

use std::fmt;

use immutable_pods_policy::rules::rule::Severity;
use serde::Serialize;
use serde_json::Value;

use crate::admission::Subject;
use crate::input::{Position, Source};
use crate::rules;

/// The evaluation of one object by all policies.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The file, and the place in it.
    pub source: Source,
    /// The object.
    pub subject: Subject,
    /// The verdict of all policies together.
    pub verdict: Verdict,
    /// The findings, in the order of the policies.
    pub findings: Vec<Finding>,
    /// What each policy said, in the order in which API servers ask them. Without manifests of policies, there is one without a name.
    pub policies: Vec<PolicyResult>,
    /// The changes of fixes, if the object is admitted and was changed.
    pub fix: Option<Fix>,
}

impl Evaluation {
    /// Returns the reasons of policy servers that no finding repeats.
    pub fn reasons_of_servers(&self) -> impl Iterator<Item = &str> {
        let reasons = self.policies.iter().filter_map(|policy| match &policy.outcome {
            PolicyOutcome::Refused(reason) => Some(reason.as_str()),
            _ => None,
        });
        reasons.filter(|reason| self.findings.iter().all(|finding| finding.message != *reason))
    }
}

/// The verdict on an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// Every policy admits the object.
    Admitted,
    /// Every policy admits the object, and at least one changes it.
    Fixed,
    /// At least one policy denies the object.
    Denied,
    /// The policy server does not let a policy do what it does: it denies the object, or does not load the policy.
    Refused,
    /// The object contains no pod.
    NothingToEvaluate,
    /// API servers do not ask any policy about the object.
    Skipped,
}

impl Verdict {
    /// Returns the verdict for people.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Fixed => "admitted, fixed",
            Self::Denied => "denied",
            Self::Refused => "refused",
            Self::NothingToEvaluate => "nothing to evaluate",
            Self::Skipped => "skipped",
        }
    }

    /// Returns whether the cluster rejects the object.
    #[must_use]
    pub fn is_rejected(self) -> bool {
        matches!(self, Self::Denied | Self::Refused)
    }
}

/// What a policy said about an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyResult {
    /// The name of the policy; empty for bare settings.
    pub name: String,
    /// The outcome.
    pub outcome: PolicyOutcome,
    /// What could not be evaluated here, in sentences: `matchConditions are not evaluated`.
    pub notes: Vec<String>,
}

/// The outcome of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyOutcome {
    /// The policy has no finding.
    Pass,
    /// The policy changes the object.
    Fixed,
    /// The policy warns.
    Warn,
    /// The policy denies the object.
    Fail,
    /// The policy would deny the object, but its mode is `monitor`.
    Monitored,
    /// The policy server would deny the object for what the policy does. Contains the reason.
    Refused(String),
    /// API servers do not ask the policy. Contains the reason.
    Skipped(String),
}

/// A finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether the finding denies the object.
    pub level: Level,
    /// The id of the rule. A reason that the rules did not give, such as that of a policy server, has none.
    pub rule: Option<String>,
    /// The path of the field, such as `spec.containers[0].image`.
    pub path: Option<String>,
    /// Who must change what: `container "web" must set it to true`.
    pub message: String,
    /// The place of the field in the file. The place of the closest parent, if the field is unset.
    pub position: Option<Position>,
    /// The same for the same finding in another version of the file: it depends on the rule, the object and the
    /// path of the field with names instead of indices. 16 hexadecimal digits.
    pub fingerprint: String,
    /// The name of the policy; empty for bare settings.
    pub policy: String,
}

/// Whether a finding denies the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    /// The finding is a warning.
    Warn,
    /// The finding would deny the object, but the policy is in mode `monitor`.
    Monitor,
    /// The finding denies the object.
    Deny,
}

impl Level {
    /// Returns what precedes a finding in a text. A denial needs no label.
    #[must_use]
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::Warn => Some("warning:"),
            Self::Monitor => Some("monitored:"),
            Self::Deny => None,
        }
    }
}

/// The changes of fixes to an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Fix {
    /// The object in the file, with its namespace.
    pub before: Value,
    /// The object that the cluster stores.
    pub after: Value,
}

impl Finding {
    /// Returns the severity of the rule. The rules of other policies have none.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        let rule = rules::find(self.rule.as_deref()?)?;
        Some(rule.meta().severity)
    }
}

impl fmt::Display for Finding {
    /// Writes the line that the rules wrote: `path: who must … [rule]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(f, "{path}: ")?;
        }
        f.write_str(&self.message)?;
        match &self.rule {
            Some(rule) => write!(f, " [{rule}]"),
            None => Ok(()),
        }
    }
}
