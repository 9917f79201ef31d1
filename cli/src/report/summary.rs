//! Counts what a report contains.

use std::collections::BTreeMap;
use std::fmt;

use immutable_pods_policy::evaluation::report::count;

use crate::evaluation::{Evaluation, Level, Verdict};

/// The number of objects by verdict, of warnings, of unreadable inputs, and of findings by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Admitted objects, fixed or not.
    pub admitted: usize,
    /// Admitted objects that a policy changed.
    pub fixed: usize,
    /// Objects that a policy denies.
    pub denied: usize,
    /// Objects that the policy server denies.
    pub refused: usize,
    /// Objects with nothing to evaluate.
    pub empty: usize,
    /// Objects that API servers do not send to any policy.
    pub skipped: usize,
    /// Findings that are warnings.
    pub warnings: usize,
    /// Findings that would deny, but the mode of their policy is `monitor`.
    pub monitored: usize,
    /// Inputs that cannot be evaluated.
    pub unreadable: usize,
    /// Findings by the id of their rule.
    pub findings: BTreeMap<String, usize>,
}

impl Summary {
    /// Counts an object with its findings.
    pub fn add(&mut self, evaluation: &Evaluation) {
        match evaluation.verdict {
            Verdict::Admitted => self.admitted += 1,
            Verdict::Fixed => {
                self.admitted += 1;
                self.fixed += 1;
            }
            Verdict::Denied => self.denied += 1,
            Verdict::Refused => self.refused += 1,
            Verdict::NothingToEvaluate => self.empty += 1,
            Verdict::Skipped => self.skipped += 1,
        }
        for finding in &evaluation.findings {
            match finding.level {
                Level::Warn => self.warnings += 1,
                Level::Monitor => self.monitored += 1,
                Level::Deny => {}
            }
            if let Some(rule) = &finding.rule {
                *self.findings.entry(rule.clone()).or_default() += 1;
            }
        }
    }

    /// Counts an input that cannot be evaluated.
    pub fn add_unreadable(&mut self) {
        self.unreadable += 1;
    }

    /// Returns the number of objects.
    #[must_use]
    pub fn objects(&self) -> usize {
        self.admitted + self.rejected() + self.empty + self.skipped
    }

    /// Returns the number of objects that the cluster rejects.
    #[must_use]
    pub fn rejected(&self) -> usize {
        self.denied + self.refused
    }

    /// Returns the number of findings of each rule, the most frequent first, rules with the same number by name.
    #[must_use]
    pub fn by_frequency(&self) -> Vec<(&str, usize)> {
        let mut rules: Vec<_> = self.findings.iter().map(|(rule, count)| (rule.as_str(), *count)).collect();
        rules.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        rules
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let objects = count(self.objects(), "object");
        write!(f, "{objects}: {} admitted, {} denied", self.admitted, self.denied)?;
        for (number, what) in [
            (self.refused, "refused"),
            (self.empty, "with nothing to evaluate"),
            (self.skipped, "skipped"),
            (self.fixed, "fixed"),
        ] {
            if number > 0 {
                write!(f, ", {number} {what}")?;
            }
        }
        if self.warnings > 0 {
            write!(f, ", {}", count(self.warnings, "warning"))?;
        }
        if self.monitored > 0 {
            write!(f, ", {} monitored", count(self.monitored, "finding"))?;
        }
        if self.unreadable > 0 {
            write!(f, ", {}", count(self.unreadable, "unreadable input"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_names_what_exists() {
        let admitted = Summary { admitted: 1, ..Summary::default() };
        assert_eq!(admitted.to_string(), "1 object: 1 admitted, 0 denied");
        let all = Summary {
            admitted: 2,
            fixed: 1,
            denied: 1,
            refused: 1,
            empty: 1,
            skipped: 1,
            warnings: 1,
            monitored: 2,
            unreadable: 1,
            findings: BTreeMap::new(),
        };
        assert_eq!(
            all.to_string(),
            "6 objects: 2 admitted, 1 denied, 1 refused, 1 with nothing to evaluate, 1 skipped, 1 fixed, 1 warning, \
             2 findings monitored, 1 unreadable input"
        );
    }

    #[test]
    fn the_most_frequent_rule_is_first() {
        let counts = [("b", 1), ("c", 2), ("a", 1)].map(|(rule, count)| (rule.to_owned(), count));
        let summary = Summary { findings: BTreeMap::from(counts), ..Summary::default() };
        assert_eq!(summary.by_frequency(), [("c", 2), ("a", 1), ("b", 1)]);
    }
}
