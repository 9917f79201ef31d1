//! Strings of a text.

use std::borrow::Cow;
use std::ops::Deref;

use crate::{Error, ReadJson, Reader};

/// A string that borrows from the text, unless it is written with escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        text.0
    }
}

impl From<&Text<'_>> for String {
    fn from(text: &Text<'_>) -> Self {
        text.0.clone().into_owned()
    }
}

impl<'a> ReadJson<'a> for Text<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = reader.string()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_borrowed_unless_it_has_escapes() {
        let plain: Text = crate::from_slice(br#""nginx""#).unwrap();
        let escaped: Text = crate::from_slice(br#""ngin\u0078""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("nginx")));
        assert!(matches!(escaped.0, Cow::Owned(_)));
        assert_eq!(plain, escaped);
    }
}
