//! The laws of a baseline: everything is admitted, and without any entry something is denied.

use serde_json::{Map, Value, json};

use super::*;
use crate::input::Source;
use crate::manifest::Manifest;
use crate::resources::Resources;

fn objects(objects: &[Value]) -> Vec<JudgedObject> {
    let read = |object: &Value| {
        let object = object.as_object().unwrap().clone();
        let manifest = Manifest::without_file(Source::file("test.yaml"), object);
        JudgedObject::read(manifest, &Resources::default())
    };
    objects.iter().filter_map(read).collect()
}

fn pod(name: &str, namespace: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace}, "spec": spec})
}

fn good(name: &str, image: &str, more: &Value) -> Value {
    let mut container = json!({"name": name, "image": image, "securityContext":
        {"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsNonRoot": true}});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    container
}

fn propose_for(given: &Value, manifests: &[Value]) -> Proposal {
    let expiry = Expiry::parse("2999-01-31").unwrap();
    propose(given.as_object().unwrap(), &objects(manifests), &expiry).unwrap()
}

/// Returns a copy of settings without each item of each list, and each item on its own.
fn without_each_item(settings: &Value) -> Vec<(String, Value)> {
    fn lists(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    lists(value, &format!("{pointer}/{key}"), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    lists(item, &format!("{pointer}/{index}"), found);
                    found.push(format!("{pointer}/{index}"));
                }
            }
            _ => {}
        }
    }
    let mut items = Vec::new();
    lists(settings, "", &mut items);
    let without = |pointer: String| {
        let (list, index) = pointer.rsplit_once('/').unwrap();
        let mut less = settings.clone();
        let items = less.pointer_mut(list).unwrap().as_array_mut().unwrap();
        items.remove(index.parse().unwrap());
        let is_empty = items.is_empty();
        // Settings do not accept empty keys of exemptions: without the last value, the exemption is gone.
        (pointer.clone(), if is_empty && list.contains("exemptions/") { Value::Null } else { less })
    };
    items.into_iter().map(without).filter(|(_, settings)| !settings.is_null()).collect()
}

#[track_caller]
fn obeys_the_laws(given: &Value, manifests: &[Value]) -> Proposal {
    let proposal = propose_for(given, manifests);
    assert_eq!(proposal.denied, [], "{:#?}", proposal.settings);
    let objects = objects(manifests);
    let settings = Value::Object(proposal.settings.clone());
    for (pointer, less) in without_each_item(&settings) {
        let json = settings::json(less.as_object().unwrap());
        let denied = objects.iter().filter(|object| !object.validate(&json).unwrap().accepted).count();
        assert!(denied > 0, "nothing is denied without {pointer}: {settings:#}");
    }
    proposal
}

fn exemptions(proposal: &Proposal) -> &Value {
    proposal.settings.get("exemptions").unwrap_or(&Value::Null)
}

#[test]
fn without_objects_every_rule_denies() {
    let proposal = propose_for(&json!({}), &[]);
    assert_eq!(proposal.settings.get("hostPorts"), Some(&json!("deny")));
    assert_eq!(proposal.settings.get("interactiveAccess"), None);
    assert_eq!(exemptions(&proposal), &Value::Null);
    assert!(proposal.not_yet.is_empty());
}

#[test]
fn a_container_is_exempt_from_the_rules_that_it_violates() {
    let bad = json!({"name": "web", "image": "nginx:1.29", "securityContext": {"runAsNonRoot": true}});
    let proposal = obeys_the_laws(
        &json!({}),
        &[
            pod("a", "shop", &json!({"containers": [bad, good("side", "acme/side:1", &json!({}))]})),
            pod("b", "pay", &json!({"containers": [bad]})),
        ],
    );
    assert_eq!(
        exemptions(&proposal),
        &json!([{
            "reason": "needed when the policy came: Pod pay/b, Pod shop/a",
            "expires": "2999-01-31",
            "rules": ["allowPrivilegeEscalation", "readOnlyRootFilesystem"],
            "images": ["docker.io/library/nginx"],
            "containers": ["web"],
            "namespaces": ["pay", "shop"],
        }])
    );
    assert_eq!(
        proposal.settings["imageReference"],
        json!({"allowedRepositories": ["docker.io/acme/side", "docker.io/library/nginx"]})
    );
}

#[test]
fn only_paths_in_use_are_writable() {
    let mounts = json!({"volumeMounts": [
        {"name": "a", "mountPath": "/data"}, {"name": "a", "mountPath": "/data/./deep"}, {"name": "b", "mountPath": "/etc/x", "readOnly": true}]});
    let volumes = json!([{"name": "a", "emptyDir": {}}, {"name": "b", "emptyDir": {}}]);
    let spec = json!({"containers": [good("web", "acme/web:1", &mounts)], "volumes": volumes});
    let proposal = obeys_the_laws(&json!({}), &[pod("a", "shop", &spec)]);
    assert_eq!(proposal.settings["writableMounts"], json!({"allowedPaths": ["/data"]}));
    assert_eq!(exemptions(&proposal), &Value::Null);
}

