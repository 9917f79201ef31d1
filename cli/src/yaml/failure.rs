//! What is wrong with a document, and where.

use granit_parser::{ErrorKind, Marker, ScanError};

use super::compose::too_deep;
use crate::input::{Position, Problem};

/// What is wrong with a document.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: FailureKind,
    /// The position in the file.
    pub(super) position: Position,
    pub(super) message: String,
}

/// Whether kubectl reads what the parser refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// The parser requires more indentation of quoted text.
    QuotedIndentation,
    /// The parser requires quotes around a `-` in a flow collection. Contains the offset in the text.
    UnquotedDash(usize),
    Other,
}

impl Failure {
    pub(super) fn at(position: Position, message: impl Into<String>) -> Self {
        Self { kind: FailureKind::Other, position, message: message.into() }
    }

    pub(super) fn of_parser(error: &ScanError, first_line: u64) -> Self {
        let kind = match (error.kind(), error.marker().byte_offset()) {
            (kind, _) if is_quoted_indentation(kind) => FailureKind::QuotedIndentation,
            (ErrorKind::PlainScalarStartsWithDashFlowIndicator, Some(at)) => FailureKind::UnquotedDash(at),
            _ => FailureKind::Other,
        };
        let message = match error.kind() {
            ErrorKind::RecursionLimitExceeded => too_deep(),
            kind => kind.to_string(),
        };
        Self { kind, position: position(*error.marker(), first_line), message }
    }

    pub(super) fn into_problem(self) -> Problem {
        Problem::Syntax { position: Some(self.position), message: self.message }
    }
}

/// Returns whether an error is about the indentation of quoted text.
pub(super) fn is_quoted_indentation(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation)
}

/// Returns the position of a marker in a document that starts at a line of its file.
pub(super) fn position(marker: Marker, first_line: u64) -> Position {
    // The parser counts columns from 0.
    Position { line: marker.line() as u64 + first_line - 1, column: marker.col() as u64 + 1 }
}
