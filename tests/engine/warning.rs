//! A parser of warnings, so that tests can compare truncated warnings with the findings.

use crate::module::{path_of, rule_of};

/// Maximum length of all warnings of a response, in characters. API servers forward twice as many, for all webhooks
/// together.
pub(crate) const MAX_CHARACTERS: usize = 2000;

/// A parsed warning.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Warning<'w> {
    /// An exemption has expired.
    Expired,
    /// Number of expired exemptions that have no warning of their own.
    MoreExpired(usize),
    /// Number of fixable findings that are ignored in a controlled object or in a mirror pod.
    Ignored(usize),
    /// The findings of a rule: the path of the first finding and the subjects of others, as far as the warning names them.
    Rule {
        rule: &'w str,
        /// The path of the first finding.
        path: Option<&'w str>,
        /// Number of all findings of the rule.
        findings: usize,
        /// Whether the warning names the subject of every finding.
        names_all: bool,
    },
    /// Number of findings whose subjects no warning names.
    Omitted(usize),
}

/// Parses a warning. Returns `None` for any other form.
pub(crate) fn parse(warning: &str) -> Option<Warning<'_>> {
    if warning.starts_with("exemptions[") {
        return Some(Warning::Expired);
    }
    if let Some(rest) = warning.strip_prefix("… and ") {
        let (number, what) = rest.split_once(' ')?;
        let number: usize = number.parse().ok()?;
        let plural = if number == 1 { "" } else { "s" };
        return match what {
            _ if what == format!("more expired exemption{plural}") => Some(Warning::MoreExpired(number)),
            _ if what == format!("more finding{plural}") => Some(Warning::Omitted(number)),
            _ => None,
        };
    }
    if let Some((number, rest)) = warning.split_once(" fixable finding")
        && rest.contains(" because ")
    {
        return number.parse().ok().map(Warning::Ignored);
    }
    let rule = rule_of(warning);
    let body = warning.strip_suffix(&format!(" [{rule}]"))?;
    if let Some(findings) = number_of_findings(body) {
        return Some(Warning::Rule { rule, path: None, findings, names_all: false });
    }
    let path = Some(path_of(warning)).filter(|path| !path.is_empty())?;
    let (others, names_all) = others(body).unwrap_or((0, true));
    Some(Warning::Rule { rule, path: Some(path), findings: others + 1, names_all })
}

/// Returns the number in `7 findings`.
fn number_of_findings(text: &str) -> Option<usize> {
    let (number, noun) = text.split_once(' ')?;
    let number: usize = number.parse().ok()?;
    (noun == if number == 1 { "finding" } else { "findings" }).then_some(number)
}

/// Returns the number of findings after the first finding, and whether the warning names all of their subjects.
fn others(body: &str) -> Option<(usize, bool)> {
    let (_, rest) = body.rsplit_once(", and ")?;
    let (number, subjects) = rest.split_once(" more")?;
    let is_truncated = subjects.strip_suffix(" more").and_then(|rest| rest.rsplit_once(" and "));
    let is_truncated = is_truncated.is_some_and(|(_, number)| number.parse::<usize>().is_ok());
    Some((number.parse().ok()?, !is_truncated && subjects.starts_with(" in ")))
}

/// Returns the length of all warnings, in characters.
pub(crate) fn characters(warnings: &[String]) -> usize {
    warnings.iter().map(|warning| warning.chars().count()).sum()
}

#[test]
fn warnings_are_parsed() {
    let of_rule = |findings, path, names_all| Warning::Rule { rule: "privileged", path, findings, names_all };
    for (warning, expected) in [
        ("exemptions[2] expired on 2027-06-30: reason", Some(Warning::Expired)),
        ("… and 3 more expired exemptions", Some(Warning::MoreExpired(3))),
        ("… and 1 more finding", Some(Warning::Omitted(1))),
        ("… and 1 more findings", None),
        ("… and many more findings", None),
        (
            "2 fixable findings are deferred to the pods of this ReplicaSet because …",
            Some(Warning::Ignored(2)),
        ),
        ("1 fixable finding does not count because …", Some(Warning::Ignored(1))),
        ("8 findings [privileged]", Some(of_rule(8, None, false))),
        ("a.b[0]: container \"x\" must not [privileged]", Some(of_rule(1, Some("a.b[0]"), true))),
        (
            "a: the pod must not, and 2 more in container \"x\" [privileged]",
            Some(of_rule(3, Some("a"), true)),
        ),
        (
            "a: the pod must not, and 9 more in the pod and 5 more [privileged]",
            Some(of_rule(10, Some("a"), false)),
        ),
        ("a: the pod must not, and 9 more [privileged]", Some(of_rule(10, Some("a"), false))),
        ("nothing in particular", None),
    ] {
        assert_eq!(parse(warning), expected, "{warning}");
    }
}
