//! The environment variables of a container, and the references to them in values and commands.
//!
//! Source: `makeEnvironmentVariables` of `k8s.io/kubernetes/pkg/kubelet`, and `Expand` of
//! `k8s.io/kubernetes/third_party/forked/golang/expansion`.

use std::borrow::Cow;

use crate::kubernetes::container::{Container, EnvVar};
use crate::kubernetes::name_index::NameIndex;

/// Maximum number of bytes by which values may grow in total, beyond the length of all values. References that exceed it are kept
/// as text, so that values which repeat others again and again do not fill the memory.
const MAX_GROWTH: usize = 4096;

/// The environment variables that the pod spec sets. Variables from the image, from `envFrom` and from other objects are not known.
#[derive(Debug)]
pub struct Environment<'p> {
    /// The value of each item of `env`.
    values: Vec<Cow<'p, str>>,
    /// The index of the value that counts, by variable name.
    by_name: NameIndex<'p>,
    /// Maximum number of bytes that references add to a value.
    max_growth: usize,
}

impl<'p> Environment<'p> {
    /// Returns the variables of a container, with references to earlier variables replaced. The last literal value of a name counts,
    /// because a value from elsewhere may be optional and missing.
    #[must_use]
    pub fn of(container: &'p Container<'_>) -> Self {
        let variables = container.env.all();
        let mut environment = Self::empty(&variables);
        let mut growth = environment.max_growth;
        for (index, variable) in variables.iter().enumerate() {
            let is_literal = !variable.value.is_empty() || variable.value_from.0.is_empty();
            let value = match expand(&variable.value, &mut growth, &environment) {
                Cow::Borrowed(_) => variable.value.clone().into(),
                Cow::Owned(expanded) => expanded.into(),
            };
            environment.values.push(value);
            if is_literal {
                environment.by_name.set(variable.name.clone().into(), index);
            }
        }
        environment
    }

    /// Returns the variables as they are written. The kubelet uses no others in the commands of probes.
    #[must_use]
    pub fn as_written(container: &'p Container<'_>) -> Self {
        let variables = container.env.all();
        let mut environment = Self::empty(&variables);
        for (index, variable) in variables.iter().enumerate() {
            environment.values.push(variable.value.clone().into());
            environment.by_name.set(variable.name.clone().into(), index);
        }
        environment
    }

    fn empty(variables: &[EnvVar<'_>]) -> Self {
        let length: usize = variables.iter().map(|variable| variable.value.len()).sum();
        let values = Vec::with_capacity(variables.len());
        Self { values, by_name: NameIndex::default(), max_growth: length + MAX_GROWTH }
    }

    /// Returns the value of a variable, and its index in `env`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(usize, &str)> {
        let index = self.by_name.get(name)?;
        Some((index, self.values.get(index)?))
    }

    /// Returns a text with references replaced.
    #[must_use]
    pub fn expand<'t>(&self, text: &'t str) -> Cow<'t, str> {
        expand(text, &mut self.max_growth.clone(), self)
    }
}

/// Replaces `$(NAME)` by the value of the variable, and `$$` by `$`. References to unknown variables stay as they are.
fn expand<'t>(text: &'t str, growth: &mut usize, environment: &Environment<'_>) -> Cow<'t, str> {
    if !text.contains('$') {
        return text.into();
    }
    let mut expanded = String::new();
    let mut rest = text;
    let mut has_end = true;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if has_end && let Some(reference) = rest.strip_prefix('(') {
            // If this reference has no end, later ones have none either.
            let Some((name, after)) = reference.split_once(')') else {
                has_end = false;
                expanded.push('$');
                continue;
            };
            rest = after;
            if let Some((_, value)) = environment.get(name).filter(|(_, value)| value.len() < *growth) {
                *growth -= value.len() + 1;
                expanded.push_str(value);
            } else {
                expanded.extend(["$(", name, ")"]);
            }
            continue;
        }
        expanded.push('$');
    }
    expanded.push_str(rest);
    expanded.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn container(env: &str) -> Container<'_> {
        json_view::from_slice(env.as_bytes()).unwrap()
    }

    #[test]
    fn references_are_replaced_as_the_kubelet_does() {
        let container = container(r#"{"env": [{"name": "A", "value": "x"}, {"name": "E", "value": ""}]}"#);
        let environment = Environment::of(&container);
        for (text, expected) in [
            ("", ""),
            ("$(A)", "x"),
            ("a$(A)b$(A)", "axbx"),
            ("$(E)", ""),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$x"),
            ("$A", "$A"),
            ("$", "$"),
            ("$$", "$"),
            ("$(A", "$(A"),
            ("$($$", "$($"),
            ("$($(A)", "$($(A)"),
            ("$()", "$()"),
        ] {
            assert_eq!(environment.expand(text), expected, "{text}");
        }
    }

    #[test]
    fn the_last_literal_value_counts() {
        let container = container(
            r#"{"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)$(C)"}, {"name": "A", "value": "2"},
            {"name": "A", "valueFrom": {}}, {"name": "C", "value": "$(A)"}]}"#,
        );
        let environment = Environment::of(&container);
        assert_eq!(environment.get("A"), Some((2, "2")));
        assert_eq!(environment.get("B"), Some((1, "1$(C)")));
        assert_eq!(environment.get("C"), Some((4, "2")));
        assert_eq!(environment.get("D"), None);
        let written = Environment::as_written(&container);
        assert_eq!(written.get("A"), Some((3, "")));
        assert_eq!(written.get("C"), Some((4, "$(A)")));
    }

    #[test]
    fn growth_is_bounded() {
        let env: Vec<_> = (1..40)
            .map(|number| format!(r#"{{"name": "A{number}", "value": "$(A{0})$(A{0})xx"}}"#, number - 1))
            .collect();
        let text = format!(r#"{{"env": [{}]}}"#, env.join(","));
        let container = container(&text);
        let total: usize = Environment::of(&container).values.iter().map(|value| value.len()).sum();
        assert!(total < 2 * (MAX_GROWTH + text.len()), "{total}");
    }
}
