//! Generators of settings.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};

use super::images::DIGEST;
use crate::generators::{fields, of, one_of};
use crate::reference::REFERENCE_RULES;

/// Writable volume types.
const VOLUME_TYPES: [&str; 6] = ["emptyDir", "persistentVolumeClaim", "ephemeral", "nfs", "csi", "hostPath"];

/// Patterns of writable paths.
const ALLOWED_PATHS: [&str; 7] =
    ["/tmp/", "/srv/*/data", "/cache/**", "/var/l*", "/opt/web2", "/data", "/usr"];

/// Generates a subsequence of the values.
fn some_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(values, 0..=values.len()).prop_map(Value::from).boxed()
}

/// Generates settings for every rule.
pub(super) fn settings() -> BoxedStrategy<Value> {
    let rules: Vec<_> = REFERENCE_RULES.iter().map(|(rule, _)| rule_settings(rule)).collect();
    let switches = fields(vec![
        ("enforcement", one_of(&json!(["deny", "deny", "warn"]))),
        ("onUpdate", of(&["changes", "all"])),
        ("exemptions", vec(exemption(), 0..4).prop_map(Value::from).boxed()),
    ]);
    (rules, switches)
        .prop_map(|(rules, mut settings)| {
            for ((rule, _), options) in REFERENCE_RULES.iter().zip(rules) {
                if let Some(options) = options {
                    settings[*rule] = options;
                }
            }
            settings
        })
        .boxed()
}

/// Generates the settings of a rule: unset, a mode, or an object.
fn rule_settings(rule: &str) -> BoxedStrategy<Option<Value>> {
    let bare = one_of(&json!(["deny", "deny", "warn", "off", false])).prop_map(Some);
    let mode = ("mode", one_of(&json!(["deny", "deny", "deny", "deny", "warn", "off", false])));
    let object = fields([options(rule), vec![mode.clone(), mode]].concat()).prop_map(Some);
    prop_oneof![2 => Just(None), 1 => bare, 9 => object].boxed()
}

