//! `exemptions`: who and what the rules do not count for.
//!
//! Every key that an exemption gives must match, each by any of its entries. Nothing that the author of a pod can write
//! freely exempts, but for the name of a container: pair it with images or namespaces.
//!
//! - `reason`: why the exemption exists, which audit annotations repeat.
//! - `expires`: the day, in UTC, from which on the exemption no longer applies: `2027-06-30`.
//! - `rules`: the rules that do not count. Without it, none does.
//! - `users`: the names of those who send the request. `*` stands for any run of characters within a segment, which ends
//!   at a `/`.
//! - `groups`: the groups that they belong to, with `*` as in `users`.

use std::cell::{LazyCell, OnceCell};
use std::fmt::Write as _;
use std::ptr;
use std::slice;

use crate::admission::request::Request;
use crate::kubernetes::image_reference::{ImageReference, MAX_LENGTH};
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::Pod;
use crate::rules::RULES;
use crate::rules::finding::{Concern, Concerns, Finding};
use crate::settings::date::Date;
use crate::settings::reader::{Options, choice, not_empty};
use crate::settings::selector::{LABEL_LENGTH, Selector, is_any_of, patterns};
use crate::settings::value::{EXEMPTIONS, Unread, Value};
use crate::text::{printable, quoted};

/// Every exemption of the settings, in their order. They are read when the first one is needed.
#[derive(Debug, Default)]
pub struct Exemptions<'s> {
    unread: Option<&'s Unread<'s>>,
    list: OnceCell<Result<Vec<Exemption<'s>>, String>>,
}

#[derive(Debug)]
struct Exemption<'s> {
    reason: &'s str,
    /// The first day on which it does not count any more, as it is written and as it is compared.
    expires: Option<(&'s str, Date)>,
    rules: Option<Vec<&'s str>>,
    selector: Selector<'s>,
    users: Option<Vec<&'s str>>,
    groups: Option<Vec<&'s str>>,
}

/// The exemptions that fit a request, whatever is found in it.
#[derive(Debug)]
pub struct Applicable<'e, 's> {
    exemptions: &'e Exemptions<'s>,
    request: &'e Request<'e>,
    today: fn() -> Date,
    /// Those that fit, once something was found.
    candidates: Option<Vec<Candidate<'e, 's>>>,
    /// The day, once something depends on it.
    day: OnceCell<Date>,
    /// The culprits that have been met, and for each a list of the places of the candidates that choose it.
    culprits: Places<'static>,
    choosing: Vec<Vec<usize>>,
    /// The pod that was met last, by the rule that met it, and whether it is covered: what is found in a pod as a whole is
    /// on the account of all its containers, each time.
    last_pod: Option<(&'static str, *const u8, bool)>,
}

/// An exemption that fits a request.
#[derive(Clone, Copy, Debug)]
struct Candidate<'e, 's> {
    /// Its place in the settings.
    index: usize,
    exemption: &'e Exemption<'s>,
    /// Whether it made a difference.
    is_used: bool,
    /// Whether it would have made one, had it not expired.
    is_missed: bool,
}

impl<'s> Exemptions<'s> {
    /// Reads the key `exemptions` of the settings, unless it is to be read when it is needed.
    pub fn new(options: &mut Options<'_, 's>) -> Self {
        match options.get(EXEMPTIONS) {
            Some(Value::Unread(unread)) => Self { unread: Some(unread), list: OnceCell::new() },
            _ => Self { unread: None, list: OnceCell::from(Ok(options.objects(EXEMPTIONS, Exemption::new))) },
        }
    }

    /// The exemptions.
    ///
    /// # Errors
    /// Everything that is wrong with them, one sentence a line, if they had not been read before.
    fn list(&self) -> Result<&[Exemption<'s>], &str> {
        let list = self.list.get_or_init(|| match self.unread {
            Some(unread) => read(unread),
            None => Ok(Vec::new()),
        });
        list.as_deref().map_err(String::as_str)
    }

