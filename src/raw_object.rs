//! JSON objects whose values are not parsed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Parses a value whose text is kept.
///
/// `serde_json` has separate code for strings and for bytes, of which the module contains only the code for bytes.
///
/// # Errors
/// If the value has another type.
pub(crate) fn parse_raw<'j, T: Deserialize<'j>>(json: &'j RawValue) -> serde_json::Result<T> {
    serde_json::from_slice(json.get().as_bytes())
}

/// The fields of an object, in their order, with duplicates.
#[derive(Debug, Default)]
pub(crate) struct RawObject<'j>(pub(crate) Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'de> Deserialize<'de> for RawObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

/// The key of a field.
#[derive(Deserialize)]
struct Key<'j>(#[serde(borrow)] Cow<'j, str>);

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = RawObject<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            fields.push((key, value));
        }
        Ok(RawObject(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_their_text_and_their_duplicates() {
        let json = r#"{"b": 1.0, "\u0061": [ {} ], "b": null}"#;
        let RawObject(fields) = serde_json::from_str(json).unwrap();
        let fields: Vec<_> = fields.iter().map(|(key, value)| (&**key, value.get())).collect();
        assert_eq!(fields, [("b", "1.0"), ("a", "[ {} ]"), ("b", "null")]);
    }

    #[test]
    fn other_types_are_errors() {
        for json in ["[]", "null", "1", "{", "\"\""] {
            assert!(serde_json::from_str::<RawObject>(json).is_err(), "{json}");
        }
    }
}
