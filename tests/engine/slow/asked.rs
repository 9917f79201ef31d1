//! What a request is about: the pod specs in its objects, as Kubernetes' own types have them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, PodSpec, SecurityContext, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::found::{Holder, Holders, Path};

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
        self.is_of("", "Pod")
    }

    /// Whether it is about an object of a kind.
    fn is_of(&self, group: &str, kind: &str) -> bool {
        self.kind() == (group, kind)
    }

    fn kind(&self) -> (&str, &str) {
        self.request.get("kind").map_or(("", ""), |kind| (text(kind, "group"), text(kind, "kind")))
    }

    /// Whether its kind is one of those that Kubernetes brings.
    pub(super) fn is_built_in(&self) -> bool {
        KINDS.iter().any(|(group, kind, _)| self.kind() == (*group, *kind))
    }

    /// Whether findings that a fix could fill in do not count, because a controller creates the object, or the kubelet runs it already.
    pub(super) fn leaves_what_is_unset(&self) -> bool {
        self.is_controlled() || self.is_mirror_pod()
    }

    /// Whether a controller manages the object, which may replace the object when it is changed.
    pub(super) fn is_controlled(&self) -> bool {
        let owners: Vec<OwnerReference> = self.field("/object/metadata/ownerReferences");
        let has_controller = owners.iter().any(|owner| owner.controller == Some(true));
        has_controller && (self.is_of("apps", "ReplicaSet") || !self.is_built_in())
    }

    /// Whether the kubelet runs the pod from a file, and shows it in the API.
    pub(super) fn is_mirror_pod(&self) -> bool {
        let annotations: BTreeMap<String, Value> = self.field("/object/metadata/annotations");
        let node: String = self.field("/object/spec/nodeName");
        self.is_of_pod() && annotations.contains_key("kubernetes.io/config.mirror") && !node.is_empty()
    }

    /// Whether everything counts that is wrong with the object, rather than what an update makes worse.
    pub(super) fn counts_in_full(&self) -> bool {
        if self.text("operation") != "UPDATE" {
            return true;
        }
        let all = self.settings.get("onUpdate").is_some_and(|word| word == "all");
        let deletion: Value = self.field("/oldObject/metadata/deletionTimestamp");
        all && deletion.is_null() && self.may_run_something_else()
    }

    /// Whether an update changes what runs.
    fn may_run_something_else(&self) -> bool {
        self.pods.iter().any(|pod| match self.old_pod(pod) {
            None => true,
            Some(old) if self.is_of_pod() => {
                let is_old = |debugger: &Container| {
                    let known = old.spec.ephemeral_containers.iter().flatten().map(as_container);
                    known
                        .into_iter()
                        .any(|known| known.name == debugger.name && known.image == debugger.image)
                };
                let debuggers: Vec<_> =
                    pod.spec.ephemeral_containers.iter().flatten().map(as_container).collect();
                pod.images() != old.images() || !debuggers.iter().all(is_old)
            }
            Some(old) => pod.json != old.json,
        })
    }

    /// A field of the request; its default when it is not there.
    pub(super) fn field<T: DeserializeOwned + Default>(&self, pointer: &str) -> T {
        let value = self.request.pointer(pointer).cloned().unwrap_or_default();
        serde_json::from_value::<Option<T>>(value).ok().flatten().unwrap_or_default()
    }

    /// The pod specs as they were.
    pub(super) fn old_pods(&self) -> impl Iterator<Item = &Pod> {
        self.old_pods.iter()
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
    /// The pod spec as it is written.
    json: Value,
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

    /// The responsible containers of what is found about the pod as a whole. Without containers, an exemption must do without
    /// their names.
    pub(super) fn holders(&self) -> Holders {
        let holders: Vec<_> = self.containers.iter().map(Judged::holder).collect();
        Holders {
            all: if holders.is_empty() { vec![Holder::default()] } else { holders },
            are_whole_pod: true,
        }
    }

    /// The containers that the pod is made with and their images, by their positions.
    fn images(&self) -> [Vec<(String, String)>; 2] {
        let image =
            |container: &Container| (container.name.clone(), container.image.clone().unwrap_or_default());
        let images = |containers: &[Container]| containers.iter().map(image).collect();
        [images(&self.spec.containers), images(self.spec.init_containers.as_deref().unwrap_or_default())]
    }
}

/// The containers of a pod spec, of all lists.
fn containers(pod: &Path, spec: &PodSpec) -> Vec<Judged> {
    let mut all = Vec::new();
    let mut take = |list: &str, containers: Vec<Container>| {
        for (index, container) in containers.into_iter().enumerate() {
            let is_sidecar = container.restart_policy.as_deref() == Some("Always");
            let can_have_probes = list == "containers" || (list == "initContainers" && is_sidecar);
            let is_sidecar = is_sidecar && list == "initContainers";
            let path = pod.to(list).item(index);
            all.push(Judged { path, list: list.to_owned(), is_sidecar, container, can_have_probes });
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
    /// The list that it is in.
    pub(super) list: String,
    /// Whether it is a sidecar.
    is_sidecar: bool,
    /// The container.
    pub(super) container: Container,
    /// Whether it runs on, so that it can have probes.
    pub(super) can_have_probes: bool,
}

impl Judged {
    /// Whether both are the container of one list and name.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.list == other.list && self.container.name == other.container.name
    }

    /// Its security context.
    pub(super) fn context(&self) -> SecurityContext {
        self.container.security_context.clone().unwrap_or_default()
    }

    /// The path of a field of its security context.
    pub(super) fn context_path(&self, keys: &str) -> Path {
        self.path.to("securityContext").to(keys)
    }

    /// Itself, as a responsible container.
    pub(super) fn holder(&self) -> Holder {
        let Self { list, is_sidecar, container, .. } = self;
        Holder {
            list: list.clone(),
            is_sidecar: *is_sidecar,
            name: Some(container.name.clone()),
            image: container.image.clone(),
        }
    }
}

/// The pod specs of an object.
fn pods(kind: &Value, object: &Value) -> Option<Vec<Pod>> {
    let (group, kind) = (text(kind, "group"), text(kind, "kind"));
    let mut found = Vec::new();
    if let Some((_, _, place)) = KINDS.iter().find(|known| (known.0, known.1) == (group, kind)) {
        let spec = place.split('.').try_fold(object, |value, key| value.get(key))?;
        found.push((Path::default().to(place), spec.clone()));
    } else {
        // No pod is made from what the object says of itself at the top.
        let mut object = object.clone();
        for key in ["metadata", "status"] {
            object.as_object_mut().map(|fields| fields.remove(key));
        }
        search(&object, &Path::default(), &mut found);
    }
    let claims = claims(object);
    found
        .into_iter()
        .map(|(path, spec)| {
            let typed: PodSpec = serde_json::from_value(spec.clone()).ok()?;
            let knows_all = knows_all_types(&typed, &spec);
            let containers = containers(&path, &typed);
            knows_all.then(|| Pod { path, spec: typed, json: spec, containers, claims: claims.clone() })
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
fn search(value: &Value, path: &Path, found: &mut Vec<(Path, Value)>) {
    if is_pod_spec(value) {
        found.push((path.clone(), value.clone()));
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
