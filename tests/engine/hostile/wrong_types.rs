//! Fields with values of the wrong type.

use super::{
    GOOD, POD, admits, denial_reason, denies, object, object_at, pod, response_to, with_security_context,
};
use crate::module::lines;

#[test]
fn a_pod_without_a_spec_is_denied() {
    denies(object(POD, "{}"), "spec: missing");
    denies(object(POD, r#"{"Spec": {}}"#), "spec: missing");
    denies(pod("null"), "spec: missing");
    denies(pod("\"x\""), "spec: expected an object, got a string");
    denies(pod("[]"), "spec: expected an object, got a list");
    denies(pod("1"), "spec: expected an object, got a number");
    denies(pod("false"), "spec: expected an object, got a boolean");
    denies(
        object(r#"{"group": "apps", "kind": "Deployment"}"#, r#"{"spec": {"template": {"spec": "x"}}}"#),
        "spec.template.spec: expected an object, got a string",
    );
    denies(
        object(r#"{"group": "batch", "kind": "CronJob"}"#, r#"{"spec": {"jobTemplate": {"spec": {}}}}"#),
        "spec.jobTemplate.spec.template.spec: missing",
    );
}

#[test]
fn a_value_that_is_not_an_object_is_denied() {
    let deployment = r#"{"group": "apps", "version": "v1", "kind": "Deployment"}"#;
    for (value, actual) in [("\"x\"", "a string"), ("1", "a number"), ("true", "a boolean"), ("[]", "a list")]
    {
        denies(object(POD, value), &format!("request.object: expected an object, got {actual}"));
        denies(
            object(deployment, &object_at("spec.template", value)),
            &format!("spec.template: expected an object, got {actual}"),
        );
    }
}

#[test]
fn invalid_containers_are_denied() {
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let denies = |value: &str, sentence: &str| {
            denies(pod(&format!(r#"{{"{list}": {value}}}"#)), &format!("spec.{list}{sentence}"));
        };
        denies("{}", ": expected a list, got an object");
        denies(r#"{"web": {"image": "web:1"}}"#, ": expected a list, got an object");
        denies("\"web\"", ": expected a list, got a string");
        denies("[null]", "[0]: expected an object, got null");
        denies("[{}, \"web\"]", "[1]: expected an object, got a string");
        denies("[[]]", "[0]: expected an object, got a list");
    }
}

#[test]
fn a_field_of_the_wrong_type_is_denied() {
    let values_of_other_types = |expected: &str| -> Vec<(&str, &str)> {
        let values = [
            ("1", "a number"),
            ("\"true\"", "a string"),
            ("true", "a boolean"),
            ("[]", "a list"),
            ("{}", "an object"),
        ];
        values.into_iter().filter(|(_, name)| *name != expected).collect()
    };
    for (fields, expected) in [
        (
            &["hostPID", "hostIPC", "hostNetwork", "securityContext.windowsOptions.hostProcess"][..],
            "a boolean",
        ),
        (&["hostUsers", "shareProcessNamespace"], "a boolean"),
        (&["containers[0].volumeMounts[0].readOnly", "volumes[0].nfs.readOnly"], "a boolean"),
        (&["securityContext.runAsNonRoot", "containers[0].securityContext.runAsNonRoot"], "a boolean"),
        (
            &["containers[0].securityContext.privileged", "initContainers[0].securityContext.privileged"],
            "a boolean",
        ),
        (&["containers[0].securityContext.readOnlyRootFilesystem"], "a boolean"),
        (&["ephemeralContainers[0].securityContext.allowPrivilegeEscalation"], "a boolean"),
        (
            &["containers[0].name", "containers[0].image", "containers[0].restartPolicy", "os.name"],
            "a string",
        ),
        (&["containers[0].securityContext.windowsOptions.runAsUserName"], "a string"),
        (&["volumes[0].name", "volumes[0].image.reference", "volumes[0].hostPath.path"], "a string"),
        (
            &[
                "containers[0].securityContext.procMount",
                "containers[0].securityContext.capabilities.add[0]",
                "initContainers[0].securityContext.capabilities.drop[0]",
                "containers[0].startupProbe.exec.command[0]",
                "securityContext.sysctls[0].name",
            ],
            "a string",
        ),
        (&["containers[0].volumeMounts[0].name", "containers[0].volumeMounts[0].mountPath"], "a string"),
        (
            &["ephemeralContainers[0].volumeDevices[0].name", "containers[0].volumeDevices[0].devicePath"],
            "a string",
        ),
        (&["securityContext", "os", "containers[0].securityContext", "volumes[0].image"], "an object"),
        (&["securityContext.windowsOptions", "containers[0].securityContext.windowsOptions"], "an object"),
        (
            &[
                "containers[0].startupProbe",
                "containers[0].startupProbe.exec",
                "containers[0].securityContext.capabilities",
                "containers[0].volumeMounts[0]",
                "securityContext.sysctls[0]",
                "volumes[0]",
                "volumes[0].emptyDir",
            ],
            "an object",
        ),
        (&["containers", "initContainers", "ephemeralContainers", "volumes"], "a list"),
        (&["containers[0].volumeMounts", "containers[0].volumeDevices"], "a list"),
        (
            &["containers[0].securityContext.capabilities.add", "containers[0].startupProbe.exec.command"],
            "a list",
        ),
        (&["securityContext.sysctls", "securityContext.supplementalGroups"], "a list"),
    ] {
        for field in fields {
            for (value, actual) in values_of_other_types(expected) {
                denies(
                    pod(&object_at(field, value)),
                    &format!("spec.{field}: expected {expected}, got {actual}"),
                );
            }
        }
    }
}

#[test]
fn null_means_unset_except_in_lists() {
    let nulls = |fields: &[&str]| {
        let nulls: Vec<_> = fields.iter().map(|field| format!("\"{field}\": null")).collect();
        nulls.join(", ")
    };
    let context = nulls(&["capabilities", "procMount", "runAsGroup", "runAsUser", "windowsOptions"]);
    let container = nulls(&["startupProbe", "volumeDevices", "volumeMounts", "restartPolicy"]);
    let pod_context = nulls(&["fsGroup", "runAsGroup", "supplementalGroups", "sysctls"]);
    let spec = nulls(&["hostUsers", "shareProcessNamespace", "initContainers", "os"]);
    let volume = nulls(&["hostPath", "image", "emptyDir", "invented"]);
    let payload = GOOD
        .replacen('{', &format!(r#"{{{spec}, "volumes": [{{"name": "a", {volume}}}], "#), 1)
        .replace(r#""runAsUser": 1"#, &format!(r#""runAsUser": 1, {pod_context}"#))
        .replace(r#""name": "web""#, &format!(r#""name": "web", {container}"#))
        .replace(r#""allowPriv"#, &format!(r#"{context}, "allowPriv"#));
    admits(pod(&payload));
    for (list, expected) in [
        ("volumes", "an object"),
        ("containers[0].volumeMounts", "an object"),
        ("containers[0].volumeDevices", "an object"),
        ("securityContext.sysctls", "an object"),
        ("securityContext.supplementalGroups", "an integer"),
        ("containers[0].securityContext.capabilities.add", "a string"),
        ("containers[0].startupProbe.exec.command", "a string"),
    ] {
        denies(pod(&object_at(list, "[null]")), &format!("spec.{list}[0]: expected {expected}, got null"));
    }
}

#[test]
fn a_user_or_group_that_is_not_an_integer_is_denied() {
    for number in ["1.5", "1e400", "1e2", "0.0", "-0.0", "99999999999999999999", "-9223372036854775809"] {
        denies(
            with_security_context(&format!(r#""runAsUser": {number}"#)),
            &format!("spec.containers[0].securityContext.runAsUser: expected an integer, got {number}"),
        );
        denies(
            pod(&format!(r#"{{"securityContext": {{"runAsUser": {number}}}}}"#)),
            &format!("spec.securityContext.runAsUser: expected an integer, got {number}"),
        );
    }
    denies(
        with_security_context(r#""runAsUser": "0""#),
        "spec.containers[0].securityContext.runAsUser: expected an integer, got a string",
    );
    for field in [
        "securityContext.fsGroup",
        "securityContext.runAsGroup",
        "securityContext.supplementalGroups[0]",
        "containers[0].securityContext.runAsGroup",
    ] {
        denies(pod(&object_at(field, "1.5")), &format!("spec.{field}: expected an integer, got 1.5"));
        denies(pod(&object_at(field, "\"0\"")), &format!("spec.{field}: expected an integer, got a string"));
    }
    // Numbers that are not valid in JSON.
    for number in ["01", "+1", "0x0", "NaN", "1."] {
        let reason = denial_reason(with_security_context(&format!(r#""runAsUser": {number}"#)).as_bytes());
        assert!(reason.starts_with("the request cannot be read as JSON: "), "{number}: {reason}");
    }
}

#[test]
fn long_numbers_are_truncated_in_messages() {
    let reason =
        denial_reason(with_security_context(&format!(r#""runAsUser": {}"#, "9".repeat(100_000))).as_bytes());
    assert!(reason.starts_with("spec.containers[0].securityContext.runAsUser: expected an integer, got 999"));
    assert_eq!(reason.chars().count(), 401, "{reason}");
}

#[test]
fn minus_zero_is_root() {
    let response = response_to(pod(&GOOD.replace(r#""runAsUser": 1"#, r#""runAsUser": -0"#)).as_bytes());
    assert_eq!(
        lines(&response),
        ["spec.securityContext.runAsUser: the pod must not run as UID 0 [runAsNonRoot]"]
    );
}
