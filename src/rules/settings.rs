//! The settings: which rules are on, how severe they are, and each with its own options.
//!
//! Settings are strict: what is not understood is refused, for a typo must never switch a protection off. All
//! errors are reported at once.
//!
//! - `enforcement`: `warn` turns every denial into a warning.
//! - `onUpdate`: what counts of an object that is updated: with `changes` what the old object does not have already, with
//!   `all` everything.
//! - `mode`: `off` switches the rule off, `warn` admits and tells the user, `deny` denies; `fix`, where the rule fixes
//!   anything, fills in what is unset and denies what is left.

use std::fmt;

use crate::evaluation::exemptions::Exemptions;
use crate::rules::{BoundRule, Definition, RULES, Rule};
use crate::settings::reader::Options;
use crate::settings::value::Value;
use crate::settings::writable_paths::WritablePaths;

/// The settings, bound: every rule that is on, ready to check.
#[derive(Debug)]
pub struct Settings<'s> {
    /// What happens to denials.
    pub enforcement: Enforcement,
    /// What counts when an object is updated.
    pub on_update: OnUpdate,
    /// The rules that are on, in the order in which findings are reported.
    pub rules: Vec<ActiveRule<'s>>,
    /// What containers write to that get a read-only root by a fix.
    pub writable_paths: WritablePaths<'s>,
    /// Who and what the rules do not count for.
    pub exemptions: Exemptions<'s>,
}

/// A rule that is on.
pub struct ActiveRule<'s> {
    /// Its id, as in settings and messages.
    pub id: &'static str,
    /// What its findings lead to.
    pub severity: Severity,
    /// The rule with its own options.
    pub(crate) rule: BoundRule<'s>,
}

impl fmt::Debug for ActiveRule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {:?}", self.id, self.severity)
    }
}

/// `enforcement`: the switch for rolling the policy out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// Denials deny.
    Deny,
    /// Denials are turned into warnings.
    Warn,
}

/// `onUpdate`: what counts when an object is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUpdate {
    /// What the old object does not have already.
    Changes,
    /// Everything.
    All,
}

/// What the findings of a rule lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Admit, and tell the user in an admission warning.
    Warn,
    /// Deny.
    Deny,
    /// Fill in what is unset, and deny what is left.
    Fix,
}

/// `mode` of a rule: how severe its findings are, if it is on.
pub type Mode = Option<Severity>;

const ENFORCEMENTS: [(&str, Enforcement); 2] = [("deny", Enforcement::Deny), ("warn", Enforcement::Warn)];

const ON_UPDATE: [(&str, OnUpdate); 2] = [("changes", OnUpdate::Changes), ("all", OnUpdate::All)];

const MODES: [(&str, Mode); 3] =
    [("off", None), ("warn", Some(Severity::Warn)), ("deny", Some(Severity::Deny))];

const MODES_AND_FIX: [(&str, Mode); 4] = {
    let [off, warn, deny] = MODES;
    [off, warn, deny, (FIX, Some(Severity::Fix))]
};

const FIX: &str = "fix";

/// The rule whose fix gives containers their writable paths.
const FIXES_ROOT: &str = "readOnlyRootFilesystem";

/// The rule that judges where they may be.
const DENIES_MOUNTS: &str = "writableMounts";

impl<'s> Settings<'s> {
    /// Reads and binds the settings; `null` means `{}`.
    ///
    /// # Errors
    /// Everything that is wrong with them, one sentence a line, the key first.
    pub fn read(settings: &'s Value<'s>) -> Result<Self, String> {
        let entries = match settings {
            Value::Object(entries) => &**entries,
            Value::Null => &[],
            other => return Err(format!("the settings must be an object, not {}", other.type_name())),
        };
        let mut errors = Vec::new();
        let mut options = Options::new(entries, &mut errors);
        let enforcement = options.one_of("enforcement", Enforcement::Deny, &ENFORCEMENTS);
        let on_update = options.one_of("onUpdate", OnUpdate::Changes, &ON_UPDATE);
        let mut rules = Vec::with_capacity(RULES.len());
        rules.extend(RULES.iter().filter_map(|definition| read_rule(definition, &mut options)));
        let writable_paths = WritablePaths::new(&mut options);
        let exemptions = Exemptions::new(&mut options);
        options.refuse_unknown_keys();
        if errors.is_empty() {
            Ok(Self { enforcement, on_update, rules, writable_paths, exemptions })
        } else {
            Err(errors.join("\n"))
        }
    }

