//! What the policy changes, and what it must leave alone.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a request that cannot be made, or breaks a law, ends its test")]
#![expect(clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::env;

use immutable_pods_host::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use json_patch::{PatchOperation, diff, patch};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::bypass;
use crate::fixture::{Fixture, fixtures, of_rules, with_mode};
use crate::generated::{Case, case};
use crate::module::{admitted, lines, policy};

/// The key of the audit annotation that says what was fixed.
const FIXES: &str = "fixes";

/// What the API server refuses in pods that run on Windows, of what can be fixed.
///
/// Source: `validateWindows` in `pkg/apis/core/validation` of Kubernetes.
const FIELDS_OF_LINUX: [&str; 3] = ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities"];

#[test]
fn a_rule_fixes_what_is_unset_and_denies_the_rest() {
    let of_rules = of_rules("fix").into_iter().map(|(rule, fixture)| {
        let is_default = fixture.settings == json!({});
        let settings = if is_default { with_mode(&json!({}), rule, "fix") } else { fixture.settings.clone() };
        Fixture { settings, ..fixture }
    });
    let shared = fixtures("fixes");
    assert!(!shared.is_empty(), "there are no fixtures of fixes");
    for fixture in of_rules.chain(shared) {
        let mut response = fixture.judge(&fixture.settings);
        let Fixture { name, findings, fixed, .. } = fixture;
        assert_eq!(lines(&response), findings, "{name}");
        assert_eq!(response.mutated_object, fixed, "{name}");
        assert_eq!(response.audit_annotations.remove(FIXES).is_some(), fixed.is_some(), "{name}");
        if findings.is_empty() {
            response.audit_annotations.remove("exemptions");
            assert_eq!(response, ValidationResponse { mutated_object: fixed, ..admitted() }, "{name}");
        }
    }
}

#[test]
fn the_laws_of_fixing_hold_for_every_fixture() {
    let shared = ["exemptions", "fixes", "neutral", "updates"].into_iter().flat_map(fixtures);
    let own = ["pass", "fail", "fix"].into_iter().flat_map(of_rules).map(|(_, fixture)| fixture);
    let mut changed = 0;
    let bypasses = bypass::of_topics().into_iter().map(|(_, fixture)| fixture);
    let alone = own.chain(shared).chain(bypasses).filter(|fixture| fixture.exchanges.is_empty());
    for Fixture { name, request, settings, .. } in alone {
        let Some(object) = request.get("object") else { continue };
        for settings in [settings.clone(), fixing(&settings)] {
            let case = Case { object: object.to_string(), request: without_object(&request), settings };
            changed += usize::from(check_laws(&case).unwrap_or_else(|broken| panic!("{name}: {broken}")));
        }
    }
    assert!(changed > 100, "only {changed} fixtures were changed");
}

#[test]
fn the_laws_of_fixing_hold_for_generated_requests() {
    let config = config();
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let changed = Cell::new(0);
    let result = runner.run(&case(), |case| {
        let is_changed = check_laws(&case).map_err(TestCaseError::fail)?;
        changed.set(changed.get() + u32::from(is_changed));
        Ok(())
    });
    match result {
        Ok(()) => {
            assert!(changed.get() > cases / 5, "only {} of {cases} requests were changed", changed.get());
        }
        Err(TestError::Fail(broken, case)) => {
            let Case { request, object, settings } = case;
            panic!("{broken}\nrequest: {request}\nobject: {object}\nsettings: {settings}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// The same requests on every run, unless the environment asks for others or for more.
pub(crate) fn config() -> Config {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(4);
    }
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1024;
    }
    config
}

/// The settings with everything fixed that can be.
fn fixing(settings: &Value) -> Value {
    // Images are pinned by what the host knows of them, so they have tests of their own.
    let can_fix = RULES.iter().filter(|rule| rule.can_fix && rule.id != "imageReference");
    let mut settings = can_fix.fold(settings.clone(), |settings, rule| with_mode(&settings, rule.id, "fix"));
    settings["capabilities"]["requiredDrop"] = json!(["ALL"]);
    settings["writablePaths"] = json!([{"paths": ["/run", "/var/cache/nginx"]}]);
    settings
}

/// The settings with nothing fixed, but denied.
fn denying(settings: &Value) -> Value {
    let mut settings = settings.clone();
    for rule in RULES {
        let Some(options) = settings.get_mut(rule.id) else { continue };
        if options == "fix" {
            *options = "deny".into();
        } else if options["mode"] == "fix" {
            options["mode"] = "deny".into();
        }
    }
    settings
}

/// Whether a request updates what cannot be updated.
fn is_immutable(request: &Value) -> bool {
    let kind = [&request["kind"]["group"], &request["kind"]["kind"]];
    request["operation"] == "UPDATE" && (kind == ["", "Pod"] || kind == ["batch", "Job"])
}

fn without_object(request: &Value) -> Value {
    let mut request = request.clone();
    request.as_object_mut().map(|fields| fields.remove("object"));
    request
}

#[derive(Serialize)]
struct Payload<'s> {
    request: BTreeMap<&'s str, Box<RawValue>>,
    settings: &'s Value,
}

/// The answer to a request, with the object as it is written.
#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Answer {
    accepted: bool,
    message: Option<String>,
    warnings: Vec<String>,
    mutated_object: Option<Box<Json>>,
}

