//! Makes text from manifests safe to print.
//!
//! Names and messages must not move the cursor, change colors of the terminal, or imitate a line of the report.

/// Returns a text on one line. Characters that control the terminal are escaped.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers_the_terminal(character) {
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

fn steers_the_terminal(character: char) -> bool {
    let breaks_the_line = matches!(character, '\u{2028}' | '\u{2029}');
    let turns_the_text_around = matches!(
        character,
        '\u{61c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    );
    character.is_control() || breaks_the_line || turns_the_text_around
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_escaped() {
        assert_eq!(one_line("a\u{1b}[31mred"), "a\\u{1b}[31mred");
        assert_eq!(one_line("\u{9b}2J"), "\\u{9b}2J");
        assert_eq!(one_line("web\u{202e}gpj"), "web\\u{202e}gpj");
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
