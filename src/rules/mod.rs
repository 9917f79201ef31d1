//! The list of rules, and how the policy calls a rule.

pub mod active_rule;
mod contradictions;
pub mod controls;
pub mod finding;
pub mod fingerprint;
pub mod fix;
pub mod policy_settings;
mod profiles;
pub mod responsible;
pub mod rule;

// The rules, which the list below names again. Tools do not find modules that a macro declares.
pub(crate) mod allow_privilege_escalation;
pub(crate) mod app_armor_profile;
pub(crate) mod capabilities;
pub(crate) mod ephemeral_containers;
pub(crate) mod host_namespaces;
pub(crate) mod host_path_volumes;
pub(crate) mod host_ports;
pub(crate) mod host_probes;
pub(crate) mod image_change;
pub(crate) mod image_reference;
pub(crate) mod interactive_access;
pub(crate) mod noexec_mounts;
pub(crate) mod privileged;
pub(crate) mod proc_mount;
pub(crate) mod read_only_root_filesystem;
pub(crate) mod run_as_non_root;
pub(crate) mod se_linux_options;
pub(crate) mod seccomp_profile;
pub(crate) mod shared_process_namespace;
pub(crate) mod shell_removal;
pub(crate) mod sysctls;
pub(crate) mod volume_types;
pub(crate) mod writable_mounts;
pub(crate) mod writable_programs;

use crate::settings::declaration::{Declaration, declarations};
use crate::settings::reader::ObjectReader;
use finding::Findings;
use rule::{ImageConfig, ImageViolation, Rule, RuleDocs, RuleMeta, Target};

