//! From findings to the answer: admitted, admitted with warnings, or denied.

use std::collections::VecDeque;

use crate::additions::push_json;
use crate::connection::Connection;
use crate::date::Date;
use crate::exemptions::Applicable;
use crate::field_path;
use crate::finding::Finding;
use crate::fix;
use crate::places::Places;
use crate::pod::Pod;
use crate::registry::{Lookups, Registry};
use crate::request::{Draft, Request, Subject};
use crate::rules::{BoundRule, Rule};
use crate::settings::{ActiveRule, Enforcement, OnUpdate, Settings, Severity};
use crate::text::push_all;

/// The audit annotation that names the exemptions which made a difference.
const EXEMPTIONS: &str = "exemptions";

/// The audit annotation that says how many fields each rule has filled in.
const FIXES: &str = "fixes";

/// The number of bytes from which on no more findings are told. A denial goes into the status of what makes
/// the pod, such as a Job, and API servers take no object of much more than a megabyte.
const TOLD: usize = 256 * 1024;

/// How many of the findings that look alike are tried, each of which may be on the account of others. Only in keys that are
/// too long to be told apart are there ever more than one.
const ALIKE: usize = 8;

/// The HTTP status of a denial: forbidden.
const FORBIDDEN: u16 = 403;

/// The answer to `validate`.
///
/// It has the fields of the SDK's `ValidationResponse`, and an order: same input, same bytes out.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Whether the object is admitted.
    pub accepted: bool,
    /// Why it is denied: one finding a line, and if they are very many, how many more there are.
    pub message: Option<String>,
    /// The HTTP status of a denial.
    pub code: Option<u16>,
    /// The number of findings of each rule that has any, and the exemptions that were used, for the audit log.
    pub audit_annotations: Annotations,
    /// What the user is told though the object is admitted, or besides the denial.
    pub warnings: Vec<String>,
    /// The object to be admitted in place of the one in the request, as it is to be written.
    pub mutated_object: Option<Vec<u8>>,
}

/// Audit annotations, sorted by their keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Annotations(Vec<(&'static str, String)>);

impl Annotations {
    fn insert(&mut self, key: &'static str, value: String) {
        let place = self.0.partition_point(|(other, _)| *other < key);
        self.0.insert(place, (key, value));
    }
}

impl Response {
    /// The answer to what cannot be understood.
    #[must_use]
    pub fn unreadable(reason: String) -> Self {
        Self {
            accepted: false,
            message: Some(reason),
            code: Some(FORBIDDEN),
            audit_annotations: Annotations::default(),
            warnings: Vec::new(),
            mutated_object: None,
        }
    }

    /// The answer in JSON, without what is not there.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let message_length = self.message.as_ref().map_or(0, String::len);
        let object_length = self.mutated_object.as_ref().map_or(0, Vec::len);
        // A little more than the long parts take, so that it need not grow.
        let mut json = String::with_capacity(message_length / 8 * 9 + object_length + 512);
        push_all(&mut json, &[if self.accepted { "{\"accepted\":true" } else { "{\"accepted\":false" }]);
        if let Some(message) = &self.message {
            push_all(&mut json, &[",\"message\":"]);
            push_json(&mut json, message);
        }
        if let Some(code) = self.code {
            push_all(&mut json, &[",\"code\":", &code.to_string()]);
        }
        let annotations = &self.audit_annotations.0;
        if !annotations.is_empty() {
            push_list(&mut json, ",\"audit_annotations\":{", annotations, |json, (key, value)| {
                push_json(json, key);
                push_all(json, &[":"]);
                push_json(json, value);
            });
            push_all(&mut json, &["}"]);
        }
        if !self.warnings.is_empty() {
            push_list(&mut json, ",\"warnings\":[", &self.warnings, |json, warning| push_json(json, warning));
            push_all(&mut json, &["]"]);
        }
        let mut json = json.into_bytes();
        if let Some(object) = &self.mutated_object {
            // It goes in as it is: a value read from it and written again might have other forms of numbers.
            json.extend_from_slice(b",\"mutated_object\":");
            json.extend_from_slice(object);
        }
        json.push(b'}');
        json
    }
}

/// Appends items of an object or a list, with commas between them.
fn push_list<T>(json: &mut String, opening: &str, items: &[T], push: impl Fn(&mut String, &T)) {
    let mut separator = opening;
    for item in items {
        push_all(json, &[separator]);
        push(json, item);
        separator = ",";
    }
}

/// Why a request is denied for the sake of the settings.
#[must_use]
pub fn invalid_settings(errors: &str) -> String {
    format!("the settings of the policy are invalid: {errors}")
}

