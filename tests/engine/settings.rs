//! Settings, as policy servers have them checked before they serve the policy.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use immutable_pods_host::SettingsValidationResponse;
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

use crate::fixture::good_pod;
use crate::module::{judge, policy};
use crate::schema;

/// What is wrong with the settings: nothing when they are valid.
#[track_caller]
fn errors(settings: &[u8]) -> Option<String> {
    let answer = policy().call("validate_settings", settings).unwrap();
    let response: SettingsValidationResponse = serde_json::from_slice(&answer).unwrap();
    assert_eq!(response.valid, response.message.is_none());
    response.message
}

#[track_caller]
fn accepts(settings: &Value) {
    assert_eq!(schema::check(settings), Ok(()));
    assert_eq!(errors(settings.to_string().as_bytes()), None, "{settings}");
}

#[track_caller]
fn refuses(settings: &Value, message: &str) {
    assert_eq!(schema::check(settings), Ok(()));
    assert_eq!(errors(settings.to_string().as_bytes()).unwrap(), message, "{settings}");
}

/// The same, where there is so much to choose from that only the beginning of each line is worth repeating.
#[track_caller]
fn refuses_one_of_many(settings: &Value, beginnings: &[&str]) {
    assert_eq!(schema::check(settings), Ok(()));
    let message = errors(settings.to_string().as_bytes()).unwrap();
    assert_eq!(message.lines().count(), beginnings.len(), "{message}");
    for (line, beginning) in message.lines().zip(beginnings) {
        assert!(line.starts_with(beginning), "{line}");
    }
}

#[test]
fn no_settings_are_needed() {
    accepts(&json!({}));
    accepts(&Value::Null);
}

/// What the settings may hold, as messages list it.
fn known_keys() -> String {
    let rules = RULES.iter().map(|rule| rule.id);
    let last = ["writablePaths", "exemptions"];
    let keys: Vec<_> = ["enforcement", "onUpdate"].into_iter().chain(rules).chain(last).collect();
    keys.join(", ")
}

#[test]
fn every_setting_is_accepted() {
    let settings = json!({
        "enforcement": "warn",
        "onUpdate": "all",
        "readOnlyRootFilesystem": "fix",
        "privileged": "deny",
        "allowPrivilegeEscalation": {"mode": "fix"},
        "runAsNonRoot": {
            "mode": false,
            "userRanges": [{"min": 10_000, "max": 65_535}, {"min": 1, "max": 1}],
            "groups": true,
            "groupRanges": [{"min": 0, "max": i64::MAX}],
            "allowInUserNamespace": true,
        },
        "hostNamespaces": {"mode": "deny", "allow": ["hostNetwork", "hostPID", "hostIPC"]},
        "imageReference": {"mode": "deny", "require": "digest", "deniedTags": ["latest", "*-SNAPSHOT"]},
        "imageChange": {"mode": "warn", "allowPinning": false, "allowSameRepository": true},
        "hostPathVolumes": {
            "mode": "deny",
            "allowed": [{"pathPrefix": "/var/log", "readOnly": true}, {"pathPrefix": "/run/sockets/"}],
            "denied": ["/var/log/audit", "/etc"],
        },
        "writableMounts": {
            "mode": "deny",
            "protectedPaths": ["/usr", "/srv/www/html"],
            "allowedPaths": ["/tmp", "/var/cache/*", "/data/**"],
            "allowedTypes": ["emptyDir", "nfs"],
        },
        "capabilities": {
            "mode": "deny",
            "requiredDrop": ["ALL"],
            "allowedAdd": ["*", "CAP_NET_BIND_SERVICE", "chown"],
            "deniedAdd": ["SYS_ADMIN"],
        },
        "procMount": {"mode": "warn", "allowInUserNamespace": true},
        "sysctls": {"mode": "deny", "allowed": ["net.ipv4.*", "kernel/msgmax"], "denied": ["net.ipv4.conf.*"]},
        "ephemeralContainers": "deny",
        "interactiveAccess": {
            "mode": "deny",
            "subresources": ["exec", "attach", "portforward", "proxy"],
            "allowedCommands": [["nginx", "-t"], ["cat", "*"], [""]],
        },
        "shellRemoval": {"mode": "warn", "paths": ["/bin/sh", "/busybox/sh"]},
        "sharedProcessNamespace": {"mode": "deny"},
        "writablePaths": [
            {
                "images": ["nginx", "docker.io/bitnami/*"],
                "containers": ["web"],
                "namespaces": ["shop-*"],
                "paths": ["/data/cache/", {"path": "/tmp", "sizeLimit": "64Mi", "medium": "Memory"}, {"path": "/data/run"}],
            },
            {"paths": ["/tmp"]},
        ],
        "exemptions": [
            {
                "reason": "istio's sidecar sets up iptables",
                "expires": "2027-06-30",
                "rules": ["capabilities", "runAsNonRoot"],
                "images": ["docker.io/istio/proxyv2", "registry.example.com/mesh/*", "nginx:1.*"],
                "containers": ["istio-proxy", "istio-*"],
                "namespaces": ["istio-system", "team-*"],
                "users": ["system:serviceaccount:ci:*"],
                "groups": ["breakglass"],
            },
        ],
    });
    accepts(&settings);
    for rule in RULES {
        assert!(settings.get(rule.id).is_some(), "{} is not set", rule.id);
    }
}

