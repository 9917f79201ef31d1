//! How views are read: the fields they name, borrowed from the payload, with everything else skipped unparsed.
//!
//! serde's derive would read them too, but it takes a list for an object, wants an attribute on every field for
//! `null` to mean absent, and makes the module larger.

/// Declares views: structs with a lifetime, whose fields are given with their JSON keys.
///
/// `null` and an absent field are the field's default. A key that stands twice could be read in two ways, so it is
/// refused.
#[macro_export]
macro_rules! views {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis struct $view:ident<$lifetime:lifetime> {
            $($(#[$doc:meta])* $field_visibility:vis $field:ident $key:literal: $type:ty,)*
        }
    )*) => {$(
        $(#[$attribute])*
        #[derive(Debug, Default)]
        $visibility struct $view<$lifetime> {
            $($(#[$doc])* $field_visibility $field: $type,)*
        }

        impl<$lifetime> $crate::Read<$lifetime> for $view<$lifetime> {
            fn read(
                &mut self,
                reader: &mut $crate::Reader<$lifetime>,
            ) -> Result<(), $crate::Error> {
                // Their places among the keys.
                #[expect(non_camel_case_types, reason = "named like the fields")]
                enum Field { $($field,)* }

                let mut fields = reader.fields(const { &[$($crate::Known::new($key)),*] })?;
                while let Some(place) = fields.next_known()? {
                    match place {
                        $(_ if place == Field::$field as usize => {
                            $crate::Read::read(&mut self.$field, fields.reader)?;
                        })*
                        _ => {}
                    }
                }
                Ok(())
            }
        }
    )*};
}

#[cfg(test)]
mod tests {
    use crate::{self as json, Text};

    views! {
        /// An example.
        struct Example<'a> {
            name "name": Text<'a>,
            flag "aFlag": Option<bool>,
            list "list": Vec<Text<'a>>,
        }
    }

    fn read(json: &str) -> Result<Example<'_>, String> {
        json::from_slice(json.as_bytes()).map_err(|failure| failure.message.into_owned())
    }

    #[test]
    fn reads_the_fields_it_names_and_skips_the_rest() {
        let example =
            read(r#"{"x": [{}], "name": "a", "a\u0046lag": false, "list": ["b"], "Name": 3}"#).unwrap();
        assert_eq!((&*example.name, example.flag, example.list.len()), ("a", Some(false), 1));
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let nulls = read(r#"{"name": null, "aFlag": null, "list": null}"#).unwrap();
        assert_eq!(format!("{nulls:?}"), format!("{:?}", read("{}").unwrap()));
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways() {
        for twice in [
            r#"{"name": "a", "name": "b"}"#,
            r#"{"name": null, "name": "b"}"#,
            r#"{"name": "a", "n\u0061me": null}"#,
        ] {
            assert_eq!(read(twice).unwrap_err(), "duplicate field `name`", "{twice}");
        }
    }

    #[test]
    fn refuses_what_is_no_object() {
        assert_eq!(read(r#"["a", true, []]"#).unwrap_err(), "must be an object, not a list");
    }
}
