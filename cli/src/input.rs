//! The source of an input, and what is wrong with the input.

use std::fmt;
use std::io;

use thiserror::Error;

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The file name from the command line, or `stdin`, or the name of a cluster.
    pub file: String,
    /// Whether the object is from a cluster instead of a file.
    pub is_in_cluster: bool,
    /// The number of the document, from 1, if the file has several.
    pub document: Option<usize>,
    /// The numbers of the items in nested lists, from 1.
    pub items: Vec<usize>,
    /// The template of a rendered chart, as helm names it: `chart/templates/deployment.yaml`.
    pub template: Option<String>,
}

impl Source {
    /// A whole file.
    pub fn file(name: impl Into<String>) -> Self {
        Self { file: name.into(), is_in_cluster: false, document: None, items: Vec::new(), template: None }
    }

    /// A cluster.
    pub fn cluster(name: impl Into<String>) -> Self {
        Self { is_in_cluster: true, ..Self::file(name) }
    }

    /// An item of a list, with its number from 1.
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

impl Position {
    /// The first character of a file.
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

/// An input that cannot be evaluated.
#[derive(Debug, Error)]
#[error("{at}{}: {problem}", position(.problem))]
pub struct InputError {
    /// The source. A box keeps results small.
    pub at: Box<Source>,
    /// The problem.
    pub problem: Problem,
}

impl InputError {
    /// A problem at a source.
    #[must_use]
    pub fn new(at: Source, problem: Problem) -> Self {
        Self { at: Box::new(at), problem }
    }
}

fn position(problem: &Problem) -> String {
    match problem.position() {
        Some(Position { line, column }) => format!(", line {line} column {column}"),
        None => String::new(),
    }
}

/// What is wrong with an input.
#[derive(Debug, Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("{}", read_failure(.0))]
    Read(io::Error),
    /// The text is not YAML or JSON, or does not have the expected content.
    #[error("{message}")]
    Syntax {
        /// The position in the file, if the parser knows it.
        position: Option<Position>,
        /// The message of the parser.
        message: String,
    },
    /// A folder without manifests.
    #[error("no file in this folder ends in .yaml, .yml or .json")]
    EmptyFolder,
    /// A folder whose manifests are all in subfolders.
    #[error("the manifests are in subfolders of this folder: pass --recursive to read them")]
    NestedManifests,
    /// A folder to render, without the program that renders it.
    #[error("{folder}: install {program} to render it")]
    NoRenderer {
        /// What the folder contains, with its article.
        folder: &'static str,
        /// The missing program.
        program: &'static str,
    },
    /// A folder that a program does not render.
    #[error("{program}: {message}")]
    NotRendered {
        /// The program and its command.
        program: &'static str,
        /// The error of the program, on one line.
        message: String,
    },
    /// A file without objects.
    #[error("no Kubernetes object in this file")]
    NoObject,
    /// A value without fields.
    #[error("expected a Kubernetes object, got {0}")]
    NotAMapping(&'static str),
    /// A field of every Kubernetes object is missing.
    #[error("not a Kubernetes object: missing `{0}`")]
    MissingField(&'static str),
    /// A field of every Kubernetes object is not a string.
    #[error("not a Kubernetes object: `{field}`: expected a string, got {found}")]
    FieldNotAString {
        /// The field.
        field: &'static str,
        /// The type of its value.
        found: &'static str,
    },
    /// An `apiVersion` that names neither a version nor a group and a version.
    #[error("not a Kubernetes object: `apiVersion`: expected a version or a group/version, got `{0}`")]
    ApiVersion(String),
    /// An `AdmissionReview` without a request, such as a response.
    #[error("this AdmissionReview does not have a `request`")]
    NoRequest,
    /// A document that a policy server does not accept as an admission request.
    #[error("not an admission request: {0}")]
    NotARequest(String),
    /// Settings that are not a mapping.
    #[error("settings: expected a mapping, got {0}")]
    SettingsNotAMapping(&'static str),
    /// A field of a manifest with a wrong value.
    #[error("`{path}`: {message}")]
    Field {
        /// The path of the field.
        path: String,
        /// The position of the field, or of its closest parent.
        position: Option<Position>,
        /// What is wrong.
        message: String,
    },
    /// A document beside policies that is neither a policy nor a policy server.
    #[error("not a manifest of a policy; settings must be the only document of their file")]
    NotAPolicy,
    /// A file without an object of the kind that the command needs from it.
    #[error("no {0} in this file")]
    Lacks(&'static str),
    /// Settings that a policy rejects.
    #[error("{reason}")]
    Settings {
        /// The position of the setting, or of its closest parent.
        position: Option<Position>,
        /// One reason of the policy.
        reason: String,
    },
    /// A request to a cluster that failed.
    #[error("{0}")]
    Cluster(String),
    /// A fix that is not written. Contains the reason.
    #[error("the fix is not written: {0}")]
    NotWritten(String),
    /// A policy without a verdict.
    #[error("{0}")]
    Evaluation(String),
    /// Several documents instead of one.
    #[error("settings: expected one document, got {0}")]
    SeveralSettings(usize),
}

impl Problem {
    /// Returns the position in the file, if it is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Syntax { position, .. }
            | Self::Field { position, .. }
            | Self::Settings { position, .. } => *position,
            _ => None,
        }
    }
}

/// Returns the message of an I/O error, without the number of the operating system if there is a plain name.
#[must_use]
pub fn read_failure(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or folder".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "expected a file, got a folder".to_owned(),
        _ => error.to_string(),
    }
}

/// Returns the type of a value, with its article.
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
        assert_eq!(sentence(Problem::NoObject), "pods.yaml: no Kubernetes object in this file");
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
