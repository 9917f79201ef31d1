//! What each rule's file says at its top, which the README repeats.
//!
//! It begins with the rule's id and why the rule exists, and goes on with what a finding is, and what a fix does if the rule
//! has any: a paragraph without a full stop each, for the README's table. Whatever else is to be said follows, and last the
//! settings, one bullet each.

#![expect(clippy::panic, reason = "a file that cannot be read ends its test")]

use std::fmt::Write as _;
use std::fs;

use immutable_pods_policy::rules::{Definition, RULES};
use serde_json::{Map, Value, json};

use crate::fixture::folder_of;
use crate::module::{in_repository, policy};

const A_FINDING_IS: &str = "A finding is ";

const A_FIX: &str = "A fix ";

/// What stands before the settings.
const SETTINGS: &str = "Settings:";

/// The docs of a rule.
pub(crate) struct Docs {
    /// The id that they begin with.
    id: String,
    /// Why the rule exists: a sentence in lower case.
    why: String,
    /// What a finding is, from the article on.
    finding: String,
    /// What a fix does, from the verb on.
    fix: Option<String>,
    /// The other paragraphs, lists among them, with their lines as they are.
    rest: Vec<String>,
}

impl Docs {
    /// Reads the docs of a rule.
    #[track_caller]
    pub(crate) fn of(rule: &Definition) -> Self {
        let file = format!("src/rules/{}.rs", folder_of(rule.id));
        let source =
            fs::read_to_string(in_repository(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        Self::parse(&source).unwrap_or_else(|reason| panic!("{file}: {reason}"))
    }

    fn parse(source: &str) -> Result<Self, String> {
        let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let text = lines.join("\n");
        let mut paragraphs = text.split("\n\n").map(str::to_owned).peekable();
        let opening = paragraphs.next().unwrap_or_default();
        let (id, why) = opening
            .strip_prefix('`')
            .and_then(|opening| opening.split_once("`: "))
            .filter(|(_, why)| why.ends_with('.'))
            .ok_or("must begin with the rule's id and a sentence: \"`id`: why.\"")?;
        let finding = paragraphs.next().unwrap_or_default();
        let finding = finding
            .strip_prefix(A_FINDING_IS)
            .filter(|finding| !finding.ends_with('.'))
            .ok_or("must go on with a paragraph \"A finding is …\", without a full stop")?;
        let fix = paragraphs.next_if(|paragraph| paragraph.starts_with(A_FIX));
        if fix.as_ref().is_some_and(|fix| fix.ends_with('.')) {
            return Err("must tell what a fix does without a full stop".to_owned());
        }
        let fix = fix.map(|fix| fix.trim_start_matches(A_FIX).to_owned());
        let rest: Vec<_> = paragraphs.collect();
        check_settings(&rest)?;
        Ok(Self { id: id.to_owned(), why: why.to_owned(), finding: finding.to_owned(), fix, rest })
    }

    /// Whether they say this, wherever their lines break.
    pub(crate) fn say(&self, fragment: &str) -> bool {
        self.rest.iter().any(|paragraph| paragraph.replace('\n', " ").contains(fragment))
    }

    /// The keys that have a bullet among the settings.
    fn options(&self) -> Vec<&str> {
        let lines = self.rest.iter().flat_map(|paragraph| paragraph.lines());
        lines.filter_map(|line| Some(line.strip_prefix("- `")?.split_once("`: ")?.0)).collect()
    }

    /// What the rule is about, in one paragraph.
    pub(crate) fn summary(&self) -> String {
        let fix = self.fix.iter().map(|fix| format!(" {A_FIX}{fix}."));
        let summary = format!("{} {A_FINDING_IS}{}.", capitalised(&self.why), self.finding);
        fix.fold(summary, |summary, fix| summary + &fix).replace('\n', " ")
    }

    fn row(&self, rule: &Definition) -> String {
        let mode = if rule.mode.is_some() { "deny" } else { "off" };
        let cell = |text: &str| text.replace('\n', " ").replace('|', "\\|");
        let fix = self.fix.as_deref().map_or("–".to_owned(), cell);
        format!("| `{}` | {} | {fix} | `{mode}` |\n", rule.id, cell(&self.finding))
    }

    fn section(&self) -> String {
        let Self { id, why, finding, fix, rest } = self;
        let mut section = format!("\n### `{id}`\n\n{}\n\n{A_FINDING_IS}{finding}.\n", capitalised(why));
        // Writing to a string cannot fail.
        if let Some(fix) = fix {
            let _ = write!(section, "\n{A_FIX}{fix}.\n");
        }
        for paragraph in rest {
            let _ = write!(section, "\n{paragraph}\n");
        }
        section
    }
}

/// What the docs at the top of a file say about a setting, as sentences: behind its name in the opening, or in a bullet. A
/// bullet below another one belongs to a key within that one: `allowed.readOnly`.
#[track_caller]
pub(crate) fn description(file: &str, key: &str) -> String {
    let source = fs::read_to_string(in_repository(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let found = descriptions(&source).into_iter().find(|(name, _)| name == key);
    let (_, text) = found.unwrap_or_else(|| panic!("{file}: its docs do not describe {key}"));
    capitalised(text.strip_suffix('.').unwrap_or(&text)) + "."
}

/// What is described, in the order of the docs.
fn descriptions(source: &str) -> Vec<(String, String)> {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let mut described: Vec<(String, String)> = Vec::new();
    let top = vec![String::new()];
    let mut outer = top.clone();
    // How many names the text that goes on belongs to.
    let mut open = 0;
    for (number, line) in lines.enumerate() {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let opening = if number == 0 { Some(line) } else { line.trim_start().strip_prefix("- ") };
        if let Some((names, text)) = opening.and_then(|opening| opening.strip_prefix('`')?.split_once("`: "))
        {
            let names: Vec<_> = names.split("`, `").collect();
            let is_nested = line.starts_with(' ');
            open = 0;
            for prefix in if is_nested { &outer } else { &top } {
                described.extend(names.iter().map(|name| (format!("{prefix}{name}"), text.to_owned())));
                open += names.len();
            }
            if !is_nested {
                outer = names.iter().map(|name| format!("{name}.")).collect();
            }
        } else if line.is_empty() {
            open = 0;
        } else {
            for (_, text) in described.iter_mut().rev().take(open) {
                text.push(' ');
                text.push_str(line.trim_start());
            }
        }
    }
    described
}

/// Settings come last, and each has a bullet.
fn check_settings(paragraphs: &[String]) -> Result<(), &'static str> {
    let mut behind = paragraphs.iter().skip_while(|paragraph| *paragraph != SETTINGS).skip(1);
    match (behind.next(), behind.next()) {
        (None, _) if paragraphs.iter().any(|paragraph| paragraph == SETTINGS) => {
            Err("must list the settings behind \"Settings:\"")
        }
        (Some(list), None) if !list.lines().all(is_of_list) => {
            Err("must list the settings as bullets: \"- `key`: what it does\"")
        }
        (Some(_), Some(_)) => Err("must end with the list of the settings"),
        _ => Ok(()),
    }
}

fn is_of_list(line: &str) -> bool {
    line.starts_with("- `") || line.starts_with("  ")
}

fn capitalised(sentence: &str) -> String {
    let mut characters = sentence.chars();
    characters.next().into_iter().flat_map(char::to_uppercase).chain(characters).collect()
}

/// The README's table of the rules, and a section for each.
pub(crate) fn generated() -> String {
    let docs: Vec<_> = RULES.iter().map(|rule| (rule, Docs::of(rule))).collect();
    let rows: String = docs.iter().map(|(rule, docs)| docs.row(rule)).collect();
    let sections: String = docs.iter().map(|(_, docs)| docs.section()).collect();
    format!("| rule | a finding is | a fix | by default |\n| --- | --- | --- | --- |\n{rows}{sections}")
}

/// The keys that a rule takes, as the module lists them when it is given another.
#[track_caller]
pub(crate) fn keys_of(rule: &Definition) -> Vec<String> {
    let settings = Map::from_iter([(rule.id.to_owned(), json!({"?": 1}))]);
    let answer = policy().validate_settings(&Value::Object(settings));
    let message = answer.ok().and_then(|answer| answer.message).unwrap_or_default();
    let (_, keys) = message.split_once("(allowed: ").unwrap_or_else(|| panic!("{}: {message}", rule.id));
    keys.trim_end_matches(')').split(", ").map(str::to_owned).collect()
}

#[test]
fn the_docs_of_a_rule_begin_with_its_id() {
    for rule in RULES {
        assert_eq!(Docs::of(rule).id, rule.id);
    }
}

#[test]
fn the_docs_of_a_rule_tell_what_it_fixes_if_anything() {
    for rule in RULES {
        assert_eq!(Docs::of(rule).fix.is_some(), rule.can_fix, "{}", rule.id);
    }
}

#[test]
fn the_docs_of_a_rule_describe_its_settings_and_no_others() {
    for rule in RULES {
        let docs = Docs::of(rule);
        let mut described = docs.options();
        described.push("mode");
        described.sort_unstable();
        let mut keys = keys_of(rule);
        keys.sort_unstable();
        assert_eq!(described, keys, "settings in the docs of {}", rule.id);
    }
}

#[test]
fn docs_of_another_form_are_refused() {
    for source in [
        "",
        "//! Why.\n",
        "//! `a`: why.\n",
        "//! `a`: why\n//!\n//! A finding is b\n",
        "//! `a`: why.\n//!\n//! A finding is b.\n",
        "//! `a`: why.\n//!\n//! A finding is b\n//!\n//! A fix does c.\n",
        "//! `a`: why.\n//!\n//! A finding is b\n//!\n//! Settings:\n",
        "//! `a`: why.\n//!\n//! A finding is b\n//!\n//! Settings:\n//!\n//! c\n",
        "//! `a`: why.\n//!\n//! A finding is b\n//!\n//! Settings:\n//!\n//! - `c`: d.\n//!\n//! E.\n",
    ] {
        assert!(Docs::parse(source).is_err(), "{source}");
    }
    let docs = Docs::parse(
        "//! `a`: why.\n//!\n//! A finding is b | c\n//!\n//! A fix does g\n//!\n//! Settings:\n//!\n//! - `d`: e\n//!   f.\n\nuse x;\n",
    );
    let docs = docs.unwrap();
    assert_eq!(
        docs.section(),
        "\n### `a`\n\nWhy.\n\nA finding is b | c.\n\nA fix does g.\n\nSettings:\n\n- `d`: e\n  f.\n"
    );
    assert_eq!(docs.options(), ["d"]);
}

#[test]
fn settings_are_described_behind_their_names() {
    let source = "//! `a`: b\n//! c.\n//!\n//! - `d`, `e`: f\n//!   g.\n//!   - `h`: i.\n//! - `j`: k `l`.\n\n//! - `m`: n.\n";
    let described = descriptions(source);
    let described: Vec<_> = described.iter().map(|(key, text)| (&**key, &**text)).collect();
    assert_eq!(
        described,
        [("a", "b c."), ("d", "f g."), ("e", "f g."), ("d.h", "i."), ("e.h", "i."), ("j", "k `l`."),]
    );
}
