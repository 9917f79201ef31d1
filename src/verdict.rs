//! From findings to the answer: admitted, admitted with warnings, or denied.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::field_path;
use crate::finding::Finding;
use crate::pod::Pod;
use crate::settings::{ActiveRule, Enforcement, Settings, Severity};

/// The HTTP status of a denial: forbidden.
const FORBIDDEN: u16 = 403;

/// The answer to `validate`.
///
/// It has the fields of the SDK's `ValidationResponse`, and an order: same input, same bytes out.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Response {
    /// Whether the object is admitted.
    pub accepted: bool,
    /// Why it is denied: one finding a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The HTTP status of a denial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The number of findings of each rule that has any, for the audit log.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audit_annotations: BTreeMap<&'static str, String>,
    /// What the user is told though the object is admitted, or besides the denial.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Response {
    /// The answer to what cannot be understood.
    #[must_use]
    pub fn unreadable(reason: String) -> Self {
        Self {
            accepted: false,
            message: Some(reason),
            code: Some(FORBIDDEN),
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
        }
    }
}

/// Judges the pods by every rule that is on.
#[must_use]
pub fn judge(pods: &[Pod<'_>], settings: &Settings) -> Response {
    let mut denials = Vec::new();
    let mut warnings = Vec::new();
    let mut audit_annotations = BTreeMap::new();
    for active in &settings.rules {
        let findings = check(active, pods);
        if findings.is_empty() {
            continue;
        }
        audit_annotations.insert(active.id, findings.len().to_string());
        match (settings.enforcement, active.severity) {
            (Enforcement::Deny, Severity::Deny) => {
                denials.extend(findings.iter().map(|finding| finding.line(active.id)));
            }
            _ => warnings.extend(findings.iter().map(|finding| finding.warning(active.id))),
        }
    }
    let accepted = denials.is_empty();
    Response {
        accepted,
        message: (!accepted).then(|| denials.join("\n")),
        code: (!accepted).then_some(FORBIDDEN),
        audit_annotations,
        warnings,
    }
}

fn check(active: &ActiveRule, pods: &[Pod<'_>]) -> Vec<Finding> {
    let mut findings: Vec<_> = pods.iter().flat_map(|pod| active.rule.check(pod)).collect();
    findings.sort_by(|a, b| field_path::compare(&a.path, &b.path));
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::json;
    use crate::value::Value;

    fn answer(settings: &serde_json::Value) -> Response {
        let spec = r#"{"hostPID": true, "containers": [{"name": "a", "image": "a:1",
            "securityContext": {"privileged": true, "allowPrivilegeEscalation": false,
                                "readOnlyRootFilesystem": true, "runAsUser": 1}}]}"#;
        let pod = Pod { path: "spec".into(), spec: json::from_slice(spec.as_bytes()).unwrap() };
        judge(&[pod], &Settings::read(&json::from_slice(settings.to_string().as_bytes()).unwrap()).unwrap())
    }

    const PRIVILEGED: &str = r#"spec.containers[0].securityContext.privileged: container "a" must not set it to true [privileged]"#;
    const HOST_PID: &str =
        "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";

    #[test]
    fn a_denial_lists_every_finding_in_the_order_of_the_rules() {
        let response = answer(&json!({}));
        assert!(!response.accepted);
        assert_eq!(response.message.unwrap(), format!("{PRIVILEGED}\n{HOST_PID}"));
        assert_eq!(response.code, Some(403));
        assert_eq!(
            response.audit_annotations,
            BTreeMap::from([("hostNamespaces", "1".to_owned()), ("privileged", "1".to_owned())])
        );
        assert_eq!(response.warnings, [""; 0]);
    }

    #[test]
    fn a_rule_that_warns_does_not_deny() {
        let response = answer(&json!({"privileged": "warn", "hostNamespaces": "off"}));
        assert!(response.accepted);
        assert_eq!((response.message, response.code), (None, None));
        assert_eq!(response.warnings, [PRIVILEGED]);
        assert_eq!(response.audit_annotations, BTreeMap::from([("privileged", "1".to_owned())]));
    }

    #[test]
    fn a_denial_carries_the_warnings_too() {
        let response = answer(&json!({"privileged": "warn"}));
        assert_eq!(response.message.unwrap(), HOST_PID);
        assert_eq!(response.warnings, [PRIVILEGED]);
    }

    #[test]
    fn enforcement_turns_denials_into_warnings() {
        let response = answer(&json!({"enforcement": "warn"}));
        assert!(response.accepted);
        assert_eq!(response.warnings, [PRIVILEGED, HOST_PID]);
    }

    #[test]
    fn an_answer_is_one_the_sdk_can_read() {
        let json = serde_json::to_string(&answer(&json!({"privileged": "warn"}))).unwrap();
        let read: kubewarden_policy_sdk::response::ValidationResponse = serde_json::from_str(&json).unwrap();
        assert!(!read.accepted);
        assert_eq!(read.message.as_deref(), Some(HOST_PID));
        assert_eq!(read.code, Some(403));
        assert_eq!(read.warnings.unwrap(), [PRIVILEGED]);
        assert_eq!(read.audit_annotations.unwrap().len(), 2);
        assert_eq!(
            serde_json::to_string(&judge(&[], &Settings::read(&Value::Null).unwrap())).unwrap(),
            r#"{"accepted":true}"#
        );
    }
}
