//! Reads findings from the lines of the policy: `field.path: who must … [rule]`.

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::admission::Subject;
use crate::evaluation::{Finding, Level};

/// The parts of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'l> {
    /// The path of the field, if the line begins with one.
    pub path: Option<&'l str>,
    /// The sentence.
    pub message: &'l str,
    /// The id of the rule, if the line ends in one.
    pub rule: Option<&'l str>,
}

impl<'l> Line<'l> {
    /// Reads a line. A line of another form is a message.
    #[must_use]
    pub fn parse(line: &'l str) -> Self {
        let (path, rest) = split_path(line);
        let (message, rule) = match rest.rsplit_once(" [") {
            Some((message, rule)) => match rule.strip_suffix(']') {
                Some(rule) if is_word(rule) => (message, Some(rule)),
                _ => (rest, None),
            },
            None => (rest, None),
        };
        Self { path, message, rule }
    }
}

/// Splits a line after its path. Brackets in a path contain indices or keys, and a key may contain anything.
fn split_path(line: &str) -> (Option<&str>, &str) {
    let mut depth = 0_usize;
    for (index, character) in line.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ':' if depth == 0 => {
                let (path, rest) = line.split_at(index);
                return match rest.strip_prefix(": ") {
                    Some(rest) if !path.is_empty() => (Some(path), rest),
                    _ => (None, line),
                };
            }
            ' ' if depth == 0 => return (None, line),
            _ => {}
        }
    }
    (None, line)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Returns a finding of a policy about an object, without its place in the file.
#[must_use]
pub fn finding(line: &str, level: Level, policy: &str, subject: &Subject, object: &Value) -> Finding {
    let Line { path, message, rule } = Line::parse(line);
    Finding {
        level,
        rule: rule.map(str::to_owned),
        path: path.map(str::to_owned),
        message: message.to_owned(),
        position: None,
        fingerprint: fingerprint(rule.unwrap_or(message), path.unwrap_or_default(), subject, object),
        policy: policy.to_owned(),
    }
}

/// Returns the fingerprint of a finding. It survives other findings, other fields, and another order of containers and volumes.
fn fingerprint(rule: &str, path: &str, subject: &Subject, object: &Value) -> String {
    let path = with_names(path, object);
    let group = subject.api_version.split_once('/').map_or("", |(group, _)| group);
    let namespace = subject.namespace.as_deref().unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [rule, group, &subject.kind, namespace, &subject.name, &path] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let first = hash.finalize().first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    format!("{first:016x}")
}

/// Returns a path with the names of list items instead of their indices: `spec.containers[web].image`.
fn with_names(path: &str, object: &Value) -> String {
    let mut named = String::with_capacity(path.len());
    let mut value = Some(object);
    for part in path.split_inclusive(['.', '[', ']']) {
        let (name, end) = match part.strip_suffix(['.', '[', ']']) {
            Some(name) => (name, part.get(name.len()..).unwrap_or_default()),
            None => (part, ""),
        };
        if let ("]", Ok(index)) = (end, name.parse::<usize>()) {
            value = value.and_then(|value| value.get(index));
            let item = value.and_then(|item| item.get("name")).and_then(Value::as_str);
            named.push_str(item.unwrap_or(name));
        } else {
            if !name.is_empty() {
                value = value.and_then(|value| value.get(name));
            }
            named.push_str(name);
        }
        named.push_str(end);
    }
    named
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line<'l>(path: Option<&'l str>, message: &'l str, rule: Option<&'l str>) -> Line<'l> {
        Line { path, message, rule }
    }

    #[test]
    fn a_line_has_a_path_a_message_and_a_rule() {
        assert_eq!(
            Line::parse(
                r#"spec.containers[0].image: container "web" must use a tag: `a` has none [imageReference]"#
            ),
            line(
                Some("spec.containers[0].image"),
                r#"container "web" must use a tag: `a` has none"#,
                Some("imageReference")
            )
        );
    }

    #[test]
    fn a_key_in_a_path_can_contain_anything() {
        assert_eq!(
            Line::parse("metadata.annotations[a: b c/d].x: must not [sysctls]"),
            line(Some("metadata.annotations[a: b c/d].x"), "must not", Some("sysctls"))
        );
    }

    #[test]
    fn another_line_is_a_message() {
        for text in ["and 3 more findings", "no path here: really", "", ": x", "spec.a:no", "a [b", "a [b c]"]
        {
            assert_eq!(Line::parse(text), line(None, text, None), "{text}");
        }
    }

    fn subject() -> Subject {
        Subject {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        }
    }

    fn fingerprint_at(path: &str, object: &Value) -> String {
        finding(&format!("{path}: must not [privileged]"), Level::Deny, "", &subject(), object).fingerprint
    }

    #[test]
    fn a_fingerprint_depends_on_names_and_not_on_the_order_of_a_list() {
        let one = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
        let other = json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}});
        let path = "spec.containers[1].image";
        assert_eq!(fingerprint_at(path, &one), fingerprint_at("spec.containers[0].image", &other));
        assert_ne!(fingerprint_at(path, &one), fingerprint_at(path, &other));
        assert_eq!(fingerprint_at(path, &one).len(), 16);
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_version_of_the_program() {
        let object = json!({"spec": {"containers": [{"name": "web"}]}});
        assert_eq!(with_names("spec.containers[0].a[0]", &object), "spec.containers[web].a[0]");
        assert_eq!(fingerprint_at("spec.containers[0].image", &object), "9f735f4c11777f32");
    }

    #[test]
    fn items_without_a_name_keep_their_index() {
        let object = json!({"spec": {"volumes": [1, {"name": 2}]}});
        assert_eq!(with_names("spec.volumes[0].x[1]", &object), "spec.volumes[0].x[1]");
        assert_eq!(with_names("spec.volumes[1]", &object), "spec.volumes[1]");
        assert_eq!(with_names("metadata.annotations[a.b/c]", &object), "metadata.annotations[a.b/c]");
    }
}
