//! `explain`: prints the documentation of a rule.

use std::fmt::Write as _;
use std::process::ExitCode;

use anstream::ColorChoice;
use anstyle::{AnsiColor, Effects, Style};
use clap::Args;
use immutable_pods::finding::Line;
use immutable_pods::printable::one_line;
use immutable_pods::rules;
use immutable_pods_policy::rules::rule::Severity;
use immutable_pods_policy::rules::{RULE_IDS, RuleId, policy_settings};
use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use immutable_pods_policy::settings::suggestion::suggestion;

use super::streams::{Errors, print};

/// Explain a rule or a finding; without an argument, list all rules
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Explain {
    /// The id of a rule, or a line of a report: `path: message [rule]`
    #[arg(value_name = "RULE|FINDING", allow_hyphen_values = true)]
    words: Vec<String>,
}

const AFTER_HELP: &str = "\
Examples:
  immutable-pods explain
  immutable-pods explain readOnlyRootFilesystem
  immutable-pods explain 'spec.hostNetwork: the pod must not set it to true [hostNamespaces]'

Exit codes:
  0  the explanation is printed
  2  the rule is unknown, or the command line is invalid";

const HEADING: Style = Style::new().bold();

/// Maximum number of accepted strings that are listed.
const MAX_CHOICES: usize = 8;

impl Explain {
    pub(super) fn exec(&self) -> ExitCode {
        let text = self.words.join(" ");
        if text.trim().is_empty() {
            return print(&list());
        }
        match find(without_position(text.trim())) {
            Ok((rule, finding)) => print(&explanation(rule, finding)),
            Err(error) => {
                Errors::new(ColorChoice::Auto).print(&error);
                ExitCode::from(2)
            }
        }
    }
}

/// Returns a line of a report as the rules write it, without the position and the label.
fn without_position(text: &str) -> &str {
    let is_position = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let text = text.split_once(' ').filter(|(word, _)| is_position(word)).map_or(text, |(_, rest)| rest);
    let labels = ["warning: ", "monitored: "];
    labels.into_iter().find_map(|label| text.strip_prefix(label)).unwrap_or(text)
}

/// Returns the rule that a text names, and the line of the finding if the text is one.
fn find(text: &str) -> Result<(RuleId, Option<&str>), String> {
    if let Some(rule) = rules::find(text) {
        return Ok((rule, None));
    }
    if let Some(id) = Line::parse(text).rule {
        return rules::find(id).map(|rule| (rule, Some(text))).ok_or_else(|| unknown(id));
    }
    if text.contains(' ') {
        return Err("expected a rule, or a finding that ends in the rule in brackets".to_owned());
    }
    Err(unknown(text))
}

fn unknown(id: &str) -> String {
    format!("unknown rule \"{id}\"{}", suggestion(id, RULE_IDS))
}

/// Returns every rule with its severity and what it enforces.
fn list() -> String {
    let width = RULE_IDS.iter().map(|id| id.len()).max().unwrap_or_default();
    RuleId::ALL.iter().fold(String::new(), |mut text, rule| {
        let meta = rule.meta();
        let padding = " ".repeat(width - meta.id.len());
        let severity = severity(meta.severity, &format!("{:<8}", meta.severity.as_str()));
        let _ =
            writeln!(text, "{HEADING}{}{HEADING:#}{padding}  {severity}  {}", meta.id, rule.docs().summary);
        text
    })
}

fn explanation(rule: RuleId, finding: Option<&str>) -> String {
    let (meta, docs) = (rule.meta(), rule.docs());
    let mut text = format!(
        "{HEADING}{}{HEADING:#}: {}\n\nseverity {}, mode `{}` by default\n",
        meta.id,
        docs.summary,
        severity(meta.severity, meta.severity.as_str()),
        meta.default_mode.name(),
    );
    push(&mut text, "Why", docs.why);
    push(&mut text, "What a finding is", &capitalized(docs.finding));
    push(&mut text, "How it decides", docs.how.unwrap_or_default());
    push(&mut text, "Limits", docs.limits.unwrap_or_default());
    push(&mut text, "How to fix", &how_to_fix(rule, finding));
    push(&mut text, "Settings", &settings(rule));
    push(&mut text, "Standards", &standards(rule));
    push(&mut text, "Documentation", &rules::documentation(rule));
    text
}

fn push(text: &mut String, heading: &str, content: &str) {
    if !content.is_empty() {
        let _ = write!(text, "\n{HEADING}{heading}{HEADING:#}\n\n{}\n", content.trim_end());
    }
}

