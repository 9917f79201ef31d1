//! Settings, as policy servers have them checked before they serve the policy.

#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use immutable_pods_host::SettingsValidationResponse;
use immutable_pods_policy::rules::{RULES, policy_settings};
use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use serde_json::{Value, json};

use crate::cases::{Verdict, good_pod, manifests, of_rules, requests, with_mode};
use crate::module::{evaluate, policy};
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

/// Every setting with its default.
pub(crate) fn defaults() -> Value {
    let declaration = policy_settings::declaration();
    let default = |setting: &Declaration| match &setting.accepts {
        Accepts::Shorthand(_, options) => {
            let own = options.settings.iter();
            own.map(|option| (option.key.to_owned(), option.default.clone().unwrap_or_default())).collect()
        }
        _ => setting.default.clone().unwrap_or_default(),
    };
    declaration.settings.iter().map(|setting| (setting.key.to_owned(), default(setting))).collect()
}

/// The settings of a rule, its mode included.
pub(crate) fn keys_of(rule: &str) -> Vec<&'static str> {
    let declaration = policy_settings::declaration();
    let of_rule = declaration.settings.iter().find(|setting| setting.key == rule);
    match of_rule.map(|setting| &setting.accepts) {
        Some(Accepts::Shorthand(_, options)) => options.settings.iter().map(|option| option.key).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_declared_defaults_are_what_no_settings_mean() {
    let settings = defaults();
    accepts(&settings);
    // What makes no difference to any case of a rule, and to nothing else that there is to evaluate, is the default.
    let cases = of_rules(&[Verdict::Admitted, Verdict::Denied]).into_iter();
    let of_rules = cases.map(|(rule, case)| (case.request, with_mode(&json!({}), rule, "deny")));
    let others = requests("examples").into_iter().chain(manifests());
    for (request, defaults) in of_rules.chain(others.map(|request| (request, json!({})))) {
        let mut settings = settings.clone();
        for (rule, options) in defaults.as_object().into_iter().flatten() {
            settings[rule]["mode"] = options["mode"].clone();
        }
        assert_eq!(evaluate(&request, &settings), evaluate(&request, &defaults), "{request}");
    }
}

#[test]
fn no_settings_are_needed() {
    accepts(&json!({}));
    accepts(&Value::Null);
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
    refuses(&json!({"privilegd": "warn"}), "privilegd: unknown key, did you mean \"privileged\"?");
    refuses(&json!({"exemption": []}), "exemption: unknown key, did you mean \"exemptions\"?");
    refuses(
        &json!({"imageReference": {"deniedTag": ["latest"]}}),
        "imageReference.deniedTag: unknown key, did you mean \"deniedTags\"?",
    );
    refuses(
        &json!({"hostPathVolumes": {"allowed": [{"pathPrefix": "/x", "readonly": true}]}}),
        "hostPathVolumes.allowed[0].readonly: unknown key, did you mean \"readOnly\"?",
    );
    refuses(
        &json!({"sharedProcessNamespace": {"allow": true}}),
        "sharedProcessNamespace.allow: unknown key (allowed: mode)",
    );
}

#[test]
fn an_unknown_mode_is_refused() {
    refuses(
        &json!({"privileged": "audit"}),
        "privileged: unknown value \"audit\" (allowed: off, warn, deny)",
    );
    refuses(
        &json!({"privileged": {"mode": "wran"}}),
        "privileged.mode: unknown value \"wran\", did you mean \"warn\"?",
    );
    // `true` could mean any mode but `off`.
    refuses(&json!({"privileged": true}), "privileged: expected one of off, warn, deny, got a boolean");
}

#[test]
fn a_fix_of_nothing_is_refused() {
    for rule in RULES.iter().filter(|rule| !rule.can_fix) {
        for (settings, key) in [(json!("fix"), ""), (json!({"mode": "fix"}), ".mode")] {
            let reason = "mode \"fix\" is not supported by this rule (allowed: off, warn, deny)";
            refuses(&json!({rule.id: settings}), &format!("{}{key}: {reason}", rule.id));
        }
    }
    refuses(&json!({"capabilities": "fix"}), "capabilities: mode \"fix\" has no effect without requiredDrop");
    refuses(
        &json!({"runAsNonRoot": "fixed"}),
        "runAsNonRoot: unknown value \"fixed\" (allowed: off, warn, deny, fix)",
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
    refuses(&json!({"onUpdate": "change"}), "onUpdate: unknown value \"change\", did you mean \"changes\"?");
    refuses(&json!({"onUpdate": true}), "onUpdate: expected one of changes, all, got a boolean");
    refuses(
        &json!({"interactiveAccess": {"subresources": ["portForward", "log"]}}),
        "interactiveAccess.subresources[0]: unknown value \"portForward\", did you mean \"portforward\"?\n\
         interactiveAccess.subresources[1]: unknown value \"log\" (allowed: exec, attach, portforward, proxy)",
    );
}

#[test]
fn a_wrong_type_is_refused() {
    refuses(&json!([]), "the settings: expected an object, got a list");
    refuses(&json!({"enforcement": 1}), "enforcement: expected one of deny, warn, got a number");
    refuses(
        &json!({"hostNamespaces": {"allow": "hostPID"}}),
        "hostNamespaces.allow: expected a list, got a string",
    );
    refuses(
        &json!({"imageReference": {"deniedTags": ["latest", 1]}}),
        "imageReference.deniedTags[1]: expected a string, got a number",
    );
    refuses(
        &json!({"imageChange": {"allowPinning": 1, "allowSameRepository": "no"}}),
        "imageChange.allowPinning: expected true or false, got a number\n\
         imageChange.allowSameRepository: expected true or false, got a string",
    );
    refuses(
        &json!({"hostPathVolumes": {"allowed": ["/var/log"]}}),
        "hostPathVolumes.allowed[0]: expected an object, got a string",
    );
    refuses(
        &json!({"interactiveAccess": {"allowedCommands": ["nginx", [], ["cat", 1]]}}),
        "interactiveAccess.allowedCommands[0]: expected a list, got a string\n\
         interactiveAccess.allowedCommands[1]: must not be empty\n\
         interactiveAccess.allowedCommands[2][1]: expected a string, got a number",
    );
    refuses(&json!({"exemptions": {}}), "exemptions: expected a list, got an object");
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
         runAsNonRoot.userRanges[2].min: expected a non-negative integer, got -1\n\
         runAsNonRoot.userRanges[3].min: expected a non-negative integer of at most 63 bits\n\
         runAsNonRoot.userRanges[4].max: expected a non-negative integer, got a string\n\
         runAsNonRoot.userRanges[5]: empty range: min 2 is greater than max 1\n\
         runAsNonRoot.userRanges[6]: expected an object, got a list",
    );
}

#[test]
fn a_path_that_is_none_is_refused() {
    refuses(
        &json!({"hostPathVolumes": {"allowed": [{}, {"pathPrefix": "var"}], "denied": ["", "/a/../b"]}}),
        "hostPathVolumes.allowed[0].pathPrefix: missing: name the directory that is allowed\n\
         hostPathVolumes.allowed[1].pathPrefix: expected an absolute path, got \"var\"\n\
         hostPathVolumes.denied[0]: expected an absolute path, got \"\"\n\
         hostPathVolumes.denied[1]: must be a normalized path (no \".\", \"..\" or \"//\"), got \"/a/../b\"",
    );
    refuses(
        &json!({"writableMounts": {"protectedPaths": ["bin"], "allowedPaths": ["tmp", "/a/**/b", "/./a"]}}),
        "writableMounts.protectedPaths[0]: expected an absolute path, got \"bin\"\n\
         writableMounts.allowedPaths[0]: expected an absolute path, got \"tmp\"\n\
         writableMounts.allowedPaths[1]: \"**\" is supported only at the end, as in \"/data/**\", got \"/a/**/b\"\n\
         writableMounts.allowedPaths[2]: must be a normalized path (no \".\", \"..\" or \"//\"), got \"/./a\"",
    );
    refuses(
        &json!({"shellRemoval": {"paths": ["sh"]}}),
        "shellRemoval.paths[0]: expected an absolute path, got \"sh\"",
    );
}

#[test]
fn an_unknown_name_is_refused() {
    refuses(
        &json!({"capabilities": {"requiredDrop": ["NET_RAWW"], "allowedAdd": [""], "deniedAdd": ["ALL"]}}),
        "capabilities.requiredDrop[0]: \"NET_RAWW\" is not a capability, did you mean \"NET_RAW\"?\n\
         capabilities.allowedAdd[0]: \"\" is not a capability (allowed: ALL, *, AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, \
         BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE and 35 more)\n\
         capabilities.deniedAdd[0]: \"ALL\" is not a capability (allowed: AUDIT_CONTROL, AUDIT_READ, AUDIT_WRITE, \
         BLOCK_SUSPEND, BPF, CHECKPOINT_RESTORE, CHOWN, DAC_OVERRIDE and 33 more)",
    );
    refuses(
        &json!({"writableMounts": {"allowedTypes": ["emptydir", "configMap"]}}),
        "writableMounts.allowedTypes[0]: \"emptydir\" is not a writable volume type, did you mean \"emptyDir\"?\n\
         writableMounts.allowedTypes[1]: \"configMap\" is not a writable volume type (allowed: awsElasticBlockStore, \
         azureDisk, azureFile, cephfs, cinder, csi, emptyDir, ephemeral and 17 more)",
    );
    refuses(
        &json!({"exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["priviledged"]}]}),
        "exemptions[0].rules[0]: unknown rule \"priviledged\", did you mean \"privileged\"?",
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
    let somebody = "at least one of images, containers, namespaces, users, groups is required";
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
             exemptions[1].reason: expected a string, got a number\n\
             exemptions[2]: {somebody}\n\
             exemptions[3]: expected an object, got a string"
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
        "exemptions[0].expires: expected a day such as 2027-06-30, got \"2027-02-29\"\n\
         exemptions[0].images[0]: \"Nginx\" can never match an image: it has a repository name with upper case letters\n\
         exemptions[0].images[1]: \"\" can never match an image: it is empty\n\
         exemptions[0].containers[0]: \"Web\" can never match: names are lower case letters, digits and dashes\n\
         exemptions[0].containers[1]: must not be empty\n\
         exemptions[0].namespaces: must not be empty\n\
         exemptions[0].users[0]: must not be empty\n\
         exemptions[0].groups[0]: expected a string, got a number",
    );
    for day in ["", "30.06.2027", "2027-6-30", "2027-06-30T00:00:00Z", "2027-13-01"] {
        refuses(
            &json!({"exemptions": [{"reason": "a", "users": ["b"], "expires": day}]}),
            &format!("exemptions[0].expires: expected a day such as 2027-06-30, got {day:?}"),
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
fn what_is_wrong_with_a_rule_that_is_off_is_told_too() {
    refuses(
        &json!({"shellRemoval": {"mode": "off", "path": ["/bin/sh"]}}),
        "shellRemoval.path: unknown key, did you mean \"paths\"?",
    );
}

#[test]
fn what_is_not_json_is_refused() {
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
fn deeply_nested_settings_are_refused() {
    let nested = format!("{{\"privileged\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(
        errors(nested.as_bytes()).unwrap(),
        "the settings cannot be parsed as JSON: nested too deeply at byte 143"
    );
}

#[test]
fn nothing_is_admitted_by_settings_that_are_wrong() {
    let response = evaluate(&good_pod(), &json!({"privileged": "warn", "runAsNonRot": "warn"}));
    assert!(!response.accepted);
    assert_eq!(response.code, Some(403));
    assert_eq!(
        response.message.unwrap(),
        "the settings of the policy are invalid: runAsNonRot: unknown key, did you mean \"runAsNonRoot\"?"
    );
}
