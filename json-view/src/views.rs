//! The macro that declares views.

/// Declares views: structs that borrow from a text, with the JSON key of each field.
///
/// A view skips every other field. Fields that are `null` or absent have their default, and a key that occurs twice is refused,
/// because the object could be read in two ways. A view has at most [`MAX_KNOWN_KEYS`](crate::MAX_KNOWN_KEYS) fields.
///
/// ```
/// use json_view::{Text, views};
///
/// views! {
///     /// A person.
///     #[derive(Clone)]
///     pub struct Person<'a> {
///         /// The full name.
///         pub name "fullName": Text<'a>,
///         friends "friends": Vec<Person<'a>>,
///     }
/// }
///
/// let person: Person = json_view::from_slice(br#"{"age": 36, "fullName": "Ada Lovelace", "friends": null}"#)?;
/// assert_eq!(person.name, "Ada Lovelace");
/// # Ok::<(), json_view::Error>(())
/// ```
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

        impl<$lifetime> $crate::ReadJson<$lifetime> for $view<$lifetime> {
            fn read(
                &mut self,
                reader: &mut $crate::Reader<$lifetime>,
            ) -> Result<(), $crate::Error> {
                // The indices of the fields among the known keys.
                #[expect(non_camel_case_types, reason = "named like the fields")]
                enum Field { $($field,)* }

                let mut fields = reader.fields(const { &[$($crate::KnownKey::new($key)),*] })?;
                while let Some(index) = fields.next_field()? {
                    match index {
                        $(_ if index == Field::$field as usize => fields.read(&mut self.$field)?,)*
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
    use crate::Text;

    views! {
        /// An example.
        struct Example<'a> {
            name "name": Text<'a>,
            flag "aFlag": Option<bool>,
            list "list": Vec<Text<'a>>,
        }
    }

    fn read(json: &str) -> Result<Example<'_>, String> {
        crate::from_slice(json.as_bytes()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_view_reads_its_fields_and_skips_all_others() {
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
    fn a_duplicate_key_is_refused() {
        for twice in [
            r#"{"name": "a", "name": "b"}"#,
            r#"{"name": null, "name": "b"}"#,
            r#"{"name": "a", "n\u0061me": null}"#,
        ] {
            assert_eq!(read(twice).unwrap_err(), "duplicate field `name`", "{twice}");
        }
    }

    #[test]
    fn only_an_object_is_a_view() {
        assert_eq!(read(r#"["a", true, []]"#).unwrap_err(), "expected an object, got a list");
    }
}
