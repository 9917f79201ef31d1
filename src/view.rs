//! How views are read: the fields they name, borrowed from the payload, with everything else skipped unparsed.
//!
//! serde's derive would read them too, but it takes a list for an object, wants an attribute on every field for
//! `null` to mean absent, and makes the module larger.

/// Declares views: structs with a lifetime, whose fields are given with their JSON keys.
///
/// `null` and an absent field are the field's default. A key that stands twice could be read in two ways, so it is
/// refused.
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

        impl<'de: $lifetime, $lifetime> ::serde::Deserialize<'de> for $view<$lifetime> {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct ViewVisitor;

                impl<'de> ::serde::de::Visitor<'de> for ViewVisitor {
                    type Value = $view<'de>;

                    fn expecting(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        formatter.write_str("an object")
                    }

                    fn visit_map<M>(self, mut map: M) -> Result<Self::Value, M::Error>
                    where
                        M: ::serde::de::MapAccess<'de>,
                    {
                        // Their places in `seen`.
                        #[expect(non_camel_case_types, reason = "named like the fields")]
                        enum Field { $($field,)* }

                        let mut view = $view::default();
                        let mut seen = 0;
                        while let Some(key) = map.next_key::<$crate::text::Text<'de>>()? {
                            match &*key {
                                $($key => {
                                    $crate::view::mark(&mut seen, Field::$field as u32, $key)?;
                                    $crate::view::read(&mut map, &mut view.$field)?;
                                })*
                                _ => _ = map.next_value::<::serde::de::IgnoredAny>()?,
                            }
                        }
                        Ok(view)
                    }
                }

                deserializer.deserialize_map(ViewVisitor)
            }
        }
    )*};
}

pub(crate) use views;

/// Notes that a key has been met, by its place in the view.
pub(crate) fn mark<E: serde::de::Error>(seen: &mut u32, place: u32, key: &'static str) -> Result<(), E> {
    let bit = 1 << place;
    if *seen & bit != 0 {
        return Err(E::duplicate_field(key));
    }
    *seen |= bit;
    Ok(())
}

/// Reads the value of a key into its field. `null` leaves the field as it is.
pub(crate) fn read<'de, M, T>(map: &mut M, field: &mut T) -> Result<(), M::Error>
where
    M: serde::de::MapAccess<'de>,
    T: serde::Deserialize<'de>,
{
    if let Some(value) = map.next_value()? {
        *field = value;
    }
    Ok(())
}

/// Reads the value of a key that has not been met before: the outer option says that it has been met, the inner one
/// that it was not `null`.
#[expect(clippy::option_option, reason = "null and absent are told apart only here")]
pub(crate) fn read_once<'de, M, T>(
    map: &mut M,
    key: &'static str,
    field: &mut Option<Option<T>>,
) -> Result<(), M::Error>
where
    M: serde::de::MapAccess<'de>,
    T: serde::Deserialize<'de>,
{
    if field.is_some() {
        return Err(serde::de::Error::duplicate_field(key));
    }
    *field = Some(map.next_value()?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::json;
    use crate::text::Text;

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
