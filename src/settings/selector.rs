//! What settings choose containers by: their images, their names and their namespaces.
//!
//! - `images`: images as pod specs name them. `*` stands for any run of characters within a segment, which ends at a `/`.
//!   Without a tag, an entry means every tag.
//! - `containers`: names of containers, with `*` as in `images`.
//! - `namespaces`: names of namespaces, with `*` as in `images`.

use crate::kubernetes::image_reference::{ImagePattern, ImageReference};
use crate::settings::reader::{Check, Options, not_empty};
use crate::settings::wildcard;
use crate::text::quoted;

/// The most characters of a name in Kubernetes that is a DNS label.
pub const LABEL_LENGTH: usize = 63;

/// Chooses containers. Every key that is given must match, by any of its entries.
#[derive(Debug)]
pub struct Selector<'s> {
    images: Option<Vec<ImagePattern<'s>>>,
    containers: Option<Vec<&'s str>>,
    namespaces: Option<Vec<&'s str>>,
}

impl<'s> Selector<'s> {
    /// Reads the keys `images`, `containers` and `namespaces`.
    pub fn new(options: &mut Options<'_, 's>) -> Self {
        let images = patterns(options, "images", ImagePattern::check);
        let containers = patterns(options, "containers", check_label);
        let namespaces = patterns(options, "namespaces", check_label);
        let images = images.map(|images| images.into_iter().map(ImagePattern::new).collect());
        Self { images, containers, namespaces }
    }

    /// Whether it chooses anything in a namespace.
    #[must_use]
    pub fn fits(&self, namespace: &str) -> bool {
        is_any_of(self.namespaces.as_ref(), namespace)
    }

    /// Whether it chooses a container in a namespace that fits, by its name and its image, where it has them. The image is
    /// asked for only where it matters.
    pub fn matches<'i>(
        &self,
        container: Option<&str>,
        image: impl FnOnce() -> Option<&'i ImageReference<'i>>,
    ) -> bool {
        let has_image = |patterns: &Vec<ImagePattern<'_>>| {
            image().is_some_and(|image| patterns.iter().any(|pattern| pattern.matches(image)))
        };
        let has_name = |name: &str| name.len() <= LABEL_LENGTH && is_any_of(self.containers.as_ref(), name);
        (self.containers.is_none() || container.is_some_and(has_name))
            && self.images.as_ref().is_none_or(has_image)
    }
}

/// Whether a text matches one of the patterns, if there are any.
#[must_use]
pub fn is_any_of(patterns: Option<&Vec<&str>>, text: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| wildcard::matches_segments(pattern, text)))
}

/// A list of patterns that has something in it, where it is given.
pub fn patterns<'s>(options: &mut Options<'_, 's>, key: &'static str, check: Check) -> Option<Vec<&'s str>> {
    options.refuse_empty(key);
    options.strings_if_given(key, check)
}

fn check_label(pattern: &str) -> Result<(), String> {
    not_empty(pattern)?;
    let is_label_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let can_match = pattern.bytes().all(|byte| byte == b'*' || is_label_byte(byte))
        && !pattern.starts_with('-')
        && !pattern.ends_with('-')
        && pattern.bytes().filter(|byte| *byte != b'*').count() <= LABEL_LENGTH;
    if can_match {
        return Ok(());
    }
    Err(format!("{} can never match: names are lower case letters, digits and dashes", quoted(pattern)))
}
