//! From findings to the answer: admitted, admitted with warnings, or denied.

use std::collections::VecDeque;
use std::collections::hash_map::{Entry, HashMap};

use crate::admission::request::{Draft, Manager, Request, Subject};
use crate::admission::response::Response;
use crate::evaluation::exemptions::Applicable;
use crate::evaluation::registry::{Lookups, Registry};
use crate::evaluation::report::{self as messages, Form, OfRule, count};
use crate::evaluation::update;
use crate::fix::apply::{self as fix, Scope};
use crate::kubernetes::connect::Connection;
use crate::kubernetes::field_path;
use crate::kubernetes::name_index::Places;
use crate::kubernetes::pod::Pod;
use crate::rules::finding::{Concerns, Finding};
use crate::rules::fingerprint::Fingerprint;
use crate::rules::settings::{ActiveRule, Enforcement, OnUpdate, Settings, Severity};
use crate::rules::{BoundRule, Rule};
use crate::settings::date::Date;
use crate::text::printable;

/// The audit annotation that names the exemptions which made a difference.
const EXEMPTIONS: &str = "exemptions";

/// The audit annotation that says how many fields each rule has filled in.
const FIXES: &str = "fixes";

/// How many of the findings that look alike are tried, each of which may be on the account of others. Only in keys that are
/// too long to be told apart are there ever more than one.
const ALIKE: usize = 8;

/// Why a request is denied for the sake of the settings.
#[must_use]
pub fn invalid_settings(errors: &str) -> String {
    format!("the settings of the policy are invalid: {errors}")
}

/// What a request is judged by, and in which form.
#[derive(Clone, Copy)]
pub struct Judging<'j, 's> {
    /// The request.
    pub request: &'j Request<'j>,
    /// The settings.
    pub settings: &'j Settings<'s>,
    /// How much the answer says.
    pub form: Form,
    /// The day, which is asked for only when an exemption depends on it.
    pub today: fn() -> Date,
}

impl<'j, 's> Judging<'j, 's> {
    /// Judges the request by every rule that is on. The registry is asked when the settings want it.
    ///
    /// What can be fixed is fixed, and the result is judged again: the object that is judged last is the one that is admitted.
    #[must_use]
    pub fn judge(&self, registry: &dyn Registry) -> Response {
        let Self { request, .. } = *self;
        let judged = Judged::from(&request.subject);
        let counts_in_full = self.counts_in_full(judged);
        let mut lookups = Lookups::new(registry);
        let mut found = self.find(judged, counts_in_full, &mut lookups);
        let draft = request.draft.as_ref().filter(|_| self.may_fix());
        if found.has_fixable() || draft.is_some() {
            found.manager = request.manager();
        }
        if found.manager.is_some() {
            found.leave_fixable();
        }
        let mut response = match draft.filter(|_| found.manager.is_none()) {
            Some(draft) => self.judge_fixed(found, draft, counts_in_full, lookups),
            None => found.response(self),
        };
        response.evaluated = (self.form == Form::Long).then(|| judged.has_something_to_evaluate());
        response
    }

    /// Judges what fixes make of an object, in place of the object.
    #[inline(never)]
    fn judge_fixed(
        &self,
        mut found: Found<'j, 's>,
        draft: &Draft<'_>,
        counts_in_full: bool,
        mut lookups: Lookups<'_>,
    ) -> Response {
        let judged = Judged::from(&self.request.subject);
        let Fixed { object, counts, failures } = found.fix(self, draft, judged, &mut lookups);
        // Exemptions that cannot be read may be meant for what would be fixed.
        let Some(object) = object.filter(|_| found.exemptions.errors().is_none()) else {
            found.tell(failures);
            return found.response(self);
        };
        let pods = match draft.pods_of(&object) {
            Ok(pods) => pods,
            Err(reason) => {
                return Response::unreadable(format!("{reason} (denied because a fix broke the object)"));
            }
        };
        // The same for pods that live less long than the request.
        let judging = *self;
        let judged = judged.becoming(&pods);
        // What a fix fills in of a template must not decide what counts, unlike an image that a pod gets back.
        let counts_in_full = match draft.scope {
            Scope::Unset => counts_in_full,
            Scope::LostDigests => judging.counts_in_full(judged),
        };
        let mut found = judging.find(judged, counts_in_full, &mut lookups);
        found.tell(failures);
        let mut response = found.response(&judging);
        if response.accepted {
            response.audit_annotations.insert(FIXES, counts.join("; "));
            response.mutated_object = Some(object);
        }
        response
    }

    fn find(&self, judged: Judged<'j>, counts_in_full: bool, lookups: &mut Lookups<'_>) -> Found<'j, 's> {
        let Self { request, settings, today, .. } = *self;
        let mut judge = Judge {
            judged,
            counts_in_full,
            exemptions: settings.exemptions.applicable(request, today),
            replaced: judged.replaced(),
        };
        let mut findings = Vec::new();
        for active in &settings.rules {
            let found = judge.findings(active, lookups);
            if !found.is_empty() {
                findings.push((active, active.severity, found));
            }
        }
        Found { findings, exemptions: judge.exemptions, manager: None, left: 0 }
    }

    /// Whether all findings of an update count, rather than new ones.
    fn counts_in_full(&self, judged: Judged<'_>) -> bool {
        let Judged::Update { old, new } = judged else { return false };
        self.settings.on_update == OnUpdate::All
            && update::is_significant(self.request.old_metadata, old, new)
    }

    fn may_fix(&self) -> bool {
        self.settings.rules.iter().any(|rule| rule.severity == Severity::Fix)
    }
}

