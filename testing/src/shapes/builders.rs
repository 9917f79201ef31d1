//! Builders of payloads and of their parts.

use super::{ENTRIES, FLEET, NOTHING, POD};

pub(super) fn create(settings: &str, kind: &str, fields: &str) -> String {
    format!(r#"{{"request": {{"operation": "CREATE", "kind": {kind}, {fields}}}, "settings": {settings}}}"#)
}

/// Returns the payload to create a pod with these fields in its spec.
pub(super) fn pod(settings: &str, fields: &str) -> String {
    create(settings, POD, &format!(r#""object": {{"spec": {{{fields}}}}}"#))
}

/// Returns the payload to create an object of a custom kind with these fields.
pub(super) fn fleet(settings: &str, fields: &str) -> String {
    create(settings, FLEET, &format!(r#""object": {{{fields}}}"#))
}

pub(super) fn update(kind: &str, old: &str, new: &str) -> String {
    update_by("{}", kind, old, new)
}

pub(super) fn update_by(settings: &str, kind: &str, old: &str, new: &str) -> String {
    format!(
        r#"{{"request": {{"operation": "UPDATE", "kind": {kind}, "object": {new}, "oldObject": {old}}}, "settings": {settings}}}"#
    )
}

/// Returns the payload for a pod with containers, and settings with exemptions.
pub(super) fn exempting(bytes: usize, matcher: fn(usize) -> String) -> String {
    pod(&exemptions(matcher), &containers(&fill(bytes, container)))
}

pub(super) fn exemptions(matcher: fn(usize) -> String) -> String {
    let exemptions = list(|number| format!(r#"{{"reason": "mesh", {}}}"#, matcher(number)));
    format!(r#"{{"exemptions": [{exemptions}]}}"#)
}

/// Returns items with commas between them, of a total size.
pub(super) fn fill(bytes: usize, item: impl Fn(usize) -> String) -> String {
    let mut items = item(0);
    for number in 1.. {
        if items.len() >= bytes {
            break;
        }
        items.push(',');
        items.push_str(&item(number));
    }
    items
}

/// Returns the entries of a long list of the settings.
pub(super) fn list(entry: impl Fn(usize) -> String) -> String {
    (0..ENTRIES).map(entry).collect::<Vec<_>>().join(",")
}

pub(super) fn containers(items: &str) -> String {
    format!("\"containers\": [{items}]")
}

/// Returns a container in the form that API servers send, of 200 bytes: two megabytes contain 10,000 of them.
pub(super) fn container(number: usize) -> String {
    format!(
        r#"{{"name": "web-{number}", "image": "registry.example.com/shop/web-{number}:1.29", "imagePullPolicy": "IfNotPresent", "resources": {{}}, "terminationMessagePath": "/dev/termination-log"}}"#
    )
}

/// Returns a container without findings.
pub(super) fn good_container(number: usize) -> String {
    format!(
        r#"{{"name": "web-{number}", "image": "registry.example.com/shop/web-{number}:1.29", "securityContext": {{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsUser": 1000}}}}"#
    )
}

/// Returns a container with one field.
pub(super) fn one(field: &str, value: &str) -> String {
    containers(&format!(r#"{{"{field}": "{value}"}}"#))
}

pub(super) fn list_of_pods(bytes: usize, container: fn(usize) -> String) -> String {
    format!("\"pods\": [{}]", fill(bytes, |number| format!(r#"{{"containers":[{}]}}"#, container(number))))
}

/// Returns a value in nested pod specs.
pub(super) fn pods_around(value: String) -> String {
    (0..30).fold(value, |inner, _| format!(r#"{{"containers": [{{"name": "a", "x": {inner}}}]}}"#))
}

/// Returns a pod spec with containers at a path of nearly the maximum length.
pub(super) fn below_long_keys(items: &str) -> String {
    let key = "k".repeat(99);
    let pod = format!(r#"{{"containers": [{{"name": ""}}, {items}]}}"#);
    format!("\"a\": {}", (0..5).fold(pod, |inner, _| format!("{{\"{key}\": {inner}}}")))
}

pub(super) fn mounts(items: &str) -> String {
    containers(&format!(r#"{{"volumeMounts": [{items}]}}"#))
}

pub(super) fn mount(number: usize) -> String {
    format!(r#"{{"name": "volume-{number}", "mountPath": "/srv/data/{number}"}}"#)
}

pub(super) fn capabilities(items: &str) -> String {
    containers(&format!(r#"{{"securityContext": {{"capabilities": {{"add": [{items}]}}}}}}"#))
}

pub(super) fn sysctls(items: &str) -> String {
    format!(r#""securityContext": {{"sysctls": [{items}]}}"#)
}

/// Returns two parts, each of half the size.
pub(super) fn sysctls_and_containers(bytes: usize, container: &str) -> String {
    let sysctls = sysctls(&fill(bytes / 2, |_| NOTHING.into()));
    format!("{sysctls}, {}", containers(&fill(bytes / 2, |_| container.into())))
}

pub(super) fn probe(command: &str) -> String {
    containers(&format!(r#"{{"startupProbe": {{"exec": {{"command": [{command}]}}}}}}"#))
}
