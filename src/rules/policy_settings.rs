//! The settings of the policy: general settings, and every rule that is on with its own settings.
//!
//! Settings are strict: unknown keys and values are errors, because a typo must never disable a protection. All errors are
//! reported at once.

use super::active_rule::ActiveRule;
use super::{ConfiguredRule, RULE_IDS, RULES, RuleId, contradictions};
use crate::settings::declaration::{Accepts, Choices, Declaration, Declared, Format, ObjectDeclaration};
use crate::settings::exemption::{self, Exemptions};
use crate::settings::mode::{ENFORCEMENT, Enforcement, FIX_DOC, MODE_DOC, Mode, ON_UPDATE, OnUpdate};
use crate::settings::preset::PRESET;
use crate::settings::reader::ObjectReader;
use crate::settings::suggestion::suggestion;
use crate::settings::value::{SettingValue, SettingsDocument};
use crate::settings::writable_paths::{self, WritablePaths};
use crate::text::quoted;

/// The settings of the policy.
#[derive(Debug)]
pub struct PolicySettings<'s> {
    /// Whether findings can deny at all.
    pub enforcement: Enforcement,
    /// Which findings count when an object is updated.
    pub on_update: OnUpdate,
    /// The rules that are on, in the order in which findings are reported.
    pub rules: Vec<ActiveRule<'s>>,
    /// The paths that containers write to if a fix makes their root filesystem read-only.
    pub writable_paths: WritablePaths<'s>,
    /// Which findings do not count, and in which requests.
    pub exemptions: Exemptions<'s>,
}

/// The name of a rule.
const RULE_ID: Format = Format {
    check: check_rule,
    demands: &[],
    choices: Some(|| Choices { words: RULE_IDS.to_vec(), other_spellings: None }),
};

/// The modes of a rule that cannot fix.
const MODES: &[(&str, Mode)] = &[("off", Mode::Off), ("warn", Mode::Warn), ("deny", Mode::Deny)];

/// The modes of a rule that can fix.
const MODES_AND_FIX: &[(&str, Mode)] =
    &[("off", Mode::Off), ("warn", Mode::Warn), ("deny", Mode::Deny), ("fix", Mode::Fix)];

impl<'s> PolicySettings<'s> {
    /// Reads the settings; `null` means `{}`. Exemptions are parsed when they are needed.
    ///
    /// # Errors
    /// All errors, one sentence per line, each beginning with the path of the setting.
    pub fn read(document: &'s SettingsDocument<'s>) -> Result<Self, String> {
        let mut errors = Vec::new();
        let settings = Self::read_all(document, &mut errors)?;
        if errors.is_empty() { Ok(settings) } else { Err(errors.join("\n")) }
    }

