//! Errors in settings.

use immutable_pods_policy::rules::RULES;
use serde_json::json;

use super::{accepts, errors, rejects};
use crate::cases::good_pod;
use crate::module::evaluate;

#[test]
fn unknown_keys_are_rejected_with_a_suggestion() {
    rejects(&json!({"privilegd": "warn"}), "privilegd: unknown key, did you mean \"privileged\"?");
    rejects(&json!({"exemption": []}), "exemption: unknown key, did you mean \"exemptions\"?");
    rejects(
        &json!({"imageReference": {"deniedTag": ["latest"]}}),
        "imageReference.deniedTag: unknown key, did you mean \"deniedTags\"?",
    );
    rejects(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/x", "readonly": true}]}}),
        "hostPathVolumes.allowed[0].readonly: unknown key, did you mean \"readOnly\"?",
    );
    rejects(
        &json!({"sharedProcessNamespace": {"allow": true}}),
        "sharedProcessNamespace.allow: unknown key (allowed: mode)",
    );
}

#[test]
fn unknown_modes_are_rejected() {
    rejects(
        &json!({"privileged": "audit"}),
        "privileged: unknown value \"audit\" (allowed: off, warn, deny)",
    );
    rejects(
        &json!({"privileged": {"mode": "wran"}}),
        "privileged.mode: unknown value \"wran\", did you mean \"warn\"?",
    );
    // `true` is ambiguous: it could mean any mode except `off`.
    rejects(&json!({"privileged": true}), "privileged: expected one of off, warn, deny, got a boolean");
}

#[test]
fn unsupported_fixes_are_rejected() {
    for rule in RULES.iter().filter(|rule| !rule.can_fix) {
        for (settings, key) in [(json!("fix"), ""), (json!({"mode": "fix"}), ".mode")] {
            let reason = "mode \"fix\" is not supported by this rule (allowed: off, warn, deny)";
            rejects(&json!({rule.id: settings}), &format!("{}{key}: {reason}", rule.id));
        }
    }
    rejects(&json!({"capabilities": "fix"}), "capabilities: mode \"fix\" has no effect without requiredDrop");
    rejects(
        &json!({"runAsNonRoot": "fixed"}),
        "runAsNonRoot: unknown value \"fixed\" (allowed: off, warn, deny, fix)",
    );
}

#[test]
fn writable_paths_that_would_be_denied_are_rejected() {
    rejects(
        &json!({"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/tmp", "/usr/bin"]}]}),
        "writablePaths[0].paths[1]: writableMounts denies it: a container must mount \"/usr/bin\" read-only, \
         or elsewhere: /usr/bin is protected",
    );
    // Without a fix, the policy does not mount volumes. Validating and mutating policies can share the list.
    accepts(&json!({"writablePaths": [{"paths": ["/usr/bin"]}]}));
}

#[test]
fn unknown_values_are_rejected() {
    rejects(&json!({"onUpdate": "change"}), "onUpdate: unknown value \"change\", did you mean \"changes\"?");
    rejects(&json!({"onUpdate": true}), "onUpdate: expected one of changes, all, got a boolean");
    rejects(
        &json!({"interactiveAccess": {"subresources": ["portForward", "log"]}}),
        "interactiveAccess.subresources[0]: unknown value \"portForward\", did you mean \"portforward\"?\n\
         interactiveAccess.subresources[1]: unknown value \"log\" (allowed: exec, attach, portforward, proxy)",
    );
}

