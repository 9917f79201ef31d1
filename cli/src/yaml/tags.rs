//! The tags of values.

use std::borrow::Cow;

use immutable_pods_policy::text::printable;

use super::compose::Composed;
use super::failure::Failure;
use super::scalar::Tag;
use crate::input::Position;

/// The prefix of the tags that are written with `!!`.
const TAGS: &str = "tag:yaml.org,2002:";

/// Returns the name of a tag that is written with `!!`.
pub(super) fn tag_name(tag: &granit_parser::Tag, at: Position) -> Composed<Cow<'_, str>> {
    if tag.original() == "!" {
        return Ok("str".into());
    }
    let is_known = |name: &Cow<'_, str>| Tag::named(name).is_some() || name == "merge";
    tag.suffix_in_namespace(TAGS).filter(is_known).ok_or_else(|| unknown_tag(&tag.original(), at))
}

pub(super) fn check_collection_tag(
    tag: Option<&granit_parser::Tag>,
    expected: &str,
    at: Position,
) -> Composed {
    let Some(tag) = tag else { return Ok(()) };
    // kubectl ignores the tags of collections.
    if tag.original() == "!" || tag.suffix_in_namespace(TAGS).is_some_and(|name| name == expected) {
        return Ok(());
    }
    Err(unknown_tag(&tag.original(), at))
}

pub(super) fn unknown_tag(tag: &str, at: Position) -> Failure {
    Failure::at(at, format!("the tag `{}` is not supported", printable(tag)))
}