    /// Checks all settings, including exemptions and contradictions between settings. Policy servers call it once, when they load the
    /// policy. In requests, an invalid exemption matters only if the request has a finding.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn validate(document: &'s SettingsDocument<'s>) -> Result<(), String> {
        let mut errors = Vec::new();
        let settings = Self::read_all(document, &mut errors)?;
        errors.extend(settings.exemptions.list().err().map(str::to_owned));
        if errors.is_empty() {
            errors = contradictions::idle_exemptions(&settings.exemptions);
            errors.extend(contradictions::with_preset(
                &document.preset,
                &settings.rules,
                &settings.exemptions,
                &settings.writable_paths,
            ));
            errors.extend(contradictions::errors(
                &settings.rules,
                &settings.exemptions,
                &settings.writable_paths,
            ));
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    fn read_all(document: &'s SettingsDocument<'s>, errors: &mut Vec<String>) -> Result<Self, String> {
        let entries = match &document.settings {
            SettingValue::Object(entries) => &**entries,
            SettingValue::Null => &[],
            other => return Err(format!("the settings: expected an object, got {}", other.type_name())),
        };
        let mut reader = ObjectReader::of_document(entries, &document.preset, errors);
        reader.get(&PRESET);
        let enforcement = reader.get(&ENFORCEMENT);
        let on_update = reader.get(&ON_UPDATE);
        let mut rules = Vec::with_capacity(RULES.len());
        rules.extend(RuleId::ALL.iter().filter_map(|rule| read_rule(*rule, &mut reader)));
        link_host_path_volumes(&mut rules);
        let writable_paths = WritablePaths::read(&mut reader);
        let exemptions = Exemptions::read(&mut reader, check_rule);
        reader.finish();
        Ok(Self { enforcement, on_update, rules, writable_paths, exemptions })
    }
}

/// Reads a rule, which is set by an object or by a mode alone. An object is read even if the rule is off, so that its errors are
/// reported.
fn read_rule<'s>(rule: RuleId, reader: &mut ObjectReader<'_, 's>) -> Option<ActiveRule<'s>> {
    let id = rule.meta().id;
    let value = reader.value(id);
    let (mode, rule) = if let Some(SettingValue::Object(entries)) = value {
        let mut own = reader.within(id, entries);
        let value = own.value("mode");
        let mode = read_mode(rule, &mut own, "mode", value);
        let configured = rule.configure(&mut own);
        own.finish();
        refuse_idle_fix(&mut own, "mode", mode, &configured);
        refuse_idle_options(&mut own, mode);
        (mode, configured)
    } else {
        let mode = read_mode(rule, reader, id, value);
        let configured = rule.configure(&mut reader.within(id, &[]));
        refuse_idle_fix(reader, id, mode, &configured);
        (mode, configured)
    };
    (mode != Mode::Off).then_some(ActiveRule { id, mode, rule })
}

/// Gives the rule about writable mounts the rule about host paths, because both evaluate the same volumes.
fn link_host_path_volumes(rules: &mut [ActiveRule<'_>]) {
    let host_path_volumes = rules.iter().find_map(|active| match &active.rule {
        ConfiguredRule::HostPathVolumes(rule) => Some(rule.clone()),
        _ => None,
    });
    for active in rules {
        if let ConfiguredRule::WritableMounts(rule) = &mut active.rule {
            rule.set_host_path_volumes(host_path_volumes.clone());
        }
    }
}

fn read_mode(
    rule: RuleId,
    reader: &mut ObjectReader<'_, '_>,
    key: &str,
    value: Option<&SettingValue<'_>>,
) -> Mode {
    let meta = rule.meta();
    let modes = if meta.can_fix { MODES_AND_FIX } else { MODES };
    match value {
        None => meta.default_mode,
        // YAML reads a bare `off` as `false`.
        Some(SettingValue::Bool(false)) => Mode::Off,
        Some(SettingValue::String(text)) if !meta.can_fix && text == Mode::Fix.name() => {
            reader.refuse(key, "mode \"fix\" is not supported by this rule (allowed: off, warn, deny)");
            meta.default_mode
        }
        Some(value) => reader.word(key, value, modes).unwrap_or(meta.default_mode),
    }
}

/// Refuses mode `fix` if the other settings of the rule leave nothing to fix.
fn refuse_idle_fix(reader: &mut ObjectReader<'_, '_>, key: &str, mode: Mode, rule: &ConfiguredRule<'_>) {
    if mode == Mode::Fix
        && let Some(option) = rule.missing_fix_option()
    {
        reader.refuse(key, format_args!("mode \"fix\" has no effect without {option}"));
    }
}

/// Refuses options of a rule that a preset turns off: they would have no effect.
fn refuse_idle_options(reader: &mut ObjectReader<'_, '_>, mode: Mode) {
    if mode == Mode::Off
        && !reader.is_set("mode")
        && reader.has_entries()
        && let Some(preset) = reader.preset_with("mode").map(quoted)
    {
        reader.refuse_object(format_args!("has no effect without mode: preset {preset} turns the rule off"));
    }
}

/// Returns the declarations of all settings, for schemas, forms and documents.
#[must_use]
pub fn declaration() -> ObjectDeclaration {
    let mut settings = vec![PRESET.declaration(), ENFORCEMENT.declaration(), ON_UPDATE.declaration()];
    settings.extend(RuleId::ALL.iter().map(|rule| declaration_of(*rule)));
    settings.push(writable_paths::SETTING.declaration());
    settings.push(with_rule_ids(exemption::SETTING.declaration()));
    ObjectDeclaration { settings, at_least_one_of: &[] }
}

/// Returns the declaration of exemptions, with the names of all rules as choices.
fn with_rule_ids(mut exemptions: Declaration) -> Declaration {
    if let Accepts::List { item, .. } = &mut exemptions.accepts
        && let Accepts::Object(object) = &mut **item
        && let Some(rules) = object.settings.iter_mut().find(|setting| setting.key == exemption::RULES.key)
    {
        rules.accepts = Accepts::List { item: Box::new(Accepts::Text(&RULE_ID)), may_be_empty: false };
    }
    exemptions
}

/// Checks the name of a rule.
pub(crate) fn check_rule(id: &str) -> Result<(), String> {
    if RULE_IDS.contains(&id) {
        return Ok(());
    }
    Err(format!("unknown rule {}{}", quoted(id), suggestion(id, RULE_IDS)))
}

fn declaration_of(rule: RuleId) -> Declaration {
    let meta = rule.meta();
    let docs = rule.docs();
    let modes = if meta.can_fix { MODES_AND_FIX } else { MODES };
    let modes = modes.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let mut settings = vec![Declaration {
        key: "mode",
        label: "Mode",
        doc: if meta.can_fix { format!("{MODE_DOC} {FIX_DOC}") } else { MODE_DOC.to_owned() },
        default: Some(meta.default_mode.name().into()),
        is_required: false,
        accepts: Accepts::Mode(modes.clone()),
    }];
    settings.extend(rule.settings());
    Declaration {
        key: meta.id,
        label: meta.id,
        doc: docs.description(),
        default: None,
        is_required: false,
        accepts: Accepts::Shorthand(
            Box::new(Accepts::Mode(modes)),
            ObjectDeclaration { settings, at_least_one_of: &[] },
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::presets::Preset;

    fn read<T>(
        settings: &serde_json::Value,
        then: impl FnOnce(Result<PolicySettings<'_>, String>) -> T,
    ) -> T {
        let settings = settings.to_string();
        let document = SettingsDocument::parse(settings.as_bytes()).unwrap();
        then(PolicySettings::read(&document))
    }

    fn modes(settings: &serde_json::Value) -> Vec<(&'static str, Mode)> {
        read(settings, |read| read.unwrap().rules.iter().map(|rule| (rule.id, rule.mode)).collect())
    }

    fn errors(settings: &serde_json::Value) -> Vec<String> {
        read(settings, |read| read.unwrap_err().lines().map(str::to_owned).collect())
    }

    /// Every rule set to the same.
    fn each_rule(settings: &serde_json::Value) -> serde_json::Value {
        RULES.iter().map(|rule| (rule.id.to_owned(), settings.clone())).collect()
    }

    #[test]
    fn by_default_most_rules_deny() {
        let on: Vec<_> = RULES
            .iter()
            .filter(|rule| rule.default_mode != Mode::Off)
            .map(|rule| (rule.id, rule.default_mode))
            .collect();
        let others: Vec<_> = on.iter().filter(|(_, mode)| *mode != Mode::Deny).collect();
        assert_eq!(others, [&("writablePrograms", Mode::Warn)]);
        assert_eq!(modes(&json!({})), on);
        assert_eq!(modes(&json!(null)), on);
        assert_eq!(modes(&each_rule(&json!(null))), on);
        assert_eq!(modes(&each_rule(&json!({}))), on);
        assert_eq!(modes(&each_rule(&json!({"mode": null}))), on);
        assert_eq!(modes(&each_rule(&json!("deny"))).len(), RULES.len());
        assert_eq!(modes(&each_rule(&json!("off"))), []);
    }

    #[test]
    fn a_rule_takes_an_object_or_a_bare_mode() {
        for off in [json!("off"), json!(false), json!({"mode": "off"}), json!({"mode": false})] {
            assert!(!modes(&json!({"privileged": off})).iter().any(|(id, _)| *id == "privileged"), "{off}");
        }
        for warn in [json!("warn"), json!({"mode": "warn"})] {
            assert!(modes(&json!({"privileged": warn})).contains(&("privileged", Mode::Warn)), "{warn}");
        }
    }

    #[test]
    fn a_rule_fixes_only_where_it_can() {
        let fixing = |settings: &serde_json::Value| {
            let severities = modes(settings).into_iter();
            severities.filter(|(_, severity)| *severity == Mode::Fix).map(|(id, _)| id).collect::<Vec<_>>()
        };
        let settings = json!({
            "readOnlyRootFilesystem": "fix",
            "allowPrivilegeEscalation": {"mode": "fix"},
            "runAsNonRoot": {"mode": "fix", "groups": true},
            "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]},
        });
        assert_eq!(
            fixing(&settings),
            ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot", "capabilities"]
        );
        assert_eq!(
            errors(&json!({"privileged": "fix", "sysctls": {"mode": "fix"}, "capabilities": "fix"})),
            [
                r#"privileged: mode "fix" is not supported by this rule (allowed: off, warn, deny)"#,
                r#"capabilities: mode "fix" has no effect without requiredDrop"#,
                r#"sysctls.mode: mode "fix" is not supported by this rule (allowed: off, warn, deny)"#,
            ]
        );
        assert_eq!(
            errors(&json!({"capabilities": {"mode": "fix", "requiredDrop": []}})),
            [r#"capabilities.mode: mode "fix" has no effect without requiredDrop"#]
        );
        assert_eq!(
            errors(&json!({"runAsNonRoot": "fixx"})),
            [r#"runAsNonRoot: unknown value "fixx", did you mean "fix"?"#]
        );
    }

    #[test]
    fn a_place_that_is_denied_cannot_be_given() {
        let check = |settings: &serde_json::Value| {
            let settings = settings.to_string();
            let document = SettingsDocument::parse(settings.as_bytes()).unwrap();
            PolicySettings::validate(&document)
        };
        let paths = json!([{"paths": ["/run"]}, {"paths": ["/tmp", {"path": "/usr/lib/x"}, "/etc"]}]);
        let settings = json!({"readOnlyRootFilesystem": "fix", "writablePaths": paths});
        assert_eq!(
            check(&settings).unwrap_err().lines().collect::<Vec<_>>(),
            [
                r#"writablePaths[1].paths[1]: writableMounts denies it: a container must mount "/usr/lib/x" read-only, or elsewhere: /usr/lib is protected"#,
                r#"writablePaths[1].paths[2]: writableMounts denies it: a container must mount "/etc" read-only, or elsewhere: /etc/passwd is protected"#,
            ]
        );
        let with = |key: &str, value: serde_json::Value| {
            let mut settings = settings.clone();
            settings[key] = value;
            check(&settings)
        };
        assert!(
            with("exemptions", json!([{"reason": "x", "rules": ["sysctls"], "containers": ["x"]}])).is_err()
        );
        for (key, value) in [
            ("writableMounts", json!("warn")),
            ("writableMounts", json!({"protectedPaths": ["/bin"]})),
            ("readOnlyRootFilesystem", json!("deny")),
            ("exemptions", json!([{"reason": "x", "rules": ["writableMounts"], "containers": ["x"]}])),
            ("exemptions", json!([{"reason": "x", "images": ["x"]}])),
        ] {
            assert_eq!(with(key, value.clone()), Ok(()), "{key}: {value}");
        }
    }

    #[test]
    fn a_fix_mounts_volumes_of_type_empty_dir() {
        let with_types = |types: serde_json::Value| json!({"readOnlyRootFilesystem": "fix", "writableMounts": {"allowedTypes": types}, "writablePaths": [{"paths": ["/tmp"]}]});
        assert_eq!(validation_errors(&with_types(json!(["emptyDir"]))), [""; 0]);
        assert_eq!(
            validation_errors(&with_types(json!(["persistentVolumeClaim"]))),
            [
                r#"writablePaths[0].paths[0]: writableMounts denies it: a container must mount volume "writable-…" read-only: type "emptyDir" is not in allowedTypes"#
            ]
        );
    }

    #[test]
    fn an_exemption_of_images_is_not_for_connections_alone() {
        let images_in = |rules: serde_json::Value| json!({"exemptions": [{"reason": "a", "images": ["nginx"], "rules": rules}]});
        assert_eq!(
            validation_errors(&images_in(json!(["interactiveAccess"]))),
            ["exemptions[0].images: can never match interactiveAccess, whose requests do not contain images"]
        );
        for rules in [json!(["interactiveAccess", "privileged"]), json!(["privileged"]), json!(null)] {
            assert_eq!(validation_errors(&images_in(rules.clone())), [""; 0], "{rules}");
        }
        let containers = json!([{"reason": "a", "containers": ["web"], "rules": ["interactiveAccess"]}]);
        assert_eq!(validation_errors(&json!({"exemptions": containers})), [""; 0]);
    }

    fn validation_errors(settings: &serde_json::Value) -> Vec<String> {
        let settings = settings.to_string();
        let document = SettingsDocument::parse(settings.as_bytes()).unwrap();
        let errors = PolicySettings::validate(&document).err().unwrap_or_default();
        errors.lines().map(str::to_owned).collect()
    }

    #[test]
    fn presets_are_settings() {
        for (name, preset) in Preset::ALL {
            let settings: serde_json::Value = serde_json::from_str(preset.settings()).unwrap();
            assert_eq!(validation_errors(&settings), [""; 0], "{name}");
            assert_eq!(modes(&json!({"preset": name})), modes(&settings), "{name}");
            for (key, value) in settings.as_object().unwrap() {
                assert!(value.is_object() || !RULE_IDS.contains(&&**key), "{name}: {key}");
            }
        }
        assert_eq!(modes(&json!({"preset": "immutable"})), modes(&json!({})));
        assert_eq!(
            errors(&json!({"preset": "restrict"})),
            [r#"preset: unknown value "restrict", did you mean "restricted"?"#]
        );
        assert_eq!(
            errors(&json!({"preset": true})),
            ["preset: expected one of baseline, restricted, immutable, immutable+restricted, got a boolean"]
        );
    }

    #[test]
    fn single_keys_of_a_preset_can_be_overridden() {
        let mode = |settings: &serde_json::Value, rule: &str| {
            modes(settings).into_iter().find(|(id, _)| *id == rule).map(|(_, mode)| mode)
        };
        for warn in [json!("warn"), json!({"mode": "warn"}), json!({"mode": "warn", "allowedAdd": ["CHOWN"]})]
        {
            let settings = json!({"preset": "restricted", "capabilities": warn});
            assert_eq!(mode(&settings, "capabilities"), Some(Mode::Warn), "{warn}");
            assert_eq!(mode(&settings, "seccompProfile"), Some(Mode::Deny), "{warn}");
        }
        let settings = json!({"preset": "restricted", "capabilities": {"allowedAdd": ["CHOWN"]}});
        let fixing = json!({"preset": "restricted", "capabilities": "fix"});
        // The preset requires `drop`, so there is something to fix.
        assert_eq!(validation_errors(&settings), [""; 0]);
        assert_eq!(validation_errors(&fixing), [""; 0]);
        assert_eq!(
            mode(
                &json!({"preset": "restricted", "readOnlyRootFilesystem": "deny"}),
                "readOnlyRootFilesystem"
            ),
            Some(Mode::Deny)
        );
        assert_eq!(
            mode(&json!({"preset": "restricted", "seccompProfile": null}), "seccompProfile"),
            Some(Mode::Deny)
        );
        let changes = json!({"preset": "baseline", "onUpdate": "changes"});
        assert_eq!(read(&changes, |read| read.unwrap().on_update), OnUpdate::Changes);
        assert_eq!(read(&json!({"preset": "baseline"}), |read| read.unwrap().on_update), OnUpdate::All);
    }

    #[test]
    fn settings_that_contradict_their_preset_are_refused() {
        for (settings, expected) in [
            (
                json!({"preset": "baseline", "writableMounts": {"allowedPaths": ["/tmp"]}}),
                r#"writableMounts: has no effect without mode: preset "baseline" turns the rule off"#,
            ),
            (
                json!({"preset": "baseline", "capabilities": {"deniedAdd": ["CHOWN"]}}),
                r#"capabilities.allowedAdd: "CHOWN" can never be added: deniedAdd has it too (preset "baseline" sets allowedAdd)"#,
            ),
            (
                json!({"preset": "baseline", "seccompProfile": "fix"}),
                r#"seccompProfile: mode "fix" has no effect without allowUnset: false"#,
            ),
            (
                json!({"preset": "restricted", "seccompProfile": {"mode": "fix", "allowed": ["Localhost"]}}),
                r#"seccompProfile.mode: mode "fix" has no effect without RuntimeDefault in allowed"#,
            ),
            (
                json!({"preset": "restricted", "writablePaths": [{"paths": ["/tmp"]}]}),
                r#"writablePaths: has no effect: preset "restricted" turns readOnlyRootFilesystem off"#,
            ),
            (
                json!({"preset": "restricted", "exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["imageChange", "writableMounts"]}]}),
                r#"exemptions[0].rules: has no effect: preset "restricted" turns imageChange, writableMounts off"#,
            ),
        ] {
            assert_eq!(validation_errors(&settings), [expected], "{settings}");
        }
        for settings in [
            json!({"preset": "baseline", "writableMounts": {"mode": "warn", "allowedPaths": ["/tmp"]}}),
            json!({"preset": "baseline", "writableMounts": {"mode": "off", "allowedPaths": ["/tmp"]}}),
            json!({"preset": "baseline", "readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/tmp"]}]}),
            json!({"preset": "baseline", "exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["imageChange", "hostPorts"]}]}),
            json!({"preset": "immutable+restricted", "writableMounts": {"allowedPaths": ["/tmp"]}}),
            json!({"preset": "baseline", "writableMounts": {}}),
            json!({"preset": "restricted", "hostPorts": "off", "exemptions": [{"reason": "a", "namespaces": ["b"], "rules": ["hostPorts"]}]}),
        ] {
            assert_eq!(validation_errors(&settings), [""; 0], "{settings}");
        }
    }

    #[test]
    fn the_switches_have_defaults() {
        let switches = |settings: &serde_json::Value| {
            read(settings, |read| read.map(|read| (read.enforcement, read.on_update)).unwrap())
        };
        assert_eq!(switches(&json!({})), (Enforcement::Deny, OnUpdate::Changes));
        assert_eq!(
            switches(&json!({"enforcement": "warn", "onUpdate": "all"})),
            (Enforcement::Warn, OnUpdate::All)
        );
    }

    #[test]
    fn reports_all_errors_at_once() {
        let settings = json!({
            "enforcement": "wran",
            "privileged": "denny",
            "hostNamespaces": {"mode": true, "alow": ["hostPID"], "allow": ["hostNetwork", "hostPid", 3]},
            "imageReference": {"require": ["tag"], "deniedTags": "latest"},
            "readonlyRootFilesystem": "off",
            "allowPrivilegeEscalation": 1,
        });
        assert_eq!(
            errors(&settings),
            [
                r#"enforcement: unknown value "wran", did you mean "warn"?"#,
                r#"privileged: unknown value "denny", did you mean "deny"?"#,
                "allowPrivilegeEscalation: expected one of off, warn, deny, fix, got a number",
                "hostNamespaces.mode: expected one of off, warn, deny, got a boolean",
                r#"hostNamespaces.allow[1]: unknown value "hostPid", did you mean "hostPID"?"#,
                "hostNamespaces.allow[2]: expected one of hostNetwork, hostPID, hostIPC, got a number",
                r#"hostNamespaces.alow: unknown key, did you mean "allow"?"#,
                "imageReference.require: expected one of tag, digest, got a list",
                "imageReference.deniedTags: expected a list, got a string",
                r#"readonlyRootFilesystem: unknown key, did you mean "readOnlyRootFilesystem"?"#,
            ]
        );
    }

    #[test]
    fn refuses_settings_that_are_no_object() {
        assert_eq!(errors(&json!([])), ["the settings: expected an object, got a list",]);
        assert_eq!(errors(&json!("{}")), ["the settings: expected an object, got a string",]);
    }

    #[test]
    fn exemptions_declare_the_names_of_rules_as_choices() {
        let setting = |settings: Vec<Declaration>, key: &str| {
            settings.into_iter().find(|setting| setting.key == key).unwrap().accepts
        };
        let Accepts::List { item, .. } = setting(declaration().settings, "exemptions") else { panic!() };
        let Accepts::Object(exemption) = *item else { panic!("{item:?}") };
        let Accepts::List { item, .. } = setting(exemption.settings, "rules") else { panic!() };
        let Accepts::Text(format) = *item else { panic!("{item:?}") };
        assert_eq!(format.choices.unwrap()().words, RULE_IDS);
    }

    #[test]
    fn an_unknown_key_cannot_break_the_message() {
        assert_eq!(
            errors(&json!({"privileged": {"a\nb": 1}})),
            [r"privileged[a\u{a}b]: unknown key (allowed: mode)"]
        );
    }
}
