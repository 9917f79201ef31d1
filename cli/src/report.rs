//! Prints verdicts for people.

use std::fmt;
use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style};
use serde_json::Value;

use crate::admission::Subject;
use crate::diff::{self, LineKind};
use crate::input::Source;
use crate::policy::ValidationResponse;
use crate::printable::{lines, one_line};

const ADMITTED: Style = AnsiColor::Green.on_default();
const DENIED: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const SKIPPED: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FIELD: Style = Style::new().bold();
const RULE: Style = Style::new().dimmed();

const INDENT: &str = "    ";

/// Prints verdicts and counts them.
///
/// The report always contains colors: `out` removes them if they are not wanted.
#[derive(Debug)]
pub struct Report<W> {
    out: W,
    admitted: usize,
    denied: usize,
    /// Objects with nothing to evaluate.
    empty: usize,
    /// Objects that API servers do not send to the policy.
    skipped: usize,
    fixed: usize,
    warnings: usize,
}

impl<W: Write> Report<W> {
    /// Creates an empty report.
    pub fn new(out: W) -> Self {
        Self { out, admitted: 0, denied: 0, empty: 0, skipped: 0, fixed: 0, warnings: 0 }
    }

    /// Prints the verdict on one object, with its reasons and warnings.
    ///
    /// An admitted object counts as fixed if the response contains another object.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn verdict(
        &mut self,
        source: &Source,
        subject: &Subject,
        response: &ValidationResponse,
    ) -> io::Result<()> {
        let (verdict, style) = match response {
            ValidationResponse { accepted: false, .. } => ("denied", DENIED),
            ValidationResponse { mutated_object: Some(_), .. } => ("admitted, fixed", ADMITTED),
            response if response.has_nothing_to_evaluate() => ("nothing to evaluate", SKIPPED),
            _ => ("admitted", ADMITTED),
        };
        self.first_line(source, subject, style, verdict)?;
        if response.has_nothing_to_evaluate() {
            self.empty += 1;
        } else if response.accepted {
            self.admitted += 1;
            self.fixed += usize::from(response.mutated_object.is_some());
        } else {
            self.denied += 1;
            self.reasons(response.message.as_deref().unwrap_or_default())?;
        }
        self.warnings += response.warnings.len();
        self.warnings(&response.warnings)
    }

    /// Prints that API servers do not send an object to the policy.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn skipped(&mut self, source: &Source, subject: &Subject) -> io::Result<()> {
        self.skipped += 1;
        self.first_line(source, subject, SKIPPED, "skipped")
    }

    fn first_line(
        &mut self,
        source: &Source,
        subject: &Subject,
        style: Style,
        verdict: &str,
    ) -> io::Result<()> {
        let source = one_line(&source.to_string());
        let subject = one_line(&subject.to_string());
        writeln!(self.out, "{source}: {subject} {}", paint(style, verdict))
    }

    /// Prints the changes of a fix, below the verdict on the object.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn fixes(&mut self, source: &Source, before: &Value, after: &Value) -> io::Result<()> {
        let names = [source.to_string(), format!("{source}, fixed")];
        diff::unified(names, before, after).iter().try_for_each(|line| {
            let style = match line.kind {
                LineKind::Header => Style::new().bold(),
                LineKind::Hunk => AnsiColor::Cyan.on_default(),
                LineKind::Context => Style::new(),
                LineKind::Removed => AnsiColor::Red.on_default(),
                LineKind::Added => AnsiColor::Green.on_default(),
            };
            writeln!(self.out, "{INDENT}{}", paint(style, &one_line(&line.text)))
        })
    }

    fn reasons(&mut self, message: &str) -> io::Result<()> {
        let mut reasons = lines(message).peekable();
        if reasons.peek().is_none() {
            return writeln!(self.out, "{INDENT}the policy does not give a reason");
        }
        reasons.try_for_each(|reason| writeln!(self.out, "{INDENT}{}", Finding(&reason)))
    }

    fn warnings(&mut self, warnings: &[String]) -> io::Result<()> {
        let prefix = paint(WARNING, "warning:");
        warnings
            .iter()
            .flat_map(|warning| lines(warning))
            .try_for_each(|warning| writeln!(self.out, "{INDENT}{prefix} {}", Finding(&warning)))
    }

    /// Prints the summary, if anything was evaluated.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn finish(mut self) -> io::Result<()> {
        let objects = self.admitted + self.denied + self.empty + self.skipped;
        if objects == 0 {
            return Ok(());
        }
        write!(self.out, "{}: {} admitted, {} denied", count(objects, "object"), self.admitted, self.denied)?;
        if self.empty > 0 {
            write!(self.out, ", {} with nothing to evaluate", self.empty)?;
        }
        if self.skipped > 0 {
            write!(self.out, ", {} skipped", self.skipped)?;
        }
        if self.fixed > 0 {
            write!(self.out, ", {} fixed", self.fixed)?;
        }
        if self.warnings > 0 {
            write!(self.out, ", {}", count(self.warnings, "warning"))?;
        }
        writeln!(self.out)?;
        self.out.flush()
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A line of the form `field.path: sentence [rule-id]`, with its path and its rule emphasized.
struct Finding<'a>(&'a str);

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (field, rest) = self.0.split_once(": ").unwrap_or(("", self.0));
        let (field, rest) = if field.contains(' ') { ("", self.0) } else { (field, rest) };
        if !field.is_empty() {
            write!(f, "{}: ", paint(FIELD, field))?;
        }
        match rest.rsplit_once(" [") {
            Some((sentence, rule)) if rule.ends_with(']') && !rule.contains(' ') => {
                write!(f, "{sentence} {}", paint(RULE, &format!("[{rule}")))
            }
            _ => f.write_str(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn accepted() -> ValidationResponse {
        ValidationResponse {
            accepted: true,
            message: None,
            code: None,
            mutated_object: None,
            audit_annotations: BTreeMap::new(),
            warnings: Vec::new(),
            evaluated: None,
        }
    }

    fn denied(message: &str) -> ValidationResponse {
        ValidationResponse { accepted: false, message: Some(message.to_owned()), ..accepted() }
    }

    fn warned(warnings: &[&str]) -> ValidationResponse {
        ValidationResponse {
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            ..accepted()
        }
    }

    fn subject() -> Subject {
        Subject {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: Some("default".to_owned()),
            name: "web".to_owned(),
        }
    }

    fn colored(responses: &[ValidationResponse]) -> String {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out);
        for response in responses {
            report.verdict(&Source::file("web.yaml"), &subject(), response).unwrap();
        }
        report.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    fn plain(responses: &[ValidationResponse]) -> String {
        anstream::adapter::strip_str(&colored(responses)).to_string()
    }

    #[test]
    fn an_admitted_object_is_one_line() {
        assert_eq!(
            plain(&[accepted()]),
            "web.yaml: Pod default/web admitted\n\
             1 object: 1 admitted, 0 denied\n"
        );
    }

    #[test]
    fn an_object_without_a_pod_spec_is_not_counted_as_admitted() {
        let empty = ValidationResponse { evaluated: Some(false), ..accepted() };
        let judged = ValidationResponse { evaluated: Some(true), ..accepted() };
        assert_eq!(
            plain(&[empty, judged]),
            "web.yaml: Pod default/web nothing to evaluate\n\
             web.yaml: Pod default/web admitted\n\
             2 objects: 1 admitted, 0 denied, 1 with nothing to evaluate\n"
        );
    }

    #[test]
    fn a_fixed_object_is_reported_as_fixed() {
        let fixed = ValidationResponse {
            warnings: vec!["spec.hostPID: visible [host-pid]".to_owned()],
            mutated_object: Some(json!({})),
            ..accepted()
        };
        assert_eq!(
            plain(&[fixed, accepted()]),
            "web.yaml: Pod default/web admitted, fixed\n    \
                 warning: spec.hostPID: visible [host-pid]\n\
             web.yaml: Pod default/web admitted\n\
             2 objects: 2 admitted, 0 denied, 1 fixed, 1 warning\n"
        );
    }

    #[test]
    fn a_denied_object_is_not_fixed() {
        let response =
            ValidationResponse { mutated_object: Some(json!({})), ..denied("spec.a: one [rule-a]") };
        assert_eq!(
            plain(&[response]),
            "web.yaml: Pod default/web denied\n    \
                 spec.a: one [rule-a]\n\
             1 object: 0 admitted, 1 denied\n"
        );
    }

    fn fixes(before: &Value, after: &Value) -> String {
        let mut out = Vec::new();
        Report::new(&mut out).fixes(&Source::file("web\u{7}.yaml"), before, after).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fixes_are_a_colored_diff() {
        assert_eq!(
            fixes(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3})),
            "    \u{1b}[1m--- web\\u{7}.yaml\u{1b}[0m\n    \
                 \u{1b}[1m+++ web\\u{7}.yaml, fixed\u{1b}[0m\n    \
                 \u{1b}[36m@@ -1,2 +1,2 @@\u{1b}[0m\n     \
                  a: 1\n    \
                 \u{1b}[31m-b: 2\u{1b}[0m\n    \
                 \u{1b}[32m+b: 3\u{1b}[0m\n"
        );
        assert_eq!(fixes(&json!({"a": 1}), &json!({"a": 1})), "");
    }

    #[test]
    fn a_fix_cannot_control_the_terminal() {
        let shown = fixes(
            &json!({"a": "\u{1b}[2J", "b\u{9b}": "\u{202e}x\ty\n"}),
            &json!({"a": "\u{2028}\r", "b\u{9b}": "\u{202e}x\ty\n"}),
        );
        assert_eq!(
            anstream::adapter::strip_str(&shown).to_string(),
            "    --- web\\u{7}.yaml\n    \
                 +++ web\\u{7}.yaml, fixed\n    \
                 @@ -1,3 +1,3 @@\n    \
                 -a: \"\\e[2J\"\n    \
                 +a: \"\\L\\r\"\n     \
                  \"b\\x9B\": |\n       \
                    \\u{202e}x\\ty\n"
        );
    }

    #[test]
    fn a_denied_object_lists_its_findings_and_warnings() {
        let response = ValidationResponse {
            warnings: vec!["spec.hostPID: visible [host-pid]".to_owned()],
            ..denied("spec.a: one [rule-a]\n\nspec.b: two [rule-b]\n")
        };
        assert_eq!(
            plain(&[response, accepted()]),
            "web.yaml: Pod default/web denied\n    \
                 spec.a: one [rule-a]\n    \
                 spec.b: two [rule-b]\n    \
                 warning: spec.hostPID: visible [host-pid]\n\
             web.yaml: Pod default/web admitted\n\
             2 objects: 1 admitted, 1 denied, 1 warning\n"
        );
    }

    #[test]
    fn a_denial_without_a_reason_is_reported() {
        let silent = ValidationResponse { message: None, ..denied("") };
        for response in [silent, denied(" \n")] {
            assert_eq!(
                plain(&[response]),
                "web.yaml: Pod default/web denied\n    \
                     the policy does not give a reason\n\
                 1 object: 0 admitted, 1 denied\n"
            );
        }
    }

    #[test]
    fn every_line_of_a_warning_is_marked() {
        assert_eq!(
            plain(&[warned(&["one\ntwo", "three"])]),
            "web.yaml: Pod default/web admitted\n    \
                 warning: one\n    \
                 warning: two\n    \
                 warning: three\n\
             1 object: 1 admitted, 0 denied, 2 warnings\n"
        );
    }

    #[test]
    fn a_report_without_objects_is_empty() {
        assert_eq!(colored(&[]), "");
    }

    #[test]
    fn verdicts_fields_and_rules_are_colored() {
        assert_eq!(
            colored(&[denied("spec.a: see b: c [d] [rule-a]")]),
            "web.yaml: Pod default/web \u{1b}[1m\u{1b}[31mdenied\u{1b}[0m\n    \
                 \u{1b}[1mspec.a\u{1b}[0m: see b: c [d] \u{1b}[2m[rule-a]\u{1b}[0m\n\
             1 object: 0 admitted, 1 denied\n"
        );
        assert_eq!(
            colored(&[warned(&["no field here: true"])]),
            "web.yaml: Pod default/web \u{1b}[32madmitted\u{1b}[0m\n    \
                 \u{1b}[33mwarning:\u{1b}[0m no field here: true\n\
             1 object: 1 admitted, 0 denied, 1 warning\n"
        );
    }

    #[test]
    fn a_manifest_cannot_control_the_terminal() {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out);
        let subject = Subject {
            api_version: "v1".to_owned(),
            kind: "Pod\u{1b}[2J".to_owned(),
            namespace: Some("a\nb".to_owned()),
            name: "\u{9b}31m".to_owned(),
        };
        let response = ValidationResponse {
            warnings: vec!["spec.b\u{7}: \u{1b}]0;x".to_owned()],
            ..denied("spec.a\r: \u{202e}x\ty")
        };
        report.verdict(&Source::file("\u{1b}c.yaml"), &subject, &response).unwrap();
        let shown = anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string();
        assert_eq!(
            shown,
            "\\u{1b}c.yaml: Pod\\u{1b}[2J a\\nb/\\u{9b}31m denied\n    \
                 spec.a\\r: \\u{202e}x\\ty\n    \
                 warning: spec.b\\u{7}: \\u{1b}]0;x\n"
        );
    }
}
