//! Matches exemptions with findings.

use std::cell::{LazyCell, OnceCell};

use crate::kubernetes::image_reference::{ImageReference, MAX_REFERENCE_LENGTH};
use crate::kubernetes::name_index::NameIndex;
use crate::kubernetes::pod::Pod;
use crate::rules::finding::Finding;
use crate::rules::responsible::{ResponsibleContainer, ResponsibleContainers};
use crate::settings::date::Date;
use crate::settings::exemption::{Exemption, Exemptions, Requester};
use crate::settings::selector::MAX_LABEL_LENGTH;
use crate::text::printable;

/// Matches the exemptions for a request with its findings.
#[derive(Debug)]
pub struct ExemptionMatcher<'e, 's> {
    exemptions: &'e Exemptions<'s>,
    requester: Requester<'e>,
    today: fn() -> Date,
    /// The exemptions for the request. They are selected at the first finding.
    candidates: Option<Vec<Candidate<'e, 's>>>,
    /// The current day. It is read if an exemption depends on it.
    day: OnceCell<Date>,
    /// The known containers. The value is an index of `matching`.
    containers: NameIndex<'static>,
    /// For each known container, the indices of the candidates that select it.
    matching: Vec<Vec<usize>>,
}

/// An exemption for the request.
#[derive(Clone, Copy, Debug)]
struct Candidate<'e, 's> {
    exemption: &'e Exemption<'s>,
    /// Whether the exemption covered a finding.
    is_used: bool,
    /// Whether the exemption has expired and would have covered a finding.
    is_missed: bool,
}

impl<'e, 's> ExemptionMatcher<'e, 's> {
    /// Creates a matcher for a request. `today` is called only if an exemption depends on the day.
    #[must_use]
    pub fn new(exemptions: &'e Exemptions<'s>, requester: Requester<'e>, today: fn() -> Date) -> Self {
        Self {
            exemptions,
            requester,
            today,
            candidates: None,
            day: OnceCell::new(),
            containers: NameIndex::default(),
            matching: Vec::new(),
        }
    }

    /// Returns the errors in the exemptions, if the exemptions were needed and are invalid.
    #[must_use]
    pub fn errors(&self) -> Option<&str> {
        self.candidates.as_ref().and_then(|_| self.exemptions.list().err())
    }

    fn candidates(&mut self) -> &mut Vec<Candidate<'e, 's>> {
        let Self { exemptions, requester, .. } = *self;
        self.candidates.get_or_insert_with(|| {
            let list = exemptions.list().unwrap_or_default();
            let matching = list.iter().filter(|exemption| exemption.is_for(&requester));
            let candidate = |exemption| Candidate { exemption, is_used: false, is_missed: false };
            matching.map(candidate).collect()
        })
    }

