//! Finds the position of a field path such as `spec.containers[0].image`.

use immutable_pods_policy::kubernetes::field_path::push_key;

use super::node::{Content, Entry, Node};
use crate::input::Position;

/// A step from a document to an object in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The value of a key.
    Key(&'static str),
    /// An item of a list, from 0.
    Item(usize),
}

/// Returns the position of a field in an object of a document, or of its closest parent.
///
/// The position of an entry is its key, and the position of an item is its first token.
pub(super) fn locate(root: &Node, steps: &[Step], path: &str) -> Position {
    let mut place = Place { node: root, position: root.position };
    for step in steps {
        match place.step(*step) {
            Some(next) => place = next,
            None => return place.position,
        }
    }
    // The key of an object, such as `object:`, is not a part of the object.
    if !steps.is_empty() {
        place.position = place.node.position;
    }
    let mut rest = path;
    while let Some((next, after)) = place.follow(rest) {
        place = next;
        rest = after;
    }
    place.position
}

/// A node and its position in reports.
#[derive(Clone, Copy)]
struct Place<'n> {
    node: &'n Node,
    position: Position,
}

impl<'n> Place<'n> {
    fn of_entry(entry: &'n Entry) -> Self {
        Self { node: &entry.value, position: entry.key }
    }

    fn of_item(node: &'n Node) -> Self {
        Self { node, position: node.position }
    }

    fn step(self, step: Step) -> Option<Self> {
        match (step, self.node.content()) {
            (Step::Key(key), Content::Mapping(entries)) => entries.get(key).map(Self::of_entry),
            (Step::Item(index), Content::Sequence(items)) => items.get(index).map(Self::of_item),
            _ => None,
        }
    }

    /// Follows the first part of a path. Returns the place and the rest of the path.
    fn follow(self, path: &str) -> Option<(Self, &str)> {
        match self.node.content() {
            Content::Sequence(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let item = items.get(index.parse::<usize>().ok()?)?;
                Some((Self::of_item(item), rest))
            }
            Content::Mapping(entries) => {
                let rest = path.strip_prefix('.').unwrap_or(path);
                let plain = rest.find(['.', '[']).map_or(rest, |end| rest.get(..end).unwrap_or_default());
                if let Some(entry) = entries.get(plain).filter(|_| !plain.is_empty()) {
                    return Some((Self::of_entry(entry), rest.get(plain.len()..)?));
                }
                // A key can contain any character, and can be truncated, so the keys are written like the path.
                let found = entries.iter().filter_map(|(key, entry)| Some((entry, after_key(rest, key)?)));
                let (entry, rest) = found.min_by_key(|(_, rest)| rest.len())?;
                Some((Self::of_entry(entry), rest))
            }
            Content::Scalar(_) | Content::Shared(_) => None,
        }
    }
}

/// Returns the path after a key, if the path begins with the key.
fn after_key<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let mut written = String::new();
    push_key(&mut written, key);
    path.strip_prefix(written.as_str()).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}