    /// Looks for writable paths that a rule denies, unless an exemption may have them in mind. To be done once, for a
    /// request that gets such a path is denied anyhow.
    ///
    /// # Errors
    /// One sentence a line, the key first.
    pub fn check_writable_paths(&self) -> Result<(), String> {
        let with = |id: &str, severity| {
            self.rules.iter().find(|active| active.id == id && active.severity == severity)
        };
        let (Some(_), Some(denying)) = (with(FIXES_ROOT, Severity::Fix), with(DENIES_MOUNTS, Severity::Deny))
        else {
            return Ok(());
        };
        let errors = self.writable_paths.denied_by(denying);
        if errors.is_empty() || self.exemptions.may_cover(DENIES_MOUNTS) {
            Ok(())
        } else {
            Err(errors.join("\n"))
        }
    }
}

/// A rule is set by an object, or by a mode alone. An object is read even where it switches the rule off, for what is
/// wrong in it.
fn read_rule<'s>(definition: &Definition, options: &mut Options<'_, 's>) -> Option<ActiveRule<'s>> {
    let id = definition.id;
    let value = options.get(id);
    let Some(Value::Object(entries)) = value else {
        let severity = mode(options, id, value, definition)?;
        let rule = definition.kind.bind(&mut Options::new(&[], &mut Vec::new()));
        refuse_idle_fix(options, id, severity, &rule);
        return Some(ActiveRule { id, severity, rule });
    };
    let mut own = options.within(id, entries);
    let value = own.get("mode");
    let mode = mode(&mut own, "mode", value, definition);
    let rule = definition.kind.bind(&mut own);
    own.refuse_unknown_keys();
    let severity = mode?;
    refuse_idle_fix(&mut own, "mode", severity, &rule);
    Some(ActiveRule { id, severity, rule })
}

/// YAML reads a bare `off` as `false`.
fn mode(
    options: &mut Options<'_, '_>,
    key: &'static str,
    value: Option<&Value<'_>>,
    definition: &Definition,
) -> Mode {
    match value {
        Some(Value::Bool(false)) => None,
        Some(Value::String(text)) if !definition.can_fix && &**text == FIX => {
            options.refuse(key, "must not be \"fix\": the rule fills in nothing (allowed: off, warn, deny)");
            definition.mode
        }
        _ if definition.can_fix => options.word(key, value, definition.mode, &MODES_AND_FIX),
        _ => options.word(key, value, definition.mode, &MODES),
    }
}

