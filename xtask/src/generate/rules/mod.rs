//! `docs/rules/`: a page for each rule, and a page that lists them.

mod example;

use std::fmt::Write as _;

use immutable_pods::rules::documentation;
use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::settings::declaration::{Accepts, Declaration};
use immutable_pods_testing::cases::{self, Case};

use super::compliance::standards_of;
use super::preset::{DEFAULT, Preset, presets};
use super::reference::push_setting;
use crate::in_repository;

/// The folder of the pages.
const FOLDER: &str = "docs/rules";

/// The topics of the examples. Each contains at most one case for each rule, whose name is that of the rule with dashes.
const DENIED: &str = "examples/denied";
const ADMITTED: &str = "examples/admitted";
const FIXED: &str = "examples/fixed";

const INDEX: &str = "\
<!-- Generated from src/rules: cargo xtask generate -->

# All rules

Each rule checks one thing, and has a mode: `off`, `warn`, `deny`, and for some rules `fix`. The [settings](../settings.md) choose the modes,
and a [preset](../presets.md) chooses all of them at once.

";

/// Returns every page with its path in the repository.
///
/// # Errors
/// If the cases or the settings of a preset cannot be read, or if a rule has no example.
pub(super) fn pages() -> Result<Vec<(String, String)>, String> {
    let cases = cases::read(&in_repository("tests/cases")).map_err(|error| error.to_string())?;
    let presets = presets()?;
    let settings = policy_settings::declaration().settings;
    let mut pages = vec![(format!("{FOLDER}/README.md"), format!("{INDEX}{}", table()))];
    for rule in RuleId::ALL {
        let id = rule.meta().id;
        let declaration = settings.iter().find(|setting| setting.key == id).ok_or("unknown setting")?;
        let page = Page { rule: *rule, declaration, presets: &presets, cases: &cases };
        let text = page.text().map_err(|reason| format!("{id}: {reason}"))?;
        pages.push((format!("{FOLDER}/{id}.md"), text));
    }
    Ok(pages)
}

/// Returns the table of all rules, with links to the pages in the same folder.
fn table() -> String {
    let mut table = "| rule | a finding is | the fix | default |\n| --- | --- | --- | --- |\n".to_owned();
    for rule in RuleId::ALL {
        let (meta, docs) = (rule.meta(), rule.docs());
        let cell = |text: &str| text.replace('|', "\\|");
        let _ = writeln!(
            table,
            "| [`{id}`]({id}.md) | {} | {} | `{}` |",
            cell(docs.finding),
            cell(docs.fix.unwrap_or("–")),
            meta.default_mode.name(),
            id = meta.id,
        );
    }
    table
}

/// Returns a table of all rules, with links that work on every site.
pub(super) fn short_table() -> String {
    let mut table = "| rule | what it enforces | default |\n| --- | --- | --- |\n".to_owned();
    for rule in RuleId::ALL {
        let meta = rule.meta();
        let fix = if meta.can_fix { ", can `fix`" } else { "" };
        let _ = writeln!(
            table,
            "| [`{}`]({}) | {} | `{}`{fix} |",
            meta.id,
            documentation(*rule),
            rule.docs().summary,
            meta.default_mode.name(),
        );
    }
    table
}

/// What the page of a rule is written from.
struct Page<'a> {
    rule: RuleId,
    declaration: &'a Declaration,
    presets: &'a [Preset],
    cases: &'a [Case],
}

