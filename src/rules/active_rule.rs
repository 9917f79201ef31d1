//! A rule that is on, with its mode.

use std::fmt;

use super::ConfiguredRule;
use super::noexec_mounts::NoexecMounts;
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

impl<'s> ActiveRule<'s> {
    /// Returns the rule about the options of mounts, if it is this one.
    #[must_use]
    pub fn as_noexec_mounts(&self) -> Option<&NoexecMounts<'s>> {
        match &self.rule {
            ConfiguredRule::NoexecMounts(rule) => Some(rule),
            _ => None,
        }
    }
}

impl fmt::Debug for ActiveRule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {:?}", self.id, self.mode)
    }
}
