//! What holds for every case, whatever it is about.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a rule that does not exist ends its test")]

use immutable_pods_host::admission;
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use immutable_pods_policy::rules::RuleId;
use immutable_pods_testing::cases::Case;
use serde_json::{Map, Value, json};

use crate::cases::{self, Verdict, created_pod_spec, creates, of_rules, unchanged};
use crate::module::{admitted, evaluate, lines, policy};

/// A list of containers, and what messages call one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Init,
    Sidecar,
    Ephemeral,
}

impl Place {
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

/// Rules that do not ask the same of containers in other lists, and what their docs must say about that.
const PARTIAL: [(&str, &[Place], &str); 2] = [
    (
        "ephemeralContainers",
        &[Place::Ephemeral],
        "The rule checks only `ephemeralContainers`, not the other lists of containers",
    ),
    (
        "shellRemoval",
        &[Place::Init, Place::Ephemeral],
        "Init containers that are not sidecars, and ephemeral containers, are skipped because they cannot have probes",
    ),
];

/// Rules that never object to what is there already, and what their docs must say about that.
const OF_CHANGES: [(&str, &str); 2] = [
    ("imageChange", "`image` is one of the few fields of a Pod that an update can change"),
    ("ephemeralContainers", "Ephemeral containers that the old object already has are not findings"),
];

/// Every case of a rule that does not fix.
fn all() -> impl Iterator<Item = (&'static str, Case)> {
    of_rules(&[Verdict::Admitted, Verdict::Denied]).into_iter()
}

/// What the docs of a rule say besides what a finding is, on one line.
#[track_caller]
fn details_of(id: &str) -> String {
    let rule = RuleId::ALL.iter().find(|rule| rule.meta().id == id);
    let rule = rule.unwrap_or_else(|| panic!("{id}: there is no such rule"));
    rule.docs().details.replace('\n', " ")
}

/// A request to create an object of some kind, with a value at a path of keys.
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

#[test]
fn every_kind_gives_the_findings_of_a_pod() {
    let built_in = WORKLOADS.iter().map(|workload| (workload.group, workload.kind, workload.pod_spec));
    let kinds: Vec<_> = built_in.chain([("fleet.example.com", "Fleet", "spec.harbour.ship")]).collect();
    for (_, case) in all() {
        let Some(spec) = created_pod_spec(&case) else { continue };
        let expected = evaluate(&case.request, &case.settings);
        for (group, kind, path) in &kinds {
            let response = evaluate(&create(group, kind, path, spec), &case.settings);
            // In a kind that is not built in, an operator may fill in the image.
            let counts = |line: &&str| {
                *kind != "Fleet" || !(line.contains(".image: ") && line.contains("must name an image ["))
            };
            let findings: Vec<_> = lines(&expected)
                .into_iter()
                .filter(counts)
                .map(|line| line.replacen("spec.", &format!("{path}."), 1))
                .collect();
            assert_eq!(lines(&response), findings, "{} as a {kind}", case.id);
            let found: usize =
                response.audit_annotations.values().filter_map(|count| count.parse::<usize>().ok()).sum();
            assert_eq!(found, findings.len(), "{} as a {kind}", case.id);
        }
    }
}

#[test]
fn every_kind_of_container_gives_the_findings_of_a_container() {
    for (rule, case) in all() {
        let Some(spec) = created_pod_spec(&case).filter(|spec| has_containers_only(spec)) else {
            continue;
        };
        let before = evaluate(&case.request, &case.settings);
        for place in Place::ALL {
            let is_excepted =
                |(id, places, _): &(&str, &[Place], &str)| *id == rule && places.contains(&place);
            if PARTIAL.iter().any(is_excepted) {
                continue;
            }
            let mut expected: Vec<_> =
                lines(&before).into_iter().map(|line| moved_line(line, place)).collect();
            let response = evaluate(&create("", "Pod", "spec", &moved(spec, place)), &case.settings);
            let mut found = lines(&response);
            expected.sort_unstable();
            found.sort_unstable();
            assert_eq!(found, expected, "{} in {place:?}", case.id);
        }
    }
}

fn has_containers_only(spec: &Value) -> bool {
    ["initContainers", "ephemeralContainers"].iter().all(|list| spec[list].is_null())
}

/// The pod spec with its containers in another place.
fn moved(spec: &Value, place: Place) -> Value {
    let mut spec = spec.clone();
    let mut containers = spec["containers"].take();
    if place == Place::Sidecar {
        for container in containers.as_array_mut().into_iter().flatten() {
            container["restartPolicy"] = "Always".into();
        }
    }
    spec[place.list()] = containers;
    spec
}

/// A finding as it reads when its container has moved: another path, another noun.
fn moved_line(line: &str, place: Place) -> String {
    let Some(rest) = line.strip_prefix("spec.containers[") else { return line.to_owned() };
    let rest = rest.replacen(": container ", &format!(": {} ", place.noun()), 1);
    format!("spec.{}[{rest}", place.list())
}

#[test]
fn rules_say_why_they_do_not_ask_the_same_of_all() {
    let partial = PARTIAL.iter().map(|(rule, _, reason)| (rule, reason));
    for (rule, reason) in partial.chain(OF_CHANGES.iter().map(|(rule, reason)| (rule, reason))) {
        assert!(details_of(rule).contains(reason), "the docs of {rule} do not say: {reason}");
    }
}

#[test]
fn an_update_that_changes_nothing_is_admitted() {
    for (_, case) in of_rules(&[Verdict::Denied]).into_iter().filter(|(_, case)| creates(case)) {
        assert_eq!(evaluate(&unchanged(&case.request), &case.settings), admitted(), "{}", case.id);
    }
}

#[test]
fn an_update_that_runs_something_else_gives_the_findings_of_a_creation() {
    for (rule, mut case) in of_rules(&[Verdict::Denied]).into_iter().filter(|(_, case)| creates(case)) {
        if OF_CHANGES.iter().any(|(id, _)| *id == rule) {
            continue;
        }
        case.settings["onUpdate"] = "all".into();
        case.settings["imageChange"] = "off".into();
        let created = evaluate(&case.request, &case.settings);
        let mut request = unchanged(&case.request);
        assert_eq!(evaluate(&request, &case.settings), admitted(), "{}", case.id);
        // Whatever the kind is, no image of the old object is left.
        let old = request["oldObject"].to_string().replace("\"image\":\"", "\"image\":\"old/");
        request["oldObject"] = serde_json::from_str(&old).unwrap();
        if request["oldObject"] != request["object"] {
            assert_eq!(evaluate(&request, &case.settings), created, "{}", case.id);
        }
    }
}

#[test]
fn the_same_request_gives_the_same_bytes() {
    let shared = ["exemptions", "neutral", "updates"].into_iter().flat_map(cases::of);
    for Case { id, request, settings, .. } in all().map(|(_, case)| case).chain(shared) {
        let payload = json!({"request": request, "settings": settings}).to_string();
        let answer = || policy().call("validate", payload.as_bytes()).unwrap();
        assert_eq!(answer(), answer(), "{id}");
    }
}
