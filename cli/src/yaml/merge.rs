//! Merge keys: `<<: *base`.

use super::compose::Composed;
use super::failure::Failure;
use super::node::{Content, Entries, Entry, Node};

/// Merges a mapping, or each mapping of a sequence, into the entries above the merge key.
///
/// The library merges at once: an entry above the merge key is replaced, and an entry below it replaces.
pub(super) fn merge(entries: &mut Entries, node: &Node, is_alias: bool) -> Composed {
    match node.content() {
        Content::Mapping(merged) => insert_all(entries, merged),
        Content::Sequence(items) if !is_alias => {
            // The first mapping wins.
            for item in items.iter().rev() {
                let Content::Mapping(merged) = item.content() else { return Err(not_a_mapping(item)) };
                insert_all(entries, merged);
            }
        }
        _ => return Err(not_a_mapping(node)),
    }
    Ok(())
}

fn insert_all(entries: &mut Entries, merged: &Entries) {
    for (name, from) in merged {
        let own = entries.get(name).is_some_and(|entry| entry.own);
        entries.insert(name.clone(), Entry { key: from.key, value: from.value.clone(), own });
    }
}

fn not_a_mapping(node: &Node) -> Failure {
    Failure::at(node.position, "`<<`: expected a mapping or a sequence of mappings")
}
