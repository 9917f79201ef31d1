//! Many containers, volumes, fields and lists.

use super::builders::{
    below_long_keys, capabilities, container, containers, create, fill, fleet, good_container, list_of_pods,
    mounts, pod, pods_around, sysctls_and_containers,
};
use super::{EVERY_RULE, FULL, ITEMS, NOTHING, POD, Shape};

pub(super) const SHAPES: &[Shape] = &[
    Shape {
        name: "containers",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &containers(&fill(bytes, container))),
    },
    Shape {
        name: "containers that pass",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &containers(&fill(bytes, good_container))),
    },
    Shape {
        name: "empty containers",
        most: 3 * ITEMS,
        payload: |bytes| pod(&EVERY_RULE, &containers(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "empty containers, in mode warn",
        most: 3 * ITEMS,
        payload: |bytes| pod(r#"{"enforcement": "warn"}"#, &containers(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "pod specs in a foreign kind",
        most: FULL,
        payload: |bytes| fleet(&EVERY_RULE, &list_of_pods(bytes, container)),
    },
    Shape {
        name: "small pod specs in a foreign kind",
        most: 28 * ITEMS / 2,
        payload: |bytes| fleet(&EVERY_RULE, &list_of_pods(bytes, |_| r#"{"name":""}"#.into())),
    },
    Shape {
        name: "pod specs around a long string",
        most: FULL,
        payload: |bytes| {
            fleet(&EVERY_RULE, &format!("\"a\": {}", pods_around(format!("{:?}", "x".repeat(bytes)))))
        },
    },
    Shape {
        name: "empty containers below long keys",
        most: 3 * ITEMS / 6,
        payload: |bytes| fleet(&EVERY_RULE, &below_long_keys(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "empty lists in a foreign kind",
        most: FULL,
        payload: |bytes| fleet(&EVERY_RULE, &format!("\"a\": [{}]", fill(bytes, |_| "[]".into()))),
    },
    Shape {
        name: "lists nested to the limit",
        most: FULL,
        payload: |bytes| {
            let nested = "[".repeat(120) + &"]".repeat(120);
            fleet(&EVERY_RULE, &format!("\"a\": [{}]", fill(bytes, |_| nested.clone())))
        },
    },
    Shape {
        name: "a long list nested to the limit",
        most: FULL,
        payload: |bytes| {
            let (opening, closing) = ("[".repeat(120), "]".repeat(120));
            fleet(&EVERY_RULE, &format!("\"a\": {opening}{}{closing}", fill(bytes, |_| "0".into())))
        },
    },
    Shape {
        name: "lists nested to the end",
        most: FULL,
        payload: |bytes| {
            pod(&EVERY_RULE, &format!("\"a\": {}{}", "[".repeat(bytes / 2), "]".repeat(bytes / 2)))
        },
    },
    Shape {
        name: "unknown fields",
        most: FULL,
        payload: |bytes| pod(&EVERY_RULE, &fill(bytes, |number| format!("\"f{number}\": {{}}"))),
    },
    Shape {
        name: "volumes and mounts",
        most: FULL,
        payload: |bytes| {
            let volume = |number| {
                format!(r#"{{"name": "v{number}", "hostPath": {{"path": "/var/lib/service-{number}"}}}}"#)
            };
            let mount =
                |number| format!(r#"{{"name": "v{number}", "mountPath": "/var/lib/service-{number}"}}"#);
            let volumes = fill(bytes / 2, volume);
            pod(&EVERY_RULE, &format!("\"volumes\": [{volumes}], {}", mounts(&fill(bytes / 2, mount))))
        },
    },
    Shape {
        name: "empty mounts",
        most: 3 * ITEMS,
        payload: |bytes| pod(&EVERY_RULE, &mounts(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "mounts of a long host path",
        most: 13 * ITEMS,
        payload: |bytes| {
            let settings = r#"{"hostPathVolumes": {"allowed": [{"pathPrefix": "/a", "readOnly": true}]}}"#;
            let volume = format!(r#"{{"name": "v", "hostPath": {{"path": "/a/{}"}}}}"#, "a".repeat(4_000));
            let mounts = mounts(&fill(bytes, |_| r#"{"name":"v"}"#.into()));
            pod(settings, &format!("\"volumes\": [{volume}], {mounts}"))
        },
    },
    Shape {
        name: "mounts of a volume that changes",
        most: 30 * ITEMS,
        payload: |bytes| {
            let volume = r#"{"name": "v", "configMap": {}, "hostPath": {"path": "/var/run/x"}}"#;
            let mounts = mounts(&fill(bytes, |_| r#"{"name":"v","mountPath":"/etc/ssh"}"#.into()));
            pod("{}", &format!("\"volumes\": [{volume}], {mounts}"))
        },
    },
    Shape {
        name: "termination messages",
        most: 35 * ITEMS,
        payload: |bytes| {
            let container = |_| r#"{"terminationMessagePath":"/etc/ssh/x"}"#.into();
            pod("{}", &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "containers with refused options",
        most: FULL,
        payload: |bytes| {
            let container = |number| {
                format!(
                    r#"{{"name": "c{number}", "ports": [{{"hostPort": 1}}], "livenessProbe": {{"tcpSocket": {{"host": "h"}}}}, "securityContext": {{"seLinuxOptions": {{"type": "a"}}, "seccompProfile": {{"type": "a"}}, "appArmorProfile": {{"type": "a"}}}}}}"#
                )
            };
            pod(&EVERY_RULE, &containers(&fill(bytes, container)))
        },
    },
    Shape {
        name: "ports of the node",
        most: 14 * ITEMS,
        payload: |bytes| {
            let ports = fill(bytes, |_| r#"{"hostPort":1}"#.into());
            pod(&EVERY_RULE, &containers(&format!(r#"{{"name": "web", "ports": [{ports}]}}"#)))
        },
    },
    Shape {
        name: "volumes of a refused type",
        most: FULL,
        payload: |bytes| {
            let volumes = fill(bytes, |number| format!(r#"{{"name": "v{number}", "nfs": {{}}}}"#));
            pod(&EVERY_RULE, &format!("\"volumes\": [{volumes}]"))
        },
    },
    Shape {
        name: "AppArmor annotations and containers",
        most: FULL,
        payload: |bytes| {
            let annotation = |number| {
                format!(r#""container.apparmor.security.beta.kubernetes.io/c{number}": "unconfined""#)
            };
            let containers = containers(&fill(bytes / 3, |number| format!(r#"{{"name": "c{number}"}}"#)));
            let annotations = fill(bytes / 3 * 2, annotation);
            let object = format!(
                r#""object": {{"metadata": {{"annotations": {{{annotations}}}}}, "spec": {{{containers}}}}}"#
            );
            create(&EVERY_RULE, POD, &object)
        },
    },
    Shape {
        name: "containers whose images are looked up",
        most: FULL,
        payload: |bytes| {
            let settings = r#"{"writableMounts": {"inspectImage": true}}"#;
            pod(settings, &containers(&fill(bytes, good_container)))
        },
    },
    Shape {
        name: "sources of a volume",
        most: FULL,
        payload: |bytes| {
            pod(
                &EVERY_RULE,
                &format!("\"volumes\": [{{{}}}]", fill(bytes, |number| format!("\"s{number}\": {{}}"))),
            )
        },
    },
    Shape {
        name: "empty capabilities",
        most: 3 * ITEMS,
        payload: |bytes| pod(&EVERY_RULE, &capabilities(&fill(bytes, |_| "\"\"".into()))),
    },
    Shape {
        name: "capabilities that are denied",
        most: 12 * ITEMS,
        payload: |bytes| {
            let settings = r#"{"capabilities": {"allowedAdd": ["*"], "deniedAdd": ["SYS_BOOT", "SYS_MODULE", "SYS_RAWIO", "SYS_TIME", "SYSLOG", "BPF", "SYS_ADMIN"]}}"#;
            pod(settings, &capabilities(&fill(bytes, |_| "\"SYS_ADMIN\"".into())))
        },
    },
    Shape {
        name: "empty sysctls and containers",
        most: 3 * ITEMS,
        payload: |bytes| pod(&EVERY_RULE, &sysctls_and_containers(bytes, NOTHING)),
    },
    Shape {
        name: "empty sysctls and containers that are exempt",
        most: 4 * ITEMS,
        payload: |bytes| {
            let settings = r#"{"exemptions": [{"reason": "mesh", "containers": ["a"]}]}"#;
            pod(settings, &sysctls_and_containers(bytes, r#"{"name":"a"}"#))
        },
    },
    Shape {
        name: "groups",
        most: 2 * ITEMS,
        payload: |bytes| {
            let groups = fill(bytes, |_| "0".into());
            pod(
                r#"{"runAsNonRoot": {"groups": true}}"#,
                &format!(r#""securityContext": {{"supplementalGroups": [{groups}]}}"#),
            )
        },
    },
];
