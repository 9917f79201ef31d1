//! A recording with the answers to host calls.

use std::path::{Path, PathBuf};

use immutable_pods::Interactions;
use immutable_pods::input::InputError;

use super::streams::Errors;

/// The recording of a command.
pub(super) struct Recording {
    file: PathBuf,
    pub(super) interactions: Interactions,
}

impl Recording {
    pub(super) fn read(file: &Path) -> Result<Self, InputError> {
        Ok(Self { file: file.to_owned(), interactions: Interactions::read(file)? })
    }

    /// Warns about answers that were not used: the verdicts may differ from the recorded ones.
    pub(super) fn warn_about_leftovers(&self, errors: &mut Errors) {
        let left = self.interactions.left();
        if left > 0 {
            errors.warn(&format!("{}: unused answers: {left}", self.file.display()));
        }
    }
}
