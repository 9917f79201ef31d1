//! The policies of a cluster: which of them API servers ask about an object, in which order, and what policy servers respond.

pub mod advice;
pub mod expression;
pub mod load;
pub mod manifest;
pub mod namespaces;
pub mod registration;
pub mod selector;
pub mod server;

use serde_json::Value;

use crate::admission::Subject;
use crate::evaluation::{Fix, Level, PolicyOutcome, PolicyResult, Verdict};
use crate::finding::finding;
use crate::policy::{Error, Policy};

use registration::{Asked, Cluster, Registration};
use server::{Denial, Group, Handling, ServerResponse, ask, ask_group};

/// A policy with its registration.
#[derive(Debug, Clone)]
pub struct RegisteredPolicy {
    /// Its name for people; empty for the only bare settings.
    pub name: String,
    /// The name of its webhook, by which API servers order mutating webhooks.
    pub webhook: String,
    /// The policy server that loads it.
    pub server: String,
    /// Whether it is for one namespace.
    pub is_namespaced: bool,
    /// The requests that API servers send. Bare settings evaluate every request.
    pub registration: Option<Registration>,
    /// What the policy server does with the response.
    pub handling: Handling,
    /// What is evaluated.
    pub evaluator: Evaluator,
}

/// What a policy evaluates with.
#[derive(Debug, Clone)]
pub enum Evaluator {
    /// The settings of one policy.
    Settings(Value),
    /// The settings of the members of a group.
    Group(Group),
}

/// All policies of a cluster, in the order in which API servers ask them: mutating policies by name, then validating policies by
/// name.
#[derive(Debug, Clone)]
pub struct PolicySet(Vec<RegisteredPolicy>);

/// What all policies said about a request.
#[derive(Debug)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// The findings, without places.
    pub findings: Vec<crate::evaluation::Finding>,
    /// What each policy said.
    pub policies: Vec<PolicyResult>,
    /// The changes.
    pub fix: Option<Fix>,
}

impl PolicySet {
    /// Orders policies like API servers.
    #[must_use]
    pub fn new(mut policies: Vec<RegisteredPolicy>) -> Self {
        policies.sort_by(|a, b| {
            let key = |policy: &RegisteredPolicy| !policy.handling.is_mutating;
            key(a).cmp(&key(b)).then_with(|| a.webhook.cmp(&b.webhook))
        });
        Self(policies)
    }

    /// Returns the policies.
    #[must_use]
    pub fn policies(&self) -> &[RegisteredPolicy] {
        &self.0
    }

    /// Evaluates a request like a cluster with these policies: each mutating policy gets the object of the one before, and every
    /// validating policy gets the final object.
    ///
    /// # Errors
    ///
    /// If a policy has no response.
    pub fn evaluate(&self, engine: &Policy, cluster: &Cluster, request: Value) -> Result<Outcome, Error> {
        let mut run = Run { subject: Subject::of(&request), request, before: None, results: Vec::new() };
        let mut findings = Vec::new();
        let mut stopped_by: Option<&str> = None;
        for policy in &self.0 {
            if let Some(by) = stopped_by {
                run.skip(policy, format!("policy {by} denies the object before"));
                continue;
            }
            let notes = match policy.asked(&run.request, cluster) {
                Asked::Yes(notes) => notes,
                Asked::No(reason) => {
                    run.skip(policy, reason);
                    continue;
                }
            };
            let mut response = policy.ask(engine, &run.request)?;
            let object = run.request.get("object").unwrap_or(&Value::Null);
            let lines = std::mem::take(&mut response.lines);
            findings.extend(
                lines.iter().map(|(level, line)| finding(line, *level, &policy.name, &run.subject, object)),
            );
            let is_rejected = matches!(response.denial, Some(Denial::ByPolicy | Denial::ByServer(_)));
            if policy.handling.is_mutating && is_rejected {
                stopped_by = Some(&policy.name);
            }
            run.add(policy, response, &lines, notes);
        }
        Ok(run.finish(findings))
    }
}

impl RegisteredPolicy {
    fn asked(&self, request: &Value, cluster: &Cluster) -> Asked {
        self.registration
            .as_ref()
            .map_or_else(|| Asked::Yes(Vec::new()), |registration| registration.covers(request, cluster))
    }

