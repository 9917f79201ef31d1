//! Settings: policy servers validate them before they serve the policy.

#![expect(clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

mod errors;
mod exemptions;
mod without_effect;

use std::collections::BTreeSet;

use immutable_pods::SettingsValidationResponse;
use immutable_pods_policy::rules::rule::RuleMeta;
use immutable_pods_policy::rules::{RULES, policy_settings};
use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use serde_json::{Value, json};

use crate::cases::{self, Verdict, manifests, of_rules, requests, with_mode};
use crate::module::{evaluate, policy};
use crate::schema;

/// Returns the errors of the settings, or `None` if the settings are valid.
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
fn rejects(settings: &Value, message: &str) {
    assert_eq!(schema::check(settings), Ok(()));
    assert_eq!(errors(settings.to_string().as_bytes()).unwrap(), message, "{settings}");
}

/// Returns every setting with its default.
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

/// Returns the keys of a rule's settings, including the mode.
pub(crate) fn keys_of(rule: &str) -> Vec<&'static str> {
    let declaration = policy_settings::declaration();
    let of_rule = declaration.settings.iter().find(|setting| setting.key == rule);
    match of_rule.map(|setting| &setting.accepts) {
        Some(Accepts::Shorthand(_, options)) => options.settings.iter().map(|option| option.key).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn declared_defaults_equal_empty_settings() {
    let settings = defaults();
    accepts(&settings);
    // The defaults and empty settings have the same verdict on every case and on every example.
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
fn empty_settings_are_valid() {
    accepts(&json!({}));
    accepts(&Value::Null);
}

#[test]
fn many_settings_are_valid_together() {
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
}

#[test]
fn every_setting_of_a_rule_has_a_case() {
    let mut tested = BTreeSet::new();
    for case in cases::all() {
        accepts(&case.settings);
        for (rule, options) in case.settings.as_object().into_iter().flatten() {
            let set = options.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
            tested.extend(set.map(|(key, _)| format!("{rule}.{key}")));
        }
    }
    let options = |rule: &'static RuleMeta| keys_of(rule.id).into_iter().filter(|key| *key != "mode");
    let settings = RULES.iter().flat_map(|rule| options(rule).map(move |key| format!("{}.{key}", rule.id)));
    let missing: Vec<_> = settings.filter(|setting| !tested.contains(setting)).collect();
    assert!(missing.is_empty(), "no case sets {missing:?}");
}

#[test]
fn null_means_the_default() {
    accepts(&json!({"onUpdate": null, "exemptions": null, "sysctls": null, "writablePaths": null}));
    accepts(&json!({"writableMounts": {"mode": null, "allowedPaths": null, "protectedPaths": null}}));
    accepts(&json!({"exemptions": [{"reason": "a", "namespaces": ["b"], "images": null, "expires": null}]}));
}
