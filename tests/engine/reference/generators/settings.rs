//! Generators of settings.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};

use super::images::DIGEST;
use crate::generators::{fields, of, one_of};
use crate::reference::REFERENCE_RULES;
use crate::reference::presets::NAMES;
use crate::reference::rule::ReferenceRule;

/// Generates the value of a switch, mostly true.
pub(in crate::reference) fn switch() -> BoxedStrategy<Value> {
    one_of(&json!([true, true, false]))
}

/// Generates a subsequence of the values.
pub(in crate::reference) fn some_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    subsequence(values, 0..=values.len()).prop_map(Value::from).boxed()
}

/// Generates settings for every rule.
pub(super) fn settings() -> BoxedStrategy<Value> {
    prop_oneof![2 => settings_of(None), 1 => select(&NAMES[..]).prop_flat_map(|name| settings_of(Some(name)))]
        .boxed()
}

/// Generates settings for every rule, or a preset with settings for some rules.
fn settings_of(preset: Option<&'static str>) -> BoxedStrategy<Value> {
    let rules: Vec<_> = REFERENCE_RULES
        .iter()
        .map(|rule| match preset {
            None => rule_settings(rule),
            Some(_) => prop_oneof![3 => Just(None), 1 => rule_settings(rule)].boxed(),
        })
        .collect();
    let switches = fields(vec![
        ("enforcement", one_of(&json!(["deny", "deny", "warn"]))),
        ("onUpdate", of(&["changes", "all"])),
        ("exemptions", vec(exemption(), 0..4).prop_map(Value::from).boxed()),
    ]);
    (rules, switches)
        .prop_map(move |(rules, mut settings)| {
            if let Some(preset) = preset {
                settings["preset"] = preset.into();
            }
            for (rule, options) in REFERENCE_RULES.iter().zip(rules) {
                if let Some(mut options) = options {
                    if preset.is_some() {
                        add_mode(&mut options);
                    }
                    settings[rule.id] = options;
                }
            }
            add_missing_commands(&mut settings);
            add_localhost(&mut settings);
            if preset.is_some() {
                add_allowed_capabilities(&mut settings);
            }
            settings
        })
        .boxed()
}

/// Adds a mode to options. Without it, the policy rejects options of rules that the preset disables.
fn add_mode(options: &mut Value) {
    if let Some(options) = options.as_object_mut() {
        options.entry("mode").or_insert_with(|| "deny".into());
    }
}

/// Adds allowed commands to settings that allow input to them. Without commands, the policy rejects such settings.
fn add_missing_commands(settings: &mut Value) {
    let Some(options) = settings.get_mut("interactiveAccess").and_then(Value::as_object_mut) else { return };
    let commands = options.get("allowedCommands").and_then(Value::as_array);
    if options.contains_key("allowStdin") && commands.is_none_or(Vec::is_empty) {
        options.insert("allowedCommands".to_owned(), json!([["nginx", "-t"], ["cat", "*"]]));
    }
}

/// Adds allowed capabilities to settings that require or deny others. The policy rejects settings that contradict those of a preset.
fn add_allowed_capabilities(settings: &mut Value) {
    let Some(options) = settings.get_mut("capabilities").and_then(Value::as_object_mut) else { return };
    if options.contains_key("requiredDrop") || options.contains_key("deniedAdd") {
        options.entry("allowedAdd").or_insert_with(|| json!(["NET_BIND_SERVICE"]));
    }
}

/// Adds `Localhost` to the allowed profiles of settings that restrict the names of such profiles. Without it, the policy rejects such
/// settings.
fn add_localhost(settings: &mut Value) {
    let Some(options) = settings.get_mut("seccompProfile").and_then(Value::as_object_mut) else { return };
    let Some(allowed) = options.get("allowed").and_then(Value::as_array) else { return };
    if options.contains_key("localhostProfiles") && !allowed.contains(&json!("Localhost")) {
        options.insert("allowed".to_owned(), json!(["Localhost", "RuntimeDefault"]));
    }
}

/// Generates the settings of a rule: unset, a mode, or an object.
fn rule_settings(rule: &ReferenceRule) -> BoxedStrategy<Option<Value>> {
    let bare = one_of(&json!(["deny", "deny", "warn", "off", false])).prop_map(Some);
    let mode = ("mode", one_of(&json!(["deny", "deny", "deny", "deny", "warn", "off", false])));
    let object = fields([(rule.options)(), vec![mode.clone(), mode]].concat()).prop_map(Some);
    prop_oneof![2 => Just(None), 1 => bare, 9 => object].boxed()
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
                "*.example.com/mesh/*",
            ]),
        ),
        ("images", Just(json!([format!("nginx@{DIGEST}")])).boxed()),
        ("containers", some_one_of(&["web", "istio-*", "mesh-a", "web*"])),
        ("namespaces", some_one_of(&["shop", "mesh-*"])),
        ("users", some_one_of(&["alice", "system:serviceaccount:ci:*", "oidc:*", "oidc:ops/*"])),
        ("groups", some_one_of(&["breakglass", "system:*"])),
    ]);
    let rules = vec(select(REFERENCE_RULES.iter().map(|rule| rule.id).collect::<Vec<_>>()), 1..4);
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
            if matchers["rules"] == json!(["interactiveAccess"]) {
                // Connections do not contain images.
                matchers["rules"] = json!(["interactiveAccess", "privileged"]);
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
