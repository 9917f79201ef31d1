//! JSON, read in one pass and mostly skipped.
//!
//! A pod is a few fields that rules read and thousands of bytes that they do not. This reader skips those a word at a
//! time, and has no floats: with `serde_json` in its place, a request took 1.6 times the floor of `make bench` instead
//! of 1.5, and the module had 262 kB instead of 209. Otherwise it does the same. It accepts what RFC 8259 calls JSON,
//! nests no deeper than [`MAX_DEPTH`], and is held against `serde_json` by its tests.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// The deepest nesting that is read or skipped, as in `serde_json` where it reads.
pub const MAX_DEPTH: u32 = 128;

/// Why a text could not be read, and how far the reading went.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// Whether it is no JSON at all, rather than JSON of another shape.
    pub is_syntax: bool,
    /// What is wrong.
    pub message: Cow<'static, str>,
    /// The number of bytes before the place where it was found.
    pub offset: usize,
}

/// Reads a whole text.
///
/// # Errors
/// When it is not JSON, or not of the shape that `T` has.
pub fn from_slice<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, Failure> {
    read_seed(json, std::marker::PhantomData)
}

/// Reads a whole text into what the seed makes of it.
///
/// # Errors
/// When it is not JSON, or not of the shape that the seed asks for.
pub fn read_seed<'de, S: DeserializeSeed<'de>>(json: &'de [u8], seed: S) -> Result<S::Value, Failure> {
    let mut reader = Reader { json, position: 0, depth: 0 };
    let read = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|Error { is_syntax, message }| Failure { is_syntax, message, offset: reader.position })
}

/// A value that was skipped, as it is written.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a>(pub &'a [u8]);

/// Asks the reader for a [`Raw`].
const RAW: &str = "raw JSON";

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value")
            }

            fn visit_borrowed_bytes<E>(self, json: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Raw(json))
            }
        }

        deserializer.deserialize_newtype_struct(RAW, RawVisitor)
    }
}

#[derive(Debug)]
struct Error {
    is_syntax: bool,
    message: Cow<'static, str>,
}

impl Error {
    fn syntax(message: &'static str) -> Self {
        Self { is_syntax: true, message: message.into() }
    }

    fn shape(message: String) -> Self {
        Self { is_syntax: false, message: message.into() }
    }

    fn wrong_type(expected: &str, found: Option<u8>) -> Self {
        let found = match found {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            _ => return Self::syntax("expected a value"),
        };
        Self::shape(format!("must be {expected}, not {found}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::shape(message.to_string())
    }

    /// A visitor got what it does not take. The values of users are not repeated.
    fn invalid_type(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        let first = match unexpected {
            de::Unexpected::Bool(_) => b't',
            de::Unexpected::Unit | de::Unexpected::Option => b'n',
            de::Unexpected::Str(_) => b'"',
            de::Unexpected::Seq => b'[',
            de::Unexpected::Map => b'{',
            _ => b'0',
        };
        Self::wrong_type(&expected.to_string(), Some(first))
    }

    fn invalid_value(unexpected: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }
}

struct Reader<'de> {
    json: &'de [u8],
    position: usize,
    depth: u32,
}

impl<'de> Reader<'de> {
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.json.get(self.position) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    /// Moves past the byte, if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.position += usize::from(is_next);
        is_next
    }