/// Judges a request by every rule that is on. `today` is asked only when an exemption depends on the day, and the
/// registry when the settings want it.
///
/// What can be fixed is fixed, and the result is judged again: the object that is judged last is the one that is admitted.
#[must_use]
pub fn judge(
    request: &Request<'_>,
    settings: &Settings<'_>,
    today: fn() -> Date,
    registry: &dyn Registry,
) -> Response {
    let judged = Judged::from(&request.subject);
    let mut lookups = Lookups::new(registry);
    let found = Found::in_request(request, judged, settings, today, &mut lookups);
    let may_fix = settings.rules.iter().any(|rule| rule.severity == Severity::Fix);
    match request.draft.as_ref().filter(|_| may_fix) {
        Some(draft) => judge_fixed(found, draft, request, settings, today, lookups),
        None => found.response(settings),
    }
}

/// Judges what fixes make of an object, in place of the object.
#[inline(never)]
fn judge_fixed<'j, 's>(
    mut found: Found<'j, 's>,
    draft: &Draft<'_>,
    request: &'j Request<'j>,
    settings: &'j Settings<'s>,
    today: fn() -> Date,
    mut lookups: Lookups<'_>,
) -> Response {
    let judged = Judged::from(&request.subject);
    let Fixed { object, counts, failures } = found.fix(draft, request, judged, settings, &mut lookups);
    // Exemptions that cannot be read may be meant for what would be fixed.
    let Some(object) = object.filter(|_| found.exemptions.errors().is_none()) else {
        found.tell(failures);
        return found.response(settings);
    };
    let pods = match draft.pods_of(&object) {
        Ok(pods) => pods,
        Err(reason) => {
            return Response::unreadable(format!("{reason} (denied because a fix broke the object)"));
        }
    };
    let mut found = Found::in_request(request, judged.becoming(&pods), settings, today, &mut lookups);
    found.tell(failures);
    let mut response = found.response(settings);
    if response.accepted {
        response.audit_annotations.insert(FIXES, counts.join("; "));
        response.mutated_object = Some(object);
    }
    response
}

/// What came of fixing an object.
#[derive(Default)]
struct Fixed<'j, 's> {
    /// The object with everything fixed that can be; nothing when nothing can be.
    object: Option<Vec<u8>>,
    /// What the audit log says about that.
    counts: Vec<String>,
    /// What could not be fixed because something could not be looked up, and why.
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
}

impl<'j, 's> Found<'j, 's> {
    fn in_request(
        request: &'j Request<'j>,
        judged: Judged<'j>,
        settings: &'j Settings<'s>,
        today: fn() -> Date,
        lookups: &mut Lookups<'_>,
    ) -> Self {
        let exemptions = settings.exemptions.applicable(request, today);
        let mut judge =
            Judge { judged, on_update: settings.on_update, exemptions, replaced: judged.replaced() };
        let mut findings = Vec::new();
        for active in &settings.rules {
            let found = judge.findings(active, lookups);
            if !found.is_empty() {
                findings.push((active, active.severity, found));
            }
        }
        Self { findings, exemptions: judge.exemptions }
    }

