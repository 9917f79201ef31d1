//! Patterns: `*` stands for any run of characters, and everything else for itself.

/// Whether a pattern fits a text.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    fits_rest(&letters(pattern), &letters(text), |_| true)
}

/// Whether a pattern fits a text, in which a star stands for no slash.
pub(super) fn fits_in_segments(pattern: &str, text: &str) -> bool {
    fits_rest(&letters(pattern), &letters(text), |letter| letter != '/')
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn fits_rest(pattern: &[char], text: &[char], is_any: fn(char) -> bool) -> bool {
    let behind_first = |text: &[char]| text.split_first().map(|(first, rest)| (*first, rest.to_vec()));
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', others)) => {
            let takes_one = behind_first(text)
                .is_some_and(|(first, rest)| is_any(first) && fits_rest(pattern, &rest, is_any));
            takes_one || fits_rest(others, text, is_any)
        }
        Some((wanted, others)) => behind_first(text)
            .is_some_and(|(first, rest)| first == *wanted && fits_rest(others, &rest, is_any)),
    }
}
