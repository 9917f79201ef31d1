//! A JSON value of the settings, as it stands there: keys in their order, each at most once.
//!
//! `serde_json::Value` keeps the last of two equal keys, so that the first would be ignored unseen.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::text::{Text, quoted};

/// A value of the settings. It borrows from the payload.
#[derive(Debug, Default)]
pub enum Value<'a> {
    /// `null`, which is the same as an absent key.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as an integer where it is written as one.
    Number(Option<i64>),
    /// A string.
    String(Text<'a>),
    /// A list.
    List(Vec<Value<'a>>),
    /// An object.
    Object(Vec<(Text<'a>, Value<'a>)>),
}

impl Value<'_> {
    /// The type as users know it, with its article.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_borrowed_bytes<E: Error>(self, number: &'de [u8]) -> Result<Self::Value, E> {
        Ok(Value::Number(std::str::from_utf8(number).ok().and_then(|number| number.parse().ok())))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Value::String(Text::from(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Value::String(Text::from(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<(Text, Value)> = Vec::new();
        while let Some(key) = fields.next_key::<Text>()? {
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(format_args!("duplicate key {}", quoted(&key))));
            }
            entries.push((key, fields.next_value()?));
        }
        Ok(Value::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    #[test]
    fn keeps_keys_in_their_order() {
        let value: Value =
            json::from_slice(br#"{"b": [1, -1, 1.5, "x", "\n", null], "a": {"c": true}}"#).unwrap();
        assert_eq!(
            format!("{value:?}"),
            r#"Object([(Text("b"), List([Number(Some(1)), Number(Some(-1)), Number(None), String(Text("x")), String(Text("\n")), Null])), (Text("a"), Object([(Text("c"), Bool(true))]))])"#
        );
    }

    #[test]
    fn refuses_a_key_that_stands_twice() {
        let error =
            json::from_slice::<Value>(br#"{"privileged": "deny", "privileg\u0065d": "off"}"#).unwrap_err();
        assert_eq!(error.message, r#"duplicate key "privileged""#);
    }

    #[test]
    fn names_the_type_of_each_value() {
        let names = ["null", "true", "1", "\"\"", "[]", "{}"].map(|text| {
            let value: Value = json::from_slice(text.as_bytes()).unwrap();
            value.type_name()
        });
        assert_eq!(names, ["null", "a boolean", "a number", "a string", "a list", "an object"]);
    }
}
