//! The pipeline of a review: reads a payload and returns a response. It is a pure function, except for registry queries.

use super::fixing::Fixes;
use super::payload::Payload;
use super::request::{Manager, MutableObject, Request};
use super::response::{Response, SettingsResponse};
use crate::evaluation::evaluate::{Evaluation, Evaluator, Scope};
use crate::evaluation::registry::{Registry, RegistryCache};
use crate::evaluation::report::{self, Form, RuleReport, count};
use crate::fix::plan::VolumeSource;
use crate::kubernetes::operation::OperationRef;
use crate::kubernetes::workload::MutableFields;

use crate::rules::active_rule::ActiveRule;
use crate::rules::policy_settings::PolicySettings;
use crate::settings::date::Date;
use crate::settings::exemption::Requester;
use crate::settings::mode::{Enforcement, Mode};
use crate::settings::value::SettingsDocument;
use crate::text::printable;

/// The audit annotation with the number of fixes of each rule.
const FIXES: &str = "fixes";

/// The audit annotation that names the exemptions that covered findings.
const EXEMPTIONS: &str = "exemptions";

/// Reviews a payload of `validate`. The registry is queried only if the settings require it.
///
/// # Errors
/// If the request or the settings cannot be understood: the reason why the request must be denied.
pub fn validate(payload: &[u8], form: Form, registry: &dyn Registry) -> Result<Response, String> {
    let payload = Payload::read(payload)
        .map_err(|reason| format!("{reason} (denied because it cannot be evaluated)"))?;
    let document = payload.settings.parse().map_err(|reason| invalid_settings(&reason))?;
    let settings = PolicySettings::read(&document).map_err(|errors| invalid_settings(&errors))?;
    let request = &payload.request;
    let requester = Requester {
        namespace: &request.namespace,
        user: &request.user.username,
        groups: &request.user.groups,
    };
    let evaluator = Evaluator { settings: &settings, requester, today: Date::today };
    Ok(Review { request, evaluator, form }.run(registry))
}

/// Checks a payload of `validate_settings`.
#[must_use]
pub fn validate_settings(payload: &[u8]) -> SettingsResponse {
    let document = SettingsDocument::parse(payload);
    let checked = match &document {
        Ok(document) => PolicySettings::validate(document),
        Err(reason) => Err(format!("the settings cannot be parsed as JSON: {reason}")),
    };
    SettingsResponse { valid: checked.is_ok(), message: checked.err() }
}

/// Returns the reason of a denial because of invalid settings.
fn invalid_settings(errors: &str) -> String {
    format!("the settings of the policy are invalid: {errors}")
}

/// The review of one request.
#[derive(Clone, Copy)]
pub(super) struct Review<'j, 's> {
    pub(super) request: &'j Request<'j>,
    pub(super) evaluator: Evaluator<'j, 's>,
    pub(super) form: Form,
}

impl<'j, 's> Review<'j, 's> {
    /// Evaluates the request, and fixes the object if possible. A fixed object is evaluated again before it is admitted.
    pub(super) fn run(&self, registry: &dyn Registry) -> Response {
        let operation = OperationRef::from(&self.request.operation);
        let object = self.fixable_object();
        let scope = Scope {
            operation,
            counts_known: self.evaluator.counts_known(operation, self.request.old_metadata),
            suggestions_for: object.map(|object| object.mutable_fields),
        };
        let mut registry_cache = RegistryCache::new(registry);
        let mut evaluation = self.evaluator.evaluate(scope);
        let may_be_managed = object.is_some() || evaluation.has_fixable();
        let manager = if may_be_managed { self.request.manager() } else { None };
        let mut response = match (manager, object) {
            (Some(manager), _) => self.respond_managed(&mut evaluation, manager, &mut registry_cache),
            (None, Some(object)) => self.fix(evaluation, object, scope, &mut registry_cache),
            (None, None) => self.respond(&mut evaluation, None, &mut registry_cache),
        };
        response.evaluated = (self.form == Form::Long).then(|| operation.has_target());
        response
    }

    /// Returns the object, if a rule can fix it.
    fn fixable_object(&self) -> Option<&'j MutableObject<'j>> {
        let has_fix = self.evaluator.settings.rules.iter().any(|rule| rule.mode == Mode::Fix);
        self.request.mutable_object.as_ref().filter(|_| has_fix)
    }

