//! `docs/compliance.md`: which items of public standards the rules and presets cover.

mod coverage;
mod standards;

use std::collections::BTreeSet;

use immutable_pods_policy::rules::RuleId;
use immutable_pods_policy::rules::controls::Controls;

use super::preset::{Preset, presets};
use coverage::coverage;
use standards::{ATTACK, BASELINE, CIS, Item, KUBESCAPE, RESTRICTED};

pub(super) const FILE: &str = "docs/compliance.md";

const TEMPLATE: &str = include_str!("../../../templates/compliance.md");

/// Returns the items of a standard that a rule enforces.
type ItemsOf = fn(Controls) -> &'static [&'static str];

/// Returns the page.
///
/// # Errors
/// If the settings of a preset cannot be read.
pub(super) fn generate() -> Result<String, String> {
    let presets = presets()?;
    let parts = [
        ("rules", rules_table()),
        ("kubescape", names(&KUBESCAPE, |controls| controls.kubescape)),
        ("attack", names(&ATTACK, |controls| controls.attack)),
        ("cis", items_table(&presets, &CIS, |controls| controls.cis)),
        ("baseline", items_table(&presets, &BASELINE, |controls| controls.baseline)),
        ("restricted", items_table(&presets, &RESTRICTED, |controls| controls.restricted)),
    ];
    let fill = |page: String, (name, text): &(&str, String)| page.replace(&format!("@{name}@"), text);
    Ok(parts.iter().fold(TEMPLATE.to_owned(), fill))
}

/// Returns the standards that a rule enforces, each with its items.
pub(super) fn standards_of(rule: RuleId) -> Vec<(&'static str, String)> {
    let controls = rule.controls();
    let titles = |ids: &[&str], items: &[Item]| {
        let items = items.iter().filter(|item| ids.contains(&item.id));
        items.map(|item| format!("{} {}", item.id, item.title)).collect::<Vec<_>>().join("; ")
    };
    let named = |ids: &[&str], names: &[(&str, &str)]| {
        let names = names.iter().filter(|(id, _)| ids.contains(id));
        names.map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>().join("; ")
    };
    let techniques = ATTACK.iter().filter(|(id, _)| controls.attack.contains(id));
    let techniques = techniques.map(|(id, name)| format!("{} {name}", technique_link(id)));
    let standards = [
        ("CIS Kubernetes Benchmark", titles(controls.cis, &CIS)),
        ("NSA and CISA, Kubernetes Hardening Guidance", controls.nsa_cisa.join("; ")),
        ("Pod Security Standards", pod_security(controls)),
        ("Kubescape", named(controls.kubescape, &KUBESCAPE)),
        ("MITRE ATT&CK", techniques.collect::<Vec<_>>().join("; ")),
    ];
    standards.into_iter().filter(|(_, items)| !items.is_empty()).collect()
}

fn rules_table() -> String {
    let headings = ["rule", "CIS", "NSA and CISA", "Pod Security Standards", "Kubescape", "MITRE ATT&CK"];
    let rows = RuleId::ALL.iter().map(|rule| {
        let controls = rule.controls();
        let techniques: Vec<_> = controls.attack.iter().map(|id| technique_link(id)).collect();
        vec![
            rule_link(*rule),
            controls.cis.join(", "),
            controls.nsa_cisa.join("; "),
            pod_security(controls),
            controls.kubescape.join(", "),
            techniques.join(", "),
        ]
    });
    table(headings.map(str::to_owned).into(), rows)
}

/// Returns a table in Markdown, with a dash in empty cells.
fn table(headings: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let or_dash = |cell: String| if cell.is_empty() { "–".to_owned() } else { cell };
    let rule = vec!["---".to_owned(); headings.len()];
    let rows = rows.map(|cells| line(cells.into_iter().map(or_dash).collect()));
    [line(headings), line(rule)].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
}

fn rule_link(rule: RuleId) -> String {
    let id = rule.meta().id;
    format!("[`{id}`](rules/{id}.md)")
}

fn technique_link(id: &str) -> String {
    format!("[{id}](https://attack.mitre.org/techniques/{}/)", id.replace('.', "/"))
}

/// Returns the controls of both levels of the Pod Security Standards.
fn pod_security(controls: Controls) -> String {
    let levels = [("Baseline", controls.baseline), ("Restricted", controls.restricted)];
    let named = levels.iter().filter(|(_, names)| !names.is_empty());
    named.map(|(level, names)| format!("{level}: {}", names.join(", "))).collect::<Vec<_>>().join("; ")
}

/// Returns the names of the ids in the table of rules.
fn names(names: &[(&str, &str)], items_of: ItemsOf) -> String {
    let used: BTreeSet<_> = RuleId::ALL.iter().flat_map(|rule| items_of(rule.controls())).collect();
    let used = names.iter().filter(|(id, _)| used.contains(id));
    used.map(|(id, name)| format!("{id} {name}")).collect::<Vec<_>>().join("; ")
}

