//! Modes and rule options with their documented defaults.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::presets::preset_of;
use super::rule::ReferenceRule;

/// Returns a setting: its own value, or else that of the preset. A setting that is `null` counts as unset.
pub(super) fn setting<'s>(settings: &'s Value, key: &str) -> Option<&'s Value> {
    let own = settings.get(key).filter(|value| !value.is_null());
    own.or_else(|| preset_of(settings).get(key))
}

/// Returns the mode of a rule: `off`, `warn` or `deny`. Mode `fix` counts as `deny`, which applies to findings without a fix.
pub(super) fn mode(settings: &Value, rule: &ReferenceRule) -> String {
    let in_preset = preset_of(settings).get(rule.id).and_then(|options| options.get("mode"));
    let configured = match settings.get(rule.id) {
        Some(Value::Object(options)) => options.get("mode"),
        mode => mode,
    };
    match configured.filter(|mode| !mode.is_null()).or(in_preset) {
        Some(Value::Bool(false)) => "off".to_owned(),
        Some(Value::String(mode)) if mode == "fix" => "deny".to_owned(),
        Some(Value::String(mode)) => mode.clone(),
        _ => rule.default_mode.to_owned(),
    }
}

/// Whether the findings of a rule deny a request.
pub(super) fn denies(settings: &Value, rule: &ReferenceRule) -> bool {
    let only_warns = settings.get("enforcement").is_some_and(|word| word == "warn");
    mode(settings, rule) == "deny" && !only_warns
}

/// Whether all findings of an update count, not only new findings.
pub(super) fn counts_unchanged(settings: &Value) -> bool {
    setting(settings, "onUpdate").is_some_and(|word| word == "all")
}

/// Returns the options of a rule: those of the preset, each of which the settings may override. An option that is `null`
/// counts as unset.
#[track_caller]
pub(super) fn options<T: DeserializeOwned>(settings: &Value, rule: &str) -> T {
    let of = |settings: &Value| settings.get(rule).and_then(Value::as_object).cloned();
    let mut options: Map<_, _> = of(preset_of(settings)).unwrap_or_default();
    let own = of(settings).unwrap_or_default();
    options.extend(own.into_iter().filter(|(_, value)| !value.is_null()));
    serde_json::from_value(options.into()).unwrap()
}
