//! The requests of the benchmark and of the instruction gate, in the form that an API server sends.
//!
//! They are derived from a recorded request for a pod with one container. Each additional container looks like a container that
//! an author wrote, with the fields that an API server adds: defaults, its entry in `managedFields`, the service account mount.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use immutable_pods::ValidationResponse;
use immutable_pods_policy::rules::RULES;
use immutable_pods_policy::settings::mode::Mode;
use serde_json::{Map, Value, json};

/// The numbers of containers in a pod.
pub const SIZES: [u32; 4] = [1, 4, 32, 128];

/// The number of exemptions in settings with exemptions.
const EXEMPTIONS: u32 = 50;

/// Fields that the API server sets in pods, but not in objects that create pods.
const ADDED_TO_PODS: [&str; 6] = [
    "enableServiceLinks",
    "preemptionPolicy",
    "priority",
    "serviceAccount",
    "serviceAccountName",
    "tolerations",
];

/// The expected verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request is admitted unchanged.
    Admitted,
    /// The request is denied with a message.
    Denied,
    /// The request is admitted with a fixed object.
    Fixed,
}

impl Verdict {
    /// Returns whether a response has this verdict.
    #[must_use]
    pub fn is_in(self, answer: &ValidationResponse) -> bool {
        let says_why = answer.message.as_ref().is_some_and(|message| !message.is_empty());
        let expected = (self != Self::Denied, self == Self::Denied, self == Self::Fixed);
        (answer.accepted, says_why, answer.mutated_object.is_some()) == expected
    }
}

/// A request with its settings.
pub struct Scenario {
    /// Name of the request, without the number of containers.
    pub name: &'static str,
    /// Number of containers.
    pub containers: u32,
    /// The expected verdict.
    pub verdict: Verdict,
    /// The payload of `validate`, with settings.
    pub payload: Vec<u8>,
}

/// Creates a request from a pod.
type Make = fn(Value) -> Value;

/// Returns requests with more and more containers, up to as many as fit into a large pod.
#[must_use]
pub fn growth(recorded: &Value) -> Vec<Scenario> {
    let sizes: Vec<u32> = (0..10).map(|power| 1 << power).collect();
    let groups: [(_, _, Make); 2] =
        [("Pod", Verdict::Admitted, |pod| pod), ("Pod, denied", Verdict::Denied, plain)];
    let of = |(name, verdict, make): (&'static str, Verdict, Make)| {
        let scenario = |&containers| scenario(recorded, name, verdict, make, &json!({}), containers);
        sizes.iter().map(scenario).collect::<Vec<_>>()
    };
    groups.into_iter().flat_map(of).collect()
}

fn scenario(
    recorded: &Value,
    name: &'static str,
    verdict: Verdict,
    make: Make,
    settings: &Value,
    containers: u32,
) -> Scenario {
    let request = make(with_containers(recorded.clone(), containers));
    let payload = json!({"request": request, "settings": settings}).to_string().into_bytes();
    Scenario { name, containers, verdict, payload }
}

/// Returns all requests, derived from the recorded request. They are equal in every run.
#[must_use]
pub fn scenarios(recorded: &Value) -> Vec<Scenario> {
    use Verdict::{Admitted, Denied, Fixed};
    let itself: Make = |request| request;
    let groups: [(_, _, Make, _, &[u32]); 9] = [
        ("Pod", Admitted, itself, json!({}), &SIZES),
        ("Pod, denied", Denied, plain, json!({}), &SIZES),
        ("Deployment", Admitted, deployment, json!({}), &SIZES),
        ("Deployment, denied", Denied, |pod| deployment(plain(pod)), json!({}), &SIZES),
        ("Pod, every rule", Admitted, hardened, every_rule(), &[1, 32]),
        ("Pod, denied, every rule", Denied, plain, every_rule(), &[1, 32]),
        ("Pod, every rule, 50 exemptions", Admitted, hardened, exempting(), &[1, 32]),
        ("Pod, denied, every rule, 50 exemptions", Denied, plain, exempting(), &[1, 32]),
        ("Pod, fixed", Fixed, plain, fixing(), &[1, 32]),
    ];
    let mut scenarios = Vec::new();
    for (name, verdict, make, settings, sizes) in groups {
        for &containers in sizes {
            scenarios.push(scenario(recorded, name, verdict, make, &settings, containers));
        }
    }
    scenarios
}

/// Returns settings in which every rule is on.
fn every_rule() -> Value {
    let off_by_default = RULES.iter().filter(|rule| rule.default_mode == Mode::Off);
    off_by_default.map(|rule| (rule.id, json!("deny"))).collect()
}

