//! The rules: what one is, and the list of them.

use crate::kubernetes::connect::Connection;
pub mod finding;
pub mod fingerprint;
pub mod settings;

use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::settings::Mode;
use crate::settings::reader::Options;

/// A rule with its settings bound: what is left is to check pods.
///
/// Rules are pure. They know nothing of JSON, waPC or the time, and they cannot fail.
///
/// A rule checks what it is about and leaves the rest. It adds what it finds, in any order.
pub trait Rule {
    /// The setting without which it fills in nothing when its mode is `fix`, though other settings would let it.
    fn needs_for_fix(&self) -> Option<&'static str> {
        None
    }

    /// What a fix would better in a pod though it is no finding. It is told only where the fix fails.
    fn improve<'p>(&self, _pod: &'p Pod<'_>, _found: &mut Vec<Finding<'p>>) {}

    /// What a fix would give back that an update of a pod takes away.
    fn restore<'p>(&self, _old: &'p Pod<'_>, _new: &'p Pod<'_>, _found: &mut Vec<Finding<'p>>) {}

    /// Why a finding that an image decides is one, now that it is known which user the image runs as, or why that is not
    /// known. There is no reason when it is none.
    fn settle(&self, _user: Result<&str, &str>, _image: &str) -> Option<String> {
        None
    }

    /// What is wrong with a pod, whatever it was before.
    fn check<'p>(&self, _pod: &'p Pod<'_>, _found: &mut Vec<Finding<'p>>) {}

    /// What is wrong with making a pod what it was not before. There is no old one when it is created.
    fn check_change<'p>(&self, _old: Option<&'p Pod<'_>>, _new: &'p Pod<'_>, _found: &mut Vec<Finding<'p>>) {}

    /// What is wrong with reaching into a running pod.
    fn check_connection<'p>(&self, _connection: &'p Connection<'_>, _found: &mut Vec<Finding<'p>>) {}
}

/// What the policy has to know of a rule before it is bound.
pub struct Definition {
    /// Its name in settings and messages. The file has the same in snake case.
    pub id: &'static str,
    /// The mode it has when the settings give none.
    pub mode: Mode,
    /// Whether its mode may be `fix`.
    pub can_fix: bool,
    /// Which one it is.
    pub kind: Kind,
}

