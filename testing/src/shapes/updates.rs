//! Updates, which compare two objects.

use super::builders::{below_long_keys, containers, fill, update, update_by};
use super::{FLEET, FULL, ITEMS, NOTHING, POD, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "an update of images",
        most: FULL,
        payload: |bytes| {
            let object = |tag: &str| {
                let container = |number| {
                    format!(r#"{{"name": "container-{number}", "image": "registry.example.com/shop:{tag}"}}"#)
                };
                format!(r#"{{"spec": {{{}}}}}"#, containers(&fill(bytes / 2, container)))
            };
            update(POD, &object("1"), &object("2"))
        },
    },
    Shape {
        name: "an update of nothing",
        most: 3 * ITEMS,
        payload: |bytes| {
            let same = format!(r#"{{"spec": {{{}}}}}"#, containers(&fill(bytes / 2, |_| NOTHING.into())));
            update(POD, &same, &same)
        },
    },
    Shape {
        name: "an update of containers below long keys",
        most: 2 * 13 * ITEMS / 6,
        payload: |bytes| {
            let object = |name: &str| {
                let containers = fill(bytes / 2, |_| format!(r#"{{"name":"{name}"}}"#));
                format!("{{{}}}", below_long_keys(&containers))
            };
            update(FLEET, &object("a"), &object("b"))
        },
    },
    Shape {
        name: "an update at paths that look the same",
        most: FULL,
        payload: |bytes| {
            let key = "/".repeat(130);
            let pod = |number| format!(r#""{key}{number}": {{"containers": [{{"name": ""}}]}}"#);
            let same = format!("{{{}}}", fill(bytes / 2, pod));
            update(FLEET, &same, &same)
        },
    },
    Shape {
        name: "an update of who mounts at paths that look the same",
        most: FULL,
        payload: |bytes| {
            let key = "/".repeat(130);
            let object = |name: &str| {
                let pod = |number| {
                    format!(
                        r#""{key}{number}": {{"volumes": [{{"name": "v", "hostPath": {{"path": "/"}}}}], "containers": [{{"name": "{name}{number}", "volumeMounts": [{{"name": "v"}}]}}]}}"#
                    )
                };
                format!("{{{}}}", fill(bytes / 2, pod))
            };
            update(FLEET, &object("a"), &object("b"))
        },
    },
    Shape {
        name: "an update of who mounts a volume",
        most: FULL / 2,
        payload: |bytes| {
            let object = |name: &str| {
                let container =
                    |number| format!(r#"{{"name": "{name}{number}", "volumeMounts": [{{"name": "v"}}]}}"#);
                let containers = containers(&fill(bytes / 2, container));
                let volumes = r#""volumes": [{"name": "v", "hostPath": {"path": "/"}}]"#;
                format!(r#"{{"spec": {{{volumes}, {containers}}}}}"#)
            };
            update(POD, &object("a"), &object("b"))
        },
    },
    Shape {
        name: "an update of names at paths that look the same",
        most: FULL,
        payload: |bytes| {
            let key = "/".repeat(130);
            let object = |name: &str| {
                let pod =
                    |number| format!(r#""{key}{number}": {{"containers": [{{"name": "{name}{number}"}}]}}"#);
                format!("{{{}}}", fill(bytes / 2, pod))
            };
            update(FLEET, &object("a"), &object("b"))
        },
    },
    Shape {
        name: "an update of mounts of a long host path",
        most: 2 * 12 * ITEMS / 2,
        payload: |bytes| {
            let settings = r#"{"hostPathVolumes": {"allowed": [{"pathPrefix": "/srv", "readOnly": true}]}}"#;
            let path = format!("/srv/{}", "x".repeat(4_000));
            let container = format!(
                r#"{{"name": "a", "image": "a:1", "volumeMounts": [{}]}}"#,
                fill(bytes / 2, |_| r#"{"name":"v"}"#.into())
            );
            let object = format!(
                r#"{{"spec": {{"volumes": [{{"name": "v", "hostPath": {{"path": "{path}"}}}}], "containers": [{container}]}}}}"#
            );
            update_by(settings, POD, &object, &object)
        },
    },
    Shape {
        name: "an update that pins images, by a long status",
        most: FULL / 2,
        payload: |bytes| {
            let settings = r#"{"imageChange": {"mode": "deny", "allowPinning": true}}"#;
            let digest = format!("@sha256:{}", "0".repeat(64));
            let object = |digest: &str| {
                let container = |number| format!(r#"{{"name": "c{number}", "image": "a:1{digest}"}}"#);
                format!(
                    r#"{{"spec": {{{}}}, "status": {{"containerStatuses": [{}]}}}}"#,
                    containers(&fill(bytes / 4, container)),
                    fill(bytes / 2, |number| format!(r#"{{"name": "c{number}", "imageID": "a{digest}"}}"#))
                )
            };
            let old = object(&digest).replacen(&format!("a:1{digest}"), "a:1", usize::MAX);
            update_by(settings, POD, &old, &object(&digest))
        },
    },
];
