//! Characters that kubectl takes for text, or for the end of text, where YAML 1.2 does not.

use granit_parser::Span;
use immutable_pods_policy::text::printable;

use super::compose::Composed;
use super::failure::Failure;
use crate::input::Position;

/// Refuses plain text in a flow collection that kubectl begins or ends elsewhere.
pub(super) fn check_flow_text(source: &str, text: &str, span: Span, at: Position) -> Composed {
    if text.starts_with('?') {
        return Err(Failure::at(at, "kubectl reads this `?` as the start of a key: quote the text"));
    }
    // A value that is left out begins at the colon of its key.
    if span.slice(source).is_none_or(str::is_empty) {
        return Ok(());
    }
    let rest = span.end.byte_offset().and_then(|end| source.get(end..)).unwrap_or_default();
    let after_colon = rest.trim_start().strip_prefix(':').unwrap_or_default();
    if after_colon.starts_with([',', '[', ']', '{', '}']) {
        let message = format!(
            "kubectl reads the colon after `{}` as a part of the text: write a space after it",
            printable(text)
        );
        return Err(Failure::at(at, message));
    }
    Ok(())
}

/// Refuses the name of an anchor that kubectl ends before.
///
/// Source: `yaml_parser_scan_anchor` in `go.yaml.in/yaml/v2`.
pub(super) fn check_anchor(name: &str, at: Position) -> Composed {
    if name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '-')) {
        return Ok(());
    }
    Err(Failure::at(
        at,
        format!(
            "kubectl expects letters, digits, `-` and `_` in the name of an anchor, got `{}`",
            printable(name)
        ),
    ))
}