/// Makes the list of rules, and one type of them all: a rule is called by its name, for a call through a pointer has to be
/// set up by the engine in every fresh instance, once for each function.
macro_rules! rules {
    ($($module:ident: $rule:ident $(<$lifetime:lifetime>)?),* $(,)?) => {
        $(mod $module;)*

        /// Every rule, in the order in which findings are reported.
        pub const RULES: &[Definition] = &[$($module::RULE),*];

        /// Which rule it is.
        #[derive(Clone, Copy)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($module), "`")] $rule,)*
        }

        /// A rule with its settings bound.
        pub(crate) enum BoundRule<'s> {
            $(#[doc = concat!("`", stringify!($module), "`")] $rule($module::$rule $(<$lifetime>)?),)*
        }

        impl Kind {
            /// Reads the rule's own settings, all but its mode.
            #[must_use]
            pub(crate) fn bind<'s>(self, options: &mut Options<'_, 's>) -> BoundRule<'s> {
                match self {
                    $(Self::$rule => BoundRule::$rule($module::$rule::new(options)),)*
                }
            }
        }

        /// Does with a rule what can be done with any.
        macro_rules! each_rule {
            ($bound:expr, $own:ident => $call:expr) => {
                match $bound {
                    $(BoundRule::$rule($own) => $call,)*
                }
            };
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
];

impl Rule for BoundRule<'_> {
    fn needs_for_fix(&self) -> Option<&'static str> {
        each_rule!(self, rule => rule.needs_for_fix())
    }

    fn improve<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        each_rule!(self, rule => rule.improve(pod, found));
    }

    fn restore<'p>(&self, old: &'p Pod<'_>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        each_rule!(self, rule => rule.restore(old, new, found));
    }

    fn settle(&self, user: Result<&str, &str>, image: &str) -> Option<String> {
        each_rule!(self, rule => rule.settle(user, image))
    }

    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        each_rule!(self, rule => rule.check(pod, found));
    }

    fn check_change<'p>(&self, old: Option<&'p Pod<'_>>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        each_rule!(self, rule => rule.check_change(old, new, found));
    }

    fn check_connection<'p>(&self, connection: &'p Connection<'_>, found: &mut Vec<Finding<'p>>) {
        each_rule!(self, rule => rule.check_connection(connection, found));
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::Value;

    use super::*;
    use crate::settings::value;
    use json_view as json;

    /// The lines of what a rule finds, with the given settings, in a pod spec that stands at `spec`.
    #[track_caller]
    pub(crate) fn check(definition: &Definition, settings: &Value, pod_spec: &Value) -> Vec<String> {
        let spec = pod_spec.to_string();
        let pod = pod(&spec);
        lines(definition, settings, |rule, found| rule.check(&pod, found))
    }

    /// The lines of what a rule finds in the change of a pod spec, or in its creation.
    #[track_caller]
    pub(crate) fn check_change(
        definition: &Definition,
        settings: &Value,
        old: Option<&Value>,
        new: &Value,
    ) -> Vec<String> {
        let (old, new) = (old.map(Value::to_string), new.to_string());
        let (old, new) = (old.as_ref().map(|spec| pod(spec)), pod(&new));
        lines(definition, settings, |rule, found| rule.check_change(old.as_ref(), &new, found))
    }

    /// The lines of what a rule finds in a connection.
    #[track_caller]
    pub(crate) fn check_connection(
        definition: &Definition,
        settings: &Value,
        connection: &Connection<'_>,
    ) -> Vec<String> {
        lines(definition, settings, |rule, found| rule.check_connection(connection, found))
    }

    /// What is wrong with the settings of a rule.
    pub(crate) fn errors(definition: &Definition, settings: &Value) -> Vec<String> {
        let text = within(definition, settings);
        bind(definition, &json::from_slice(text.as_bytes()).unwrap()).1
    }

    /// The settings as a whole that set this rule.
    fn within(definition: &Definition, settings: &Value) -> String {
        Value::from_iter([(definition.id, settings.clone())]).to_string()
    }

    fn pod(spec: &str) -> Pod<'_> {
        json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap()
    }

    #[track_caller]
    fn lines<'p>(
        definition: &Definition,
        settings: &Value,
        check: impl FnOnce(&BoundRule<'_>, &mut Vec<Finding<'p>>),
    ) -> Vec<String> {
        let text = within(definition, settings);
        let settings = json::from_slice(text.as_bytes()).unwrap();
        let (rule, errors) = bind(definition, &settings);
        assert_eq!(errors, [""; 0]);
        let mut found = Vec::new();
        check(&rule, &mut found);
        found.iter().map(|finding| finding.line(definition.id)).collect()
    }

    fn bind<'s>(definition: &Definition, settings: &'s value::Value<'s>) -> (BoundRule<'s>, Vec<String>) {
        let value::Value::Object(entries) = settings else { panic!("{settings:?}") };
        let mut errors = Vec::new();
        let mut options = Options::new(entries, &mut errors);
        let Some(value::Value::Object(entries)) = options.get(definition.id) else { panic!("{settings:?}") };
        let mut own = options.within(definition.id, entries);
        let rule = definition.kind.bind(&mut own);
        own.refuse_unknown_keys();
        (rule, errors)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_rule_and_its_file_have_the_same_name() {
        for (definition, module) in RULES.iter().zip(MODULES) {
            assert_eq!(snake_case(definition.id), *module);
        }
    }

    #[test]
    fn every_file_is_in_the_list() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rules");
        let files: BTreeSet<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
            .filter(|name| !["mod", "finding", "fingerprint", "settings"].contains(&&**name))
            .collect();
        assert_eq!(files, MODULES.iter().map(|&name| name.to_owned()).collect());
    }

    fn snake_case(id: &str) -> String {
        id.chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect()
    }
}
