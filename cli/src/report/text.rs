//! Lines for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Effects, Style};

use super::location::{Location, place};
use super::{ReportOptions, Reporter, Summary};
use crate::diff::{self, LineKind};
use crate::evaluation::{Evaluation, Finding, Fix, Level, PolicyOutcome, PolicyResult, Verdict};
use crate::input::{InputError, Position, Source};
use crate::printable::one_line;

const ADMITTED: Style = AnsiColor::Green.on_default();
const DENIED: Style = AnsiColor::Red.on_default().effects(Effects::BOLD);
const SKIPPED: Style = Style::new().dimmed();
const WARNING: Style = AnsiColor::Yellow.on_default();
const FIELD: Style = Style::new().bold();
const DIMMED: Style = Style::new().dimmed();

const INDENT: &str = "    ";

/// Writes one line for each object and each finding.
#[derive(Debug)]
pub(super) struct Text<W> {
    out: W,
    options: ReportOptions,
}

impl<W: Write> Text<W> {
    pub(super) fn new(out: W, options: ReportOptions) -> Self {
        Self { out, options }
    }

    fn first_line(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let style = match evaluation.verdict {
            Verdict::Admitted | Verdict::Fixed => ADMITTED,
            Verdict::Denied | Verdict::Refused => DENIED,
            Verdict::NothingToEvaluate | Verdict::Skipped => SKIPPED,
        };
        let verdict = evaluation.verdict.as_str();
        let place = one_line(&place(&evaluation.source));
        let subject = one_line(&evaluation.subject.to_string());
        writeln!(self.out, "{place}: {subject} {}", paint(style, verdict))
    }

    /// Writes what each policy said, followed by its findings.
    fn policies(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        let several = evaluation.policies.len() > 1;
        let mut findings = evaluation.findings.iter().peekable();
        for policy in &evaluation.policies {
            if !policy.name.is_empty() {
                self.policy(policy, several)?;
            }
            self.notes(policy)?;
            while let Some(finding) = findings.next_if(|finding| finding.policy == policy.name) {
                self.finding(&evaluation.source, finding)?;
            }
        }
        findings.try_for_each(|finding| self.finding(&evaluation.source, finding))?;
        self.other_reasons(evaluation)
    }

    /// Writes the outcome of a policy with a name. If the policy is alone, the verdict and the findings already show most outcomes.
    fn policy(&mut self, policy: &PolicyResult, several: bool) -> io::Result<()> {
        let name = one_line(&policy.name);
        let outcome = outcome(&policy.outcome);
        match &policy.outcome {
            PolicyOutcome::Refused(reason) | PolicyOutcome::Skipped(reason) => {
                writeln!(self.out, "{INDENT}policy {name}: {outcome}: {}", one_line(reason))
            }
            _ if several => writeln!(self.out, "{INDENT}policy {name}: {outcome}"),
            _ => Ok(()),
        }
    }

    /// Writes what could not be evaluated.
    fn notes(&mut self, policy: &PolicyResult) -> io::Result<()> {
        if self.options.quiet {
            return Ok(());
        }
        let label =
            if policy.name.is_empty() { "note".to_owned() } else { format!("policy {}", policy.name) };
        let label = one_line(&label);
        policy.notes.iter().try_for_each(|note| writeln!(self.out, "{INDENT}{label}: {}", one_line(note)))
    }

    /// Writes the reasons of a policy server about bare settings, or that a denial has no reason.
    fn other_reasons(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        if evaluation.policies.iter().all(|policy| policy.name.is_empty()) {
            for reason in evaluation.reasons_of_servers() {
                writeln!(self.out, "{INDENT}{}", one_line(reason))?;
            }
        }
        if evaluation.verdict.is_rejected() && !has_reason(evaluation) {
            writeln!(self.out, "{INDENT}the policy does not give a reason")?;
        }
        Ok(())
    }

    fn finding(&mut self, source: &Source, finding: &Finding) -> io::Result<()> {
        let label = match finding.level {
            Level::Deny => String::new(),
            _ if self.options.quiet => return Ok(()),
            level => paint(WARNING, level.label().unwrap_or_default()) + " ",
        };
        let position = match Location::of(source, finding.position).position {
            Some(Position { line, column }) => paint(DIMMED, &format!("{line}:{column}")) + " ",
            None => String::new(),
        };
        writeln!(self.out, "{INDENT}{position}{label}{}", sentence(finding))
    }

    fn fix(&mut self, source: &Source, fix: &Fix) -> io::Result<()> {
        let place = place(source);
        let names = [place.clone(), format!("{place}, fixed")];
        diff::unified(names, &fix.before, &fix.after).iter().try_for_each(|line| {
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

    fn totals(&mut self, summary: &Summary) -> io::Result<()> {
        if self.options.quiet || summary.findings.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "findings by rule:")?;
        let rules = summary.by_frequency();
        let width = rules.first().map_or(0, |(_, most)| most.to_string().len());
        rules
            .iter()
            .try_for_each(|(rule, number)| writeln!(self.out, "{INDENT}{number:>width$} {}", one_line(rule)))
    }
}

impl<W: Write> Reporter for Text<W> {
    fn evaluation(&mut self, evaluation: &Evaluation) -> io::Result<()> {
        if self.options.quiet && !evaluation.verdict.is_rejected() {
            return Ok(());
        }
        self.first_line(evaluation)?;
        self.policies(evaluation)?;
        match &evaluation.fix {
            Some(fix) if self.options.show_fixes => self.fix(&evaluation.source, fix),
            _ => Ok(()),
        }
    }

    /// Writes nothing: the error itself belongs to stderr.
    fn unreadable(&mut self, _: &InputError) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        if summary.objects() > 0 {
            self.totals(summary)?;
            writeln!(self.out, "{summary}")?;
        }
        self.out.flush()
    }
}

/// Returns whether the report says why the object is denied.
fn has_reason(evaluation: &Evaluation) -> bool {
    let refused = |policy: &PolicyResult| matches!(policy.outcome, PolicyOutcome::Refused(_));
    evaluation.findings.iter().any(|finding| finding.level == Level::Deny)
        || evaluation.policies.iter().any(refused)
}

fn outcome(outcome: &PolicyOutcome) -> &'static str {
    match outcome {
        PolicyOutcome::Pass => "passed",
        PolicyOutcome::Fixed => "fixed",
        PolicyOutcome::Warn => "warned",
        PolicyOutcome::Fail => "denied",
        PolicyOutcome::Monitored => "monitored",
        PolicyOutcome::Refused(_) => "refused",
        PolicyOutcome::Skipped(_) => "skipped",
    }
}

