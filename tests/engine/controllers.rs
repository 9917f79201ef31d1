//! Controllers, simulated: the controller of a Deployment, or of a Rollout, makes a `ReplicaSet` of its template, and another one
//! for as long as none has that template. No settings may keep it from finding the one that it made.

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
use crate::generated::{pod_spec, settings};
use crate::module::judge;

/// The label by which a controller distinguishes its `ReplicaSets`. The comparison leaves it out.
const HASH_LABEL: &str = "pod-template-hash";

/// The controller of Deployments, as API servers know it.
const CONTROLLER: &str = "system:serviceaccount:kube-system:deployment-controller";

/// How often the controller tries before it is caught making `ReplicaSets` for ever.
const ATTEMPTS: usize = 4;

/// What happens to a Deployment.
#[derive(Clone, Debug)]
enum Event {
    /// `kubectl rollout restart`, by a user.
    Restart(&'static str),
    /// `kubectl set image`, by a user.
    SetImage(&'static str),
    /// `kubectl scale`.
    Scale,
    /// The first manifest is applied again: what it says nothing of stays.
    Apply,
    /// The first manifest replaces the Deployment.
    Replace,
    /// One more rule fixes.
    Fix(usize),
    /// These settings are in force from now on.
    Settings(Value),
    /// The policy is taken away.
    Uninstall,
}

/// What they own.
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
        1 => some_settings().prop_map(Event::Settings),
        1 => proptest::prelude::Just(Event::Uninstall),
    ]
}

/// Any settings, in which a user may be exempt.
fn some_settings() -> impl Strategy<Value = Value> {
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

/// A cluster with one Deployment, or another owner, and the `ReplicaSets` of its controller.
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
    /// What the API server stores when a user writes an object, unless the policy denies that.
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
        let response = judge(&request, settings);
        response.accepted.then(|| response.mutated_object.unwrap_or(object))
    }

    /// Changes the Deployment, unless the policy denies that.
    fn change(&mut self, user: &str, change: impl FnOnce(&mut Value)) {
        let mut changed = self.deployment.clone();
        change(&mut changed);
        if let Some(stored) = self.store(user, self.owner, Some(&self.deployment), changed) {
            self.deployment = stored;
        }
    }

    fn happen(&mut self, event: &Event, manifest: &Value) {
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

    /// What the controller does until it has a `ReplicaSet` with the template of the Deployment, or is denied one.
    ///
    /// Source: `getNewReplicaSet` in `pkg/controller/deployment/sync.go` of Kubernetes.
    fn reconcile(&mut self) -> Result<bool, String> {
        let template = self.deployment["spec"]["template"].clone();
        for attempt in 0..ATTEMPTS {
            if self.replica_sets.iter().any(|known| is_same_template(&known["spec"]["template"], &template)) {
                return self.scale_old_ones(&template).map(|()| true);
            }
            if attempt > 0 {
                let stored = &self.replica_sets[self.replica_sets.len() - 1]["spec"]["template"];
                return Err(format!(
                    "the controller does not find its ReplicaSet again: {template} is stored as {stored}"
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

    /// Old `ReplicaSets` are scaled down, which nothing may hold up.
    fn scale_old_ones(&mut self, template: &Value) -> Result<(), String> {
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

/// A `ReplicaSet` of a template, as the controller of Deployments makes it.
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

/// Whether two templates are the same one but for the label of the controller.
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

/// A Deployment and what happens to it.
#[derive(Clone, Debug)]
struct Story {
    owner: (&'static str, &'static str),
    spec: Value,
    settings: Option<Value>,
    user: &'static str,
    events: Vec<Event>,
}

fn story() -> impl Strategy<Value = Story> {
    let settings = proptest::option::of(some_settings());
    // Numbers are marked in what is generated; here they are texts like others.
    (select(&OWNERS[..]), pod_spec(), settings, select(&USERS[..]), vec(event(), 1..8))
        .prop_map(|(owner, spec, settings, user, events)| Story { owner, spec, settings, user, events })
}

/// Lets everything happen, and counts the `ReplicaSets`.
fn play(story: &Story) -> Result<usize, String> {
    let Story { owner, spec, settings, user, events } = story;
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
        cluster.happen(event, &manifest);
        cluster.reconcile()?;
    }
    for (index, one) in cluster.replica_sets.iter().enumerate() {
        let others = &cluster.replica_sets[index + 1..];
        if others.iter().any(|other| is_same_template(&one["spec"]["template"], &other["spec"]["template"])) {
            return Err(format!("two ReplicaSets have one template: {one}"));
        }
    }
    Ok(cluster.replica_sets.len())
}

#[test]
fn no_settings_make_a_deployment_breed_replica_sets() {
    let config = fixes::config();
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    let made = Cell::new(0);
    let result = runner.run(&story(), |story| {
        let replica_sets = play(&story).map_err(TestCaseError::fail)?;
        made.set(made.get() + u32::from(replica_sets > 1));
        Ok(())
    });
    match result {
        Ok(()) => assert!(
            made.get() > cases / 4,
            "only {} of {cases} Deployments had a second ReplicaSet",
            made.get()
        ),
        Err(TestError::Fail(broken, story)) => panic!("{broken}\n{story:?}"),
        Err(error) => panic!("{error}"),
    }
}

/// A pod spec in which nothing is wrong but what is unset.
fn unset() -> Value {
    json!({"containers": [{"name": "web", "image": "nginx:1.29"}]})
}

const FIXING: &str = r#"{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix",
    "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run"]}]}"#;

#[test]
fn a_deployment_from_before_the_policy_is_restarted() {
    let settings: Value = serde_json::from_str(FIXING).unwrap();
    let events = vec![Event::Settings(settings), Event::Restart("jane"), Event::SetImage("jane")];
    assert_eq!(play(&Story { owner: OWNERS[0], spec: unset(), settings: None, user: "jane", events }), Ok(3));
}

#[test]
fn a_deployment_that_was_fixed_by_fewer_rules_is_restarted() {
    let settings = Some(json!({"allowPrivilegeEscalation": "deny", "enforcement": "warn"}));
    let step = [Event::Fix(0), Event::Restart("jane"), Event::Fix(1), Event::Restart("jane"), Event::Fix(2)];
    let events = [&step[..], &[Event::Restart("jane")]].concat();
    let story = Story { owner: OWNERS[0], spec: unset(), settings, user: "jane", events };
    assert_eq!(play(&story).map(|replica_sets| replica_sets > 2), Ok(true));
}

#[test]
fn a_deployment_of_an_exempt_user_gets_one_replica_set() {
    let mut settings: Value = serde_json::from_str(FIXING).unwrap();
    settings["exemptions"] = json!([{"reason": "breakglass", "users": ["exempt"]}]);
    let story = |events: Vec<Event>| Story {
        owner: OWNERS[0],
        spec: unset(),
        settings: Some(settings.clone()),
        user: "exempt",
        events,
    };
    assert_eq!(play(&story(Vec::new())), Ok(1));
    assert_eq!(play(&story(vec![Event::Restart("jane"), Event::SetImage("exempt")])), Ok(3));
}
