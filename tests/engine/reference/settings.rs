//! Modes and rule options with their documented defaults.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::rule::ReferenceRule;

/// Returns the mode of a rule: `off`, `warn` or `deny`. Mode `fix` counts as `deny`, which applies to findings without a fix.
pub(super) fn mode(settings: &Value, rule: &ReferenceRule) -> String {
    let configured = match settings.get(rule.id) {
        Some(Value::Object(options)) => options.get("mode"),
        mode => mode,
    };
    match configured {
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

/// Returns the options of a rule. An option that is `null` counts as unset.
#[track_caller]
pub(super) fn options<T: DeserializeOwned>(settings: &Value, rule: &str) -> T {
    let mut options = settings.get(rule).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    options.retain(|_, value| !value.is_null());
    serde_json::from_value(options.into()).unwrap()
}
