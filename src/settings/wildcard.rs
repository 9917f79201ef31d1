//! Patterns in which `*` stands for any run of characters, an empty one too.
//!
//! There is no other special character. Where slashes matter, `*` does not cross them.

/// Whether the whole text matches the pattern.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, mut text) = without_common_start(pattern.as_bytes(), text.as_bytes());
    // Most texts differ from most patterns before the first star.
    if pattern.first() != Some(&b'*') {
        return pattern.is_empty() && text.is_empty();
    }
    // Many of the others do so behind the last one.
    if pattern.last() != Some(&b'*') && pattern.last() != text.last() {
        return false;
    }
    if pattern.len() == 1 {
        return true;
    }
    let mut pieces = pattern.split(|byte| *byte == b'*');
    let prefix = pieces.next().unwrap_or_default();
    // The last piece is bound to the end; each one before it may as well match as early as it can.
    let Some(suffix) = pieces.next_back() else { return prefix == text };
    let Some(rest) = text.strip_prefix(prefix) else { return false };
    text = rest;
    for piece in pieces {
        match behind_first(text, piece) {
            Some(rest) => text = rest,
            None => return false,
        }
    }
    text.ends_with(suffix)
}

/// Whether the whole text matches the pattern, where no `*` stands for a slash.
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

/// What is left of both behind the characters, none of them a star, that they begin with.
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

/// What stands behind the first place where the text has the piece.
fn behind_first<'t>(text: &'t [u8], piece: &[u8]) -> Option<&'t [u8]> {
    let mut rest = text;
    loop {
        if let Some(behind) = rest.strip_prefix(piece) {
            return Some(behind);
        }
        rest = rest.get(1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_star_it_is_equality() {
        assert!(matches("latest", "latest"));
        assert!(!matches("latest", "latest2"));
        assert!(!matches("latest", "my-latest"));
        assert!(matches("", ""));
    }

    #[test]
    fn a_star_stands_for_any_run() {
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
