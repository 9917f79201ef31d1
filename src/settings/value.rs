//! A value of the settings as it is written: keys in their order, duplicates included, so that the reader can report them.
//!
//! `serde_json::Value` keeps the last of two equal keys, and the first would be ignored silently.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;

use super::presets::{self, Preset};
use json_view::{Error, RawValue, ReadJson, Reader, Text, ValueKind};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::raw_object::RawObject;
use crate::text::printable;

/// A key of an object, and its value.
pub type Entry<'a> = (Cow<'a, str>, SettingValue<'a>);

/// The key of the list that is parsed only when a request needs it: exemptions matter only if something is found, and there may be
/// many.
pub const EXEMPTIONS: &str = "exemptions";

/// A value of the settings. It borrows from the payload.
#[derive(Debug, Default)]
pub enum SettingValue<'a> {
    /// `null`, which means the same as an absent key.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number; nothing if it is not an integer of 64 bits.
    Number(Option<i64>),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    List(Vec<SettingValue<'a>>),
    /// An object.
    Object(Vec<Entry<'a>>),
    /// A list that is parsed when it is needed.
    Lazy(LazyValue<'a>),
}

/// A list that is parsed when it is needed.
#[derive(Debug)]
pub struct LazyValue<'a> {
    json: &'a [u8],
    parsed: OnceCell<Box<Result<SettingValue<'a>, String>>>,
}

impl<'a> LazyValue<'a> {
    /// The parsed list.
    ///
    /// # Errors
    /// If it cannot be parsed: the reason, without a path.
    pub fn get(&self) -> Result<&SettingValue<'a>, &str> {
        let parse = || Box::new(parse(self.json));
        (**self.parsed.get_or_init(parse)).as_ref().map_err(String::as_str)
    }
}

impl SettingValue<'_> {
    /// The type in words, with its article.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) | Self::Lazy(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'de> Deserialize<'de> for SettingValue<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = SettingValue<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(SettingValue::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(SettingValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(SettingValue::Number(Some(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(SettingValue::Number(value.try_into().ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(SettingValue::Number(None))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(SettingValue::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(SettingValue::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(SettingValue::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = Vec::new();
        while let Some(Key(key)) = entries.next_key()? {
            object.push((key, entries.next_value()?));
        }
        Ok(SettingValue::Object(object))
    }
}

/// A key, which serde copies unless it is asked to borrow.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(ValueVisitor)? {
            SettingValue::String(key) => Ok(Self(key)),
            other => Err(de::Error::custom(format_args!("expected a key, got {}", other.type_name()))),
        }
    }
}

/// The settings as a whole, with the exemptions not parsed yet.
#[derive(Debug)]
pub struct SettingsDocument<'a> {
    /// The settings as they are written.
    pub settings: SettingValue<'a>,
    /// The settings of the preset that they name.
    pub preset: PresetSettings<'a>,
}

/// The settings of a preset.
#[derive(Debug, Default)]
pub struct PresetSettings<'a> {
    /// The name of the preset; empty if the settings name no preset.
    pub name: &'static str,
    /// The settings that differ from the defaults.
    pub entries: Vec<Entry<'a>>,
}

impl PresetSettings<'_> {
    /// Parses the settings of the preset that other settings name. A name that is not known is an error of these settings.
    fn named_by(entries: &[Entry<'_>]) -> Result<Self, String> {
        let named = entries.iter().find_map(|(key, value)| match value {
            SettingValue::String(name) if key == presets::KEY => {
                Preset::ALL.iter().find(|(known, _)| known == name)
            }
            _ => None,
        });
        let Some((name, preset)) = named else { return Ok(Self::default()) };
        match parse(preset.settings().as_bytes())? {
            SettingValue::Object(entries) => Ok(Self { name, entries }),
            _ => Ok(Self::default()),
        }
    }
}

impl<'a> SettingsDocument<'a> {
    /// Parses the settings.
    ///
    /// # Errors
    /// If they are not JSON: the reason, in one sentence.
    pub fn parse(json: &'a [u8]) -> Result<Self, String> {
        let unparsed: UnparsedSettings<'_> =
            json_view::from_slice(json).map_err(|error| error.to_string())?;
        unparsed.parse()
    }
}

/// The settings as they are written. Skipping exemptions is faster than parsing them.
#[derive(Debug)]
pub enum UnparsedSettings<'a> {
    /// The entries of an object.
    Entries(Vec<(Text<'a>, RawValue<'a>)>),
    /// A value that is not an object.
    Other(RawValue<'a>),
}

