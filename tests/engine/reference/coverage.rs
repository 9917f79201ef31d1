//! The coverage of generated requests: each rule must report a finding and must report none, and each option must have
//! every effect that it can have.

use std::collections::BTreeSet;

use serde_json::Value;

use super::request::Request;
use super::rule::Effect::{self, Reports};
use super::rule::ReferenceRule;
use super::settings::counts_unchanged;
use super::{Finding, REFERENCE_RULES, candidates_of, findings_of};

/// The keys of exemptions.
const KEYS: [&str; 7] = ["expires", "rules", "images", "containers", "namespaces", "users", "groups"];

/// Whether a request covers a situation.
type Condition = fn(&Request<'_>) -> bool;

/// Other situations that generated requests must cover.
const SITUATIONS: [(&str, Condition); 11] = [
    ("a controlled object has an ignored finding", |request| {
        request.is_controlled() && has_fixable_finding(request)
    }),
    ("a controlled object has a reported finding", |request| request.is_controlled() && has_finding(request)),
    ("an owner is not a controller", |request| {
        !request.is_controlled()
            && !request.field::<Vec<Value>>("/object/metadata/ownerReferences").is_empty()
    }),
    ("a mirror pod has an ignored finding", |request| {
        request.is_mirror_pod() && has_fixable_finding(request)
    }),
    ("a mirror pod has a reported finding", |request| request.is_mirror_pod() && has_finding(request)),
    ("all findings of an update count", |request| {
        is_update_in_mode_all(request) && request.counts_all_findings()
    }),
    ("an update does not change running containers", |request| {
        is_update_in_mode_all(request) && !request.counts_all_findings()
    }),
    ("an update of a deleted object has a finding", |request| {
        let deletion: Value = request.field("/oldObject/metadata/deletionTimestamp");
        is_update_in_mode_all(request) && !deletion.is_null() && has_finding(request)
    }),
    ("a responsible container moves to another list", moves_between_lists),
    ("a pod loses a digest", |request| {
        let containers = request.pods.iter().flat_map(|pod| &pod.containers);
        let mut lost = containers.filter_map(|container| {
            let old = request
                .old_pods()
                .find_map(|pod| pod.containers.iter().find(|old| old.is_same(container)))?;
            old.spec.image.clone()?.strip_prefix(container.spec.image.as_deref()?).map(str::to_owned)
        });
        request.is_about_pod() && lost.any(|lost| lost.starts_with('@'))
    }),
    ("a container in a custom kind has no image", |request| {
        let mut containers = request.pods.iter().flat_map(|pod| &pod.containers);
        !request.is_built_in() && containers.any(|container| container.spec.image.is_none())
    }),
];

/// Whether a finding differs from an old finding only in the list of a container.
fn moves_between_lists(request: &Request<'_>) -> bool {
    let mut before = request.json.clone();
    before["object"] = before["oldObject"].take();
    before["operation"] = "CREATE".into();
    let candidates = |json: &Value| super::candidates(json, request.settings).unwrap_or_default();
    let (before, now) = (candidates(&before), candidates(request.json));
    now.iter().any(|candidate| {
        let mut old = before.iter().filter(|old| old.finding == candidate.finding);
        old.any(|old| candidate.responsible.have_moved_since(&old.responsible))
    })
}

fn has_fixable_finding(request: &Request<'_>) -> bool {
    let candidates = REFERENCE_RULES.iter().flat_map(|rule| candidates_of(rule, request));
    candidates.into_iter().any(|candidate| candidate.is_fixable)
}

fn has_finding(request: &Request<'_>) -> bool {
    REFERENCE_RULES.iter().any(|rule| !findings_of(rule, request).is_empty())
}

fn is_update_in_mode_all(request: &Request<'_>) -> bool {
    let is_update = request.text("operation") == "UPDATE" && !request.pods.is_empty();
    is_update && counts_unchanged(request.settings)
}

/// The situations that requests have covered.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeSet<String>);

impl Coverage {
    /// Records what a request covers.
    pub(super) fn count(&mut self, request: &Value, settings: &Value) {
        let Some(request) = Request::read(request, settings) else { return };
        for rule in REFERENCE_RULES {
            let findings = findings_of(rule, &request);
            let is_on = super::settings::mode(settings, rule) != "off";
            self.record(rule_reports(rule.id), || !findings.is_empty());
            self.record(rule_admits(rule.id), || is_on && findings.is_empty());
            for (option, effects) in rule.effects {
                let without = || findings_without(rule, option, &request);
                for effect in *effects {
                    self.record(option_does(rule.id, option, *effect), || {
                        has_effect(*effect, &findings, &without())
                    });
                }
            }
        }
        for (situation, is_met) in SITUATIONS {
            self.record(situation.to_owned(), || is_met(&request));
        }
        let count = |request: &Request<'_>| {
            REFERENCE_RULES.iter().flat_map(|rule| findings_of(rule, request)).count()
        };
        let has_key = |key: &str| settings["exemptions"].to_string().contains(&format!("\"{key}\":"));
        for key in KEYS.into_iter().filter(|key| has_key(key)) {
            self.record(exempts(key), || {
                count(&request.with_settings(&without_entries(settings, key))) > count(&request)
            });
            self.record(restricts(key), || {
                count(&request.with_settings(&without_key(settings, key))) < count(&request)
            });
        }
    }

    fn record(&mut self, situation: String, is_covered: impl FnOnce() -> bool) {
        if !self.0.contains(&situation) && is_covered() {
            self.0.insert(situation);
        }
    }

    /// Returns the situations that no request has covered.
    pub(super) fn missing(&self) -> Vec<String> {
        let rules = REFERENCE_RULES.iter().flat_map(|rule| [rule_reports(rule.id), rule_admits(rule.id)]);
        let options = REFERENCE_RULES.iter().flat_map(|rule| {
            let effects = rule.effects.iter();
            effects.flat_map(|(option, effects)| {
                effects.iter().map(|effect| option_does(rule.id, option, *effect))
            })
        });
        let keys = KEYS.iter().flat_map(|key| [exempts(key), restricts(key)]);
        let situations = SITUATIONS.iter().map(|(situation, _)| (*situation).to_owned());
        rules
            .chain(options)
            .chain(keys)
            .chain(situations)
            .filter(|situation| !self.0.contains(situation))
            .collect()
    }
}