    fn ask(&self, engine: &Policy, request: &Value) -> Result<ServerResponse, Error> {
        match &self.evaluator {
            Evaluator::Settings(settings) => ask(engine, settings, &self.handling, request),
            Evaluator::Group(group) => ask_group(engine, group, &self.handling, request),
        }
    }
}

/// A request on its way through the policies.
struct Run {
    subject: Subject,
    request: Value,
    /// The object before the first change.
    before: Option<Value>,
    results: Vec<Step>,
}

/// What one policy did.
struct Step {
    result: PolicyResult,
    /// Whether there was nothing to evaluate.
    is_empty: bool,
}

impl Run {
    fn skip(&mut self, policy: &RegisteredPolicy, reason: String) {
        let result = PolicyResult {
            name: policy.name.clone(),
            outcome: PolicyOutcome::Skipped(reason),
            notes: Vec::new(),
        };
        self.results.push(Step { result, is_empty: false });
    }

    fn add(
        &mut self,
        policy: &RegisteredPolicy,
        response: ServerResponse,
        lines: &[(Level, String)],
        mut notes: Vec<String>,
    ) {
        let is_denied = matches!(response.denial, Some(Denial::ByPolicy));
        if is_denied
            && !policy.handling.message.is_empty()
            && matches!(policy.evaluator, Evaluator::Settings(_))
        {
            notes.push(format!("users of the cluster read its own message: {}", policy.handling.message));
        }
        let outcome = match response.denial {
            Some(Denial::ByPolicy) => PolicyOutcome::Fail,
            Some(Denial::Monitored) => PolicyOutcome::Monitored,
            Some(Denial::ByServer(reason)) => PolicyOutcome::Refused(reason),
            None if response.mutated_object.is_some() => PolicyOutcome::Fixed,
            None if !lines.is_empty() => PolicyOutcome::Warn,
            None => PolicyOutcome::Pass,
        };
        if let (Some(after), Some(request)) = (response.mutated_object, self.request.as_object_mut()) {
            let before = request.insert("object".to_owned(), after);
            self.before = self.before.take().or(before);
        }
        let result = PolicyResult { name: policy.name.clone(), outcome, notes };
        self.results.push(Step { result, is_empty: response.is_empty });
    }

