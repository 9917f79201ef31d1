//! The messages that users read: denials and warnings.
//!
//! Clusters need short messages: `kubectl get events` shows the first line of a denial, controllers copy denials into the status of
//! objects, and API servers truncate warnings. Reports contain every finding on a line of its own.

use crate::kubernetes::name_index::NameIndex;
use crate::rules::finding::Finding;

/// The length of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Short messages for clusters.
    Short,
    /// All findings, for reports.
    Long,
}

/// The findings of a rule in one message.
#[derive(Debug)]
pub struct RuleReport<'f, 'p> {
    /// The id of the rule.
    pub rule: &'static str,
    /// The findings, at least one.
    pub findings: Vec<&'f Finding<'p>>,
}

/// Maximum size of a denial, in bytes. Denials are copied into events and into the status of `ReplicaSets` and Deployments.
const MAX_DENIAL_BYTES: usize = 16 * 1024;

/// Size of all findings in a report, in bytes, after which no line is added. Enough for 2,000 containers without any setting.
const MAX_REPORT_BYTES: usize = 8 * 1024 * 1024;

/// Maximum size of all warnings of a response, in bytes.
///
/// Source: API servers pass on 4,096 characters of all webhooks together and drop the rest silently
/// (`k8s.io/apiserver/pkg/endpoints/filters/warning.go`).
const MAX_WARNINGS_BYTES: usize = 2_000;

/// Maximum size of the warnings about expired exemptions among them, in bytes.
const MAX_EXPIRED_BYTES: usize = 1_000;

/// Bytes reserved for the line about omitted findings.
const OMISSION_BYTES: usize = 64;

/// Maximum number of subjects in the first line of a denial.
const MAX_SUBJECTS: usize = 3;

/// Returns the message of a denial, or nothing if there are no findings.
#[must_use]
pub fn denial(rules: &[RuleReport<'_, '_>], form: Form) -> Option<String> {
    let total: usize = rules.iter().map(|report| report.findings.len()).sum();
    let mut message = String::new();
    if total > 1 && form == Form::Short {
        message = summary(rules, total);
    }
    let mut shown = 0;
    for RuleReport { rule, findings } in rules {
        for finding in findings {
            let end = message.len();
            if end > 0 {
                message.push('\n');
            }
            finding.push_line(rule, &mut message);
            let is_too_long = match form {
                Form::Short => message.len() + OMISSION_BYTES > MAX_DENIAL_BYTES,
                Form::Long => end > MAX_REPORT_BYTES,
            };
            if is_too_long && shown > 0 {
                message.truncate(end);
                message.push('\n');
                message.push_str(&omission(total - shown));
                return Some(message);
            }
            shown += 1;
        }
    }
    (total > 0).then_some(message)
}

/// Returns the first line of a denial of several findings: `7 findings in container "web", the pod: privileged, hostNamespaces`.
fn summary(rules: &[RuleReport<'_, '_>], total: usize) -> String {
    let mut subjects = Subjects::default();
    for finding in rules.iter().flat_map(|report| &report.findings) {
        subjects.add(&finding.subject);
    }
    let ids: Vec<_> = rules.iter().map(|report| report.rule).collect();
    format!("{} in {}: {}", count(total, "finding"), subjects.first(MAX_SUBJECTS), ids.join(", "))
}

/// Returns the warnings of a response: about expired exemptions, the notice, and about findings.
#[must_use]
pub fn warnings(
    expired: impl Iterator<Item = String>,
    notice: Option<String>,
    rules: &[RuleReport<'_, '_>],
    form: Form,
) -> Vec<String> {
    if form == Form::Long {
        let mut warnings: Vec<_> = expired.chain(notice).collect();
        push_lines(&mut warnings, rules);
        return warnings;
    }
    let mut warnings = first_of(expired);
    warnings.extend(notice);
    let used: usize = warnings.iter().map(String::len).sum();
    let mut left = (MAX_WARNINGS_BYTES - OMISSION_BYTES).saturating_sub(used);
    let mut omitted = 0;
    for (index, report) in rules.iter().enumerate() {
        let (warning, unnamed) = report.warning(left / (rules.len() - index), left);
        omitted += unnamed;
        if let Some(warning) = warning {
            left = left.saturating_sub(warning.len());
            warnings.push(warning);
        }
    }
    warnings.extend((omitted > 0).then(|| omission(omitted)));
    warnings
}

