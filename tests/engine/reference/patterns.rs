//! Patterns, in which `*` matches any number of characters.

/// Whether a pattern matches a text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    matches_rest(&letters(pattern), &letters(text), |_| true)
}

/// Whether a pattern matches a text if `*` does not match a slash.
pub(super) fn matches_by_segment(pattern: &str, text: &str) -> bool {
    matches_rest(&letters(pattern), &letters(text), |letter| letter != '/')
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn matches_rest(pattern: &[char], text: &[char], is_any: fn(char) -> bool) -> bool {
    let split_first = |text: &[char]| text.split_first().map(|(first, rest)| (*first, rest.to_vec()));
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', others)) => {
            let consumes_character = split_first(text)
                .is_some_and(|(first, rest)| is_any(first) && matches_rest(pattern, &rest, is_any));
            consumes_character || matches_rest(others, text, is_any)
        }
        Some((wanted, others)) => split_first(text)
            .is_some_and(|(first, rest)| first == *wanted && matches_rest(others, &rest, is_any)),
    }
}
