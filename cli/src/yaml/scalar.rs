//! The types of scalars: those of `resolve.go` in `go.yaml.in/yaml/v2`, and the JSON that `sigs.k8s.io/yaml` makes of them.

use serde_json::{Number, Value};

/// The type and value of a scalar.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Resolved {
    Null,
    Bool(bool),
    Integer(i64),
    /// An integer greater than the largest `i64`.
    Unsigned(u64),
    Float(f64),
    /// An infinity, or not a number. JSON does not have them.
    NotFinite,
    Text,
}

/// Returns the type of a plain scalar.
pub(super) fn resolve(text: &str) -> Resolved {
    // Most scalars are text, which the first byte shows.
    match text.bytes().next() {
        None | Some(b'~' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'y' | b'Y' | b'o' | b'O') => word(text),
        Some(b'.') => dotted(text),
        Some(b'0'..=b'9' | b'+' | b'-') => number(text),
        Some(_) => Resolved::Text,
    }
}

fn word(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Resolved::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Resolved::Bool(false)
        }
        _ => Resolved::Text,
    }
}

fn dotted(text: &str) -> Resolved {
    match text {
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN" => Resolved::NotFinite,
        _ => separated(text).as_deref().and_then(float).map_or(Resolved::Text, Resolved::Float),
    }
}

/// Removes underscores between digits, which Go accepts here. Elsewhere, the library removes all underscores.
fn separated(text: &str) -> Option<String> {
    let separates = |index: usize| {
        let is_digit = |index: usize| text.as_bytes().get(index).is_some_and(u8::is_ascii_digit);
        index.checked_sub(1).is_some_and(is_digit) && is_digit(index + 1)
    };
    let is_number = text.match_indices('_').all(|(index, _)| separates(index));
    is_number.then(|| text.replace('_', ""))
}

fn number(text: &str) -> Resolved {
    if matches!(text.strip_prefix(['+', '-']), Some(".inf" | ".Inf" | ".INF")) {
        return Resolved::NotFinite;
    }
    // Dates look like numbers, and stay text: no number has a `-` after four digits.
    let digits = text.replace('_', "");
    integer(&digits)
        .or_else(|| float(&digits).map(Resolved::Float))
        .or_else(|| signed_after_prefix(&digits).map(Resolved::Integer))
        .unwrap_or(Resolved::Text)
}

/// Parses an integer like Go: `0x`, `0o` and `0b` are prefixes, and other integers that begin with `0` are octal.
fn integer(text: &str) -> Option<Resolved> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (radix, digits) = match unsigned.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, unsigned.get(2..)?),
        [b'0', b'o' | b'O', ..] => (8, unsigned.get(2..)?),
        [b'0', b'b' | b'B', ..] => (2, unsigned.get(2..)?),
        [b'0', _, ..] => (8, unsigned.get(1..)?),
        _ => (10, unsigned),
    };
    // A second sign is not part of a number.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = u64::from_str_radix(digits, radix).ok()?;
    if text.starts_with('-') {
        return 0_i64.checked_sub_unsigned(value).map(Resolved::Integer);
    }
    match i64::try_from(value) {
        Ok(value) => Some(Resolved::Integer(value)),
        Err(_) if text.starts_with('+') => None,
        Err(_) => Some(Resolved::Unsigned(value)),
    }
}

/// The library accepts a sign after the prefix of a binary number.
fn signed_after_prefix(text: &str) -> Option<i64> {
    i64::from_str_radix(text.strip_prefix("0b")?, 2).ok()
}

/// Parses a decimal number. Numbers that are too large are text.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    // Rust also parses `1e`, `inf` and `nan`.
    let is_number = unsigned.contains(|character: char| character.is_ascii_digit())
        && unsigned.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !is_number {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A tag that gives a scalar its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    Str,
    Int,
    Float,
    Bool,
    Null,
    Binary,
}