#[test]
fn values_of_the_wrong_type_are_rejected() {
    rejects(&json!([]), "the settings: expected an object, got a list");
    rejects(&json!({"enforcement": 1}), "enforcement: expected one of deny, warn, got a number");
    rejects(
        &json!({"hostNamespaces": {"allow": "hostPID"}}),
        "hostNamespaces.allow: expected a list, got a string",
    );
    rejects(
        &json!({"imageReference": {"deniedTags": ["latest", 1]}}),
        "imageReference.deniedTags[1]: expected a string, got a number",
    );
    rejects(
        &json!({"imageChange": {"allowPinning": 1, "allowSameRepository": "no"}}),
        "imageChange.allowPinning: expected true or false, got a number\n\
         imageChange.allowSameRepository: expected true or false, got a string",
    );
    rejects(
        &json!({"hostPathVolumes": {"allowed": ["/var/log"]}}),
        "hostPathVolumes.allowed[0]: expected an object, got a string",
    );
    rejects(
        &json!({"interactiveAccess": {"allowedCommands": ["nginx", [], ["cat", 1]]}}),
        "interactiveAccess.allowedCommands[0]: expected a list, got a string\n\
         interactiveAccess.allowedCommands[1]: must not be empty\n\
         interactiveAccess.allowedCommands[2][1]: expected a string, got a number",
    );
    rejects(&json!({"exemptions": {}}), "exemptions: expected a list, got an object");
}

#[test]
fn invalid_ranges_are_rejected() {
    let ranges = json!([
        {"min": 10}, {"max": 10}, {"min": -1, "max": 10}, {"min": 1.5, "max": 10}, {"min": 1, "max": "10"},
        {"min": 2, "max": 1}, [1, 2],
    ]);
    rejects(
        &json!({"runAsNonRoot": {"userRanges": ranges}}),
        "runAsNonRoot.userRanges[0].max: missing: a range has a min and a max\n\
         runAsNonRoot.userRanges[1].min: missing: a range has a min and a max\n\
         runAsNonRoot.userRanges[2].min: expected a non-negative integer, got -1\n\
         runAsNonRoot.userRanges[3].min: expected a non-negative integer of at most 63 bits\n\
         runAsNonRoot.userRanges[4].max: expected a non-negative integer, got a string\n\
         runAsNonRoot.userRanges[5]: empty range: min 2 is greater than max 1\n\
         runAsNonRoot.userRanges[6]: expected an object, got a list",
    );
}

#[test]
fn invalid_paths_are_rejected() {
    rejects(
        &json!({"hostPathVolumes": {"allowed": [{}, {"pathPrefix": "var"}], "denied": ["", "/a/../b"]}}),
        "hostPathVolumes.allowed[0].pathPrefix: missing: name the directory that is allowed\n\
         hostPathVolumes.allowed[1].pathPrefix: expected an absolute path, got \"var\"\n\
         hostPathVolumes.denied[0]: expected an absolute path, got \"\"\n\
         hostPathVolumes.denied[1]: must be a normalized path (no \".\", \"..\" or \"//\"), got \"/a/../b\"",
    );
    rejects(
        &json!({"writableMounts": {"protectedPaths": ["bin"], "allowedPaths": ["tmp", "/a/**/b", "/./a"]}}),
        "writableMounts.protectedPaths[0]: expected an absolute path, got \"bin\"\n\
         writableMounts.allowedPaths[0]: expected an absolute path, got \"tmp\"\n\
         writableMounts.allowedPaths[1]: \"**\" is supported only at the end, as in \"/data/**\", got \"/a/**/b\"\n\
         writableMounts.allowedPaths[2]: must be a normalized path (no \".\", \"..\" or \"//\"), got \"/./a\"",
    );
    rejects(
        &json!({"shellRemoval": {"paths": ["sh"]}}),
        "shellRemoval.paths[0]: expected an absolute path, got \"sh\"",
    );
}