    /// Returns the response to an object with fixes, or to the unchanged object if there is nothing to fix. Digests are looked up
    /// last, and only if nothing denies the object with all other fixes.
    fn fix(
        &self,
        evaluation: Evaluation<'j, 's>,
        object: &MutableObject<'_>,
        scope: Scope<'j>,
        registry_cache: &mut RegistryCache<'_>,
    ) -> Response {
        let (response, lacks_digests) = self.fix_with(evaluation, object, scope, registry_cache, false);
        if !lacks_digests || !response.accepted {
            return response;
        }
        self.fix_with(self.evaluator.evaluate(scope), object, scope, registry_cache, true).0
    }

    /// Returns the response to an object with fixes, and whether fixes are missing because they need digests.
    fn fix_with(
        &self,
        mut evaluation: Evaluation<'j, 's>,
        object: &MutableObject<'_>,
        scope: Scope<'j>,
        registry_cache: &mut RegistryCache<'_>,
        with_digests: bool,
    ) -> (Response, bool) {
        let volumes = VolumeSource {
            writable_paths: &self.evaluator.settings.writable_paths,
            namespace: self.evaluator.requester.namespace,
            noexec_mounts: self.evaluator.settings.rules.iter().find_map(ActiveRule::as_noexec_mounts),
        };
        evaluation.remove_covered_suggestions();
        let registry = with_digests.then_some(&mut *registry_cache);
        let mut fixes = Fixes::plan(&evaluation, object, volumes, registry);
        let lacks_digests = fixes.lack_digests;
        let fixed_object = fixes.apply_to(object, volumes);
        // Invalid exemptions may be meant for the fixed findings.
        let Some(fixed_object) = fixed_object.filter(|_| evaluation.exemptions.errors().is_none()) else {
            fixes.explain_failures(&mut evaluation);
            if lacks_digests {
                evaluation.remove_pins();
            }
            return (self.respond(&mut evaluation, None, registry_cache), lacks_digests);
        };
        let pods = match object.pods_of(fixed_object.get().as_bytes()) {
            Ok(pods) => pods,
            Err(reason) => {
                let reason = format!("{reason} (denied because the fixed object cannot be evaluated)");
                return (Response::unreadable(reason), false);
            }
        };
        // The pods live shorter than the request.
        let review = *self;
        let operation = scope.operation.with_pods(&pods);
        // A field that a fix sets in a template must not decide which findings count. A restored image must.
        let counts_known = match object.mutable_fields {
            MutableFields::Unset => scope.counts_known,
            MutableFields::Images => review.evaluator.counts_known(operation, review.request.old_metadata),
        };
        let scope = Scope { operation, counts_known, suggestions_for: None };
        let mut evaluation = review.evaluator.evaluate(scope);
        let counts = std::mem::take(&mut fixes.counts);
        fixes.explain_failures(&mut evaluation);
        if lacks_digests {
            evaluation.remove_pins();
        }
        let mut response = review.respond(&mut evaluation, None, registry_cache);
        if response.accepted {
            response.audit_annotations.insert(FIXES, counts.join("; "));
            response.mutated_object = Some(fixed_object);
        }
        (response, lacks_digests)
    }

    /// Returns the response to an object that only its manager can change: fixable findings do not count.
    fn respond_managed(
        &self,
        evaluation: &mut Evaluation<'j, 's>,
        manager: Manager,
        registry_cache: &mut RegistryCache<'_>,
    ) -> Response {
        let removed = evaluation.remove_fixable();
        let notice = (removed > 0).then(|| notice(manager, removed, &self.request.kind.kind));
        self.respond(evaluation, notice.as_deref(), registry_cache)
    }

    /// Returns the response to an evaluation. The registry is queried last, and only if nothing else denies the request: pod authors
    /// choose which host the policy server contacts.
    #[inline(never)]
    fn respond(
        &self,
        evaluation: &mut Evaluation<'_, '_>,
        notice: Option<&str>,
        registry_cache: &mut RegistryCache<'_>,
    ) -> Response {
        loop {
            let response = self.respond_to_known(evaluation, notice.map(str::to_owned));
            if !response.accepted || !evaluation.resolve_pending(registry_cache) {
                return response;
            }
        }
    }