/// Returns the same settings with exemptions that do not apply: half of them are for other namespaces, half for other images.
fn exempting() -> Value {
    let mut settings = every_rule();
    settings["exemptions"] = (1..=EXEMPTIONS).map(exemption).collect();
    settings
}

fn exemption(number: u32) -> Value {
    let team = format!("team-{number}");
    match number % 4 {
        0 => json!({
            "reason": format!("{team} debugs in its own namespace"),
            "rules": ["interactiveAccess", "ephemeralContainers"],
            "namespaces": [team],
        }),
        1 => json!({
            "reason": format!("the database of {team} writes to its root until it is upgraded"),
            "expires": "2030-06-30",
            "rules": ["readOnlyRootFilesystem", "shellRemoval"],
            "images": [format!("registry.example.com/{team}/database")],
        }),
        2 => json!({
            "reason": format!("the proxy of {team} sets up iptables"),
            "rules": ["capabilities", "runAsNonRoot"],
            "images": [format!("registry.example.com/{team}/*")],
            "containers": ["istio-proxy", "istio-init"],
            "namespaces": [team, format!("{team}-*")],
        }),
        _ => json!({
            "reason": format!("the agent of {team} was never meant to be immutable"),
            "images": [format!("registry.example.com/{team}/agent:1.*")],
            "namespaces": ["shop", "shop-*"],
        }),
    }
}

/// Returns settings with every fix that does not need a registry.
fn fixing() -> Value {
    let mut settings = json!({"writablePaths": [{"paths": ["/tmp"]}]});
    for rule in ["readOnlyRootFilesystem", "allowPrivilegeEscalation", "runAsNonRoot"] {
        settings[rule] = "fix".into();
    }
    settings["capabilities"] = json!({"mode": "fix", "requiredDrop": ["ALL"]});
    settings
}

/// Returns the request for a pod with additional containers.
fn with_containers(mut request: Value, count: u32) -> Value {
    let object = &mut request["object"];
    for number in 2..=count {
        let mut container = container(number);
        managed_spec(object)["f:containers"][key(&container)] = managed(&container);
        push(&mut container["volumeMounts"], service_account());
        push(&mut object["spec"]["containers"], container);
    }
    request
}

/// Returns a container that an author wrote, with the defaults of the API server.
fn container(number: u32) -> Value {
    let name = format!("worker-{number}");
    let tag = format!("registry.example.com/shop/{name}:1.{number}.0");
    let image = if number.is_multiple_of(2) { tag } else { format!("{tag}@sha256:{number:064x}") };
    let port = 9000 + number;
    json!({
        "name": name,
        "image": image,
        "ports": [{"containerPort": port, "protocol": "TCP"}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "OTEL_SERVICE_NAME", "value": name},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop-credentials", "key": "password"}}},
        ],
        "resources": {
            "limits": {"cpu": "250m", "memory": "128Mi"},
            "requests": {"cpu": "50m", "memory": "64Mi"},
        },
        "volumeMounts": [
            {"name": "configuration", "readOnly": true, "mountPath": format!("/etc/{name}")},
            {"name": "cache", "mountPath": format!("/var/cache/{name}")},
        ],
        "livenessProbe": probe("/healthz", port),
        "readinessProbe": probe("/readyz", port),
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": true,
            "readOnlyRootFilesystem": true,
            "allowPrivilegeEscalation": false,
        },
    })
}

fn probe(path: &str, port: u32) -> Value {
    json!({
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    })
}

