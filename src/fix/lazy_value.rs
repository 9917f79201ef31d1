//! JSON that is parsed only where a fix changes it: all other values stay as they are written.

use json_view::{RawValue, ReadJson, Text};
use serde::ser::{Error, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use crate::raw_object::RawObject;

/// A JSON value.
#[derive(Debug)]
pub(super) enum LazyValue<'j> {
    /// A value that no fix has changed.
    Original(RawValue<'j>),
    /// A value that a fix has added.
    New(Box<serde_json::value::RawValue>),
    /// An object, some of whose fields may have changed.
    Object(Fields<'j>),
    /// A list, some of whose items may have changed.
    List(Vec<LazyValue<'j>>),
}

impl<'j> LazyValue<'j> {
    /// Reads a value without parsing it.
    pub(super) fn parse(json: &'j [u8]) -> serde_json::Result<Self> {
        read(json).map(Self::Original)
    }

    /// Whether the value is `null`, which Kubernetes treats as unset.
    pub(super) fn is_unset(&self) -> bool {
        matches!(self, Self::Original(RawValue(b"null")))
    }

    /// Returns the field of an object. An unset field is `null`, and an unset value becomes an object.
    pub(super) fn field(&mut self, key: &str) -> serde_json::Result<&mut Self> {
        let fields = self.fields()?;
        let index = fields.0.iter().position(|(name, _)| name == key).unwrap_or(fields.0.len());
        if index == fields.0.len() {
            fields.0.push((key.to_owned().into(), Self::Original(RawValue(b"null"))));
        }
        let field = fields.0.get_mut(index).map(|(_, value)| value);
        field.ok_or_else(|| Error::custom("a field is missing"))
    }

    /// Returns the items of a list. An unset value becomes an empty list.
    pub(super) fn items(&mut self) -> serde_json::Result<&mut Vec<Self>> {
        if let Self::Original(RawValue(json)) = *self {
            let items: Vec<_> = if self.is_unset() { Vec::new() } else { read(json)? };
            *self = Self::List(items.into_iter().map(Self::Original).collect());
        }
        match self {
            Self::List(items) => Ok(items),
            _ => Err(Error::custom("expected a list")),
        }
    }

    /// Returns the value as text.
    pub(super) fn text(&self) -> serde_json::Result<String> {
        read::<Text<'_>>(&serde_json::to_vec(self)?).map(|text| String::from(&text))
    }

    /// Replaces the value.
    pub(super) fn set(&mut self, value: &impl Serialize) -> serde_json::Result<()> {
        *self = Self::New(to_raw_value(value)?);
        Ok(())
    }

    /// Appends an item to a list.
    pub(super) fn push(&mut self, item: &impl Serialize) -> serde_json::Result<()> {
        let item = Self::New(to_raw_value(item)?);
        self.items()?.push(item);
        Ok(())
    }

    fn fields(&mut self) -> serde_json::Result<&mut Fields<'j>> {
        if let Self::Original(RawValue(json)) = *self {
            let RawObject(fields) = if self.is_unset() { RawObject::default() } else { read(json)? };
            let fields = fields.into_iter().map(|(key, value)| (key, Self::Original(value)));
            *self = Self::Object(Fields(fields.collect()));
        }
        match self {
            Self::Object(fields) => Ok(fields),
            _ => Err(Error::custom("expected an object")),
        }
    }
}

fn read<'j, T: ReadJson<'j>>(json: &'j [u8]) -> serde_json::Result<T> {
    json_view::from_slice(json).map_err(Error::custom)
}

impl Serialize for LazyValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Original(RawValue(json)) => {
                let json: &serde_json::value::RawValue =
                    serde_json::from_slice(json).map_err(S::Error::custom)?;
                json.serialize(serializer)
            }
            Self::New(json) => json.serialize(serializer),
            Self::Object(fields) => fields.serialize(serializer),
            Self::List(items) => items.serialize(serializer),
        }
    }
}

/// The fields of an object, in their order.
#[derive(Debug, Default)]
pub(super) struct Fields<'j>(Vec<(Text<'j>, LazyValue<'j>)>);

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            fields.serialize_entry(&**key, value)?;
        }
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn edited(json: &str, edit: impl FnOnce(&mut LazyValue<'_>) -> serde_json::Result<()>) -> String {
        let mut value = LazyValue::parse(json.as_bytes()).unwrap();
        edit(&mut value).unwrap();
        serde_json::to_string(&value).unwrap()
    }

    #[test]
    fn new_fields_follow_the_existing_fields() {
        let set = |json| edited(json, |value| value.field("a")?.set(&1));
        assert_eq!(set("{}"), r#"{"a":1}"#);
        assert_eq!(set(r#"{ "b": 1.0 }"#), r#"{"b":1.0,"a":1}"#);
        assert_eq!(set(r#"{"\u0061": 2, "b": [ 1e3 ]}"#), r#"{"a":1,"b":[ 1e3 ]}"#);
    }

    #[test]
    fn null_and_missing_values_are_unset() {
        for json in ["null", "{}", r#"{"a": null}"#, r#"{"a": {"b": null}}"#] {
            let set = |value: &mut LazyValue<'_>| {
                let field = value.field("a")?.field("b")?;
                assert!(field.is_unset(), "{json}");
                field.set(&true)
            };
            assert_eq!(edited(json, set), r#"{"a":{"b":true}}"#, "{json}");
        }
    }

    #[test]
    fn new_items_follow_the_existing_items() {
        let push = |json| edited(json, |value| value.field("a")?.push(&"x"));
        for json in ["{}", r#"{"a": null}"#, r#"{"a": []}"#] {
            assert_eq!(push(json), r#"{"a":["x"]}"#, "{json}");
        }
        assert_eq!(push(r#"{"a": [1.0, {"b": 1}]}"#), r#"{"a":[1.0,{"b": 1},"x"]}"#);
    }

    #[test]
    fn other_values_are_not_changed() {
        let json = r#"{"a":[1.0,1e3,-0.0,3e+380,12345678901234567890123,"\u00e9",{"b": 1, "b":2}]}"#;
        assert_eq!(edited(json, |value| value.field("a")?.items().map(|_| ())), json);
    }

    #[test]
    fn another_type_is_an_error() {
        for json in ["[]", "1", r#"{"a":[]}"#] {
            let mut value = LazyValue::parse(json.as_bytes()).unwrap();
            let field = value.field("a").and_then(|field| field.field("b").map(|_| ()));
            assert!(field.is_err(), "{json}");
        }
        assert!(LazyValue::parse(br#"{"a":{}}"#).unwrap().field("a").unwrap().items().is_err());
        assert!(LazyValue::parse(b"{").is_err());
    }
}
