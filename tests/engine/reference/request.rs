//! A request with the pod specs of its objects, parsed into the Kubernetes types.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use k8s_openapi::api::core::v1::{Container, EphemeralContainer, PodSpec, SecurityContext, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::findings::{FieldPath, ResponsibleContainer, ResponsibleContainers};
use super::settings::counts_unchanged;

/// The built-in kinds: API group, kind and path of the pod spec.
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

/// Subresources whose updates cannot change a container.
const IGNORED_SUBRESOURCES: [&str; 4] = ["status", "scale", "binding", "eviction"];

/// A request, and the settings to evaluate the request with.
pub(super) struct Request<'r> {
    /// The request as JSON.
    pub(super) json: &'r Value,
    pub(super) settings: &'r Value,
    /// The pod specs of the new object.
    pub(super) pods: Rc<[Pod]>,
    /// The pod specs of the old object, in an update.
    old_pods: Rc<[Pod]>,
}

impl<'r> Request<'r> {
    /// Parses a request. Returns `None` if an object does not fit the Kubernetes types.
    pub(super) fn read(json: &'r Value, settings: &'r Value) -> Option<Self> {
        let operation = text(json, "operation");
        let is_ignored = IGNORED_SUBRESOURCES.contains(&text(json, "subResource"));
        let pods_of = |field: &str, operations: &[&str]| match json.get(field) {
            Some(object) if operations.contains(&operation) && !is_ignored => pods(json.get("kind")?, object),
            _ => Some(Vec::new()),
        };
        Some(Self {
            json,
            settings,
            pods: pods_of("object", &["CREATE", "UPDATE"])?.into(),
            old_pods: pods_of("oldObject", &["UPDATE"])?.into(),
        })
    }

    /// Returns the same request with other settings.
    pub(super) fn with_settings<'s>(&'s self, settings: &'s Value) -> Request<'s> {
        Request { json: self.json, settings, pods: self.pods.clone(), old_pods: self.old_pods.clone() }
    }

    /// Returns a string field of the request, which is empty if unset.
    pub(super) fn text(&self, key: &str) -> &str {
        text(self.json, key)
    }

    /// Whether the object is a Pod.
    pub(super) fn is_about_pod(&self) -> bool {
        self.is_about("", "Pod")
    }

    /// Whether the object has this kind.
    fn is_about(&self, group: &str, kind: &str) -> bool {
        self.kind() == (group, kind)
    }

    fn kind(&self) -> (&str, &str) {
        self.json.get("kind").map_or(("", ""), |kind| (text(kind, "group"), text(kind, "kind")))
    }

    /// Whether the kind of the object is built into Kubernetes.
    pub(super) fn is_built_in(&self) -> bool {
        KINDS.iter().any(|(group, kind, _)| self.kind() == (*group, *kind))
    }

    /// Whether the policy ignores fixable findings, because a controller created the object, or because the kubelet already
    /// runs the pod.
    pub(super) fn ignores_unset_fields(&self) -> bool {
        self.is_controlled() || self.is_mirror_pod()
    }

    /// Whether a controller manages the object and may replace the object after a change.
    pub(super) fn is_controlled(&self) -> bool {
        let owners: Vec<OwnerReference> = self.field("/object/metadata/ownerReferences");
        let has_controller = owners.iter().any(|owner| owner.controller == Some(true));
        has_controller && (self.is_about("apps", "ReplicaSet") || !self.is_built_in())
    }

    /// Whether the pod is a mirror pod: the kubelet runs it from a file.
    pub(super) fn is_mirror_pod(&self) -> bool {
        let annotations: BTreeMap<String, Value> = self.field("/object/metadata/annotations");
        let node: String = self.field("/object/spec/nodeName");
        self.is_about_pod() && annotations.contains_key("kubernetes.io/config.mirror") && !node.is_empty()
    }

    /// Whether all findings in the object count, not only those that an update adds.
    pub(super) fn counts_all_findings(&self) -> bool {
        if self.text("operation") != "UPDATE" {
            return true;
        }
        let deletion: Value = self.field("/oldObject/metadata/deletionTimestamp");
        counts_unchanged(self.settings) && deletion.is_null() && self.changes_what_runs()
    }

    /// Whether an update changes the containers that run.
    fn changes_what_runs(&self) -> bool {
        self.pods.iter().any(|pod| match self.old_pod(pod) {
            None => true,
            Some(old) if self.is_about_pod() => {
                let is_known = |debugger: &Container| {
                    let known = old.spec.ephemeral_containers.iter().flatten().map(as_container);
                    known
                        .into_iter()
                        .any(|known| known.name == debugger.name && known.image == debugger.image)
                };
                let debuggers: Vec<_> =
                    pod.spec.ephemeral_containers.iter().flatten().map(as_container).collect();
                pod.images() != old.images() || !debuggers.iter().all(is_known)
            }
            Some(old) => pod.json != old.json,
        })
    }

