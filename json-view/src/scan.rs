//! The search for the end of strings, objects and lists, with SIMD: most bytes of a text are only skipped.
//!
//! Strings are searched 16 bytes at a time, objects and lists 64. Nothing but quotes, backslashes and brackets is looked at, so what
//! is between them may be something else than JSON: the README says why that is sound.

use wide::u8x16;

/// Why an object or a list has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclosed {
    /// The text ends before it does.
    EndOfText,
    /// Brackets nest too deeply: the number of bytes up to and including the first such bracket.
    TooDeep(usize),
}

/// The bytes that are searched together.
type Block = [[u8; 16]; 4];

/// Length of a block, in bytes.
const BLOCK_LENGTH: usize = size_of::<Block>();

/// Returns the end of the run of plain characters that begins at an offset of a string: the offset of the next quote, backslash or
/// control character, or of the end of the text.
#[inline]
#[must_use]
pub fn plain_end(json: &[u8], mut at: usize) -> usize {
    while let Some(bytes) = json.get(at..).and_then(<[u8]>::first_chunk::<16>) {
        let bytes = u8x16::new(*bytes);
        let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
        let marks = bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | control;
        let marks = marks.to_bitmask();
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        at += 16;
    }
    plain_end_of_rest(json, at)
}

/// Returns the same for the last bytes of a text.
#[cold]
fn plain_end_of_rest(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at)
        && !matches!(byte, b'"' | b'\\' | ..0x20)
    {
        at += 1;
    }
    at
}

/// Returns the offset after the bracket that closes the object or list whose opening bracket is just before this text. At most
/// `max_depth` brackets may be open at a time, including that one.
///
/// # Errors
/// When the text has no such bracket, or brackets nest more deeply.
pub(crate) fn closing_end(json: &[u8], max_depth: u32) -> Result<usize, Unclosed> {
    if max_depth == 0 {
        return Err(Unclosed::TooDeep(0));
    }
    let mut strings = Strings::default();
    let mut depth = 1;
    let mut at = 0;
    loop {
        let rest = json.get(at..).unwrap_or_default();
        let (chunks, _) = rest.as_chunks();
        let block = match chunks.first_chunk() {
            Some(block) => Marks::in_block(block),
            None if rest.is_empty() => return Err(Unclosed::EndOfText),
            None => Marks::in_block(&padded(rest)),
        };
        let outside = !strings.mask_of(&block);
        let (opening, closing) = (block.opening & outside, block.closing & outside);
        let (opened, closed) = (opening.count_ones(), closing.count_ones());
        if closed < depth && depth + opened <= max_depth {
            depth = depth + opened - closed;
        } else if let Some(end) = end_in_block(opening, closing, &mut depth, max_depth) {
            return match end {
                Ok(end) => Ok(at + end),
                Err(end) => Err(Unclosed::TooDeep(at + end)),
            };
        }
        at += BLOCK_LENGTH;
    }
}

/// Returns the last bytes of a text as a block, followed by spaces.
fn padded(rest: &[u8]) -> Block {
    let mut block = [[b' '; 16]; 4];
    block.as_flattened_mut().iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block
}

/// Goes through the brackets of a block, one by one. Returns the offset after the closing bracket, or as an error the offset after the
/// first bracket that nests too deeply, or nothing if the search goes on.
fn end_in_block(opening: u64, closing: u64, depth: &mut u32, max_depth: u32) -> Option<Result<usize, usize>> {
    let mut left = opening | closing;
    while left != 0 {
        let bit = lowest(left);
        left ^= bit;
        if opening & bit == 0 {
            *depth -= 1;
        } else {
            *depth += 1;
        }
        let end = bit.trailing_zeros() as usize + 1;
        if *depth == 0 {
            return Some(Ok(end));
        }
        if *depth > max_depth {
            return Some(Err(end));
        }
    }
    None
}

fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// The bytes of a block that matter: a bit for each, that of the first byte lowest.
struct Marks {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Marks {
    #[inline]
    fn in_block(block: &Block) -> Self {
        let &[a, b, c, d] = block;
        let bytes = [u8x16::new(a), u8x16::new(b), u8x16::new(c), u8x16::new(d)];
        // `[` and `{`, and `]` and `}`, differ in this bit only.
        let brackets = with_bits(bytes, 0x20);
        Self {
            quotes: mask_of_byte(b'"', bytes),
            backslashes: mask_of_byte(b'\\', bytes),
            opening: mask_of_byte(b'{', brackets),
            closing: mask_of_byte(b'}', brackets),
        }
    }
}

#[inline]
fn with_bits([a, b, c, d]: [u8x16; 4], bits: u8) -> [u8x16; 4] {
    let bits = u8x16::splat(bits);
    [a | bits, b | bits, c | bits, d | bits]
}

/// Returns a bit for each byte, set where it equals `byte`.
#[inline]
fn mask_of_byte(byte: u8, [a, b, c, d]: [u8x16; 4]) -> u64 {
    let byte = u8x16::splat(byte);
    let of = |bytes: u8x16| bytes.simd_eq(byte).to_bitmask();
    u64::from(of(a) | of(b) << 16) | u64::from(of(c) | of(d) << 16) << 32
}

/// What the next block needs to know of those before it.
#[derive(Default)]
struct Strings {
    /// All ones if the block before ended in a string, else zero.
    open: u64,
    /// Whether the block before ended with a backslash that escapes the next byte.
    escapes_next: bool,
}

impl Strings {
    /// Returns a bit for each byte of a block, set in strings from the opening quote to before the closing one.
    #[inline]
    fn mask_of(&mut self, block: &Marks) -> u64 {
        let mut quotes = block.quotes;
        if block.backslashes != 0 || self.escapes_next {
            quotes &= !self.escaped(block.backslashes);
        }
        // Each bit becomes the parity of the quotes up to it.
        let mut inside = quotes;
        inside ^= inside << 1;
        inside ^= inside << 2;
        inside ^= inside << 4;
        inside ^= inside << 8;
        inside ^= inside << 16;
        inside ^= inside << 32;
        inside ^= self.open;
        self.open = (inside.cast_signed() >> 63).cast_unsigned();
        inside
    }

    /// Returns a bit for each byte of a block, set if the backslash before escapes it: every second backslash of a run, and the byte
    /// after a run of odd length. Adding the first bit of a run to the run carries a bit to its end, whose position shows if the
    /// length is odd.
    ///
    /// Source: "Parsing Gigabytes of JSON per Second", Geoff Langdale and Daniel Lemire, section 3.1.1.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        let before = u64::from(self.escapes_next);
        let backslashes = backslashes & !before;
        let after = backslashes << 1 | before;
        let odd_starts = backslashes & !EVEN & !after;
        let (odd_ends, escapes_next) = odd_starts.overflowing_add(backslashes);
        self.escapes_next = escapes_next;
        (EVEN ^ (odd_ends << 1)) & after
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    /// Searches byte by byte.
    fn reference_closing_end(json: &[u8], max_depth: u32) -> Result<usize, Unclosed> {
        let (mut depth, mut in_string, mut is_escaped) = (1, false, false);
        if depth > max_depth {
            return Err(Unclosed::TooDeep(0));
        }
        for (at, byte) in json.iter().enumerate() {
            let escapes = *byte == b'\\' && !is_escaped;
            match byte {
                b'"' if !is_escaped => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            is_escaped = escapes;
            if depth == 0 {
                return Ok(at + 1);
            }
            if depth > max_depth {
                return Err(Unclosed::TooDeep(at + 1));
            }
        }
        Err(Unclosed::EndOfText)
    }

    fn reference_plain_end(json: &[u8], start: usize) -> usize {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        json.iter().skip(start).position(ends).map_or(json.len().max(start), |length| start + length)
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..Config::default() })]

        #[test]
        fn a_search_byte_by_byte_finds_the_same(json in "[{}\\[\\]\"\\\\a\\x00-\\x1f{}é ]{0,300}", start in 0..70_usize, max_depth in 0..12_u32) {
            let json = json.as_bytes();
            prop_assert_eq!(closing_end(json, max_depth), reference_closing_end(json, max_depth));
            prop_assert_eq!(plain_end(json, start), reference_plain_end(json, start));
        }

        #[test]
        fn the_end_of_a_deep_and_long_value_is_found(
            inside in "(\\{\"[a-z{}\\[\\]]{0,70}\":\\[(\\{\\},)*){0,40}",
            max_depth in 0..100_u32,
        ) {
            let objects = inside.matches(":[").count();
            let json = format!("{inside}{}}}{}", "]}".repeat(objects), " ".repeat(inside.len() % 64));
            prop_assert_eq!(closing_end(json.as_bytes(), max_depth), reference_closing_end(json.as_bytes(), max_depth));
        }
    }
}
