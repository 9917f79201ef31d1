//! What differs between two evaluations of the same object.

use crate::evaluation::{Evaluation, Finding, Verdict};

/// The difference between two evaluations of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The verdict before.
    pub before: Verdict,
    /// The verdict after.
    pub after: Verdict,
    /// Findings that only the evaluation before has.
    pub removed: Vec<Finding>,
    /// Findings that only the evaluation after has.
    pub added: Vec<Finding>,
    /// Whether both admit the object with other fixes.
    pub has_other_fixes: bool,
}

impl Difference {
    /// Compares two evaluations, of which nothing is returned if they are equal. The names of policies do not matter.
    #[must_use]
    pub fn between(before: &Evaluation, after: &Evaluation) -> Option<Self> {
        let fixed = |evaluation: &Evaluation| evaluation.fix.as_ref().map(|fix| fix.after.clone());
        let is_fixed_twice = before.verdict == Verdict::Fixed && after.verdict == Verdict::Fixed;
        let difference = Self {
            before: before.verdict,
            after: after.verdict,
            removed: without(&before.findings, &after.findings),
            added: without(&after.findings, &before.findings),
            has_other_fixes: is_fixed_twice && fixed(before) != fixed(after),
        };
        (!difference.is_empty()).then_some(difference)
    }

    fn is_empty(&self) -> bool {
        self.before == self.after && self.removed.is_empty() && self.added.is_empty() && !self.has_other_fixes
    }

    /// Returns whether the cluster rejects the object only afterwards.
    #[must_use]
    pub fn is_newly_rejected(&self) -> bool {
        !self.before.is_rejected() && self.after.is_rejected()
    }

    /// Returns whether the cluster rejects the object only before.
    #[must_use]
    pub fn is_newly_admitted(&self) -> bool {
        self.before.is_rejected() && !self.after.is_rejected()
    }
}

/// Returns the findings that other findings do not contain.
fn without(findings: &[Finding], others: &[Finding]) -> Vec<Finding> {
    let is_same = |one: &Finding, other: &Finding| {
        (one.level, &one.rule, &one.path, &one.message)
            == (other.level, &other.rule, &other.path, &other.message)
    };
    findings.iter().filter(|one| !others.iter().any(|other| is_same(one, other))).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;
    use crate::Policy;
    use crate::evaluation::Level;
    use crate::evaluator::Evaluator;
    use crate::manifest::{self, ReadOptions};
    use crate::policies::load::Loaded;
    use crate::policies::registration::Cluster;

    const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: 'nginx:1.29', \
                       securityContext: {allowPrivilegeEscalation: false, runAsNonRoot: true}}\n";

    fn evaluate(settings: &Value) -> Evaluation {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("web.yaml");
        std::fs::write(&file, POD).unwrap();
        let settings: Map<_, _> = settings.as_object().unwrap().clone();
        let evaluator =
            Evaluator::new(Policy::linked(), Loaded::settings(settings), Cluster::default()).unwrap();
        let manifest = manifest::read(&[file], &ReadOptions::default()).next().unwrap().unwrap();
        evaluator.evaluate(manifest).unwrap()
    }

    fn between(before: &Value, after: &Value) -> Option<Difference> {
        Difference::between(&evaluate(before), &evaluate(after))
    }

    #[test]
    fn equal_evaluations_do_not_differ() {
        assert_eq!(between(&json!({}), &json!({"readOnlyRootFilesystem": "deny"})), None);
    }

    #[test]
    fn verdicts_and_findings_differ() {
        let difference = between(&json!({"readOnlyRootFilesystem": "warn"}), &json!({})).unwrap();
        assert_eq!((difference.before, difference.after), (Verdict::Admitted, Verdict::Denied));
        assert!(difference.is_newly_rejected() && !difference.is_newly_admitted());
        let levels = |findings: &[Finding]| findings.iter().map(|finding| finding.level).collect::<Vec<_>>();
        assert_eq!(
            (levels(&difference.removed), levels(&difference.added)),
            (vec![Level::Warn], vec![Level::Deny])
        );
        let back = between(&json!({}), &json!({"readOnlyRootFilesystem": "off"})).unwrap();
        assert!(back.is_newly_admitted() && !back.is_newly_rejected());
        assert_eq!((back.removed.len(), back.added.len()), (1, 0));
    }

    #[test]
    fn fixes_differ() {
        let fixing = |more: Value| {
            let mut settings = json!({"readOnlyRootFilesystem": "fix"});
            settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            settings
        };
        let paths = json!({"writablePaths": [{"images": ["nginx"], "paths": ["/run"]}]});
        let difference = between(&fixing(json!({})), &fixing(paths)).unwrap();
        assert!(difference.has_other_fixes);
        assert_eq!((difference.before, difference.after), (Verdict::Fixed, Verdict::Fixed));
        assert_eq!(between(&fixing(json!({})), &fixing(json!({}))), None);
    }
}