    /// Returns a field of the request, or the default value if the field is unset.
    pub(super) fn field<T: DeserializeOwned + Default>(&self, pointer: &str) -> T {
        let value = self.json.pointer(pointer).cloned().unwrap_or_default();
        serde_json::from_value::<Option<T>>(value).ok().flatten().unwrap_or_default()
    }

    /// Returns the pod specs of the old object.
    pub(super) fn old_pods(&self) -> impl Iterator<Item = &Pod> {
        self.old_pods.iter()
    }

    /// Returns the old pod spec at the path of a new pod spec.
    pub(super) fn old_pod(&self, pod: &Pod) -> Option<&Pod> {
        self.old_pods.iter().find(|old| old.path == pod.path)
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A pod spec, with its path.
pub(super) struct Pod {
    pub(super) path: FieldPath,
    pub(super) spec: PodSpec,
    /// The pod spec as JSON.
    json: Value,
    /// The containers of all lists.
    pub(super) containers: Vec<ContainerAt>,
    /// The path of the annotations beside the pod spec.
    pub(super) annotations_path: FieldPath,
    /// The annotations beside the pod spec, which the pod gets.
    pub(super) annotations: BTreeMap<String, String>,
    /// The names of the object's volume claim templates.
    pub(super) claims: BTreeSet<String>,
    /// The name of the pod, if the object is a Pod with a name.
    pub(super) name: Option<String>,
}

impl Pod {
    /// Whether the pod runs on Windows.
    pub(super) fn is_windows(&self) -> bool {
        self.spec.os.as_ref().is_some_and(|os| os.name == "windows")
    }

    /// Whether the pod does not set its operating system, so that it may run on any.
    pub(super) fn has_any_os(&self) -> bool {
        self.spec.os.as_ref().is_none_or(|os| os.name.is_empty())
    }

    /// Whether the pod runs in a user namespace, where root is an unprivileged user of the node.
    pub(super) fn has_user_namespace(&self) -> bool {
        self.spec.host_users == Some(false)
    }

    /// Returns a field of the pod spec as it was sent. The types of Kubernetes do not distinguish all empty values from unset ones.
    pub(super) fn sent(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// Returns the JSON pointer of a container in the pod spec.
    pub(super) fn pointer_to(&self, container: &ContainerAt) -> String {
        let mut list = self.containers.iter().filter(|other| other.list == container.list);
        let index = list.position(|other| std::ptr::eq(other, container)).unwrap_or_default();
        format!("/{}/{index}", container.list)
    }

    /// Returns the volumes, each with its path.
    pub(super) fn volumes(&self) -> Vec<(FieldPath, Volume)> {
        let volumes = self.spec.volumes.clone().unwrap_or_default().into_iter().enumerate();
        volumes.map(|(index, volume)| (self.path.field("volumes").item(index), volume)).collect()
    }

    /// Returns the responsible containers of a finding about the whole pod. For a pod without containers, only exemptions
    /// without container names apply.
    pub(super) fn responsible_containers(&self) -> ResponsibleContainers {
        let responsible: Vec<_> = self.containers.iter().map(ContainerAt::as_responsible).collect();
        ResponsibleContainers {
            all: if responsible.is_empty() { vec![ResponsibleContainer::default()] } else { responsible },
            are_whole_pod: true,
        }
    }

    /// Returns the names and images of the containers and init containers, in order.
    fn images(&self) -> [Vec<(String, String)>; 2] {
        let image =
            |container: &Container| (container.name.clone(), container.image.clone().unwrap_or_default());
        let images = |containers: &[Container]| containers.iter().map(image).collect();
        [images(&self.spec.containers), images(self.spec.init_containers.as_deref().unwrap_or_default())]
    }
}

/// Returns the containers of all lists of a pod spec.
fn containers(pod: &FieldPath, spec: &PodSpec) -> Vec<ContainerAt> {
    let mut all = Vec::new();
    let mut add = |list: &str, containers: Vec<Container>| {
        for (index, container) in containers.into_iter().enumerate() {
            let is_sidecar = container.restart_policy.as_deref() == Some("Always");
            let can_have_probes = list == "containers" || (list == "initContainers" && is_sidecar);
            let is_sidecar = is_sidecar && list == "initContainers";
            let path = pod.field(list).item(index);
            all.push(ContainerAt {
                path,
                list: list.to_owned(),
                is_sidecar,
                spec: container,
                can_have_probes,
            });
        }
    };
    add("containers", spec.containers.clone());
    add("initContainers", spec.init_containers.clone().unwrap_or_default());
    let ephemeral = spec.ephemeral_containers.iter().flatten().map(as_container);
    add("ephemeralContainers", ephemeral.collect());
    all
}

/// Converts an ephemeral container, which has every field of a container except for its target.
fn as_container(ephemeral: &EphemeralContainer) -> Container {
    serde_json::from_value(json!(ephemeral)).unwrap()
}

/// A container, with its path.
pub(super) struct ContainerAt {
    pub(super) path: FieldPath,
    /// The field of the pod spec that lists the container.
    pub(super) list: String,
    /// Whether the container is a sidecar.
    pub(super) is_sidecar: bool,
    pub(super) spec: Container,
    /// Whether the container can have probes.
    pub(super) can_have_probes: bool,
}

impl ContainerAt {
    /// Whether both containers have the same list and name.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.list == other.list && self.spec.name == other.spec.name
    }

    /// Returns the security context.
    pub(super) fn context(&self) -> SecurityContext {
        self.spec.security_context.clone().unwrap_or_default()
    }

    /// Returns the path of a field of the security context.
    pub(super) fn context_path(&self, keys: &str) -> FieldPath {
        self.path.field("securityContext").field(keys)
    }

    /// Returns the container as a responsible container.
    pub(super) fn as_responsible(&self) -> ResponsibleContainer {
        let Self { list, is_sidecar, spec, .. } = self;
        ResponsibleContainer {
            list: list.clone(),
            is_sidecar: *is_sidecar,
            name: Some(spec.name.clone()),
            image: spec.image.clone(),
        }
    }
}

/// A pod spec with its path, and the annotations beside it with theirs.
struct Found {
    path: FieldPath,
    spec: Value,
    annotations_path: FieldPath,
    annotations: BTreeMap<String, String>,
}

impl Found {
    /// Returns the pod spec in a field of an object, or in an item of a list. A pod spec in the field `spec` has the metadata
    /// of its object.
    fn new(path: FieldPath, spec: &Value, parent: &Value) -> Self {
        let (parent_path, is_spec) = path.parent_of("spec");
        let metadata = parent.get("metadata").filter(|_| is_spec);
        let annotations = metadata.and_then(|metadata| metadata.get("annotations")?.as_object());
        let texts = annotations.into_iter().flatten();
        let texts = texts.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
        Self {
            path,
            spec: spec.clone(),
            annotations_path: parent_path.field("metadata.annotations"),
            annotations: texts.collect(),
        }
    }
}

/// Returns the pod specs of an object.
fn pods(kind: &Value, object: &Value) -> Option<Vec<Pod>> {
    let (group, kind) = (text(kind, "group"), text(kind, "kind"));
    let mut specs = Vec::new();
    if let Some((_, _, spec_path)) = KINDS.iter().find(|known| (known.0, known.1) == (group, kind)) {
        let (mut parent, mut spec) = (object, object);
        for key in spec_path.split('.') {
            (parent, spec) = (spec, spec.get(key)?);
        }
        specs.push(Found::new(FieldPath::default().field(spec_path), spec, parent));
    } else {
        // A controller does not create pods from the metadata or the status of an object.
        let mut object = object.clone();
        for key in ["metadata", "status"] {
            object.as_object_mut().map(|fields| fields.remove(key));
        }
        search(&object, &FieldPath::default(), &Value::Null, &mut specs);
    }
    let claims = claims(object);
    let name = object.pointer("/metadata/name").and_then(Value::as_str).filter(|name| !name.is_empty());
    let name = name.filter(|_| (group, kind) == ("", "Pod")).map(str::to_owned);
    specs
        .into_iter()
        .map(|Found { path, spec, annotations_path, annotations }| {
            let typed: PodSpec = serde_json::from_value(spec.clone()).ok()?;
            let is_known = has_known_volume_types(&typed, &spec);
            let containers = containers(&path, &typed);
            is_known.then(|| Pod {
                path,
                spec: typed,
                json: spec,
                containers,
                annotations_path,
                annotations,
                claims: claims.clone(),
                name: name.clone(),
            })
        })
        .collect()
}

/// Whether the Kubernetes types know the types of all volumes.
fn has_known_volume_types(typed: &PodSpec, spec: &Value) -> bool {
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

/// Collects all pod specs at any depth, including pod specs inside pod specs.
fn search(value: &Value, path: &FieldPath, parent: &Value, specs: &mut Vec<Found>) {
    if is_pod_spec(value) {
        specs.push(Found::new(path.clone(), value, parent));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        search(inner, &path.key(key), value, specs);
    }
    for (index, inner) in value.as_array().into_iter().flatten().enumerate() {
        search(inner, &path.item(index), value, specs);
    }
}

fn is_pod_spec(value: &Value) -> bool {
    let is_container =
        |item: &Value| ["name", "image", "securityContext"].iter().any(|key| item.get(key).is_some());
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| value.get(list)?.as_array());
    lists.flatten().any(is_container)
}