    fn end(&mut self) -> Result<(), Error> {
        if self.peek().is_some() { Err(Error::syntax("expected nothing more")) } else { Ok(()) }
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Error::syntax("nested too deeply")) } else { Ok(()) }
    }

    /// What was read since a position.
    fn since(&self, start: usize) -> &'de [u8] {
        self.json.get(start..self.position).unwrap_or_default()
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Error> {
        if !self.json.get(self.position..).unwrap_or_default().starts_with(word.as_bytes()) {
            return Err(Error::syntax("expected a value"));
        }
        self.position += word.len();
        Ok(())
    }

    /// Moves past a number, and gives it as it is written.
    fn number(&mut self) -> Result<&'de [u8], Error> {
        let start = self.position;
        self.position += usize::from(self.json.get(self.position) == Some(&b'-'));
        if self.json.get(self.position) == Some(&b'0') {
            self.position += 1;
        } else {
            self.digits()?;
        }
        if self.json.get(self.position) == Some(&b'.') {
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.json.get(self.position) {
            self.position += 1;
            self.position += usize::from(matches!(self.json.get(self.position), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.since(start))
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.position;
        while self.json.get(self.position).is_some_and(u8::is_ascii_digit) {
            self.position += 1;
        }
        if self.position == start { Err(Error::syntax("expected a digit")) } else { Ok(()) }
    }

    /// Moves to the next byte that ends a run of plain characters in a string, and gives it.
    fn skip_plain(&mut self) -> Result<u8, Error> {
        const ONES: u64 = u64::MAX / 255;
        while let Some(&word) = self.json.get(self.position..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_le_bytes(word);
            // The high bit of a byte is set where the byte is a quote, a backslash, or a control character. Bytes
            // above such a one may be marked too, so that only the lowest mark counts.
            // Source: https://graphics.stanford.edu/~seander/bithacks.html#ZeroInWord
            let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
            let quote = is_zero(word ^ (ONES * u64::from(b'"')));
            let backslash = is_zero(word ^ (ONES * u64::from(b'\\')));
            let control = word.wrapping_sub(ONES * 0x20) & !word;
            let marks = (quote | backslash | control) & (ONES << 7);
            if marks != 0 {
                self.position += marks.trailing_zeros() as usize / 8;
                break;
            }
            self.position += 8;
        }
        loop {
            match self.json.get(self.position) {
                Some(&byte @ (b'"' | b'\\' | ..0x20)) => return Ok(byte),
                Some(_) => self.position += 1,
                None => return Err(Error::syntax("the string does not end")),
            }
        }
    }

    /// Moves past a string whose opening quote has been passed.
    fn skip_string(&mut self) -> Result<(), Error> {
        loop {
            match self.skip_plain()? {
                b'"' => {
                    self.position += 1;
                    return Ok(());
                }
                b'\\' => self.skip_escape()?,
                _ => return Err(Error::syntax("a control character in a string")),
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), Error> {
        match self.json.get(self.position + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 2;
                Ok(())
            }
            Some(b'u') => self.code_unit().map(|_| ()),
            _ => Err(Error::syntax("an invalid escape")),
        }
    }

    /// Moves past `\uXXXX`.
    fn code_unit(&mut self) -> Result<u16, Error> {
        let invalid = || Error::syntax("an invalid escape");
        let digits = self.json.get(self.position + 2..self.position + 6).ok_or_else(invalid)?;
        let mut unit = 0;
        for &digit in digits {
            let digit = char::from(digit).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
            unit = unit << 4 | digit.ok_or_else(invalid)?;
        }
        self.position += 6;
        Ok(unit)
    }

    /// Moves past a string, and gives what it says.
    fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(Error::wrong_type("a string", self.peek()));
        }
        self.position += 1;
        let mut start = self.position;
        let mut text = String::new();
        loop {
            let end = self.skip_plain()?;
            let plain = std::str::from_utf8(self.since(start))
                .map_err(|_| Error::shape("must be UTF-8".to_owned()))?;
            match end {
                b'"' => {
                    self.position += 1;
                    return Ok(if text.is_empty() { plain.into() } else { (text + plain).into() });
                }
                b'\\' => {
                    text.push_str(plain);
                    text.push(self.escape()?);
                    start = self.position;
                }
                _ => return Err(Error::syntax("a control character in a string")),
            }
        }
    }

    /// Moves past an escape, and gives the character that it stands for.
    fn escape(&mut self) -> Result<char, Error> {
        let character = match self.json.get(self.position + 1) {
            Some(&character @ (b'"' | b'\\' | b'/')) => char::from(character),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return Err(Error::syntax("an invalid escape")),
        };
        self.position += 2;
        Ok(character)
    }

    fn unicode_escape(&mut self) -> Result<char, Error> {
        let first = self.code_unit()?;
        let is_high_surrogate = (0xd800..0xdc00).contains(&first);
        let goes_on = self.json.get(self.position..).unwrap_or_default().starts_with(b"\\u");
        let units = if is_high_surrogate && goes_on { vec![first, self.code_unit()?] } else { vec![first] };
        let mut characters = char::decode_utf16(units);
        match (characters.next(), characters.next()) {
            (Some(Ok(character)), None) => Ok(character),
            _ => Err(Error::shape("must not hold half of a surrogate pair".to_owned())),
        }
    }

    /// Moves past a value of any kind, and checks no more of it than that it is JSON.
    fn skip_value(&mut self) -> Result<(), Error> {
        let mut open = Open { objects: 0, depth: self.depth };
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    self.skip_string()?;
                }
                Some(b'{') => {
                    self.position += 1;
                    open.push(true)?;
                    if !self.take(b'}') {
                        self.skip_key()?;
                        continue;
                    }
                    open.pop();
                }
                Some(b'[') => {
                    self.position += 1;
                    open.push(false)?;
                    if !self.take(b']') {
                        continue;
                    }
                    open.pop();
                }
                Some(b'-' | b'0'..=b'9') => _ = self.number()?,
                Some(b't') => self.literal("true")?,
                Some(b'f') => self.literal("false")?,
                Some(b'n') => self.literal("null")?,
                _ => return Err(Error::syntax("expected a value")),
            }
            loop {
                if open.depth == self.depth {
                    return Ok(());
                }
                match self.peek() {
                    Some(b',') => break,
                    Some(b'}') if open.is_object() => open.pop(),
                    Some(b']') if !open.is_object() => open.pop(),
                    _ => return Err(Error::syntax("expected a comma or the end of the list or object")),
                }
                self.position += 1;
            }
            self.position += 1;
            if open.is_object() {
                self.skip_key()?;
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), Error> {
        if !self.take(b'"') {
            return Err(Error::syntax("expected a key"));
        }
        self.skip_string()?;
        self.colon()
    }

    fn colon(&mut self) -> Result<(), Error> {
        if self.take(b':') { Ok(()) } else { Err(Error::syntax("expected a colon")) }
    }
}

