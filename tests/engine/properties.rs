//! Properties of all cases of rules.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a test fails on an unknown rule")]

use immutable_pods::admission;
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RuleId;
use immutable_pods_testing::cases::Case;
use serde_json::{Map, Value, json};

use crate::cases::{self, Verdict, created_pod_spec, creates, of_rules, unchanged};
use crate::module::{admitted, evaluate, lines, policy};

/// A kind of container other than regular containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ContainerKind {
    Init,
    Sidecar,
    Ephemeral,
}

impl ContainerKind {
    const ALL: [Self; 3] = [Self::Init, Self::Sidecar, Self::Ephemeral];

    fn list(self) -> &'static str {
        match self {
            Self::Init | Self::Sidecar => "initContainers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    fn noun(self) -> &'static str {
        match self {
            Self::Init => "init container",
            Self::Sidecar => "sidecar",
            Self::Ephemeral => "ephemeral container",
        }
    }
}

/// Rules that skip some kinds of containers, and the sentence of their docs that says so.
const PARTIAL: [(&str, &[ContainerKind], &str); 2] = [
    (
        "ephemeralContainers",
        &[ContainerKind::Ephemeral],
        "The rule checks only `ephemeralContainers`, not the other lists of containers",
    ),
    (
        "shellRemoval",
        &[ContainerKind::Init, ContainerKind::Ephemeral],
        "Init containers that are not sidecars, and ephemeral containers, are skipped because they cannot have probes",
    ),
];

/// Rules about containers that run at the same time, and the sentence of their docs about init containers.
const CONCURRENT: [(&str, &str); 2] = [
    (
        "writableMounts",
        "An init container that is not a sidecar counts only for itself and for the sidecars before it in the list",
    ),
    ("writablePrograms", "Which containers can write to a mount is decided as in `writableMounts`"),
];

/// Rules that only evaluate changes, and the sentence of their docs that says so.
const UPDATE_RULES: [(&str, &str); 2] = [
    ("imageChange", "`image` is one of the few fields of a Pod that an update can change"),
    ("ephemeralContainers", "Ephemeral containers that the old object already has are not findings"),
];

/// Returns every case without fixes, with its rule.
fn all() -> impl Iterator<Item = (&'static str, Case)> {
    of_rules(&[Verdict::Admitted, Verdict::Denied]).into_iter()
}

/// Returns the details of a rule's docs, on one line.
#[track_caller]
fn details_of(id: &str) -> String {
    let rule = RuleId::ALL.iter().find(|rule| rule.meta().id == id);
    let rule = rule.unwrap_or_else(|| panic!("{id}: unknown rule"));
    rule.docs().details().replace('\n', " ")
}

/// Returns a request that creates an object of a kind, with a value at a path.
fn create(group: &str, kind: &str, path: &str, value: &Value) -> Value {
    let api_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let nested = path.rsplit('.').fold(value.clone(), |inner, key| json!({key: inner}));
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "web"}});
    merge(&mut object, nested);
    admission::create(object.as_object().cloned().unwrap_or_else(Map::new))
}

fn merge(object: &mut Value, other: Value) {
    let Value::Object(fields) = other else { return };
    for (key, value) in fields {
        object[key] = value;
    }
}

/// Whether the pod has annotations, which are not in its spec.
fn has_annotations(case: &Case) -> bool {
    case.request["object"]["metadata"]["annotations"].is_object()
}

#[test]
fn every_kind_has_the_findings_of_a_pod() {
    let built_in = WORKLOADS.iter().map(|workload| (workload.group, workload.kind, workload.pod_spec));
    let kinds: Vec<_> = built_in.chain([("fleet.example.com", "Fleet", "spec.harbour.ship")]).collect();
    for (rule, case) in all() {
        let Some(spec) = created_pod_spec(&case).filter(|_| !has_annotations(&case)) else { continue };
        let expected = evaluate(&case.request, &case.settings);
        for (group, kind, path) in &kinds {
            // In a custom kind, each container needs a profile of its own.
            if rule == "seccompProfile" && *kind == "Fleet" {
                continue;
            }
            let response = evaluate(&create(group, kind, path, spec), &case.settings);
            // In a custom kind, an operator may set the image.
            let counts = |line: &&str| {
                *kind != "Fleet" || !(line.contains(".image: ") && line.contains("must name an image ["))
            };
            let findings: Vec<_> = lines(&expected)
                .into_iter()
                .filter(counts)
                .map(|line| line.replacen("spec.", &format!("{path}."), 1))
                .collect();
            assert_eq!(lines(&response), findings, "{} as a {kind}", case.id);
            let count: usize =
                response.audit_annotations.values().filter_map(|count| count.parse::<usize>().ok()).sum();
            assert_eq!(count, findings.len(), "{} as a {kind}", case.id);
        }
    }
}

