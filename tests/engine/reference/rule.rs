//! What the reference implementation knows of a rule: all of it is in the rule's own file.

use proptest::strategy::BoxedStrategy;
use serde_json::Value;

use super::findings::Findings;
use super::request::Request;

/// A field, and the generator of its values. A field that occurs several times is generated more often.
pub(super) type Field = (&'static str, BoxedStrategy<Value>);

/// The reference implementation of a rule, and what tests generate for the rule.
pub(super) struct ReferenceRule {
    /// The name of the rule in settings.
    pub(super) id: &'static str,
    /// The mode of the rule if the settings do not name it.
    pub(super) default_mode: &'static str,
    /// Returns the findings of the rule in a request.
    pub(super) check: fn(&Request<'_>) -> Findings,
    /// Every option that does not need a registry, with the effects that generated requests must show.
    pub(super) effects: &'static [(&'static str, &'static [Effect])],
    /// Returns generators of the options.
    pub(super) options: fn() -> Vec<Field>,
    /// Returns generators of the container fields that only this rule reads. Other fields are in `generators/pods.rs`.
    pub(super) container_fields: fn() -> Vec<Field>,
}

impl ReferenceRule {
    /// Returns a rule without options that denies by default.
    pub(super) const fn new(id: &'static str, check: fn(&Request<'_>) -> Findings) -> Self {
        Self { id, default_mode: "deny", check, effects: &[], options: Vec::new, container_fields: Vec::new }
    }
}

/// An effect of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effect {
    /// The option adds a finding.
    Reports,
    /// The option removes a finding.
    Allows,
}