    /// Whether there is any that is about a rule.
    #[must_use]
    pub fn may_cover(&self, rule: &str) -> bool {
        self.list().unwrap_or_default().iter().any(|exemption| exemption.is_about(rule))
    }

    /// Those that fit a request. `today` is asked only when something depends on the day.
    #[must_use]
    pub fn applicable<'e>(&'e self, request: &'e Request<'e>, today: fn() -> Date) -> Applicable<'e, 's> {
        Applicable {
            exemptions: self,
            request,
            today,
            candidates: None,
            day: OnceCell::new(),
            culprits: Places::default(),
            choosing: Vec::new(),
            last_pod: None,
        }
    }
}

fn read<'s>(unread: &'s Unread<'s>) -> Result<Vec<Exemption<'s>>, String> {
    let mut errors = Vec::new();
    let entries = slice::from_ref(unread.read()?);
    let list = Options::new(entries, &mut errors).objects(EXEMPTIONS, Exemption::new);
    if errors.is_empty() { Ok(list) } else { Err(errors.join("\n")) }
}

impl<'e, 's> Applicable<'e, 's> {
    /// What is wrong with the exemptions, if they were needed and cannot be read.
    #[must_use]
    pub fn errors(&self) -> Option<&str> {
        self.candidates.as_ref().and_then(|_| self.exemptions.list().err())
    }

    fn candidates(&mut self) -> &mut Vec<Candidate<'e, 's>> {
        let Self { exemptions, request, .. } = *self;
        self.candidates.get_or_insert_with(|| {
            let list = exemptions.list().unwrap_or_default();
            let fitting = list.iter().enumerate().filter(|(_, exemption)| exemption.fits(request));
            let candidate =
                |(index, exemption)| Candidate { index, exemption, is_used: false, is_missed: false };
            fitting.map(candidate).collect()
        })
    }

    /// Whether a finding does not count.
    pub fn cover(&mut self, rule: &'static str, finding: &Finding<'_>) -> bool {
        if self.candidates().is_empty() {
            return false;
        }
        match &finding.concerns {
            // What is found on nobody's account is exempt where neither container nor image matters.
            Concerns::Only(concerns) if concerns.is_empty() => self.cover_all(rule, &[Concern::default()]),
            Concerns::Only(concerns) => self.cover_all(rule, concerns),
            Concerns::Pod(pod) => self.cover_pod(rule, pod),
        }
    }

    fn cover_pod(&mut self, rule: &'static str, pod: &Pod<'_>) -> bool {
        let place = ptr::from_ref(pod).cast();
        if let Some((last_rule, last_place, is_covered)) = self.last_pod
            && (last_rule, last_place) == (rule, place)
        {
            return is_covered;
        }
        let mut concerns: Vec<_> = pod.all_containers().map(|at| at.concern()).collect();
        if concerns.is_empty() {
            concerns.push(Concern::default());
        }
        let is_covered = self.cover_all(rule, &concerns);
        self.last_pod = Some((rule, place, is_covered));
        is_covered
    }

