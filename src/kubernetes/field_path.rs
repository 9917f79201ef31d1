//! Field paths as Kubernetes writes them: `spec.containers[1].image`, `metadata.annotations[example.com/key]`.

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::text::{MAX_DISPLAY_CHARS, printable};
use json_view::PathSegment;

/// Appends a key of an object. Long keys are truncated.
pub fn push_key(path: &mut String, key: &str) {
    let is_plain = (1..=MAX_DISPLAY_CHARS).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_plain {
        push_path(path, key);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(path, "[{}]", printable(key));
    }
}

/// Appends a relative path.
pub fn push_path(path: &mut String, rest: &str) {
    if !path.is_empty() && !rest.is_empty() && !rest.starts_with('[') {
        path.push('.');
    }
    path.push_str(rest);
}

/// Appends an index of a list.
pub fn push_index(path: &mut String, index: usize) {
    // Writing to a string cannot fail.
    let _ = write!(path, "[{index}]");
}

/// Returns the path of a list item, or of a field in it.
#[must_use]
pub fn of_item(list: &str, index: usize, field: &str) -> String {
    let mut path = format!("{list}[{index}]");
    push_path(&mut path, field);
    path
}

/// Compares paths by name, and indices by number: `containers[2]` precedes `containers[10]`.
#[must_use]
#[inline(never)]
pub fn compare(left: &str, right: &str) -> Ordering {
    // The bytes of UTF-8 have the order of the characters.
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let common = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let same = left.get(..common).unwrap_or_default();
    // The common part may end within a number.
    let start = same.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |index| index + 1);
    let (left, right) = (left.get(start..).unwrap_or_default(), right.get(start..).unwrap_or_default());
    let ((left_number, left_rest), (right_number, right_rest)) = (split_number(left), split_number(right));
    if left_number.is_empty() || right_number.is_empty() {
        return left.cmp(right);
    }
    // Numbers have no leading zeros, so the longer number is the greater one.
    let numbers = left_number.len().cmp(&right_number.len()).then_with(|| left_number.cmp(right_number));
    numbers.then_with(|| left_rest.cmp(right_rest))
}

fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(digits).unwrap_or_default()
}

/// Returns the path of an error in JSON.
#[must_use]
pub fn of_segments<'s>(segments: impl Iterator<Item = &'s PathSegment>) -> String {
    let mut path = String::new();
    for segment in segments {
        match segment {
            PathSegment::Key(key) => push_key(&mut path, key),
            PathSegment::Index(index) => push_index(&mut path, *index),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_indices_are_written_as_in_kubernetes() {
        let mut path = String::new();
        push_key(&mut path, "metadata");
        push_key(&mut path, "annotations");
        push_key(&mut path, "example.com/a\nb");
        push_index(&mut path, 3);
        push_key(&mut path, "name");
        assert_eq!(path, r"metadata.annotations[example.com/a\u{a}b][3].name");
    }

    #[test]
    fn long_keys_are_truncated() {
        let of = |length: usize| {
            let mut path = "spec".to_owned();
            push_key(&mut path, &"k".repeat(length));
            path
        };
        assert_eq!(of(128), format!("spec.{}", "k".repeat(128)));
        assert_eq!(of(129), format!("spec[{}…]", "k".repeat(128)));
    }

    #[test]
    fn paths_are_ordered_by_name_and_number() {
        let mut paths = [
            "spec.initContainers[0]",
            "spec.containers[10].image",
            "spec.containers[2].image",
            "spec.containers[2]",
        ];
        paths.sort_by(|a, b| compare(a, b));
        assert_eq!(
            paths,
            [
                "spec.containers[2]",
                "spec.containers[2].image",
                "spec.containers[10].image",
                "spec.initContainers[0]"
            ]
        );
        assert_eq!(compare("a[1]", "a[1]"), Ordering::Equal);
        assert_eq!(compare("a[1]", "ab"), Ordering::Less);
        assert_eq!(compare("a1b2", "a1b10"), Ordering::Less);
    }

    #[test]
    fn errors_have_a_path() {
        let segments = [
            PathSegment::Key("a".to_owned()),
            PathSegment::Key("b".to_owned()),
            PathSegment::Index(10),
            PathSegment::Key("c:,{".to_owned()),
        ];
        assert_eq!(of_segments(segments.iter()), "a.b[10][c:,{]");
        assert_eq!(of_segments([].iter()), "");
    }
}
