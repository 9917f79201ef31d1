//! Values that both parsers read completely.

use std::fmt;

use json_view::{Error, ReadJson, Reader, ValueKind};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A value that the reader of requests reads. A number beyond the range of floats becomes `null`.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) value: Value,
    /// Whether an object in the value has a duplicate key.
    pub(crate) has_duplicates: bool,
}

impl<'a> ReadJson<'a> for Whole {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.value = match reader.peek_kind()? {
            ValueKind::Null => reader.skip_null().map(|_| Value::Null)?,
            ValueKind::Boolean => reader.boolean()?.into(),
            ValueKind::Number => serde_json::from_str(reader.number()?).unwrap_or_default(),
            ValueKind::String => (*reader.string()?).into(),
            ValueKind::List => {
                let mut items = Vec::new();
                let mut list = reader.list()?;
                while list.next_item()? {
                    items.push(list.read_with(|reader| self.inner(reader))?);
                }
                items.into()
            }
            ValueKind::Object => {
                let mut fields = Map::new();
                let mut entries = reader.object()?;
                while let Some(key) = entries.next_key()? {
                    let value = entries.read_with(|reader| self.inner(reader))?;
                    self.has_duplicates |= fields.insert((*key).to_owned(), value).is_some();
                }
                fields.into()
            }
        };
        Ok(())
    }
}

impl Whole {
    fn inner(&mut self, reader: &mut Reader<'_>) -> Result<Value, Error> {
        let mut inner = Self::default();
        inner.read(reader)?;
        self.has_duplicates |= inner.has_duplicates;
        Ok(inner.value)
    }
}

/// The entries of an object in order, including duplicates, as `serde_json` reads them.
pub(crate) struct Entries(pub(crate) Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
