//! The rules: what one is, and the list of them.

use crate::finding::Finding;
use crate::options::Options;
use crate::pod::Pod;
use crate::settings::Mode;

/// A rule with its settings bound: what is left is to check pods.
///
/// Rules are pure. They know nothing of JSON, waPC or the time, and they cannot fail.
pub trait Rule {
    /// What is wrong with the pod, in any order.
    fn check(&self, pod: &Pod<'_>) -> Vec<Finding>;
}

/// What the policy has to know of a rule before it is bound.
pub struct Definition {
    /// Its name in settings and messages. The file has the same in snake case.
    pub id: &'static str,
    /// The mode it has when the settings give none.
    pub mode: Mode,
    /// Reads the rule's own settings, all but its mode.
    pub bind: fn(&mut Options<'_>) -> Box<dyn Rule>,
}

macro_rules! rules {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*

        /// Every rule, in the order in which findings are reported.
        pub const RULES: &[Definition] = &[$($module::RULE),*];

        #[cfg(test)]
        const MODULES: &[&str] = &[$(stringify!($module)),*];
    };
}

rules![
    read_only_root_filesystem,
    privileged,
    allow_privilege_escalation,
    run_as_non_root,
    host_namespaces,
    image_reference,
];

#[cfg(test)]
pub(crate) mod testing {
    use serde_json::Value;

    use super::*;
    use crate::{json, value};

    /// The lines of what a rule finds, with the given settings, in a pod spec that stands at `spec`.
    #[track_caller]
    pub(crate) fn check(definition: &Definition, settings: &Value, pod_spec: &Value) -> Vec<String> {
        let (rule, errors) = bind(definition, settings);
        assert_eq!(errors, [""; 0]);
        let spec = pod_spec.to_string();
        let pod = Pod { path: "spec".into(), spec: json::from_slice(spec.as_bytes()).unwrap() };
        rule.check(&pod).iter().map(|finding| finding.line(definition.id)).collect()
    }

    /// What is wrong with the settings of a rule.
    pub(crate) fn errors(definition: &Definition, settings: &Value) -> Vec<String> {
        bind(definition, settings).1
    }

    fn bind(definition: &Definition, settings: &Value) -> (Box<dyn Rule>, Vec<String>) {
        let text = settings.to_string();
        let value::Value::Object(entries) = json::from_slice(text.as_bytes()).unwrap() else {
            panic!("{text}")
        };
        let mut errors = Vec::new();
        let mut options = Options::new(definition.id, &entries, &mut errors);
        let rule = (definition.bind)(&mut options);
        options.refuse_unknown_keys();
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
            .filter(|name| name != "mod")
            .collect();
        assert_eq!(files, MODULES.iter().map(|&name| name.to_owned()).collect());
    }

    fn snake_case(id: &str) -> String {
        id.chars()
            .flat_map(|c| if c.is_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
            .collect()
    }
}
