//! A range of numbers in settings.

use super::declaration::{Declared, Natural, ObjectKind, Required, Setting};
use super::reader::ObjectReader;

const MIN: Setting<Required<Natural>> = Setting {
    key: "min",
    label: "First number",
    doc: "The first number of the range.",
    kind: Required { kind: Natural, instruction: "a range has a min and a max" },
};

const MAX: Setting<Required<Natural>> = Setting {
    key: "max",
    label: "Last number",
    doc: "The last number of the range.",
    kind: Required { kind: Natural, instruction: "a range has a min and a max" },
};

/// A range of numbers, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// The first number.
    pub min: i64,
    /// The last number.
    pub max: i64,
}

impl Range {
    /// Whether the range contains a number.
    #[must_use]
    pub fn contains(self, number: i64) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

impl ObjectKind for Range {
    type Value<'s> = Self;

    const SETTINGS: &'static [&'static dyn Declared] = &[&MIN, &MAX];

    fn read(reader: &mut ObjectReader<'_, '_>) -> Option<Self> {
        let (min, max) = (reader.get(&MIN), reader.get(&MAX));
        let (min, max) = (min?, max?);
        if min > max {
            reader.refuse_object(format_args!("empty range: min {min} is greater than max {max}"));
        }
        Some(Self { min, max })
    }
}

/// The ranges as messages write them: `1-9 or 20-29`.
#[must_use]
pub fn listed(ranges: &[Range]) -> String {
    let ranges: Vec<_> = ranges.iter().map(|Range { min, max }| format!("{min}-{max}")).collect();
    ranges.join(" or ")
}
