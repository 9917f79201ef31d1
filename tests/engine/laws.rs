//! What is promised of fixes, as laws for any request. The fuzz targets hold them as well, so nothing here knows what it is
//! that answers.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a request that cannot be made breaks every law")]
#![expect(clippy::unwrap_used, reason = "an answer that cannot be read breaks every law")]

use std::collections::BTreeMap;

use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RULES;
use json_patch::{PatchOperation, diff, patch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// What the API server refuses in pods that run on Windows, of what can be fixed.
///
/// Source: `validateWindows` in `pkg/apis/core/validation` of Kubernetes.
const FIELDS_OF_LINUX: [&str; 3] = ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities"];

/// A request, and the settings that it is judged by.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The request without its object.
    pub(crate) request: Value,
    /// The object, in JSON.
    pub(crate) object: String,
    /// The settings.
    pub(crate) settings: Value,
}

/// What answers a payload of `validate`.
pub(crate) type Validate<'v> = &'v dyn Fn(&[u8]) -> Vec<u8>;

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

/// The lists of containers of a Pod.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Whether a request is about a kind.
fn is_of(request: &Value, group: &str, kind: &str) -> bool {
    request["kind"]["group"] == group && request["kind"]["kind"] == kind
}

/// Whether a request is about a kind that Kubernetes brings.
fn is_built_in(request: &Value) -> bool {
    WORKLOADS.iter().any(|workload| is_of(request, workload.group, workload.kind))
}

/// Whether a request updates a Pod, of which nothing but images can change.
fn updates_pod(request: &Value) -> bool {
    request["operation"] == "UPDATE" && is_of(request, "", "Pod")
}

