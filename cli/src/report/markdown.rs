//! Markdown for a comment on a pull request.

use std::fmt::Write as _;
use std::io::{self, Write};

use immutable_pods_policy::evaluation::report::count;

use super::location::{Location, place};
use super::{Reporter, Summary};
use crate::evaluation::{Evaluation, Finding, Level};
use crate::input::InputError;
use crate::printable::one_line;
use crate::rules;

/// Maximum size of the objects in a report, in bytes. A comment on GitHub has at most 65,536 characters.
const MAX_OBJECTS_BYTES: usize = 48 * 1024;

/// Maximum size of the errors in a report, in bytes.
const MAX_ERRORS_BYTES: usize = 8 * 1024;

/// Writes a summary, and a table for each object with findings.
#[derive(Debug)]
pub(super) struct Markdown<W> {
    out: W,
    objects: Limited,
    errors: Limited,
}

impl<W: Write> Markdown<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, objects: Limited::new(MAX_OBJECTS_BYTES), errors: Limited::new(MAX_ERRORS_BYTES) }
    }

    fn totals(&mut self, summary: &Summary) -> io::Result<()> {
        if summary.findings.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n| rule | severity | findings |\n| --- | --- | ---: |")?;
        summary.by_frequency().iter().try_for_each(|(rule, number)| {
            let severity = rules::find(rule).map_or("", |rule| rule.meta().severity.as_str());
            writeln!(self.out, "| {} | {severity} | {number} |", linked(rule))
        })
    }
}

impl<W: Write> Reporter for Markdown<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        if evaluation.verdict.is_rejected() || !evaluation.findings.is_empty() {
            self.objects.push(&object(evaluation));
        }
        Ok(())
    }

    fn unreadable(&mut self, error: &InputError) -> io::Result<()> {
        let location = Location::of_error(error);
        let message = plain(&error.problem.to_string());
        self.errors.push(&format!("- {}: {message}\n", code(&location.to_string())));
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let sign = if summary.rejected() + summary.unreadable > 0 { "❌" } else { "✅" };
        writeln!(self.out, "## {sign} {}\n\n{summary}", crate::NAME)?;
        self.totals(summary)?;
        if !self.objects.text.is_empty() {
            write!(self.out, "\n### Objects with findings\n{}", self.objects.text)?;
            self.objects.write_omitted(&mut self.out, "object")?;
        }
        if !self.errors.text.is_empty() {
            write!(self.out, "\n### Not evaluated\n\n{}", self.errors.text)?;
            self.errors.write_omitted(&mut self.out, "input")?;
        }
        self.out.flush()
    }
}

/// A text of limited size.
#[derive(Debug)]
struct Limited {
    text: String,
    max_bytes: usize,
    /// The number of parts for which there was no room.
    omitted: usize,
}

impl Limited {
    fn new(max_bytes: usize) -> Self {
        Self { text: String::new(), max_bytes, omitted: 0 }
    }

    fn push(&mut self, part: &str) {
        if self.text.len() + part.len() > self.max_bytes {
            self.omitted += 1;
        } else {
            self.text.push_str(part);
        }
    }

    fn write_omitted(&self, out: &mut impl Write, noun: &str) -> io::Result<()> {
        if self.omitted == 0 {
            return Ok(());
        }
        writeln!(out, "\nNot shown, because a comment has a maximum size: {}.", count(self.omitted, noun))
    }
}

fn object(evaluation: &Evaluation) -> String {
    let sign = if evaluation.verdict.is_rejected() { "❌" } else { "⚠️" };
    let number = match evaluation.findings.len() {
        0 => String::new(),
        number => format!(" ({})", count(number, "finding")),
    };
    let mut text = format!(
        "\n<details><summary>{sign} <code>{}</code> {} in <code>{}</code>{number}</summary>\n\n",
        html(&evaluation.subject.to_string()),
        evaluation.verdict.as_str(),
        html(&place(&evaluation.source)),
    );
    for reason in evaluation.reasons_of_servers() {
        let _ = writeln!(text, "{}\n", plain(reason));
    }
    if !evaluation.findings.is_empty() {
        text.push_str("| place | finding | rule |\n| --- | --- | --- |\n");
        for finding in &evaluation.findings {
            text.push_str(&row(evaluation, finding));
        }
        text.push('\n');
    }
    text.push_str("</details>\n");
    text
}

fn row(evaluation: &Evaluation, finding: &Finding) -> String {
    let location = Location::of(&evaluation.source, finding.position);
    let label = match finding.level {
        Level::Deny => "",
        Level::Warn => "warning: ",
        Level::Monitor => "monitored: ",
    };
    let path = finding.path.as_ref().map(|path| code(path) + ": ").unwrap_or_default();
    let rule = finding.rule.as_deref().map(linked).unwrap_or_default();
    let severity = finding.severity().map(|severity| format!(" ({})", severity.as_str())).unwrap_or_default();
    let message = plain(&finding.message);
    format!("| {} | {label}{path}{message} | {rule}{severity} |\n", code(&location.to_string()))
}

/// Returns the id of a rule, with a link to the documentation of a known rule.
fn linked(id: &str) -> String {
    match rules::find(id) {
        Some(rule) => format!("[{}]({})", plain(id), rules::documentation(rule)),
        None => plain(id),
    }
}

/// Returns a text as a code span in a table. Its fence is longer than every fence in the text.
fn code(text: &str) -> String {
    let text = one_line(text).replace('|', "\\|");
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    // Spaces keep the fences apart from backticks in the text. Markdown removes them.
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// Returns a text without markup, mentions of users and links to issues.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        if "\\`*_{}[]<>()#|~&:@!".contains(character) {
            plain.push('\\');
        }
        plain.push(character);
        if matches!(character, '@' | '#') {
            // GitHub looks for mentions after it removes the backslash: a space of no width separates the name.
            plain.push('\u{200b}');
        }
    }
    plain
}

/// Returns a text for an HTML element.
fn html(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_no_markup() {
        assert_eq!(plain("*a* <b> [c](d) @e #1"), "\\*a\\* \\<b\\> \\[c\\]\\(d\\) \\@\u{200b}e \\#\u{200b}1");
        assert_eq!(html("<b>&\n"), "&lt;b&gt;&amp;\\n");
    }

    #[test]
    fn a_code_span_ends_after_the_text() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("`|"), "`` `\\| ``");
    }

    #[test]
    fn a_part_without_room_is_omitted() {
        let mut limited = Limited::new(5);
        for part in ["abc", "def", "gh"] {
            limited.push(part);
        }
        let mut out = Vec::new();
        limited.write_omitted(&mut out, "object").unwrap();
        assert_eq!(limited.text, "abcgh");
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nNot shown, because a comment has a maximum size: 1 object.\n"
        );
    }
}
