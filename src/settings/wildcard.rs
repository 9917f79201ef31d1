//! Patterns in which `*` matches any number of characters. No other character is special.

/// Returns whether the pattern matches the whole text.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    // The settings may have thousands of patterns, and most texts differ from most patterns before the first star.
    let (pattern, mut text) = without_common_start(pattern.as_bytes(), text.as_bytes());
    if pattern.first() != Some(&b'*') {
        return pattern.is_empty() && text.is_empty();
    }
    // Many of the others differ after the last star.
    if pattern.last() != Some(&b'*') && pattern.last() != text.last() {
        return false;
    }
    if pattern.len() == 1 {
        return true;
    }
    let mut pieces = pattern.split(|byte| *byte == b'*');
    let prefix = pieces.next().unwrap_or_default();
    // The last piece is bound to the end of the text. It suffices that each piece before it matches as early as possible.
    let Some(suffix) = pieces.next_back() else { return prefix == text };
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    text = rest;
    for piece in pieces {
        match after_first(text, piece) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    text.ends_with(suffix)
}

/// Returns whether the pattern matches the whole text, where `*` does not match slashes.
#[must_use]
pub fn matches_segments(pattern: &str, text: &str) -> bool {
    let (from_star, rest) = without_common_start(pattern.as_bytes(), text.as_bytes());
    if from_star.first() != Some(&b'*') {
        return from_star.is_empty() && rest.is_empty();
    }
    let (mut patterns, mut segments) = (pattern.split('/'), text.split('/'));
    loop {
        match (patterns.next(), segments.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if matches(pattern, segment) => {}
            _ => return false,
        }
    }
}

/// Returns the text after the first place where it contains a piece.
fn after_first<'t>(text: &'t [u8], piece: &[u8]) -> Option<&'t [u8]> {
    let mut rest = text;
    loop {
        if let Some(after) = rest.strip_prefix(piece) {
            return Some(after);
        }
        rest = rest.get(1..)?;
    }
}

/// Returns the rest of both after the characters that both begin with, up to the first star of the pattern.
#[must_use]
pub fn without_common_start<'t>(mut pattern: &'t [u8], mut text: &'t [u8]) -> (&'t [u8], &'t [u8]) {
    while let ([first, pattern_rest @ ..], [other, text_rest @ ..]) = (pattern, text)
        && first == other
        && *first != b'*'
    {
        (pattern, text) = (pattern_rest, text_rest);
    }
    (pattern, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_without_a_star_matches_an_equal_text() {
        assert!(matches("latest", "latest"));
        assert!(!matches("latest", "latest2"));
        assert!(!matches("latest", "my-latest"));
        assert!(matches("", ""));
    }

    #[test]
    fn a_star_matches_any_characters() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("*-SNAPSHOT", "1.0-SNAPSHOT"),
            ("*-SNAPSHOT", "-SNAPSHOT"),
            ("nightly-*", "nightly-"),
            ("a*b*c", "abc"),
            ("a*b*c", "a-bb-b-c"),
            ("**x**", "x"),
            ("*aab", "aaab"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("*-SNAPSHOT", "1.0-SNAPSHOT.1"), ("a*a", "a"), ("a*b*c", "acb"), ("ab*ba", "aba"), ("*x", "")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_star_does_not_cross_a_slash() {
        for (pattern, text) in [
            ("*", ""),
            ("a/*", "a/b"),
            ("*/b", "a/b"),
            ("a/*-x/c", "a/b-x/c"),
            ("a", "a"),
            ("ci:*", "ci:a:b"),
        ] {
            assert!(matches_segments(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("*", "a/b"), ("a/*", "a"), ("a/*", "a/b/c"), ("a*", "a/b"), ("a", "a/"), ("**", "a/b")]
        {
            assert!(!matches_segments(pattern, text), "{pattern} {text}");
        }
    }
}
