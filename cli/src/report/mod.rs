//! Reports on evaluations, in the formats that people and programs read.
//!
//! A report is written while objects are evaluated. Formats that begin with a summary keep what they need for it, which does not
//! include admitted objects without findings.

mod github;
mod html;
mod json;
mod json_list;
mod junit;
mod location;
mod markdown;
mod openreports;
mod sarif;
mod summary;
mod text;

use std::io::{self, Write};

use clap::ValueEnum;

pub use self::summary::Summary;
use crate::evaluation::Evaluation;
use crate::input::InputError;

/// Writes a report.
pub trait Reporter {
    /// Adds the evaluation of an object. The objects of a file follow one another.
    ///
    /// # Errors
    ///
    /// If the report cannot be written.
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()>;

    /// Adds an input that cannot be evaluated.
    ///
    /// # Errors
    ///
    /// If the report cannot be written.
    fn unreadable(&mut self, error: &InputError) -> io::Result<()>;

    /// Ends the report. The summary counts everything that was added.
    ///
    /// # Errors
    ///
    /// If the report cannot be written.
    fn finish(&mut self, summary: &Summary) -> io::Result<()>;
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Lines for people
    #[default]
    Text,
    /// One JSON document: `immutable-pods schema output` prints its schema
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// `JUnit` XML, for the test reports of CI servers
    #[value(name = "junit", help = "JUnit XML, for the test reports of CI servers")]
    JUnit,
    /// Workflow commands of GitHub Actions, which annotate lines
    Github,
    /// Markdown for a comment on a pull request
    Markdown,
    /// Reports of the API `openreports.io/v1alpha1`, as YAML
    #[value(name = "openreports")]
    OpenReports,
    /// One page with a heat map of objects and rules
    Html,
}

/// What a report contains.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReportOptions {
    /// Whether the format `text` contains only denied objects, their denials and the summary.
    pub quiet: bool,
    /// Whether the format `text` shows the changes of fixes.
    pub show_fixes: bool,
}

/// Returns a reporter that writes to `out`.
///
/// The format `text` contains colors: `out` removes them if they are not wanted. It does not contain unreadable inputs, except for
/// their number, because their errors belong to stderr.
#[must_use]
pub fn reporter<'w>(format: Format, out: impl Write + 'w, options: ReportOptions) -> Box<dyn Reporter + 'w> {
    match format {
        Format::Text => Box::new(text::Text::new(out, options)),
        Format::Json => Box::new(json::Json::new(out)),
        Format::Sarif => Box::new(sarif::Sarif::new(out)),
        Format::JUnit => Box::new(junit::JUnit::new(out)),
        Format::Github => Box::new(github::Github::new(out)),
        Format::Markdown => Box::new(markdown::Markdown::new(out)),
        Format::OpenReports => Box::new(openreports::OpenReports::new(out)),
        Format::Html => Box::new(html::Html::new(out)),
    }
}
