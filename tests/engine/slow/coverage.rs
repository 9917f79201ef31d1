//! Whether generated requests try everything: each rule must find something and find nothing, and each option must make a
//! difference in every direction that it has.

use std::collections::BTreeSet;

use serde_json::Value;

use super::asked::Asked;
use super::{Finding, TWINS, candidates_of, found_by};

/// What an option does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    /// It makes a rule find something.
    Finds,
    /// It makes a rule pass something over.
    Passes,
}

use Effect::{Finds, Passes};

/// Every option that can be judged without a registry, and what it does.
const OPTIONS: [(&str, &str, &[Effect]); 23] = [
    ("runAsNonRoot", "userRanges", &[Finds]),
    ("runAsNonRoot", "groups", &[Finds]),
    ("runAsNonRoot", "groupRanges", &[Finds]),
    ("runAsNonRoot", "allowInUserNamespace", &[Passes]),
    ("hostNamespaces", "allow", &[Passes]),
    ("imageReference", "require", &[Finds]),
    ("imageReference", "deniedTags", &[Finds, Passes]),
    ("imageChange", "allowPinning", &[Passes]),
    ("imageChange", "allowSameRepository", &[Passes]),
    ("hostPathVolumes", "allowed", &[Finds, Passes]),
    ("hostPathVolumes", "denied", &[Finds]),
    ("writableMounts", "protectedPaths", &[Finds, Passes]),
    ("writableMounts", "allowedPaths", &[Finds]),
    ("writableMounts", "allowedTypes", &[Finds, Passes]),
    ("capabilities", "requiredDrop", &[Finds]),
    ("capabilities", "allowedAdd", &[Finds, Passes]),
    ("capabilities", "deniedAdd", &[Finds]),
    ("procMount", "allowInUserNamespace", &[Passes]),
    ("sysctls", "allowed", &[Passes]),
    ("sysctls", "denied", &[Finds]),
    ("interactiveAccess", "subresources", &[Finds, Passes]),
    ("interactiveAccess", "allowedCommands", &[Finds, Passes]),
    ("shellRemoval", "paths", &[Finds, Passes]),
];

/// The keys of exemptions.
const KEYS: [&str; 7] = ["expires", "rules", "images", "containers", "namespaces", "users", "groups"];

