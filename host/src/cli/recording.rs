//! A recording that answers what the policy asks its host.

use std::path::{Path, PathBuf};

use immutable_pods_host::Interactions;
use immutable_pods_host::input::InputError;

use super::streams::Errors;

/// What the policy is answered from.
pub(super) struct Recording {
    file: PathBuf,
    pub(super) interactions: Interactions,
}

impl Recording {
    pub(super) fn read(file: &Path) -> Result<Self, InputError> {
        Ok(Self { file: file.to_owned(), interactions: Interactions::read(file)? })
    }

    /// A policy that asks less than it did when it was recorded may judge something else.
    pub(super) fn tell_leftovers(&self, errors: &mut Errors) {
        let left = self.interactions.left();
        if left > 0 {
            errors.warn(&format!("{}: exchanges that were not replayed: {left}", self.file.display()));
        }
    }
}
