//! Writes modes and entries into settings.

use std::collections::BTreeMap;

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::policy_settings::PolicySettings;
use immutable_pods_policy::settings::mode::Mode;
use immutable_pods_policy::settings::value::SettingsDocument;
use serde_json::{Map, Value, json};

use super::entry::{Entry, Exempt};

/// How the lists of allowed paths and repositories are written, which allow everything if they are not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lists {
    /// As they are given.
    Given,
    /// With the entries only, even if there are none.
    Strict,
    /// With the entries. No repositories at all cannot be written as settings, so that list remains as it is given.
    Final,
}

/// A repository in which no image can be: settings do not accept an empty list.
const NO_REPOSITORY: &str = "none.invalid/none";

/// Returns the mode of each rule that is on. Invalid settings have none.
pub(super) fn modes(settings: &Map<String, Value>) -> BTreeMap<&'static str, Mode> {
    let json = json(settings);
    let Ok(document) = SettingsDocument::parse(&json) else { return BTreeMap::new() };
    let read = PolicySettings::read(&document);
    read.map(|read| read.rules.iter().map(|rule| (rule.id, rule.mode)).collect()).unwrap_or_default()
}

/// Returns whether settings are valid.
pub(super) fn are_valid(settings: &Map<String, Value>) -> bool {
    let json = json(settings);
    let Ok(document) = SettingsDocument::parse(&json) else { return false };
    PolicySettings::validate(&document).is_ok()
}

/// Returns settings as JSON.
pub(super) fn json(settings: &Map<String, Value>) -> Vec<u8> {
    // Every map has a JSON form.
    serde_json::to_vec(settings).unwrap_or_default()
}

/// Returns whether settings name the mode of a rule.
pub(super) fn is_mode_set(settings: &Map<String, Value>, rule: &str) -> bool {
    match settings.get(rule) {
        None => false,
        Some(Value::Object(options)) => options.contains_key("mode"),
        Some(_) => true,
    }
}

/// Sets the mode of a rule.
pub(super) fn set_mode(settings: &mut Map<String, Value>, rule: &str, mode: &str) {
    match settings.get_mut(rule) {
        Some(Value::Object(options)) => {
            options.insert("mode".to_owned(), mode.into());
        }
        _ => {
            settings.insert(rule.to_owned(), mode.into());
        }
    }
}

/// Settings to which entries are added.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) settings: Map<String, Value>,
    limits_paths: bool,
    limits_repositories: bool,
}

impl Draft {
    /// Limits paths and repositories if the rules about them deny.
    pub(super) fn new(settings: Map<String, Value>) -> Self {
        let modes = modes(&settings);
        let denies = |rule: RuleId| matches!(modes.get(rule.meta().id), Some(Mode::Deny | Mode::Fix));
        let (limits_paths, limits_repositories) =
            (denies(RuleId::WritableMounts), denies(RuleId::ImageReferenceRule));
        Self { settings, limits_paths, limits_repositories }
    }
}

/// Returns the settings with entries, and with exemptions besides.
pub(super) fn with_entries<'e>(
    draft: &Draft,
    entries: impl Iterator<Item = &'e Entry>,
    exemptions: Vec<Value>,
    lists: Lists,
) -> Map<String, Value> {
    let (mut host_paths, mut paths, mut repositories) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries {
        match entry {
            Entry::HostPath(path) => host_paths.push(json!({"pathPrefix": path, "readOnly": true})),
            Entry::WritablePath(path) => paths.push(path.as_str().into()),
            Entry::Repository(repository) => repositories.push(repository.as_str().into()),
            Entry::Exemption(_) => {}
        }
    }
    let mut settings = draft.settings.clone();
    if !host_paths.is_empty() {
        extend_option(&mut settings, RuleId::HostPathVolumes, "allowed", host_paths);
    }
    if draft.limits_paths && lists != Lists::Given {
        extend_option(&mut settings, RuleId::WritableMounts, "allowedPaths", paths);
    }
    if repositories.is_empty() && lists == Lists::Strict {
        repositories.push(NO_REPOSITORY.into());
    }
    if draft.limits_repositories && lists != Lists::Given && !repositories.is_empty() {
        extend_option(&mut settings, RuleId::ImageReferenceRule, "allowedRepositories", repositories);
    }
    if !exemptions.is_empty() {
        extend(&mut settings, "exemptions", exemptions);
    }
    settings
}

/// Returns an exemption as settings write it.
pub(super) fn exemption(exempt: &Exempt) -> Value {
    let Exempt { rule, image, container, namespace } = exempt;
    let mut exemption = json!({"reason": "search", "rules": [rule]});
    for (key, value) in [("images", image), ("containers", container), ("namespaces", namespace)] {
        if let (Some(value), Value::Object(exemption)) = (value, &mut exemption) {
            exemption.insert(key.to_owned(), json!([value]));
        }
    }
    exemption
}

/// Appends items to an option of a rule. A mode alone becomes an option.
fn extend_option(settings: &mut Map<String, Value>, rule: RuleId, key: &str, items: Vec<Value>) {
    let rule = rule.meta().id;
    let mut options = match settings.remove(rule) {
        Some(Value::Object(options)) => options,
        Some(mode) => Map::from_iter([("mode".to_owned(), mode)]),
        None => Map::new(),
    };
    extend(&mut options, key, items);
    settings.insert(rule.to_owned(), Value::Object(options));
}

/// Appends items to a list, which may be missing.
fn extend(options: &mut Map<String, Value>, key: &str, items: Vec<Value>) {
    let list = options.entry(key).or_insert(Value::Null);
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    if let Value::Array(list) = list {
        list.extend(items);
    }
}
