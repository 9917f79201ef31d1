//! A report does not keep admitted objects.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use immutable_pods::report::{Format, ReportOptions, reporter};

use crate::{evaluations, report};

/// A writer that others can read.
#[derive(Clone, Default)]
struct Shared(Rc<RefCell<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn streams_contain_an_object_when_it_is_evaluated() {
    for format in [Format::Text, Format::Json, Format::Sarif, Format::Github] {
        let out = Shared::default();
        let mut reporter = reporter(format, out.clone(), ReportOptions::default());
        for evaluation in evaluations::all() {
            reporter.evaluation(&evaluation).unwrap();
        }
        let text = String::from_utf8(out.0.borrow().clone()).unwrap();
        assert!(text.contains("the registry does not respond"), "{format:?}");
    }
}

#[test]
fn formats_with_a_summary_at_the_beginning_count_admitted_objects() {
    let admitted = &evaluations::all()[0];
    for format in [Format::Markdown, Format::OpenReports, Format::Html] {
        let size =
            |number| report(format, ReportOptions::default(), &vec![admitted.clone(); number], &[]).len();
        // Numbers have more digits.
        assert!(size(1_000) < size(1) + 50, "{format:?}");
    }
}