/// Adds one warning per finding.
fn push_lines(warnings: &mut Vec<String>, rules: &[RuleReport<'_, '_>]) {
    let (mut size, mut omitted) = (0, 0);
    for RuleReport { rule, findings } in rules {
        for finding in findings {
            if size > MAX_REPORT_BYTES {
                omitted += 1;
                continue;
            }
            let line = finding.line(rule);
            size += line.len();
            warnings.push(line);
        }
    }
    warnings.extend((omitted > 0).then(|| omission(omitted)));
}

/// Returns as many warnings about expired exemptions as fit, and the number of the others.
fn first_of(expired: impl Iterator<Item = String>) -> Vec<String> {
    let mut warnings = Vec::new();
    let (mut size, mut omitted) = (0, 0);
    for warning in expired {
        size += warning.len();
        if size > MAX_EXPIRED_BYTES {
            omitted += 1;
        } else {
            warnings.push(warning);
        }
    }
    warnings.extend((omitted > 0).then(|| format!("… and {}", count(omitted, "more expired exemption"))));
    warnings
}

impl<'f, 'p> RuleReport<'f, 'p> {
    /// Adds findings to those of the same rule, or adds the rule.
    pub fn add(rules: &mut Vec<Self>, rule: &'static str, findings: &'f [Finding<'p>]) {
        match rules.iter_mut().find(|known| known.rule == rule) {
            Some(known) => known.findings.extend(findings),
            None => rules.push(Self { rule, findings: findings.iter().collect() }),
        }
    }

    /// Returns a warning about all findings of the rule that has at most `share` bytes, and the number of omitted findings. If not
    /// even the first finding fits, the warning consists of their number, provided that `left` bytes suffice, which remain for all
    /// rules.
    fn warning(&self, share: usize, left: usize) -> (Option<String>, usize) {
        let Some((first, others)) = self.findings.split_first() else { return (None, 0) };
        let mut start = String::new();
        first.push_sentence(&mut start);
        let end = format!(" [{}]", self.rule);
        let total = self.findings.len();
        if others.is_empty() && start.len() + end.len() <= share {
            return (Some(start + &end), 0);
        }
        let more = format!(", and {} more", others.len());
        let room = share.checked_sub(start.len() + more.len() + end.len()).filter(|_| !others.is_empty());
        let Some(room) = room else {
            let short = count(total, "finding") + &end;
            return (Some(short).filter(|short| short.len() <= left), total);
        };
        let mut subjects = Subjects::default();
        for other in others {
            subjects.add(&other.subject);
        }
        let (names, mentioned) = subjects.fitting(room, &first.subject);
        (Some(start + &more + &names + &end), others.len() - mentioned)
    }
}

/// The subjects of findings, each with its number of findings, in the order of the findings.
#[derive(Default)]
struct Subjects<'f> {
    by_name: NameIndex<'f>,
    names: Vec<(&'f str, usize)>,
}

impl<'f> Subjects<'f> {
    fn add(&mut self, name: &'f str) {
        let index = self.by_name.add(name.into(), self.names.len());
        match self.names.get_mut(index) {
            Some((_, count)) => *count += 1,
            None => self.names.push((name, 1)),
        }
    }

    /// Returns the first names, and the number of the others.
    fn first(&self, max: usize) -> String {
        let names: Vec<_> = self.names.iter().take(max).map(|(name, _)| *name).collect();
        let text = names.join(", ");
        if self.names.len() > max { format!("{text} and {} more", self.names.len() - max) } else { text }
    }

