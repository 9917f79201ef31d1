//! Reports: their exact text, the schemas of their formats, and the page in a browser.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails if its files cannot be read or written")]

mod browser;
mod evaluations;
mod golden;
mod memory;
mod playground;
mod schemas;

use immutable_pods::evaluation::Evaluation;
use immutable_pods::input::InputError;
use immutable_pods::report::{Format, ReportOptions, Summary, reporter};

/// Returns a report without colors.
fn report(
    format: Format,
    options: ReportOptions,
    evaluations: &[Evaluation],
    errors: &[InputError],
) -> String {
    let mut out = Vec::new();
    {
        let out = anstream::StripStream::new(&mut out);
        let mut summary = Summary::default();
        let mut reporter = reporter(format, out, options);
        for evaluation in evaluations {
            reporter.evaluation(evaluation).unwrap();
            summary.add(evaluation);
        }
        for error in errors {
            reporter.unreadable(error).unwrap();
            summary.add_unreadable();
        }
        reporter.finish(&summary).unwrap();
    }
    String::from_utf8(out).unwrap()
}

/// Returns a report on every evaluation of these tests.
fn full(format: Format) -> String {
    report(format, ReportOptions::default(), &evaluations::all(), &evaluations::errors())
}
