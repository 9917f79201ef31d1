//! Whether a preset covers an item of a standard.

use std::fmt;

use immutable_pods_policy::rules::RuleId;

use super::super::preset::Preset;
use super::standards::{Item, Requirement};

/// Whether a preset covers an item.
#[derive(Debug, PartialEq)]
pub(super) enum Coverage {
    Full,
    /// The gaps.
    Partial(String),
    /// The modes in which rules do not deny, if any rule checks the item.
    None(Option<String>),
}

impl fmt::Display for Coverage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => formatter.write_str("yes"),
            Self::Partial(gaps) => write!(formatter, "partly: {gaps}"),
            Self::None(Some(reason)) => write!(formatter, "no: {reason}"),
            Self::None(None) => formatter.write_str("no"),
        }
    }
}

/// Returns whether a preset covers an item that these rules cover: all rules must deny, with the options that the item needs.
pub(super) fn coverage(item: &Item, rules: &[RuleId], preset: &Preset) -> Coverage {
    if item.not_covered.is_some() {
        return Coverage::None(None);
    }
    let (denying, other): (Vec<_>, Vec<_>) = rules.iter().partition(|rule| preset.denies(**rule));
    let mut gaps: Vec<_> = ["off", "warn"].iter().filter_map(|mode| mode_gap(mode, &other, preset)).collect();
    if denying.is_empty() {
        return Coverage::None((!gaps.is_empty()).then(|| gaps.join("; ")));
    }
    gaps.extend(option_gaps(item, &denying, preset));
    if gaps.is_empty() { Coverage::Full } else { Coverage::Partial(gaps.join("; ")) }
}

/// Returns which of the rules have a mode in which they do not deny.
fn mode_gap(mode: &str, rules: &[RuleId], preset: &Preset) -> Option<String> {
    let names: Vec<_> = rules
        .iter()
        .filter(|rule| preset.mode(**rule) == mode)
        .map(|rule| format!("`{}`", rule.meta().id))
        .collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    (!names.is_empty()).then(|| format!("{} {verb} `{mode}`", names.join(", ")))
}

/// Returns what the rules do not deny because of their options.
fn option_gaps(item: &Item, rules: &[RuleId], preset: &Preset) -> Vec<String> {
    let is_gap = |requirement: &&Requirement| {
        let mut rules = rules.iter().filter(|rule| rule.meta().id == requirement.rule);
        rules.any(|rule| !(requirement.is_met)(&preset.option(*rule, requirement.key)))
    };
    item.requirements.iter().filter(is_gap).map(|requirement| requirement.gap.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::preset::DEFAULT;
    use super::*;

    const ITEM: Item = Item {
        id: "",
        title: "",
        requirements: &[Requirement {
            rule: "capabilities",
            key: "requiredDrop",
            is_met: |value| *value == json!(["ALL"]),
            gap: "not all are dropped",
        }],
        not_covered: None,
    };

    #[track_caller]
    fn check(rules: &[RuleId], settings: Value, expected: &str) {
        let preset = Preset { name: DEFAULT, settings };
        assert_eq!(coverage(&ITEM, rules, &preset).to_string(), expected);
    }

    #[test]
    fn an_item_is_covered_if_all_its_rules_deny() {
        let rules = [RuleId::Privileged, RuleId::HostPorts, RuleId::EphemeralContainers];
        check(&rules[..1], json!({}), "yes");
        check(&rules[..1], json!({"privileged": "warn"}), "no: `privileged` is `warn`");
        check(&rules[..2], json!({}), "partly: `hostPorts` is `off`");
        check(&rules[..2], json!({"hostPorts": "deny"}), "yes");
        check(&rules[1..], json!({}), "no: `hostPorts`, `ephemeralContainers` are `off`");
        check(&[], json!({}), "no");
    }

    #[test]
    fn an_item_can_need_an_option() {
        let rules = [RuleId::Capabilities];
        check(&rules, json!({}), "partly: not all are dropped");
        check(&rules, json!({"capabilities": {"requiredDrop": ["ALL"]}}), "yes");
        check(&rules, json!({"capabilities": "off"}), "no: `capabilities` is `off`");
    }

    #[test]
    fn an_item_can_be_out_of_reach_of_rules() {
        let item = Item { not_covered: Some("is a decision"), ..ITEM };
        let preset = Preset { name: DEFAULT, settings: Value::Null };
        assert_eq!(coverage(&item, &[RuleId::Privileged], &preset), Coverage::None(None));
    }
}