    /// Returns the response to the findings that do not depend on the registry any more.
    fn respond_to_known(&self, evaluation: &Evaluation<'_, '_>, notice: Option<String>) -> Response {
        if let Some(errors) = evaluation.exemptions.errors() {
            return Response::unreadable(invalid_settings(errors));
        }
        let (mut denied, mut warned, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for found in evaluation.rules.iter().filter(|found| !found.findings.is_empty()) {
            let is_lenient =
                self.evaluator.settings.enforcement == Enforcement::Warn || found.mode == Mode::Warn;
            RuleReport::add(&mut all, found.rule.id, &found.findings);
            RuleReport::add(
                if is_lenient { &mut warned } else { &mut denied },
                found.rule.id,
                &found.findings,
            );
        }
        let mut response = Response::new(report::denial(&denied, self.form));
        response.expired_exemptions = evaluation.exemptions.expired().collect();
        response.used_exemptions = evaluation.exemptions.used().collect();
        let expired = response.expired_exemptions.iter().cloned();
        response.warnings = report::warnings(expired, notice, &warned, self.form);
        for RuleReport { rule, findings } in all {
            response.audit_annotations.insert(rule, findings.len().to_string());
        }
        if !response.used_exemptions.is_empty() {
            response.audit_annotations.insert(EXEMPTIONS, response.used_exemptions.join("; "));
        }
        response
    }
}

/// Returns the warning about findings that only the manager of the object could resolve.
fn notice(manager: Manager, findings: usize, kind: &str) -> String {
    let found = count(findings, "fixable finding");
    match manager {
        Manager::Controller => {
            let verb = if findings == 1 { "is" } else { "are" };
            let kind = printable(kind);
            format!("{found} {verb} deferred to the pods of this {kind} because a controller manages it")
        }
        Manager::File => {
            let verb = if findings == 1 { "does" } else { "do" };
            format!(
                "{found} {verb} not count because this is a mirror pod, which the kubelet runs from a file"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::evaluation::registry::testing::NoRegistry;
    use crate::kubernetes::operation::Operation;
    use crate::kubernetes::pod::Pod;

    const SPEC: &str = r#"{"hostPID": true, "containers": [{"name": "a", "image": "a:1",
        "securityContext": {"privileged": true, "allowPrivilegeEscalation": false,
                            "readOnlyRootFilesystem": true, "runAsUser": 1}}]}"#;

    fn pod(spec: &str) -> Pod<'_> {
        json_view::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap()
    }

    fn answer_to(operation: Operation<'_>, settings: &serde_json::Value) -> Response {
        let request = Request { namespace: "shop".into(), operation, ..Request::default() };
        let settings = settings.to_string();
        let document = SettingsDocument::parse(settings.as_bytes()).unwrap();
        let settings = PolicySettings::read(&document).unwrap();
        let today = || Date::parse("2027-06-30").unwrap();
        let requester = Requester { namespace: "shop", user: "", groups: &[] };
        let evaluator = Evaluator { settings: &settings, requester, today };
        Review { request: &request, evaluator, form: Form::Short }.run(&NoRegistry)
    }

