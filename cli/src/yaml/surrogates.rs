//! Characters that are written as two escapes, as in JSON. kubectl does not read them in YAML.

use granit_parser::{ScalarStyle, Span};

use super::compose::Composed;
use super::failure::Failure;
use crate::input::Position;

/// Refuses a quoted text with surrogate escapes. The parser reads them.
pub(super) fn check(source: &str, text: &str, style: ScalarStyle, span: Span, at: Position) -> Composed {
    let may_contain = style == ScalarStyle::DoubleQuoted
        && !text.is_ascii()
        && text.contains(|character| character > '\u{ffff}');
    if may_contain && span.slice(source).is_some_and(has_surrogate_escape) {
        return Err(Failure::at(
            at,
            "kubectl does not read `\\ud800` to `\\udfff`: write the character, or `\\U` and 8 digits",
        ));
    }
    Ok(())
}

fn has_surrogate_escape(source: &str) -> bool {
    let mut rest = source;
    while let Some((_, escape)) = rest.split_once('\\') {
        let mut characters = escape.chars();
        if characters.next() == Some('u')
            && matches!(characters.next(), Some('d' | 'D'))
            && matches!(characters.next(), Some('8'..='9' | 'a'..='f' | 'A'..='F'))
        {
            return true;
        }
        let length = escape.chars().next().map_or(0, char::len_utf8);
        rest = escape.get(length..).unwrap_or_default();
    }
    false
}
