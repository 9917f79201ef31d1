//! Builds the tree of a YAML document from the events of its parser, like `decode.go` in `go.yaml.in/yaml/v2`.
//!
//! The composer keeps its own stack, so that nesting cannot overflow the stack of the thread.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::btree_map;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use immutable_pods_policy::text::printable;

use super::binary;
use super::failure::{Failure, FailureKind, position};
use super::indent;
use super::indicators::{check_anchor, check_flow_text};
use super::key;
use super::merge;
use super::node::{Content, Entries, Entry, Node};
use super::scalar::{self, Resolved, Tag};
use super::surrogates;
use super::tags::{check_collection_tag, tag_name, unknown_tag};
use crate::input::{Position, Problem};

/// Maximum nesting depth. Manifests are far below it, and code that walks a value may recurse.
const MAX_DEPTH: usize = 64;
/// Maximum size of a document: the pods of a large cluster in one list.
const MAX_NODES: usize = 10_000_000;
/// Maximum number of values that aliases repeat. Aliases multiply: a few lines can repeat billions of values.
const MAX_REPEATED: usize = 100_000;
/// Maximum number of repairs of a document, which is parsed again after each.
const MAX_REPAIRS: usize = 50;

/// Returns the tree of a document that starts at a line of a file. An empty document has none.
pub(super) fn compose(text: &str, first_line: u64) -> Result<Option<Node>, Problem> {
    check_line_breaks(text, first_line).map_err(Failure::into_problem)?;
    let mut text = Cow::Borrowed(text);
    for _ in 0..MAX_REPAIRS {
        match Composer::new(&text, first_line).compose() {
            Ok(root) => return Ok(root),
            Err(failure) => match repaired(&text, failure.kind) {
                Some(repaired) => text = Cow::Owned(repaired),
                None => return Err(failure.into_problem()),
            },
        }
    }
    Composer::new(&text, first_line).compose().map_err(Failure::into_problem)
}

/// Returns the text as the parser accepts it, if it is only stricter than kubectl.
fn repaired(text: &str, kind: FailureKind) -> Option<String> {
    match kind {
        FailureKind::QuotedIndentation => indent::repair(text),
        FailureKind::UnquotedDash(at) => {
            let (before, rest) = text.split_at_checked(at)?;
            Some(format!("{before}'-'{}", rest.strip_prefix('-')?))
        }
        FailureKind::Other => None,
    }
}

/// Refuses characters that end a line in YAML 1.1, but not for the parser: they could hide text in a comment.
fn check_line_breaks(text: &str, first_line: u64) -> Composed {
    let is_foreign = |character| matches!(character, '\u{85}' | '\u{2028}' | '\u{2029}');
    if text.is_ascii() || !text.contains(is_foreign) {
        return Ok(());
    }
    let before = text.split(is_foreign).next().unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    let position = Position {
        line: first_line + before.matches('\n').count() as u64,
        column: 1 + line.chars().count() as u64,
    };
    Err(Failure::at(
        position,
        "kubectl reads this character as the end of a line: write its escape in double quotes",
    ))
}

/// A collection that is not complete.
#[derive(Debug)]
struct Frame {
    position: Position,
    anchor: usize,
    /// The number of nodes before the collection.
    nodes_before: usize,
    /// The height of the highest child.
    height: usize,
    collection: Collection,
}

#[derive(Debug)]
enum Collection {
    Sequence(Vec<Node>),
    Mapping { entries: Entries, key: Option<Key> },
}

/// A key whose value follows.
#[derive(Debug)]
enum Key {
    /// `<<`: the value is merged into the mapping.
    Merge,
    Text(String, Position),
}

/// A complete node.
#[derive(Debug)]
struct Complete {
    node: Node,
    /// The number of collections on the longest path in the node.
    height: usize,
    is_alias: bool,
}

/// A node that aliases can repeat.
#[derive(Debug)]
struct Anchored {
    node: Arc<Node>,
    height: usize,
    nodes: usize,
}