/// The objects and lists that a skipped value has open, the innermost in the lowest bit.
struct Open {
    objects: u128,
    depth: u32,
}

impl Open {
    fn push(&mut self, is_object: bool) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::syntax("nested too deeply"));
        }
        self.objects = self.objects << 1 | u128::from(is_object);
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.objects >>= 1;
        self.depth -= 1;
    }

    fn is_object(&self) -> bool {
        self.objects & 1 == 1
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    /// Numbers come as they are written.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b'"') => self.deserialize_str(visitor),
            Some(b't' | b'f') => self.deserialize_bool(visitor),
            Some(b'n') => self.literal("null").and_then(|()| visitor.visit_unit()),
            Some(b'-' | b'0'..=b'9') => visitor.visit_borrowed_bytes(self.number()?),
            _ => Err(Error::syntax("expected a value")),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b't') => self.literal("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.literal("false").and_then(|()| visitor.visit_bool(false)),
            other => Err(Error::wrong_type("a boolean", other)),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek() {
            Some(b'-' | b'0'..=b'9') => {
                let number = std::str::from_utf8(self.number()?).unwrap_or_default();
                let integer =
                    number.parse().map_err(|_| Error::shape(format!("must be an integer, not {number}")))?;
                visitor.visit_i64(integer)
            }
            other => Err(Error::wrong_type("an integer", other)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'n') {
            return visitor.visit_some(self);
        }
        self.literal("null")?;
        visitor.visit_none()
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'[') {
            return Err(Error::wrong_type("a list", self.peek()));
        }
        self.enter()?;
        let mut inside = Inside { reader: self, is_first: true };
        let value = visitor.visit_seq(&mut inside)?;
        inside.leave(b']').map(|()| value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.peek() != Some(b'{') {
            return Err(Error::wrong_type("an object", self.peek()));
        }
        self.enter()?;
        let mut inside = Inside { reader: self, is_first: true };
        let value = visitor.visit_map(&mut inside)?;
        inside.leave(b'}').map(|()| value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name != RAW {
            return visitor.visit_newtype_struct(self);
        }
        self.peek();
        let start = self.position;
        self.skip_value()?;
        visitor.visit_borrowed_bytes(self.since(start))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip_value()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit unit_struct tuple tuple_struct
        struct enum identifier
    }
}

/// A list or an object that has been entered.
struct Inside<'r, 'de> {
    reader: &'r mut Reader<'de>,
    is_first: bool,
}

impl Inside<'_, '_> {
    /// Whether another item follows. Moves past the comma before it.
    fn has_next(&mut self, end: u8) -> Result<bool, Error> {
        if self.reader.peek() == Some(end) {
            return Ok(false);
        }
        if !self.is_first && !self.reader.take(b',') {
            return Err(Error::syntax("expected a comma or the end of the list or object"));
        }
        self.is_first = false;
        Ok(true)
    }

    fn leave(self, end: u8) -> Result<(), Error> {
        if !self.reader.take(end) {
            return Err(Error::syntax("expected the end of the list or object"));
        }
        self.reader.depth -= 1;
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if self.has_next(b']')? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

impl<'de> MapAccess<'de> for &mut Inside<'_, 'de> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        if !self.has_next(b'}')? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(Error::syntax("expected a key"));
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        self.reader.colon()?;
        seed.deserialize(&mut *self.reader)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IgnoredAny;

    use super::*;
    use crate::text::Text;

    const SAMPLE: &str = r#" {"a": [true, false, null, -0, 1.5e+3, 10E-2, "", [], {}], "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00": "é😀 and plain text",
        "nested": {"x": [[{"y": {}}], "0123456\"789\\", "01234567"]}, "z": 0} "#;

    fn accepts<'de, T: Deserialize<'de>>(json: &'de [u8]) -> bool {
        from_slice::<T>(json).is_ok()
    }

    /// `serde_json` reads more closely when it keeps a value, and skips whatever may stand in a string. This reader
    /// stands between the two.
    #[track_caller]
    fn agrees_with_serde_json(json: &[u8]) {
        let shown = String::from_utf8_lossy(json);
        let kept = serde_json::from_slice::<serde_json::Value>(json);
        let skips = serde_json::from_slice::<IgnoredAny>(json).is_ok();
        assert!(kept.is_err() || accepts::<IgnoredAny>(json), "refused: {shown}");
        assert!(!accepts::<IgnoredAny>(json) || skips, "accepted: {shown}");
        let is_too_large = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        match (kept, from_slice::<Kept>(json)) {
            (Ok(theirs), Ok(Kept(ours))) => assert_eq!(ours, strings(&theirs), "{shown}"),
            // A number is a number, even where no float could hold it.
            (Err(error), Ok(_)) => assert!(is_too_large(&error), "kept: {shown}"),
            (theirs, Err(_)) => assert!(theirs.is_err(), "not kept: {shown}"),
        }
    }

    /// Every string of a value, keys included, one after the other; objects sorted by their keys.
    #[derive(Debug)]
    struct Kept(String);

    impl<'de> Deserialize<'de> for Kept {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct KeptVisitor;

            impl<'de> Visitor<'de> for KeptVisitor {
                type Value = Kept;

                fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                    formatter.write_str("a value")
                }

                fn visit_unit<E>(self) -> Result<Kept, E> {
                    Ok(Kept("null".to_owned()))
                }

                fn visit_bool<E>(self, value: bool) -> Result<Kept, E> {
                    Ok(Kept(value.to_string()))
                }

                fn visit_borrowed_bytes<E>(self, _: &'de [u8]) -> Result<Kept, E> {
                    Ok(Kept("number".to_owned()))
                }

                fn visit_str<E>(self, text: &str) -> Result<Kept, E> {
                    Ok(Kept(format!("{text:?}")))
                }

                fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Kept, A::Error> {
                    let mut list = Vec::new();
                    while let Some(Kept(item)) = items.next_element()? {
                        list.push(item);
                    }
                    Ok(Kept(format!("[{}]", list.join(","))))
                }

                fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Kept, A::Error> {
                    let mut entries = std::collections::BTreeMap::new();
                    while let Some((Kept(key), Kept(value))) = fields.next_entry()? {
                        entries.insert(key, value);
                    }
                    Ok(Kept(format!("{entries:?}")))
                }
            }

            deserializer.deserialize_any(KeptVisitor)
        }
    }

    fn strings(value: &serde_json::Value) -> String {
        use serde_json::Value;
        match value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(_) => "number".to_owned(),
            Value::String(text) => format!("{text:?}"),
            Value::Array(items) => format!("[{}]", items.iter().map(strings).collect::<Vec<_>>().join(",")),
            Value::Object(entries) => {
                let entries = entries.iter().map(|(key, value)| (format!("{key:?}"), strings(value)));
                format!("{:?}", entries.collect::<std::collections::BTreeMap<_, _>>())
            }
        }
    }

    #[test]
    fn agrees_with_serde_json_on_every_small_change_to_a_text() {
        let sample = SAMPLE.as_bytes();
        agrees_with_serde_json(sample);
        for position in 0..sample.len() {
            agrees_with_serde_json(&sample[..position]);
            agrees_with_serde_json(&[&sample[..position], &sample[position + 1..]].concat());
            for byte in *b"\"\\{}[]:,0-.eu n\x00\x1f\x7f\x80\xff\n" {
                agrees_with_serde_json(&[&sample[..position], &[byte], &sample[position + 1..]].concat());
                agrees_with_serde_json(&[&sample[..position], &[byte], &sample[position..]].concat());
            }
        }
    }

    #[test]
    fn agrees_with_serde_json_on_what_is_easy_to_get_wrong() {
        for json in [
            "",
            " ",
            "nul",
            "nulll",
            "truefalse",
            "[1 2]",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "{\"a\":1 \"b\":2}",
            "[}",
            "{]",
            "[[]",
            "[]]",
            "01",
            "-",
            "-01",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "0x1",
            "1_000",
            "1e400",
            "NaN",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\ud800\\ud800\"",
            "\"\\x\"",
            "\"\t\"",
            "'a'",
            "//c",
            "\u{feff}{}",
            "{} {}",
            "\u{a0}1",
            "\u{b}1",
        ] {
            agrees_with_serde_json(json.as_bytes());
        }
    }

    #[test]
    fn gives_strings_without_a_copy_unless_they_have_escapes() {
        let json = r#"["plain text", "\ud83d\ude00 \"quoted\"", ""]"#;
        let texts: Vec<Text> = from_slice(json.as_bytes()).unwrap();
        assert_eq!(texts.iter().map(|text| &**text).collect::<Vec<_>>(), ["plain text", "😀 \"quoted\"", ""]);
    }

    #[test]
    fn gives_what_it_skipped_as_it_is_written() {
        let raw: Vec<Raw> = from_slice(br#"[ {"a" : [1]} , "x\"" ,null]"#).unwrap();
        assert_eq!(
            raw.iter().map(|Raw(json)| *json).collect::<Vec<_>>(),
            [&br#"{"a" : [1]}"#[..], br#""x\"""#, b"null"]
        );
    }

    #[test]
    fn says_what_it_wants_and_what_it_found() {
        let failure = |json: &str| {
            let Failure { is_syntax, message, offset } = from_slice::<Vec<i64>>(json.as_bytes()).unwrap_err();
            (is_syntax, message.into_owned(), offset)
        };
        let shape = |message: &str, offset| (false, message.to_owned(), offset);
        assert_eq!(failure("{}"), shape("must be a list, not an object", 0));
        assert_eq!(failure("[ true]"), shape("must be an integer, not a boolean", 2));
        assert_eq!(failure("[1.5]"), shape("must be an integer, not 1.5", 4));
        assert_eq!(
            failure("[9223372036854775808]"),
            shape("must be an integer, not 9223372036854775808", 20)
        );
        assert_eq!(failure("[9223372036854775807, -1, x]"), (true, "expected a value".to_owned(), 26));
        assert_eq!(failure("[1] x"), (true, "expected nothing more".to_owned(), 4));
    }

    #[test]
    fn nests_only_so_deep() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (depth, fits) in [(127, true), (128, true), (129, false), (100_000, false)] {
            assert_eq!(accepts::<IgnoredAny>(nested(depth).as_bytes()), fits, "skipped {depth}");
            assert_eq!(accepts::<Kept>(nested(depth).as_bytes()), fits, "kept {depth}");
            assert_eq!(accepts::<Vec<Raw>>(nested(depth).as_bytes()), fits, "raw {depth}");
        }
    }
}