/// Returns the table of the items of a standard, with one column for each preset.
fn items_table(presets: &[Preset], items: &[Item], items_of: ItemsOf) -> String {
    let mut headings = ["item", "what it limits", "rules"].map(str::to_owned).to_vec();
    headings.extend(presets.iter().map(|preset| format!("`{}`", preset.name)));
    let rows = items.iter().map(|item| {
        let rules = rules_of(item, items_of);
        let links: Vec<_> = rules.iter().map(|rule| rule_link(*rule)).collect();
        let covered_by = item.not_covered.map_or_else(|| links.join(", "), |reason| format!("– ({reason})"));
        let mut cells = vec![item.id.to_owned(), item.title.to_owned(), covered_by];
        cells.extend(presets.iter().map(|preset| coverage(item, &rules, preset).to_string()));
        cells
    });
    table(headings, rows)
}

/// Returns the rules that cover an item.
fn rules_of(item: &Item, items_of: ItemsOf) -> Vec<RuleId> {
    RuleId::ALL.iter().copied().filter(|rule| items_of(rule.controls()).contains(&item.id)).collect()
}

#[cfg(test)]
mod tests {
    use super::standards::NSA_CISA;
    use super::*;

    /// Controls of the Pod Security Standards that no rule covers.
    const NOT_COVERED: [&str; 0] = [];

    #[test]
    fn every_rule_has_a_row() {
        let page = generate().unwrap();
        for rule in RuleId::ALL {
            let rows = page.lines().filter(|line| line.starts_with(&format!("| {} |", rule_link(*rule))));
            assert_eq!(rows.count(), 1, "{}", rule.meta().id);
        }
    }

    #[test]
    fn ids_are_well_formed_and_known() {
        let known = |items: &[Item]| items.iter().map(|item| item.id).collect::<BTreeSet<_>>();
        let ids = |names: &[(&'static str, &str)]| names.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>();
        check_ids(|controls| controls.cis, &known(&CIS), is_cis);
        check_ids(|controls| controls.nsa_cisa, &NSA_CISA.into(), |_| true);
        check_ids(|controls| controls.baseline, &known(&BASELINE), |_| true);
        check_ids(|controls| controls.restricted, &known(&RESTRICTED), |_| true);
        check_ids(|controls| controls.kubescape, &ids(&KUBESCAPE), is_kubescape);
        check_ids(|controls| controls.attack, &ids(&ATTACK), is_attack);
    }

    #[track_caller]
    fn check_ids(items_of: ItemsOf, known: &BTreeSet<&str>, is_well_formed: fn(&str) -> bool) {
        for rule in RuleId::ALL {
            let ids = items_of(rule.controls());
            for id in ids {
                assert!(known.contains(id) && is_well_formed(id), "{}: {id}", rule.meta().id);
            }
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{}: {ids:?}", rule.meta().id);
        }
    }

    fn digits(text: &str, count: usize) -> bool {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn is_cis(id: &str) -> bool {
        let numbers: Vec<_> = id.split('.').map(str::parse::<u8>).collect();
        matches!(numbers[..], [Ok(5), Ok(_), Ok(_)])
    }

    fn is_kubescape(id: &str) -> bool {
        id.strip_prefix("C-").is_some_and(|number| digits(number, 4))
    }

    fn is_attack(id: &str) -> bool {
        let (technique, part) = id.split_once('.').map_or((id, None), |(id, part)| (id, Some(part)));
        let is_technique = technique.strip_prefix('T').is_some_and(|number| digits(number, 4));
        is_technique && part.is_none_or(|part| digits(part, 3))
    }

    #[test]
    fn rules_cover_every_other_control_of_the_pod_security_standards() {
        let baseline = not_covered(&BASELINE, |controls| controls.baseline);
        let restricted = not_covered(&RESTRICTED, |controls| controls.restricted);
        assert_eq!([baseline, restricted].concat(), NOT_COVERED);
    }

    #[test]
    fn an_item_of_cis_without_rules_has_a_reason() {
        let without_reason = not_covered(&CIS, |controls| controls.cis);
        assert_eq!(without_reason, [""; 0]);
        for item in CIS.iter().filter(|item| item.not_covered.is_some()) {
            assert!(rules_of(item, |controls| controls.cis).is_empty(), "{}", item.id);
        }
    }

    /// Returns the items that neither rules nor a reason cover.
    fn not_covered(items: &[Item], items_of: ItemsOf) -> Vec<&'static str> {
        let without_rules = items.iter().filter(|item| rules_of(item, items_of).is_empty());
        without_rules.filter(|item| item.not_covered.is_none()).map(|item| item.id).collect()
    }

    #[test]
    fn requirements_name_rules_that_cover_the_item() {
        let lists: [(&[Item], ItemsOf); 3] = [
            (&CIS, |controls| controls.cis),
            (&BASELINE, |controls| controls.baseline),
            (&RESTRICTED, |controls| controls.restricted),
        ];
        for (items, items_of) in lists {
            for item in items.iter().filter(|item| !rules_of(item, items_of).is_empty()) {
                for requirement in item.requirements {
                    let rules = rules_of(item, items_of);
                    let named = rules.iter().any(|rule| rule.meta().id == requirement.rule);
                    assert!(named, "{}: {}", item.id, requirement.rule);
                }
            }
        }
    }
}