#[test]
fn a_directory_of_another_object_covers_what_is_below() {
    let spec = |path: &str| {
        let mounts = json!({"volumeMounts": [{"name": "a", "mountPath": path}]});
        json!({"containers": [good("web", "acme/web:1", &mounts)], "volumes": [{"name": "a", "emptyDir": {}}]})
    };
    let proposal = obeys_the_laws(
        &json!({}),
        &[pod("a", "shop", &spec("/data/deep/er")), pod("b", "pay", &spec("/data"))],
    );
    assert_eq!(proposal.settings["writableMounts"], json!({"allowedPaths": ["/data"]}));
}

#[test]
fn a_path_that_cannot_be_allowed_is_exempt() {
    let mounts = json!({"volumeMounts": [{"name": "a", "mountPath": "/usr/lib/x"}, {"name": "a", "mountPath": "/cache*"}]});
    let spec = json!({"containers": [good("web", "acme/web:1", &mounts)], "volumes": [{"name": "a", "emptyDir": {}}]});
    let proposal = obeys_the_laws(&json!({}), &[pod("a", "shop", &spec)]);
    assert_eq!(proposal.settings["writableMounts"], json!({"allowedPaths": []}));
    assert_eq!(exemptions(&proposal)[0]["rules"], json!(["writableMounts"]));
}

#[test]
fn a_public_host_path_is_allowed_to_readers() {
    let agent = |name: &str, path: &str, read_only: bool| {
        let mounts = json!({"volumeMounts": [{"name": "a", "mountPath": "/host", "readOnly": read_only}]});
        json!({"containers": [good(name, "acme/agent:1", &mounts)], "volumes": [{"name": "a", "hostPath": {"path": path}}]})
    };
    let proposal = obeys_the_laws(
        &json!({}),
        &[
            pod("a", "logs", &agent("reader", "/var/log/", true)),
            pod("b", "logs", &agent("writer", "/var/log", false)),
            pod("c", "logs", &agent("socket", "/run/containerd.sock", true)),
        ],
    );
    assert_eq!(
        proposal.settings["hostPathVolumes"],
        json!({"allowed": [{"pathPrefix": "/var/log", "readOnly": true}]})
    );
    let containers: Vec<_> =
        exemptions(&proposal).as_array().unwrap().iter().map(|exempt| exempt["containers"].clone()).collect();
    assert!(!containers.contains(&json!(["reader"])), "{containers:?}");
    assert_eq!(containers.len(), 2);
}

#[test]
fn a_finding_about_the_pod_exempts_all_its_containers() {
    let spec = json!({"hostNetwork": true, "containers": [
        good("one", "acme/one:1", &json!({})), good("two", "acme/two:1", &json!({}))]});
    let proposal = obeys_the_laws(&json!({}), &[pod("a", "net", &spec)]);
    let rules: Vec<_> =
        exemptions(&proposal).as_array().unwrap().iter().map(|exempt| &exempt["rules"]).collect();
    assert_eq!(rules, [&json!(["hostNamespaces"]), &json!(["hostNamespaces"])]);
}

#[test]
fn a_rule_that_is_off_denies_only_if_nothing_violates_it() {
    let spec = json!({"shareProcessNamespace": true, "containers": [good("one", "acme/one:1", &json!({}))]});
    let proposal = obeys_the_laws(&json!({"hostPorts": "warn"}), &[pod("a", "net", &spec)]);
    assert_eq!(proposal.not_yet.get("sharedProcessNamespace"), Some(&1));
    assert_eq!(proposal.settings.get("sharedProcessNamespace"), None);
    assert!(proposal.new_denials.contains(&"hostProbes"));
    assert!(!proposal.new_denials.contains(&"hostPorts"));
    assert_eq!(proposal.settings["hostPorts"], json!("warn"));
}

#[test]
fn given_settings_are_kept() {
    let bad = json!({"name": "web", "image": "nginx:1.29", "securityContext": {"runAsNonRoot": true, "allowPrivilegeEscalation": false}});
    let given = json!({
        "enforcement": "warn",
        "readOnlyRootFilesystem": "fix",
        "imageReference": {"require": "tag", "allowedRepositories": ["registry.example.com/*"]},
        "exemptions": [{"reason": "given", "containers": ["x"], "rules": ["privileged"]}],
    });
    let manifests = [pod("a", "shop", &json!({"containers": [bad]}))];
    let proposal = propose_for(&given, &manifests);
    assert_eq!(proposal.denied, []);
    let settings = &proposal.settings;
    assert_eq!((settings.get("enforcement"), &settings["readOnlyRootFilesystem"]), (None, &json!("fix")));
    assert_eq!(
        settings["imageReference"],
        json!({"require": "tag", "allowedRepositories": ["registry.example.com/*", "docker.io/library/nginx"]})
    );
    assert_eq!(exemptions(&proposal), &given["exemptions"]);
}