struct Composer<'t> {
    text: &'t str,
    /// The line of the text in its file.
    first_line: u64,
    frames: Vec<Frame>,
    /// The number of open collections in flow style.
    flow_depth: usize,
    root: Option<Node>,
    /// The number of documents that started.
    documents: usize,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    repeated: usize,
}

pub(super) type Composed<T = ()> = Result<T, Failure>;

impl<'t> Composer<'t> {
    fn new(text: &'t str, first_line: u64) -> Self {
        Self {
            text,
            first_line,
            frames: Vec::new(),
            flow_depth: 0,
            root: None,
            documents: 0,
            anchors: HashMap::new(),
            nodes: 0,
            repeated: 0,
        }
    }

    fn compose(mut self) -> Composed<Option<Node>> {
        let options = granit_parser::options! {
            emit_anchor_events: true,
            emit_comments: false,
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut parser = Parser::new_from_str_with_options(self.text, options);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| Failure::of_parser(&error, self.first_line))?;
            self.event(event, span)?;
        }
        Ok(self.root)
    }

    fn event(&mut self, event: Event<'t>, span: Span) -> Composed {
        let at = position(span.start, self.first_line);
        let tag_at = span.tag_start.map_or(at, |start| position(start, self.first_line));
        match event {
            Event::DocumentStart(..) => self.start_document(at),
            Event::Scalar(text, style, anchor, tag) => {
                let name = tag.as_deref().map(|tag| tag_name(tag, tag_at)).transpose()?;
                surrogates::check(self.text, &text, style, span, at)?;
                if style == ScalarStyle::Plain && self.flow_depth > 0 {
                    check_flow_text(self.text, &text, span, at)?;
                }
                self.scalar(text, style, anchor, name.as_deref(), at)
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.flow_depth += usize::from(style == StructureStyle::Flow);
                check_collection_tag(tag.as_deref(), "seq", tag_at)?;
                self.start(Collection::Sequence(Vec::new()), anchor, at)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.flow_depth += usize::from(style == StructureStyle::Flow);
                check_collection_tag(tag.as_deref(), "map", tag_at)?;
                self.start(Collection::Mapping { entries: Entries::new(), key: None }, anchor, at)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Anchor(_, name) => check_anchor(&name, at),
            Event::Alias(anchor) => self.alias(anchor, at),
            Event::UnresolvedAlias(name) => {
                Err(Failure::at(at, format!("the alias `*{name}` does not have an anchor above it")))
            }
            _ => Ok(()),
        }
    }

    /// kubectl reads the first document only. A document after `...` would be ignored.
    fn start_document(&mut self, at: Position) -> Composed {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Failure::at(
                at,
                "kubectl ignores a document after `...`: separate documents with `---`",
            ));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        mut text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&str>,
        at: Position,
    ) -> Composed {
        self.count(1, at)?;
        let fail = |message| Failure::at(at, message);
        let is_plain = style == ScalarStyle::Plain;
        let is_key = self.expects_key();
        if is_key && text == "<<" && (tag == Some("merge") || (tag.is_none() && is_plain)) {
            self.set_key(Key::Merge);
            return Ok(());
        }
        let resolved = match tag {
            Some(name) => {
                let tag = Tag::named(name).ok_or_else(|| unknown_tag(&format!("!!{name}"), at))?;
                if tag == Tag::Binary {
                    text = binary::decode(&text).map_err(fail)?.into();
                }
                tag.resolve(&text).map_err(fail)?
            }
            None if is_plain => scalar::resolve(&text),
            None => Resolved::Text,
        };
        let key = if is_key { Some(key::of_scalar(resolved, &text).map_err(fail)?) } else { None };
        if let Some(key) = key {
            self.set_key(Key::Text(key, at));
            if anchor == 0 {
                return Ok(());
            }
        }
        let value = scalar::value(resolved, text.into_owned()).map_err(fail)?;
        let node = self.anchored(Node { position: at, content: Content::Scalar(value) }, anchor, 0, 1);
        if is_key { Ok(()) } else { self.complete(Complete { node, height: 0, is_alias: false }) }
    }

    fn start(&mut self, collection: Collection, anchor: usize, position: Position) -> Composed {
        self.count(1, position)?;
        if self.frames.len() >= MAX_DEPTH {
            return Err(Failure::at(position, too_deep()));
        }
        let nodes_before = self.nodes - 1;
        self.frames.push(Frame { position, anchor, nodes_before, height: 0, collection });
        Ok(())
    }

    fn end(&mut self) -> Composed {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        // A flow collection contains only flow collections.
        self.flow_depth = self.flow_depth.saturating_sub(1);
        let content = match frame.collection {
            Collection::Sequence(items) => Content::Sequence(items),
            Collection::Mapping { entries, .. } => Content::Mapping(entries),
        };
        let (height, nodes) = (frame.height + 1, self.nodes - frame.nodes_before);
        let node = Node { position: frame.position, content };
        let node = self.anchored(node, frame.anchor, height, nodes);
        self.complete(Complete { node, height, is_alias: false })
    }

    fn alias(&mut self, anchor: usize, at: Position) -> Composed {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(Failure::at(at, "the alias is in the value that it repeats"));
        };
        let (height, nodes) = (anchored.height, anchored.nodes);
        let node = Node { position: at, content: Content::Shared(Arc::clone(&anchored.node)) };
        self.repeated += nodes;
        if self.repeated > MAX_REPEATED {
            return Err(Failure::at(at, format!("aliases repeat more than {MAX_REPEATED} values")));
        }
        if self.frames.len() + height > MAX_DEPTH {
            return Err(Failure::at(at, too_deep()));
        }
        self.count(nodes, at)?;
        self.complete(Complete { node, height, is_alias: true })
    }

    /// Returns the node. Keeps it for aliases if it has an anchor.
    fn anchored(&mut self, node: Node, anchor: usize, height: usize, nodes: usize) -> Node {
        if anchor == 0 {
            return node;
        }
        let (position, node) = (node.position, Arc::new(node));
        self.anchors.insert(anchor, Anchored { node: Arc::clone(&node), height, nodes });
        Node { position, content: Content::Shared(node) }
    }

    fn count(&mut self, nodes: usize, at: Position) -> Composed {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(Failure::at(at, format!("a document with more than {MAX_NODES} values")));
        }
        Ok(())
    }

    /// Returns whether the next node is a key of a mapping.
    fn expects_key(&self) -> bool {
        let collection = self.frames.last().map(|frame| &frame.collection);
        matches!(collection, Some(Collection::Mapping { key: None, .. }))
    }

    fn set_key(&mut self, next: Key) {
        if let Some(Collection::Mapping { key, .. }) =
            self.frames.last_mut().map(|frame| &mut frame.collection)
        {
            *key = Some(next);
        }
    }

    /// Adds a node to the collection that contains it.
    fn complete(&mut self, complete: Complete) -> Composed {
        let Complete { node, height, is_alias } = complete;
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.height = frame.height.max(height);
        match &mut frame.collection {
            Collection::Sequence(items) => items.push(node),
            Collection::Mapping { entries, key } => match key.take() {
                Some(Key::Text(name, at)) => insert(entries, name, at, node)?,
                Some(Key::Merge) => merge::merge(entries, &node, is_alias)?,
                None => {
                    let at = node.position;
                    let name = key::of_node(&node).map_err(|message| Failure::at(at, message))?;
                    *key = Some(Key::Text(name, at));
                }
            },
        }
        Ok(())
    }
}

/// Adds an entry that the mapping contains itself.
fn insert(entries: &mut Entries, name: String, at: Position, value: Node) -> Composed {
    let entry = Entry { key: at, value, own: true };
    match entries.entry(name) {
        btree_map::Entry::Occupied(mut occupied) => {
            if occupied.insert(entry).own {
                let message = format!("duplicate key `{}` in a mapping", printable(occupied.key()));
                return Err(Failure::at(at, message));
            }
        }
        btree_map::Entry::Vacant(vacant) => {
            vacant.insert(entry);
        }
    }
    Ok(())
}

pub(super) fn too_deep() -> String {
    format!("nested deeper than {MAX_DEPTH} levels")
}
