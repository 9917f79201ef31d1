//! The modes and options of the rules in each preset.

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::settings::presets;
use serde_json::Value;

/// The preset whose settings are the defaults.
pub(super) const DEFAULT: &str = "immutable";

/// A preset.
pub(super) struct Preset {
    pub(super) name: &'static str,
    /// The settings that differ from the defaults.
    pub(super) settings: Value,
}

/// Returns the presets, from the least strict to the strictest.
///
/// # Errors
/// If the settings of a preset are not JSON.
pub(super) fn presets() -> Result<Vec<Preset>, String> {
    let read = |(name, preset): &(&'static str, presets::Preset)| {
        let settings = serde_json::from_str(preset.settings()).map_err(|error| format!("{name}: {error}"))?;
        Ok(Preset { name, settings })
    };
    presets::Preset::ALL.iter().map(read).collect()
}

impl Preset {
    /// Returns the mode of a rule. A rule accepts its mode alone, or an object with it; YAML reads a bare `off` as `false`.
    pub(super) fn mode(&self, rule: RuleId) -> &str {
        let default = rule.meta().default_mode.name();
        let mode = match self.settings.get(rule.meta().id) {
            Some(Value::Object(options)) => options.get("mode"),
            mode => mode,
        };
        match mode {
            Some(Value::Bool(false)) => "off",
            mode => mode.and_then(Value::as_str).unwrap_or(default),
        }
    }

    /// Returns an option of a rule, or its default.
    pub(super) fn option(&self, rule: RuleId, key: &str) -> Value {
        let default = || rule.settings().into_iter().find(|setting| setting.key == key)?.default;
        let options = self.settings.get(rule.meta().id);
        let option = options.and_then(|options| options.get(key)).filter(|option| !option.is_null());
        option.cloned().or_else(default).unwrap_or_default()
    }

    /// Whether findings of a rule deny objects.
    pub(super) fn denies(&self, rule: RuleId) -> bool {
        matches!(self.mode(rule), "deny" | "fix")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preset_overrides_the_defaults() {
        let settings = json!({
            "hostPorts": "deny",
            "imageChange": false,
            "sysctls": {"mode": "warn"},
            "capabilities": {"requiredDrop": ["ALL"]},
            "privileged": null,
        });
        let preset = Preset { name: "", settings };
        let mode = |rule| preset.mode(rule);
        assert_eq!(mode(RuleId::HostPorts), "deny");
        assert_eq!(mode(RuleId::ImageChange), "off");
        assert_eq!(mode(RuleId::Sysctls), "warn");
        assert_eq!(mode(RuleId::Capabilities), "deny");
        assert_eq!(mode(RuleId::Privileged), "deny");
        assert_eq!(mode(RuleId::ShellRemoval), "off");
        assert_eq!(preset.option(RuleId::Capabilities, "requiredDrop"), json!(["ALL"]));
        assert_eq!(preset.option(RuleId::Capabilities, "allowedAdd"), json!(["NET_BIND_SERVICE"]));
        assert_eq!(preset.option(RuleId::Capabilities, "unknown"), Value::Null);
    }

    #[test]
    fn the_default_preset_exists() {
        let presets = presets().unwrap();
        let default = presets.iter().find(|preset| preset.name == DEFAULT).unwrap();
        assert!(default.denies(RuleId::Privileged));
    }
}
