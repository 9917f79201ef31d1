//! A JSON value of the settings, as it stands there: keys in their order, each at most once.
//!
//! `serde_json::Value` keeps the last of two equal keys, so that the first would be ignored unseen.

use std::cell::OnceCell;

use crate::settings::reader::Entry;
use crate::text::quoted;
use json_view::Text;
use json_view::{self as json, Error, Raw, Read, Reader};

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
    Object(Vec<Entry<'a>>),
    /// A list that nobody has needed yet.
    Unread(Unread<'a>),
}

/// A list with its key, as it stands in the settings.
#[derive(Debug)]
pub struct Unread<'a> {
    json: Raw<'a>,
    entry: OnceCell<Box<Result<Entry<'a>, String>>>,
}

impl<'a> Unread<'a> {
    /// The list with its key.
    ///
    /// # Errors
    /// When it cannot be read: one sentence that begins with the key.
    pub fn read(&self) -> Result<&Entry<'a>, &str> {
        let read = || match json::from_slice(self.json.0) {
            Ok(value) => Ok((Text::from(EXEMPTIONS), value)),
            Err(failure) => Err(format!("{EXEMPTIONS}: {}", failure.message)),
        };
        (**self.entry.get_or_init(|| Box::new(read()))).as_ref().map_err(String::as_str)
    }
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
            Self::List(_) | Self::Unread(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'a> Read<'a> for Value<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = match reader.peek() {
            Some(b'{') => read_object(reader, None)?,
            Some(b'[') => {
                let mut items = Vec::new();
                items.read(reader)?;
                // Most are short, and there may be many.
                items.shrink_to_fit();
                Self::List(items)
            }
            Some(b'"') => Self::String(reader.string()?.into()),
            Some(b't' | b'f') => {
                let mut value = false;
                value.read(reader)?;
                Self::Bool(value)
            }
            Some(b'n') => reader.null().map(|_| Self::Null)?,
            Some(b'-' | b'0'..=b'9') => {
                let number = std::str::from_utf8(reader.number()?).ok();
                Self::Number(number.and_then(|number| number.parse().ok()))
            }
            // Whatever it is, it says why that is no value.
            _ => reader.skip().map(|()| Self::Null)?,
        };
        Ok(())
    }
}

/// Settings in which one list is left unread until it is needed.
#[derive(Debug, Default)]
pub struct WithUnread<'a>(pub Value<'a>);

/// The key of that list. Exemptions matter only where something is found, and there may be many.
pub const EXEMPTIONS: &str = "exemptions";

impl<'a> Read<'a> for WithUnread<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        if reader.peek() == Some(b'{') {
            self.0 = read_object(reader, Some(EXEMPTIONS))?;
            Ok(())
        } else {
            self.0.read(reader)
        }
    }
}

fn read_object<'a>(reader: &mut Reader<'a>, unread: Option<&str>) -> Result<Value<'a>, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut keys = reader.object()?;
    while let Some(key) = keys.next(reader)? {
        let key = Text::from(key);
        if entries.iter().any(|(other, _)| *other == key) {
            return Err(Error::shape(format!("duplicate key {}", quoted(&key))));
        }
        let mut value = Value::Null;
        if unread == Some(&*key) && reader.peek() == Some(b'[') {
            value = Value::Unread(Unread { json: reader.raw()?, entry: OnceCell::new() });
        } else {
            value.read(reader)?;
        }
        entries.push((key, value));
    }
    Ok(Value::Object(entries))
}

#[cfg(test)]
mod tests {
    use super::*;
    use json_view as json;

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
