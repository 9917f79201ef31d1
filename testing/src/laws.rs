//! The laws of fixing, which hold for any request. Fuzz targets check them too, so this module does not depend on how the
//! policy runs.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a request that is not valid violates every law")]
#![expect(clippy::unwrap_used, reason = "a response that does not parse violates every law")]

use std::collections::BTreeMap;

use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RULES;
use json_patch::{PatchOperation, diff, patch};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// Fixable fields that the API server rejects in Windows pods.
///
/// Source: `validateWindows` in `pkg/apis/core/validation` of Kubernetes.
const LINUX_FIELDS: [&str; 4] =
    ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "capabilities", "seccompProfile"];

/// A request, and the settings to evaluate the request with.
#[derive(Clone, Debug)]
pub struct Case {
    /// The request without its object.
    pub request: Value,
    /// The object, as JSON.
    pub object: String,
    /// The settings of the policy.
    pub settings: Value,
}

/// Evaluates a payload of `validate`, and returns the response.
pub type Validate<'v> = &'v dyn Fn(&[u8]) -> Vec<u8>;

/// Returns the settings with mode `deny` in place of `fix`.
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

/// The fields of a pod spec that list containers.
const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Whether the object has this kind.
fn is_of(request: &Value, group: &str, kind: &str) -> bool {
    request["kind"]["group"] == group && request["kind"]["kind"] == kind
}

/// Whether the kind of the object is built into Kubernetes.
fn is_built_in(request: &Value) -> bool {
    WORKLOADS.iter().any(|workload| is_of(request, workload.group, workload.kind))
}

/// Whether a request updates a Pod, where only images can change.
fn updates_pod(request: &Value) -> bool {
    request["operation"] == "UPDATE" && is_of(request, "", "Pod")
}

/// Whether a controller compares the object with its template, or the kubelet runs the pod from a file.
fn is_owned(request: &Value, object: &Value) -> bool {
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

/// The response to a request, with the unparsed object.
#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(default)]
struct Answer {
    accepted: bool,
    message: Option<String>,
    warnings: Vec<String>,
    mutated_object: Option<Box<Json>>,
}

/// The reason for a missing fix, which only rules in mode `fix` add to a message.
const REASON: &str = ": no volume can be added here for \"";

impl Answer {
    /// Whether two answers have the same verdict and warnings, apart from the reasons for missing fixes. Warnings that end before the
    /// last finding are not compared: the reasons decide how many fit.
    fn is_like(&self, other: &Self) -> bool {
        let is_cut = |answer: &Self| answer.warnings.last().is_some_and(|last| last.starts_with("… and "));
        let is_same = || self.without_reasons() == other.without_reasons();
        self.accepted == other.accepted && (is_cut(self) || is_cut(other) || is_same())
    }

    /// Returns the warnings without the reasons for missing fixes.
    fn without_reasons(&self) -> Vec<String> {
        let without_reason = |warning: &String| match warning.split_once(REASON) {
            Some((start, rest)) => format!("{start}{}", rest.split_once('"').unwrap_or_default().1),
            None => warning.clone(),
        };
        self.warnings.iter().map(without_reason).collect()
    }
}

/// Unparsed JSON.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Json(Box<RawValue>);

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get()
    }
}

impl Case {
    /// Returns the payload with an object and settings.
    fn payload(&self, object: &str, settings: &Value) -> Vec<u8> {
        let Value::Object(fields) = &self.request else { panic!("{}", self.request) };
        let fields = fields.iter().map(|(key, value)| (key.as_str(), raw(&value.to_string())));
        let request: BTreeMap<_, _> = fields.chain([("object", raw(object))]).collect();
        serde_json::to_vec(&Payload { request, settings }).unwrap()
    }

    fn evaluate(&self, validate: Validate<'_>, object: &str, settings: &Value) -> Answer {
        serde_json::from_slice(&validate(&self.payload(object, settings))).unwrap()
    }

    /// Checks the laws for a changed object.
    fn check_change(&self, result: &str) -> Result<(), String> {
        let object: Value = serde_json::from_str(&self.object).unwrap();
        require(
            !is_owned(&self.request, &object),
            "an object is changed although a controller or the kubelet owns it",
        )?;
        if updates_pod(&self.request) {
            return self.check_restored(&object, &serde_json::from_str(result).unwrap());
        }
        let is_job = is_of(&self.request, "batch", "Job");
        require(
            !(is_job && self.request["operation"] == "UPDATE"),
            "an update changes a Job, which is immutable",
        )?;
        check_difference(&self.object, result)?;
        require(
            is_built_in(&self.request) || changes_only_known_pod_specs(&object, result),
            "a field of a pod is added outside of a pod template",
        )
    }

    /// Checks that a fix in an update of a Pod only restores lost digests.
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
                require(is_old && is_lost, &format!("this is not a lost digest: {image}"))?;
                container["image"] = image.clone();
            }
        }
        require(*result != *object, "a fix does not change the object")?;
        require(*result == expected, "a fix changes more than lost digests in an update of a Pod")
    }

    /// Checks that writing the manifest of a fixed object again does not change the object. Operators replace the object.
    /// `kubectl apply` merges the manifest into objects of custom kinds: it replaces whole lists, and keeps fields that the
    /// manifest does not set.
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
            let answer = case.evaluate(validate, &object.to_string(), &self.settings);
            require(
                answer.accepted,
                &format!("a fixed object is denied when it is {how} again: {answer:?}"),
            )?;
            let result = answer.mutated_object.map(|result| serde_json::from_str(result.0.get()).unwrap());
            let result = without_nulls(&result.unwrap_or(object));
            let is_same = result == without_nulls(&stored);
            require(
                is_same,
                &format!("a fixed object differs after it is {how} again: {stored} becomes {result}"),
            )?;
        }
        Ok(())
    }
}

