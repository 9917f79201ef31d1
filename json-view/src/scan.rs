//! Where strings and brackets end, found sixteen bytes at a time.
//!
//! Most of a request is read by no rule. What is skipped is followed to its end and no further understood: policy servers
//! parse a request before they hand it on, so that nothing but JSON comes here.

use wide::u8x16;

/// What went wrong on the way to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclosed {
    /// The text ends first.
    EndOfText,
    /// Brackets stand in brackets more deeply than they may: the number of bytes up to the first one that does, with it.
    TooDeep(usize),
}

/// The bytes that are looked at together.
type Block = [[u8; 16]; 4];

const BLOCK: usize = size_of::<Block>();

/// Where a run of plain characters ends that begins here in a string: before a quote, a backslash, a control character, or
/// where the text ends.
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

/// The same for the last bytes of a text.
#[cold]
fn plain_end_of_rest(json: &[u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at)
        && !matches!(byte, b'"' | b'\\' | ..0x20)
    {
        at += 1;
    }
    at
}

/// Where the object or list ends that was opened just before this text: behind the bracket that closes it. At most `most`
/// may be open at a time, itself included.
///
/// # Errors
/// When there is no such bracket, or brackets are nested more deeply.
pub(crate) fn closing_end(json: &[u8], most: u32) -> Result<usize, Unclosed> {
    if most == 0 {
        return Err(Unclosed::TooDeep(0));
    }
    let mut strings = Strings::default();
    let mut depth = 1;
    let mut at = 0;
    loop {
        let rest = json.get(at..).unwrap_or_default();
        let (chunks, _) = rest.as_chunks();
        let block = match chunks.first_chunk() {
            Some(block) => Found::in_block(block),
            None if rest.is_empty() => return Err(Unclosed::EndOfText),
            None => Found::in_block(&filled_up(rest)),
        };
        let outside = !strings.follow(&block);
        let (opening, closing) = (block.opening & outside, block.closing & outside);
        let (opened, closed) = (opening.count_ones(), closing.count_ones());
        if closed < depth && depth + opened <= most {
            depth = depth + opened - closed;
        } else if let Some(end) = bracket_by_bracket(opening, closing, &mut depth, most) {
            return match end {
                Ok(end) => Ok(at + end),
                Err(end) => Err(Unclosed::TooDeep(at + end)),
            };
        }
        at += BLOCK;
    }
}

/// The last bytes of a text, as a block.
fn filled_up(rest: &[u8]) -> Block {
    let mut block = [[b' '; 16]; 4];
    block.as_flattened_mut().iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block
}

/// Goes through a block in which the end may stand, or in which too many brackets may be open, and tells where that is.
fn bracket_by_bracket(
    opening: u64,
    closing: u64,
    depth: &mut u32,
    most: u32,
) -> Option<Result<usize, usize>> {
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
        if *depth > most {
            return Some(Err(end));
        }
    }
    None
}

fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// Which bytes of a block count, a bit each, that of the first one lowest.
struct Found {
    quotes: u64,
    backslashes: u64,
    opening: u64,
    closing: u64,
}

impl Found {
    #[inline]
    fn in_block(block: &Block) -> Self {
        let &[a, b, c, d] = block;
        let bytes = [u8x16::new(a), u8x16::new(b), u8x16::new(c), u8x16::new(d)];
        // `[` and `{`, and `]` and `}`, differ in this bit alone.
        let brackets = bytes_with(bytes, 0x20);
        Self {
            quotes: places_of(b'"', bytes),
            backslashes: places_of(b'\\', bytes),
            opening: places_of(b'{', brackets),
            closing: places_of(b'}', brackets),
        }
    }
}

#[inline]
fn bytes_with([a, b, c, d]: [u8x16; 4], bits: u8) -> [u8x16; 4] {
    let bits = u8x16::splat(bits);
    [a | bits, b | bits, c | bits, d | bits]
}

/// A bit for each byte that is this one.
#[inline]
fn places_of(byte: u8, [a, b, c, d]: [u8x16; 4]) -> u64 {
    let byte = u8x16::splat(byte);
    let of = |bytes: u8x16| bytes.simd_eq(byte).to_bitmask();
    u64::from(of(a) | of(b) << 16) | u64::from(of(c) | of(d) << 16) << 32
}

/// What a block leaves to the next one: whether it ends in a string, and with a backslash that counts.
#[derive(Default)]
struct Strings {
    /// All ones in a string.
    open: u64,
    escapes_next: bool,
}

impl Strings {
    /// Which bytes of a block stand in strings. Where a string ends, its quote does not count.
    #[inline]
    fn follow(&mut self, block: &Found) -> u64 {
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

    /// Which bytes of a block are escaped by the backslash before them: in a run of backslashes, every second one, and what
    /// follows a run of an odd length. Adding the first backslash of a run carries a bit to its end, so that where it ends
    /// tells whether it is odd.
    ///
    /// Source: "Parsing Gigabytes of JSON per Second", Geoff Langdale and Daniel Lemire, section 3.1.1.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = u64::MAX / 3;
        let before = u64::from(self.escapes_next);
        let backslashes = backslashes & !before;
        let behind = backslashes << 1 | before;
        let odd_starts = backslashes & !EVEN & !behind;
        let (odd_ends, escapes_next) = odd_starts.overflowing_add(backslashes);
        self.escapes_next = escapes_next;
        (EVEN ^ (odd_ends << 1)) & behind
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngSeed};

    use super::*;

    /// A byte at a time.
    fn slow_closing_end(json: &[u8], most: u32) -> Result<usize, Unclosed> {
        let (mut depth, mut in_string, mut is_escaped) = (1, false, false);
        if depth > most {
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
            if depth > most {
                return Err(Unclosed::TooDeep(at + 1));
            }
        }
        Err(Unclosed::EndOfText)
    }

    fn slow_plain_end(json: &[u8], start: usize) -> usize {
        let ends = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        json.iter().skip(start).position(ends).map_or(json.len().max(start), |length| start + length)
    }

    proptest! {
        #![proptest_config(Config { failure_persistence: None, rng_seed: RngSeed::Fixed(6), ..Config::default() })]

        #[test]
        fn finds_what_a_slow_search_finds(json in "[{}\\[\\]\"\\\\a\\x00-\\x1f{}é ]{0,300}", start in 0..70_usize, most in 0..12_u32) {
            let json = json.as_bytes();
            prop_assert_eq!(closing_end(json, most), slow_closing_end(json, most));
            prop_assert_eq!(plain_end(json, start), slow_plain_end(json, start));
        }

        #[test]
        fn finds_the_end_of_what_is_deep_and_long(
            inside in "(\\{\"[a-z{}\\[\\]]{0,70}\":\\[(\\{\\},)*){0,40}",
            most in 0..100_u32,
        ) {
            let objects = inside.matches(":[").count();
            let json = format!("{inside}{}}}{}", "]}".repeat(objects), " ".repeat(inside.len() % 64));
            prop_assert_eq!(closing_end(json.as_bytes(), most), slow_closing_end(json.as_bytes(), most));
        }
    }
}
