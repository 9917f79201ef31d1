//! The compared fields of pods, in a common form. A new field of a view needs a line in each of the two modules.

pub(super) mod typed;
pub(super) mod viewed;
