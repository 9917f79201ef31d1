//! What becomes of findings: the mode of a rule, the enforcement of the policy, and what counts in an update.

use super::declaration::{Setting, Word};

/// The mode of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The rule is not evaluated.
    Off,
    /// Findings are reported as warnings, and the object is admitted.
    Warn,
    /// Findings deny the object.
    Deny,
    /// Unset fields are filled in, and the findings that are left deny the object.
    Fix,
}

impl Mode {
    /// The mode as settings write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Deny => "deny",
            Self::Fix => "fix",
        }
    }
}

/// `enforcement`: whether findings can deny at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    /// The modes of the rules decide.
    Deny,
    /// Every denial becomes a warning.
    Warn,
}

/// `onUpdate`: what counts when an object is updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUpdate {
    /// Findings that the old object does not have.
    Changes,
    /// All findings.
    All,
}

/// The setting `enforcement`.
pub const ENFORCEMENT: Setting<Word<Enforcement>> = Setting {
    key: "enforcement",
    label: "Enforcement",
    doc: "`deny` lets the mode of each rule decide. `warn` turns every denial into a warning.",
    kind: Word {
        words: &[("deny", Enforcement::Deny), ("warn", Enforcement::Warn)],
        default: Enforcement::Deny,
    },
};

/// The setting `onUpdate`.
pub const ON_UPDATE: Setting<Word<OnUpdate>> = Setting {
    key: "onUpdate",
    label: "Findings that count in an update",
    doc: "`changes` counts only the findings that the old object does not have. `all` counts every finding of an update that can \
          change what runs.",
    kind: Word {
        words: &[("changes", OnUpdate::Changes), ("all", OnUpdate::All)],
        default: OnUpdate::Changes,
    },
};

/// What `mode` of a rule means.
pub const MODE_DOC: &str =
    "`off` disables the rule, `warn` admits the object with a warning, `deny` denies it.";

/// What mode `fix` means besides.
pub const FIX_DOC: &str =
    "`fix` fills in unset fields and denies what is left; the policy must be `mutating`.";
