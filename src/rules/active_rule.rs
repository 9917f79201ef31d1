//! A rule that is on, with its mode.

use std::fmt;

use super::ConfiguredRule;
use crate::settings::mode::Mode;

/// A rule that is on.
pub struct ActiveRule<'s> {
    /// The name of the rule.
    pub id: &'static str,
    /// The mode, which is never [`Mode::Off`].
    pub mode: Mode,
    /// The rule with its settings.
    pub(crate) rule: ConfiguredRule<'s>,
}

impl fmt::Debug for ActiveRule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {:?}", self.id, self.mode)
    }
}
