//! Objects that are fixed.

use super::builders::{container, containers, fill, fleet, pod, pods_around, update_by};
use super::{EVERY_FIX, FULL, ITEMS, POD, Shape};

/// A container that gets volumes.
const SMALL: &str = r#"{"name":"web","image":"web:1"}"#;

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "fixes",
        most: FULL / 10 * 6,
        payload: |bytes| pod(EVERY_FIX, &containers(&fill(bytes, container))),
    },
    Shape {
        name: "fixes that add many volumes",
        // The most volumes in the requests that `make test` sends. In larger ones, the fixes are not possible.
        most: 16 * 500 * SMALL.len(),
        payload: |bytes| {
            let paths: Vec<_> = (0..20).map(|number| format!("/srv/{number}")).collect();
            let settings =
                format!(r#"{{"readOnlyRootFilesystem": "fix", "writablePaths": [{{"paths": {paths:?}}}]}}"#);
            pod(&settings, &containers(&fill(bytes, |_| SMALL.into())))
        },
    },
    Shape {
        name: "fixes around a long string",
        most: FULL,
        payload: |bytes| {
            fleet(EVERY_FIX, &format!("\"a\": {}", pods_around(format!("{:?}", "x".repeat(bytes)))))
        },
    },
    Shape {
        name: "fixes of which the registry knows nothing",
        most: FULL,
        payload: |bytes| pod(r#"{"imageReference": "fix"}"#, &containers(&fill(bytes, container))),
    },
    Shape {
        name: "an update that loses digests, in mode fix",
        most: FULL / 2,
        payload: |bytes| {
            let settings = r#"{"imageReference": "fix"}"#;
            let digest = format!("@sha256:{}", "0".repeat(64));
            let object = |digest: &str| {
                let container = |number| format!(r#"{{"name": "c{number}", "image": "a:1{digest}"}}"#);
                format!(r#"{{"spec": {{{}}}}}"#, containers(&fill(bytes / 4, container)))
            };
            update_by(settings, POD, &object(&digest), &object(""))
        },
    },
    Shape {
        name: "volumes that are mounted again",
        most: 40 * ITEMS / 2,
        payload: |bytes| {
            let settings = r#"{"readOnlyRootFilesystem": "fix", "writablePaths": [{"paths": ["/run"]}]}"#;
            let container = |_| r#"{"name": "web", "image": "web:1"}"#.to_owned();
            let volume = |number| match number {
                0 => r#"{"name": "writable-web-run-bc7528a1", "emptyDir": {}}"#.to_owned(),
                _ => format!(r#"{{"name": "writable-web-run-bc7528a1-{number}-1", "emptyDir": {{}}}}"#),
            };
            let volumes = fill(bytes / 2, volume);
            pod(settings, &format!("\"volumes\": [{volumes}], {}", containers(&fill(bytes / 2, container))))
        },
    },
];