/// Whether a controller compares the object with another one, or the kubelet runs it from a file.
fn is_of_somebody_else(request: &Value, object: &Value) -> bool {
    let metadata = &object["metadata"];
    let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
    let is_controlled = owners.any(|owner| owner["controller"] == true);
    let is_mirror = metadata["annotations"].get("kubernetes.io/config.mirror").is_some();
    let is_on_node = object["spec"]["nodeName"].as_str().is_some_and(|node| !node.is_empty());
    let compares = is_of(request, "apps", "ReplicaSet") || !is_built_in(request);
    (is_controlled && compares) || (is_of(request, "", "Pod") && is_mirror && is_on_node)
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

/// Why a rule that fixes has left something as it is: rules that deny do not say that.
const REASON: &str = ": no volume can be added here for \"";

impl Answer {
    /// The warnings without what only rules say that fix.
    fn without_reasons(&self) -> Vec<String> {
        let without_reason = |warning: &String| match warning.split_once(REASON) {
            Some((start, rest)) => format!("{start}{}", rest.split_once('"').unwrap_or_default().1),
            None => warning.clone(),
        };
        self.warnings.iter().map(without_reason).collect()
    }
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
    /// The payload when this is the object and those are the settings.
    pub(crate) fn payload(&self, object: &str, settings: &Value) -> Vec<u8> {
        let Value::Object(fields) = &self.request else { panic!("{}", self.request) };
        let fields = fields.iter().map(|(key, value)| (key.as_str(), raw(&value.to_string())));
        let request: BTreeMap<_, _> = fields.chain([("object", raw(object))]).collect();
        serde_json::to_vec(&Payload { request, settings }).unwrap()
    }

    fn ask(&self, validate: Validate<'_>, object: &str, settings: &Value) -> Answer {
        serde_json::from_slice(&validate(&self.payload(object, settings))).unwrap()
    }

    /// Checks what is promised of a change to the object.
    fn check_change(&self, result: &str) -> Result<(), String> {
        let object: Value = serde_json::from_str(&self.object).unwrap();
        require(
            !is_of_somebody_else(&self.request, &object),
            "an object is changed that is somebody else's",
        )?;
        if updates_pod(&self.request) {
            return self.check_restored(&object, &serde_json::from_str(result).unwrap());
        }
        let is_job = is_of(&self.request, "batch", "Job");
        require(!(is_job && self.request["operation"] == "UPDATE"), "a Job is changed that cannot be")?;
        check_difference(&self.object, result)?;
        require(
            is_built_in(&self.request) || adds_volumes_where_they_belong(&object, result),
            "volumes do not belong there",
        )
    }

    /// When a Pod is updated, containers get back the digests that they had, and nothing else is changed.
    fn check_restored(&self, object: &Value, result: &Value) -> Result<(), String> {
        let mut expected = object.clone();
        for list in LISTS {
            let containers = expected.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
            let containers = containers.into_iter().flatten();
            for (index, container) in containers.enumerate() {
                let image = &result["spec"][list][index]["image"];
                if container["image"] == *image {
                    continue;
                }
                let old = self.request["oldObject"]["spec"][list].as_array().into_iter().flatten();
                let mut old = old.filter(|old| old["name"] == container["name"]);
                let text = |image: &Value| image.as_str().unwrap_or_default().to_owned();
                let is_old = old.any(|old| old["image"] == *image);
                let is_lost = text(image).contains('@') && !text(&container["image"]).contains('@');
                require(is_old && is_lost, &format!("not a lost digest: {image}"))?;
                container["image"] = image.clone();
            }
        }
        require(*result != *object, "an object is replaced by its equal")?;
        require(*result == expected, "more than lost digests is given back when a Pod is updated")
    }

    /// Writing the manifest of a fixed object again changes nothing: neither as an operator does it, which replaces the object,
    /// nor as `kubectl apply` does it with kinds that it does not know, of which it replaces lists as a whole and keeps what
    /// the manifest says nothing of.
    fn check_written_again(&self, fixed: &str, validate: Validate<'_>) -> Result<(), String> {
        let is_updatable = !is_of(&self.request, "", "Pod") && !is_of(&self.request, "batch", "Job");
        if self.request["operation"] != "CREATE" || !is_updatable {
            return Ok(());
        }
        let [manifest, stored]: [Value; 2] =
            [&*self.object, fixed].map(|json| serde_json::from_str(json).unwrap());
        let mut written = vec![("replaced", manifest.clone())];
        if !is_built_in(&self.request) {
            let mut applied = stored.clone();
            merge(&mut applied, &manifest);
            written.push(("applied", applied));
        }
        let mut case = self.clone();
        case.request["operation"] = "UPDATE".into();
        case.request["oldObject"] = stored.clone();
        for (how, object) in written {
            let answer = case.ask(validate, &object.to_string(), &self.settings);
            require(
                answer.accepted,
                &format!("what was fixed is denied when it is {how} again: {answer:?}"),
            )?;
            let result = answer.mutated_object.map(|result| serde_json::from_str(result.0.get()).unwrap());
            let result = without_nulls(&result.unwrap_or(object));
            let is_same = result == without_nulls(&stored);
            require(
                is_same,
                &format!("what was fixed is {how} again and differs: {stored} becomes {result}"),
            )?;
        }
        Ok(())
    }
}

/// Checks everything that is promised of fixes, and tells whether the object was changed.
pub(crate) fn check_laws(case: &Case, validate: Validate<'_>) -> Result<bool, String> {
    let Case { object, settings, .. } = case;
    let denying = denying(settings);
    let (answer, denied) = (case.ask(validate, object, settings), case.ask(validate, object, &denying));
    require(denied.mutated_object.is_none(), "an object is changed though nothing is to be fixed")?;
    if *settings == denying {
        require(answer == denied, "the same settings give two answers")?;
    }
    let is_lenient = settings["enforcement"] == "warn";
    let is_restored = updates_pod(&case.request) && answer.mutated_object.is_some();
    if denied.accepted && !is_lenient && !is_restored {
        require(answer == denied, "an object is treated differently though nothing is wrong with it")?;
    }
    let Some(Json(fixed)) = answer.mutated_object.as_deref() else {
        if !answer.accepted {
            return check_denial(case, &answer, validate).map(|()| false);
        }
        return Ok(false);
    };
    require(answer.accepted, "an object is changed and denied")?;
    case.check_change(fixed.get())?;
    let again = case.ask(validate, fixed.get(), settings);
    require(again.mutated_object.is_none(), "what is fixed is fixed again")?;
    require(again.accepted && again.warnings == answer.warnings, "what is fixed is judged differently")?;
    let strict = case.ask(validate, fixed.get(), &denying);
    let is_same = strict.accepted == again.accepted && strict.without_reasons() == again.without_reasons();
    require(is_same, "what is fixed is not what the same rules would admit")?;
    case.check_written_again(fixed.get(), validate)?;
    Ok(true)
}

/// A denial tells what is left to do when everything is fixed that can be.
fn check_denial(case: &Case, answer: &Answer, validate: Validate<'_>) -> Result<(), String> {
    let mut lenient = case.settings.clone();
    lenient["enforcement"] = "warn".into();
    let Some(fixed) = case.ask(validate, &case.object, &lenient).mutated_object else { return Ok(()) };
    case.check_change(fixed.0.get())?;
    let again = case.ask(validate, fixed.0.get(), &case.settings);
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

/// Whether volumes are added to no pod spec but to those that have a list of them, and to pod templates.
fn adds_volumes_where_they_belong(original: &Value, result: &str) -> bool {
    let difference = diff(original, &serde_json::from_str(result).unwrap());
    let mut places = difference.iter().map(|operation| operation.path().as_str().to_owned());
    places.all(|place| !place.ends_with("/volumes") || place.ends_with("/template/spec/volumes"))
}

/// A JSON merge patch, as RFC 7396 has it.
fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(fields) = patch else {
        *object = patch.clone();
        return;
    };
    for (key, field) in fields {
        if field.is_null() {
            object.as_object_mut().map(|object| object.remove(key));
        } else {
            merge(&mut object[key], field);
        }
    }
}

/// A value without the fields that are `null`.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, field)| !field.is_null());
            fields.map(|(key, field)| (key.clone(), without_nulls(field))).collect()
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
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
