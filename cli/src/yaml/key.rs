//! The keys of mappings, which JSON has as strings only.

use serde_json::Value;

use super::node::{Content, Node};
use super::scalar::{Resolved, not_finite};

/// Returns the key that a scalar is in JSON.
pub(super) fn of_scalar(resolved: Resolved, text: &str) -> Result<String, String> {
    match resolved {
        Resolved::Text => Ok(text.to_owned()),
        Resolved::Integer(value) => Ok(value.to_string()),
        Resolved::Float(value) => Ok(short_float(value)),
        Resolved::Bool(value) if text == value.to_string() => Ok(text.to_owned()),
        // A user who writes `on:` means the text.
        Resolved::Bool(value) => Err(format!("kubectl reads the key `{text}` as `{value}`: quote it")),
        Resolved::NotFinite => Err(not_finite(text)),
        Resolved::Null | Resolved::Unsigned(_) => {
            Err(format!("expected a string as a key, got `{text}`: quote it"))
        }
    }
}

/// Returns the key that an alias is.
pub(super) fn of_node(node: &Node) -> Result<String, String> {
    match node.content() {
        Content::Scalar(Value::String(text)) => Ok(text.clone()),
        Content::Scalar(_) => Err("expected a string as a key, got an alias of another value".to_owned()),
        Content::Sequence(_) => Err("expected a string as a key, got a sequence".to_owned()),
        Content::Mapping(_) | Content::Shared(_) => {
            Err("expected a string as a key, got a mapping".to_owned())
        }
    }
}

/// Writes a number like Go's `strconv.FormatFloat(value, 'g', -1, 32)`.
#[expect(clippy::cast_possible_truncation, reason = "kubectl also keeps only the precision of 32 bits")]
fn short_float(value: f64) -> String {
    let short = value as f32;
    if short.is_infinite() {
        return if short > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{short:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => short.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scalar::resolve;
    use super::*;

    fn key(text: &str) -> Result<String, String> {
        of_scalar(resolve(text), text)
    }

    #[test]
    fn numbers_become_text() {
        for (text, expected) in [
            ("010", "8"),
            ("1.50", "1.5"),
            ("1e5", "100000"),
            ("1e6", "1e+06"),
            ("1e-4", "0.0001"),
            ("1e-7", "1e-07"),
            ("1234567.5", "1.2345675e+06"),
        ] {
            assert_eq!(key(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn keys_that_kubectl_renames_are_refused() {
        assert_eq!(key("true").as_deref(), Ok("true"));
        assert_eq!(key("on"), Err("kubectl reads the key `on` as `true`: quote it".to_owned()));
        assert_eq!(key("N"), Err("kubectl reads the key `N` as `false`: quote it".to_owned()));
        assert_eq!(key("~"), Err("expected a string as a key, got `~`: quote it".to_owned()));
        assert_eq!(key(".inf"), Err("value `.inf` is not a finite number".to_owned()));
    }
}
