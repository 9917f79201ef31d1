//! Environment variables of a container, as the kubelet expands them.

use k8s_openapi::api::core::v1::EnvVar;

/// The variables of a container that the pod spec contains.
pub(super) struct Environment {
    /// All names, with and without literal values.
    names: Vec<String>,
    /// The literal values, expanded, each with its index in the list.
    expanded: Vec<(usize, String, String)>,
    /// The literal values as written.
    written: Vec<(usize, String, String)>,
}

impl Environment {
    /// Reads variables. A value may refer to the variables before it.
    pub(super) fn read(variables: &[EnvVar]) -> Self {
        let names = variables.iter().map(|variable| variable.name.clone()).collect();
        let (mut expanded, mut written) = (Vec::new(), Vec::new());
        for (index, variable) in variables.iter().enumerate() {
            if variable.value_from.is_none() {
                let value = variable.value.clone().unwrap_or_default();
                expanded.push((index, variable.name.clone(), expand(&value, &expanded)));
                written.push((index, variable.name.clone(), value));
            }
        }
        Self { names, expanded, written }
    }

    /// Whether the pod spec sets a variable, with any value.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Replaces variables in a command.
    pub(super) fn expand(&self, text: &str) -> String {
        expand(text, &self.expanded)
    }

    /// Replaces variables in the command of a probe, for which the kubelet does not expand the values.
    pub(super) fn expand_static(&self, text: &str) -> String {
        expand(text, &self.written)
    }

    /// Returns the literal values that count, each with its index and name: the last value of each name.
    pub(super) fn literals(&self) -> Vec<(usize, &str, &str)> {
        let is_last = |index: usize, name: &str| {
            !self.expanded.iter().any(|(later, other, _)| *later > index && other == name)
        };
        let literals = self.expanded.iter().filter(|(index, name, _)| is_last(*index, name));
        literals.map(|(index, name, value)| (*index, &**name, &**value)).collect()
    }
}

/// Replaces `$(NAME)` by the last value of a name, and `$$` by `$`. Other text stays.
///
/// Source: `third_party/forked/golang/expansion/expand.go` of Kubernetes.
fn expand(text: &str, values: &[(usize, String, String)]) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        expanded.push_str(&rest[..start]);
        rest = &rest[start..];
        let name = rest.strip_prefix("$(").and_then(|name| name.split_once(')'));
        if let Some(after) = rest.strip_prefix("$$") {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = name {
            let value = values.iter().rev().find(|(_, known, _)| known == name);
            let value = value.map_or_else(|| format!("$({name})"), |(_, _, value)| value.clone());
            expanded.push_str(&value);
            rest = after;
        } else {
            expanded.push('$');
            rest = &rest[1..];
        }
    }
    expanded + rest
}
