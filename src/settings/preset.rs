//! The setting `preset`.

use super::declaration::{Setting, Word};
use super::presets::{KEY, Preset};

/// The setting `preset`.
pub const PRESET: Setting<Word<Preset>> = Setting {
    key: KEY,
    label: "Preset",
    doc: "Settings to start from. The keys beside it override single keys of the preset. `immutable` means the defaults. `baseline` and \
          `restricted` are the levels of the Pod Security Standards of Kubernetes 1.37 and disable the other rules, \
          `immutable+restricted` denies what `immutable` or `restricted` denies.",
    kind: Word { words: Preset::ALL, default: Preset::Immutable },
};
