//! Field paths as Kubernetes writes them: `spec.containers[1].image`, `metadata.annotations[example.com/key]`.

use std::cmp::Ordering;

use crate::text::{SHOWN, push_printable};
use json_view as json;
use json_view::Text;

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

/// The path of the JSON value that was read last when `consumed` bytes of `json` had been read.
///
/// For messages about what could not be read: the reader knows the byte, the user looks for the field. What is
/// not JSON gives the path to the place where it stops being JSON.
#[must_use]
pub fn at_offset(json: &[u8], consumed: usize) -> String {
    let mut open = Vec::new();
    let mut string: Option<(usize, bool)> = None;
    let mut last_string: &[u8] = &[];
    for (position, &byte) in json.iter().enumerate().take(consumed) {
        if let Some((start, escaped)) = string {
            string = match byte {
                b'"' if !escaped => {
                    last_string = json.get(start..=position).unwrap_or_default();
                    None
                }
                _ => Some((start, byte == b'\\' && !escaped)),
            };
            continue;
        }
        match byte {
            b'"' => string = Some((position, false)),
            b'{' => open.push(Place::Object(None)),
            b'[' => open.push(Place::List(0)),
            b'}' | b']' => _ = open.pop(),
            b':' => {
                if let Some(Place::Object(key)) = open.last_mut() {
                    *key = Some(last_string);
                }
            }
            b',' => match open.last_mut() {
                Some(Place::Object(key)) => *key = None,
                Some(Place::List(index)) => *index += 1,
                None => {}
            },
            _ => {}
        }
    }
    render(&open)
}

/// Where a reader stands in an object or a list that it has not yet read to the end.
enum Place<'a> {
    /// After the colon behind a key, which is still written as in JSON; before that, none.
    Object(Option<&'a [u8]>),
    List(usize),
}

fn render(open: &[Place<'_>]) -> String {
    let mut path = String::new();
    for place in open {
        match place {
            Place::Object(Some(key)) => {
                push_key(&mut path, &json::from_slice::<Text<'_>>(key).unwrap_or_default());
            }
            Place::Object(None) => {}
            Place::List(index) => push_index(&mut path, *index),
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
    fn finds_the_path_of_what_was_read_last() {
        let json = br#"{"a": {"b": [10, {"c:,{": "x\"}"}], "d": null}}"#;
        let at = |needle: &str| {
            let text = std::str::from_utf8(json).unwrap();
            at_offset(json, text.find(needle).unwrap() + needle.len())
        };
        assert_eq!(at("{"), "");
        assert_eq!(at(r#""a""#), "");
        assert_eq!(at(r#""a":"#), "a");
        assert_eq!(at("10"), "a.b[0]");
        assert_eq!(at(r#"x\"}""#), r"a.b[1][c:,{]");
        assert_eq!(at(r#"}"}"#), "a.b[1]");
        assert_eq!(at("]"), "a.b");
        assert_eq!(at("null"), "a.d");
        assert_eq!(at("null}"), "a");
    }

    #[test]
    fn survives_what_is_not_json() {
        for garbage in [&b"}}]]"[..], b"\"\\", b"{\"\\ud800\":", b"\xff\xfe{,:", b""] {
            for consumed in 0..=garbage.len() + 1 {
                let _ = at_offset(garbage, consumed);
            }
        }
    }
}
