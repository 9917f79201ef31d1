//! JSON, read in one pass and mostly skipped.
//!
//! A pod is a few fields that rules read and thousands of bytes that they do not. This reader follows those to their end
//! ([`crate::scan`]), fills in the fields where they stand, and has no floats. What it reads is what RFC 8259 calls JSON,
//! nested no deeper than [`MAX_DEPTH`], and is held against `serde_json` by its tests.

use std::borrow::Cow;

use crate::scan::{self, Trouble, plain_end};

/// The deepest nesting that is read or skipped, as in `serde_json` where it reads.
pub const MAX_DEPTH: u32 = 128;

/// The most items of lists that are read of an object. Three bytes make a container, and all that is found in it takes a
/// thousand times as many: without a bound, two megabytes would fill the memory of a policy server.
pub const MAX_ITEMS: usize = 50_000;

/// What is wrong with an item that is one too many.
pub const TOO_MANY_ITEMS: &str =
    "too many items: of an object 50000 of them are judged, and fewer where they stand deep in it";

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

/// What can be read from JSON.
pub trait Read<'a>: Default {
    /// Reads the next value into this one, which is at its default.
    ///
    /// # Errors
    /// When what comes next is not JSON, or not of this shape.
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error>;
}

/// Reads a whole text.
///
/// # Errors
/// When it is not JSON, or not of the shape that `T` has.
pub fn from_slice<'a, T: Read<'a>>(json: &'a [u8]) -> Result<T, Failure> {
    let mut value = T::default();
    read_with(json, |reader| value.read(reader))?;
    Ok(value)
}

/// Reads a whole text by a function of the reader.
///
/// # Errors
/// When it is not JSON, or the function fails.
pub fn read_with<'a, T>(
    json: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<T, Failure> {
    let mut reader = Reader { json, position: 0, depth: 0, items: 0 };
    let value = read(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|Error(reason)| {
        let Reason { is_syntax, message } = *reason;
        Failure { is_syntax, message, offset: reader.position }
    })
}

/// A value as it is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Raw<'a>(pub &'a [u8]);

impl Raw<'_> {
    /// The number of its bytes before a part of it, which must have been read out of it rather than be equal to one.
    #[must_use]
    pub fn offset_of(self, part: Raw<'_>) -> Option<usize> {
        let offset = part.0.as_ptr().addr().checked_sub(self.0.as_ptr().addr())?;
        (offset + part.0.len() <= self.0.len()).then_some(offset)
    }
}

/// Why a value could not be read. A pointer, for every function that reads gives one back, and hardly ever one that is set.
#[derive(Debug)]
pub struct Error(Box<Reason>);

#[derive(Debug)]
struct Reason {
    is_syntax: bool,
    message: Cow<'static, str>,
}

impl Error {
    /// The text is JSON, but not of the shape that is wanted.
    #[must_use]
    #[cold]
    #[inline(never)]
    pub fn shape(message: String) -> Self {
        Self(Box::new(Reason { is_syntax: false, message: message.into() }))
    }

    #[cold]
    #[inline(never)]
    fn syntax(message: &'static str) -> Self {
        Self(Box::new(Reason { is_syntax: true, message: message.into() }))
    }

    #[cold]
    #[inline(never)]
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

/// Where the reading of a text stands.
#[derive(Debug)]
pub struct Reader<'a> {
    json: &'a [u8],
    position: usize,
    depth: u32,
    /// The number of items of lists that have been kept.
    items: usize,
}

impl<'a> Reader<'a> {
    /// The number of bytes that have been read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// The number of items of lists that have been kept.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// The next byte that is no white space, which tells what kind of value comes next.
    pub fn peek(&mut self) -> Option<u8> {
        let next = self.json.get(self.position).copied();
        if next.is_some_and(|byte| byte > b' ') {
            return next;
        }
        self.skip_space()
    }