/// Refuses `fix` where the other settings of the rule leave nothing to be filled in.
fn refuse_idle_fix(
    options: &mut Options<'_, '_>,
    key: &'static str,
    severity: Severity,
    rule: &BoundRule<'_>,
) {
    if severity == Severity::Fix
        && let Some(needed) = rule.needs_for_fix()
    {
        options.refuse(key, &format!("\"fix\" fills in nothing without {needed}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use json_view as json;

    fn read<T>(settings: &serde_json::Value, then: impl FnOnce(Result<Settings<'_>, String>) -> T) -> T {
        let settings = settings.to_string();
        let settings = json::from_slice(settings.as_bytes()).unwrap();
        then(Settings::read(&settings))
    }

    fn modes(settings: &serde_json::Value) -> Vec<(&'static str, Severity)> {
        read(settings, |read| read.unwrap().rules.iter().map(|rule| (rule.id, rule.severity)).collect())
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
        let on: Vec<_> =
            RULES.iter().filter_map(|rule| rule.mode.map(|severity| (rule.id, severity))).collect();
        let off: Vec<_> = RULES.iter().filter(|rule| rule.mode.is_none()).map(|rule| rule.id).collect();
        assert!(on.iter().all(|(_, severity)| *severity == Severity::Deny));
        assert_eq!(
            off,
            ["ephemeralContainers", "interactiveAccess", "shellRemoval", "sharedProcessNamespace"]
        );
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
            assert!(modes(&json!({"privileged": warn})).contains(&("privileged", Severity::Warn)), "{warn}");
        }
    }

    #[test]
    fn a_rule_fixes_only_where_it_can() {
        let fixing = |settings: &serde_json::Value| {
            let severities = modes(settings).into_iter();
            severities
                .filter(|(_, severity)| *severity == Severity::Fix)
                .map(|(id, _)| id)
                .collect::<Vec<_>>()
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
                r#"privileged: must not be "fix": the rule fills in nothing (allowed: off, warn, deny)"#,
                r#"capabilities: "fix" fills in nothing without requiredDrop"#,
                r#"sysctls.mode: must not be "fix": the rule fills in nothing (allowed: off, warn, deny)"#,
            ]
        );
        assert_eq!(
            errors(&json!({"capabilities": {"mode": "fix", "requiredDrop": []}})),
            [r#"capabilities.mode: "fix" fills in nothing without requiredDrop"#]
        );
        assert_eq!(
            errors(&json!({"runAsNonRoot": "fixx"})),
            [r#"runAsNonRoot: "fixx" is unknown, did you mean "fix"? (allowed: off, warn, deny, fix)"#]
        );
    }

    #[test]
    fn a_place_that_is_denied_cannot_be_given() {
        let check =
            |settings: &serde_json::Value| read(settings, |read| read.unwrap().check_writable_paths());
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
        assert!(with("writableMounts", json!({"allowedTypes": ["csi"]})).is_err());
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
                r#"enforcement: "wran" is unknown, did you mean "warn"? (allowed: deny, warn)"#,
                r#"privileged: "denny" is unknown, did you mean "deny"? (allowed: off, warn, deny)"#,
                "allowPrivilegeEscalation: must be one of off, warn, deny, fix, not a number",
                "hostNamespaces.mode: must be one of off, warn, deny, not a boolean",
                r#"hostNamespaces.allow[1]: "hostPid" is unknown, did you mean "hostPID"? (allowed: hostNetwork, hostPID, hostIPC)"#,
                "hostNamespaces.allow[2]: must be one of hostNetwork, hostPID, hostIPC, not a number",
                r#"hostNamespaces.alow: unknown key, did you mean "allow"? (allowed: mode, allow)"#,
                "imageReference.require: must be one of tag, digest, not a list",
                "imageReference.deniedTags: must be a list, not a string",
                r#"readonlyRootFilesystem: unknown key, did you mean "readOnlyRootFilesystem"? (allowed: enforcement, onUpdate, readOnlyRootFilesystem, privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference, imageChange, hostPathVolumes, writableMounts, capabilities, procMount, sysctls, ephemeralContainers, interactiveAccess, shellRemoval, sharedProcessNamespace, writablePaths, exemptions)"#,
            ]
        );
    }

    #[test]
    fn refuses_settings_that_are_no_object() {
        assert_eq!(errors(&json!([])), ["the settings must be an object, not a list"]);
        assert_eq!(errors(&json!("{}")), ["the settings must be an object, not a string"]);
    }

    #[test]
    fn an_unknown_key_cannot_break_the_message() {
        assert_eq!(
            errors(&json!({"privileged": {"a\nb": 1}})),
            [r"privileged[a\u{a}b]: unknown key (allowed: mode)"]
        );
    }
}