/// Declares the list of rules, and one type for all rules. Rules are called directly: the engine must prepare the target of a call
/// through a pointer in every fresh instance.
macro_rules! rules {
    ($($module:ident: $rule:ident $(<$lifetime:lifetime>)?),* $(,)?) => {
        /// The name of a rule in the code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum RuleId {
            $(#[doc = concat!("`", stringify!($module), "`")] $rule,)*
        }

        /// A rule with its settings.
        pub(crate) enum ConfiguredRule<'s> {
            $(#[doc = concat!("`", stringify!($module), "`")] $rule($module::$rule $(<$lifetime>)?),)*
        }

        /// The metadata of every rule, in the order in which findings are reported.
        pub const RULES: &[RuleMeta] = &[$(<$module::$rule as Rule<'static>>::META),*];

        /// The name of every rule.
        pub const RULE_IDS: &[&str] = &[$(<$module::$rule as Rule<'static>>::META.id),*];

        impl RuleId {
            /// Every rule, in the order in which findings are reported.
            pub const ALL: &[Self] = &[$(Self::$rule),*];

            /// Returns the metadata of the rule.
            #[must_use]
            pub fn meta(self) -> &'static RuleMeta {
                match self {
                    $(Self::$rule => const { &<$module::$rule as Rule<'static>>::META },)*
                }
            }

            /// Returns the documentation of the rule.
            #[must_use]
            pub fn docs(self) -> RuleDocs {
                match self {
                    $(Self::$rule => <$module::$rule as Rule<'static>>::DOCS,)*
                }
            }

            /// Returns the settings of the rule, except for its mode.
            #[must_use]
            pub fn settings(self) -> Vec<Declaration> {
                match self {
                    $(Self::$rule => declarations(<$module::$rule as Rule<'static>>::SETTINGS),)*
                }
            }

            /// Reads the settings of the rule, except for its mode.
            pub(crate) fn configure<'s>(self, reader: &mut ObjectReader<'_, 's>) -> ConfiguredRule<'s> {
                match self {
                    $(Self::$rule => ConfiguredRule::$rule($module::$rule::configure(reader)),)*
                }
            }
        }

        impl ConfiguredRule<'_> {
            /// Checks a target and reports findings.
            pub(crate) fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
                match self {
                    $(Self::$rule(rule) => rule.check(target, findings),)*
                }
            }

            /// Returns the setting without which mode `fix` has no effect, if it is unset.
            pub(crate) fn missing_fix_option(&self) -> Option<&'static str> {
                match self {
                    $(Self::$rule(rule) => rule.missing_fix_option(),)*
                }
            }

            /// Returns the reasons why a finding with a pending image counts.
            pub(crate) fn image_violations(&self, image: &str, config: &ImageConfig) -> Vec<ImageViolation> {
                match self {
                    $(Self::$rule(rule) => rule.image_violations(image, config),)*
                }
            }
        }

        #[cfg(test)]
        const MODULES: &[&str] = &[$(stringify!($module)),*];
    };
}

rules![
    read_only_root_filesystem: ReadOnlyRootFilesystem,
    privileged: Privileged,
    allow_privilege_escalation: AllowPrivilegeEscalation,
    run_as_non_root: RunAsNonRoot,
    host_namespaces: HostNamespaces,
    image_reference: ImageReferenceRule<'s>,
    image_change: ImageChange,
    host_path_volumes: HostPathVolumes<'s>,
    writable_mounts: WritableMounts<'s>,
    capabilities: Capabilities<'s>,
    proc_mount: ProcMount,
    sysctls: Sysctls<'s>,
    ephemeral_containers: EphemeralContainers,
    interactive_access: InteractiveAccess<'s>,
    shell_removal: ShellRemoval<'s>,
    shared_process_namespace: SharedProcessNamespace,
    noexec_mounts: NoexecMounts<'s>,
    host_ports: HostPorts,
    writable_programs: WritablePrograms,
    seccomp_profile: SeccompProfile<'s>,
    app_armor_profile: AppArmorProfile<'s>,
    se_linux_options: SeLinuxOptions<'s>,
    host_probes: HostProbes,
    volume_types: VolumeTypes<'s>,
];

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::Value;

    use super::*;
    use crate::kubernetes::connect::Connection;
    use crate::kubernetes::pod::Pod;
    use crate::settings::value::{SettingValue, SettingsDocument};

    /// The lines of what a rule finds, with these settings, in a pod spec at `spec`.
    #[track_caller]
    pub(crate) fn check(rule: RuleId, settings: &Value, pod_spec: &Value) -> Vec<String> {
        let spec = pod_spec.to_string();
        let pod = pod(&spec);
        lines(rule, settings, &Target::Pod(&pod))
    }

    /// The lines of what a rule finds when a pod spec replaces another one, or is new.
    #[track_caller]
    pub(crate) fn check_change(
        rule: RuleId,
        settings: &Value,
        old: Option<&Value>,
        new: &Value,
    ) -> Vec<String> {
        let (old, new) = (old.map(Value::to_string), new.to_string());
        let (old, new) = (old.as_ref().map(|spec| pod(spec)), pod(&new));
        lines(rule, settings, &Target::Update { old: old.as_ref(), new: &new })
    }

    /// The lines of what a rule finds in a connection.
    #[track_caller]
    pub(crate) fn check_connection(
        rule: RuleId,
        settings: &Value,
        connection: &Connection<'_>,
    ) -> Vec<String> {
        lines(rule, settings, &Target::Connect(connection))
    }

    /// What is wrong with the settings of a rule.
    pub(crate) fn errors(rule: RuleId, settings: &Value) -> Vec<String> {
        with_rule(rule, settings, |_, errors| errors)
    }

    fn pod(spec: &str) -> Pod<'_> {
        json_view::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap()
    }

    #[track_caller]
    fn lines(rule: RuleId, settings: &Value, target: &Target<'_>) -> Vec<String> {
        with_rule(rule, settings, |configured, errors| {
            assert_eq!(errors, [""; 0]);
            let mut findings = Findings::default();
            configured.check(target, &mut findings);
            findings.list.iter().map(|finding| finding.line(rule.meta().id)).collect()
        })
    }

    fn with_rule<T>(
        rule: RuleId,
        settings: &Value,
        then: impl FnOnce(&ConfiguredRule<'_>, Vec<String>) -> T,
    ) -> T {
        let id = rule.meta().id;
        let text = Value::from_iter([(id, settings.clone())]).to_string();
        let document = SettingsDocument::parse(text.as_bytes()).unwrap().settings;
        let SettingValue::Object(entries) = &document else { panic!("{document:?}") };
        let mut errors = Vec::new();
        let mut reader = ObjectReader::new(entries, &mut errors);
        let Some(SettingValue::Object(entries)) = reader.value(id) else { panic!("{document:?}") };
        let mut own = reader.within(id, entries);
        let configured = rule.configure(&mut own);
        own.finish();
        then(&configured, errors)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::value::SettingValue;

    /// Files in the folder of the rules that are not rules.
    const NOT_RULES: [&str; 11] = [
        "active_rule",
        "contradictions",
        "controls",
        "finding",
        "fingerprint",
        "fix",
        "mod",
        "policy_settings",
        "profiles",
        "responsible",
        "rule",
    ];

    #[test]
    fn a_rule_and_its_file_have_the_same_name() {
        for (meta, module) in RULES.iter().zip(MODULES) {
            assert_eq!(snake_case(meta.id), *module);
        }
    }

    #[test]
    fn every_file_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");
        let files: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| !NOT_RULES.contains(&&**name))
            .collect();
        assert_eq!(files, MODULES.iter().map(|&name| name.to_owned()).collect());
    }

    #[test]
    fn a_rule_reads_the_settings_that_it_declares() {
        for rule in RuleId::ALL {
            let entries = [("?".into(), SettingValue::Null)];
            let mut errors = Vec::new();
            let mut reader = ObjectReader::new(&entries, &mut errors);
            rule.configure(&mut reader);
            let read: BTreeSet<_> = reader.known_keys().iter().copied().collect();
            let declared: BTreeSet<_> = rule.settings().iter().map(|setting| setting.key).collect();
            assert_eq!(read, declared, "{}", rule.meta().id);
        }
    }

    #[test]
    fn the_docs_say_what_a_fix_does_if_there_is_one() {
        for rule in RuleId::ALL {
            assert_eq!(rule.docs().fix.is_some(), rule.meta().can_fix, "{}", rule.meta().id);
        }
    }

    #[test]
    fn the_docs_are_sentences_and_phrases() {
        for rule in RuleId::ALL {
            let RuleDocs { summary, finding, fix, why, how, limits } = rule.docs();
            let id = rule.meta().id;
            for sentences in [Some(summary), Some(why), how, limits].into_iter().flatten() {
                assert!(sentences.ends_with('.'), "{id}: {sentences}");
            }
            assert!(!finding.ends_with('.') && !fix.unwrap_or_default().ends_with('.'), "{id}");
            for setting in rule.settings() {
                assert!(
                    setting.doc.trim_end_matches('`').ends_with(['.', ':']) || setting.doc.ends_with("`."),
                    "{id}.{}",
                    setting.key
                );
                assert!(!setting.label.is_empty() && !setting.label.ends_with('.'), "{id}.{}", setting.key);
            }
        }
    }

    fn snake_case(id: &str) -> String {
        id.chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect()
    }
}