/// Checks all laws of fixing, and returns whether the object was changed.
///
/// # Errors
/// If a law is violated: the law and the responses that violate it.
///
/// # Panics
/// If the request or a response is not an object in JSON.
pub fn check_laws(case: &Case, validate: Validate<'_>) -> Result<bool, String> {
    let Case { object, settings, .. } = case;
    let denying = denying(settings);
    let (answer, denied) =
        (case.evaluate(validate, object, settings), case.evaluate(validate, object, &denying));
    require(
        denied.mutated_object.is_none(),
        "an object is changed although every mode is off, warn or deny",
    )?;
    if *settings == denying {
        require(answer == denied, "the same request has two responses")?;
    }
    let is_lenient = settings["enforcement"] == "warn";
    let is_restored = updates_pod(&case.request) && answer.mutated_object.is_some();
    if denied.accepted && !is_lenient && !is_restored {
        require(answer == denied, "mode fix changes the response to an object without findings")?;
    }
    let Some(Json(fixed)) = answer.mutated_object.as_deref() else {
        if !answer.accepted {
            return check_denial(case, &answer, validate).map(|()| false);
        }
        return Ok(false);
    };
    require(answer.accepted, "an object is changed and denied")?;
    case.check_change(fixed.get())?;
    let again = case.evaluate(validate, fixed.get(), settings);
    require(again.mutated_object.is_none(), "a fixed object is fixed again")?;
    require(again.accepted && again.warnings == answer.warnings, "a fixed object has a different verdict")?;
    let strict = case.evaluate(validate, fixed.get(), &denying);
    require(strict.is_like(&again), "a fixed object is not admitted by the same rules in mode deny")?;
    case.check_written_again(fixed.get(), validate)?;
    Ok(true)
}

/// Checks that a denial reports the findings that remain after all fixes.
fn check_denial(case: &Case, answer: &Answer, validate: Validate<'_>) -> Result<(), String> {
    let mut lenient = case.settings.clone();
    lenient["enforcement"] = "warn".into();
    let Some(fixed) = case.evaluate(validate, &case.object, &lenient).mutated_object else { return Ok(()) };
    case.check_change(fixed.0.get())?;
    let again = case.evaluate(validate, fixed.0.get(), &case.settings);
    require(again == *answer, "a denial does not report the findings that remain after fixes")
}

/// Checks that the result keeps all values of the original, so that the patch of the host contains only additions.
fn check_difference(original: &str, result: &str) -> Result<(), String> {
    check_kept(&raw(original), &raw(result), "")?;
    let [original, result]: [Value; 2] = [original, result].map(|json| serde_json::from_str(json).unwrap());
    let difference = diff(&original, &result);
    require(!difference.is_empty(), "a fix does not change the object")?;
    let windows = windows_pod_spec(&original);
    for operation in difference.iter() {
        let text = operation.to_string();
        let is_in_windows_pod = windows.is_some_and(|path| operation.path().as_str().starts_with(path));
        let is_rejected = is_in_windows_pod && LINUX_FIELDS.iter().any(|field| text.contains(field));
        require(!is_rejected, &format!("a Linux field is set in a Windows pod: {text}"))?;
        let is_addition = match operation {
            PatchOperation::Add(_) => true,
            PatchOperation::Replace(replace) => replace.path.resolve(&original).is_ok_and(Value::is_null),
            _ => false,
        };
        require(is_addition, &format!("the patch contains more than additions: {operation}"))?;
    }
    let mut patched = original;
    patch(&mut patched, &difference).map_err(|error| error.to_string())?;
    require(patched == result, "the patch does not produce the result")
}

/// Whether new lists of volumes and fields of the pod's security context are only added to pod templates.
fn changes_only_known_pod_specs(original: &Value, result: &str) -> bool {
    let difference = diff(original, &serde_json::from_str(result).unwrap());
    let mut paths = difference.iter().map(|operation| operation.path().as_str().to_owned());
    paths.all(|path| {
        let is_of_pod = path.ends_with("/volumes") || sets_security_context_of_pod(&path);
        !is_of_pod || path.contains("/template/spec/")
    })
}

/// Whether a path is in a security context that is not in a list of containers.
fn sets_security_context_of_pod(path: &str) -> bool {
    let Some((owner, _)) = path.split_once("/securityContext") else { return false };
    let mut keys = owner.rsplit('/');
    let (index, list) = (keys.next().unwrap_or_default(), keys.next().unwrap_or_default());
    index.parse::<usize>().is_err() || !LISTS.contains(&list)
}

/// Applies a JSON merge patch (RFC 7396).
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

/// Returns a value without fields that are `null`.
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

/// Returns the path of the pod spec of a built-in kind if the pod runs on Windows.
fn windows_pod_spec(object: &Value) -> Option<&'static str> {
    let paths = ["/spec/jobTemplate/spec/template/spec", "/spec/template/spec", "/spec"];
    paths
        .into_iter()
        .find(|path| object.pointer(&format!("{path}/os/name")).is_some_and(|name| name == "windows"))
}

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

/// Checks that the result contains every value of the original at the same path and with the same text, except `null`.
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