/// What came of fixing an object.
#[derive(Default)]
struct Fixed<'j, 's> {
    /// The object with everything fixed that can be; nothing when nothing can be.
    object: Option<Vec<u8>>,
    /// What the audit log says about that.
    counts: Vec<String>,
    /// What could not be fixed, and why.
    failures: Vec<Failure<'j, 's>>,
}

/// A fix that failed.
struct Failure<'j, 's> {
    rule: &'j ActiveRule<'s>,
    path: String,
    reason: String,
    /// What could not be bettered, where nothing is wrong.
    wish: Option<Finding<'j>>,
}

/// What is judged of a request.
#[derive(Clone, Copy)]
enum Judged<'j> {
    Nothing,
    Connect(&'j Connection<'j>),
    Create(&'j [Pod<'j>]),
    Update { old: &'j [Pod<'j>], new: &'j [Pod<'j>] },
}

impl<'j> From<&'j Subject<'j>> for Judged<'j> {
    fn from(subject: &'j Subject<'j>) -> Self {
        match subject {
            Subject::Nothing => Self::Nothing,
            Subject::Connect(connection) => Self::Connect(connection),
            Subject::Create(pods) => Self::Create(pods),
            Subject::Update { old, new } => Self::Update { old, new },
        }
    }
}

impl<'j> Judged<'j> {
    /// The same with other pods in the object.
    fn becoming(self, pods: &'j [Pod<'j>]) -> Self {
        match self {
            Self::Create(_) => Self::Create(pods),
            Self::Update { old, .. } => Self::Update { old, new: pods },
            other => other,
        }
    }

    fn has_something_to_evaluate(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Connect(_) => true,
            Self::Create(pods) | Self::Update { new: pods, .. } => !pods.is_empty(),
        }
    }

    /// What each new pod of an update replaces, if it is not new altogether.
    fn replaced(self) -> Vec<Option<&'j Pod<'j>>> {
        let Self::Update { old, new } = self else { return Vec::new() };
        let places = Places::of(old.iter().map(|pod| &*pod.path));
        new.iter().map(|pod| old.get(places.get(&pod.path)?)).collect()
    }
}

/// What all rules found that counts.
struct Found<'j, 's> {
    /// Of each rule that found anything, with what it leads to.
    findings: Vec<(&'j ActiveRule<'s>, Severity, Vec<Finding<'j>>)>,
    exemptions: Applicable<'j, 's>,
    /// What decides what the object is, if that is not the author of the request.
    manager: Option<Manager>,
    /// The number of findings that do not count because of that.
    left: usize,
}

impl<'j, 's> Found<'j, 's> {
    /// Whether a fix could fill something in, whatever the mode of its rule is.
    fn has_fixable(&self) -> bool {
        self.findings.iter().flat_map(|(.., findings)| findings).any(|finding| finding.fix.is_some())
    }

    /// Takes away what a fix could fill in: who manages the object would undo it, and the pods are judged later.
    #[inline(never)]
    fn leave_fixable(&mut self) {
        for (.., findings) in &mut self.findings {
            let all = findings.len();
            findings.retain(|finding| finding.fix.is_none());
            self.left += all - findings.len();
        }
        self.findings.retain(|(.., findings)| !findings.is_empty());
    }

    /// Fixes what can be.
    fn fix(
        &mut self,
        Judging { request, settings, .. }: &Judging<'j, 's>,
        draft: &Draft<'_>,
        judged: Judged<'j>,
        lookups: &mut Lookups<'_>,
    ) -> Fixed<'j, 's> {
        let mut outcome = Fixed::default();
        let mut fixes = Vec::new();
        let volumes =
            fix::VolumeSource { writable_paths: &settings.writable_paths, namespace: &request.namespace };
        for rule in settings.rules.iter().filter(|rule| rule.severity == Severity::Fix) {
            let known = fixes.len();
            let mut try_fix = |finding: &Finding<'j>| match finding.fix.as_ref()?.prepared(volumes, lookups) {
                Ok(fix) => {
                    fixes.push(fix);
                    None
                }
                Err(reason) => Some(Failure { rule, path: finding.path.clone(), reason, wish: None }),
            };
            if draft.scope == Scope::Unset {
                for finding in self.findings_of(rule.id) {
                    outcome.failures.extend(try_fix(finding));
                }
            }
            for wish in self.wishes(rule, judged, draft.scope) {
                if let Some(failure) = try_fix(&wish) {
                    outcome.failures.push(Failure { wish: Some(wish), ..failure });
                }
            }
            if fixes.len() > known {
                outcome.counts.push(format!("{}: {}", rule.id, fixes.len() - known));
            }
        }
        if !fixes.is_empty() {
            outcome.object = fix::apply(draft.json, &fixes, volumes);
        }
        outcome
    }

    fn findings_of(&mut self, rule: &'static str) -> impl Iterator<Item = &mut Finding<'j>> {
        self.findings
            .iter_mut()
            .filter(move |(other, ..)| other.id == rule)
            .flat_map(|(.., findings)| findings)
    }

    /// What a rule would better besides what it finds.
    fn wishes(&mut self, rule: &ActiveRule<'s>, judged: Judged<'j>, scope: Scope) -> Vec<Finding<'j>> {
        let mut wishes = Vec::new();
        match (judged, scope) {
            (Judged::Create(pods), _) => {
                for pod in pods {
                    rule.rule.improve(pod, &mut wishes);
                }
            }
            (Judged::Update { old, new }, Scope::LostDigests) => {
                for (old, new) in old.iter().zip(new) {
                    rule.rule.restore(old, new, &mut wishes);
                }
            }
            _ => {}
        }
        without_exempt(wishes, rule.id, &mut self.exemptions)
    }