    #[inline(never)]
    fn cover_all(&mut self, rule: &str, concerns: &[Concern<'_>]) -> bool {
        let mut covering = Vec::new();
        for concern in concerns {
            let Some(found) = self.find(rule, concern) else { return false };
            covering.push(found);
        }
        let is_covered = !covering.iter().any(|(_, has_expired)| *has_expired);
        for (place, has_expired) in covering {
            let Some(candidate) = self.candidates().get_mut(place) else { continue };
            candidate.is_used |= is_covered;
            candidate.is_missed |= has_expired;
        }
        is_covered
    }

    /// The place of the first exemption that matches, of those that have not expired if there are any; and whether it
    /// has.
    fn find(&mut self, rule: &str, concern: &Concern<'_>) -> Option<(usize, bool)> {
        let list = self.place_of_choosing(concern);
        let mut expired = None;
        for &place in self.choosing.get(list)? {
            let exemption = self.candidates.as_ref()?.get(place)?.exemption;
            if exemption.is_about(rule) {
                if !self.has_expired(exemption) {
                    return Some((place, false));
                }
                expired = expired.or(Some((place, true)));
            }
        }
        expired
    }

    /// The place of the list of the candidates that choose a culprit. Every finding asks for it, so it is made once.
    fn place_of_choosing(&mut self, concern: &Concern<'_>) -> usize {
        let culprit = identity(concern);
        if let Some(list) = self.culprits.get(&culprit) {
            return list;
        }
        let list = self.choosing.len();
        self.choosing.push(self.choosing(concern));
        self.culprits.add(culprit.into(), list);
        list
    }

    /// The places of the candidates that choose a culprit, without those that another one makes superfluous, whatever the
    /// rule.
    #[inline(never)]
    fn choosing(&self, concern: &Concern<'_>) -> Vec<usize> {
        let image = LazyCell::new(|| concern.image.and_then(|image| ImageReference::parse(image).ok()));
        let mut choosing = Vec::new();
        let mut has_expired_one = false;
        for (place, Candidate { exemption, .. }) in self.known().enumerate() {
            let is_superfluous = has_expired_one && self.has_expired(exemption);
            if is_superfluous || !exemption.selector.matches(concern.container, || image.as_ref()) {
                continue;
            }
            choosing.push(place);
            if exemption.rules.is_none() {
                if !self.has_expired(exemption) {
                    break;
                }
                has_expired_one = true;
            }
        }
        choosing
    }

    fn has_expired(&self, exemption: &Exemption<'_>) -> bool {
        exemption.expires.is_some_and(|(_, expires)| expires <= *self.day.get_or_init(self.today))
    }

    /// Does something that makes no exemption count as used or missed.
    pub fn uncounted<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let candidates = self.candidates.clone();
        let result = work(self);
        self.candidates = candidates;
        result
    }

    /// Those that fit, if they have been needed.
    fn known(&self) -> impl Iterator<Item = &Candidate<'e, 's>> {
        self.candidates.iter().flatten()
    }

    /// What the audit log says about the exemptions that made a difference, if any did.
    #[must_use]
    pub fn annotation(&self) -> Option<String> {
        let mut annotation = String::new();
        for Candidate { index, exemption, .. } in self.known().filter(|candidate| candidate.is_used) {
            if !annotation.is_empty() {
                annotation.push_str("; ");
            }
            // Writing to a string cannot fail.
            let _ = write!(annotation, "exemptions[{index}]: {}", printable(exemption.reason));
        }
        (!annotation.is_empty()).then_some(annotation)
    }

    /// What users are told of the exemptions that would have made a difference, had they not expired.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let missed = self.known().filter(|candidate| candidate.is_missed);
        missed.filter_map(|Candidate { index, exemption: Exemption { reason, expires, .. }, .. }| {
            let (expired, _) = expires.as_ref()?;
            Some(format!("exemptions[{index}] expired on {expired}: {}", printable(reason)))
        })
    }
}

impl<'s> Exemption<'s> {
    fn new(options: &mut Options<'_, 's>) -> Option<Self> {
        let reason = options.string("reason", not_empty);
        options.require("reason", "say why the exemption exists");
        let expires = options.string("expires", check_date).and_then(|day| Some((day, Date::parse(day)?)));
        let rules = patterns(options, "rules", check_rule);
        let selector = Selector::new(options);
        let users = patterns(options, "users", not_empty);
        let groups = patterns(options, "groups", not_empty);
        let matchers = ["images", "containers", "namespaces", "users", "groups"];
        if matchers.iter().all(|key| options.get(key).is_none()) {
            options.refuse_object(&format!("must name at least one of {}", matchers.join(", ")));
        }
        Some(Self { reason: reason?, expires, rules, selector, users, groups })
    }

