//! Label selectors.

use std::collections::BTreeMap;
use std::ops::BitAnd;

use serde::Deserialize;

/// A label selector. An empty one selects everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels with these values.
    pub match_labels: BTreeMap<String, String>,
    /// Requirements that labels must meet.
    pub match_expressions: Vec<Requirement>,
}

/// A requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Requirement {
    /// The key of the label.
    pub key: String,
    /// How the value is compared.
    pub operator: Operator,
    /// The values, for `In` and `NotIn`.
    #[serde(default)]
    pub values: Vec<String>,
}

/// How a requirement compares the value of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Operator {
    /// The value is one of the values.
    In,
    /// The label is unset, or has another value.
    NotIn,
    /// The label is set.
    Exists,
    /// The label is unset.
    DoesNotExist,
}

/// Whether something is selected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selected {
    /// It is selected.
    Yes,
    /// It is not selected.
    No,
    /// Labels decide that are not known here.
    Unknown,
}

impl From<bool> for Selected {
    fn from(selected: bool) -> Self {
        if selected { Self::Yes } else { Self::No }
    }
}

impl BitAnd for Selected {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Yes, Self::Yes) => Self::Yes,
        }
    }
}

/// The labels of an object, of which some may be unknown.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The known labels.
    pub known: BTreeMap<String, String>,
    /// Whether there may be other labels.
    pub may_have_others: bool,
}

impl LabelSelector {
    /// Returns whether the selector has no requirement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }

    /// Returns whether the selector selects an object with these labels.
    #[must_use]
    pub fn selects(&self, labels: &Labels) -> Selected {
        let by_labels = self.match_labels.iter().map(|(key, value)| match labels.known.get(key) {
            Some(found) => Selected::from(found == value),
            None => labels.if_unset(Selected::No),
        });
        let by_expressions = self.match_expressions.iter().map(|requirement| requirement.is_met(labels));
        by_labels.chain(by_expressions).fold(Selected::Yes, BitAnd::bitand)
    }
}

impl Labels {
    /// Returns what follows from a label that is not known.
    fn if_unset(&self, selected: Selected) -> Selected {
        if self.may_have_others { Selected::Unknown } else { selected }
    }
}

impl Requirement {
    fn is_met(&self, labels: &Labels) -> Selected {
        let Some(value) = labels.known.get(&self.key) else {
            return labels.if_unset(matches!(self.operator, Operator::NotIn | Operator::DoesNotExist).into());
        };
        match self.operator {
            Operator::In => self.values.contains(value).into(),
            Operator::NotIn => Selected::from(!self.values.contains(value)),
            Operator::Exists => Selected::Yes,
            Operator::DoesNotExist => Selected::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn labels(known: &[(&str, &str)], may_have_others: bool) -> Labels {
        let known = known.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Labels { known, may_have_others }
    }

    #[track_caller]
    fn selects(selector: Value, known: &[(&str, &str)], all_known: Selected, some_known: Selected) {
        let selector: LabelSelector = serde_json::from_value(selector).unwrap();
        assert_eq!(selector.selects(&labels(known, false)), all_known, "{selector:?}");
        assert_eq!(selector.selects(&labels(known, true)), some_known, "{selector:?}");
    }

    fn expression(key: &str, operator: &str, values: &[&str]) -> Value {
        json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]})
    }

    #[test]
    fn an_empty_selector_selects_everything() {
        selects(json!({}), &[], Selected::Yes, Selected::Yes);
        assert!(LabelSelector::default().is_empty());
    }

    #[test]
    fn every_operator_compares_a_known_label() {
        let known = &[("team", "web")];
        for (operator, values, selected) in [
            ("In", &["db", "web"][..], Selected::Yes),
            ("In", &["db"], Selected::No),
            ("NotIn", &["db"], Selected::Yes),
            ("NotIn", &["web"], Selected::No),
            ("Exists", &[], Selected::Yes),
            ("DoesNotExist", &[], Selected::No),
        ] {
            selects(expression("team", operator, values), known, selected, selected);
        }
        selects(json!({"matchLabels": {"team": "web"}}), known, Selected::Yes, Selected::Yes);
        selects(json!({"matchLabels": {"team": "db"}}), known, Selected::No, Selected::No);
    }

    #[test]
    fn an_unset_label_is_unknown_if_there_may_be_others() {
        for (operator, selected) in [
            ("In", Selected::No),
            ("NotIn", Selected::Yes),
            ("Exists", Selected::No),
            ("DoesNotExist", Selected::Yes),
        ] {
            selects(expression("team", operator, &["web"]), &[], selected, Selected::Unknown);
        }
        selects(json!({"matchLabels": {"team": "web"}}), &[], Selected::No, Selected::Unknown);
    }

    #[test]
    fn one_unmet_requirement_decides_whatever_is_unknown() {
        let selector = json!({"matchLabels": {"tier": "x", "team": "db"}});
        selects(selector, &[("team", "web")], Selected::No, Selected::No);
        let selector = json!({"matchLabels": {"team": "web", "tier": "x"}});
        selects(selector, &[("team", "web")], Selected::No, Selected::Unknown);
    }
}
