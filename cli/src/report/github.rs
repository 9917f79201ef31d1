//! Workflow commands of GitHub Actions, which annotate lines.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::io::{self, Write};

use super::location::Location;
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Level};
use crate::input::{InputError, Position};
use crate::printable::one_line;

/// Writes one command per finding.
#[derive(Debug)]
pub(super) struct Github<W>(W);

impl<W: Write> Github<W> {
    pub(super) fn new(out: W) -> Self {
        Self(out)
    }

    fn command(&mut self, name: &str, location: &Location<'_>, title: &str, message: &str) -> io::Result<()> {
        write!(self.0, "::{name} ")?;
        if location.is_file {
            write!(self.0, "file={},", property(location.file))?;
        }
        if let Some(Position { line, column }) = location.position {
            write!(self.0, "line={line},col={column},")?;
        }
        writeln!(self.0, "title={}::{}", property(title), data(message))
    }

    fn finding(&mut self, evaluation: &Evaluation, finding: &Finding) -> io::Result<()> {
        let name = match finding.level {
            Level::Deny => "error",
            Level::Warn => "warning",
            Level::Monitor => "notice",
        };
        let title = match (&finding.rule, finding.severity()) {
            (Some(rule), Some(severity)) => format!("{rule} ({})", severity.as_str()),
            (Some(rule), None) => rule.clone(),
            (None, _) => crate::NAME.to_owned(),
        };
        let path = finding.path.as_ref().map(|path| format!("{path}: ")).unwrap_or_default();
        let message = format!("{}: {path}{}", evaluation.subject, finding.message);
        self.command(name, &Location::of(&evaluation.source, finding.position), &title, &message)
    }
}

impl<W: Write> Reporter for Github<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        for finding in &evaluation.findings {
            self.finding(evaluation, finding)?;
        }
        for reason in evaluation.reasons_of_servers() {
            let message = format!("{}: {reason}", evaluation.subject);
            self.command("error", &Location::of(&evaluation.source, None), crate::NAME, &message)?;
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        self.command("error", &Location::of_error(error), "not evaluated", &error.problem.to_string())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        writeln!(self.0, "{summary}")?;
        self.0.flush()
    }
}

/// Escapes the message of a command.
///
/// Source: `escapeData` in `packages/core/src/command.ts` of `actions/toolkit`.
fn data(text: &str) -> String {
    one_line(text).replace('%', "%25")
}

/// Escapes a property of a command.
///
/// Source: `escapeProperty` in the same file.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_end_a_command() {
        assert_eq!(data("100%\n::error::x"), "100%25\\n::error::x");
        assert_eq!(property("a,line=1::b%"), "a%2Cline=1%3A%3Ab%25");
    }
}