    /// Moves past white space, which policy servers send none of.
    #[cold]
    #[inline(never)]
    fn skip_space(&mut self) -> Option<u8> {
        self.position = space_end(self.json, self.position);
        self.json.get(self.position).copied()
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

    /// Counts an item that is going to be kept.
    #[inline(never)]
    fn count_item(&mut self) -> Result<(), Error> {
        if self.items == MAX_ITEMS {
            return Err(Error::shape(TOO_MANY_ITEMS.to_owned()));
        }
        self.items += 1;
        Ok(())
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.position += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Error::syntax("nested too deeply")) } else { Ok(()) }
    }

    /// What was read since a position.
    fn since(&self, start: usize) -> &'a [u8] {
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
    ///
    /// # Errors
    /// When no number comes next.
    pub fn number(&mut self) -> Result<&'a [u8], Error> {
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

    /// Moves past an escape in a string, where there is one.
    fn skip_escape(&mut self) -> Result<(), Error> {
        let next = self.json.get(self.position).copied();
        if next != Some(b'\\') {
            return Err(bad_string(next));
        }
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
    ///
    /// # Errors
    /// When no string comes next.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(Error::wrong_type("a string", self.peek()));
        }
        let start = self.position + 1;
        self.position = plain_end(self.json, start);
        if self.json.get(self.position) != Some(&b'"') {
            return self.string_with_escapes(start).map(Cow::Owned);
        }
        let text = utf8(self.since(start))?;
        self.position += 1;
        Ok(Cow::Borrowed(text))
    }

    /// Moves past the rest of a string, and gives what it says from its start.
    #[cold]
    #[inline(never)]
    fn string_with_escapes(&mut self, mut start: usize) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            text.push_str(utf8(self.since(start))?);
            match self.json.get(self.position).copied() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                other => return Err(bad_string(other)),
            }
            start = self.position;
            self.position = plain_end(self.json, start);
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

    /// Moves past a value of any kind. Of a list or an object it checks no more than that it ends.
    ///
    /// # Errors
    /// When no value comes next.
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'{' | b'[') => {
                let inside = self.position + 1;
                let rest = self.json.get(inside..).unwrap_or_default();
                match scan::closing_end(rest, MAX_DEPTH - self.depth) {
                    Ok(length) => self.position = inside + length,
                    Err(trouble) => return Err(self.unclosed(inside, trouble)),
                }
                Ok(())
            }
            Some(b'"') => {
                self.position = plain_end(self.json, self.position + 1);
                while self.json.get(self.position) != Some(&b'"') {
                    self.skip_escape()?;
                    self.position = plain_end(self.json, self.position);
                }
                self.position += 1;
                Ok(())
            }
            _ => self.skip_word(),
        }
    }

    /// Why a list or object does not end that begins here.
    #[cold]
    fn unclosed(&mut self, inside: usize, trouble: Trouble) -> Error {
        let (position, message) = match trouble {
            Trouble::TooDeep(length) => (inside + length, "nested too deeply"),
            Trouble::Endless => (self.json.len(), "expected a comma or the end of the list or object"),
        };
        self.position = position;
        Error::syntax(message)
    }

    /// Moves past a number, `true`, `false` or `null`.
    fn skip_word(&mut self) -> Result<(), Error> {
        match self.json.get(self.position) {
            Some(b'-' | b'0'..=b'9') => self.number().map(|_| ()),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(Error::syntax("expected a value")),
        }
    }

    /// Moves past a key and its colon, if they are written as short as can be, and gives its head and all of it. Nothing but
    /// known keys is compared with it, so it may be no UTF-8.
    #[inline]
    fn plain_key(&mut self) -> Option<(u64, &'a [u8])> {
        let start = self.position + 1;
        let (quote, head) = self.json.get(self.position..)?.first_chunk::<9>()?.split_first()?;
        let end = plain_end(self.json, start);
        let key = self.json.get(start..end)?;
        if *quote != b'"' || self.json.get(end..)?.first_chunk() != Some(b"\":") {
            return None;
        }
        self.position = end + 2;
        let head = u64::from_le_bytes(*head.first_chunk()?);
        let length = u32::try_from(key.len()).ok()?;
        // What stands behind a short key is no part of it.
        Some((if length < 8 { head & !(u64::MAX << (8 * length)) } else { head }, key))
    }

    /// Moves past a key and its colon, however they are written, and gives its place among the known ones.
    #[cold]
    #[inline(never)]
    fn place_of_key(&mut self, known: &[Known<'_>]) -> Result<Option<usize>, Error> {
        let key = self.key()?;
        Ok(known.iter().position(|known| known.text == key))
    }

    /// Moves past a key and its colon.
    fn key(&mut self) -> Result<Cow<'a, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(Error::syntax("expected a key"));
        }
        let key = self.string()?;
        self.colon()?;
        Ok(key)
    }

    fn colon(&mut self) -> Result<(), Error> {
        if self.take(b':') { Ok(()) } else { Err(Error::syntax("expected a colon")) }
    }
}

