//! The lines of a file in UTF-8 or, with a byte order mark, in UTF-16.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";
const LITTLE_ENDIAN_MARK: &[u8] = b"\xff\xfe";
const BIG_ENDIAN_MARK: &[u8] = b"\xfe\xff";

/// The lines of a file, with their line breaks.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    /// Lines that were read to find the first character.
    leading: VecDeque<Vec<u8>>,
    /// Unknown before the first line.
    encoding: Option<Encoding>,
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Utf8,
    Utf16(fn([u8; 2]) -> u16),
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, leading: VecDeque::new(), encoding: None }
    }

    /// Appends the next line in UTF-8. Returns false at the end of the file.
    ///
    /// Text that is not valid stays invalid, because its document has the position.
    pub(super) fn append_to(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        if let Some(line) = self.leading.pop_front() {
            text.extend(line);
            return Ok(true);
        }
        match self.encoding {
            None => self.append_first_to(text),
            Some(Encoding::Utf8) => Ok(self.reader.read_until(b'\n', text)? > 0),
            Some(Encoding::Utf16(unit)) => self.append_utf_16_to(text, Vec::new(), unit),
        }
    }

    /// Returns the first character that is not white space.
    pub(super) fn first_character(&mut self) -> io::Result<Option<u8>> {
        let mut lines = VecDeque::new();
        let mut first = None;
        while first.is_none() {
            let mut line = Vec::new();
            if !self.append_to(&mut line)? {
                break;
            }
            first = line.trim_ascii_start().first().copied();
            lines.push_back(line);
        }
        self.leading = lines;
        Ok(first)
    }

    /// Reads the first line, whose mark shows the encoding.
    fn append_first_to(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(false);
        }
        let unit = match line.get(..2) {
            Some(LITTLE_ENDIAN_MARK) => u16::from_le_bytes,
            Some(BIG_ENDIAN_MARK) => u16::from_be_bytes,
            _ => {
                self.encoding = Some(Encoding::Utf8);
                text.extend(line.strip_prefix(UTF_8_MARK).unwrap_or(&line));
                return Ok(true);
            }
        };
        self.encoding = Some(Encoding::Utf16(unit));
        line.drain(..2);
        self.append_utf_16_to(text, line, unit)
    }

    /// Appends a line of which the bytes up to the first newline byte may have been read.
    fn append_utf_16_to(
        &mut self,
        text: &mut Vec<u8>,
        mut line: Vec<u8>,
        unit: fn([u8; 2]) -> u16,
    ) -> io::Result<bool> {
        while !ends_with_newline(&mut self.reader, &mut line, unit)? {
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
        }
        let (units, rest) = line.as_chunks::<2>();
        for character in char::decode_utf16(units.iter().copied().map(unit)) {
            match character {
                Ok(character) => text.extend(character.encode_utf8(&mut [0; 4]).bytes()),
                Err(_) => text.push(NOT_UTF_8),
            }
        }
        text.extend(rest.iter().map(|_| NOT_UTF_8));
        Ok(!line.is_empty())
    }
}

/// A byte that makes a text invalid.
const NOT_UTF_8: u8 = 0xff;

/// Returns whether the last unit is a newline. The byte of a newline can be a half of a unit.
fn ends_with_newline(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    unit: fn([u8; 2]) -> u16,
) -> io::Result<bool> {
    if line.len() % 2 == 1 {
        reader.take(1).read_to_end(line)?;
    }
    Ok(line
        .last_chunk::<2>()
        .is_some_and(|last| line.len().is_multiple_of(2) && unit(*last) == u16::from(b'\n')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<String> {
        let mut lines = Lines::new(text);
        let mut found = Vec::new();
        loop {
            let mut line = Vec::new();
            if !lines.append_to(&mut line).unwrap() {
                return found;
            }
            found.push(String::from_utf8(line).unwrap());
        }
    }

    fn utf_16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn lines_keep_their_breaks() {
        assert_eq!(lines(b"a\r\n\nb"), ["a\r\n", "\n", "b"]);
        assert_eq!(lines(b"\xef\xbb\xbfa"), ["a"]);
        assert!(lines(b"").is_empty());
    }

    #[test]
    fn utf_16_is_converted() {
        // U+010A and U+0A01 contain the byte of a newline.
        let text = "\u{feff}a\u{10a}\u{a01}b\nc: 😀\n";
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            assert_eq!(lines(&utf_16(text, unit)), ["a\u{10a}\u{a01}b\n", "c: 😀\n"]);
        }
    }

    #[test]
    fn text_that_is_not_utf_16_stays_invalid() {
        for text in [&b"\xff\xfea\0\0\xd8\n\0"[..], b"\xff\xfea"] {
            let mut line = Vec::new();
            assert!(Lines::new(text).append_to(&mut line).unwrap());
            assert!(line.contains(&NOT_UTF_8), "{line:?}");
        }
    }

    #[test]
    fn the_first_character_is_not_lost() {
        let mut lines = Lines::new(&b"\n  {\n}"[..]);
        assert_eq!(lines.first_character().unwrap(), Some(b'{'));
        let mut text = Vec::new();
        while lines.append_to(&mut text).unwrap() {}
        assert_eq!(text, b"\n  {\n}");
    }
}
