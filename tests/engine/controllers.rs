//! A simulation of controllers: the controller of a Deployment or a Rollout creates `ReplicaSets` until one of them has its
//! template. With any settings, the controller must recognize the `ReplicaSet` that it created.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use std::cell::Cell;

use immutable_pods_policy::rules::RULES;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::select;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use crate::cases::with_mode;
use crate::fixes;
use crate::generators::{pod_spec, settings};
use crate::module::evaluate;

/// The label that distinguishes the `ReplicaSets` of a controller. Comparisons ignore this label.
const HASH_LABEL: &str = "pod-template-hash";

/// The user name of the Deployment controller.
const CONTROLLER: &str = "system:serviceaccount:kube-system:deployment-controller";

/// Maximum number of attempts of the controller to create a `ReplicaSet`.
const MAX_ATTEMPTS: usize = 4;

/// An event in the life of a Deployment.
#[derive(Clone, Debug)]
enum Event {
    /// `kubectl rollout restart`, by a user.
    Restart(&'static str),
    /// `kubectl set image`, by a user.
    SetImage(&'static str),
    /// `kubectl scale`.
    Scale,
    /// A user applies the first manifest again, which does not change fields that the manifest does not set.
    Apply,
    /// A user replaces the Deployment with the first manifest.
    Replace,
    /// The mode of one more rule becomes `fix`.
    Fix(usize),
    /// The settings change.
    Settings(Value),
    /// The policy is uninstalled.
    Uninstall,
}

/// The kind that owners own.
const REPLICA_SET: (&str, &str) = ("apps", "ReplicaSet");

const USERS: [&str; 2] = ["jane", "exempt"];

fn event() -> impl Strategy<Value = Event> {
    let user = || select(&USERS[..]);
    proptest::prop_oneof![
        3 => user().prop_map(Event::Restart),
        3 => user().prop_map(Event::SetImage),
        1 => proptest::prelude::Just(Event::Scale),
        1 => proptest::prelude::Just(Event::Apply),
        1 => proptest::prelude::Just(Event::Replace),
        4 => any::<usize>().prop_map(Event::Fix),
        1 => settings_with_exempt_user().prop_map(Event::Settings),
        1 => proptest::prelude::Just(Event::Uninstall),
    ]
}

/// Generates settings, with or without an exempt user.
fn settings_with_exempt_user() -> impl Strategy<Value = Value> {
    (settings(), any::<bool>()).prop_map(|(mut settings, has_exempt_user)| {
        if has_exempt_user {
            let mut exemptions = settings["exemptions"].as_array().cloned().unwrap_or_default();
            exemptions.push(json!({"reason": "breakglass", "users": ["exempt"]}));
            settings["exemptions"] = exemptions.into();
        }
        settings
    })
}

/// Kinds that own `ReplicaSets`, with their API groups.
const OWNERS: [(&str, &str); 2] = [("apps", "Deployment"), ("argoproj.io", "Rollout")];

/// A cluster with one owner and its `ReplicaSets`.
struct Cluster {
    /// The API group and the kind of the owner.
    owner: (&'static str, &'static str),
    /// The settings of the policy, if the policy is installed.
    settings: Option<Value>,
    deployment: Value,
    replica_sets: Vec<Value>,
    restarts: usize,
}

impl Cluster {
    /// Returns the object that the API server stores, or `None` if the policy denies the request.
    fn store(
        &self,
        user: &str,
        (group, kind): (&str, &str),
        old: Option<&Value>,
        object: Value,
    ) -> Option<Value> {
        let Some(settings) = &self.settings else { return Some(object) };
        let request = json!({
            "uid": "1", "kind": {"group": group, "version": "v1", "kind": kind}, "namespace": "shop", "name": "web",
            "operation": if old.is_some() { "UPDATE" } else { "CREATE" }, "userInfo": {"username": user},
            "object": object, "oldObject": old.unwrap_or(&Value::Null),
        });
        let response = evaluate(&request, settings);
        response.accepted.then(|| response.mutated_object.unwrap_or(object))
    }

    /// Changes the Deployment, unless the policy denies the request.
    fn change(&mut self, user: &str, change: impl FnOnce(&mut Value)) {
        let mut changed = self.deployment.clone();
        change(&mut changed);
        if let Some(stored) = self.store(user, self.owner, Some(&self.deployment), changed) {
            self.deployment = stored;
        }
    }

    fn apply(&mut self, event: &Event, manifest: &Value) {
        match event {
            Event::Restart(user) => {
                self.restarts += 1;
                let restarts = self.restarts.to_string();
                self.change(user, |deployment| {
                    deployment["spec"]["template"]["metadata"]["annotations"] =
                        json!({"kubectl.kubernetes.io/restartedAt": restarts});
                });
            }
            Event::SetImage(user) => {
                self.restarts += 1;
                let image = format!("nginx:1.{}", self.restarts);
                self.change(user, |deployment| {
                    let containers = deployment.pointer_mut("/spec/template/spec/containers");
                    for container in containers.and_then(Value::as_array_mut).into_iter().flatten() {
                        container["image"] = image.clone().into();
                    }
                });
            }
            Event::Scale => self.change("jane", |deployment| deployment["spec"]["replicas"] = 3.into()),
            Event::Apply => self.change("jane", |deployment| json_patch::merge(deployment, manifest)),
            Event::Replace => self.change("jane", |deployment| *deployment = manifest.clone()),
            Event::Fix(index) => {
                let rules: Vec<_> =
                    RULES.iter().filter(|rule| rule.can_fix && rule.id != "imageReference").collect();
                let rule = rules[index % rules.len()].id;
                if let Some(settings) = &mut self.settings {
                    *settings = with_mode(settings, rule, "fix");
                    if rule == "capabilities" {
                        settings[rule]["requiredDrop"] = json!(["ALL"]);
                    }
                }
            }
            Event::Settings(settings) => self.settings = Some(settings.clone()),
            Event::Uninstall => self.settings = None,
        }
    }

    /// Creates a `ReplicaSet` with the template of the Deployment, like the controller. Returns `false` if the policy denies the
    /// `ReplicaSet`.
    ///
    /// Source: `getNewReplicaSet` in `pkg/controller/deployment/sync.go` of Kubernetes.
    fn reconcile(&mut self) -> Result<bool, String> {
        let template = self.deployment["spec"]["template"].clone();
        for attempt in 0..MAX_ATTEMPTS {
            if self.replica_sets.iter().any(|known| is_same_template(&known["spec"]["template"], &template)) {
                return self.scale_down_old(&template).map(|()| true);
            }
            if attempt > 0 {
                let stored = &self.replica_sets[self.replica_sets.len() - 1]["spec"]["template"];
                return Err(format!(
                    "the controller does not recognize its ReplicaSet: {template} is stored as {stored}"
                ));
            }
            let replica_set = replica_set(&template, self.replica_sets.len());
            match self.store(CONTROLLER, REPLICA_SET, None, replica_set) {
                Some(stored) => self.replica_sets.push(stored),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Scales old `ReplicaSets` down, which the policy must always admit.
    fn scale_down_old(&mut self, template: &Value) -> Result<(), String> {
        for index in 0..self.replica_sets.len() {
            let old = &self.replica_sets[index];
            if is_same_template(&old["spec"]["template"], template) {
                continue;
            }
            let mut scaled = old.clone();
            scaled["spec"]["replicas"] = 0.into();
            let stored = self.store(CONTROLLER, REPLICA_SET, Some(old), scaled.clone());
            if stored.as_ref() != Some(&scaled) {
                return Err(format!("an old ReplicaSet is not scaled down: {old} becomes {stored:?}"));
            }
            self.replica_sets[index] = scaled;
        }
        Ok(())
    }
}

/// Returns a `ReplicaSet` with a template, like the Deployment controller.
fn replica_set(template: &Value, number: usize) -> Value {
    let mut template = template.clone();
    template["metadata"]["labels"][HASH_LABEL] = number.to_string().into();
    let owner = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "1", "controller": true,
        "blockOwnerDeletion": true});
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("web-{number}"), "ownerReferences": [owner]},
        "spec": {"replicas": 1, "template": template},
    })
}

