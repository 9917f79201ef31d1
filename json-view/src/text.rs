//! Strings of a document, borrowed unless JSON escapes force a copy.

use std::borrow::Cow;
use std::ops::Deref;

use crate::{Error, Read, Reader};

/// A string that borrows from the payload, unless it is written with escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a>(Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl<'a> From<Cow<'a, str>> for Text<'a> {
    fn from(text: Cow<'a, str>) -> Self {
        Self(text)
    }
}

impl From<&Text<'_>> for String {
    fn from(text: &Text<'_>) -> Self {
        text.0.clone().into_owned()
    }
}

impl<'a> Read<'a> for Text<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.0 = reader.string()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrows_unless_the_string_has_escapes() {
        let plain: Text = crate::from_slice(br#""nginx""#).unwrap();
        let escaped: Text = crate::from_slice(br#""ngin\u0078""#).unwrap();
        assert!(matches!(plain.0, Cow::Borrowed("nginx")));
        assert!(matches!(escaped.0, Cow::Owned(_)));
        assert_eq!(plain, escaped);
    }
}