    /// Whether the request is one that it is meant for.
    fn fits(&self, request: &Request<'_>) -> bool {
        let groups = &request.user.groups;
        self.selector.fits(&request.namespace)
            && is_any_of(self.users.as_ref(), &request.user.username)
            && (self.groups.is_none() || groups.iter().any(|group| is_any_of(self.groups.as_ref(), group)))
    }

    fn is_about(&self, rule: &str) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.contains(&rule))
    }
}

/// What takes the place of a name that is too long to match a pattern. It is too long itself.
const TOO_LONG: &str = "----------------------------------------------------------------";

/// What exemptions know a culprit by. No image that they choose has the character after it, or is so long that it is left
/// out.
fn identity(concern: &Concern<'_>) -> String {
    let can_match = |image: &&str| image.len() <= MAX_LENGTH && !image.as_bytes().contains(&0);
    let image = concern.image.filter(can_match).unwrap_or_default();
    match concern.container {
        Some(container) if container.len() > LABEL_LENGTH => [image, "\0", TOO_LONG].concat(),
        Some(container) => [image, "\0", container].concat(),
        None => image.to_owned(),
    }
}

fn check_date(text: &str) -> Result<(), String> {
    match Date::parse(text) {
        Some(_) => Ok(()),
        None => Err(format!("must be a day such as 2027-06-30, not {}", quoted(text))),
    }
}

