//! What a policy server makes of the response of a policy.
//!
//! Source: `admission_response_handler.rs` and `policy_group_evaluator/evaluator.rs` of kubewarden/adm-controller.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::expression::Expression;
use super::manifest::Mode;
use crate::evaluation::Level;
use crate::policy::{Error, Policy, ValidationResponse};
use crate::printable::lines;

/// What the policy server does with the responses of a policy.
#[derive(Debug, Clone)]
pub struct Handling {
    /// Whether it denies.
    pub mode: Mode,
    /// Whether the policy can change objects.
    pub is_mutating: bool,
    /// What users read instead of the findings; empty if they read the findings.
    pub message: String,
}

/// A group of policies.
#[derive(Debug, Clone)]
pub struct Group {
    /// The settings of the members, by name.
    pub members: BTreeMap<String, Value>,
    /// Which members must admit an object.
    pub expression: Expression,
}

/// What the policy server responds for a policy.
#[derive(Debug, Default)]
pub struct ServerResponse {
    /// The lines of the findings.
    pub lines: Vec<(Level, String)>,
    /// Whether the object is denied, and would be without mode `monitor`.
    pub denial: Option<Denial>,
    /// The changed object.
    pub mutated_object: Option<Value>,
    /// Whether there was nothing to evaluate.
    pub is_empty: bool,
}

/// A denial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The policy denies the object.
    ByPolicy,
    /// The policy would deny the object, but only monitors.
    Monitored,
    /// The policy server denies what the policy does. Contains the reason.
    ByServer(String),
}

/// Evaluates a request by one policy.
///
/// # Errors
///
/// If the policy has no response.
pub fn ask(
    policy: &Policy,
    settings: &Value,
    handling: &Handling,
    request: &Value,
) -> Result<ServerResponse, Error> {
    let mut response = policy.report(request, settings)?;
    let before = request.get("object").unwrap_or(&Value::Null);
    // A policy can return an unchanged object.
    response.mutated_object.take_if(|after| after == before);
    Ok(handle(response, handling))
}

fn handle(response: ValidationResponse, handling: &Handling) -> ServerResponse {
    let is_empty = response.has_nothing_to_evaluate();
    let denied = match handling.mode {
        Mode::Protect => Level::Deny,
        Mode::Monitor => Level::Monitor,
    };
    let mut found = Vec::new();
    if !response.accepted {
        found.extend(reasons(response.message.as_deref()).map(|line| (denied, line)));
    }
    found.extend(response.warnings.iter().flat_map(|text| lines(text)).map(|line| (Level::Warn, line)));
    let changes = response.mutated_object.is_some() && response.accepted;
    let denial = match (response.accepted, handling.mode) {
        (false, Mode::Protect) => Some(Denial::ByPolicy),
        (false, Mode::Monitor) => Some(Denial::Monitored),
        (true, Mode::Protect) if changes && !handling.is_mutating => Some(Denial::ByServer(
            "the policy fixes the object, but its `mutating` is false, and the policy server denies that"
                .to_owned(),
        )),
        (true, _) => None,
    };
    let is_applied = changes && denial.is_none() && handling.mode == Mode::Protect;
    let mutated_object = response.mutated_object.filter(|_| is_applied);
    ServerResponse { lines: found, denial, mutated_object, is_empty }
}

/// Returns the lines of a denial.
fn reasons(message: Option<&str>) -> impl Iterator<Item = String> {
    let mut reasons: Vec<String> = lines(message.unwrap_or_default()).collect();
    if reasons.is_empty() {
        reasons.push("the policy does not give a reason".to_owned());
    }
    reasons.into_iter()
}