#[test]
fn unknown_names_are_rejected() {
    rejects(
        &json!({"capabilities": {"requiredDrop": ["NET_RAWW"], "allowedAdd": [""], "deniedAdd": ["ALL", "*"]}}),
        "capabilities.requiredDrop[0]: \"NET_RAWW\" is not a capability, did you mean \"NET_RAW\"?\n\
         capabilities.allowedAdd[0]: \"\" is not a capability (allowed: ALL, *, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, \
         BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE and 35 more)\n\
         capabilities.deniedAdd[1]: \"*\" is not a capability (allowed: ALL, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, \
         BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE, CHOWN and 34 more)",
    );
    rejects(
        &json!({"writableMounts": {"allowedTypes": ["emptydir", "configMap"]}}),
        "writableMounts.allowedTypes[0]: \"emptydir\" is not a writable volume type, did you mean \"emptyDir\"?\n\
         writableMounts.allowedTypes[1]: \"configMap\" is not a writable volume type (allowed: awsElasticBlockStore, \
         azureDisk, azureFile, cephfs, cinder, csi, emptyDir, ephemeral and 17 more)",
    );
    rejects(
        &json!({"exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["priviledged"]}]}),
        "exemptions[0].rules[0]: unknown rule \"priviledged\", did you mean \"privileged\"?",
    );
}

#[test]
fn allowed_values_that_are_also_denied_are_rejected() {
    rejects(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/etc/ssl"}], "denied": ["/etc"]}}),
        "hostPathVolumes.allowed[0].pathPrefix: \"/etc/ssl\" can never be allowed: denied has \"/etc\"",
    );
    rejects(
        &json!({"writableMounts": {"allowedPaths": ["/tmp", "/usr/bin/**"]}}),
        "writableMounts.allowedPaths: \"/usr/bin/**\" can never be allowed: /usr/bin is protected",
    );
    rejects(
        &json!({"capabilities": {"allowedAdd": ["CAP_SYS_ADMIN"], "deniedAdd": ["sys_admin"]}}),
        "capabilities.allowedAdd: \"CAP_SYS_ADMIN\" can never be added: deniedAdd has it too",
    );
    rejects(
        &json!({"sysctls": {"allowed": ["net/ipv4/tcp_rmem"], "denied": ["net.ipv4.*"]}}),
        "sysctls.allowed: \"net.ipv4.tcp_rmem\" can never be allowed: denied has it too",
    );
}

#[test]
fn all_errors_are_reported_at_once() {
    rejects(
        &json!({
            "enforcement": "of",
            "exemptions": [{"users": ["a"]}],
            "hostNamespaces": {"allow": ["hostPid"]},
            "imageReference": {"require": "tags", "deniedTags": [""]},
            "sharedProcessNamespace": "of",
            "runAsRoot": "off",
        }),
        "enforcement: unknown value \"of\" (allowed: deny, warn)\n\
             hostNamespaces.allow[0]: unknown value \"hostPid\", did you mean \"hostPID\"?\n\
             imageReference.require: unknown value \"tags\", did you mean \"tag\"?\n\
             imageReference.deniedTags[0]: must not be empty\n\
             sharedProcessNamespace: unknown value \"of\", did you mean \"off\"?\n\
             runAsRoot: unknown key, did you mean \"runAsNonRoot\"?\n\
             exemptions[0].reason: missing: say why the exemption exists",
    );
}

#[test]
fn errors_in_rules_that_are_off_are_reported() {
    rejects(
        &json!({"shellRemoval": {"mode": "off", "path": ["/bin/sh"]}}),
        "shellRemoval.path: unknown key, did you mean \"paths\"?",
    );
}

#[test]
fn invalid_json_is_rejected() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "the settings cannot be parsed as JSON: expected a value at byte 0"),
        (b"privileged: off", "the settings cannot be parsed as JSON: expected a value at byte 0"),
        (
            b"{\"privileged\": \"\xff\"}",
            "the settings cannot be parsed as JSON: privileged: invalid unicode code point at line 1 column 2",
        ),
        (br#"{"privileged": "deny", "privileged": "off"}"#, "privileged: duplicate key"),
    ];
    for (settings, message) in cases {
        assert_eq!(errors(settings).unwrap(), message, "{}", String::from_utf8_lossy(settings));
    }
}

#[test]
fn deeply_nested_settings_are_rejected() {
    let nested = format!("{{\"privileged\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        errors(nested.as_bytes()).unwrap(),
        "the settings cannot be parsed as JSON: nested too deeply at byte 143"
    );
}

#[test]
fn requests_with_invalid_settings_are_denied() {
    let response = evaluate(&good_pod(), &json!({"privileged": "warn", "runAsNonRot": "warn"}));
    assert!(!response.accepted);
    assert_eq!(response.code, Some(403));
    assert_eq!(
        response.message.unwrap(),
        "the settings of the policy are invalid: runAsNonRot: unknown key, did you mean \"runAsNonRoot\"?"
    );
}