#[test]
fn null_means_the_default_everywhere() {
    accepts(&json!({"onUpdate": null, "exemptions": null, "sysctls": null, "writablePaths": null}));
    accepts(&json!({"writableMounts": {"mode": null, "allowedPaths": null, "protectedPaths": null}}));
    accepts(&json!({"exemptions": [{"reason": "a", "namespaces": ["b"], "images": null, "expires": null}]}));
}

#[test]
fn a_typo_is_refused() {
    let keys = known_keys();
    refuses(
        &json!({"privilegd": "warn"}),
        &format!("privilegd: unknown key, did you mean \"privileged\"? (allowed: {keys})"),
    );
    refuses(
        &json!({"exemption": []}),
        &format!("exemption: unknown key, did you mean \"exemptions\"? (allowed: {keys})"),
    );
    refuses(
        &json!({"imageReference": {"deniedTag": ["latest"]}}),
        "imageReference.deniedTag: unknown key, did you mean \"deniedTags\"? (allowed: mode, require, deniedTags)",
    );
    refuses(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/x", "readonly": true}]}}),
        "hostPathVolumes.allowed[0].readonly: unknown key, did you mean \"readOnly\"? (allowed: pathPrefix, readOnly)",
    );
    refuses(
        &json!({"sharedProcessNamespace": {"allow": true}}),
        "sharedProcessNamespace.allow: unknown key (allowed: mode)",
    );
}

#[test]
fn an_unknown_mode_is_refused() {
    refuses(&json!({"privileged": "audit"}), "privileged: \"audit\" is unknown (allowed: off, warn, deny)");
    refuses(
        &json!({"privileged": {"mode": "wran"}}),
        "privileged.mode: \"wran\" is unknown, did you mean \"warn\"? (allowed: off, warn, deny)",
    );
    // `true` could mean any mode but `off`.
    refuses(&json!({"privileged": true}), "privileged: must be one of off, warn, deny, not a boolean");
}

#[test]
fn a_fix_of_nothing_is_refused() {
    for rule in RULES.iter().filter(|rule| !rule.can_fix) {
        for (settings, key) in [(json!("fix"), ""), (json!({"mode": "fix"}), ".mode")] {
            let reason = "must not be \"fix\": the rule fills in nothing (allowed: off, warn, deny)";
            refuses(&json!({rule.id: settings}), &format!("{}{key}: {reason}", rule.id));
        }
    }
    refuses(&json!({"capabilities": "fix"}), "capabilities: \"fix\" fills in nothing without requiredDrop");
    refuses(
        &json!({"runAsNonRoot": "fixed"}),
        "runAsNonRoot: \"fixed\" is unknown (allowed: off, warn, deny, fix)",
    );
}