    /// Tells why fixes failed: where a finding is left, with the finding, and in a warning where there is none.
    #[inline(never)]
    fn tell(&mut self, mut failures: Vec<Failure<'j, 's>>) {
        if failures.is_empty() {
            return;
        }
        let mut places = Places::default();
        for (place, failure) in failures.iter().enumerate() {
            places.add(failure.path.clone().into(), place);
        }
        for (active, _, findings) in &mut self.findings {
            for left in findings {
                let failure = places.get(&left.path).and_then(|place| failures.get_mut(place));
                if let Some(failure) = failure.filter(|failure| failure.rule.id == active.id) {
                    left.explain(&failure.reason);
                    failure.wish = None;
                }
            }
        }
        for Failure { rule, reason, wish, .. } in failures {
            if let Some(mut wish) = wish {
                wish.explain(&reason);
                self.findings.push((rule, Severity::Warn, vec![wish]));
            }
        }
    }

    fn response(&self, Judging { request, settings, form, .. }: &Judging<'_, '_>) -> Response {
        if let Some(errors) = self.exemptions.errors() {
            return Response::unreadable(invalid_settings(errors));
        }
        let (mut denied, mut warned, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for (active, severity, findings) in &self.findings {
            let is_lenient = settings.enforcement == Enforcement::Warn || *severity == Severity::Warn;
            add(&mut all, active.id, findings);
            add(if is_lenient { &mut warned } else { &mut denied }, active.id, findings);
        }
        let notice = self.manager.filter(|_| self.left > 0);
        let notice = notice.map(|manager| notice_of(manager, self.left, &request.kind.kind));
        let mut response = Response::new(messages::denial(&denied, *form));
        response.warnings = messages::warnings(self.exemptions.warnings(), notice, &warned, *form);
        for OfRule { rule, findings } in all {
            response.audit_annotations.insert(rule, findings.len().to_string());
        }
        if let Some(annotation) = self.exemptions.annotation() {
            response.audit_annotations.insert(EXEMPTIONS, annotation);
        }
        response
    }
}

/// Adds findings to those of the same rule.
fn add<'f, 'p>(rules: &mut Vec<OfRule<'f, 'p>>, rule: &'static str, findings: &'f [Finding<'p>]) {
    match rules.iter_mut().find(|known| known.rule == rule) {
        Some(known) => known.findings.extend(findings),
        None => rules.push(OfRule { rule, findings: findings.iter().collect() }),
    }
}

/// What the user reads of findings that do not count.
#[inline(never)]
fn notice_of(manager: Manager, findings: usize, kind: &str) -> String {
    let found = [&*count(findings, "finding"), " that a fix could fill in"].concat();
    let (verb, verb_of_counting) = if findings == 1 { ("is", "does") } else { ("are", "do") };
    match manager {
        Manager::Controller => {
            format!(
                "{found} {verb} left to the pods of this {}, because a controller manages it",
                printable(kind)
            )
        }
        Manager::File => {
            format!(
                "{found} {verb_of_counting} not count, because this is a mirror pod: the kubelet runs it from a file"
            )
        }
    }
}

/// What is needed to say which findings count.
struct Judge<'j, 's> {
    judged: Judged<'j>,
    /// Whether all findings of an update count, rather than new ones.
    counts_in_full: bool,
    exemptions: Applicable<'j, 's>,
    /// What each new pod of an update replaces, if it is not new altogether.
    replaced: Vec<Option<&'j Pod<'j>>>,
}

impl<'j> Judge<'j, '_> {
    /// What a rule finds, in path order, minus exemptions, minus what the old object already has, minus what images decide.
    fn findings(&mut self, active: &ActiveRule<'_>, lookups: &mut Lookups<'_>) -> Vec<Finding<'j>> {
        let rule = &active.rule;
        let mut found = Vec::new();
        match self.judged {
            Judged::Nothing => {}
            Judged::Connect(connection) => rule.check_connection(connection, &mut found),
            Judged::Create(pods) => {
                for pod in pods {
                    rule.check(pod, &mut found);
                    rule.check_change(None, pod, &mut found);
                }
            }
            Judged::Update { old, new } => {
                for pod in new {
                    rule.check(pod, &mut found);
                }
                if !found.is_empty() && !self.counts_in_full {
                    self.remove_known(active, old, &mut found);
                }
                for (pod, replaced) in new.iter().zip(&self.replaced) {
                    rule.check_change(*replaced, pod, &mut found);
                }
            }
        }
        let mut found = sorted(without_exempt(found, active.id, &mut self.exemptions));
        found.retain_mut(|finding| is_settled(finding, rule, lookups));
        found
    }

    /// Takes away what the old object already has, once each: of two that cannot be told apart, one may be new.
    fn remove_known(&mut self, active: &ActiveRule<'_>, old: &'j [Pod<'_>], found: &mut Vec<Finding<'j>>) {
        let mut known = Vec::new();
        for pod in old {
            active.rule.check(pod, &mut known);
        }
        // What an exemption covered was no finding, and is one once it does not cover it any more.
        let known = self.exemptions.uncounted(|exemptions| without_exempt(known, active.id, exemptions));
        // There may be many known findings, so only what differs between alike ones is kept.
        let mut alike: HashMap<Fingerprint, VecDeque<Concerns>> = HashMap::with_capacity(known.len());
        for finding in known {
            match alike.entry(finding.identity()) {
                Entry::Occupied(mut others) => others.get_mut().push_back(finding.concerns),
                Entry::Vacant(place) => _ = place.insert(VecDeque::from([finding.concerns])),
            }
        }
        found.retain(|finding| {
            let Some(others) = alike.get_mut(&finding.identity()) else { return true };
            let mut tried = others.iter().take(ALIKE);
            let same = tried.position(|other| finding.concerns.are_among(other));
            same.and_then(|place| others.remove(place)).is_none()
        });
    }
}

/// The findings of a rule that no exemption covers.
fn without_exempt<'j>(
    mut findings: Vec<Finding<'j>>,
    rule: &'static str,
    exemptions: &mut Applicable<'_, '_>,
) -> Vec<Finding<'j>> {
    findings.retain(|finding| !exemptions.cover(rule, finding));
    findings
}