/// Evaluates a request by a group. Its members cannot change the object, and their warnings are dropped.
///
/// # Errors
///
/// If a member has no response.
pub fn ask_group(
    policy: &Policy,
    group: &Group,
    handling: &Handling,
    request: &Value,
) -> Result<ServerResponse, Error> {
    let member_handling = Handling { mode: Mode::Protect, is_mutating: true, message: String::new() };
    let mut causes = Vec::new();
    let (mut asked, mut empty) = (0, 0);
    // The members are pure, so each is asked once.
    let mut known: BTreeMap<String, bool> = BTreeMap::new();
    let admits = group.expression.evaluate(&mut |name| {
        if let Some(admits) = known.get(name) {
            return Ok(*admits);
        }
        let settings = group.members.get(name).unwrap_or(&Value::Null);
        let response = ask(policy, settings, &member_handling, request)?;
        asked += 1;
        empty += usize::from(response.is_empty);
        let admits = response.denial.is_none() && response.mutated_object.is_none();
        if response.mutated_object.is_some() {
            causes.push(format!("member {name} fixes the object, which a group does not allow"));
        }
        let denied = response.lines.into_iter().filter(|(level, _)| *level == Level::Deny);
        causes.extend(denied.map(|(_, line)| line));
        known.insert(name.to_owned(), admits);
        Ok::<_, Error>(admits)
    })?;
    if admits {
        return Ok(ServerResponse { is_empty: asked > 0 && asked == empty, ..ServerResponse::default() });
    }
    let (level, denial) = match handling.mode {
        Mode::Protect => (Level::Deny, Denial::ByPolicy),
        Mode::Monitor => (Level::Monitor, Denial::Monitored),
    };
    let mut seen = BTreeSet::new();
    causes.retain(|cause| seen.insert(cause.clone()));
    let found = std::iter::once(handling.message.clone()).chain(causes).map(|line| (level, line)).collect();
    Ok(ServerResponse { lines: found, denial: Some(denial), ..ServerResponse::default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn protect() -> Handling {
        Handling { mode: Mode::Protect, is_mutating: false, message: String::new() }
    }

    fn mutating() -> Handling {
        Handling { is_mutating: true, ..protect() }
    }

    fn monitor() -> Handling {
        Handling { mode: Mode::Monitor, ..mutating() }
    }

    /// A pod that violates rules which can be fixed, and no other rule.
    fn fixable() -> Value {
        let container = json!({"name": "web", "image": "nginx:1.29",
            "securityContext": {"allowPrivilegeEscalation": false, "runAsNonRoot": true}});
        request(&json!({"containers": [container]}))
    }

    fn request(spec: &Value) -> Value {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec});
        crate::admission::create(pod.as_object().unwrap().clone())
    }

    fn fix() -> Value {
        json!({"readOnlyRootFilesystem": "fix"})
    }

    #[track_caller]
    fn response(settings: &Value, handling: &Handling, request: &Value) -> ServerResponse {
        ask(&Policy::linked(), settings, handling, request).unwrap()
    }

    const UNSET: &str = "spec.containers[0].securityContext.readOnlyRootFilesystem: container \"web\" must set it to true [readOnlyRootFilesystem]";

    #[test]
    fn a_denial_is_a_denial() {
        let response = response(&json!({}), &protect(), &fixable());
        assert_eq!(response.denial, Some(Denial::ByPolicy));
        assert_eq!(response.lines, [(Level::Deny, UNSET.to_owned())]);
    }

    #[test]
    fn a_mutating_policy_changes_the_object() {
        let response = response(&fix(), &mutating(), &fixable());
        assert_eq!(response.denial, None);
        let context = "/spec/containers/0/securityContext/readOnlyRootFilesystem";
        assert_eq!(response.mutated_object.unwrap().pointer(context), Some(&json!(true)));
    }

    #[test]
    fn the_policy_server_denies_changes_of_a_validating_policy() {
        let response = response(&fix(), &protect(), &fixable());
        let reason =
            "the policy fixes the object, but its `mutating` is false, and the policy server denies that"
                .to_owned();
        assert_eq!(response.denial, Some(Denial::ByServer(reason)));
        assert_eq!(response.mutated_object, None);
    }

    #[test]
    fn mode_monitor_admits_the_unchanged_object() {
        let denied = response(&json!({}), &monitor(), &fixable());
        assert_eq!(denied.denial, Some(Denial::Monitored));
        assert_eq!(denied.lines, [(Level::Monitor, UNSET.to_owned())]);
        let fixed = response(&fix(), &monitor(), &fixable());
        assert_eq!((fixed.denial, fixed.mutated_object), (None, None));
    }

    #[test]
    fn warnings_come_with_any_verdict() {
        let settings = json!({"readOnlyRootFilesystem": "warn"});
        let response = response(&settings, &protect(), &fixable());
        assert_eq!(response.denial, None);
        assert_eq!(response.lines, [(Level::Warn, UNSET.to_owned())]);
    }

    fn group(expression: &str) -> Group {
        let members = BTreeMap::from([
            ("strict".to_owned(), json!({})),
            ("lenient".to_owned(), json!({"readOnlyRootFilesystem": "off"})),
            ("fixing".to_owned(), fix()),
        ]);
        let names = members.keys().map(String::as_str).collect();
        Group { expression: Expression::parse(expression, &names).unwrap(), members: members.clone() }
    }

    fn handling_of_group() -> Handling {
        Handling { message: "no".to_owned(), ..protect() }
    }

    #[track_caller]
    fn group_response(expression: &str, request: &Value) -> ServerResponse {
        ask_group(&Policy::linked(), &group(expression), &handling_of_group(), request).unwrap()
    }

    #[test]
    fn the_expression_of_a_group_decides() {
        assert_eq!(group_response("strict() || lenient()", &fixable()).denial, None);
        let response = group_response("lenient() && strict() && strict()", &fixable());
        assert_eq!(response.denial, Some(Denial::ByPolicy));
        assert_eq!(response.lines, [(Level::Deny, "no".to_owned()), (Level::Deny, UNSET.to_owned())]);
    }

    #[test]
    fn a_member_of_a_group_cannot_change_the_object() {
        let response = group_response("fixing()", &fixable());
        let cause = "member fixing fixes the object, which a group does not allow".to_owned();
        assert_eq!(response.lines, [(Level::Deny, "no".to_owned()), (Level::Deny, cause)]);
        assert_eq!(response.mutated_object, None);
    }

    #[test]
    fn a_group_in_mode_monitor_admits() {
        let handling = Handling { mode: Mode::Monitor, ..handling_of_group() };
        let response = ask_group(&Policy::linked(), &group("strict()"), &handling, &fixable()).unwrap();
        assert_eq!(response.denial, Some(Denial::Monitored));
        assert_eq!(response.lines.first(), Some(&(Level::Monitor, "no".to_owned())));
    }

    #[test]
    fn an_object_without_a_pod_is_nothing_to_evaluate() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let request = crate::admission::create(object.as_object().unwrap().clone());
        assert!(response(&json!({}), &protect(), &request).is_empty);
        assert!(group_response("strict() && lenient()", &request).is_empty);
    }
}
