//! Field paths as Kubernetes writes them: `spec.containers[1].image`, `metadata.annotations[example.com/key]`.

use std::cmp::Ordering;

use crate::text::{SHOWN, push_printable};
use json_view::PathSegment;

/// Appends a key of an object. One that is longer than a message bears is cut.
pub fn push_key(path: &mut String, key: &str) {
    let plain = (1..=SHOWN).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if plain {
        push_path(path, key);
    } else {
        path.push('[');
        push_printable(path, key);
        path.push(']');
    }
}

/// Appends a path that goes on from here.
pub fn push_path(path: &mut String, rest: &str) {
    if !path.is_empty() && !rest.is_empty() && !rest.starts_with('[') {
        path.push('.');
    }
    path.push_str(rest);
}

/// Appends an index of a list.
pub fn push_index(path: &mut String, index: usize) {
    path.push('[');
    push_number(path, index);
    path.push(']');
}

/// Appends a number, which formatting takes longer for.
fn push_number(text: &mut String, number: usize) {
    if number > 9 {
        push_number(text, number / 10);
    }
    text.extend(char::from_digit(u32::try_from(number % 10).unwrap_or_default(), 10));
}

/// The path of a field of an item of a list, or of the item.
#[must_use]
pub fn of_item(list: &str, index: usize, field: &str) -> String {
    let mut path = list.to_owned();
    push_index(&mut path, index);
    push_path(&mut path, field);
    path
}

/// Orders paths by name, and indices as numbers: `containers[2]` stands before `containers[10]`.
#[must_use]
pub fn compare(left: &str, right: &str) -> Ordering {
    // Bytes of UTF-8 have the order of the characters.
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let common = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    let same = left.get(..common).unwrap_or_default();
    // What they have in common may end within a number.
    let start = same.iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |place| place + 1);
    let (left, right) = (left.get(start..).unwrap_or_default(), right.get(start..).unwrap_or_default());
    let ((left_number, left_rest), (right_number, right_rest)) = (split_number(left), split_number(right));
    if left_number.is_empty() || right_number.is_empty() {
        return left.cmp(right);
    }
    // Without leading zeros the longer number is the greater one.
    let numbers = left_number.len().cmp(&right_number.len()).then_with(|| left_number.cmp(right_number));
    numbers.then_with(|| left_rest.cmp(right_rest))
}

fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at_checked(digits).unwrap_or_default()
}

/// Writes the path of an error of the reader.
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
    fn writes_keys_and_indices_as_kubernetes_does() {
        let mut path = String::new();
        push_key(&mut path, "metadata");
        push_key(&mut path, "annotations");
        push_key(&mut path, "example.com/a\nb");
        push_index(&mut path, 3);
        push_key(&mut path, "name");
        assert_eq!(path, r"metadata.annotations[example.com/a\u{a}b][3].name");
    }

    #[test]
    fn cuts_keys_that_are_longer_than_anybody_reads() {
        let of = |length: usize| {
            let mut path = "spec".to_owned();
            push_key(&mut path, &"k".repeat(length));
            path
        };
        assert_eq!(of(128), format!("spec.{}", "k".repeat(128)));
        assert_eq!(of(129), format!("spec[{}…]", "k".repeat(128)));
    }

    #[test]
    fn orders_by_name_then_by_number() {
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
    fn writes_the_path_of_an_error() {
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
