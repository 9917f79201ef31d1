//! `JUnit` XML, for the test reports of CI servers.
//!
//! `JUnit` has no official schema. The elements and attributes are those that the schema of Jenkins, `junit-10.xsd`, knows.

use std::io::{self, Write};

use immutable_pods_policy::evaluation::report::count;
use quick_xml::escape::escape;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::writer::Writer;

use super::location::{Location, place};
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Level, Verdict};
use crate::input::InputError;
use crate::printable::one_line;

/// Writes a suite for each file, with a test for each object.
pub(super) struct JUnit<W: Write> {
    out: Writer<W>,
    is_started: bool,
    suite: Suite,
}

/// The tests of one file. The element of a suite begins with their number.
#[derive(Debug, Default)]
struct Suite {
    file: String,
    cases: Vec<Case>,
}

#[derive(Debug)]
struct Case {
    name: String,
    problem: Option<Problem>,
    warnings: Vec<String>,
}

/// An element that says why a test did not pass.
#[derive(Debug)]
struct Problem {
    element: &'static str,
    kind: &'static str,
    message: String,
    lines: Vec<String>,
}

impl Problem {
    fn skipped(verdict: Verdict) -> Self {
        let message = verdict.as_str().to_owned();
        Self { element: "skipped", kind: "skipped", message, lines: Vec::new() }
    }

    fn failure(evaluation: &Evaluation) -> Self {
        let mut lines = lines(evaluation, |level| level == Level::Deny);
        lines.extend(evaluation.reasons_of_servers().map(text));
        let kind = evaluation.verdict.as_str();
        Self {
            element: "failure",
            kind,
            message: format!("{kind}: {}", count(lines.len(), "finding")),
            lines,
        }
    }

    fn error(error: &InputError) -> Self {
        let lines = vec![text(&error.to_string())];
        Self { element: "error", kind: "unreadable", message: text(&error.problem.to_string()), lines }
    }
}

impl<W: Write> JUnit<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out: Writer::new_with_indent(out, b' ', 2), is_started: false, suite: Suite::default() }
    }

    /// Adds a test to the suite of its file.
    fn case(&mut self, file: &str, case: Case) -> io::Result<()> {
        if self.suite.file != file {
            self.end_suite()?;
            file.clone_into(&mut self.suite.file);
        }
        self.suite.cases.push(case);
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        if self.is_started {
            return Ok(());
        }
        self.is_started = true;
        self.out.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.out.write_event(Event::Start(element("testsuites", &[("name", crate::NAME)])))
    }

    fn end_suite(&mut self) -> io::Result<()> {
        self.start()?;
        let Suite { file, cases } = std::mem::take(&mut self.suite);
        if cases.is_empty() {
            return Ok(());
        }
        let number = |element: &str| {
            let has = |case: &&Case| case.problem.as_ref().is_some_and(|problem| problem.element == element);
            cases.iter().filter(has).count().to_string()
        };
        let file = text(&file);
        self.out.write_event(Event::Start(element(
            "testsuite",
            &[
                ("name", &file),
                ("tests", &cases.len().to_string()),
                ("failures", &number("failure")),
                ("errors", &number("error")),
                ("skipped", &number("skipped")),
            ],
        )))?;
        cases.iter().try_for_each(|case| self.write_case(&file, case))?;
        self.out.write_event(Event::End(BytesEnd::new("testsuite")))
    }

    fn write_case(&mut self, file: &str, case: &Case) -> io::Result<()> {
        let start = element("testcase", &[("name", &case.name), ("classname", file)]);
        if case.problem.is_none() && case.warnings.is_empty() {
            return self.out.write_event(Event::Empty(start));
        }
        self.out.write_event(Event::Start(start))?;
        if let Some(Problem { element: name, kind, message, lines }) = &case.problem {
            self.write_lines(element(name, &[("type", kind), ("message", message)]), lines)?;
        }
        if !case.warnings.is_empty() {
            self.write_lines(element("system-out", &[]), &case.warnings)?;
        }
        self.out.write_event(Event::End(BytesEnd::new("testcase")))
    }

    fn write_lines(&mut self, start: BytesStart<'_>, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() {
            return self.out.write_event(Event::Empty(start));
        }
        let end = start.to_end().into_owned();
        self.out.write_event(Event::Start(start))?;
        self.out.write_event(Event::Text(BytesText::from_escaped(escape(lines.join("\n")))))?;
        self.out.write_event(Event::End(end))
    }
}

impl<W: Write> Reporter for JUnit<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let problem = match evaluation.verdict {
            Verdict::Admitted | Verdict::Fixed => None,
            Verdict::Denied | Verdict::Refused => Some(Problem::failure(evaluation)),
            Verdict::NothingToEvaluate | Verdict::Skipped => Some(Problem::skipped(evaluation.verdict)),
        };
        let warnings = lines(evaluation, |level| level != Level::Deny);
        let name = text(&evaluation.subject.to_string());
        self.case(Location::of(&evaluation.source, None).file, Case { name, problem, warnings })
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let name = text(&place(&error.at));
        let case = Case { name, problem: Some(Problem::error(error)), warnings: Vec::new() };
        self.case(Location::of_error(error).file, case)
    }

    fn finish(&mut self, _: &Summary) -> io::Result<()> {
        self.end_suite()?;
        self.out.write_event(Event::End(BytesEnd::new("testsuites")))?;
        let out = self.out.get_mut();
        writeln!(out)?;
        out.flush()
    }
}

/// Returns the findings of some levels, each with its place and, unless it denies, its level.
fn lines(evaluation: &Evaluation, is_wanted: impl Fn(Level) -> bool) -> Vec<String> {
    let wanted = evaluation.findings.iter().filter(|finding| is_wanted(finding.level));
    wanted
        .map(|finding| {
            let label = match finding.level {
                Level::Deny => "",
                Level::Warn => "warning: ",
                Level::Monitor => "monitored: ",
            };
            let location = Location::of(&evaluation.source, finding.position);
            text(&format!("{location}: {label}{finding}"))
        })
        .collect()
}

fn element<'a>(name: &'a str, attributes: &[(&str, &str)]) -> BytesStart<'a> {
    BytesStart::new(name).with_attributes(attributes.iter().copied())
}

/// Returns a text on one line, without characters that XML 1.0 excludes even as references.
fn text(text: &str) -> String {
    one_line(text).replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_contains_only_characters_of_xml() {
        assert_eq!(text("a\u{0}\u{fffe}\u{ffff}\n<"), "a\\u{0}\u{fffd}\u{fffd}\\n<");
    }
}
