//! Where an input stands, and what is wrong with it.

use std::fmt;
use std::io;

use thiserror::Error;

/// Where a value was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file name as it was given, or `stdin`.
    pub file: String,
    /// The number of the document, from 1, when the file holds several.
    pub document: Option<usize>,
    /// The numbers of the items, from 1, that lead into nested lists.
    pub items: Vec<usize>,
}

impl Source {
    /// A whole file.
    pub fn file(name: impl Into<String>) -> Self {
        Self { file: name.into(), document: None, items: Vec::new() }
    }

    /// The item with this number, from 1, of the list that stands here.
    #[must_use]
    pub fn item(&self, number: usize) -> Self {
        let mut item = self.clone();
        item.items.push(number);
        item
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(document) = self.document {
            write!(f, ", document {document}")?;
        }
        for item in &self.items {
            write!(f, ", item {item}")?;
        }
        Ok(())
    }
}

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line in the file.
    pub line: u64,
    /// The column in the line.
    pub column: u64,
}

/// An input that cannot be judged.
#[derive(Debug, Error)]
#[error("{at}{}: {problem}", position(.problem))]
pub struct InputError {
    /// Where it was read.
    pub at: Source,
    /// What is wrong with it.
    pub problem: Problem,
}

impl InputError {
    /// A problem with what stands at `at`.
    #[must_use]
    pub fn new(at: Source, problem: Problem) -> Self {
        Self { at, problem }
    }
}

fn position(problem: &Problem) -> String {
    match problem {
        Problem::Syntax { position: Some(Position { line, column }), .. } => {
            format!(", line {line} column {column}")
        }
        _ => String::new(),
    }
}

/// What is wrong with an input.
#[derive(Debug, Error)]
pub enum Problem {
    /// It cannot be read.
    #[error("{}", read_failure(.0))]
    Read(io::Error),
    /// It is neither YAML nor JSON, or not what is expected in it.
    #[error("{message}")]
    Syntax {
        /// Where in the file the reader noticed, if it knows.
        position: Option<Position>,
        /// What the reader says about it.
        message: String,
    },
    /// A folder without manifests.
    #[error("this folder holds no file that ends in .yaml, .yml or .json")]
    EmptyFolder,
    /// A file in which nothing is to be judged.
    #[error("this file holds no Kubernetes object")]
    NoObject,
    /// Something that has no fields.
    #[error("this is {0}, not a Kubernetes object")]
    NotAMapping(&'static str),
    /// A field every Kubernetes object has is missing.
    #[error("this is not a Kubernetes object: it has no `{0}`")]
    MissingField(&'static str),
    /// A field every Kubernetes object has is no string.
    #[error("this is not a Kubernetes object: its `{field}` is {found}, not a string")]
    FieldNotAString {
        /// The field.
        field: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// An `apiVersion` that names neither a version nor a group and a version.
    #[error("this is not a Kubernetes object: its `apiVersion` is `{0}`, not a version or a group/version")]
    ApiVersion(String),
    /// An `AdmissionReview` that asks nothing, such as the answer to one.
    #[error("this AdmissionReview has no `request`")]
    NoRequest,
    /// Something that a policy server would not read as an admission request.
    #[error("this is not an admission request: {0}")]
    NotARequest(String),
    /// Settings that are not a mapping.
    #[error("settings must be a mapping, and this is {0}")]
    SettingsNotAMapping(&'static str),
    /// A field on the way to the settings in a policy manifest that is not a mapping.
    #[error("`{field}` must be a mapping, and this is {found}")]
    PolicyFieldNotAMapping {
        /// The field.
        field: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A group of policies, which has no settings of its own.
    #[error(
        "this {0} has no settings of its own: give a file with the `settings` of one policy in `spec.policies`"
    )]
    SettingsOfAGroup(String),
    /// Several documents where one is expected.
    #[error("settings must be one document, and this file holds {0}")]
    SeveralSettings(usize),
}

/// An I/O error in words, without the operating system's number where there is a plain name.
#[must_use]
pub fn read_failure(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "this is a folder, not a file".to_owned(),
        _ => error.to_string(),
    }
}

/// What kind of value this is, with its article.
#[must_use]
pub fn kind_of(value: &serde_json::Value) -> &'static str {
    use serde_json::Value;
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a sequence",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_names_file_document_and_items() {
        let mut source = Source::file("pods.yaml");
        assert_eq!(source.to_string(), "pods.yaml");
        source.document = Some(2);
        assert_eq!(source.item(3).item(1).to_string(), "pods.yaml, document 2, item 3, item 1");
    }

    #[test]
    fn an_error_names_its_position_if_known() {
        let sentence = |problem| InputError::new(Source::file("pods.yaml"), problem).to_string();
        assert_eq!(sentence(Problem::NoObject), "pods.yaml: this file holds no Kubernetes object");
        let syntax = Problem::Syntax {
            position: Some(Position { line: 3, column: 7 }),
            message: "trailing comma".to_owned(),
        };
        assert_eq!(sentence(syntax), "pods.yaml, line 3 column 7: trailing comma");
    }

    #[test]
    fn common_io_errors_have_plain_names() {
        let missing = io::Error::from(io::ErrorKind::NotFound);
        assert_eq!(read_failure(&missing), "no such file or folder");
        let other = io::Error::other("the disk is on fire");
        assert_eq!(read_failure(&other), "the disk is on fire");
    }
}
