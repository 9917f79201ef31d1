//! Generators of requests and settings that cover every field that rules read. Pods and settings share few names, paths and
//! images, and contain values that almost match, so that interesting combinations are frequent.
//!
//! All generated objects fit the Kubernetes types.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use crate::generators::{fields, list, of, one_of, set};
use images::related_image;
use pods::pod_spec;
use settings::settings;
pub(super) use settings::{some_of, switch};

mod images;
mod paths;
mod pods;
mod probes;
mod settings;

/// API group, kind and pod spec paths.
const KINDS: [(&str, &str, &[&str]); 12] = [
    ("", "Pod", &["/spec"]),
    ("", "PodTemplate", &["/template/spec"]),
    ("", "ReplicationController", &["/spec/template/spec"]),
    ("apps", "Deployment", &["/spec/template/spec"]),
    ("apps", "ReplicaSet", &["/spec/template/spec"]),
    ("apps", "StatefulSet", &["/spec/template/spec"]),
    ("apps", "DaemonSet", &["/spec/template/spec"]),
    ("batch", "Job", &["/spec/template/spec"]),
    ("batch", "CronJob", &["/spec/jobTemplate/spec/template/spec"]),
    ("apps.kruise.io", "StatefulSet", &["/spec/template/spec"]),
    ("argoproj.io", "Rollout", &["/spec/template/spec", "/spec/canary/spec"]),
    ("fleet.example.com", "Deployment", &["/spec/ships/1", "/spec/ships/1/crew.v1"]),
];

/// A digest that containers run although no pod spec names it.
const OTHER_DIGEST: &str = "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";

/// A request, and the settings to evaluate the request with.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) request: Value,
    pub(super) settings: Value,
}

/// Generates any case.
pub(super) fn case() -> impl Strategy<Value = Case> {
    let request = prop_oneof![8 => object_request(), 2 => connect_request()];
    (request, user(), settings()).prop_map(|(mut request, user, settings)| {
        request["uid"] = "1".into();
        for (key, value) in user.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        Case { request, settings }
    })
}

/// Generates the user and the namespace of a request.
fn user() -> BoxedStrategy<Value> {
    let name = of(&["alice", "system:serviceaccount:ci:deployer", "oidc:ops/alice"]);
    let groups = list(of(&["developers", "breakglass", "system:masters"]), 2);
    let user = fields(vec![
        ("username", name.clone()),
        ("username", name),
        ("groups", groups.clone()),
        ("groups", groups),
    ]);
    let namespace = of(&["shop", "mesh-system", "mesh-system-2"]);
    fields(vec![
        ("userInfo", user.clone()),
        ("userInfo", user),
        ("namespace", namespace.clone()),
        ("namespace", namespace),
    ])
}

fn connect_request() -> BoxedStrategy<Value> {
    let commands = json!([
        ["nginx", "-t"],
        ["nginx", "-t"],
        ["cat", "/etc/nginx/nginx.conf"],
        ["cat", "/etc/nginx/nginx.conf"],
        ["cat", "/etc/passwd"],
        ["cat"],
        ["cat", "-"],
        ["cat", "/etc/nginx/nginx.conf", "/etc/passwd"],
        ["Cat", "/etc/nginx/x"],
        ["nginx", "-t", ""],
        ["sh", "-c", "nginx -t"],
        [],
        null,
    ]);
    let options = fields(vec![
        ("container", of(&["web", "proxy", ""])),
        ("command", one_of(&commands)),
        ("command", one_of(&commands)),
        ("stdin", one_of(&json!([true, true, false]))),
        ("tty", one_of(&json!([true, false, false, false, null]))),
        ("stdin", one_of(&json!([true, true, false]))),
    ]);
    let subresources = [
        ("exec", "PodExecOptions"),
        ("exec", "PodExecOptions"),
        ("attach", "PodAttachOptions"),
        ("portforward", "PodPortForwardOptions"),
        ("proxy", "PodProxyOptions"),
        ("proxy", "ServiceProxyOptions"),
    ];
    (select(subresources.to_vec()), options)
        .prop_map(|((subresource, kind), mut object)| {
            if subresource != "exec" && subresource != "attach" {
                object = json!({});
            }
            object["apiVersion"] = "v1".into();
            object["kind"] = kind.into();
            json!({
                "kind": {"group": "", "version": "v1", "kind": kind}, "operation": "CONNECT",
                "subResource": subresource, "name": "web-x2x8q", "object": object,
            })
        })
        .boxed()
}

