//! `docs/messages.md`: the sentences of findings.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use immutable_pods::finding::Line;
use immutable_pods_policy::rules::RuleId;
use immutable_pods_testing::cases;

use crate::in_repository;

pub(super) const FILE: &str = "docs/messages.md";

const TEMPLATE: &str = include_str!("../../templates/messages.md");

/// Returns the page. For each sentence, the first test case that has it gives an example.
///
/// # Errors
/// If the cases cannot be read.
pub(super) fn generate() -> Result<String, String> {
    let cases = cases::read(&in_repository("tests/cases")).map_err(|error| error.to_string())?;
    // The objects of attacks are not what users write.
    let lines = cases.iter().filter(|case| !case.is_of("bypass")).flat_map(|case| &case.deny);
    let lines: Vec<_> = lines.map(|line| Line::parse(line)).collect();
    let mut list = String::new();
    for rule in RuleId::ALL {
        let id = rule.meta().id;
        let _ = write!(list, "\n### {id}\n\n");
        let mut shapes = BTreeSet::new();
        for line in lines.iter().filter(|line| line.rule == Some(id)) {
            let (_, change) =
                line.message.split_once(" must ").ok_or_else(|| format!("no \"must\": {}", line.message))?;
            if shapes.insert(shape(change)) {
                let _ = writeln!(list, "- `must {change}`");
            }
        }
        let _ = writeln!(list, "\nSee [{id}](rules/{id}.md).");
    }
    Ok(TEMPLATE.replace("@messages@\n", list.trim_start()))
}

/// Returns a sentence without its reason, which follows a colon, and without what differs from object to object: text in quotes and
/// brackets, numbers, paths, capabilities, variables, types of volumes, and the length of a list of them.
fn shape(sentence: &str) -> String {
    let unquoted: String = sentence.split('"').step_by(2).collect();
    let change = unquoted.split(": ").next().unwrap_or_default();
    let change = change.split(['(', '[']).next().unwrap_or_default();
    let mut words = Vec::new();
    let mut previous = "";
    for word in change.split_whitespace() {
        if previous != "type" && word != "or" && !is_value(word) {
            words.push(word);
        }
        previous = word;
    }
    words.join(" ")
}

fn is_value(word: &str) -> bool {
    let word = word.trim_end_matches([',', ';']);
    let is_constant = word.len() > 2 && !word.contains(|character: char| character.is_ascii_lowercase());
    word.contains(|character: char| "/0123456789".contains(character))
        || is_constant && !["UID", "GID"].contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_no_values() {
        for sentence in [
            r#"mount "/a b" read-only, or elsewhere: /etc/ssl is protected"#,
            r#"mount "/" read-only, or elsewhere: /bin is protected"#,
        ] {
            assert_eq!(shape(sentence), "mount read-only, elsewhere");
        }
        assert_eq!(shape("use a GID in 1-2 or 4-5, not 3"), shape("use a GID in 10-20, not 9"));
        assert_eq!(shape("drop NET_RAW, MKNOD"), "drop");
        assert_eq!(shape(r#"run one of (["a"]), not ["b"]"#), "run one of");
        assert_eq!(shape("not be of type nfs"), "not be of type");
    }
}