    fn answer(settings: &serde_json::Value) -> Response {
        answer_to(Operation::Create(vec![pod(SPEC)]), settings)
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
            BTreeMap::from([("hostNamespaces", "1".to_owned()), ("privileged", "1".to_owned())])
        );
        assert_eq!(response.warnings, [""; 0]);
    }

    #[test]
    fn a_rule_that_warns_does_not_deny() {
        let response = answer(&json!({"privileged": "warn", "hostNamespaces": "off"}));
        assert!(response.accepted);
        assert_eq!((response.message, response.code), (None, None));
        assert_eq!(response.warnings, [PRIVILEGED]);
        assert_eq!(response.audit_annotations, BTreeMap::from([("privileged", "1".to_owned())]));
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
        assert_eq!(answer_to(Operation::Nothing, &json!(null)).to_json(), br#"{"accepted":true}"#);
    }

    /// The answer to a whole request.
    fn answer_to_request(request: &serde_json::Value, settings: &serde_json::Value) -> Response {
        let payload = json!({"request": request, "settings": settings}).to_string();
        validate(payload.as_bytes(), Form::Short, &NoRegistry).unwrap()
    }

    fn fixed(response: &Response) -> Option<serde_json::Value> {
        response.mutated_object.as_ref().map(|object| serde_json::from_str(object.get()).unwrap())
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
            BTreeMap::from([(
                "fixes",
                "readOnlyRootFilesystem: 2; allowPrivilegeEscalation: 2; runAsNonRoot: 1".to_owned()
            )])
        );
    }

    #[test]
    fn fixes_keep_the_text_of_other_values() {
        let payload = br#"{"request": {"kind": {"group": "", "kind": "Pod"}, "operation": "CREATE", "object":
            {"x": 1.0, "spec": {"containers": [{"image": "a:1", "y": [1e3, {"\u0061": 12345678901234567890}]}]} }},
            "settings": {"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "off", "runAsNonRoot": "off"}}"#;
        let json = validate(payload, Form::Short, &NoRegistry).unwrap().to_json();
        assert_eq!(
            std::str::from_utf8(&json).unwrap(),
            "{\"accepted\":true,\"audit_annotations\":{\"fixes\":\"readOnlyRootFilesystem: 1\"},\"mutated_object\":\
             {\"x\": 1.0, \"spec\": {\"containers\":[{\"image\":\"a:1\",\"y\":[1e3, {\"\\u0061\": 12345678901234567890}],\
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
            BTreeMap::from([
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
    fn the_audit_log_counts_the_fixes_of_rules_that_fix_something() {
        let pod = json!({"spec": {"containers": [
            {"name": "a", "image": "a:1", "securityContext": {"allowPrivilegeEscalation": true, "runAsUser": 1}}]}});
        let mut settings = fixing();
        settings["enforcement"] = "warn".into();
        let response = answer_to_request(&creation("Pod", &pod), &settings);
        assert_eq!(
            response.audit_annotations,
            BTreeMap::from([
                ("allowPrivilegeEscalation", "1".to_owned()),
                ("fixes", "readOnlyRootFilesystem: 1".to_owned())
            ])
        );
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
    fn fixes_add_at_most_ten_thousand_volumes() {
        let paths: Vec<_> = (0..100).map(|index| format!("/run/{index}")).collect();
        let settings = json!({"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": paths}]});
        let context = json!({"allowPrivilegeEscalation": false, "runAsUser": 1});
        let container =
            |index| json!({"name": format!("c{index}"), "image": "a:1", "securityContext": context});
        let pod = |containers: usize| json!({"spec": {"containers": (0..containers).map(container).collect::<Vec<_>>()}});
        let most = fixed(&answer_to_request(&creation("Pod", &pod(100)), &settings)).unwrap();
        assert_eq!(most["spec"]["volumes"].as_array().unwrap().len(), 10_000);
        let denied = answer_to_request(&creation("Pod", &pod(101)), &settings);
        assert_eq!(fixed(&denied), None);
        assert_eq!(
            denied.message.as_deref(),
            Some(
                r#"spec.containers[100].securityContext.readOnlyRootFilesystem: container "c100" must set it to true: fixes add at most 10000 volumes to an object [readOnlyRootFilesystem]"#
            )
        );
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
                        "3 fixable findings are deferred to the pods of this {kind} because a controller manages it"
                    )]
                );
                assert_eq!(response.audit_annotations, BTreeMap::new());
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
                    "3 fixable findings do not count because this is a mirror pod, which the kubelet runs from a file"
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
                BTreeMap::from([("fixes", "imageReference: 1".to_owned())])
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
            validate(payload.as_bytes(), Form::Short, &NoRegistry).unwrap().accepted
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
            validate(payload.as_bytes(), Form::Long, &NoRegistry).unwrap()
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
        let response = answer_to(Operation::Update { old: vec![pod(old)], new: vec![pod(new)] }, settings);
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
        // Two containers cannot have one name and one path, but two long keys can be equal in a message.
        let key = "k".repeat(200);
        let found = |path: &str| Pod {
            path: path.to_owned().into(),
            is_template: true,
            ..pod(r#"{"hostPID": true}"#)
        };
        let document = SettingsDocument::parse(b"{}").unwrap();
        let settings = PolicySettings::read(&document).unwrap();
        let update = Operation::Update { old: vec![found(&key)], new: vec![found(&key), found(&key)] };
        let request = Request { operation: update, ..Request::default() };
        let requester = Requester { namespace: "", user: "", groups: &[] };
        let evaluator = Evaluator { settings: &settings, requester, today: Date::today };
        let response = Review { request: &request, evaluator, form: Form::Short }.run(&NoRegistry);
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
            BTreeMap::from([
                ("exemptions", "exemptions[0]: shop".to_owned()),
                ("privileged", "1".to_owned())
            ])
        );
    }
}
