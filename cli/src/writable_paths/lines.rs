//! Reads texts line by line, within bounds.

use std::io::{BufRead, BufReader, Read};

use crate::input::Problem;

/// Maximum length of a line that is kept, in bytes. The rest of a longer line is skipped.
const MAX_LINE_BYTES: u64 = 64 << 10;

/// Calls a function for every line of a text with its number, from 1. The text does not have to be UTF-8.
pub(super) fn for_each(
    reader: impl Read,
    mut visit: impl FnMut(u64, &str) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line).map_err(Problem::Read)? == 0 {
            break;
        }
        if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
            reader.skip_until(b'\n').map_err(Problem::Read)?;
        }
        visit(number, String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut() {
        let text = [vec![b'a'; 100_000], b"\nb\r\n\xff".to_vec()].concat();
        let mut lines = Vec::new();
        for_each(&*text, |number, line| {
            lines.push((number, line.len()));
            Ok(())
        })
        .unwrap();
        assert_eq!(lines, [(1, 65_536), (2, 1), (3, '\u{fffd}'.len_utf8())]);
    }
}