    /// Returns the findings of a rule that no exemption covers.
    #[must_use]
    pub fn without_covered<'j>(&mut self, rule: &str, mut findings: Vec<Finding<'j>>) -> Vec<Finding<'j>> {
        if findings.is_empty() || self.candidates().is_empty() {
            return findings;
        }
        // Many findings in succession may concern all containers of the same pod.
        let mut known = None;
        findings.retain(|finding| match &finding.responsible {
            ResponsibleContainers::Pod(pod) => {
                let same = known.filter(|(index, _)| *index == pod.index);
                let (_, is_covered) = same.unwrap_or_else(|| (pod.index, self.covers_pod(rule, pod)));
                known = Some((pod.index, is_covered));
                !is_covered
            }
            ResponsibleContainers::Only(containers) => !self.covers(rule, containers),
        });
        findings
    }

    fn covers_pod(&mut self, rule: &str, pod: &Pod<'_>) -> bool {
        let containers: Vec<_> = pod.all_containers().map(ResponsibleContainer::of).collect();
        self.covers(rule, &containers)
    }

    /// Returns whether exemptions cover each container. If no container is responsible, an exemption covers the finding if it
    /// selects neither containers nor images.
    fn covers(&mut self, rule: &str, containers: &[ResponsibleContainer<'_>]) -> bool {
        let nothing = [ResponsibleContainer::default()];
        let containers = if containers.is_empty() { &nothing } else { containers };
        let mut covering = Vec::new();
        for container in containers {
            let Some(covered_by) = self.find(rule, container) else { return false };
            covering.push(covered_by);
        }
        let is_covered = !covering.iter().any(|(_, has_expired)| *has_expired);
        for (index, has_expired) in covering {
            let Some(candidate) = self.candidates().get_mut(index) else { continue };
            candidate.is_used |= is_covered;
            candidate.is_missed |= has_expired;
        }
        is_covered
    }

    /// Returns the index of the first candidate that covers a container, preferably one that has not expired, and whether it has.
    fn find(&mut self, rule: &str, container: &ResponsibleContainer<'_>) -> Option<(usize, bool)> {
        let list = self.matching_list(container);
        let mut expired = None;
        for &index in self.matching.get(list)? {
            let exemption = self.candidates.as_ref()?.get(index)?.exemption;
            if exemption.is_about(rule) {
                if !self.has_expired(exemption) {
                    return Some((index, false));
                }
                expired = expired.or(Some((index, true)));
            }
        }
        expired
    }

    /// Returns the index in `matching` for a container. Every finding needs the list of candidates, so it is computed once.
    fn matching_list(&mut self, container: &ResponsibleContainer<'_>) -> usize {
        let identity = identity(container);
        if let Some(list) = self.containers.get(&identity) {
            return list;
        }
        let list = self.matching.len();
        self.matching.push(self.matching(container));
        self.containers.add(identity.into(), list);
        list
    }

    /// Returns the indices of the candidates that select a container, without those that an earlier one makes superfluous for all
    /// rules.
    fn matching(&self, container: &ResponsibleContainer<'_>) -> Vec<usize> {
        let image = LazyCell::new(|| container.image.and_then(|image| ImageReference::parse(image).ok()));
        let mut matching = Vec::new();
        let mut has_expired_one = false;
        for (index, Candidate { exemption, .. }) in self.known().enumerate() {
            let is_superfluous = has_expired_one && self.has_expired(exemption);
            if is_superfluous || !exemption.selector.matches(container.name, || image.as_ref()) {
                continue;
            }
            matching.push(index);
            if exemption.rules.is_none() {
                if !self.has_expired(exemption) {
                    break;
                }
                has_expired_one = true;
            }
        }
        matching
    }

    fn has_expired(&self, exemption: &Exemption<'_>) -> bool {
        exemption.expires.is_some_and(|(_, expires)| expires <= *self.day.get_or_init(self.today))
    }

    /// Calls a function, and then forgets which exemptions it used or missed.
    pub fn without_recording<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let candidates = self.candidates.clone();
        let result = work(self);
        self.candidates = candidates;
        result
    }

    /// Returns the candidates, or none if they were not needed.
    fn known(&self) -> impl Iterator<Item = &Candidate<'e, 's>> {
        self.candidates.iter().flatten()
    }

    /// Returns each exemption that covered a finding, with its reason: `exemptions[1]: the mesh sets up the network`.
    pub fn used(&self) -> impl Iterator<Item = String> {
        let used = self.known().filter(|candidate| candidate.is_used);
        used.map(|Candidate { exemption: Exemption { index, reason, .. }, .. }| {
            format!("exemptions[{index}]: {}", printable(reason))
        })
    }

    /// Returns a warning for each exemption that has expired and would have covered a finding.
    pub fn expired(&self) -> impl Iterator<Item = String> {
        let missed = self.known().filter(|candidate| candidate.is_missed);
        missed.filter_map(|Candidate { exemption: Exemption { index, reason, expires, .. }, .. }| {
            let (expired, _) = expires.as_ref()?;
            Some(format!("exemptions[{index}] expired on {expired}: {}", printable(reason)))
        })
    }
}

/// Replaces names that are too long to match a pattern. It is too long itself.
const TOO_LONG: &str = "----------------------------------------------------------------";