impl Default for UnparsedSettings<'_> {
    fn default() -> Self {
        Self::Entries(Vec::new())
    }
}

impl<'a> UnparsedSettings<'a> {
    /// Parses the settings, except for the exemptions.
    ///
    /// # Errors
    /// If they are not JSON: the reason, in one sentence.
    pub fn parse(self) -> Result<SettingsDocument<'a>, String> {
        match self {
            Self::Other(RawValue(json)) => {
                Ok(SettingsDocument { settings: parse(json)?, preset: PresetSettings::default() })
            }
            Self::Entries(entries) => {
                let entries: Vec<_> = entries.into_iter().map(parse_entry).collect::<Result<_, String>>()?;
                let preset = PresetSettings::named_by(&entries)?;
                Ok(SettingsDocument { settings: SettingValue::Object(entries), preset })
            }
        }
    }
}

fn parse_entry<'a>((key, RawValue(json)): (Text<'a>, RawValue<'a>)) -> Result<Entry<'a>, String> {
    let value = if key == EXEMPTIONS && json.first() == Some(&b'[') {
        SettingValue::Lazy(LazyValue { json, parsed: OnceCell::new() })
    } else {
        parse(json).map_err(|reason| format!("{}: {reason}", printable(&key)))?
    };
    Ok((key.into(), value))
}

impl<'a> ReadJson<'a> for UnparsedSettings<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        if reader.peek_kind()? != ValueKind::Object {
            let mut value = RawValue::default();
            value.read(reader)?;
            *self = Self::Other(value);
            return Ok(());
        }
        let mut object = RawObject::default();
        object.read(reader)?;
        *self = Self::Entries(object.0);
        Ok(())
    }
}

fn parse(json: &[u8]) -> Result<SettingValue<'_>, String> {
    serde_json::from_slice(json).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> SettingValue<'_> {
        SettingsDocument::parse(json.as_bytes()).unwrap().settings
    }

    #[test]
    fn keeps_every_key_in_its_order() {
        let SettingValue::Object(entries) = parse(r#"{"b": 1, "a": 2, "b": 3}"#) else { panic!() };
        assert_eq!(entries.iter().map(|(key, _)| &**key).collect::<Vec<_>>(), ["b", "a", "b"]);
    }

    #[test]
    fn borrows_strings_without_escapes() {
        let SettingValue::Object(entries) = parse(r#"{"a": "plain", "\u0062": "\n"}"#) else { panic!() };
        assert!(matches!(&entries[..], [
            (Cow::Borrowed("a"), SettingValue::String(Cow::Borrowed("plain"))),
            (Cow::Owned(key), SettingValue::String(Cow::Owned(text))),
        ] if key == "b" && text == "\n"));
    }

    #[test]
    fn a_number_is_an_integer_or_nothing() {
        for (json, number) in
            [("1", Some(1)), ("-7", Some(-7)), ("1.0", None), ("9223372036854775808", None), ("1e2", None)]
        {
            let list = format!("[{json}]");
            let SettingValue::List(items) = parse(&list) else { panic!() };
            assert!(matches!(items[..], [SettingValue::Number(other)] if other == number), "{json}");
        }
    }

    #[test]
    fn parses_exemptions_when_they_are_needed() {
        let SettingValue::Object(entries) = parse(r#"{"exemptions": [{"a": 1}]}"#) else { panic!() };
        let [(_, SettingValue::Lazy(lazy))] = &entries[..] else { panic!() };
        assert!(matches!(lazy.get(), Ok(SettingValue::List(items)) if items.len() == 1));
    }

    #[test]
    fn only_the_key_preset_names_a_preset() {
        let preset = |json: &str| SettingsDocument::parse(json.as_bytes()).unwrap().preset.name;
        assert_eq!(preset(r#"{"preset": "baseline"}"#), "baseline");
        assert_eq!(preset(r#"{"onUpdate": "baseline"}"#), "");
    }

    #[test]
    fn reports_what_is_not_json() {
        let error = |json: &str| SettingsDocument::parse(json.as_bytes()).unwrap_err();
        assert_eq!(error("{"), "expected a key at byte 1");
        assert_eq!(error(r#"{"privileged": [wran]}"#), "privileged: expected value at line 1 column 2");
        assert_eq!(error(""), "expected a value at byte 0");
        assert_eq!(error("1 2"), "expected nothing more at byte 2");
    }
}