/// Returns the mount that the API server adds to each container of a pod. It does not have a field manager.
fn service_account() -> Value {
    json!({
        "name": "kube-api-access-9wxyz",
        "readOnly": true,
        "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    })
}

/// Returns the entry in `managedFields` of a value that one manager owns completely.
fn managed(value: &Value) -> Value {
    match value {
        // References and selectors are owned as a whole.
        Value::Object(fields)
            if !["fieldPath", "key", "matchLabels"].iter().any(|&key| fields.contains_key(key)) =>
        {
            owned(fields.iter().map(|(name, field)| (format!("f:{name}"), managed(field))))
        }
        Value::Array(entries) if entries.iter().all(Value::is_object) => {
            owned(entries.iter().map(|entry| (key(entry), managed(entry))))
        }
        _ => json!({}),
    }
}

fn owned(fields: impl Iterator<Item = (String, Value)>) -> Value {
    fields.chain([(".".to_owned(), json!({}))]).collect()
}

/// Returns the key of a list entry in `managedFields`.
fn key(entry: &Value) -> String {
    let names: &[_] = if entry.get("containerPort").is_some() {
        &["containerPort", "protocol"]
    } else if entry.get("mountPath").is_some() {
        &["mountPath"]
    } else {
        &["name"]
    };
    let key: Value = names.iter().map(|&name| (name, entry[name].clone())).collect();
    format!("k:{key}")
}

/// Returns the request for the Deployment that creates such pods, without the fields that only pods have.
fn deployment(mut request: Value) -> Value {
    let kind = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let resource = json!({"group": "apps", "version": "v1", "resource": "deployments"});
    for (names, value) in [(["kind", "requestKind"], kind), (["resource", "requestResource"], resource)] {
        for name in names {
            request[name] = value.clone();
        }
    }
    request["name"] = "nginx".into();
    request["userInfo"] = json!({
        "username": "kubernetes-admin",
        "groups": ["kubeadm:cluster-admins", "system:authenticated"],
    });
    request["object"] = deployment_of(request["object"].take());
    request
}

fn deployment_of(mut pod: Value) -> Value {
    let mut managed_spec = managed_spec(&mut pod).take();
    for name in ADDED_TO_PODS {
        remove(&mut managed_spec, &format!("f:{name}"));
    }
    let spec = template_spec(pod["spec"].take());
    let metadata = &pod["metadata"];
    let labels = json!({"app": "nginx", "app.kubernetes.io/name": "nginx"});
    let settings = json!({
        "replicas": 3,
        "selector": {"matchLabels": {"app": "nginx"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    });
    let mut managed_settings = managed(&settings);
    managed_settings["f:template"] = json!({
        "f:metadata": {"f:annotations": managed(&metadata["annotations"]), "f:labels": managed(&labels)},
        "f:spec": managed_spec,
    });
    let mut deployment = json!({
        "kind": "Deployment",
        "apiVersion": "apps/v1",
        "metadata": {
            "name": "nginx",
            "namespace": metadata["namespace"],
            "uid": "5c0e8f0b-93d4-4a3c-9f57-2f8d3a6b1c40",
            "generation": 1,
            "creationTimestamp": metadata["creationTimestamp"],
            "labels": labels,
            "managedFields": [{
                "manager": "kubectl-create",
                "operation": "Update",
                "apiVersion": "apps/v1",
                "time": metadata["creationTimestamp"],
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": managed(&labels)}, "f:spec": managed_settings},
            }],
        },
        "spec": settings,
        "status": {},
    });
    deployment["spec"]["template"] = json!({
        "metadata": {"creationTimestamp": null, "labels": labels, "annotations": metadata["annotations"]},
        "spec": spec,
    });
    deployment
}

/// Returns a pod spec in the form that a template has.
fn template_spec(mut spec: Value) -> Value {
    let added = service_account()["name"].take();
    let drop_added = |list: &mut Value| {
        if let Some(entries) = list.as_array_mut() {
            entries.retain(|entry| entry["name"] != added);
        }
    };
    drop_added(&mut spec["volumes"]);
    for container in entries(&mut spec["containers"]) {
        drop_added(&mut container["volumeMounts"]);
    }
    for name in ADDED_TO_PODS {
        remove(&mut spec, name);
    }
    spec
}

/// Returns the request for a pod with common containers, without the fields that make them immutable.
fn plain(mut request: Value) -> Value {
    let object = &mut request["object"];
    let managed = managed_spec(object);
    managed["f:securityContext"] = json!({});
    for container in managed["f:containers"].as_object_mut().into_iter().flat_map(Map::values_mut) {
        remove(container, "f:securityContext");
    }
    let spec = &mut object["spec"];
    spec["securityContext"] = json!({});
    for container in entries(&mut spec["containers"]) {
        remove(container, "securityContext");
    }
    request
}

/// Returns the request of a pod whose containers cannot run files from its writable mounts.
fn hardened(mut request: Value) -> Value {
    for container in entries(&mut request["object"]["spec"]["containers"]) {
        for mount in entries(&mut container["volumeMounts"]) {
            mount["bindMountOptions"] = json!(["noexec", "nosuid"]);
        }
    }
    request
}

/// Returns the entry in `managedFields` of a pod spec.
fn managed_spec(pod: &mut Value) -> &mut Value {
    &mut pod["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"]
}

fn entries(list: &mut Value) -> impl Iterator<Item = &mut Value> {
    list.as_array_mut().into_iter().flatten()
}

fn push(list: &mut Value, entry: Value) {
    if let Some(entries) = list.as_array_mut() {
        entries.push(entry);
    }
}

fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().and_then(|fields| fields.remove(name));
}