/// Whether a request shows a situation.
type IsShown = fn(&Asked<'_>) -> bool;

/// What else must come up: what it is, and whether a request shows it.
const SITUATIONS: [(&str, IsShown); 11] = [
    ("a controlled object leaves something to its pods", |asked| {
        asked.is_controlled() && leaves_something(asked)
    }),
    ("a controlled object is found wrong all the same", |asked| {
        asked.is_controlled() && finds_something(asked)
    }),
    ("an owner is not a controller", |asked| {
        !asked.is_controlled() && !asked.field::<Vec<Value>>("/object/metadata/ownerReferences").is_empty()
    }),
    ("a mirror pod has something unset", |asked| asked.is_mirror_pod() && leaves_something(asked)),
    ("a mirror pod is found wrong all the same", |asked| asked.is_mirror_pod() && finds_something(asked)),
    ("an update counts in full", |asked| is_update_of_all(asked) && asked.counts_in_full()),
    ("an update changes nothing that runs", |asked| is_update_of_all(asked) && !asked.counts_in_full()),
    ("an update of a deleted object finds something", |asked| {
        let deletion: Value = asked.field("/oldObject/metadata/deletionTimestamp");
        is_update_of_all(asked) && !deletion.is_null() && finds_something(asked)
    }),
    ("a responsible container is in another list than before", moves_between_lists),
    ("a pod loses a digest", |asked| {
        let containers = asked.pods.iter().flat_map(|pod| &pod.containers);
        let mut lost = containers.filter_map(|judged| {
            let old =
                asked.old_pods().find_map(|pod| pod.containers.iter().find(|old| old.is_same(judged)))?;
            old.container.image.clone()?.strip_prefix(judged.container.image.as_deref()?).map(str::to_owned)
        });
        asked.is_of_pod() && lost.any(|lost| lost.starts_with('@'))
    }),
    ("a kind that is not built in lacks an image", |asked| {
        let mut containers = asked.pods.iter().flat_map(|pod| &pod.containers);
        !asked.is_built_in() && containers.any(|judged| judged.container.image.is_none())
    }),
];

/// Whether a finding is the old one but for the list of a container.
fn moves_between_lists(asked: &Asked<'_>) -> bool {
    let mut before = asked.request.clone();
    before["object"] = before["oldObject"].take();
    before["operation"] = "CREATE".into();
    let candidates = |request: &Value| super::candidates(request, asked.settings).unwrap_or_default();
    let (before, now) = (candidates(&before), candidates(asked.request));
    now.iter().any(|candidate| {
        let mut old = before.iter().filter(|old| old.finding == candidate.finding);
        old.any(|old| candidate.holders.have_moved_since(&old.holders))
    })
}

fn leaves_something(asked: &Asked<'_>) -> bool {
    let candidates = TWINS.iter().flat_map(|(rule, _)| candidates_of(rule, asked));
    candidates.into_iter().any(|candidate| candidate.can_be_filled)
}

fn finds_something(asked: &Asked<'_>) -> bool {
    TWINS.iter().any(|(rule, _)| !found_by(rule, asked).is_empty())
}

fn is_update_of_all(asked: &Asked<'_>) -> bool {
    let is_update = asked.text("operation") == "UPDATE" && !asked.pods.is_empty();
    is_update && asked.settings.get("onUpdate").is_some_and(|word| word == "all")
}

/// Whether an option of a rule must be seen to do something.
pub(super) fn has(rule: &str, option: &str) -> bool {
    OPTIONS.iter().any(|(of, known, _)| (*of, *known) == (rule, option))
}

/// What was seen so far.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeSet<String>);

impl Coverage {
    /// Counts what a request shows.
    pub(super) fn count(&mut self, request: &Value, settings: &Value) {
        let Some(asked) = Asked::read(request, settings) else { return };
        for (rule, _) in TWINS {
            let found = found_by(rule, &asked);
            let can_find = super::settings::mode(settings, rule) != "off";
            self.see(rule_finds(rule), || !found.is_empty());
            self.see(rule_passes(rule), || can_find && found.is_empty());
            for (_, option, effects) in OPTIONS.iter().filter(|(of, _, _)| *of == rule) {
                let without = || found_without(rule, option, &asked);
                for effect in *effects {
                    self.see(option_does(rule, option, *effect), || has_effect(*effect, &found, &without()));
                }
            }
        }
        for (situation, is_shown) in SITUATIONS {
            self.see(situation.to_owned(), || is_shown(&asked));
        }
        let count = |asked: &Asked<'_>| TWINS.iter().flat_map(|(rule, _)| found_by(rule, asked)).count();
        let has_key = |key: &str| settings["exemptions"].to_string().contains(&format!("\"{key}\":"));
        for key in KEYS.into_iter().filter(|key| has_key(key)) {
            self.see(exempts(key), || count(&asked.by(&without_entries(settings, key))) > count(&asked));
            self.see(holds_back(key), || count(&asked.by(&without_key(settings, key))) < count(&asked));
        }
    }

    fn see(&mut self, what: String, is_seen: impl FnOnce() -> bool) {
        if !self.0.contains(&what) && is_seen() {
            self.0.insert(what);
        }
    }

    /// What was never seen.
    pub(super) fn missing(&self) -> Vec<String> {
        let rules = TWINS.iter().flat_map(|(rule, _)| [rule_finds(rule), rule_passes(rule)]);
        let options = OPTIONS.iter().flat_map(|(rule, option, effects)| {
            effects.iter().map(|effect| option_does(rule, option, *effect))
        });
        let keys = KEYS.iter().flat_map(|key| [exempts(key), holds_back(key)]);
        let situations = SITUATIONS.iter().map(|(situation, _)| (*situation).to_owned());
        rules.chain(options).chain(keys).chain(situations).filter(|what| !self.0.contains(what)).collect()
    }
}

fn rule_finds(rule: &str) -> String {
    format!("{rule} finds something")
}

fn rule_passes(rule: &str) -> String {
    format!("{rule} finds nothing")
}

fn option_does(rule: &str, option: &str, effect: Effect) -> String {
    match effect {
        Finds => format!("{rule} finds something for its option {option}"),
        Passes => format!("{rule} passes something over for its option {option}"),
    }
}

fn exempts(key: &str) -> String {
    format!("an exemption with {key} exempts something")
}

fn holds_back(key: &str) -> String {
    format!("an exemption does not apply because of {key}")
}

fn found_without(rule: &str, option: &str, asked: &Asked<'_>) -> Vec<Finding> {
    let mut settings = asked.settings.clone();
    if let Some(options) = settings.get_mut(rule).and_then(Value::as_object_mut) {
        options.remove(option);
    }
    found_by(rule, &asked.by(&settings))
}

fn has_effect(effect: Effect, with: &[Finding], without: &[Finding]) -> bool {
    let (more, fewer) = if effect == Finds { (with, without) } else { (without, with) };
    more.iter().any(|finding| !fewer.contains(finding))
}

/// The settings without the exemptions that have a key.
fn without_entries(settings: &Value, key: &str) -> Value {
    changed(settings, |entries| entries.retain(|entry| entry.get(key).is_none()))
}

/// The settings without a key of exemptions.
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
