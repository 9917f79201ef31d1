//! A tree of values with their positions.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::input::Position;

/// A value, with the position of its first token.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) content: Content,
}

/// The content of a node.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// A value without children.
    Scalar(Value),
    /// The items of a list.
    Sequence(Vec<Node>),
    /// The entries of a mapping.
    Mapping(Entries),
    /// A node that aliases repeat. They share it, because a copy for each alias could fill the memory.
    Shared(Arc<Node>),
}

/// The entries of a mapping.
pub(super) type Entries = BTreeMap<String, Entry>;

/// An entry of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The position of the key.
    pub(super) key: Position,
    pub(super) value: Node,
    /// Whether the mapping contains the key itself, not only a mapping that is merged into it.
    pub(super) own: bool,
}

impl Node {
    /// Returns the content, also through an alias.
    pub(super) fn content(&self) -> &Content {
        match &self.content {
            Content::Shared(node) => node.content(),
            content => content,
        }
    }

    /// Converts the tree to a value without positions.
    pub(super) fn into_value(self) -> Value {
        match self.content {
            Content::Scalar(value) => value,
            Content::Sequence(items) => items.into_iter().map(Self::into_value).collect(),
            Content::Mapping(entries) => {
                entries.into_iter().map(|(key, entry)| (key, entry.value.into_value())).collect()
            }
            Content::Shared(node) => Arc::unwrap_or_clone(node).into_value(),
        }
    }
}
