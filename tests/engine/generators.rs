//! Generators of requests: many pod specs in several kinds, with many settings.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]

use immutable_pods_policy::rules::RULES;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value, json};

use immutable_pods_testing::laws::Case;

/// Number formats that a parser may not preserve. They are generated as strings that begin with [`NUMBER_MARK`], and are
/// written without the mark and without quotes.
const NUMBERS: [&str; 7] = ["1.0", "1e3", "-0.0", "1E-7", "0.100", "12345678901234567890123", "-7"];

const NUMBER_MARK: &str = "#";

const CONTAINER_NAMES: [&str; 6] = [
    "web",
    "a",
    "istio-proxy",
    "",
    "Not A Label",
    "a-name-that-is-as-long-as-a-label-may-be-in-kubernetes-0123456789",
];

const IMAGES: [&str; 6] = [
    "nginx:1.29",
    "docker.io/library/nginx:1.29",
    "registry.example.com:5000/shop/web:1.4",
    "nginx",
    "quay.io/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "No Image",
];

/// A digest that an update of a pod may remove.
const DIGEST: &str = "@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

const PATHS: [&str; 8] =
    ["/run", "/tmp", "/var/cache/nginx", "/var", "/data/", "//run/./x/..", "/", "/usr/bin"];

/// Volume names. The last two are names that the policy generates for `web` and `/run`.
const VOLUME_NAMES: [&str; 4] =
    ["data", "logs", "writable-web-run-bc7528a1", "writable-web-run-bc7528a1-0-1"];

/// API group, kind and pod spec paths.
const KINDS: [(&str, &str, &[&str]); 8] = [
    ("", "Pod", &["/spec"]),
    ("apps", "Deployment", &["/spec/template/spec"]),
    ("apps", "ReplicaSet", &["/spec/template/spec"]),
    ("argoproj.io", "Rollout", &["/spec/template/spec"]),
    ("apps", "StatefulSet", &["/spec/template/spec"]),
    ("batch", "Job", &["/spec/template/spec"]),
    ("batch", "CronJob", &["/spec/jobTemplate/spec/template/spec"]),
    (
        "fleet.example.com",
        "Fleet",
        &["/spec/ships/0/crew.v1", "/spec/ships/1/crew.v1/spare", "/spec/harbour"],
    ),
];

/// Generates any case.
pub(crate) fn case() -> impl Strategy<Value = Case> {
    (select(&KINDS[..]), vec(pod_spec(), 6), metadata(), settings(), any::<u8>()).prop_map(
        |((group, kind, spec_paths), specs, metadata, mut settings, chance)| {
            let gvk = json!({"group": group, "version": "v1", "kind": kind});
            let (new, old) = specs.split_at(3);
            let mut object = object(kind, spec_paths, new);
            set(&mut object, &["metadata"], &metadata);
            if kind == "Pod" && chance & 4 == 0 {
                object["spec"]["nodeName"] = "node-1".into();
            }
            let mut request = json!({
                "uid": "1", "kind": gvk, "namespace": "shop", "operation": "CREATE", "userInfo": {"username": "jane"},
            });
            // A quarter of the requests update the same object, with the same or other images. Another quarter replaces the object.
            let before = match chance % 4 {
                0 if chance & 8 == 0 => Some(pinned(&object, chance)),
                0 => Some(object.clone()),
                1 => Some(self::object(kind, spec_paths, old)),
                _ => None,
            };
            // The old object provides lost digests. New digests come from a registry, which is not generated.
            if kind == "Pod" && before.is_some() && chance & 16 == 0 {
                settings["imageReference"] = json!({"mode": "fix"});
            }
            if let Some(before) = before {
                request["operation"] = "UPDATE".into();
                request["oldObject"] = before;
            }
            Case { request: without_marks(&request), object: text_of(&object), settings }
        },
    )
}

/// Returns the JSON of a generated value.
fn text_of(value: &Value) -> String {
    NUMBERS
        .iter()
        .fold(value.to_string(), |text, number| text.replace(&format!("\"{NUMBER_MARK}{number}\""), number))
}

/// Returns a generated value with plain strings in place of marked numbers.
fn without_marks(value: &Value) -> Value {
    serde_json::from_str(&value.to_string().replace(NUMBER_MARK, "")).unwrap_or_default()
}

/// Generates owner references, and the annotations of a mirror pod.
fn metadata() -> BoxedStrategy<Value> {
    let owners = json!([[{"controller": true}], [{"controller": false}, {"controller": true}], [{"controller": false}], [{}], []]);
    fields(vec![
        ("ownerReferences", one_of(&owners)),
        ("annotations", one_of(&json!([{"kubernetes.io/config.mirror": "x"}, {"other": "x"}, null]))),
    ])
}