/// Whether two templates are equal except for the label of the controller.
///
/// Source: `EqualIgnoreHash` in `pkg/controller/deployment/util/deployment_util.go` of Kubernetes.
fn is_same_template(one: &Value, other: &Value) -> bool {
    let without_hash = |template: &Value| {
        let mut template = template.clone();
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
            labels.remove(HASH_LABEL);
        }
        template
    };
    without_hash(one) == without_hash(other)
}

/// A Deployment and a sequence of events.
#[derive(Clone, Debug)]
struct History {
    owner: (&'static str, &'static str),
    spec: Value,
    settings: Option<Value>,
    user: &'static str,
    events: Vec<Event>,
}

fn history() -> impl Strategy<Value = History> {
    let settings = proptest::option::of(settings_with_exempt_user());
    // Marked numbers of the generator are ordinary strings here.
    (select(&OWNERS[..]), pod_spec(), settings, select(&USERS[..]), vec(event(), 1..8))
        .prop_map(|(owner, spec, settings, user, events)| History { owner, spec, settings, user, events })
}

/// Applies all events, and returns the number of `ReplicaSets`.
fn simulate(history: &History) -> Result<usize, String> {
    let History { owner, spec, settings, user, events } = history;
    let (group, kind) = owner;
    let manifest = json!({
        "apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}}, "spec": spec}},
    });
    let mut cluster = Cluster {
        owner: *owner,
        settings: settings.clone(),
        deployment: Value::Null,
        replica_sets: Vec::new(),
        restarts: 0,
    };
    let Some(stored) = cluster.store(user, *owner, None, manifest.clone()) else { return Ok(0) };
    cluster.deployment = stored;
    cluster.reconcile()?;
    for event in events {
        cluster.apply(event, &manifest);
        cluster.reconcile()?;
    }
    for (index, one) in cluster.replica_sets.iter().enumerate() {
        let others = &cluster.replica_sets[index + 1..];
        if others.iter().any(|other| is_same_template(&one["spec"]["template"], &other["spec"]["template"])) {
            return Err(format!("two ReplicaSets have the same template: {one}"));
        }
    }
    Ok(cluster.replica_sets.len())
}

