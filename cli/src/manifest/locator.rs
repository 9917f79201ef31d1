//! Finds the fields of an object in its file.

use std::sync::Arc;

use crate::input::Position;
#[cfg(not(target_family = "wasm"))]
use crate::rewrite::Key;
use crate::yaml::{Origin, Step};

/// Finds the fields of an object in its file. A clone is cheap.
#[derive(Debug, Clone)]
pub struct Locator {
    /// The document. Rendered objects have none.
    origin: Option<Arc<Origin>>,
    /// The steps from the document to the object.
    steps: Vec<Step>,
}

impl Locator {
    /// Creates a locator for the object that is the whole document.
    pub(crate) fn new(origin: Option<Arc<Origin>>) -> Self {
        Self { origin, steps: Vec::new() }
    }

    /// Returns the locator for an object in the object.
    #[must_use]
    pub(super) fn at(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Returns the way from the document to the object.
    #[cfg(not(target_family = "wasm"))]
    #[must_use]
    pub(crate) fn keys(&self) -> Vec<Key> {
        let key = |step: &Step| match step {
            Step::Key(name) => Key::Name((*name).to_owned()),
            Step::Item(index) => Key::Index(*index),
        };
        self.steps.iter().map(key).collect()
    }

    /// Returns the position of a field with a path as findings have it, such as `spec.containers[0].image`: of its key, or of the
    /// first token of an item. Returns the position of the closest parent if the field is unset.
    ///
    /// The first call parses the document again. Rendered objects have no positions.
    #[must_use]
    pub fn position(&self, path: &str) -> Option<Position> {
        self.origin.as_ref()?.position(&self.steps, path)
    }
}