    /// Fixes what can be.
    fn fix(
        &mut self,
        draft: &Draft<'_>,
        request: &Request<'_>,
        judged: Judged<'j>,
        settings: &'j Settings<'s>,
        lookups: &mut Lookups<'_>,
    ) -> Fixed<'j, 's> {
        let mut outcome = Fixed::default();
        let mut fixes = Vec::new();
        for rule in settings.rules.iter().filter(|rule| rule.severity == Severity::Fix) {
            let known = fixes.len();
            let mut try_fix = |finding: &Finding<'j>| match finding.fix.as_ref()?.looked_up(lookups) {
                Ok(fix) => {
                    fixes.push(fix);
                    None
                }
                Err(reason) => Some(Failure { rule, path: finding.path.clone(), reason, wish: None }),
            };
            for finding in self.findings_of(rule.id) {
                outcome.failures.extend(try_fix(finding));
            }
            for wish in self.wishes(rule, judged) {
                if let Some(failure) = try_fix(&wish) {
                    outcome.failures.push(Failure { wish: Some(wish), ..failure });
                }
            }
            if fixes.len() > known {
                outcome.counts.push(format!("{}: {}", rule.id, fixes.len() - known));
            }
        }
        if !fixes.is_empty() {
            outcome.object = fix::apply(draft.json, &fixes, &settings.writable_paths, &request.namespace);
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
    fn wishes(&mut self, rule: &ActiveRule<'s>, judged: Judged<'j>) -> Vec<Finding<'j>> {
        let mut wishes = Vec::new();
        if let Judged::Create(pods) = judged {
            for pod in pods {
                rule.rule.improve(pod, &mut wishes);
            }
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

    fn response(&self, settings: &Settings<'_>) -> Response {
        if let Some(errors) = self.exemptions.errors() {
            return Response::unreadable(invalid_settings(errors));
        }
        let mut denials = String::new();
        let mut warnings = Vec::new();
        let (mut warned, mut undenied, mut unwarned) = (0, 0, 0);
        let mut counts: Vec<(&'static str, usize)> = Vec::new();
        for (active, severity, findings) in &self.findings {
            match counts.iter_mut().find(|(id, _)| *id == active.id) {
                Some((_, count)) => *count += findings.len(),
                None => counts.push((active.id, findings.len())),
            }
            let denies = settings.enforcement == Enforcement::Deny && *severity != Severity::Warn;
            for finding in findings {
                if denies && denials.len() > TOLD {
                    undenied += 1;
                } else if denies {
                    let separator = if denials.is_empty() { "" } else { "\n" };
                    push_all(&mut denials, &[separator]);
                    finding.push_line(active.id, &mut denials);
                } else if warned > TOLD {
                    unwarned += 1;
                } else {
                    let warning = finding.warning(active.id);
                    warned += warning.len();
                    warnings.push(warning);
                }
            }
        }
        if undenied > 0 {
            push_all(&mut denials, &["\n", &more(undenied)]);
        }
        warnings.extend((unwarned > 0).then(|| more(unwarned)));
        warnings.extend(self.exemptions.warnings());
        let mut audit_annotations = Annotations::default();
        for (id, count) in counts {
            audit_annotations.insert(id, count.to_string());
        }
        if let Some(annotation) = self.exemptions.annotation() {
            audit_annotations.insert(EXEMPTIONS, annotation);
        }
        let accepted = denials.is_empty();
        Response {
            accepted,
            message: (!accepted).then_some(denials),
            code: (!accepted).then_some(FORBIDDEN),
            audit_annotations,
            warnings,
            mutated_object: None,
        }
    }
}

/// What is told of findings that are too many to be told.
#[inline(never)]
fn more(findings: usize) -> String {
    ["… and ", &findings.to_string(), " more"].concat()
}

/// What is needed to say which findings count.
struct Judge<'j, 's> {
    judged: Judged<'j>,
    on_update: OnUpdate,
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
                if !found.is_empty() && self.on_update == OnUpdate::Changes {
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
        let mut places = Places::default();
        let mut alike: Vec<VecDeque<Finding>> = Vec::new();
        for finding in known {
            let identity = finding.identity();
            if let Some(others) = places.get(&identity).and_then(|place| alike.get_mut(place)) {
                others.push_back(finding);
            } else {
                places.add(identity.into(), alike.len());
                alike.push(VecDeque::from([finding]));
            }
        }
        found.retain(|finding| {
            let others = places.get(&finding.identity()).and_then(|place| alike.get_mut(place));
            let Some(others) = others else { return true };
            let mut tried = others.iter().take(ALIKE);
            let same = tried.position(|other| finding.concerns.are_among(&other.concerns));
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
    use crate::json;
    use crate::pod::Pod;
    use crate::registry::testing::NoRegistry;
    use crate::request::UserInfo;
    use crate::value::Value;

    const SPEC: &str = r#"{"hostPID": true, "containers": [{"name": "a", "image": "a:1",
        "securityContext": {"privileged": true, "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true, "runAsUser": 1}}]}"#;

    fn pod(spec: &str) -> Pod<'_> {
        json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap()
    }

    fn answer_to(subject: Subject<'_>, settings: &serde_json::Value) -> Response {
        let request = Request { namespace: "shop".into(), user: UserInfo::default(), subject, draft: None };
        let settings = settings.to_string();
        let settings: Value = json::from_slice(settings.as_bytes()).unwrap();
        judge(
            &request,
            &Settings::read(&settings).unwrap(),
            || Date::parse("2027-06-30").unwrap(),
            &NoRegistry,
        )
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
        assert_eq!(response.message.unwrap(), format!("{PRIVILEGED}\n{HOST_PID}"));
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
        crate::review::validate(payload.as_bytes(), &NoRegistry).unwrap()
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
        let json = crate::review::validate(payload, &NoRegistry).unwrap().to_json();
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
            let request = json!({"kind": {"group": group, "kind": kind}, "operation": operation,
                "object": object, "oldObject": object});
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
        let object =
            json!({"z": {"containers": [{"name": "a", "image": "a:1"}], "inner": inner}, "y": inner});
        let request =
            json!({"kind": {"group": "x", "kind": "Fleet"}, "operation": "CREATE", "object": object});
        let mut settings = fixing();
        settings["writablePaths"] = json!([{"paths": ["/run"]}]);
        let fixed = fixed(&answer_to_request(&request, &settings)).unwrap();
        for place in ["/y", "/z", "/z/inner"] {
            let spec = fixed.pointer(place).unwrap();
            assert_eq!(spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true, "{place}");
            assert_eq!(spec["volumes"].as_array().unwrap().len(), 1, "{place}");
        }
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
        assert_eq!(update(SPEC, SPEC, &json!({"onUpdate": "all"})), [PRIVILEGED, HOST_PID]);
        assert_eq!(update("{}", SPEC, &json!({})), [PRIVILEGED, HOST_PID]);
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
        let request =
            Request { namespace: "".into(), user: UserInfo::default(), subject: update, draft: None };
        let response = judge(&request, &settings, Date::today, &NoRegistry);
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