impl Tag {
    /// Returns the tag with a name such as `int`.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "str" => Self::Str,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "null" => Self::Null,
            "binary" => Self::Binary,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Str => "str",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Null => "null",
            Self::Binary => "binary",
        }
    }

    /// Returns the type of a scalar with this tag, in any style.
    #[expect(clippy::cast_precision_loss, reason = "kubectl also rounds large integers")]
    pub(super) fn resolve(self, text: &str) -> Result<Resolved, String> {
        let found = resolve(text);
        match (self, found) {
            (Self::Str | Self::Binary, _) => Ok(Resolved::Text),
            (Self::Float, Resolved::Integer(value)) => Ok(Resolved::Float(value as f64)),
            (Self::Int, Resolved::Integer(_) | Resolved::Unsigned(_))
            | (Self::Float, Resolved::Float(_) | Resolved::NotFinite)
            | (Self::Bool, Resolved::Bool(_))
            | (Self::Null, Resolved::Null) => Ok(found),
            _ => Err(format!("`{text}` is not a value of type `!!{}`", self.name())),
        }
    }
}

/// Returns the value of a scalar.
pub(super) fn value(resolved: Resolved, text: String) -> Result<Value, String> {
    Ok(match resolved {
        Resolved::Null => Value::Null,
        Resolved::Bool(value) => value.into(),
        Resolved::Integer(value) => value.into(),
        Resolved::Unsigned(value) => value.into(),
        Resolved::Float(value) => float_value(value),
        Resolved::NotFinite => return Err(not_finite(&text)),
        Resolved::Text => text.into(),
    })
}

pub(super) fn not_finite(text: &str) -> String {
    format!("value `{text}` is not a finite number")
}

/// Removes the fraction of whole numbers, like kubectl: `1.0` becomes `1`.
fn float_value(value: f64) -> Value {
    // Rust writes 1e3 as `1000`. Large numbers and numbers with a fraction do not parse as integers.
    value
        .to_string()
        .parse::<i64>()
        .map_or_else(|_| Number::from_f64(value).map_or(Value::Null, Value::Number), Value::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_those_of_yaml_1_1() {
        for text in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
            assert_eq!(resolve(text), Resolved::Bool(true), "{text}");
        }
        for text in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
            assert_eq!(resolve(text), Resolved::Bool(false), "{text}");
        }
        for text in ["tRue", "yEs", "oN", "fAlse", "nO", "yy"] {
            assert_eq!(resolve(text), Resolved::Text, "{text}");
        }
    }

    #[test]
    fn integers_have_prefixes_and_underscores() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("0644", 420),
            ("-0644", -420),
            ("0o17", 15),
            ("0O17", 15),
            ("0x1f", 31),
            ("0X1F", 31),
            ("0b101", 5),
            ("-0b101", -5),
            ("0b-101", -5),
            ("1_000", 1000),
            ("1__0", 10),
            ("0_1_0", 8),
            ("-9223372036854775808", i64::MIN),
        ] {
            assert_eq!(resolve(text), Resolved::Integer(value), "{text}");
        }
        assert_eq!(resolve("18446744073709551615"), Resolved::Unsigned(u64::MAX));
    }

    #[test]
    fn other_numbers_are_floats() {
        for (text, value) in [
            ("1.5", 1.5),
            ("1.", 1.0),
            (".5", 0.5),
            (".5_0", 0.5),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("08", 8.0),
            ("+18446744073709551615", 18_446_744_073_709_551_615.0),
            ("1_0.5_0", 10.5),
        ] {
            assert_eq!(resolve(text), Resolved::Float(value), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_text() {
        for text in [
            "-",
            "+",
            "--1",
            "0x",
            "0b2",
            "0o8x",
            "1e",
            "e1",
            "1.2.3",
            "12:30",
            "2001-01-01",
            "1e999",
            ".",
            "._1",
            "0x-1",
            "+-1",
            "1-1",
            "infinity",
            "nan",
        ] {
            assert_eq!(resolve(text), Resolved::Text, "{text}");
        }
    }

    #[test]
    fn a_tag_requires_its_type() {
        assert_eq!(Tag::Str.resolve("5"), Ok(Resolved::Text));
        assert_eq!(Tag::Float.resolve("5"), Ok(Resolved::Float(5.0)));
        assert_eq!(Tag::Int.resolve("1.5"), Err("`1.5` is not a value of type `!!int`".to_owned()));
        assert_eq!(Tag::Bool.resolve(""), Err("`` is not a value of type `!!bool`".to_owned()));
    }

    #[test]
    fn whole_floats_become_integers() {
        assert_eq!(float_value(1000.0), Value::from(1000));
        assert_eq!(float_value(-0.0), Value::from(0));
        assert_eq!(float_value(1e300), Value::from(1e300));
    }
}