/// Values of each kind.
impl<'a> Reader<'a> {
    /// Moves past `null`, if that comes next.
    ///
    /// # Errors
    /// When something comes next that begins like it.
    pub fn null(&mut self) -> Result<bool, Error> {
        let is_null = self.peek() == Some(b'n');
        if is_null {
            self.literal("null")?;
        }
        Ok(is_null)
    }

    /// Moves past a value, and gives it as it is written.
    ///
    /// # Errors
    /// When no value comes next.
    pub fn raw(&mut self) -> Result<Raw<'a>, Error> {
        self.with_raw(Self::skip).map(|((), raw)| raw)
    }

    /// Reads a value by a function, and gives it as it is written besides.
    ///
    /// # Errors
    /// When the function fails.
    pub fn with_raw<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<(T, Raw<'a>), Error> {
        self.peek();
        let start = self.position;
        let value = read(self)?;
        Ok((value, Raw(self.since(start))))
    }

    /// Enters an object.
    ///
    /// # Errors
    /// When no object comes next, or it is nested too deeply.
    pub fn object(&mut self) -> Result<Keys, Error> {
        if self.peek() != Some(b'{') {
            return Err(Error::wrong_type("an object", self.peek()));
        }
        self.enter()?;
        Ok(Keys { is_first: true })
    }

    /// Enters an object in which these fields are looked for.
    ///
    /// # Errors
    /// When no object comes next, or it is nested too deeply.
    pub fn fields<'r>(&'r mut self, known: &'r [Known<'r>]) -> Result<Fields<'r, 'a>, Error> {
        let Keys { is_first } = self.object()?;
        Ok(Fields { reader: self, known, is_first, seen: 0 })
    }

    /// Enters a list.
    ///
    /// # Errors
    /// When no list comes next, or it is nested too deeply.
    pub fn list(&mut self) -> Result<Items, Error> {
        if self.peek() != Some(b'[') {
            return Err(Error::wrong_type("a list", self.peek()));
        }
        self.enter()?;
        Ok(Items { is_first: true })
    }

    /// What is wrong with the key that was read last: it stood there before.
    #[must_use]
    pub fn duplicate(&mut self, key: &str) -> Error {
        // Back before the colon: what is wrong is the object, not the value.
        self.position -= 1;
        Error::shape(format!("duplicate field `{key}`"))
    }

    /// Whether another item follows in a list or an object, which is left when none does.
    #[inline]
    fn follows(&mut self, is_first: &mut bool, end: u8) -> Result<bool, Error> {
        let next = self.peek();
        if next == Some(end) {
            self.position += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !*is_first {
            if next != Some(b',') {
                return Err(Error::syntax("expected a comma or the end of the list or object"));
            }
            self.position += 1;
        }
        *is_first = false;
        Ok(true)
    }
}

/// The keys of an object that has been entered. The value of each must be read before the next one.
#[derive(Debug)]
pub struct Keys {
    is_first: bool,
}

