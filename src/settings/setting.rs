//! A key of the settings, and the strings that a setting accepts.

/// A key of the settings.
#[derive(Debug)]
pub struct Setting<K: 'static> {
    /// The key, as settings write it.
    pub key: &'static str,
    /// The key in words, for a form.
    pub label: &'static str,
    /// What the setting does, in whole sentences of Markdown.
    pub doc: &'static str,
    /// What the setting accepts, and its default.
    pub kind: K,
}

/// What a string must be.
#[derive(Debug)]
pub struct Format {
    /// Checks a string. The error is the rest of a sentence that begins with the path.
    pub check: fn(&str) -> Result<(), String>,
    /// What the check demands, as far as JSON Schema can express it.
    pub demands: &'static [Demand],
    /// The strings to choose from, if they can be listed.
    pub choices: Option<fn() -> Choices>,
}

/// What JSON Schema can demand of a string. Patterns are regular expressions of ECMA 262.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It is not empty.
    NotEmpty,
    /// It matches a pattern.
    Matches(&'static str),
    /// It does not match a pattern.
    MatchesNot(&'static str),
}

/// Strings to choose from.
#[derive(Debug)]
pub struct Choices {
    /// The strings.
    pub words: Vec<&'static str>,
    /// A pattern of other spellings of the strings, if there are any.
    pub other_spellings: Option<&'static str>,
}

/// Checks that a string is not empty.
///
/// # Errors
/// If it is.
pub fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(()) }
}

/// Any string but the empty one.
pub const NOT_EMPTY: Format = Format { check: not_empty, demands: &[Demand::NotEmpty], choices: None };

/// Any string.
pub const ANY_TEXT: Format = Format { check: |_| Ok(()), demands: &[], choices: None };

/// Returns the words without their meanings.
pub(super) fn names<T>(words: &'static [(&'static str, T)]) -> impl Iterator<Item = &'static str> {
    words.iter().map(|(name, _)| *name)
}