#[test]
fn every_kind_of_container_has_the_same_findings() {
    for (rule, case) in all() {
        let Some(spec) =
            created_pod_spec(&case).filter(|spec| has_containers_only(spec) && !has_annotations(&case))
        else {
            continue;
        };
        let before = evaluate(&case.request, &case.settings);
        for kind in ContainerKind::ALL {
            let is_skipped =
                |(id, kinds, _): &(&str, &[ContainerKind], &str)| *id == rule && kinds.contains(&kind);
            let runs_alone = kind == ContainerKind::Init
                && CONCURRENT.iter().any(|(id, _)| *id == rule)
                && spec["containers"].as_array().is_some_and(|containers| containers.len() > 1);
            if runs_alone || PARTIAL.iter().any(is_skipped) {
                continue;
            }
            let mut expected: Vec<_> =
                lines(&before).into_iter().map(|line| moved_line(line, kind)).collect();
            let response = evaluate(&create("", "Pod", "spec", &moved(spec, kind)), &case.settings);
            let mut findings = lines(&response);
            expected.sort_unstable();
            findings.sort_unstable();
            assert_eq!(findings, expected, "{} in {kind:?}", case.id);
        }
    }
}

fn has_containers_only(spec: &Value) -> bool {
    ["initContainers", "ephemeralContainers"].iter().all(|list| spec[list].is_null())
}

/// Returns the pod spec with its containers as another kind of container.
fn moved(spec: &Value, kind: ContainerKind) -> Value {
    let mut spec = spec.clone();
    let mut containers = spec["containers"].take();
    if kind == ContainerKind::Sidecar {
        for container in containers.as_array_mut().into_iter().flatten() {
            container["restartPolicy"] = "Always".into();
        }
    }
    spec[kind.list()] = containers;
    spec
}

/// Returns a finding with the path and the noun of another kind of container.
fn moved_line(line: &str, kind: ContainerKind) -> String {
    let Some(rest) = line.strip_prefix("spec.containers[") else { return line.to_owned() };
    let rest = rest.replace(": container ", &format!(": {} ", kind.noun()));
    format!("spec.{}[{rest}", kind.list())
}

#[test]
fn rule_docs_state_what_rules_skip() {
    let partial = PARTIAL.iter().map(|(rule, _, reason)| (rule, reason));
    let others = CONCURRENT.iter().chain(&UPDATE_RULES).map(|(rule, reason)| (rule, reason));
    for (rule, reason) in partial.chain(others) {
        assert!(details_of(rule).contains(reason), "the docs of {rule} do not contain: {reason}");
    }
}

#[test]
fn an_update_that_changes_nothing_is_admitted() {
    for (_, case) in of_rules(&[Verdict::Denied]).into_iter().filter(|(_, case)| creates(case)) {
        assert_eq!(evaluate(&unchanged(&case.request), &case.settings), admitted(), "{}", case.id);
    }
}

#[test]
fn an_update_that_changes_images_has_the_findings_of_a_create() {
    for (rule, mut case) in of_rules(&[Verdict::Denied]).into_iter().filter(|(_, case)| creates(case)) {
        if UPDATE_RULES.iter().any(|(id, _)| *id == rule) {
            continue;
        }
        case.settings["onUpdate"] = "all".into();
        case.settings["imageChange"] = "off".into();
        let created = evaluate(&case.request, &case.settings);
        let mut request = unchanged(&case.request);
        assert_eq!(evaluate(&request, &case.settings), admitted(), "{}", case.id);
        // Replaces all images of the old object, in any kind.
        let old = request["oldObject"].to_string().replace("\"image\":\"", "\"image\":\"old/");
        request["oldObject"] = serde_json::from_str(&old).unwrap();
        if request["oldObject"] != request["object"] {
            assert_eq!(evaluate(&request, &case.settings), created, "{}", case.id);
        }
    }
}

#[test]
fn the_same_request_has_the_same_response() {
    let shared = ["exemptions", "neutral", "updates"].into_iter().flat_map(cases::of);
    for Case { id, request, settings, .. } in all().map(|(_, case)| case).chain(shared) {
        let payload = json!({"request": request, "settings": settings}).to_string();
        let answer = || policy().call("validate", payload.as_bytes()).unwrap();
        assert_eq!(answer(), answer(), "{id}");
    }
}
