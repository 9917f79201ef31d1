//! What a request is about: the pod specs in its objects, as Kubernetes' own types have them.

use std::collections::BTreeSet;
use std::rc::Rc;

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, PodSpec, SecurityContext, Volume};
use serde_json::{Value, json};

use super::found::{Holder, Path};

/// The built-in kinds: API group, kind, and where the pod spec stands.
const KINDS: [(&str, &str, &str); 9] = [
    ("", "Pod", "spec"),
    ("", "PodTemplate", "template.spec"),
    ("", "ReplicationController", "spec.template.spec"),
    ("apps", "Deployment", "spec.template.spec"),
    ("apps", "ReplicaSet", "spec.template.spec"),
    ("apps", "StatefulSet", "spec.template.spec"),
    ("apps", "DaemonSet", "spec.template.spec"),
    ("batch", "Job", "spec.template.spec"),
    ("batch", "CronJob", "spec.jobTemplate.spec.template.spec"),
];

/// Subresources that change no container.
const HARMLESS: [&str; 4] = ["status", "scale", "binding", "eviction"];

/// A request, and what it is judged by.
pub(super) struct Asked<'r> {
    /// The request.
    pub(super) request: &'r Value,
    /// The settings.
    pub(super) settings: &'r Value,
    /// The pod specs as they are to be.
    pub(super) pods: Rc<[Pod]>,
    /// The pod specs of an object that is updated, as they were.
    old_pods: Rc<[Pod]>,
}

impl<'r> Asked<'r> {
    /// Reads a request; nothing when it holds what the types cannot hold.
    pub(super) fn read(request: &'r Value, settings: &'r Value) -> Option<Self> {
        let operation = text(request, "operation");
        let is_harmless = HARMLESS.contains(&text(request, "subResource"));
        let pods_of = |field: &str, operations: &[&str]| match request.get(field) {
            Some(object) if operations.contains(&operation) && !is_harmless => {
                pods(request.get("kind")?, object)
            }
            _ => Some(Vec::new()),
        };
        Some(Self {
            request,
            settings,
            pods: pods_of("object", &["CREATE", "UPDATE"])?.into(),
            old_pods: pods_of("oldObject", &["UPDATE"])?.into(),
        })
    }

    /// The same request, judged by other settings.
    pub(super) fn by<'s>(&'s self, settings: &'s Value) -> Asked<'s> {
        Asked { request: self.request, settings, pods: self.pods.clone(), old_pods: self.old_pods.clone() }
    }

    /// A text in the request itself, empty when it is not there.
    pub(super) fn text(&self, key: &str) -> &str {
        text(self.request, key)
    }

    /// Whether it is about a Pod, rather than something that makes some.
    pub(super) fn is_of_pod(&self) -> bool {
        self.request
            .get("kind")
            .is_some_and(|kind| text(kind, "group").is_empty() && text(kind, "kind") == "Pod")
    }

