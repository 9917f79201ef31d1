//! The rules as reports and commands present them.

use immutable_pods_policy::rules::RuleId;

/// Returns the rule with an id, in any letter case. Another policy can report other ids.
#[must_use]
pub fn find(id: &str) -> Option<RuleId> {
    RuleId::ALL.iter().copied().find(|rule| rule.meta().id.eq_ignore_ascii_case(id))
}

/// Returns the address of the documentation of a rule.
#[must_use]
pub fn documentation(rule: RuleId) -> String {
    let anchor = rule.meta().id.to_ascii_lowercase();
    format!("{}/blob/main/docs/settings.md#{anchor}", crate::REPOSITORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_found_in_any_letter_case() {
        assert_eq!(find("hostPorts"), Some(RuleId::HostPorts));
        assert_eq!(find("HOSTPORTS"), Some(RuleId::HostPorts));
        assert_eq!(find("host-ports"), None);
    }

    #[test]
    fn the_documentation_has_a_heading_for_every_rule() {
        let page = include_str!("../../docs/settings.md");
        for rule in RuleId::ALL {
            assert!(page.contains(&format!("\n### {}\n", rule.meta().id)), "{rule:?}");
        }
        assert!(documentation(RuleId::HostPorts).ends_with("/docs/settings.md#hostports"));
    }
}