#[test]
fn a_fix_that_fails_needs_an_exemption() {
    let spec = json!({"containers": [{"name": "web", "image": "acme/web:1", "securityContext":
        {"privileged": true, "readOnlyRootFilesystem": true, "runAsNonRoot": true}}]});
    let proposal = propose_for(&json!({"allowPrivilegeEscalation": "fix"}), &[pod("a", "shop", &spec)]);
    assert_eq!(proposal.denied, []);
    assert_eq!(exemptions(&proposal)[0]["rules"], json!(["allowPrivilegeEscalation", "privileged"]));
}

#[test]
fn pods_are_counted_with_their_owner() {
    let bad = json!({"containers": [{"name": "web", "image": "nginx:1.29"}]});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": bad}}});
    let mut running = pod("web-5d4f-x", "shop", &bad);
    running["metadata"]["labels"] = json!({"pod-template-hash": "5d4f"});
    running["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f", "uid": "1", "controller": true}]);
    let proposal = obeys_the_laws(&json!({}), &[deployment, running]);
    assert_eq!((proposal.objects, proposal.controlled), (2, 1));
    assert_eq!(exemptions(&proposal)[0]["reason"], json!("needed when the policy came: Deployment shop/web"));
}

#[test]
fn what_cannot_be_read_is_listed() {
    let proposal = propose_for(&json!({}), &[pod("a", "shop", &json!({"containers": [{"name": 1}]}))]);
    assert_eq!(proposal.denied.len(), 1);
    assert!(proposal.denied[0].0.ends_with("Pod shop/a"), "{:?}", proposal.denied);
}

#[test]
fn the_yaml_is_read_back_as_the_same_settings() {
    let spec = json!({"hostNetwork": true, "containers": [{"name": "web", "image": "nginx:latest"}]});
    let proposal = propose_for(&json!({}), &[pod("a", "shop", &spec)]);
    let yaml = to_yaml(&proposal, &Expiry::parse("2999-01-31").unwrap());
    let read: Map<String, Value> = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(read, proposal.settings);
    let header: Vec<_> = yaml.lines().take_while(|line| line.starts_with('#')).collect();
    assert!(header[0].contains("1 object."), "{header:?}");
    assert!(header.iter().any(|line| line.contains("2999-01-31")), "{header:?}");
}

/// Generated pods, in which everything that an entry can be about differs.
mod generated {
    use proptest::prelude::*;

    use super::*;

    fn container() -> impl Strategy<Value = Value> {
        let names = prop::sample::select(vec!["web", "side", "Bad_Name"]);
        let images = prop::sample::select(vec![
            "nginx",
            "nginx:1.29",
            "quay.io/a/b:2",
            "registry.example.com/deep/er/c:latest",
            "NOT AN IMAGE",
        ]);
        let contexts = prop::sample::select(vec![
            json!({}),
            json!({"readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false, "runAsNonRoot": true}),
            json!({"privileged": true}),
            json!({"capabilities": {"add": ["SYS_ADMIN"]}, "runAsUser": 0}),
        ]);
        let paths =
            prop::sample::select(vec!["/data", "/data/sub", "/usr/bin", "/c*", "relative", "/tmp//x"]);
        let mounts = prop::collection::vec((paths, 0..4_usize, any::<bool>()), 0..3);
        (names, images, contexts, mounts, prop::option::of(Just(8080))).prop_map(
            |(name, image, context, mounts, port)| {
                let mount = |(path, volume, read_only)| {
                    json!({"name": format!("v{volume}"), "mountPath": path, "readOnly": read_only})
                };
                let mounts: Vec<_> = mounts.into_iter().map(mount).collect();
                let ports = port.map_or(json!([]), |port| json!([{"containerPort": port, "hostPort": port}]));
                json!({"name": name, "image": image, "securityContext": context, "volumeMounts": mounts, "ports": ports})
            },
        )
    }

    fn spec() -> impl Strategy<Value = Value> {
        let flags = (any::<bool>(), prop::option::of(Just("kernel.msgmax")));
        (prop::collection::vec(container(), 1..3), prop::option::of(container()), flags).prop_map(
            |(containers, init, (host_network, sysctl))| {
                let sysctls = sysctl.map_or(json!([]), |name| json!([{"name": name, "value": "1"}]));
                json!({
                    "hostNetwork": host_network,
                    "initContainers": init.map_or(json!([]), |init| json!([init])),
                    "containers": containers,
                    "securityContext": {"sysctls": sysctls},
                    "volumes": [
                        {"name": "v0", "emptyDir": {}},
                        {"name": "v1", "hostPath": {"path": "/var/log"}},
                        {"name": "v2", "hostPath": {"path": "/run/x.sock"}},
                        {"name": "v3", "nfs": {"server": "s", "path": "/"}},
                    ],
                })
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn baselines_obey_the_laws(specs in prop::collection::vec((spec(), 0..2_usize), 1..4)) {
            let namespaces = ["shop", "pay"];
            let place = |(index, (spec, namespace)): (usize, &(Value, usize))| {
                pod(&format!("p{index}"), namespaces[*namespace], spec)
            };
            let manifests: Vec<_> = specs.iter().enumerate().map(place).collect();
            obeys_the_laws(&json!({}), &manifests);
            obeys_the_laws(&json!({"preset": "restricted"}), &manifests);
        }
    }
}