/// Returns the properties of a container that exemptions select, separated by a character that no image contains. Images that no
/// exemption can select are omitted.
fn identity(container: &ResponsibleContainer<'_>) -> String {
    let can_match = |image: &&str| image.len() <= MAX_REFERENCE_LENGTH && !image.as_bytes().contains(&0);
    let image = container.image.filter(can_match).unwrap_or_default();
    match container.name {
        Some(name) if name.len() > MAX_LABEL_LENGTH => [image, "\0", TOO_LONG].concat(),
        Some(name) => [image, "\0", name].concat(),
        None => image.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::rules::finding::Findings;
    use crate::rules::policy_settings::check_rule;
    use crate::settings::reader::ObjectReader;
    use crate::settings::value::{SettingValue, SettingsDocument};
    use json_view::Text;

    const WEB: ResponsibleContainer<'_> = ResponsibleContainer {
        kind: "container",
        name: Some("web"),
        image: Some("nginx:1.29"),
        can_write: false,
    };
    const PROXY: ResponsibleContainer<'_> =
        ResponsibleContainer { name: Some("istio-proxy"), image: Some("istio/proxyv2:1.20"), ..WEB };

    fn groups() -> [Text<'static>; 2] {
        ["a".into(), "breakglass".into()]
    }

    fn requester<'r>(groups: &'r [Text<'r>]) -> Requester<'r> {
        Requester { namespace: "shop", user: "system:serviceaccount:ci:deployer", groups }
    }

    fn today() -> Date {
        Date::parse("2027-06-30").unwrap()
    }

    fn finding(containers: &[ResponsibleContainer<'static>]) -> Finding<'static> {
        let mut findings = Findings::default();
        findings.at_request("spec", "", None).message("must").responsible(containers.to_vec());
        findings.list.remove(0)
    }

    /// Returns whether the finding is covered, the annotation and the warnings. They do not depend on other exemptions.
    #[track_caller]
    fn covers(
        exemptions: &serde_json::Value,
        containers: &[ResponsibleContainer<'static>],
    ) -> (bool, Option<String>, Vec<String>) {
        let mut many = exemptions.clone();
        let other = json!({"reason": "other", "containers": ["other"]});
        many["exemptions"].as_array_mut().unwrap().extend(vec![other; 8]);
        let covers = covers_as_they_are(exemptions, containers);
        assert_eq!(covers_as_they_are(&many, containers), covers);
        covers
    }

    fn covers_as_they_are(
        exemptions: &serde_json::Value,
        containers: &[ResponsibleContainer<'static>],
    ) -> (bool, Option<String>, Vec<String>) {
        let text = exemptions.to_string();
        with_exemptions(&text, |exemptions| {
            let groups = groups();
            let mut matcher = ExemptionMatcher::new(exemptions, requester(&groups), today);
            let is_covered = matcher.without_covered("capabilities", vec![finding(containers)]).is_empty();
            let used: Vec<_> = matcher.used().collect();
            let used = (!used.is_empty()).then(|| used.join("; "));
            (is_covered, used, matcher.expired().collect())
        })
    }

    fn with_exemptions<T>(settings: &str, then: impl FnOnce(&Exemptions<'_>) -> T) -> T {
        let document = SettingsDocument::parse(settings.as_bytes()).unwrap().settings;
        let SettingValue::Object(entries) = &document else { panic!("{settings}") };
        let mut errors = Vec::new();
        let exemptions = Exemptions::read(&mut ObjectReader::new(entries, &mut errors), check_rule);
        assert_eq!(errors, [""; 0]);
        then(&exemptions)
    }

    fn one(exemption: &serde_json::Value) -> serde_json::Value {
        let mut exemption = exemption.clone();
        exemption["reason"] = "because".into();
        json!({"exemptions": [exemption]})
    }

    #[track_caller]
    fn exempts(exemption: &serde_json::Value, containers: &[ResponsibleContainer<'static>]) {
        let because = Some("exemptions[0]: because".to_owned());
        assert_eq!(covers(&one(exemption), containers), (true, because, Vec::new()), "{exemption}");
    }

    #[track_caller]
    fn does_not_exempt(exemption: &serde_json::Value, containers: &[ResponsibleContainer<'static>]) {
        assert_eq!(covers(&one(exemption), containers), (false, None, Vec::new()), "{exemption}");
    }

    #[test]
    fn each_key_matches_by_any_of_its_entries() {
        exempts(&json!({"containers": ["x", "web"]}), &[WEB]);
        exempts(&json!({"containers": ["w*"]}), &[WEB]);
        exempts(&json!({"images": ["docker.io/library/nginx"]}), &[WEB]);
        exempts(&json!({"namespaces": ["shop-*", "sho*"]}), &[WEB]);
        exempts(&json!({"users": ["system:serviceaccount:ci:*"]}), &[WEB]);
        exempts(&json!({"groups": ["breakglass"]}), &[WEB]);
        exempts(&json!({"groups": ["breakglass"], "rules": ["sysctls", "capabilities"]}), &[WEB]);
        does_not_exempt(&json!({"containers": ["x"]}), &[WEB]);
        does_not_exempt(&json!({"images": ["apache/nginx"]}), &[WEB]);
        does_not_exempt(&json!({"namespaces": ["shop-*"]}), &[WEB]);
        does_not_exempt(&json!({"users": ["system:serviceaccount:cd:*"]}), &[WEB]);
        does_not_exempt(&json!({"groups": ["break"]}), &[WEB]);
        does_not_exempt(&json!({"groups": ["breakglass"], "rules": ["sysctls"]}), &[WEB]);
    }

    #[test]
    fn every_key_must_match() {
        exempts(&json!({"containers": ["web"], "images": ["nginx"], "namespaces": ["shop"]}), &[WEB]);
        does_not_exempt(
            &json!({"containers": ["web"], "images": ["apache"], "namespaces": ["shop"]}),
            &[WEB],
        );
        does_not_exempt(&json!({"containers": ["web"], "namespaces": ["istio-system"]}), &[WEB]);
    }

    #[test]
    fn every_responsible_container_must_be_exempt() {
        exempts(&json!({"containers": ["web", "istio-proxy"]}), &[WEB, PROXY]);
        does_not_exempt(&json!({"containers": ["istio-proxy"]}), &[WEB, PROXY]);
        let both = json!({"exemptions": [
            {"reason": "mesh", "containers": ["istio-proxy"]}, {"reason": "shop", "images": ["nginx"]}]});
        let annotation = Some("exemptions[0]: mesh; exemptions[1]: shop".to_owned());
        assert_eq!(covers(&both, &[WEB, PROXY]), (true, annotation, Vec::new()));
        assert!(!covers(&both, &[WEB, ResponsibleContainer { name: Some("x"), image: Some("x"), ..WEB }]).0);
    }

    #[test]
    fn an_unknown_container_matches_no_pattern() {
        does_not_exempt(&json!({"containers": ["w*", "*e*"]}), &[]);
        does_not_exempt(&json!({"images": ["*/*", "a*"]}), &[]);
        exempts(&json!({"namespaces": ["s*"]}), &[]);
        does_not_exempt(
            &json!({"images": ["*/*", "a*"]}),
            &[ResponsibleContainer { image: Some(""), ..WEB }],
        );
        does_not_exempt(&json!({"images": ["*/*", "a*"]}), &[ResponsibleContainer { image: None, ..WEB }]);
    }

    #[test]
    fn an_exemption_ends_on_its_day() {
        exempts(&json!({"containers": ["web"], "expires": "2027-07-01"}), &[WEB]);
        for expires in ["2027-06-30", "2027-06-29", "1999-01-01"] {
            let expired = one(&json!({"containers": ["web"], "expires": expires}));
            let warning = format!("exemptions[0] expired on {expires}: because");
            assert_eq!(covers(&expired, &[WEB]), (false, None, vec![warning]));
        }
        // An expired exemption that would not have changed the verdict causes no warning.
        does_not_exempt(&json!({"containers": ["proxy"], "expires": "1999-01-01"}), &[WEB]);
        does_not_exempt(&json!({"containers": ["web"], "expires": "1999-01-01"}), &[WEB, PROXY]);
    }

    #[test]
    fn exemptions_that_have_not_expired_are_preferred() {
        let exemptions = json!({"exemptions": [
            {"reason": "old", "containers": ["web"], "expires": "2020-01-01"},
            {"reason": "new", "containers": ["web"], "expires": "2030-01-01"}]});
        assert_eq!(covers(&exemptions, &[WEB]), (true, Some("exemptions[1]: new".to_owned()), Vec::new()));
    }

    #[test]
    fn containers_are_distinguished() {
        let of = |container, image| identity(&ResponsibleContainer { name: container, image, ..WEB });
        let all = [
            of(None, None),
            of(None, Some("a")),
            of(Some(""), Some("a")),
            of(Some("a"), None),
            of(Some("a"), Some("a")),
            of(Some("a\0b"), Some("c")),
        ];
        for (index, identity) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == identity), Some(index), "{identity:?}");
        }
        // No image that an exemption selects contains this character.
        assert_eq!(of(Some("a"), Some("c\0b")), of(Some("a"), None));
        assert_eq!(of(Some("a"), Some("")), of(Some("a"), None));
    }

    #[test]
    fn names_that_are_too_long_for_a_container_count_as_one_name() {
        let of = |name: &str| identity(&ResponsibleContainer { name: Some(name), ..WEB });
        assert_ne!(of(&"a".repeat(63)), of(&"b".repeat(63)));
        assert_eq!(of(&"a".repeat(64)), of(&"b".repeat(64)));
        assert_eq!(of(&"a".repeat(64)), of(&"b".repeat(65)));
        assert_ne!(of(&"a".repeat(64)), of(&"a".repeat(63)));
    }

    #[test]
    fn superfluous_exemptions_are_left_out() {
        let text = json!({"exemptions": [
            {"reason": "x", "containers": ["web"], "expires": "2020-01-01", "rules": ["privileged"]},
            {"reason": "x", "containers": ["web"], "expires": "2020-01-01"},
            {"reason": "x", "containers": ["web"], "expires": "2020-01-02"},
            {"reason": "x", "containers": ["web"], "rules": ["privileged"]},
            {"reason": "x", "containers": ["other"]},
            {"reason": "x", "containers": ["web"]},
            {"reason": "x", "containers": ["web"]},
        ]})
        .to_string();
        with_exemptions(&text, |exemptions| {
            let groups = groups();
            let mut matcher = ExemptionMatcher::new(exemptions, requester(&groups), today);
            matcher.candidates();
            assert_eq!(matcher.matching(&WEB), [0, 1, 3, 5]);
        });
    }

    fn errors(exemptions: &serde_json::Value) -> Vec<String> {
        let text = json!({"exemptions": exemptions}).to_string();
        with_exemptions(&text, |exemptions| {
            exemptions.list().unwrap_err().lines().map(str::to_owned).collect()
        })
    }

    #[test]
    fn exemptions_are_parsed_when_the_first_one_is_needed() {
        let broken = r#"{"exemptions": [{"reason": "x", "reason": "y", "users": ["z"]}, 1]}"#;
        with_exemptions(broken, |exemptions| {
            let groups = groups();
            let mut matcher = ExemptionMatcher::new(exemptions, requester(&groups), today);
            assert_eq!(matcher.errors(), None);
            assert_eq!(matcher.without_covered("capabilities", vec![finding(&[WEB])]).len(), 1);
            assert_eq!(
                matcher.errors(),
                Some("exemptions[0].reason: duplicate key\nexemptions[1]: expected an object, got a number")
            );
        });
        let fine = r#"{"exemptions": [{"reason": "\u0078", "containers": ["web"]}]}"#;
        with_exemptions(fine, |exemptions| {
            let groups = groups();
            let mut matcher = ExemptionMatcher::new(exemptions, requester(&groups), today);
            assert_eq!(matcher.without_covered("capabilities", vec![finding(&[WEB])]).len(), 0);
            assert!(matcher.used().eq(["exemptions[0]: x"]));
        });
    }

    #[test]
    fn exemptions_that_match_everything_are_refused() {
        for key in ["images", "containers", "namespaces", "users", "groups"] {
            for pattern in ["*", "**"] {
                assert_eq!(
                    errors(&json!([{"reason": "x", key: ["web-*", pattern]}])),
                    [format!(
                        "exemptions[0].{key}[1]: {pattern:?} matches everything, write a narrower pattern or remove {key}"
                    )]
                );
            }
        }
    }

    #[test]
    fn exemptions_that_can_never_match_are_refused() {
        assert_eq!(
            errors(&json!([
                {},
                {"reason": "", "containers": ["Web", "", "web", "a/b", "-a"], "images": ["Nginx"]},
                {"reason": "x", "rules": ["capabilites"], "namespaces": []},
                {"reason": 1, "expires": "30.6.2027", "users": [""], "groups": "admins", "labels": {}},
                "x",
                {"reason": "all", "rules": ["privileged"]},
            ])),
            [
                "exemptions[0].reason: missing: say why the exemption exists",
                "exemptions[0]: at least one of images, containers, namespaces, users, groups is required",
                "exemptions[1].reason: must not be empty",
                r#"exemptions[1].images[0]: "Nginx" can never match an image: it has a repository name with upper case letters"#,
                r#"exemptions[1].containers[0]: "Web" can never match: names are lower case letters, digits and dashes"#,
                "exemptions[1].containers[1]: must not be empty",
                r#"exemptions[1].containers[3]: "a/b" can never match: names are lower case letters, digits and dashes"#,
                r#"exemptions[1].containers[4]: "-a" can never match: names are lower case letters, digits and dashes"#,
                "exemptions[2].namespaces: must not be empty",
                "exemptions[3].reason: expected a string, got a number",
                r#"exemptions[3].expires: expected a day such as 2027-06-30, got "30.6.2027""#,
                "exemptions[3].users[0]: must not be empty",
                "exemptions[3].groups: expected a list, got a string",
                "exemptions[3].labels: unknown key (allowed: reason, expires, rules, images, containers, namespaces, users, groups)",
                "exemptions[4]: expected an object, got a string",
                "exemptions[5]: at least one of images, containers, namespaces, users, groups is required",
                r#"exemptions[2].rules[0]: unknown rule "capabilites", did you mean "capabilities"?"#,
            ]
        );
    }
}
