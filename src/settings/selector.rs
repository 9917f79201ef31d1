//! Which containers an entry of the settings is about: by image, by name and by namespace.

use super::declaration::{Demand, Format, OptionalTexts, Setting, not_empty};
use super::image_pattern::ImagePattern;
use super::reader::ObjectReader;
use super::wildcard;
use crate::kubernetes::image_reference::ImageReference;
use crate::text::quoted;

/// The maximum number of characters of a name that is a DNS label.
pub const MAX_LABEL_LENGTH: usize = 63;

/// A pattern that can match the name of a container or a namespace.
const LABEL_PATTERN: Format = Format {
    check: check_label,
    demands: &[Demand::NotEmpty, Demand::Matches("^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$")],
    choices: None,
};

/// A pattern that can match an image.
pub const IMAGE_PATTERN: Format =
    Format { check: ImagePattern::check, demands: &[Demand::NotEmpty], choices: None };

/// `images`: which images.
pub const IMAGES: Setting<OptionalTexts> = Setting {
    key: "images",
    label: "Images",
    doc: "Images as pod specs write them. `*` matches any characters within one segment of the path. An entry without a tag \
          matches every tag.",
    kind: OptionalTexts { format: &IMAGE_PATTERN, may_be_empty: false },
};

/// `containers`: which containers.
pub const CONTAINERS: Setting<OptionalTexts> = Setting {
    key: "containers",
    label: "Container names",
    doc: "Container names. `*` matches any characters.",
    kind: OptionalTexts { format: &LABEL_PATTERN, may_be_empty: false },
};

/// `namespaces`: in which namespaces.
pub const NAMESPACES: Setting<OptionalTexts> = Setting {
    key: "namespaces",
    label: "Namespaces",
    doc: "Namespaces of the object. `*` matches any characters.",
    kind: OptionalTexts { format: &LABEL_PATTERN, may_be_empty: false },
};

/// Selects containers. Every key that is set must match, by any of its entries.
#[derive(Debug)]
pub struct Selector<'s> {
    images: Option<Vec<ImagePattern<'s>>>,
    containers: Option<Vec<&'s str>>,
    namespaces: Option<Vec<&'s str>>,
}

impl<'s> Selector<'s> {
    /// Reads the keys `images`, `containers` and `namespaces`.
    pub fn read(reader: &mut ObjectReader<'_, 's>) -> Self {
        let images = reader.get(&IMAGES);
        let containers = reader.get(&CONTAINERS);
        let namespaces = reader.get(&NAMESPACES);
        let images = images.map(|images| images.into_iter().map(ImagePattern::new).collect());
        Self { images, containers, namespaces }
    }

    /// Whether it selects by image.
    #[must_use]
    pub fn has_images(&self) -> bool {
        self.images.is_some()
    }

    /// Whether it can select a container in a namespace.
    #[must_use]
    pub fn includes_namespace(&self, namespace: &str) -> bool {
        is_any_of(self.namespaces.as_ref(), namespace)
    }

    /// Whether it selects a container, in a namespace that it includes, by its name and its image, if it has them. The image is
    /// parsed only if it matters.
    pub fn matches<'i>(
        &self,
        container: Option<&str>,
        image: impl FnOnce() -> Option<&'i ImageReference<'i>>,
    ) -> bool {
        let has_image = |patterns: &Vec<ImagePattern<'_>>| {
            image().is_some_and(|image| patterns.iter().any(|pattern| pattern.matches(image)))
        };
        let has_name =
            |name: &str| name.len() <= MAX_LABEL_LENGTH && is_any_of(self.containers.as_ref(), name);
        (self.containers.is_none() || container.is_some_and(has_name))
            && self.images.as_ref().is_none_or(has_image)
    }
}

/// Whether a text matches one of the patterns; without patterns, any text does.
#[must_use]
pub fn is_any_of(patterns: Option<&Vec<&str>>, text: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| wildcard::matches_segments(pattern, text)))
}

fn check_label(pattern: &str) -> Result<(), String> {
    not_empty(pattern)?;
    let is_label_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let can_match = pattern.bytes().all(|byte| byte == b'*' || is_label_byte(byte))
        && !pattern.starts_with('-')
        && !pattern.ends_with('-')
        && pattern.bytes().filter(|byte| *byte != b'*').count() <= MAX_LABEL_LENGTH;
    if can_match {
        return Ok(());
    }
    Err(format!("{} can never match: names are lower case letters, digits and dashes", quoted(pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_pattern_has_at_most_63_bytes_beside_its_stars() {
        let pattern = |length| format!("*{}*", "a".repeat(length));
        assert_eq!(check_label(&pattern(63)), Ok(()));
        assert_eq!(
            check_label(&pattern(64)),
            Err(format!(
                "{} can never match: names are lower case letters, digits and dashes",
                quoted(&pattern(64))
            ))
        );
    }
}