/// Returns a Pod with pinned images, so that an update loses the digests.
fn pinned(object: &Value, chance: u8) -> Value {
    let mut object = object.clone();
    let mut index = 0;
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        for container in object["spec"][list].as_array_mut().into_iter().flatten() {
            index += 1;
            let image = container["image"].as_str().unwrap_or_default();
            if (chance >> (index % 3)) & 32 == 0 && !image.contains('@') {
                container["image"] = format!("{image}{DIGEST}").into();
            }
        }
    }
    object
}

fn object(kind: &str, spec_paths: &[&str], specs: &[Value]) -> Value {
    let mut object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "web", "x": "#1.0"}});
    for (spec_path, spec) in spec_paths.iter().zip(specs) {
        let path: Vec<_> = spec_path.split('/').skip(1).collect();
        set(&mut object, &path, spec);
    }
    object
}

/// Sets fields of the object at a path. Other fields stay.
pub(crate) fn set(value: &mut Value, path: &[&str], fields: &Value) {
    let Some((key, rest)) = path.split_first() else {
        for (key, field) in fields.as_object().into_iter().flatten() {
            value[key] = field.clone();
        }
        return;
    };
    match key.parse::<usize>() {
        Ok(index) => {
            let mut items = value.as_array().cloned().unwrap_or_default();
            items.resize(items.len().max(index + 1), Value::Null);
            set(&mut items[index], rest, fields);
            *value = items.into();
        }
        Err(_) => set(&mut value[*key], rest, fields),
    }
}

/// Generates an object with any of the fields. A field that is listed twice is set more often.
pub(crate) fn fields(fields: Vec<(&'static str, BoxedStrategy<Value>)>) -> BoxedStrategy<Value> {
    let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
    let values: Vec<_> = values.into_iter().map(option::of).collect();
    values
        .prop_map(move |values| {
            let given =
                names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
            Value::Object(given.collect::<Map<_, _>>())
        })
        .boxed()
}

/// Generates one of the strings.
pub(crate) fn of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(values).prop_map(Value::from).boxed()
}

/// Generates one of the values.
pub(crate) fn one_of(values: &Value) -> BoxedStrategy<Value> {
    select(values.as_array().cloned().unwrap_or_default()).boxed()
}

fn or_null(strategy: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    prop_oneof![6 => strategy, 1 => Just(Value::Null), 1 => Just(json!({}))].boxed()
}

/// Generates a list with a maximum length, or `null`.
pub(crate) fn list(strategy: BoxedStrategy<Value>, max: usize) -> BoxedStrategy<Value> {
    prop_oneof![8 => vec(strategy, 0..=max).prop_map(Value::from), 1 => Just(Value::Null)].boxed()
}

/// Generates values of fields that the policy does not know.
fn unknown() -> BoxedStrategy<Value> {
    let number = select(&NUMBERS[..]).prop_map(|number| Value::from(format!("{NUMBER_MARK}{number}")));
    let leaf = prop_oneof![number, of(&["", "text", "\"\\\n\u{1f600}"]), one_of(&json!([null, true, 3]))];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((select(&["a", "readOnlyRootFilesystem", "volumes", "\u{e9}\""][..]), inner), 0..3)
                .prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    })
    .boxed()
}

/// Generates a boolean that is often unset, so that it can be fixed.
fn flag(good: bool) -> BoxedStrategy<Value> {
    prop_oneof![3 => Just(Value::Null), 3 => Just(json!(good)), 1 => Just(json!(!good))].boxed()
}

fn security_context() -> BoxedStrategy<Value> {
    let capabilities = fields(vec![
        ("add", one_of(&json!([["NET_BIND_SERVICE"], ["SYS_ADMIN"], [], null]))),
        ("drop", one_of(&json!([["ALL"], ["NET_RAW"], ["cap_net_raw", "MKNOD"], [], null]))),
        ("futureCapabilities", unknown()),
    ]);
    fields(vec![
        ("readOnlyRootFilesystem", flag(true)),
        ("allowPrivilegeEscalation", flag(false)),
        ("runAsNonRoot", flag(true)),
        ("runAsUser", one_of(&json!([0, 101, 10_001, null]))),
        ("capabilities", or_null(capabilities)),
        ("windowsOptions", one_of(&json!([null, {}, {"runAsUserName": "ContainerUser"}]))),
        ("seccompProfile", or_null(seccomp_profile())),
        ("futureContext", unknown()),
    ])
}

fn seccomp_profile() -> BoxedStrategy<Value> {
    fields(vec![
        ("type", one_of(&json!(["RuntimeDefault", "RuntimeDefault", "Localhost", "Unconfined", "", null]))),
        ("futureProfile", unknown()),
    ])
}

