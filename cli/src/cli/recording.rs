//! A recording with the answers to host calls.

use std::path::{Path, PathBuf};

use immutable_pods::input::InputError;
use immutable_pods::{Interactions, Policy};

use super::streams::Errors;

/// The recording of a command. All clones share the position in the recording.
#[derive(Clone)]
pub(super) struct Recording {
    file: PathBuf,
    interactions: Interactions,
}

impl Recording {
    pub(super) fn read(file: &Path) -> Result<Self, InputError> {
        Ok(Self { file: file.to_owned(), interactions: Interactions::read(file)? })
    }

    /// Returns the same recording with its own position.
    pub(super) fn with_own_position(&self) -> Self {
        Self { file: self.file.clone(), interactions: self.interactions.with_own_position() }
    }

    /// Returns the same recording with its own position, whose answers can be used in any order.
    pub(super) fn in_any_order(&self) -> Self {
        Self { file: self.file.clone(), interactions: self.interactions.in_any_order() }
    }

    /// Returns a policy whose host answers from the recording.
    pub(super) fn given_to(&self, policy: &Policy) -> Policy {
        policy.replaying(&self.interactions)
    }

    /// Warns about answers that were not used: the verdicts may differ from the recorded ones.
    pub(super) fn warn_about_leftovers(&self, errors: &mut Errors) {
        let left = self.interactions.left();
        if left > 0 {
            errors.warn(&format!("{}: unused answers: {left}", self.file.display()));
        }
    }
}