    /// Returns ` in ` with as many names as fit into `room` bytes, or nothing if no name fits. The number is that of the findings
    /// whose subject is named, or is `known` because the warning contains it already.
    fn fitting(&self, room: usize, known: &str) -> (String, usize) {
        let all = self.names.len();
        let mut size = " in ".len();
        let mut fit = 0;
        for (index, (name, _)) in self.names.iter().enumerate() {
            let separator = if index == 0 { 0 } else { ", ".len() };
            let rest = all - index - 1;
            let more = if rest == 0 { 0 } else { " and  more".len() + rest.to_string().len() };
            size += separator + name.len();
            if size > room {
                break;
            }
            if size + more <= room {
                fit = index + 1;
            }
        }
        let is_named = |(index, (name, _)): &(usize, &(&str, usize))| *index < fit || *name == known;
        let named = self.names.iter().enumerate().filter(is_named).map(|(_, (_, count))| count).sum();
        if fit == 0 { (String::new(), named) } else { (format!(" in {}", self.first(fit)), named) }
    }
}

/// Returns the line about omitted findings.
fn omission(findings: usize) -> String {
    format!("… and {}", count(findings, "more finding"))
}

/// Returns a number with its noun, in the plural if needed.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rules::finding::Findings;

    fn finding(container: &str, field: &str) -> Finding<'static> {
        let mut findings = Findings::default();
        let path = format!("spec.containers[0].{field}");
        findings.at_request(&path, "", None).message("must set it to true");
        let mut finding = findings.list.remove(0);
        finding.subject = format!("container \"{container}\"");
        finding
    }

    fn report_of<'f>(rule: &'static str, findings: &'f [Finding<'static>]) -> RuleReport<'f, 'static> {
        RuleReport { rule, findings: findings.iter().collect() }
    }

    fn many(number: usize) -> Vec<Finding<'static>> {
        (0..number).map(|index| finding(&format!("container-{index}"), "x")).collect()
    }

    fn warn(rules: &[RuleReport<'_, '_>]) -> Vec<String> {
        warnings([].into_iter(), None, rules, Form::Short)
    }

    fn size(warnings: &[String]) -> usize {
        warnings.iter().map(String::len).sum()
    }

    #[test]
    fn a_single_finding_needs_no_summary() {
        let one = finding("web", "x");
        let line = r#"spec.containers[0].x: container "web" must set it to true [a]"#;
        assert_eq!(denial(&[report_of("a", &[one])], Form::Short).unwrap(), line);
        assert_eq!(denial(&[], Form::Short), None);
    }

    #[test]
    fn a_denial_of_several_findings_begins_with_a_summary() {
        let (first, second) = ([finding("web", "x"), finding("proxy", "x")], [finding("web", "y")]);
        let rules = [report_of("a", &first), report_of("b", &second)];
        let message = denial(&rules, Form::Short).unwrap();
        assert_eq!(
            message.lines().next().unwrap(),
            r#"3 findings in container "web", container "proxy": a, b"#
        );
        assert_eq!(message.lines().count(), 4);
        let report = denial(&rules, Form::Long).unwrap();
        assert_eq!(message.split_once('\n').unwrap().1, report);
    }

    #[test]
    fn the_summary_names_three_subjects() {
        let findings = many(8);
        let message = denial(&[report_of("a", &findings)], Form::Short).unwrap();
        assert_eq!(
            message.lines().next().unwrap(),
            r#"8 findings in container "container-0", container "container-1", container "container-2" and 5 more: a"#
        );
    }

    #[test]
    fn a_denial_ends_at_16_kilobytes() {
        let findings = many(1_000);
        let message = denial(&[report_of("a", &findings)], Form::Short).unwrap();
        assert!((16_000..=MAX_DENIAL_BYTES).contains(&message.len()), "{}", message.len());
        let shown = message.lines().count() - 2;
        assert!(message.ends_with(&format!("\n… and {} more findings", 1_000 - shown)));
        assert_eq!(denial(&[report_of("a", &findings)], Form::Long).unwrap().lines().count(), 1_000);
    }

    #[test]
    fn a_report_ends_at_8_megabytes() {
        let bytes = MAX_REPORT_BYTES / 50;
        let findings: Vec<_> = (0..100).map(|_| finding_of(bytes)).collect();
        let message = denial(&[report_of("a", &findings)], Form::Long).unwrap();
        assert!(message.len() < MAX_REPORT_BYTES + 2 * bytes, "{}", message.len());
        assert!(message.ends_with(" more findings"), "{}", &message[message.len() - 80..]);
        let warnings = warnings([].into_iter(), None, &[report_of("a", &findings)], Form::Long);
        assert!(warnings.len() < 60 && warnings.last().unwrap().ends_with(" more findings"));
    }

    /// Returns a finding whose line has this number of bytes in a report about rule `a`.
    fn finding_of(bytes: usize) -> Finding<'static> {
        let others = finding("web", "").line("a").len();
        finding("web", &"x".repeat(bytes - others))
    }

    #[test]
    fn a_denial_leaves_room_for_the_line_about_omitted_findings() {
        let message = |bytes| {
            let findings = [finding_of(100), finding_of(bytes)];
            denial(&[report_of("a", &findings)], Form::Short).unwrap()
        };
        let others = message(100).len() - 100;
        let room = MAX_DENIAL_BYTES - OMISSION_BYTES - others;
        assert_eq!(message(room).len(), MAX_DENIAL_BYTES - OMISSION_BYTES);
        assert!(message(room + 1).ends_with("[a]\n… and 1 more finding"));
    }

    #[test]
    fn a_report_adds_no_line_after_8_megabytes() {
        let omission = "… and 1 more finding";
        for (bytes, is_complete) in [(MAX_REPORT_BYTES, true), (MAX_REPORT_BYTES + 1, false)] {
            let findings = [finding_of(bytes), finding_of(100)];
            let report = [report_of("a", &findings)];
            let last = if is_complete { findings[1].line("a") } else { omission.to_owned() };
            assert_eq!(denial(&report, Form::Long).unwrap().lines().next_back(), Some(&*last), "{bytes}");
            let warnings = warnings([].into_iter(), None, &report, Form::Long);
            assert_eq!(warnings, [findings[0].line("a"), last], "{bytes}");
        }
    }

    #[test]
    fn a_long_finding_is_reported_in_full() {
        let [long, other] = [finding("web", &"x".repeat(20_000)), finding("web", "y")];
        let message = denial(&[report_of("a", &[long, other])], Form::Short).unwrap();
        assert_eq!(message.lines().count(), 3);
        assert!(message.ends_with("… and 1 more finding"));
    }

    #[test]
    fn a_rule_warns_once_and_names_the_containers() {
        let findings = many(3);
        assert_eq!(
            warn(&[report_of("a", &findings), report_of("b", &findings[..1])]),
            [
                r#"spec.containers[0].x: container "container-0" must set it to true, and 2 more in container "container-1", container "container-2" [a]"#,
                r#"spec.containers[0].x: container "container-0" must set it to true [b]"#,
            ]
        );
    }

    #[test]
    fn warnings_name_as_many_containers_as_fit() {
        let findings = many(200);
        let rules: Vec<_> = ["a", "b", "c"].map(|rule| report_of(rule, &findings)).into();
        let warnings = warn(&rules);
        assert!((1_800..=MAX_WARNINGS_BYTES).contains(&size(&warnings)), "{}", size(&warnings));
        assert_eq!(warnings.len(), 4);
        let named: usize = warnings.iter().map(|warning| warning.matches("\"container-").count()).sum();
        assert_eq!(*warnings.last().unwrap(), format!("… and {} more findings", 600 - named));
        assert!(warnings[0].contains(" and 1") && warnings[0].ends_with(" more [a]"), "{}", warnings[0]);
    }

    /// Returns what [`RuleReport::warning`] returns for several findings of rule `a`: the first text that fits, from all names to
    /// no name.
    fn slow_warning(findings: &[Finding<'_>], share: usize, left: usize) -> (Option<String>, usize) {
        let (first, others) = findings.split_first().unwrap();
        let mut start = String::new();
        first.push_sentence(&mut start);
        let mut names: Vec<_> = others.iter().map(|finding| &*finding.subject).collect();
        let mut known = BTreeSet::new();
        names.retain(|name| known.insert(*name));
        for fit in (0..=names.len()).rev() {
            let (shown, rest) = names.split_at(fit);
            let place = match (shown, rest) {
                ([], _) => String::new(),
                (_, []) => format!(" in {}", shown.join(", ")),
                _ => format!(" in {} and {} more", shown.join(", "), rest.len()),
            };
            let text = format!("{start}, and {} more{place} [a]", others.len());
            if text.len() <= share {
                let is_unnamed = |name: &str| name != first.subject && !shown.contains(&name);
                let omitted = others.iter().filter(|finding| is_unnamed(&finding.subject)).count();
                return (Some(text), omitted);
            }
        }
        let number = format!("{} findings [a]", findings.len());
        (Some(number).filter(|number| number.len() <= left), findings.len())
    }

    #[test]
    fn a_warning_names_the_largest_number_of_containers_that_fits() {
        let names =
            ["web", "a", "web", "proxy", "b", "a", "c", "a-long-name", "d", "e", "f", "g", "h", "i", "j"];
        let findings: Vec<_> = names.iter().map(|name| finding(name, "x")).collect();
        for number in 2..=findings.len() {
            let findings = &findings[..number];
            for share in 0..400 {
                let left = share / 2;
                assert_eq!(
                    report_of("a", findings).warning(share, left),
                    slow_warning(findings, share, left),
                    "{number} findings, {share} bytes"
                );
            }
        }
    }

    #[test]
    fn a_warning_about_one_finding_is_its_line() {
        let findings = [finding("web", "x")];
        let report = report_of("a", &findings);
        let line = r#"spec.containers[0].x: container "web" must set it to true [a]"#;
        assert_eq!(report.warning(line.len(), 0), (Some(line.to_owned()), 0));
        assert_eq!(report.warning(line.len() - 1, 13), (Some("1 finding [a]".to_owned()), 1));
        assert_eq!(report.warning(line.len() - 1, 12), (None, 1));
    }

    #[test]
    fn every_rule_is_named_even_if_warnings_are_long() {
        let findings = vec![finding(&"w".repeat(63), &"x".repeat(2_000)); 9];
        let ids = ["one", "two", "three", "four", "five", "six", "seven", "eight"];
        let rules: Vec<_> = ids.iter().map(|rule| report_of(rule, &findings)).collect();
        let warnings = warn(&rules);
        assert!(size(&warnings) <= MAX_WARNINGS_BYTES);
        assert_eq!(warnings.len(), ids.len() + 1);
        assert_eq!(warnings[0], "9 findings [one]");
        assert_eq!(warnings.last().unwrap(), "… and 72 more findings");
    }

    #[test]
    fn expired_exemptions_come_first() {
        let expired = || (0..50).map(|index| format!("exemptions[{index}] expired on 2020-01-01: reason"));
        let findings = many(1);
        let rules = [report_of("a", &findings)];
        let short = warnings(expired(), Some("notice".to_owned()), &rules, Form::Short);
        assert!(short[0].starts_with("exemptions[0]"));
        assert_eq!(short.iter().filter(|warning| warning.starts_with("exemptions[")).count(), 22);
        assert_eq!(short[22..24], ["… and 28 more expired exemptions".to_owned(), "notice".to_owned()]);
        assert!(short[24].ends_with("[a]"));
        assert!(size(&short) <= MAX_WARNINGS_BYTES);
        let long = warnings(expired(), None, &rules, Form::Long);
        assert_eq!(long.len(), 51);
    }

    #[test]
    fn expired_exemptions_use_at_most_one_kilobyte() {
        let all = |bytes: usize| ["x".repeat(600), "y".repeat(bytes)];
        assert_eq!(first_of(all(400).into_iter()), all(400));
        let [first, _] = all(401);
        assert_eq!(first_of(all(401).into_iter()), [first, "… and 1 more expired exemption".to_owned()]);
    }
}