/// Returns a phrase as a sentence.
fn capitalized(phrase: &str) -> String {
    let mut characters = phrase.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

fn how_to_fix(rule: RuleId, finding: Option<&str>) -> String {
    let by_hand = match finding {
        None => {
            "Change the field that the finding names. Its message contains the required change.".to_owned()
        }
        Some(line) => {
            let Line { path, message, .. } = Line::parse(line);
            let path = path.map(|path| format!("Change `{}`: ", one_line(path))).unwrap_or_default();
            format!("{path}{}.", one_line(message))
        }
    };
    match rule.docs().fix {
        Some(fix) => format!("{by_hand}\n\nIn mode `fix`, the policy {fix}."),
        None => by_hand,
    }
}

/// Returns the settings of a rule, each with its type, its default and its description.
fn settings(rule: RuleId) -> String {
    let declaration = policy_settings::declaration();
    let of_rule = declaration.settings.iter().find(|setting| setting.key == rule.meta().id);
    let mut text = String::new();
    if let Some(Accepts::Shorthand(_, object)) = of_rule.map(|setting| &setting.accepts) {
        for setting in &object.settings {
            push_setting(&mut text, setting, 0);
        }
    }
    text
}

fn push_setting(text: &mut String, setting: &Declaration, depth: usize) {
    let indent = "  ".repeat(depth);
    let default = match &setting.default {
        _ if setting.is_required => ", required".to_owned(),
        Some(default) if !default.is_null() => format!(", default {default}"),
        _ => String::new(),
    };
    let doc = setting.doc.replace('\n', &format!("\n{indent}  "));
    let _ =
        writeln!(text, "{indent}- {}: {}{default}\n{indent}  {doc}", setting.key, accepted(&setting.accepts));
    if let Some(object) = object_in(&setting.accepts) {
        for setting in object {
            push_setting(text, setting, depth + 1);
        }
    }
}

fn object_in(accepts: &Accepts) -> Option<&[Declaration]> {
    match accepts {
        Accepts::List { item, .. } => object_in(item),
        Accepts::Object(object) | Accepts::Shorthand(_, object) => Some(&object.settings),
        _ => None,
    }
}

/// Returns the type of a setting.
fn accepted(accepts: &Accepts) -> String {
    match accepts {
        Accepts::Flag => "true or false".to_owned(),
        Accepts::Natural => "a non-negative integer".to_owned(),
        Accepts::Mode(words) | Accepts::Word(words) => words.join(" | "),
        Accepts::Text(format) => match format.choices {
            Some(choices) if choices().words.len() <= MAX_CHOICES => choices().words.join(" | "),
            _ => "a string".to_owned(),
        },
        Accepts::List { item, may_be_empty } => {
            let not_empty = if *may_be_empty { "" } else { ", not empty" };
            format!("a list{not_empty}, each item: {}", accepted(item))
        }
        Accepts::Object(_) => "an object".to_owned(),
        Accepts::Shorthand(short, _) => format!("{} or an object", accepted(short)),
    }
}

/// Returns the items of public standards that the rule enforces.
fn standards(rule: RuleId) -> String {
    let controls = rule.controls();
    [
        ("CIS Kubernetes Benchmark", controls.cis),
        ("NSA and CISA Kubernetes Hardening Guidance", controls.nsa_cisa),
        ("Pod Security Standards, Baseline", controls.baseline),
        ("Pod Security Standards, Restricted", controls.restricted),
        ("Kubescape", controls.kubescape),
        ("MITRE ATT&CK", controls.attack),
    ]
    .into_iter()
    .filter(|(_, items)| !items.is_empty())
    .fold(String::new(), |mut text, (standard, items)| {
        let _ = writeln!(text, "- {standard}: {}", items.join(", "));
        text
    })
}

fn severity(severity: Severity, text: &str) -> String {
    let style = match severity {
        Severity::Critical => AnsiColor::Red.on_default().effects(Effects::BOLD),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => Style::new().dimmed(),
    };
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_by_its_id_and_by_a_finding() {
        assert_eq!(find("hostports"), Ok((RuleId::HostPorts, None)));
        let line = "spec.a: must not [hostPorts]";
        assert_eq!(find(line), Ok((RuleId::HostPorts, Some(line))));
    }

    #[test]
    fn a_finding_can_have_a_position_and_a_label() {
        let line = "spec.a: must not [hostPorts]";
        for label in ["", "12:3 ", "warning: ", "12:3 warning: ", "monitored: "] {
            assert_eq!(without_position(&format!("{label}{line}")), line);
        }
    }

    #[test]
    fn an_unknown_rule_has_a_suggestion() {
        assert_eq!(
            find("hostPort"),
            Err("unknown rule \"hostPort\", did you mean \"hostPorts\"?".to_owned())
        );
        assert_eq!(
            find("spec.a: must not [hostPost]"),
            Err("unknown rule \"hostPost\", did you mean \"hostPorts\"?".to_owned())
        );
        assert_eq!(
            find("what is this"),
            Err("expected a rule, or a finding that ends in the rule in brackets".to_owned())
        );
    }

    #[test]
    fn every_rule_has_an_explanation() {
        for rule in RuleId::ALL {
            let text = explanation(*rule, None);
            for heading in ["Why", "What a finding is", "How to fix", "Settings", "Documentation"] {
                assert!(text.contains(heading), "{rule:?}: {heading}");
            }
        }
    }
}
