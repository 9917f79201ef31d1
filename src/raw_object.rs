//! JSON objects whose values are not read.

use json_view::{Error, RawValue, ReadJson, Reader, Text};

/// The fields of an object, in their order, with duplicates.
#[derive(Debug, Default)]
pub(crate) struct RawObject<'j>(pub(crate) Vec<(Text<'j>, RawValue<'j>)>);

impl<'j> ReadJson<'j> for RawObject<'j> {
    fn read(&mut self, reader: &mut Reader<'j>) -> Result<(), Error> {
        let mut entries = reader.object()?;
        while let Some(key) = entries.next_key()? {
            self.0.push((key, entries.read_with(Reader::raw)?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_order_their_text_and_their_duplicates() {
        let json = r#"{"b": 1.0, "\u0061": [ {} ], "b": null}"#;
        let RawObject(fields) = json_view::from_slice(json.as_bytes()).unwrap();
        let fields: Vec<_> = fields.iter().map(|(key, value)| (&**key, value.0)).collect();
        assert_eq!(fields, [("b", &b"1.0"[..]), ("a", b"[ {} ]"), ("b", b"null")]);
    }

    #[test]
    fn other_types_are_errors() {
        for json in ["[]", "null", "1", "{", "\"\""] {
            assert!(json_view::from_slice::<RawObject>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