impl Keys {
    /// The next key, if there is one.
    ///
    /// # Errors
    /// When neither a key nor the end of the object comes next.
    pub fn next<'a>(&mut self, reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Error> {
        if !reader.follows(&mut self.is_first, b'}')? {
            return Ok(None);
        }
        reader.key().map(Some)
    }
}

/// The fields that are looked for in an object that has been entered. The value of each must be read before the next one.
#[derive(Debug)]
pub struct Fields<'r, 'a> {
    /// Where the value of the field that was found last is to be read.
    pub reader: &'r mut Reader<'a>,
    known: &'r [Known<'r>],
    is_first: bool,
    /// Which of the known keys have been met, a bit each.
    seen: u32,
}

impl Fields<'_, '_> {
    /// The place of the next key that is among the known ones and has a value, if there is one. All others are skipped with
    /// their values, and a known one that is `null`, which is the same as absent. A known key that stands twice could be
    /// read in two ways, so it is refused.
    ///
    /// # Errors
    /// When a known key has been met before, and when neither a key nor the end of the object comes next.
    #[inline(never)]
    pub fn next_known(&mut self) -> Result<Option<usize>, Error> {
        let Self { reader, known, .. } = self;
        while reader.follows(&mut self.is_first, b'}')? {
            let place = match reader.plain_key() {
                Some((head, key)) => {
                    known.iter().position(|known| known.head == head && known.ends_like(key))
                }
                None => reader.place_of_key(known)?,
            };
            let Some(place) = place else {
                reader.skip()?;
                continue;
            };
            let bit = 1 << place;
            if self.seen & bit != 0 {
                return Err(reader.duplicate(known.get(place).map_or("", |known| known.text)));
            }
            self.seen |= bit;
            if !reader.null()? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }
}

/// A key that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// Its first bytes: they tell nearly all keys apart.
    head: u64,
    text: &'k str,
}

impl<'k> Known<'k> {
    /// A key that is looked for.
    #[must_use]
    pub const fn new(text: &'k str) -> Self {
        Self { head: head_of(text.as_bytes()), text }
    }
}

impl Known<'_> {
    /// Whether a key that begins like it is the same.
    #[inline]
    fn ends_like(&self, key: &[u8]) -> bool {
        self.text.len() == key.len() && self.text.as_bytes().get(8..) == key.get(8..)
    }
}

/// The first eight bytes, or as many as there are and zeros.
const fn head_of(key: &[u8]) -> u64 {
    if let Some(head) = key.first_chunk() {
        return u64::from_le_bytes(*head);
    }
    let (mut head, mut rest) = (0, key);
    while let [before @ .., byte] = rest {
        head = head << 8 | *byte as u64;
        rest = before;
    }
    head
}

/// The items of a list that has been entered. Each must be read before the next one.
#[derive(Debug)]
pub struct Items {
    is_first: bool,
}

impl Items {
    /// Whether there is another item.
    ///
    /// # Errors
    /// When neither an item nor the end of the list comes next.
    pub fn next(&mut self, reader: &mut Reader<'_>) -> Result<bool, Error> {
        reader.follows(&mut self.is_first, b']')
    }
}

impl<'a> Read<'a> for bool {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = match reader.peek() {
            Some(b't') => reader.literal("true").map(|()| true)?,
            Some(b'f') => reader.literal("false").map(|()| false)?,
            other => return Err(Error::wrong_type("a boolean", other)),
        };
        Ok(())
    }
}

impl<'a> Read<'a> for i64 {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        match reader.peek() {
            Some(b'-' | b'0'..=b'9') => {
                let number = std::str::from_utf8(reader.number()?).unwrap_or_default();
                *self =
                    number.parse().map_err(|_| Error::shape(format!("must be an integer, not {number}")))?;
                Ok(())
            }
            other => Err(Error::wrong_type("an integer", other)),
        }
    }
}

impl<'a> Read<'a> for Raw<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        *self = reader.raw()?;
        Ok(())
    }
}

