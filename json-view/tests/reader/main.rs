//! Tests of the reader's public interface.

mod agreement;
mod conformance;
mod errors;
mod limits;

use json_view::{Error, ReadJson, Reader, ValueKind};
use serde_json::{Map, Value};

/// A value that is skipped.
#[derive(Debug, Default)]
struct Skipped;

impl<'a> ReadJson<'a> for Skipped {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        reader.skip()
    }
}

/// A value that is read completely. A number beyond the range of floats becomes `null`.
#[derive(Debug, Default)]
struct Whole(Value);

impl<'a> ReadJson<'a> for Whole {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.0 = match reader.peek_kind()? {
            ValueKind::Null => reader.skip_null().map(|_| Value::Null)?,
            ValueKind::Boolean => reader.boolean()?.into(),
            ValueKind::Number => serde_json::from_str(reader.number()?).unwrap_or_default(),
            ValueKind::String => (*reader.string()?).into(),
            ValueKind::List => {
                let mut items: Vec<Self> = Vec::new();
                items.read(reader)?;
                items.into_iter().map(|Self(item)| item).collect()
            }
            ValueKind::Object => {
                let mut entries = Map::new();
                let mut object = reader.object()?;
                while let Some(key) = object.next_key()? {
                    let mut value = Self::default();
                    object.read(&mut value)?;
                    entries.insert((*key).to_owned(), value.0);
                }
                entries.into()
            }
        };
        Ok(())
    }
}

/// Whether a text can be read as a type.
fn accepts<'a, T: ReadJson<'a>>(json: &'a [u8]) -> bool {
    json_view::from_slice::<T>(json).is_ok()
}