/// Whether a finding is one, once it is known what its image decides: it says then why.
fn is_settled(finding: &mut Finding<'_>, rule: &BoundRule<'_>, lookups: &mut Lookups<'_>) -> bool {
    let Some(image) = finding.decided_by else { return true };
    let user = lookups.user_of(image);
    let reason = rule.settle(user.as_deref().map_err(String::as_str), image);
    if let Some(reason) = &reason {
        finding.explain(reason);
    }
    reason.is_some()
}

/// In path order; at the same path, what was found first stays first. Most findings come in order. The sort of the standard
/// library would take up four kilobytes of the module, this one has a quarter of them.
fn sorted(mut findings: Vec<Finding<'_>>) -> Vec<Finding<'_>> {
    if findings.is_sorted_by(|first, second| field_path::compare(&first.path, &second.path).is_le()) {
        return findings;
    }
    let tail = findings.split_off(findings.len() / 2);
    let (mut head, mut tail) = (sorted(findings).into_iter(), sorted(tail).into_iter());
    let mut merged = Vec::with_capacity(head.len() + tail.len());
    while let (Some(first), Some(other)) = (head.as_slice().first(), tail.as_slice().first()) {
        let is_other_next = field_path::compare(&other.path, &first.path).is_lt();
        merged.extend(if is_other_next { tail.next() } else { head.next() });
    }
    merged.extend(head.chain(tail));
    merged
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::admission::response::Annotations;
    use crate::evaluation::registry::testing::NoRegistry;
    use crate::kubernetes::pod::Pod;
    use crate::settings::value::Value;
    use json_view as json;

    const SPEC: &str = r#"{"hostPID": true, "containers": [{"name": "a", "image": "a:1",
        "securityContext": {"privileged": true, "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true, "runAsUser": 1}}]}"#;

    fn pod(spec: &str) -> Pod<'_> {
        json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap()
    }

    fn answer_to(subject: Subject<'_>, settings: &serde_json::Value) -> Response {
        let request = Request { namespace: "shop".into(), subject, ..Request::default() };
        let settings = settings.to_string();
        let settings: Value = json::from_slice(settings.as_bytes()).unwrap();
        let settings = Settings::read(&settings).unwrap();
        let today = || Date::parse("2027-06-30").unwrap();
        Judging { request: &request, settings: &settings, form: Form::Short, today }.judge(&NoRegistry)
    }

    fn answer(settings: &serde_json::Value) -> Response {
        answer_to(Subject::Create(vec![pod(SPEC)]), settings)
    }

    const PRIVILEGED: &str = r#"spec.containers[0].securityContext.privileged: container "a" must not set it to true [privileged]"#;
    const HOST_PID: &str =
        "spec.hostPID: the pod must not share the host's process namespace [hostNamespaces]";

    #[test]
    fn a_denial_lists_every_finding_in_the_order_of_the_rules() {
        let response = answer(&json!({}));
        assert!(!response.accepted);
        let summary = r#"2 findings in container "a", the pod: privileged, hostNamespaces"#;
        assert_eq!(response.message.unwrap(), format!("{summary}\n{PRIVILEGED}\n{HOST_PID}"));
        assert_eq!(response.code, Some(403));
        assert_eq!(
            response.audit_annotations,
            Annotations(vec![("hostNamespaces", "1".to_owned()), ("privileged", "1".to_owned())])
        );
        assert_eq!(response.warnings, [""; 0]);
    }

    #[test]
    fn a_rule_that_warns_does_not_deny() {
        let response = answer(&json!({"privileged": "warn", "hostNamespaces": "off"}));
        assert!(response.accepted);
        assert_eq!((response.message, response.code), (None, None));
        assert_eq!(response.warnings, [PRIVILEGED]);
        assert_eq!(response.audit_annotations, Annotations(vec![("privileged", "1".to_owned())]));
    }

    #[test]
    fn a_denial_carries_the_warnings_too() {
        let response = answer(&json!({"privileged": "warn"}));
        assert_eq!(response.message.unwrap(), HOST_PID);
        assert_eq!(response.warnings, [PRIVILEGED]);
    }

    #[test]
    fn enforcement_turns_denials_into_warnings() {
        let response = answer(&json!({"enforcement": "warn"}));
        assert!(response.accepted);
        assert_eq!(response.warnings, [PRIVILEGED, HOST_PID]);
    }

    #[test]
    fn an_answer_is_one_the_sdk_can_read() {
        let json = answer(&json!({"privileged": "warn"})).to_json();
        let read: kubewarden_policy_sdk::response::ValidationResponse =
            serde_json::from_slice(&json).unwrap();
        assert!(!read.accepted);
        assert_eq!(read.message.as_deref(), Some(HOST_PID));
        assert_eq!(read.code, Some(403));
        assert_eq!(read.warnings.unwrap(), [PRIVILEGED]);
        assert_eq!(read.audit_annotations.unwrap().len(), 2);
        assert_eq!(answer_to(Subject::Nothing, &json!(null)).to_json(), br#"{"accepted":true}"#);
    }

    /// The answer to a whole request.
    fn answer_to_request(request: &serde_json::Value, settings: &serde_json::Value) -> Response {
        let payload = json!({"request": request, "settings": settings}).to_string();
        crate::admission::review::validate(payload.as_bytes(), Form::Short, &NoRegistry).unwrap()
    }

    fn fixed(response: &Response) -> Option<serde_json::Value> {
        response.mutated_object.as_ref().map(|object| serde_json::from_slice(object).unwrap())
    }

    fn creation(kind: &str, object: &serde_json::Value) -> serde_json::Value {
        json!({"kind": {"group": if kind == "Pod" { "" } else { "apps" }, "kind": kind}, "operation": "CREATE", "object": object})
    }

    /// The settings that fix what these rules ask for.
    fn fixing() -> serde_json::Value {
        json!({"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix"})
    }

    #[test]
    fn what_is_unset_is_filled_in() {
        let pod = json!({"spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1", "securityContext": {"runAsUser": 7}}]}});
        let response = answer_to_request(&creation("Pod", &pod), &fixing());
        assert!(response.accepted);
        assert_eq!((&response.message, response.code, response.warnings.len()), (&None, None, 0));
        let context =
            json!({"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsNonRoot": true});
        let mut expected = pod.clone();
        expected["spec"]["containers"][0]["securityContext"] = context;
        expected["spec"]["containers"][1]["securityContext"] =
            json!({"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsUser": 7});
        assert_eq!(fixed(&response), Some(expected));
        assert_eq!(
            response.audit_annotations,
            Annotations(vec![(
                "fixes",
                "readOnlyRootFilesystem: 2; allowPrivilegeEscalation: 2; runAsNonRoot: 1".to_owned()
            )])
        );
    }

    #[test]
    fn a_fixed_object_goes_out_as_it_came_in() {
        let payload = br#"{"request": {"kind": {"group": "", "kind": "Pod"}, "operation": "CREATE", "object":
            {"x": 1.0, "spec": {"containers": [{"image": "a:1", "y": [1e3, {"\u0061": 12345678901234567890}]}]} }},
            "settings": {"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "off", "runAsNonRoot": "off"}}"#;
        let json = crate::admission::review::validate(payload, Form::Short, &NoRegistry).unwrap().to_json();
        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            "{\"accepted\":true,\"audit_annotations\":{\"fixes\":\"readOnlyRootFilesystem: 1\"},\"mutated_object\":\
             {\"x\": 1.0, \"spec\": {\"containers\": [{\"image\": \"a:1\", \"y\": [1e3, {\"\\u0061\": 12345678901234567890}],\
             \"securityContext\":{\"readOnlyRootFilesystem\":true}}]} }}"
        );
    }

    #[test]
    fn a_denial_leaves_out_what_would_be_fixed() {
        let pod = json!({"spec": {"hostPID": true, "containers": [
            {"name": "a", "image": "a:1"},
            {"name": "b", "image": "b:1", "securityContext": {"allowPrivilegeEscalation": true}}]}});
        let response = answer_to_request(&creation("Pod", &pod), &fixing());
        assert_eq!(
            response.message.as_deref().unwrap().lines().collect::<Vec<_>>(),
            [
                r#"2 findings in container "b", the pod: allowPrivilegeEscalation, hostNamespaces"#,
                r#"spec.containers[1].securityContext.allowPrivilegeEscalation: container "b" must set it to false [allowPrivilegeEscalation]"#,
                HOST_PID,
            ]
        );
        assert_eq!(fixed(&response), None);
        assert_eq!(
            response.audit_annotations,
            Annotations(vec![
                ("allowPrivilegeEscalation", "1".to_owned()),
                ("hostNamespaces", "1".to_owned())
            ])
        );
    }

    #[test]
    fn enforcement_turns_denials_of_the_rest_into_warnings() {
        let pod = json!({"spec": {"hostPID": true, "containers": [{"name": "a", "image": "a:1"}]}});
        let mut settings = fixing();
        settings["enforcement"] = "warn".into();
        let response = answer_to_request(&creation("Pod", &pod), &settings);
        assert_eq!(response.warnings, [HOST_PID]);
        assert!(response.accepted && response.mutated_object.is_some());
    }

    #[test]
    fn only_what_is_open_to_additions_is_fixed() {
        let spec = json!({"containers": [{"name": "a", "image": "a:1"}]});
        let template = json!({"spec": {"template": {"spec": spec}}});
        let is_fixed = |group: &str, kind: &str, operation: &str, object: &serde_json::Value| {
            let other = object.to_string().replace("a:1", "a:2");
            let request = json!({"kind": {"group": group, "kind": kind}, "operation": operation,
                "object": object, "oldObject": serde_json::from_str::<serde_json::Value>(&other).unwrap()});
            let mut settings = fixing();
            settings["onUpdate"] = "all".into();
            let response = answer_to_request(&request, &settings);
            assert_eq!(response.accepted, response.mutated_object.is_some() || operation == "DELETE");
            response.mutated_object.is_some()
        };
        for (group, kind, object, is_open) in [
            ("", "Pod", &json!({"spec": spec}), false),
            ("batch", "Job", &template, false),
            ("batch", "CronJob", &json!({"spec": {"jobTemplate": template}}), true),
            ("apps", "Deployment", &template, true),
            ("example.com", "Fleet", &template, true),
        ] {
            assert!(is_fixed(group, kind, "CREATE", object), "{kind}");
            assert_eq!(is_fixed(group, kind, "UPDATE", object), is_open, "{kind}");
            assert!(!is_fixed(group, kind, "DELETE", object), "{kind}");
        }
    }

    #[test]
    fn an_update_fixes_what_it_adds() {
        let deployment = |containers: &serde_json::Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let old = json!({"name": "a", "image": "a:1"});
        let new = json!({"name": "b", "image": "b:1"});
        let mut request = creation("Deployment", &deployment(&json!([old, new])));
        request["operation"] = "UPDATE".into();
        request["oldObject"] = deployment(&json!([old]));
        let mut mended = new.clone();
        mended["securityContext"] =
            json!({"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsNonRoot": true});
        let response = answer_to_request(&request, &fixing());
        assert_eq!(fixed(&response), Some(deployment(&json!([old, mended]))));
    }

    #[test]
    fn what_is_exempt_is_not_fixed() {
        let pod = json!({"spec": {"containers": [{"name": "mesh", "image": "mesh:1"}]}});
        let mut settings = fixing();
        settings["exemptions"] = json!([{"reason": "mesh", "images": ["mesh"]}]);
        let response = answer_to_request(&creation("Pod", &pod), &settings);
        assert!(response.accepted);
        assert_eq!(fixed(&response), None);
    }

    #[test]
    fn nothing_is_filled_in_that_kubernetes_would_refuse() {
        let ape = |context: serde_json::Value| {
            let pod =
                json!({"spec": {"containers": [{"name": "a", "image": "a:1", "securityContext": context}]}});
            let settings = json!({"allowPrivilegeEscalation": "fix", "privileged": "off", "capabilities": "off",
                "readOnlyRootFilesystem": "off", "runAsNonRoot": "off"});
            answer_to_request(&creation("Pod", &pod), &settings)
        };
        for refused in [json!({"privileged": true}), json!({"capabilities": {"add": ["CAP_SYS_ADMIN"]}})] {
            let response = ape(refused);
            assert_eq!(
                response.message.as_deref(),
                Some(
                    r#"spec.containers[0].securityContext.allowPrivilegeEscalation: container "a" must set it to false [allowPrivilegeEscalation]"#
                )
            );
        }
        for taken in [json!({"privileged": false}), json!({"capabilities": {"add": ["SYS_ADMIN"]}})] {
            assert!(fixed(&ape(taken)).is_some());
        }
    }

    #[test]
    fn every_pod_spec_of_an_object_is_fixed() {
        let inner = json!({"containers": [{"name": "c", "image": "c:1"}]});
        let object = json!({"z": {"containers": [{"name": "a", "image": "a:1"}], "volumes": [], "template": {"spec": inner}},
            "template": {"spec": inner}});
        let request =
            json!({"kind": {"group": "x", "kind": "Fleet"}, "operation": "CREATE", "object": object});
        let mut settings = fixing();
        settings["writablePaths"] = json!([{"paths": ["/run"]}]);
        let fixed = fixed(&answer_to_request(&request, &settings)).unwrap();
        for place in ["/template/spec", "/z", "/z/template/spec"] {
            let spec = fixed.pointer(place).unwrap();
            assert_eq!(spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true, "{place}");
            assert_eq!(spec["volumes"].as_array().unwrap().len(), 1, "{place}");
        }
    }

    /// The settings that fix, and give containers a place to write to.
    fn fixing_with_volumes() -> serde_json::Value {
        let mut settings = fixing();
        settings["writablePaths"] = json!([{"paths": ["/tmp"]}]);
        settings
    }

    #[test]
    fn no_volume_is_added_where_a_kind_may_have_no_list_of_them() {
        let driver = json!({"initContainers": [{"name": "i", "image": "i:1"}]});
        let application = json!({"spec": {"driver": driver}});
        let request = |object: &serde_json::Value| json!({"kind": {"group": "x", "kind": "App"}, "operation": "CREATE", "object": object});
        let response = answer_to_request(&request(&application), &fixing_with_volumes());
        assert_eq!(
            response.message.as_deref(),
            Some(
                r#"spec.driver.initContainers[0].securityContext.readOnlyRootFilesystem: init container "i" must set it to true: no volume can be added here for "/tmp" [readOnlyRootFilesystem]"#
            )
        );
        assert!(answer_to_request(&request(&application), &fixing()).accepted);
        let mut with_volumes = application.clone();
        with_volumes["spec"]["driver"]["volumes"] = json!([]);
        assert!(fixed(&answer_to_request(&request(&with_volumes), &fixing_with_volumes())).is_some());
    }

    #[test]
    fn a_manifest_that_is_applied_again_changes_nothing() {
        let rollout = |spec: &serde_json::Value| json!({"spec": {"template": {"spec": spec}}});
        let plain = json!({"containers": [{"name": "a", "image": "a:1"}]});
        let mut request = json!({"kind": {"group": "x", "kind": "Rollout"}, "operation": "CREATE", "object": rollout(&plain)});
        let stored = fixed(&answer_to_request(&request, &fixing_with_volumes())).unwrap();
        // Lists of custom resources are replaced as a whole, and what the manifest lacks stays.
        let mut applied = stored.clone();
        applied["spec"]["template"]["spec"]["containers"] = plain["containers"].clone();
        request["operation"] = "UPDATE".into();
        request["object"] = applied;
        request["oldObject"] = stored.clone();
        assert_eq!(fixed(&answer_to_request(&request, &fixing_with_volumes())), Some(stored));
    }

    #[test]
    fn what_a_controller_manages_is_never_changed() {
        let set = |owner: serde_json::Value, container: serde_json::Value| json!({"metadata": {"ownerReferences": [owner]}, "spec": {"template": {"spec": {"containers": [container]}}}});
        let controller = || json!({"kind": "Deployment", "controller": true});
        let plain = || json!({"name": "a", "image": "a:1"});
        let judge = |group: &str, kind: &str, object: serde_json::Value, settings: &serde_json::Value| {
            let request =
                json!({"kind": {"group": group, "kind": kind}, "operation": "CREATE", "object": object});
            answer_to_request(&request, settings)
        };
        for (group, kind) in [("apps", "ReplicaSet"), ("example.com", "Rollout")] {
            for settings in [fixing(), json!({}), json!({"enforcement": "warn"})] {
                let response = judge(group, kind, set(controller(), plain()), &settings);
                assert!(response.accepted && response.mutated_object.is_none(), "{kind} {settings}");
                assert_eq!(
                    response.warnings,
                    [format!(
                        "3 findings that a fix could fill in are left to the pods of this {kind}, because a controller manages it"
                    )]
                );
                assert_eq!(response.audit_annotations, Annotations::default());
            }
            let privileged = json!({"name": "a", "image": "a:1", "securityContext": {"privileged": true}});
            let denied = judge(group, kind, set(controller(), privileged), &fixing());
            let line = denied.message.unwrap();
            assert!(line.ends_with("[allowPrivilegeEscalation]") || line.ends_with("[privileged]"), "{line}");
            assert!(!judge(group, kind, set(json!({"kind": "Deployment"}), plain()), &json!({})).accepted);
        }
        for (group, kind) in [("apps", "StatefulSet"), ("apps", "Deployment"), ("batch", "Job")] {
            assert!(fixed(&judge(group, kind, set(controller(), plain()), &fixing())).is_some(), "{kind}");
            assert!(!judge(group, kind, set(controller(), plain()), &json!({})).accepted, "{kind}");
        }
    }

    #[test]
    fn a_mirror_pod_is_never_changed() {
        let pod = |node: &str, container: serde_json::Value| {
            json!({"metadata": {"annotations": {"kubernetes.io/config.mirror": "01"}},
                "spec": {"nodeName": node, "containers": [container]}})
        };
        let plain = || json!({"name": "a", "image": "a:1"});
        for settings in [fixing(), json!({})] {
            let response = answer_to_request(&creation("Pod", &pod("node1", plain())), &settings);
            assert!(response.accepted && response.mutated_object.is_none());
            assert_eq!(
                response.warnings,
                [
                    "3 findings that a fix could fill in do not count, because this is a mirror pod: the kubelet runs it from a file"
                ]
            );
        }
        assert!(fixed(&answer_to_request(&creation("Pod", &pod("", plain())), &fixing())).is_some());
        let privileged = json!({"name": "a", "image": "a:1", "securityContext": {"privileged": true}});
        assert!(!answer_to_request(&creation("Pod", &pod("node1", privileged)), &fixing()).accepted);
    }

    #[test]
    fn a_lost_digest_is_given_back() {
        let digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let pod = |image: &str| json!({"spec": {"containers": [{"name": "a", "image": image}]}});
        let update = |old: &str, new: &str, settings: &serde_json::Value| {
            let request = json!({"kind": {"group": "", "kind": "Pod"}, "operation": "UPDATE", "object": pod(new), "oldObject": pod(old)});
            answer_to_request(&request, settings)
        };
        let pinned = format!("docker.io/library/a:1@{digest}");
        let settings =
            json!({"imageReference": {"mode": "fix", "require": "digest"}, "readOnlyRootFilesystem": "fix"});
        for image in ["a:1", "docker.io/library/a:1"] {
            let response = update(&pinned, image, &settings);
            assert_eq!(fixed(&response), Some(pod(&pinned)), "{image}");
            assert_eq!(
                response.audit_annotations,
                Annotations(vec![("fixes", "imageReference: 1".to_owned())])
            );
        }
        for image in ["a:2", "b:1", "a"] {
            let response = update(&pinned, image, &settings);
            assert!(!response.accepted && response.mutated_object.is_none(), "{image}");
        }
        assert!(!update(&pinned, "a:1", &json!({})).accepted);
        let same = json!({"imageReference": "fix", "imageChange": "off", "exemptions": [{"reason": "x", "containers": ["a"]}]});
        let exempt = update(&pinned, "a:1", &same);
        assert!(exempt.accepted && exempt.mutated_object.is_none());
    }

    #[test]
    fn an_image_may_change_only_if_old_and_new_are_exempt() {
        let pod = |image: &str| json!({"spec": {"containers": [{"name": "a", "image": image}]}});
        let update = |old: &str, new: &str| {
            let request = json!({"kind": {"group": "", "kind": "Pod"}, "operation": "UPDATE", "object": pod(new), "oldObject": pod(old)});
            let exemptions = json!([{"reason": "x", "rules": ["imageChange"], "images": ["free/*"]}]);
            answer_to_request(&request, &json!({"exemptions": exemptions})).accepted
        };
        assert!(update("free/a:1", "free/b:1"));
        assert!(!update("free/a:1", "shop/b:1"));
        assert!(!update("shop/a:1", "free/b:1"));
    }

    #[test]
    fn with_on_update_all_what_runs_nothing_else_is_judged_as_a_change() {
        let pod = |label: &str, image: &str, spec: &str| {
            format!(
                r#"{{"metadata": {{"labels": {{"a": "{label}"}}}}, "spec": {{{spec} "containers": [{{"name": "a", "image": "{image}"}}]}}}}"#
            )
        };
        let update = |old: &str, new: &str| {
            let payload = format!(
                r#"{{"request": {{"kind": {{"group": "", "kind": "Pod"}}, "operation": "UPDATE", "object": {new}, "oldObject": {old}}},
                "settings": {{"onUpdate": "all", "imageChange": "off"}}}}"#
            );
            crate::admission::review::validate(payload.as_bytes(), Form::Short, &NoRegistry).unwrap().accepted
        };
        let old = pod("1", "a:1", "");
        assert!(update(&old, &pod("2", "a:1", "")));
        assert!(!update(&old, &pod("1", "a:2", "")));
        assert!(!update(&old, &pod("2", "a:1", r#""hostPID": true,"#)));
    }

    #[test]
    fn a_report_has_every_finding_and_says_whether_anything_was_evaluated() {
        let report = |kind: &str, object: serde_json::Value| {
            let payload = json!({"request": creation(kind, &object)}).to_string();
            crate::admission::review::validate(payload.as_bytes(), Form::Long, &NoRegistry).unwrap()
        };
        let response =
            report("Pod", json!({"spec": {"hostPID": true, "containers": [{"name": "a", "image": "a:1"}]}}));
        assert_eq!(response.message.as_deref().unwrap().lines().count(), 4);
        assert_eq!(response.evaluated, Some(true));
        let response = report("Fleet", json!({"spec": {"steps": [{"image": "a:1"}]}}));
        assert_eq!((response.accepted, response.evaluated), (true, Some(false)));
        assert_eq!(response.to_json(), br#"{"accepted":true,"evaluated":false}"#);
    }

    /// The lines of the denial of an update.
    fn update(old: &str, new: &str, settings: &serde_json::Value) -> Vec<String> {
        let response = answer_to(Subject::Update { old: vec![pod(old)], new: vec![pod(new)] }, settings);
        response.message.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[test]
    fn an_update_is_judged_by_what_it_changes() {
        let changed = SPEC.replace("\"hostPID\": true", "\"hostPID\": true, \"hostIPC\": true");
        let host_ipc = "spec.hostIPC: the pod must not share the host's IPC namespace [hostNamespaces]";
        assert_eq!(update(SPEC, SPEC, &json!({})), [""; 0]);
        assert_eq!(update(SPEC, &changed, &json!({})), [host_ipc]);
        let summary = r#"2 findings in container "a", the pod: privileged, hostNamespaces"#;
        assert_eq!(update(SPEC, SPEC, &json!({"onUpdate": "all"})), [""; 0]);
        let other = SPEC.replace("a:1", "a:2");
        assert_eq!(
            update(&other, SPEC, &json!({"onUpdate": "all", "imageChange": "off"})),
            [summary, PRIVILEGED, HOST_PID]
        );
        assert_eq!(update("{}", SPEC, &json!({})), [summary, PRIVILEGED, HOST_PID]);
    }

    #[test]
    fn another_value_is_a_change() {
        let spec = |value: &str| {
            format!(
                r#"{{"containers": [{{"name": "a", "image": "a:1", "securityContext":
                    {{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": {value}, "runAsUser": 1}}}}]}}"#
            )
        };
        assert_eq!(update(&spec("null"), &spec("null"), &json!({})), [""; 0]);
        assert_eq!(update(&spec("null"), &spec("false"), &json!({})).len(), 1);
    }

    #[test]
    fn each_finding_that_is_known_counts_once() {
        // Two containers of one name at one path do not exist; two keys that are too long to be told apart do.
        let key = "k".repeat(200);
        let found = |path: &str| Pod {
            path: path.to_owned().into(),
            is_template: true,
            ..pod(r#"{"hostPID": true}"#)
        };
        let settings = Value::Null;
        let settings = Settings::read(&settings).unwrap();
        let update = Subject::Update { old: vec![found(&key)], new: vec![found(&key), found(&key)] };
        let request = Request { subject: update, ..Request::default() };
        let judging =
            Judging { request: &request, settings: &settings, form: Form::Short, today: Date::today };
        let response = judging.judge(&NoRegistry);
        assert_eq!(response.message.unwrap().lines().count(), 1);
    }

    #[test]
    fn what_was_exempt_is_new_when_it_is_exempt_no_more() {
        let exempt = json!({"exemptions": [{"reason": "mesh", "images": ["mesh"]}], "imageChange": "off"});
        let old = SPEC.replace("a:1", "mesh:1").replace("\"hostPID\": true, ", "");
        let new = old.replace("mesh:1", "evil:1");
        assert_eq!(update(&old, &old, &exempt), [""; 0]);
        assert_eq!(update(&old, &new, &exempt), [PRIVILEGED]);
    }

    #[test]
    fn the_audit_log_names_exemptions_that_were_used() {
        let exemptions = json!([{"reason": "shop", "rules": ["hostNamespaces"], "namespaces": ["shop"]},
                                {"reason": "unused", "namespaces": ["bar"]},
                                {"reason": "late", "rules": ["privileged"], "containers": ["a"], "expires": "2027-06-30"}]);
        let response = answer(&json!({"exemptions": exemptions}));
        assert_eq!(response.message.unwrap(), PRIVILEGED);
        assert_eq!(response.warnings, ["exemptions[2] expired on 2027-06-30: late"]);
        assert_eq!(
            response.audit_annotations,
            Annotations(vec![
                ("exemptions", "exemptions[0]: shop".to_owned()),
                ("privileged", "1".to_owned())
            ])
        );
    }
}