#[test]
fn every_template_gets_one_replica_set() {
    let config = fixes::config();
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let rollouts = Cell::new(0);
    let result = runner.run(&history(), |history| {
        let replica_sets = simulate(&history).map_err(TestCaseError::fail)?;
        rollouts.set(rollouts.get() + u32::from(replica_sets > 1));
        Ok(())
    });
    match result {
        Ok(()) => assert!(
            rollouts.get() > cases / 4,
            "only {} of {cases} Deployments had a second ReplicaSet",
            rollouts.get()
        ),
        Err(TestError::Fail(violation, history)) => panic!("{violation}\n{history:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// Returns a pod spec whose only findings are unset fields.
fn unset() -> Value {
    json!({"containers": [{"name": "web", "image": "nginx:1.29"}]})
}

const FIXING: &str = r#"{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix",
    "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run"]}]}"#;

#[test]
fn a_deployment_from_before_the_policy_is_restarted() {
    let settings: Value = serde_json::from_str(FIXING).unwrap();
    let events = vec![Event::Settings(settings), Event::Restart("jane"), Event::SetImage("jane")];
    assert_eq!(
        simulate(&History { owner: OWNERS[0], spec: unset(), settings: None, user: "jane", events }),
        Ok(3)
    );
}

#[test]
fn a_deployment_is_restarted_after_more_rules_fix() {
    let settings = Some(json!({"allowPrivilegeEscalation": "deny", "enforcement": "warn"}));
    let step = [Event::Fix(0), Event::Restart("jane"), Event::Fix(1), Event::Restart("jane"), Event::Fix(2)];
    let events = [&step[..], &[Event::Restart("jane")]].concat();
    let history = History { owner: OWNERS[0], spec: unset(), settings, user: "jane", events };
    assert_eq!(simulate(&history).map(|replica_sets| replica_sets > 2), Ok(true));
}

#[test]
fn a_deployment_of_an_exempt_user_gets_one_replica_set() {
    let mut settings: Value = serde_json::from_str(FIXING).unwrap();
    settings["exemptions"] = json!([{"reason": "breakglass", "users": ["exempt"]}]);
    let history = |events: Vec<Event>| History {
        owner: OWNERS[0],
        spec: unset(),
        settings: Some(settings.clone()),
        user: "exempt",
        events,
    };
    assert_eq!(simulate(&history(Vec::new())), Ok(1));
    assert_eq!(simulate(&history(vec![Event::Restart("jane"), Event::SetImage("exempt")])), Ok(3));
}