#[test]
fn a_writable_path_that_would_be_denied_is_refused() {
    refuses(
        &json!({"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/tmp", "/usr/bin"]}]}),
        "writablePaths[0].paths[1]: writableMounts denies it: a container must mount \"/usr/bin\" read-only, \
         or elsewhere: /usr/bin is protected",
    );
    // Where nothing is fixed nothing is mounted: the same list serves both registrations.
    accepts(&json!({"writablePaths": [{"paths": ["/usr/bin"]}]}));
}

#[test]
fn an_unknown_word_is_refused() {
    refuses(
        &json!({"onUpdate": "change"}),
        "onUpdate: \"change\" is unknown, did you mean \"changes\"? (allowed: changes, all)",
    );
    refuses(&json!({"onUpdate": true}), "onUpdate: must be one of changes, all, not a boolean");
    refuses(
        &json!({"interactiveAccess": {"subresources": ["portForward", "log"]}}),
        "interactiveAccess.subresources[0]: \"portForward\" is unknown, did you mean \"portforward\"? \
         (allowed: exec, attach, portforward, proxy)\n\
         interactiveAccess.subresources[1]: \"log\" is unknown (allowed: exec, attach, portforward, proxy)",
    );
}

#[test]
fn a_wrong_type_is_refused() {
    refuses(&json!([]), "the settings must be an object, not a list");
    refuses(&json!({"enforcement": 1}), "enforcement: must be one of deny, warn, not a number");
    refuses(
        &json!({"hostNamespaces": {"allow": "hostPID"}}),
        "hostNamespaces.allow: must be a list, not a string",
    );
    refuses(
        &json!({"imageReference": {"deniedTags": ["latest", 1]}}),
        "imageReference.deniedTags[1]: must be a string, not a number",
    );
    refuses(
        &json!({"imageChange": {"allowPinning": 1, "allowSameRepository": "no"}}),
        "imageChange.allowPinning: must be true or false, not a number\n\
         imageChange.allowSameRepository: must be true or false, not a string",
    );
    refuses(
        &json!({"hostPathVolumes": {"allowed": ["/var/log"]}}),
        "hostPathVolumes.allowed[0]: must be an object, not a string",
    );
    refuses(
        &json!({"interactiveAccess": {"allowedCommands": ["nginx", [], ["cat", 1]]}}),
        "interactiveAccess.allowedCommands[0]: must be a list, not a string\n\
         interactiveAccess.allowedCommands[1]: must not be empty\n\
         interactiveAccess.allowedCommands[2]: must be a string, not a number",
    );
    refuses(&json!({"exemptions": {}}), "exemptions: must be a list, not an object");
}

#[test]
fn a_range_that_is_none_is_refused() {
    let ranges = json!([
        {"min": 10}, {"max": 10}, {"min": -1, "max": 10}, {"min": 1.5, "max": 10}, {"min": 1, "max": "10"},
        {"min": 2, "max": 1}, [1, 2],
    ]);
    refuses(
        &json!({"runAsNonRoot": {"userRanges": ranges}}),
        "runAsNonRoot.userRanges[0].max: missing: a range has a min and a max\n\
         runAsNonRoot.userRanges[1].min: missing: a range has a min and a max\n\
         runAsNonRoot.userRanges[2].min: must be an integer from 0 on\n\
         runAsNonRoot.userRanges[3].min: must be an integer from 0 on\n\
         runAsNonRoot.userRanges[4].max: must be an integer, not a string\n\
         runAsNonRoot.userRanges[5]: no id can lie in it: min 2 is greater than max 1\n\
         runAsNonRoot.userRanges[6]: must be an object, not a list",
    );
}

#[test]
fn a_path_that_is_none_is_refused() {
    refuses(
        &json!({"hostPathVolumes": {"allowed": [{}, {"pathPrefix": "var"}], "denied": ["", "/a/../b"]}}),
        "hostPathVolumes.denied[0]: must be an absolute path, not \"\"\n\
         hostPathVolumes.denied[1]: must be a path without ., .. and //, not \"/a/../b\"\n\
         hostPathVolumes.allowed[0].pathPrefix: missing: name the directory that is allowed\n\
         hostPathVolumes.allowed[1].pathPrefix: must be an absolute path, not \"var\"",
    );
    refuses(
        &json!({"writableMounts": {"protectedPaths": ["bin"], "allowedPaths": ["tmp", "/a/**/b", "/./a"]}}),
        "writableMounts.protectedPaths[0]: must be an absolute path, not \"bin\"\n\
         writableMounts.allowedPaths[0]: must be an absolute path, not \"tmp\"\n\
         writableMounts.allowedPaths[1]: may have ** only at the end, as in /data/**, not \"/a/**/b\"\n\
         writableMounts.allowedPaths[2]: must be a path without ., .. and //, not \"/./a\"",
    );
    refuses(
        &json!({"shellRemoval": {"paths": ["sh"]}}),
        "shellRemoval.paths[0]: must be an absolute path, not \"sh\"",
    );
}

