//! Settings as their documentation tells them: modes, and the options of rules with their defaults.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Rules that are off unless the settings say otherwise.
const OFF: [&str; 4] = ["ephemeralContainers", "interactiveAccess", "shellRemoval", "sharedProcessNamespace"];

/// What the settings say of a rule: `off`, `warn` or `deny`. What cannot be fixed is denied.
pub(super) fn mode(settings: &Value, rule: &str) -> String {
    let default = if OFF.contains(&rule) { "off" } else { "deny" };
    let said = match settings.get(rule) {
        Some(Value::Object(options)) => options.get("mode"),
        said => said,
    };
    match said {
        Some(Value::Bool(false)) => "off".to_owned(),
        Some(Value::String(mode)) if mode == "fix" => "deny".to_owned(),
        Some(Value::String(mode)) => mode.clone(),
        _ => default.to_owned(),
    }
}

/// The options of a rule. What is `null` is unset.
#[track_caller]
pub(super) fn options<T: DeserializeOwned>(settings: &Value, rule: &str) -> T {
    let mut options = settings.get(rule).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    options.retain(|_, value| !value.is_null());
    serde_json::from_value(options.into()).unwrap()
}