    /// The pod spec that stood where one stands now.
    pub(super) fn old_pod(&self, pod: &Pod) -> Option<&Pod> {
        self.old_pods.iter().find(|old| old.path == pod.path)
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A pod spec and where it stands.
pub(super) struct Pod {
    /// Where it stands.
    pub(super) path: Path,
    /// The pod spec.
    pub(super) spec: PodSpec,
    /// Its containers, of all lists.
    pub(super) containers: Vec<Judged>,
    /// The names of the claim templates beside it.
    pub(super) claims: BTreeSet<String>,
}

impl Pod {
    /// Whether it runs on Windows.
    pub(super) fn is_windows(&self) -> bool {
        self.spec.os.as_ref().is_some_and(|os| os.name == "windows")
    }

    /// Whether root in it is nobody on the node.
    pub(super) fn has_user_namespace(&self) -> bool {
        self.spec.host_users == Some(false)
    }

    /// Its volumes, each with where it stands.
    pub(super) fn volumes(&self) -> Vec<(Path, Volume)> {
        let volumes = self.spec.volumes.clone().unwrap_or_default().into_iter().enumerate();
        volumes.map(|(index, volume)| (self.path.to("volumes").item(index), volume)).collect()
    }

    /// Those who answer for what is found about it as a whole. A pod without containers has nobody in particular.
    pub(super) fn holders(&self) -> Vec<Holder> {
        let holders: Vec<_> = self.containers.iter().map(Judged::holder).collect();
        if holders.is_empty() { vec![Holder::default()] } else { holders }
    }
}

/// The containers of a pod spec, of all lists.
fn containers(pod: &Path, spec: &PodSpec) -> Vec<Judged> {
    let mut all = Vec::new();
    let mut take = |list: &str, containers: Vec<Container>| {
        for (index, container) in containers.into_iter().enumerate() {
            let is_sidecar = container.restart_policy.as_deref() == Some("Always");
            let can_have_probes = list == "containers" || (list == "initContainers" && is_sidecar);
            all.push(Judged { path: pod.to(list).item(index), container, can_have_probes });
        }
    };
    take("containers", spec.containers.clone());
    take("initContainers", spec.init_containers.clone().unwrap_or_default());
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(as_container);
    take("ephemeralContainers", ephemeral.collect());
    all
}

/// But for its target, it has no field that a container lacks.
fn as_container(ephemeral: &EphemeralContainer) -> Container {
    serde_json::from_value(json!(ephemeral)).unwrap()
}

/// A container and where it stands.
pub(super) struct Judged {
    /// Where it stands.
    pub(super) path: Path,
    /// The container.
    pub(super) container: Container,
    /// Whether it runs on, so that it can have probes.
    pub(super) can_have_probes: bool,
}

impl Judged {
    /// Its security context.
    pub(super) fn context(&self) -> SecurityContext {
        self.container.security_context.clone().unwrap_or_default()
    }

    /// The path of a field of its security context.
    pub(super) fn context_path(&self, keys: &str) -> Path {
        self.path.to("securityContext").to(keys)
    }

    /// Itself, as one who answers for a finding.
    pub(super) fn holder(&self) -> Holder {
        Holder { name: Some(self.container.name.clone()), image: self.container.image.clone() }
    }
}

/// The pod specs of an object.
fn pods(kind: &Value, object: &Value) -> Option<Vec<Pod>> {
    let (group, kind) = (text(kind, "group"), text(kind, "kind"));
    let mut found = Vec::new();
    match KINDS.iter().find(|known| (known.0, known.1) == (group, kind)) {
        Some((_, _, place)) => {
            let spec = place.split('.').try_fold(object, |value, key| value.get(key))?;
            found.push((Path::default().to(place), spec));
        }
        None => search(object, &Path::default(), &mut found),
    }
    let claims = claims(object);
    found
        .into_iter()
        .map(|(path, spec)| {
            let typed: PodSpec = serde_json::from_value(spec.clone()).ok()?;
            let knows_all = knows_all_types(&typed, spec);
            let containers = containers(&path, &typed);
            knows_all.then(|| Pod { path, spec: typed, containers, claims: claims.clone() })
        })
        .collect()
}

/// Whether a pod spec has no types of volumes but those that Kubernetes knows.
fn knows_all_types(typed: &PodSpec, spec: &Value) -> bool {
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let mut pairs = volumes.zip(typed.volumes.iter().flatten());
    pairs.all(|(volume, typed)| {
        let typed = json!(typed);
        let mut given = volume.as_object().into_iter().flatten().filter(|(_, source)| !source.is_null());
        given.all(|(kind, _)| typed.get(kind).is_some())
    })
}

fn claims(object: &Value) -> BTreeSet<String> {
    let templates = object.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let names = templates.into_iter().flatten().filter_map(|template| template.pointer("/metadata/name"));
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Finds every pod spec, however deep, also one within another.
fn search<'v>(value: &'v Value, path: &Path, found: &mut Vec<(Path, &'v Value)>) {
    if is_pod_spec(value) {
        found.push((path.clone(), value));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        search(inner, &path.key(key), found);
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        search(inner, &path.item(index), found);
    }
}

fn is_pod_spec(value: &Value) -> bool {
    let is_container =
        |item: &Value| ["name", "image", "securityContext"].iter().any(|key| item.get(key).is_some());
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| value.get(list)?.as_array());
    lists.flatten().any(is_container)
}