fn check_rule(id: &str) -> Result<(), String> {
    if RULES.iter().any(|rule| rule.id == id) {
        return Ok(());
    }
    let ids: Vec<_> = RULES.iter().map(|rule| rule.id).collect();
    Err(format!("{} is unknown{}", quoted(id), choice(id, &ids)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::request::UserInfo;
    use crate::rules::finding;
    use crate::settings::value::{Value, WithUnread};
    use json_view as json;

    const WEB: Concern<'_> =
        Concern { noun: "container", container: Some("web"), image: Some("nginx:1.29"), can_write: false };
    const PROXY: Concern<'_> =
        Concern { container: Some("istio-proxy"), image: Some("istio/proxyv2:1.20"), ..WEB };

    fn today() -> Date {
        Date::parse("2027-06-30").unwrap()
    }

    fn finding(concerns: &[Concern<'static>]) -> Finding<'static> {
        Finding {
            path: "spec".to_owned(),
            subject: "the pod".to_owned(),
            demand: "must".into(),
            value: finding::Value::default(),
            concerns: Concerns::Only(concerns.to_vec()),
            fix: None,
            decided_by: None,
        }
    }

    fn request() -> Request<'static> {
        Request {
            namespace: "shop".into(),
            user: UserInfo {
                username: "system:serviceaccount:ci:deployer".into(),
                groups: vec!["a".into(), "breakglass".into()],
            },
            ..Request::default()
        }
    }

    /// Whether it is covered, the annotation, and the warnings: the same among many exemptions.
    #[track_caller]
    fn covers(
        exemptions: &serde_json::Value,
        concerns: &[Concern<'static>],
    ) -> (bool, Option<String>, Vec<String>) {
        let mut many = exemptions.clone();
        let other = json!({"reason": "other", "containers": ["nobody"]});
        many["exemptions"].as_array_mut().unwrap().extend(vec![other; 8]);
        let covers = covers_as_they_are(exemptions, concerns);
        assert_eq!(covers_as_they_are(&many, concerns), covers);
        covers
    }

    fn covers_as_they_are(
        exemptions: &serde_json::Value,
        concerns: &[Concern<'static>],
    ) -> (bool, Option<String>, Vec<String>) {
        let text = exemptions.to_string();
        let Value::Object(entries) = json::from_slice(text.as_bytes()).unwrap() else { panic!("{text}") };
        let mut errors = Vec::new();
        let mut options = Options::new(&entries, &mut errors);
        let exemptions = Exemptions::new(&mut options);
        assert_eq!(errors, [""; 0]);
        let request = request();
        let mut applicable = exemptions.applicable(&request, today);
        let covers = applicable.cover("capabilities", &finding(concerns));
        (covers, applicable.annotation(), applicable.warnings().collect())
    }

    fn one(exemption: &serde_json::Value) -> serde_json::Value {
        let mut exemption = exemption.clone();
        exemption["reason"] = "because".into();
        json!({"exemptions": [exemption]})
    }

    #[track_caller]
    fn exempts(exemption: &serde_json::Value, concerns: &[Concern<'static>]) {
        let because = Some("exemptions[0]: because".to_owned());
        assert_eq!(covers(&one(exemption), concerns), (true, because, Vec::new()), "{exemption}");
    }

    #[track_caller]
    fn does_not_exempt(exemption: &serde_json::Value, concerns: &[Concern<'static>]) {
        assert_eq!(covers(&one(exemption), concerns), (false, None, Vec::new()), "{exemption}");
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
    fn every_container_that_is_concerned_must_be_exempt() {
        exempts(&json!({"containers": ["web", "istio-proxy"]}), &[WEB, PROXY]);
        does_not_exempt(&json!({"containers": ["istio-proxy"]}), &[WEB, PROXY]);
        let both = json!({"exemptions": [
            {"reason": "mesh", "containers": ["istio-proxy"]}, {"reason": "shop", "images": ["nginx"]}]});
        let annotation = Some("exemptions[0]: mesh; exemptions[1]: shop".to_owned());
        assert_eq!(covers(&both, &[WEB, PROXY]), (true, annotation, Vec::new()));
        assert!(!covers(&both, &[WEB, Concern { container: Some("x"), image: Some("x"), ..WEB }]).0);
    }

    #[test]
    fn who_is_nobody_matches_no_container() {
        does_not_exempt(&json!({"containers": ["*"]}), &[]);
        does_not_exempt(&json!({"images": ["*"]}), &[]);
        exempts(&json!({"namespaces": ["*"]}), &[]);
        does_not_exempt(&json!({"images": ["*"]}), &[Concern { image: Some(""), ..WEB }]);
        does_not_exempt(&json!({"images": ["*"]}), &[Concern { image: None, ..WEB }]);
    }

    #[test]
    fn an_exemption_ends_on_its_day() {
        exempts(&json!({"containers": ["web"], "expires": "2027-07-01"}), &[WEB]);
        for expires in ["2027-06-30", "2027-06-29", "1999-01-01"] {
            let expired = one(&json!({"containers": ["web"], "expires": expires}));
            let warning = format!("exemptions[0] expired on {expires}: because");
            assert_eq!(covers(&expired, &[WEB]), (false, None, vec![warning]));
        }
        // Nobody is told of one that would have made no difference.
        does_not_exempt(&json!({"containers": ["proxy"], "expires": "1999-01-01"}), &[WEB]);
        does_not_exempt(&json!({"containers": ["web"], "expires": "1999-01-01"}), &[WEB, PROXY]);
    }

    #[test]
    fn one_that_has_not_expired_is_preferred() {
        let exemptions = json!({"exemptions": [
            {"reason": "old", "containers": ["web"], "expires": "2020-01-01"},
            {"reason": "new", "containers": ["web"], "expires": "2030-01-01"}]});
        assert_eq!(covers(&exemptions, &[WEB]), (true, Some("exemptions[1]: new".to_owned()), Vec::new()));
    }

    #[test]
    fn culprits_are_told_apart() {
        let of = |container, image| identity(&Concern { container, image, ..WEB });
        let all = [
            of(None, None),
            of(None, Some("a")),
            of(Some(""), Some("a")),
            of(Some("a"), None),
            of(Some("a"), Some("a")),
            of(Some("a\0b"), Some("c")),
        ];
        for (place, identity) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == identity), Some(place), "{identity:?}");
        }
        // No image has this character, so that none could be taken for this one.
        assert_eq!(of(Some("a"), Some("c\0b")), of(Some("a"), None));
        assert_eq!(of(Some("a"), Some("")), of(Some("a"), None));
    }

    #[test]
    fn those_that_another_one_makes_superfluous_are_left_out() {
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
        let Value::Object(entries) = json::from_slice(text.as_bytes()).unwrap() else { panic!("{text}") };
        let exemptions = Exemptions::new(&mut Options::new(&entries, &mut Vec::new()));
        let request = request();
        let mut applicable = exemptions.applicable(&request, today);
        applicable.candidates();
        assert_eq!(applicable.choosing(&WEB), [0, 1, 3, 5]);
    }

    fn errors(exemptions: &serde_json::Value) -> Vec<String> {
        let text = json!({"exemptions": exemptions}).to_string();
        crate::rules::settings::Settings::read(&json::from_slice(text.as_bytes()).unwrap())
            .unwrap_err()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn are_read_when_the_first_one_is_needed() {
        let settings = |exemptions: &str| format!(r#"{{"exemptions": [{exemptions}]}}"#);
        let broken = settings(r#"{"reason": "x", "reason": "y"}, 1"#);
        let WithUnread(value) = json::from_slice(broken.as_bytes()).unwrap();
        let Value::Object(entries) = &value else { panic!("{value:?}") };
        let mut errors = Vec::new();
        let exemptions = Exemptions::new(&mut Options::new(entries, &mut errors));
        let request = request();
        let mut applicable = exemptions.applicable(&request, today);
        assert_eq!(applicable.errors(), None);
        assert!(!applicable.cover("capabilities", &finding(&[WEB])));
        assert_eq!(applicable.errors(), Some(r#"exemptions: duplicate key "reason""#));

        let fine = settings(r#"{"reason": "\u0078", "containers": ["web"]}"#);
        let WithUnread(value) = json::from_slice(fine.as_bytes()).unwrap();
        let Value::Object(entries) = &value else { panic!("{value:?}") };
        let exemptions = Exemptions::new(&mut Options::new(entries, &mut errors));
        let mut applicable = exemptions.applicable(&request, today);
        assert!(applicable.cover("capabilities", &finding(&[WEB])));
        assert_eq!(applicable.annotation().unwrap(), "exemptions[0]: x");
        assert_eq!(errors, [""; 0]);
    }

    #[test]
    fn refuses_what_can_never_match() {
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
                "exemptions[0]: must name at least one of images, containers, namespaces, users, groups",
                "exemptions[1].reason: must not be empty",
                r#"exemptions[1].images[0]: "Nginx" can never match an image: it has a repository name with upper case letters"#,
                r#"exemptions[1].containers[0]: "Web" can never match: names are lower case letters, digits and dashes"#,
                "exemptions[1].containers[1]: must not be empty",
                r#"exemptions[1].containers[3]: "a/b" can never match: names are lower case letters, digits and dashes"#,
                r#"exemptions[1].containers[4]: "-a" can never match: names are lower case letters, digits and dashes"#,
                r#"exemptions[2].rules[0]: "capabilites" is unknown, did you mean "capabilities"? (allowed: readOnlyRootFilesystem, privileged, allowPrivilegeEscalation, runAsNonRoot, hostNamespaces, imageReference, imageChange, hostPathVolumes, writableMounts, capabilities, procMount, sysctls, ephemeralContainers, interactiveAccess, shellRemoval, sharedProcessNamespace)"#,
                "exemptions[2].namespaces: must not be empty",
                "exemptions[3].reason: must be a string, not a number",
                r#"exemptions[3].expires: must be a day such as 2027-06-30, not "30.6.2027""#,
                "exemptions[3].users[0]: must not be empty",
                "exemptions[3].groups: must be a list, not a string",
                "exemptions[3].labels: unknown key (allowed: reason, expires, rules, images, containers, namespaces, users, groups)",
                "exemptions[4]: must be an object, not a string",
                "exemptions[5]: must name at least one of images, containers, namespaces, users, groups",
            ]
        );
    }
}
