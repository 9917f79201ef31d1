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
    format!("{}/rules/{}", crate::SITE, rule.meta().id)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_rule_is_found_in_any_letter_case() {
        assert_eq!(find("hostPorts"), Some(RuleId::HostPorts));
        assert_eq!(find("HOSTPORTS"), Some(RuleId::HostPorts));
        assert_eq!(find("host-ports"), None);
    }

    #[test]
    fn the_documentation_has_a_page_for_every_rule() {
        let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
        for rule in RuleId::ALL {
            let address = documentation(*rule);
            let page = address.strip_prefix(crate::SITE).unwrap();
            assert!(Path::new(&format!("{pages}{page}.md")).exists(), "{address}");
        }
    }
}