/// JSON as it is written.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Json(Box<RawValue>);

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Case {
    /// What the module answers when this is the object and those are the settings.
    fn ask(&self, object: &str, settings: &Value) -> Answer {
        let Value::Object(fields) = &self.request else { panic!("{}", self.request) };
        let fields = fields.iter().map(|(key, value)| (key.as_str(), raw(&value.to_string())));
        let request: BTreeMap<_, _> = fields.chain([("object", raw(object))]).collect();
        let payload = serde_json::to_vec(&Payload { request, settings }).unwrap();
        serde_json::from_slice(&policy().call("validate", &payload).unwrap()).unwrap()
    }
}

/// Checks everything that is promised of fixes, and tells whether the object was changed.
fn check_laws(case: &Case) -> Result<bool, String> {
    let Case { object, settings, .. } = case;
    let denying = denying(settings);
    let (answer, denied) = (case.ask(object, settings), case.ask(object, &denying));
    require(denied.mutated_object.is_none(), "an object is changed though nothing is to be fixed")?;
    if *settings == denying {
        require(answer == denied, "the same settings give two answers")?;
    }
    let is_lenient = settings["enforcement"] == "warn";
    if denied.accepted && !is_lenient {
        require(answer == denied, "an object is treated differently though nothing is wrong with it")?;
    }
    let Some(Json(fixed)) = answer.mutated_object.as_deref() else {
        if !answer.accepted {
            return check_denial(case, &answer).map(|()| false);
        }
        return Ok(false);
    };
    require(answer.accepted, "an object is changed and denied")?;
    require(!is_immutable(&case.request), "an object is changed that cannot be")?;
    check_difference(object, fixed.get())?;
    let again = case.ask(fixed.get(), settings);
    require(again.mutated_object.is_none(), "what is fixed is fixed again")?;
    require(again.accepted && again.warnings == answer.warnings, "what is fixed is judged differently")?;
    let strict = case.ask(fixed.get(), &denying);
    require(strict == again, "what is fixed is not what the same rules would admit")?;
    Ok(true)
}

/// A denial tells what is left to do when everything is fixed that can be.
fn check_denial(case: &Case, answer: &Answer) -> Result<(), String> {
    let mut lenient = case.settings.clone();
    lenient["enforcement"] = "warn".into();
    let Some(fixed) = case.ask(&case.object, &lenient).mutated_object else { return Ok(()) };
    check_difference(&case.object, fixed.0.get())?;
    let again = case.ask(fixed.0.get(), &case.settings);
    require(again == *answer, "a denial tells something else than what fixes leave")
}

/// The result has all that the original has, and a host that compares the two only finds additions.
fn check_difference(original: &str, result: &str) -> Result<(), String> {
    check_kept(&raw(original), &raw(result), "")?;
    let [original, result]: [Value; 2] = [original, result].map(|json| serde_json::from_str(json).unwrap());
    let difference = diff(&original, &result);
    require(!difference.is_empty(), "an object is replaced by its equal")?;
    let windows = windows_pod_spec(&original);
    for operation in difference.iter() {
        let text = operation.to_string();
        let is_of_windows = windows.is_some_and(|place| operation.path().as_str().starts_with(place));
        let is_refused = is_of_windows && FIELDS_OF_LINUX.iter().any(|field| text.contains(field));
        require(!is_refused, &format!("not for Windows: {text}"))?;
        let is_addition = match operation {
            PatchOperation::Add(_) => true,
            PatchOperation::Replace(replace) => replace.path.resolve(&original).is_ok_and(Value::is_null),
            _ => false,
        };
        require(is_addition, &format!("not an addition: {operation}"))?;
    }
    let mut patched = original;
    patch(&mut patched, &difference).map_err(|error| error.to_string())?;
    require(patched == result, "the difference does not lead to the result")
}

/// Where the pod spec of an object of a built-in kind stands, if it says that it runs on Windows.
fn windows_pod_spec(object: &Value) -> Option<&'static str> {
    let places = ["/spec/jobTemplate/spec/template/spec", "/spec/template/spec", "/spec"];
    places
        .into_iter()
        .find(|place| object.pointer(&format!("{place}/os/name")).is_some_and(|name| name == "windows"))
}

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

/// Every value of the original is in the result, at the same place and as it was written, unless it was `null`.
fn check_kept(original: &RawValue, result: &RawValue, path: &str) -> Result<(), String> {
    let (before, after) = (original.get(), result.get());
    match before.as_bytes().first() {
        Some(b'{') => {
            let before: BTreeMap<String, &RawValue> = serde_json::from_str(before).unwrap();
            let after: BTreeMap<String, &RawValue> =
                serde_json::from_str(after).map_err(|_| path.to_owned())?;
            before.iter().try_for_each(|(key, value)| {
                let path = format!("{path}/{key}");
                let kept = after.get(key).ok_or_else(|| format!("{path} is lost"))?;
                check_kept(value, kept, &path)
            })
        }
        Some(b'[') => {
            let before: Vec<&RawValue> = serde_json::from_str(before).unwrap();
            let after: Vec<&RawValue> = serde_json::from_str(after).map_err(|_| path.to_owned())?;
            before.iter().enumerate().try_for_each(|(index, item)| {
                let path = format!("{path}/{index}");
                let kept = after.get(index).ok_or_else(|| format!("{path} is lost"))?;
                check_kept(item, kept, &path)
            })
        }
        _ => require(before == after || before == "null", &format!("{path} was {before} and is {after}")),
    }
}

fn require(holds: bool, law: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(law.to_owned()) }
}