impl Page<'_> {
    fn text(&self) -> Result<String, String> {
        let (meta, docs) = (self.rule.meta(), self.rule.docs());
        let mut page = format!(
            "<!-- Generated from src/rules and tests/cases/examples: cargo xtask generate -->\n\n# {}\n\n{}\n\n",
            meta.id, docs.summary
        );
        self.push_modes(&mut page);
        push(&mut page, "What it checks", &format!("A finding is {}.", docs.finding));
        push_paragraphs(&mut page, docs.how);
        push(&mut page, "Why", docs.why);
        let (denied, admitted) = (self.example(DENIED)?, self.example(ADMITTED)?);
        push(&mut page, "Denied", &example::denied(denied)?);
        push(&mut page, "Admitted", &example::admitted(admitted, denied)?);
        push(&mut page, "Fix", &self.fix()?);
        self.push_settings(&mut page);
        page.push_str("\n## Limits\n");
        push_paragraphs(&mut page, docs.limits);
        push_paragraphs(
            &mut page,
            Some("[Threat model and limits](../limits.md) lists what gets past all rules."),
        );
        push(&mut page, "Standards", &standards(self.rule));
        push(&mut page, "On the command line", &format!("```sh\nimmutable-pods explain {}\n```", meta.id));
        Ok(page)
    }

    /// Adds the severity, and the mode in each preset.
    fn push_modes(&self, page: &mut String) {
        let names = self.presets.iter().map(|Preset { name, .. }| {
            let default = if *name == DEFAULT { " (default)" } else { "" };
            format!(" `{name}`{default} |")
        });
        let modes = self.presets.iter().map(|preset| format!(" `{}` |", preset.mode(self.rule)));
        let _ = writeln!(
            page,
            "| severity |{}\n| --- |{}\n| {} |{}",
            names.collect::<String>(),
            " --- |".repeat(self.presets.len()),
            self.rule.meta().severity.as_str(),
            modes.collect::<String>(),
        );
    }

    /// Returns the example of a topic.
    fn example(&self, topic: &str) -> Result<&Case, String> {
        let name = with_dashes(self.rule.meta().id);
        let case = self.cases.iter().find(|case| case.topic == topic && case.name == name);
        case.ok_or_else(|| format!("tests/cases/{topic}.yaml: no case {name:?}"))
    }

    fn fix(&self) -> Result<String, String> {
        let Some(fix) = self.rule.docs().fix else {
            return Ok("The rule cannot `fix`: change what the finding names.".to_owned());
        };
        let example = example::fixed(self.example(FIXED)?)?;
        Ok(format!(
            "Change the field that the finding names, or let the policy do it. In mode `fix`, the rule {fix}: see [fix](../fix.md).\n\n\
             {example}"
        ))
    }

    /// Adds the settings of the rule.
    fn push_settings(&self, page: &mut String) {
        let _ = write!(
            page,
            "\n## Settings\n\nThe rule accepts a mode alone, `{}: warn`, or an object with these [settings](../settings.md):\n\n",
            self.declaration.key
        );
        if let Accepts::Shorthand(_, options) = &self.declaration.accepts {
            for setting in &options.settings {
                push_setting(page, setting, 0);
            }
        }
    }
}

/// Adds a section.
fn push(page: &mut String, heading: &str, text: &str) {
    let _ = write!(page, "\n## {heading}\n\n{}\n", text.trim_end());
}

/// Adds paragraphs, if there are any.
fn push_paragraphs(page: &mut String, text: Option<&str>) {
    if let Some(text) = text {
        let _ = write!(page, "\n{text}\n");
    }
}

/// Returns the items of public standards that a finding violates.
fn standards(rule: RuleId) -> String {
    let standards = standards_of(rule);
    if standards.is_empty() {
        return "The standards that the policy is compared with do not mention what the rule checks."
            .to_owned();
    }
    let rows = standards.iter().map(|(name, items)| format!("| {name} | {items} |\n"));
    format!(
        "| standard | items |\n| --- | --- |\n{}\n[Compliance](../compliance.md) lists which presets cover them.",
        rows.collect::<String>()
    )
}

/// Returns a name in camel case as words with dashes between them.
fn with_dashes(id: &str) -> String {
    let mut words = String::new();
    for character in id.chars() {
        if character.is_ascii_uppercase() {
            words.push('-');
        }
        words.push(character.to_ascii_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::*;

    #[test]
    fn every_page_belongs_to_a_rule() {
        let pages: BTreeSet<_> = pages().unwrap().into_iter().map(|(path, _)| path).collect();
        let files = fs::read_dir(in_repository(FOLDER)).unwrap();
        let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
        let written: BTreeSet<_> = names.map(|name| format!("{FOLDER}/{name}")).collect();
        assert_eq!(written, pages);
    }

    #[test]
    fn every_example_is_on_a_page() {
        let cases = cases::read(&in_repository("tests/cases")).unwrap();
        let rules: BTreeSet<_> = RuleId::ALL.iter().map(|rule| with_dashes(rule.meta().id)).collect();
        for case in cases.iter().filter(|case| case.is_of("examples")) {
            let is_shown = [DENIED, ADMITTED, FIXED].contains(&&*case.topic) && rules.contains(&case.name);
            assert!(is_shown, "{}", case.id);
        }
    }

    #[test]
    fn a_page_has_the_parts_of_a_rule() {
        for (path, page) in pages().unwrap().iter().filter(|(path, _)| !path.ends_with("README.md")) {
            let headings: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("## ")).collect();
            let expected = [
                "What it checks",
                "Why",
                "Denied",
                "Admitted",
                "Fix",
                "Settings",
                "Limits",
                "Standards",
                "On the command line",
            ];
            assert_eq!(headings, expected, "{path}");
        }
    }
}