/// Returns `path: sentence [rule]`, with the path and the rule emphasized.
fn sentence(finding: &Finding) -> String {
    let path = finding.path.as_ref().map(|path| paint(FIELD, &one_line(path)) + ": ").unwrap_or_default();
    let rule =
        finding.rule.as_ref().map(|rule| format!(" {}", paint(DIMMED, &format!("[{}]", one_line(rule)))));
    format!("{path}{}{}", one_line(&finding.message), rule.unwrap_or_default())
}

fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::admission::Subject;

    fn finding(level: Level, path: &str, message: &str, position: Option<Position>) -> Finding {
        Finding {
            level,
            rule: Some("rule-a".to_owned()),
            path: Some(path.to_owned()),
            message: message.to_owned(),
            position,
            fingerprint: String::new(),
            policy: String::new(),
        }
    }

    fn evaluation(verdict: Verdict, findings: Vec<Finding>) -> Evaluation {
        let subject = Subject {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: Some("default".to_owned()),
            name: "web".to_owned(),
        };
        Evaluation {
            source: Source::file("web.yaml"),
            subject,
            verdict,
            findings,
            policies: Vec::new(),
            fix: None,
        }
    }

    fn colored(evaluations: &[Evaluation]) -> String {
        let mut out = Vec::new();
        let mut report = Text::new(&mut out, ReportOptions { show_fixes: true, ..ReportOptions::default() });
        for evaluation in evaluations {
            report.evaluation(evaluation).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn fixes(before: &Value, after: &Value) -> String {
        let fix = Some(Fix { before: before.clone(), after: after.clone() });
        let fixed = Evaluation { fix, ..evaluation(Verdict::Fixed, Vec::new()) };
        colored(&[fixed]).split_once('\n').unwrap().1.to_owned()
    }

    #[test]
    fn verdicts_positions_fields_and_rules_are_colored() {
        let position = Some(Position { line: 3, column: 7 });
        let denied = finding(Level::Deny, "spec.a", "see b: c [d]", position);
        let warned = finding(Level::Warn, "spec.b", "two", None);
        assert_eq!(
            colored(&[
                evaluation(Verdict::Denied, vec![denied]),
                evaluation(Verdict::Admitted, vec![warned])
            ]),
            "web.yaml: Pod default/web \u{1b}[1m\u{1b}[31mdenied\u{1b}[0m\n    \
                 \u{1b}[2m3:7\u{1b}[0m \u{1b}[1mspec.a\u{1b}[0m: see b: c [d] \u{1b}[2m[rule-a]\u{1b}[0m\n\
             web.yaml: Pod default/web \u{1b}[32madmitted\u{1b}[0m\n    \
                 \u{1b}[33mwarning:\u{1b}[0m \u{1b}[1mspec.b\u{1b}[0m: two \u{1b}[2m[rule-a]\u{1b}[0m\n"
        );
    }

    #[test]
    fn a_denial_without_a_reason_is_reported() {
        assert_eq!(
            anstream::adapter::strip_str(&colored(&[evaluation(Verdict::Denied, Vec::new())])).to_string(),
            "web.yaml: Pod default/web denied\n    \
                 the policy does not give a reason\n"
        );
    }

    #[test]
    fn the_reason_of_a_policy_server_about_bare_settings_is_reported_once() {
        let refused = |findings| Evaluation {
            policies: vec![PolicyResult {
                name: String::new(),
                outcome: PolicyOutcome::Refused("no".to_owned()),
                notes: Vec::new(),
            }],
            ..evaluation(Verdict::Refused, findings)
        };
        let repeated = Finding { rule: None, path: None, ..finding(Level::Deny, "", "no", None) };
        for findings in [Vec::new(), vec![repeated]] {
            assert_eq!(
                anstream::adapter::strip_str(&colored(&[refused(findings)])).to_string(),
                "web.yaml: Pod default/web refused\n    \
                     no\n"
            );
        }
    }

    #[test]
    fn fixes_are_a_colored_diff() {
        assert_eq!(
            fixes(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3})),
            "    \u{1b}[1m--- web.yaml\u{1b}[0m\n    \
                 \u{1b}[1m+++ web.yaml, fixed\u{1b}[0m\n    \
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
            "    --- web.yaml\n    \
                 +++ web.yaml, fixed\n    \
                 @@ -1,3 +1,3 @@\n    \
                 -a: \"\\e[2J\"\n    \
                 +a: \"\\L\\r\"\n     \
                  \"b\\x9B\": |\n       \
                    \\u{202e}x\\ty\n"
        );
    }
}
