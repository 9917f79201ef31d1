//! What a user may have meant: the nearest known word, or else the words to choose from.

/// The maximum number of alternatives in a message.
const MAX_ALTERNATIVES: usize = 8;

/// The end of a message about an unknown word: `, did you mean "warn"?`, or else ` (allowed: off, warn, deny)`.
#[must_use]
pub fn suggestion(text: &str, allowed: &[&str]) -> String {
    match nearest(text, allowed) {
        Some(word) => format!(", did you mean \"{word}\"?"),
        None => format!(" (allowed: {})", alternatives(allowed)),
    }
}

/// The first alternatives, and the number of the others.
#[must_use]
pub fn alternatives(allowed: &[&str]) -> String {
    match allowed.split_at_checked(MAX_ALTERNATIVES) {
        Some((first, rest)) if !rest.is_empty() => format!("{} and {} more", first.join(", "), rest.len()),
        _ => allowed.join(", "),
    }
}

/// The word that differs least from a text, if it differs in at most a third of its characters.
fn nearest<'w>(text: &str, allowed: &[&'w str]) -> Option<&'w str> {
    let lower = text.to_ascii_lowercase();
    let distance = |word: &&&str| strsim::osa_distance(&lower, &word.to_ascii_lowercase());
    allowed.iter().min_by_key(distance).filter(|word| distance(word) <= word.len() / 3).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_nearest_word_alone() {
        assert_eq!(suggestion("wran", &["off", "warn", "deny"]), ", did you mean \"warn\"?");
        assert_eq!(suggestion("WARN", &["off", "warn", "deny"]), ", did you mean \"warn\"?");
    }

    #[test]
    fn lists_the_words_if_none_is_near() {
        assert_eq!(suggestion("never", &["off", "warn", "deny"]), " (allowed: off, warn, deny)");
    }

    #[test]
    fn lists_at_most_eight_words() {
        let words = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
        assert_eq!(suggestion("other", &words), " (allowed: a, b, c, d, e, f, g, h and 2 more)");
        assert_eq!(alternatives(&words[..8]), "a, b, c, d, e, f, g, h");
    }
}
