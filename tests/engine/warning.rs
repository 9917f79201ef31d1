//! Warnings, taken apart: what they say must be true of the findings, whatever has room in them.

use crate::module::{path_of, rule_of};

/// The most characters of all warnings of a response: API servers pass on twice as many, for all webhooks together.
pub(crate) const MOST_CHARACTERS: usize = 2000;

/// What a warning says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Warning<'w> {
    /// An exemption has expired.
    Expired,
    /// So many more exemptions have expired.
    ExpiredBesides(usize),
    /// So many findings are left to the pods of a controlled object, or do not count for a mirror pod.
    Left(usize),
    /// So many findings of a rule, of which the first may be named by its path, and the subjects of others.
    OfRule {
        /// The rule.
        rule: &'w str,
        /// The path of the first finding.
        path: Option<&'w str>,
        /// The number of all of its findings.
        findings: usize,
        /// Whether it names what every finding belongs to.
        names_all: bool,
    },
    /// So many findings belong to what no warning names.
    LeftOut(usize),
}

/// Takes a warning apart. Whatever has another form breaks the contract.
pub(crate) fn parse(warning: &str) -> Option<Warning<'_>> {
    if warning.starts_with("exemptions[") {
        return Some(Warning::Expired);
    }
    if let Some(rest) = warning.strip_prefix("… and ") {
        let (number, what) = rest.split_once(' ')?;
        let number: usize = number.parse().ok()?;
        let plural = if number == 1 { "" } else { "s" };
        return match what {
            _ if what == format!("more expired exemption{plural}") => Some(Warning::ExpiredBesides(number)),
            _ if what == format!("more finding{plural}") => Some(Warning::LeftOut(number)),
            _ => None,
        };
    }
    if let Some((number, rest)) = warning.split_once(" fixable finding")
        && rest.contains(" because ")
    {
        return number.parse().ok().map(Warning::Left);
    }
    let rule = rule_of(warning);
    let body = warning.strip_suffix(&format!(" [{rule}]"))?;
    if let Some(findings) = number_of_findings(body) {
        return Some(Warning::OfRule { rule, path: None, findings, names_all: false });
    }
    let path = Some(path_of(warning)).filter(|path| !path.is_empty())?;
    let (others, names_all) = others(body).unwrap_or((0, true));
    Some(Warning::OfRule { rule, path: Some(path), findings: others + 1, names_all })
}

/// The number in `7 findings`.
fn number_of_findings(text: &str) -> Option<usize> {
    let (number, noun) = text.split_once(' ')?;
    let number: usize = number.parse().ok()?;
    (noun == if number == 1 { "finding" } else { "findings" }).then_some(number)
}

/// The number of the findings after the first one, and whether everything that they belong to is named.
fn others(body: &str) -> Option<(usize, bool)> {
    let (_, rest) = body.rsplit_once(", and ")?;
    let (number, subjects) = rest.split_once(" more")?;
    let is_cut = subjects.strip_suffix(" more").and_then(|rest| rest.rsplit_once(" and "));
    let is_cut = is_cut.is_some_and(|(_, number)| number.parse::<usize>().is_ok());
    Some((number.parse().ok()?, !is_cut && subjects.starts_with(" in ")))
}

/// The characters of all warnings.
pub(crate) fn characters(warnings: &[String]) -> usize {
    warnings.iter().map(|warning| warning.chars().count()).sum()
}

#[test]
fn warnings_are_taken_apart() {
    let of_rule =
        |findings, path, names_all| Warning::OfRule { rule: "privileged", path, findings, names_all };
    for (warning, expected) in [
        ("exemptions[2] expired on 2027-06-30: reason", Some(Warning::Expired)),
        ("… and 3 more expired exemptions", Some(Warning::ExpiredBesides(3))),
        ("… and 1 more finding", Some(Warning::LeftOut(1))),
        ("… and 1 more findings", None),
        ("… and many more findings", None),
        (
            "2 fixable findings are deferred to the pods of this ReplicaSet because …",
            Some(Warning::Left(2)),
        ),
        ("1 fixable finding does not count because …", Some(Warning::Left(1))),
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