/// Generates the options of a rule.
fn options(rule: &str) -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let switch = || one_of(&json!([true, true, false]));
    let ranges = || {
        one_of(&json!([
            [],
            [{"min": 1000, "max": 1999}, {"min": 10000, "max": 65535}],
            [{"min": 0, "max": 65535}],
            [{"min": 1000, "max": 1000}],
        ]))
    };
    match rule {
        "runAsNonRoot" => vec![
            ("userRanges", ranges()),
            ("groups", switch()),
            ("groupRanges", ranges()),
            ("allowInUserNamespace", switch()),
        ],
        "hostNamespaces" => vec![("allow", some_of(&["hostNetwork", "hostPID", "hostIPC"]))],
        "imageReference" => vec![
            ("require", of(&["tag", "tag", "digest"])),
            ("deniedTags", some_of(&["latest", "edge", "*-SNAPSHOT", "1.*9", "_*"])),
        ],
        "imageChange" => vec![
            ("allowPinning", Just(json!(true)).boxed()),
            ("allowPinning", one_of(&json!([true, false]))),
            ("allowSameRepository", switch()),
        ],
        "hostPathVolumes" => {
            let allowed = json!([
                [],
                [{"pathPrefix": "/"}],
                [{"pathPrefix": "/"}],
                [{"pathPrefix": "/"}],
                [{"pathPrefix": "/var/log/"}],
                [{"pathPrefix": "/var", "readOnly": true}, {"pathPrefix": "/var/log"}],
                [{"pathPrefix": "/var/log", "readOnly": false}, {"pathPrefix": "/var/log/audit", "readOnly": true}],
                [{"pathPrefix": "/", "readOnly": true}, {"pathPrefix": "/data"}],
            ]);
            vec![
                ("allowed", one_of(&allowed)),
                ("denied", some_of(&["/etc", "/var/run/docker.sock", "/var/log/audit/x", "/windows"])),
                ("denied", Just(json!(["/etc", "/usr/local", "/srv/a/data"])).boxed()),
            ]
        }
        "writableMounts" => {
            vec![
                ("protectedPaths", some_of(&["/opt/web/", "/usr/bin", "/Windows", "/var/log/audit"])),
                ("allowedPaths", prop_oneof![Just(Value::Null), some_of(&ALLOWED_PATHS)].boxed()),
                ("allowedTypes", some_of(&VOLUME_TYPES)),
            ]
        }
        "capabilities" => vec![
            ("requiredDrop", some_of(&["NET_RAW", "CAP_MKNOD", "sys_chroot"])),
            ("requiredDrop", Just(json!(["ALL"])).boxed()),
            ("allowedAdd", some_of(&["NET_BIND_SERVICE", "cap_chown", "KILL"])),
            ("allowedAdd", one_of(&json!([["*"], []]))),
            ("deniedAdd", some_of(&["CAP_SYS_MODULE", "sys_admin"])),
        ],
        "procMount" => vec![("allowInUserNamespace", switch())],
        "sysctls" => vec![
            ("allowed", some_of(&["net.core.*", "kernel/msg*", "net/ipv4/conf/eth0.1/*", "*.swappiness"])),
            ("denied", some_of(&["net.core.bpf_*", "net/ipv4/tcp_s*", "kernel.shm"])),
            ("denied", Just(json!(["net/ipv4/tcp_*"])).boxed()),
        ],
        "interactiveAccess" => vec![
            (
                "subresources",
                subsequence(vec!["exec", "attach", "portforward", "proxy"], 1..=4)
                    .prop_map(Value::from)
                    .boxed(),
            ),
            (
                "allowedCommands",
                one_of(&json!([
                    [],
                    [["nginx", "-t"], ["cat", "/etc/nginx/*"]],
                    [["cat", "*"]],
                    [["*"], ["sh", "-c", "*-t"]]
                ])),
            ),
        ],
        "shellRemoval" => vec![(
            "paths",
            one_of(&json!([["/bin/sh"], ["/bin/busybox", "/bin/bash"], ["/bin/sh", "/bin/bash"]])),
        )],
        _ => Vec::new(),
    }
}

fn exemption() -> BoxedStrategy<Value> {
    let matchers = fields(vec![
        (
            "images",
            some_one_of(&[
                "nginx",
                "istio/*",
                "registry.example.com/mesh/*",
                "registry.example.com/mesh/proxy:2.0",
                "docker.io/library/ng*",
                "nginx:1.*",
                "*",
            ]),
        ),
        ("images", Just(json!([format!("nginx@{DIGEST}")])).boxed()),
        ("containers", some_one_of(&["web", "istio-*", "mesh-a", "*"])),
        ("namespaces", some_one_of(&["shop", "mesh-*"])),
        ("users", some_one_of(&["alice", "system:serviceaccount:ci:*", "oidc:*", "oidc:ops/*"])),
        ("groups", some_one_of(&["breakglass", "system:*"])),
    ]);
    let rules = vec(select(REFERENCE_RULES.iter().map(|(rule, _)| *rule).collect::<Vec<_>>()), 1..4);
    let others = fields(vec![
        ("expires", of(&["2020-02-29", "9999-12-31"])),
        (
            "rules",
            rules
                .prop_map(|mut rules| {
                    rules.sort_unstable();
                    rules.dedup();
                    Value::from(rules)
                })
                .boxed(),
        ),
    ]);
    (matchers, others)
        .prop_map(|(mut matchers, others)| {
            if matchers.as_object().is_some_and(Map::is_empty) {
                matchers["namespaces"] = json!(["shop"]);
            }
            for (key, value) in others.as_object().into_iter().flatten() {
                matchers[key] = value.clone();
            }
            matchers["reason"] = "known exception".into();
            matchers
        })
        .boxed()
}

/// Generates one or two of the values.
fn some_one_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(values, 1..=2).prop_map(Value::from).boxed()
}
