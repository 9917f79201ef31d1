//! Long lists in settings.

use super::builders::{
    container, containers, create, exempting, exemptions, fill, list, mount, mounts, pod, sysctls,
};
use super::{ENTRIES, FULL, ITEMS, NOTHING, POD, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "containers, 1,000 exemptions of other images",
        most: FULL,
        payload: |bytes| {
            exempting(bytes, |number| format!(r#""images": ["registry.example.com/shop/*-n{number}"]"#))
        },
    },
    Shape {
        name: "containers, 1,000 exemptions of other names",
        most: FULL,
        payload: |bytes| exempting(bytes, |number| format!(r#""containers": ["mesh-{number}"]"#)),
    },
    Shape {
        name: "containers, 1,000 exemptions of which the last fits",
        most: FULL,
        payload: |bytes| {
            exempting(bytes, |number| {
                let folder = if number + 1 == ENTRIES { "shop" } else { "mesh" };
                format!(r#""images": ["registry.example.com/{folder}/*"]"#)
            })
        },
    },
    Shape {
        name: "containers, 1,000 exemptions that have expired",
        most: FULL,
        payload: |bytes| {
            exempting(bytes, |_| {
                r#""images": ["registry.example.com/shop/*"], "expires": "1969-01-01""#.into()
            })
        },
    },
    Shape {
        name: "containers, 1,000 writable paths",
        most: FULL,
        payload: |bytes| {
            let paths = list(|number| format!("\"/var/{number}\""));
            let settings = format!(
                r#"{{"readOnlyRootFilesystem": "fix", "writablePaths": [{{"images": ["other"], "paths": [{paths}]}}]}}"#
            );
            pod(&settings, &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "images, 1,000 denied tags",
        most: FULL,
        payload: |bytes| {
            let settings = format!(
                r#"{{"imageReference": {{"deniedTags": [{}]}}}}"#,
                list(|number| format!("\"1.*-{number}\""))
            );
            pod(&settings, &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "mounts, 1,000 protected paths",
        most: FULL,
        payload: |bytes| {
            let settings = format!(
                r#"{{"writableMounts": {{"protectedPaths": [{}]}}}}"#,
                list(|number| format!("\"/srv/{number}\""))
            );
            pod(&settings, &mounts(&fill(bytes, mount)))
        },
    },
    Shape {
        name: "mounts, 1,000 allowed paths",
        most: FULL,
        payload: |bytes| {
            let settings = format!(
                r#"{{"writableMounts": {{"allowedPaths": [{}]}}}}"#,
                list(|number| format!("\"/srv/{number}/*/data/**\""))
            );
            pod(&settings, &mounts(&fill(bytes, mount)))
        },
    },
    Shape {
        name: "host paths, 1,000 allowed and 1,000 denied ones",
        most: FULL,
        payload: |bytes| {
            let denied = list(|number| format!("\"/srv/{number}\""));
            let allowed = list(|number| format!("{{\"pathPrefix\": \"/srv/a/{number}\"}}"));
            let settings =
                format!(r#"{{"hostPathVolumes": {{"denied": [{denied}], "allowed": [{allowed}]}}}}"#);
            let volume = |number| {
                format!(r#"{{"name": "volume-{number}", "hostPath": {{"path": "/srv/data/{number}"}}}}"#)
            };
            pod(&settings, &format!("\"volumes\": [{}]", fill(bytes, volume)))
        },
    },
    Shape {
        name: "sysctls, 1,000 patterns",
        most: FULL,
        payload: |bytes| {
            let settings = format!(
                r#"{{"sysctls": {{"allowed": [{}]}}}}"#,
                list(|number| format!("\"net.*.a{number}\""))
            );
            pod(
                &settings,
                &sysctls(&fill(bytes, |number| {
                    format!(r#"{{"name": "net.ipv4.conf.{number}", "value": "1"}}"#)
                })),
            )
        },
    },
    Shape {
        name: "a long mount path, a pattern of many stars",
        most: FULL,
        payload: |bytes| {
            let pattern = format!("/{}b", format!("*{}c", "a".repeat(40)).repeat(20));
            let settings = format!(r#"{{"writableMounts": {{"allowedPaths": ["{pattern}"]}}}}"#);
            pod(&settings, &mounts(&format!(r#"{{"mountPath": "/{}b"}}"#, "a".repeat(bytes))))
        },
    },
    Shape {
        name: "a long sysctl, a pattern of many stars",
        most: FULL,
        payload: |bytes| {
            let settings = format!(r#"{{"sysctls": {{"allowed": ["{}b"]}}}}"#, "*a".repeat(500));
            pod(&settings, &sysctls(&format!(r#"{{"name": "{}cb"}}"#, "a".repeat(bytes))))
        },
    },
    Shape {
        name: "groups of the user, 1,000 exemptions",
        most: 60 * ITEMS / 10,
        payload: |bytes| {
            let settings = exemptions(|number| format!("\"groups\": [\"team-{number}\"]"));
            let groups = fill(bytes, |number| format!("\"a-group-of-{number}\""));
            let object = format!(r#"{{"spec": {{{}}}}}"#, containers(NOTHING));
            create(&settings, POD, &format!(r#""userInfo": {{"groups": [{groups}]}}, "object": {object}"#))
        },
    },
    Shape {
        name: "words of a command",
        most: 3 * ITEMS,
        payload: |bytes| {
            let settings = r#"{"interactiveAccess": {"mode": "deny", "allowedCommands": [["cat", "*"]]}}"#;
            let command = fill(bytes, |_| "\"\"".into());
            format!(
                r#"{{"request": {{"operation": "CONNECT", "kind": {{"group": "", "version": "v1", "kind": "PodExecOptions"}}, "resource": {{"group": "", "version": "v1", "resource": "pods"}}, "subResource": "exec", "object": {{"command": [{command}]}}}}, "settings": {settings}}}"#
            )
        },
    },
    Shape {
        name: "findings about one long image, an exemption by image",
        most: FULL,
        payload: |bytes| {
            let settings = r#"{"exemptions": [{"reason": "mesh", "images": ["nginx"]}]}"#;
            let container = format!(
                r#"{{"name": "a", "image": "{}", "securityContext": {{"capabilities": {{"add": [{}]}}}}}}"#,
                "x".repeat(bytes * 7 / 8),
                fill(bytes / 8, |number| format!("\"C{number}\""))
            );
            pod(settings, &containers(&container))
        },
    },
    Shape {
        name: "findings about one long name, an exemption by container",
        most: FULL,
        payload: |bytes| {
            let settings = r#"{"exemptions": [{"reason": "mesh", "containers": ["*a*b*c"]}]}"#;
            let container = format!(
                r#"{{"name": "{}", "securityContext": {{"capabilities": {{"add": [{}]}}}}}}"#,
                "ab".repeat(bytes * 7 / 16),
                fill(bytes / 8, |number| format!("\"C{number}\""))
            );
            pod(settings, &containers(&container))
        },
    },
];
