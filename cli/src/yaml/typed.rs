//! Reads YAML into a type. kubectl never reads such files, so `serde-saphyr` decides how scalars are read.

use serde::de::DeserializeOwned;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{MessageFormatter, Options, UserMessageFormatter};

use crate::input::{InputError, Position, Problem, Source};

/// Reads the content of a file that is one YAML document with a `T`.
pub(crate) fn parse_as<T: DeserializeOwned>(file: &str, text: &[u8]) -> Result<T, InputError> {
    serde_saphyr::from_slice_with_options(text, options())
        .map_err(|error| InputError::new(Source::file(file), problem(&error)))
}

fn options() -> Options {
    serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        with_snippet: false,
    }
}

fn problem(error: &serde_saphyr::Error) -> Problem {
    Problem::Syntax {
        position: error
            .location()
            .map(|location| Position { line: location.line(), column: location.column() }),
        message: message(error),
    }
}

/// Returns the message of a YAML error.
pub(crate) fn message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error {
        Error::AliasError { error, .. } => message(error),
        // The parser reads from memory, so only the encoding can be wrong.
        Error::IOError { .. } | Error::InvalidUtf8Input => "not UTF-8 text".to_owned(),
        error => UserMessageFormatter.format_message(error).into_owned(),
    }
}