fn rule_reports(rule: &str) -> String {
    format!("{rule} reports a finding")
}

fn rule_admits(rule: &str) -> String {
    format!("{rule} reports no finding")
}

fn option_does(rule: &str, option: &str, effect: Effect) -> String {
    match effect {
        Reports => format!("the option {rule}.{option} adds a finding"),
        Effect::Allows => format!("the option {rule}.{option} removes a finding"),
    }
}

fn exempts(key: &str) -> String {
    format!("an exemption with {key} covers a finding")
}

fn restricts(key: &str) -> String {
    format!("{key} excludes a finding from an exemption")
}

fn findings_without(rule: &ReferenceRule, option: &str, request: &Request<'_>) -> Vec<Finding> {
    let mut settings = request.settings.clone();
    if let Some(options) = settings.get_mut(rule.id).and_then(Value::as_object_mut) {
        options.remove(option);
    }
    findings_of(rule, &request.with_settings(&settings))
}

fn has_effect(effect: Effect, with: &[Finding], without: &[Finding]) -> bool {
    let (more, fewer) = if effect == Reports { (with, without) } else { (without, with) };
    more.iter().any(|finding| !fewer.contains(finding))
}

/// Returns the settings without the exemptions that have a key.
fn without_entries(settings: &Value, key: &str) -> Value {
    changed(settings, |entries| entries.retain(|entry| entry.get(key).is_none()))
}

/// Returns the settings with a key removed from all exemptions.
fn without_key(settings: &Value, key: &str) -> Value {
    changed(settings, |entries| {
        for entry in entries {
            if let Some(keys) = entry.as_object_mut() {
                keys.remove(key);
            }
        }
    })
}

fn changed(settings: &Value, change: impl FnOnce(&mut Vec<Value>)) -> Value {
    let mut settings = settings.clone();
    if let Some(entries) = settings.get_mut("exemptions").and_then(Value::as_array_mut) {
        change(entries);
    }
    settings
}
