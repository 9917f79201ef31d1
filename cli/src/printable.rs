//! Makes text from manifests safe to print.
//!
//! Names and messages must not move the cursor, change colors of the terminal, or imitate a line of the report.

use immutable_pods_policy::text::is_unprintable;

/// Returns a text on one line. Characters that are invisible or control the terminal are escaped.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unprintable(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Returns the lines of a text that are not blank, each made safe by [`one_line`].
pub fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| !line.trim().is_empty()).map(one_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_escaped() {
        assert_eq!(one_line("a\u{1b}[31mred"), "a\\u{1b}[31mred");
        assert_eq!(one_line("\u{9b}2J"), "\\u{9b}2J");
    }

    #[test]
    fn characters_that_mislead_are_escaped() {
        assert_eq!(one_line("web\u{202e}gpj"), "web\\u{202e}gpj");
        assert_eq!(one_line("\u{61c}web"), "\\u{61c}web");
        assert_eq!(one_line("w\u{200b}e\u{2060}b\u{feff}"), "w\\u{200b}e\\u{2060}b\\u{feff}");
    }

    #[test]
    fn line_breaks_and_tabs_are_escaped() {
        assert_eq!(one_line("a\nb\r\tc\u{2028}"), "a\\nb\\r\\tc\\u{2028}");
    }

    #[test]
    fn ordinary_text_is_kept() {
        assert_eq!(one_line("naïve `web` \\ \"x\" 日本"), "naïve `web` \\ \"x\" 日本");
    }

    #[test]
    fn blank_lines_are_dropped() {
        let shown: Vec<String> = lines("one\r\n\n  \ntwo\x07").collect();
        assert_eq!(shown, ["one", "two\\u{7}"]);
    }
}