fn container() -> BoxedStrategy<Value> {
    let mount = fields(vec![
        ("name", of(&VOLUME_NAMES)),
        ("mountPath", of(&PATHS)),
        ("readOnly", one_of(&json!([true, false, null]))),
        ("subPath", one_of(&json!(["a", "./", null, null]))),
        ("futureMount", unknown()),
    ]);
    let device = fields(vec![("name", of(&VOLUME_NAMES)), ("devicePath", of(&PATHS))]);
    fields(vec![
        ("name", of(&CONTAINER_NAMES)),
        ("image", of(&IMAGES)),
        ("restartPolicy", one_of(&json!(["Always", null]))),
        ("securityContext", or_null(security_context())),
        ("volumeMounts", list(mount, 3)),
        ("volumeDevices", list(device, 1)),
        ("terminationMessagePath", one_of(&json!(["/dev/termination-log", "/tmp/message", null]))),
        ("futureContainer", unknown()),
    ])
    .prop_map(|mut container| {
        // In a custom kind, an object without a name is not a container.
        if container.get("name").is_none() {
            container["name"] = "web".into();
        }
        container
    })
    .boxed()
}

/// Generates any pod spec.
pub(crate) fn pod_spec() -> BoxedStrategy<Value> {
    let volume =
        (of(&VOLUME_NAMES), one_of(&json!(["emptyDir", "configMap", "persistentVolumeClaim"])), unknown())
            .prop_map(|(name, kind, other)| {
                let kind = kind.as_str().unwrap_or_default();
                json!({"name": name, kind: {"other": other}})
            });
    let pod_context = fields(vec![
        ("runAsNonRoot", flag(true)),
        ("runAsUser", one_of(&json!([0, 101, null]))),
        ("seccompProfile", or_null(seccomp_profile())),
        ("futurePodContext", unknown()),
    ]);
    let others = fields(vec![
        ("initContainers", list(container(), 2)),
        ("ephemeralContainers", list(container(), 1)),
        ("volumes", list(volume.boxed(), 3)),
        ("securityContext", or_null(pod_context)),
        ("os", one_of(&json!([null, {"name": "linux"}, {"name": "windows"}]))),
        ("hostPID", one_of(&json!([null, false, true]))),
        ("futureSpec", unknown()),
    ]);
    (vec(container(), 0..4), others)
        .prop_map(|(containers, mut spec)| {
            spec["containers"] = containers.into();
            spec
        })
        .boxed()
}

/// Generates settings. Rules without fixes are mostly off, because they would deny nearly every request.
pub(crate) fn settings() -> BoxedStrategy<Value> {
    let modes: Vec<_> = RULES
        .iter()
        .map(|rule| {
            // Registries are not generated.
            let words = if rule.can_fix && rule.id != "imageReference" {
                json!(["fix", "fix", "fix", "deny", "warn", "off"])
            } else {
                json!(["off", "off", "off", "off", "warn", "deny"])
            };
            one_of(&words)
        })
        .collect();
    let entries = [
        json!({"paths": ["/run", {"path": "/data/", "sizeLimit": "64Mi"}]}),
        json!({"images": ["nginx"], "paths": ["/run/", {"path": "/var/cache/nginx", "medium": "Memory"}, "/tmp"]}),
        json!({"containers": ["web", "istio-*"], "namespaces": ["shop"], "paths": ["/usr/lib/x"]}),
        json!({"namespaces": ["other"], "paths": ["/other"]}),
    ];
    let exemptions = json!([[], [{"reason": "mesh", "containers": ["istio-proxy"]}],
        [{"reason": "nginx", "images": ["nginx"], "rules": ["readOnlyRootFilesystem"]}]]);
    let switches = fields(vec![
        ("enforcement", one_of(&json!(["deny", "deny", "warn"]))),
        ("onUpdate", one_of(&json!(["changes", "all"]))),
        ("exemptions", one_of(&exemptions)),
    ]);
    let writable_paths = subsequence(entries.to_vec(), 0..=entries.len()).prop_shuffle();
    let required_drop = one_of(&json!([["ALL"], ["NET_RAW", "cap_mknod", "MKNOD"]]));
    (modes, switches, writable_paths, required_drop)
        .prop_map(|(modes, mut settings, writable_paths, required_drop)| {
            for (rule, mode) in RULES.iter().zip(modes) {
                settings[rule.id] = json!({"mode": mode});
            }
            settings["capabilities"]["requiredDrop"] = required_drop;
            settings["writablePaths"] = writable_paths.into();
            settings
        })
        .boxed()
}