impl<'a, T: Read<'a>> Read<'a> for Option<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        self.insert(T::default()).read(reader)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Box<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        (**self).read(reader)
    }
}

impl<'a, T: Read<'a>> Read<'a> for Vec<T> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut items = reader.list()?;
        while items.next(reader)? {
            reader.count_item()?;
            self.push(T::default());
            if let Some(item) = self.last_mut() {
                item.read(reader)?;
            }
        }
        Ok(())
    }
}

/// Where white space ends that begins here.
#[inline]
fn space_end(json: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\t' | b'\r') = json.get(at) {
        at += 1;
    }
    at
}

fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::shape("must be UTF-8".to_owned()))
}

/// Why a string does not go on with this byte.
fn bad_string(byte: Option<u8>) -> Error {
    Error::syntax(if byte.is_some() { "a control character in a string" } else { "the string does not end" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Text;

    const SAMPLE: &str = r#" {"a": [true, false, null, -0, 1.5e+3, 10E-2, "", [], {}], "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00": "é😀 and plain text",
        "nested": {"x": [[{"y": {}}], "0123456\"789\\", "01234567"]}, "z": 0} "#;

    fn accepts<'a, T: Read<'a>>(json: &'a [u8]) -> bool {
        from_slice::<T>(json).is_ok()
    }

    /// Anything.
    #[derive(Default)]
    struct Skipped;

    impl<'a> Read<'a> for Skipped {
        fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
            reader.skip()
        }
    }

    /// Where a value is kept, and where a value is JSON; what is skipped may be no JSON, as long as it ends.
    #[track_caller]
    fn agrees_with_serde_json(json: &[u8]) {
        let shown = String::from_utf8_lossy(json);
        let kept = serde_json::from_slice::<serde_json::Value>(json);
        assert!(kept.is_err() || accepts::<Skipped>(json), "refused: {shown}");
        let is_too_large = |error: &serde_json::Error| error.to_string().starts_with("number out of range");
        match (kept, from_slice::<Kept>(json)) {
            (Ok(theirs), Ok(Kept(ours))) => assert_eq!(ours, strings(&theirs), "{shown}"),
            // A number is a number, even where no float could hold it.
            (Err(error), Ok(_)) => assert!(is_too_large(&error), "kept: {shown}"),
            (theirs, Err(_)) => assert!(theirs.is_err(), "not kept: {shown}"),
        }
    }

    /// Every string of a value, keys included, one after the other; objects sorted by their keys.
    #[derive(Debug, Default)]
    struct Kept(String);

    impl<'a> Read<'a> for Kept {
        fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
            self.0 = match reader.peek() {
                Some(b'{') => {
                    let mut entries = std::collections::BTreeMap::new();
                    let mut keys = reader.object()?;
                    while let Some(key) = keys.next(reader)? {
                        let mut value = Self::default();
                        value.read(reader)?;
                        entries.insert(format!("{key:?}"), value.0);
                    }
                    format!("{entries:?}")
                }
                Some(b'[') => {
                    let mut items: Vec<Self> = Vec::new();
                    items.read(reader)?;
                    format!("[{}]", items.into_iter().map(|Self(item)| item).collect::<Vec<_>>().join(","))
                }
                Some(b'"') => format!("{:?}", reader.string()?),
                Some(b'n') => reader.null().map(|_| "null".to_owned())?,
                Some(b't' | b'f') => {
                    let mut value = false;
                    value.read(reader)?;
                    value.to_string()
                }
                _ => reader.number().map(|_| "number".to_owned())?,
            };
            Ok(())
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
            assert_eq!(accepts::<Skipped>(nested(depth).as_bytes()), fits, "skipped {depth}");
            assert_eq!(accepts::<Kept>(nested(depth).as_bytes()), fits, "kept {depth}");
            assert_eq!(accepts::<Vec<Raw>>(nested(depth).as_bytes()), fits, "raw {depth}");
        }
    }
}
