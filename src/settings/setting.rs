//! A key of the settings, and the strings that a setting accepts.

/// The declaration of a key.
#[derive(Debug)]
pub struct Setting<K: 'static> {
    /// The key in the settings.
    pub key: &'static str,
    /// The label in forms.
    pub label: &'static str,
    /// The documentation: Markdown, in full sentences.
    pub doc: &'static str,
    /// The accepted values and the default.
    pub kind: K,
}

/// A format of strings.
#[derive(Debug)]
pub struct Format {
    /// Checks a string. The error is the rest of a sentence that begins with the path.
    pub check: fn(&str) -> Result<(), String>,
    /// The part of the check that JSON Schema can express.
    pub demands: &'static [Demand],
    /// The accepted strings, if they can be listed.
    pub choices: Option<fn() -> Choices>,
}

/// A requirement for a string that JSON Schema can express. Patterns are regular expressions of ECMA 262.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The string is not empty.
    NotEmpty,
    /// The string matches a pattern.
    Matches(&'static str),
    /// The string does not match a pattern.
    MatchesNot(&'static str),
}

/// The accepted strings of a format.
#[derive(Debug)]
pub struct Choices {
    /// The strings.
    pub words: Vec<&'static str>,
    /// A pattern of other accepted spellings, if there are any.
    pub other_spellings: Option<&'static str>,
}

/// Checks that a string is not empty.
///
/// # Errors
/// If the string is empty.
pub fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(()) }
}

/// Accepts any string except the empty one.
pub const NOT_EMPTY: Format = Format { check: not_empty, demands: &[Demand::NotEmpty], choices: None };

/// Accepts any string.
pub const ANY_TEXT: Format = Format { check: |_| Ok(()), demands: &[], choices: None };

/// Returns the words without their meanings.
pub(super) fn names<T>(words: &'static [(&'static str, T)]) -> impl Iterator<Item = &'static str> {
    words.iter().map(|(name, _)| *name)
}
