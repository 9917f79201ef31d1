//! Writes proposed settings as YAML, with a header.

use std::fmt::Write as _;

use immutable_pods_policy::rules::policy_settings;

use super::ordered::OrderedSettings;
use super::{Expiry, Proposal};
use crate::diff::yaml;
use crate::{NAME, VERSION};

/// Returns the settings as YAML. The header says what they are based on.
#[must_use]
pub fn to_yaml(proposal: &Proposal, expiry: &Expiry) -> String {
    let Proposal { settings, objects, controlled, new_denials, not_yet, denied } = proposal;
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# {line}");
    };
    let count = count(*objects, "object");
    let what = match controlled {
        0 => count,
        controlled => format!("{count}, {controlled} of them controlled by others"),
    };
    line(&format!("Settings that admit what exists now: {what}. Made by {NAME} {VERSION} baseline."));
    if !denied.is_empty() {
        line(&format!("No settings admit {} of them.", denied.len()));
    }
    if settings.contains_key("exemptions") {
        line(&format!("The exemptions expire on {}: until then, change what needs them.", expiry.as_str()));
    }
    if !new_denials.is_empty() {
        line(&format!("Nothing violates these rules, so they deny from now on: {}.", new_denials.join(", ")));
    }
    for (rule, objects) in not_yet {
        let count = self::count(*objects, "object");
        line(&format!("{rule} does not deny yet: it would deny {count}."));
    }
    let declaration = policy_settings::declaration();
    text + &yaml(&OrderedSettings { settings, declarations: &declaration.settings })
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