#[test]
fn what_does_not_exist_is_refused() {
    refuses_one_of_many(
        &json!({"capabilities": {"requiredDrop": ["NET_RAWW"], "allowedAdd": [""], "deniedAdd": ["ALL"]}}),
        &[
            "capabilities.requiredDrop[0]: \"NET_RAWW\" is no capability, did you mean \"NET_RAW\"? \
             (allowed: ALL, AUDIT_CONTROL, AUDIT_READ, ",
            "capabilities.allowedAdd[0]: \"\" is no capability (allowed: ALL, *, AUDIT_CONTROL, ",
            "capabilities.deniedAdd[0]: \"ALL\" is no capability (allowed: AUDIT_CONTROL, ",
        ],
    );
    refuses_one_of_many(
        &json!({"writableMounts": {"allowedTypes": ["emptydir", "configMap"]}}),
        &[
            "writableMounts.allowedTypes[0]: \"emptydir\" is no type of volume that can be written to, \
             did you mean \"emptyDir\"? (allowed: awsElasticBlockStore, ",
            "writableMounts.allowedTypes[1]: \"configMap\" is no type of volume that can be written to \
             (allowed: awsElasticBlockStore, ",
        ],
    );
    let rules = RULES.iter().map(|rule| rule.id).collect::<Vec<_>>().join(", ");
    refuses(
        &json!({"exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["priviledged"]}]}),
        &format!(
            "exemptions[0].rules[0]: \"priviledged\" is unknown, did you mean \"privileged\"? (allowed: {rules})"
        ),
    );
}

#[test]
fn what_is_allowed_in_vain_is_refused() {
    refuses(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/etc/ssl"}], "denied": ["/etc"]}}),
        "hostPathVolumes.allowed[0].pathPrefix: \"/etc/ssl\" can never be allowed: denied has \"/etc\"",
    );
    refuses(
        &json!({"writableMounts": {"allowedPaths": ["/tmp", "/usr/bin/**"]}}),
        "writableMounts.allowedPaths: \"/usr/bin/**\" can never be allowed: /usr/bin is protected",
    );
    refuses(
        &json!({"capabilities": {"allowedAdd": ["CAP_SYS_ADMIN"], "deniedAdd": ["sys_admin"]}}),
        "capabilities.allowedAdd: \"CAP_SYS_ADMIN\" can never be added: deniedAdd has it too",
    );
    refuses(
        &json!({"sysctls": {"allowed": ["net/ipv4/tcp_rmem"], "denied": ["net.ipv4.*"]}}),
        "sysctls.allowed: \"net.ipv4.tcp_rmem\" can never be allowed: denied has it too",
    );
}

#[test]
fn an_exemption_needs_a_reason_and_somebody_to_exempt() {
    let somebody = "must name at least one of images, containers, namespaces, users, groups";
    refuses(
        &json!({"exemptions": [{}]}),
        &format!(
            "exemptions[0].reason: missing: say why the exemption exists\n\
             exemptions[0]: {somebody}"
        ),
    );
    refuses(
        &json!({"exemptions": [
            {"reason": "", "users": ["a"]}, {"reason": 1, "users": ["a"]}, {"reason": "a", "rules": ["sysctls"]}, "a",
        ]}),
        &format!(
            "exemptions[0].reason: must not be empty\n\
             exemptions[1].reason: must be a string, not a number\n\
             exemptions[2]: {somebody}\n\
             exemptions[3]: must be an object, not a string"
        ),
    );
}

#[test]
fn an_exemption_that_can_never_apply_is_refused() {
    refuses(
        &json!({"exemptions": [{
            "reason": "a",
            "expires": "2027-02-29",
            "images": ["Nginx", ""],
            "containers": ["Web", ""],
            "namespaces": [],
            "users": [""],
            "groups": [1],
        }]}),
        "exemptions[0].expires: must be a day such as 2027-06-30, not \"2027-02-29\"\n\
         exemptions[0].images[0]: \"Nginx\" can never match an image: it has a repository name with upper case letters\n\
         exemptions[0].images[1]: \"\" can never match an image: it is empty\n\
         exemptions[0].containers[0]: \"Web\" can never match: names are lower case letters, digits and dashes\n\
         exemptions[0].containers[1]: must not be empty\n\
         exemptions[0].namespaces: must not be empty\n\
         exemptions[0].users[0]: must not be empty\n\
         exemptions[0].groups[0]: must be a string, not a number",
    );
    for day in ["", "30.06.2027", "2027-6-30", "2027-06-30T00:00:00Z", "2027-13-01"] {
        refuses(
            &json!({"exemptions": [{"reason": "a", "users": ["b"], "expires": day}]}),
            &format!("exemptions[0].expires: must be a day such as 2027-06-30, not {day:?}"),
        );
    }
}

#[test]
fn all_errors_are_told_at_once() {
    refuses(
        &json!({
            "enforcement": "of",
            "exemptions": [{"users": ["a"]}],
            "hostNamespaces": {"allow": ["hostPid"]},
            "imageReference": {"require": "tags", "deniedTags": [""]},
            "sharedProcessNamespace": "of",
            "runAsRoot": "off",
        }),
        &format!(
            "enforcement: \"of\" is unknown (allowed: deny, warn)\n\
             hostNamespaces.allow[0]: \"hostPid\" is unknown, did you mean \"hostPID\"? \
             (allowed: hostNetwork, hostPID, hostIPC)\n\
             imageReference.require: \"tags\" is unknown, did you mean \"tag\"? (allowed: tag, digest)\n\
             imageReference.deniedTags[0]: must not be empty\n\
             sharedProcessNamespace: \"of\" is unknown, did you mean \"off\"? (allowed: off, warn, deny)\n\
             exemptions[0].reason: missing: say why the exemption exists\n\
             runAsRoot: unknown key, did you mean \"runAsNonRoot\"? (allowed: {})",
            known_keys()
        ),
    );
}

#[test]
fn what_is_wrong_with_a_rule_that_is_off_is_told_too() {
    refuses(
        &json!({"shellRemoval": {"mode": "off", "path": ["/bin/sh"]}}),
        "shellRemoval.path: unknown key, did you mean \"paths\"? (allowed: mode, paths)",
    );
}

#[test]
fn what_is_not_json_is_refused() {
    let cases: [(&[u8], &str); 4] = [
        (b"", "the settings cannot be read: expected a value at byte 0"),
        (b"privileged: off", "the settings cannot be read: expected a value at byte 0"),
        (b"{\"privileged\": \"\xff\"}", "the settings cannot be read: must be UTF-8 at byte 17"),
        (
            br#"{"privileged": "deny", "privileged": "off"}"#,
            "the settings cannot be read: duplicate key \"privileged\" at byte 36",
        ),
    ];
    for (settings, message) in cases {
        assert_eq!(errors(settings).unwrap(), message, "{}", String::from_utf8_lossy(settings));
    }
}

#[test]
fn deeply_nested_settings_are_refused() {
    let nested = format!("{{\"privileged\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        errors(nested.as_bytes()).unwrap(),
        "the settings cannot be read: nested too deeply at byte 143"
    );
}

#[test]
fn nothing_is_admitted_by_settings_that_are_wrong() {
    let response = judge(&good_pod(), &json!({"privileged": "warn", "runAsNonRot": "warn"}));
    assert!(!response.accepted);
    assert_eq!(response.code, Some(403));
    assert_eq!(
        response.message.unwrap(),
        format!(
            "the settings of the policy are invalid: runAsNonRot: unknown key, did you mean \"runAsNonRoot\"? \
             (allowed: {})",
            known_keys()
        )
    );
}