/// Generates annotations that set AppArmor profiles.
fn app_armor_annotations() -> BoxedStrategy<Value> {
    let name = select(vec!["web", "proxy", "debug", "", "other"]);
    let value = select(vec![
        "runtime/default",
        "runtime/default",
        "localhost/web",
        "localhost/",
        "localhost",
        "unconfined",
        "Unconfined",
        "RuntimeDefault",
        "",
    ]);
    let prefix = select(vec![
        "container.apparmor.security.beta.kubernetes.io/",
        "container.apparmor.security.beta.kubernetes.io/",
        "container.apparmor.security.beta.kubernetes.io/",
        "apparmor.security.beta.kubernetes.io/",
    ]);
    let annotation =
        (prefix, name, value).prop_map(|(prefix, name, value)| (format!("{prefix}{name}"), value.into()));
    vec(annotation, 0..3).prop_map(|annotations| Value::Object(annotations.into_iter().collect())).boxed()
}

fn object_request() -> BoxedStrategy<Value> {
    let operation = of(&["CREATE", "CREATE", "CREATE", "CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]);
    let subresource = of(&["", "", "", "", "", "", "resize", "status"]);
    let kind = prop_oneof![
        4 => Just(KINDS[0]), 1 => Just(KINDS[4]), 1 => Just(KINDS[5]), 1 => Just(KINDS[9]), 1 => Just(KINDS[11]),
        1 => select(&KINDS[..]),
    ];
    let image = prop_oneof![1 => related_image(), 4 => Just(Value::Null), 2 => Just(true.into())];
    let old = (pod_spec(), vec(weighted(0.8, image), 9), any::<u16>(), metadata(), metadata());
    (kind, vec(pod_spec(), 2), old, operation, subresource)
        .prop_map(|((group, kind, spec_paths), specs, old, operation, subresource)| {
            let (other, images, chance, metadata, old_metadata) = old;
            let mut new = object(kind, spec_paths, &specs, &metadata);
            let mut old = match chance % 4 {
                0 => new.clone(),
                1 => object(kind, spec_paths, &[other], &old_metadata),
                _ => object(
                    kind,
                    spec_paths,
                    &specs.iter().map(|spec| before(spec, &images, chance)).collect::<Vec<_>>(),
                    &old_metadata,
                ),
            };
            if kind == "Pod" {
                for object in [&mut new, &mut old] {
                    object["spec"]["nodeName"] = metadata["node"].clone();
                }
                if chance & 0x300 != 0 {
                    old["status"] = status(&specs[0], chance);
                }
            }
            let mut request = json!({
                "kind": {"group": group, "version": "v1", "kind": kind}, "operation": operation,
                "subResource": subresource, "name": "web", "object": new,
            });
            match request["operation"].as_str() {
                Some("UPDATE") => request["oldObject"] = old,
                Some("DELETE") => {
                    request["oldObject"] = request["object"].take();
                }
                _ => {}
            }
            request
        })
        .boxed()
}

/// Generates owner references, a deletion timestamp, the annotations of a mirror pod and a node name.
fn metadata() -> BoxedStrategy<Value> {
    let owners = [
        json!([{"controller": true}]),
        json!([{"controller": true}]),
        json!([{"controller": false}, {"controller": true}]),
        json!([{"controller": false}]),
        json!([{"controller": null}, {}]),
        json!([]),
    ];
    let owners = owners.map(|mut owners| {
        for owner in owners.as_array_mut().into_iter().flatten() {
            owner["apiVersion"] = "apps/v1".into();
            owner["kind"] = "Deployment".into();
            owner["name"] = "web".into();
            owner["uid"] = "1".into();
        }
        owners
    });
    let annotations = json!([
        {"kubernetes.io/config.mirror": "x"},
        {"kubernetes.io/config.mirror": ""},
        {"kubernetes.io/config.source": "file"},
        null,
    ]);
    let annotations =
        prop_oneof![3 => one_of(&annotations), 2 => app_armor_annotations(), 1 => Just(Value::Null)];
    fields(vec![
        ("ownerReferences", one_of(&json!(owners))),
        ("deletionTimestamp", one_of(&json!(["2026-03-04T05:06:07Z", null, null]))),
        ("annotations", annotations.boxed()),
        ("template", fields(vec![("annotations", app_armor_annotations())])),
        ("node", of(&["node-1", "node-1", ""])),
    ])
}

/// Returns the status that a kubelet reports: most containers already run the image of the new pod spec.
fn status(spec: &Value, chance: u16) -> Value {
    let statuses = |list: &str| -> Value {
        let containers = spec[list].as_array().into_iter().flatten();
        let statuses = containers.enumerate().map(|(index, container)| {
            let digest = container["image"].as_str().and_then(|image| Some(image.split_once('@')?.1));
            let digest = if (chance >> (11 + index)) & 1 == 0 { digest } else { None }.unwrap_or(OTHER_DIGEST);
            let scheme = ["", "nginx@", "docker-pullable://nginx@"][index % 3];
            json!({
                "name": container["name"], "image": "nginx", "imageID": format!("{scheme}{digest}"), "ready": true,
                "restartCount": 0,
            })
        });
        statuses.collect()
    };
    json!({
        "containerStatuses": statuses("containers"),
        "initContainerStatuses": statuses("initContainers"),
        "ephemeralContainerStatuses": statuses("ephemeralContainers"),
    })
}

fn object(kind: &str, spec_paths: &[&str], specs: &[Value], metadata: &Value) -> Value {
    let claims = json!([{"metadata": {"name": "claimed"}}, {"metadata": {"name": "logs"}}]);
    let decoy =
        json!({"containers": [{"name": "web", "image": "nginx", "securityContext": {"privileged": true}}]});
    let mut object = json!({
        "kind": kind,
        "metadata": {"name": "web", "containers": ["web"], "pod": decoy},
        "status": if kind == "Pod" { Value::Null } else { json!({"desired": decoy}) },
        "spec": {"volumeClaimTemplates": if kind == "StatefulSet" { claims } else { Value::Null }, "containers": []},
    });
    set(&mut object, &["metadata"], metadata);
    for (spec_path, spec) in spec_paths.iter().zip(specs) {
        let path: Vec<_> = spec_path.split('/').skip(1).collect();
        set(&mut object, &path, spec);
        if let Some((_, parent)) =
            path.split_last().filter(|(last, parent)| **last == "spec" && !parent.is_empty())
        {
            set(&mut object, &[parent, &["metadata"]].concat(), &metadata["template"]);
        }
    }
    object
}

/// Returns a pod spec from before an update: with other images, other flags or without debug containers.
fn before(spec: &Value, images: &[Option<Value>], chance: u16) -> Value {
    let mut spec = spec.clone();
    // Some updates do not change images.
    let images = if chance & 0x60 == 0x60 { &[] } else { images };
    let mut images = images.iter();
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(containers) = spec[list].as_array_mut() else { continue };
        for container in containers.iter_mut() {
            match images.next() {
                Some(Some(Value::Null)) => container["image"] = without_digest(&container["image"]),
                Some(Some(Value::Bool(_))) => container["image"] = with_digest(&container["image"]),
                Some(Some(image)) => container["image"] = image.clone(),
                _ => {}
            }
        }
        if chance & 0x84 == 0 {
            containers.reverse();
        }
        if chance & 8 == 0 && list == "ephemeralContainers" {
            containers.pop();
        }
    }
    if chance & 0x400 == 0 {
        let (regular, init) = (spec["containers"].take(), spec["initContainers"].take());
        (spec["containers"], spec["initContainers"]) = (init, regular);
    }
    if chance & 16 == 0 {
        spec["hostPID"] = true.into();
        spec["securityContext"] = json!({"runAsUser": 0});
    }
    if chance & 32 == 0 {
        spec["volumes"] = Value::Null;
    }
    spec
}

fn without_digest(image: &Value) -> Value {
    image.as_str().map_or(Value::Null, |image| image.split('@').next().unwrap_or_default().into())
}

fn with_digest(image: &Value) -> Value {
    image.as_str().map_or(Value::Null, |image| {
        let image = image.split('@').next().unwrap_or_default();
        format!("{image}@{OTHER_DIGEST}").into()
    })
}