    fn finish(self, findings: Vec<crate::evaluation::Finding>) -> Outcome {
        let has =
            |test: fn(&PolicyOutcome) -> bool| self.results.iter().any(|step| test(&step.result.outcome));
        let asked =
            || self.results.iter().filter(|step| !matches!(step.result.outcome, PolicyOutcome::Skipped(_)));
        let verdict = if has(|outcome| matches!(outcome, PolicyOutcome::Fail)) {
            Verdict::Denied
        } else if has(|outcome| matches!(outcome, PolicyOutcome::Refused(_))) {
            Verdict::Refused
        } else if asked().next().is_none() {
            Verdict::Skipped
        } else if asked().all(|step| step.is_empty) {
            Verdict::NothingToEvaluate
        } else if self.before.is_some() {
            Verdict::Fixed
        } else {
            Verdict::Admitted
        };
        let Run { mut request, before, results, .. } = self;
        let after = request.get_mut("object").map(Value::take).unwrap_or_default();
        let fix = before.filter(|_| verdict == Verdict::Fixed).map(|before| Fix { before, after });
        Outcome { verdict, findings, policies: results.into_iter().map(|step| step.result).collect(), fix }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use manifest::{KubewardenKind, Mode};

    fn policy(name: &str, is_mutating: bool, settings: Value, mode: Mode) -> RegisteredPolicy {
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods", "configmaps"]});
        let spec = serde_json::from_value(json!({"rules": [rule]})).unwrap();
        RegisteredPolicy {
            name: name.to_owned(),
            webhook: format!("clusterwide-{name}"),
            server: "default".to_owned(),
            is_namespaced: false,
            registration: Some(Registration::new(KubewardenKind::ClusterPolicy, None, &spec)),
            handling: Handling { mode, is_mutating, message: String::new() },
            evaluator: Evaluator::Settings(settings),
        }
    }

    fn object(kind: &str) -> Value {
        let container = json!({"name": "web", "image": "nginx:1.29",
            "securityContext": {"allowPrivilegeEscalation": false, "runAsNonRoot": true}});
        let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "web"}, "spec": {"containers": [container]}});
        crate::admission::create(object.as_object().unwrap().clone())
    }

    #[track_caller]
    fn evaluate(policies: Vec<RegisteredPolicy>, request: Value) -> Outcome {
        PolicySet::new(policies).evaluate(&Policy::linked(), &Cluster::default(), request).unwrap()
    }

    fn outcomes(outcome: &Outcome) -> Vec<(&str, &PolicyOutcome)> {
        outcome.policies.iter().map(|result| (&*result.name, &result.outcome)).collect()
    }

    fn fix() -> Value {
        json!({"readOnlyRootFilesystem": "fix"})
    }

    #[test]
    fn validating_policies_evaluate_what_mutating_policies_leave() {
        let policies = vec![
            policy("a-deny", false, json!({}), Mode::Protect),
            policy("z-fix", true, fix(), Mode::Protect),
        ];
        let outcome = evaluate(policies, object("Pod"));
        assert_eq!(outcome.verdict, Verdict::Fixed);
        assert_eq!(outcomes(&outcome), [("z-fix", &PolicyOutcome::Fixed), ("a-deny", &PolicyOutcome::Pass)]);
        let Fix { before, after } = outcome.fix.unwrap();
        let field = "/spec/containers/0/securityContext/readOnlyRootFilesystem";
        assert_eq!((before.pointer(field), after.pointer(field)), (None, Some(&json!(true))));
    }

    #[test]
    fn mutating_policies_are_asked_by_name_and_the_first_denial_ends_it() {
        let policies = vec![
            policy("validate", false, json!({}), Mode::Protect),
            policy("b", true, fix(), Mode::Protect),
            policy("a", true, json!({}), Mode::Protect),
        ];
        let outcome = evaluate(policies, object("Pod"));
        assert_eq!(outcome.verdict, Verdict::Denied);
        let skipped = PolicyOutcome::Skipped("policy a denies the object before".to_owned());
        assert_eq!(
            outcomes(&outcome),
            [("a", &PolicyOutcome::Fail), ("b", &skipped), ("validate", &skipped)]
        );
        assert_eq!(outcome.fix, None);
        let levels: Vec<_> =
            outcome.findings.iter().map(|finding| (finding.level, &*finding.policy)).collect();
        assert_eq!(levels, [(Level::Deny, "a")]);
    }

    #[test]
    fn a_validating_policy_that_fixes_is_refused() {
        let outcome = evaluate(vec![policy("fix", false, fix(), Mode::Protect)], object("Pod"));
        assert_eq!(outcome.verdict, Verdict::Refused);
        assert!(matches!(outcomes(&outcome)[..], [("fix", PolicyOutcome::Refused(_))]));
    }

    #[test]
    fn monitored_denials_admit() {
        let outcome = evaluate(vec![policy("watch", false, json!({}), Mode::Monitor)], object("Pod"));
        assert_eq!(outcome.verdict, Verdict::Admitted);
        assert_eq!(outcomes(&outcome), [("watch", &PolicyOutcome::Monitored)]);
        assert_eq!(outcome.findings.first().map(|finding| finding.level), Some(Level::Monitor));
    }

    #[test]
    fn objects_of_other_resources_are_skipped() {
        let outcome = evaluate(vec![policy("pods", false, json!({}), Mode::Protect)], object("Service"));
        assert_eq!(outcome.verdict, Verdict::Skipped);
        let reason = PolicyOutcome::Skipped("its rules do not name CREATE of services".to_owned());
        assert_eq!(outcomes(&outcome), [("pods", &reason)]);
    }

    #[test]
    fn objects_without_a_pod_are_nothing_to_evaluate() {
        let mut request = object("ConfigMap");
        request["object"]["spec"] = Value::Null;
        let outcome = evaluate(vec![policy("pods", false, json!({}), Mode::Protect)], request);
        assert_eq!(outcome.verdict, Verdict::NothingToEvaluate);
    }

    #[test]
    fn the_message_of_a_policy_is_noted() {
        let mut policy = policy("pods", false, json!({}), Mode::Protect);
        policy.handling.message = "ask the platform team".to_owned();
        let outcome = evaluate(vec![policy], object("Pod"));
        assert_eq!(
            outcome.policies.first().unwrap().notes,
            ["users of the cluster read its own message: ask the platform team"]
        );
    }
}
