//! Large requests that an attacker could send to consume time or memory. Each request has a shape, and a size in bytes.

/// A way to fill a request.
pub(crate) struct Shape {
    /// The repeated part.
    pub(crate) name: &'static str,
    /// Maximum size of the repeated part, in bytes: the limit of policy servers, or the item limit of the policy.
    pub(crate) most: usize,
    /// Returns the payload with a repeated part of a size, without the bytes around the part and in the settings.
    pub(crate) payload: fn(usize) -> String,
}

/// Shapes that once took seconds or hundreds of megabytes, because every finding repeated a long string. Their bounds are
/// stricter.
pub(crate) const REPEATING: [&str; 6] = [
    "findings about one long image, an exemption by image",
    "findings about one long name, an exemption by container",
    "an update of mounts of a long host path",
    "an update that pins images, by a long status",
    "an update that loses digests, in mode fix",
    "volumes that are mounted again",
];

/// Slightly less than the limit of policy servers: two megabytes.
const FULL: usize = 2_000_000;

/// Maximum number of evaluated items of an object, without a few other items. For the longest paths in this file, the maximum
/// is a sixth of this.
const ITEMS: usize = 49_000;

/// Number of entries in long lists of the settings.
const ENTRIES: usize = 1_000;

const POD: &str = r#"{"group": "", "version": "v1", "kind": "Pod"}"#;
const FLEET: &str = r#"{"group": "example.com", "version": "v1", "kind": "Fleet"}"#;

const EVERY_RULE: &str = r#"{"ephemeralContainers": "deny", "interactiveAccess": "deny", "shellRemoval": "deny", "sharedProcessNamespace": "deny"}"#;
const EVERY_FIX: &str = r#"{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix", "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run", "/tmp"]}]}"#;

/// A container of three bytes with its comma, which violates every rule for unset fields.
const NOTHING: &str = "{}";

/// All shapes.
pub(crate) const SHAPES: &[Shape] = &[
    Shape {
        name: "containers",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &containers(&fill(bytes, container))),
    },
    Shape {
        name: "containers that pass",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &containers(&fill(bytes, good_container))),
    },
    Shape {
        name: "empty containers",
        most: 3 * ITEMS,
        payload: |bytes| pod(EVERY_RULE, &containers(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "empty containers, in mode warn",
        most: 3 * ITEMS,
        payload: |bytes| pod(r#"{"enforcement": "warn"}"#, &containers(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "pod specs in a foreign kind",
        most: FULL,
        payload: |bytes| fleet(EVERY_RULE, &list_of_pods(bytes, container)),
    },
    Shape {
        name: "small pod specs in a foreign kind",
        most: 28 * ITEMS / 2,
        payload: |bytes| fleet(EVERY_RULE, &list_of_pods(bytes, |_| r#"{"name":""}"#.into())),
    },
    Shape {
        name: "pod specs around a long string",
        most: FULL,
        payload: |bytes| {
            fleet(EVERY_RULE, &format!("\"a\": {}", pods_around(format!("{:?}", "x".repeat(bytes)))))
        },
    },
    Shape {
        name: "empty containers below long keys",
        most: 3 * ITEMS / 6,
        payload: |bytes| fleet(EVERY_RULE, &below_long_keys(&fill(bytes, |_| NOTHING.into()))),
    },
    Shape {
        name: "empty lists in a foreign kind",
        most: FULL,
        payload: |bytes| fleet(EVERY_RULE, &format!("\"a\": [{}]", fill(bytes, |_| "[]".into()))),
    },
    Shape {
        name: "lists nested to the limit",
        most: FULL,
        payload: |bytes| {
            let nested = "[".repeat(120) + &"]".repeat(120);
            fleet(EVERY_RULE, &format!("\"a\": [{}]", fill(bytes, |_| nested.clone())))
        },
    },
    Shape {
        name: "a long list nested to the limit",
        most: FULL,
        payload: |bytes| {
            let (opening, closing) = ("[".repeat(120), "]".repeat(120));
            fleet(EVERY_RULE, &format!("\"a\": {opening}{}{closing}", fill(bytes, |_| "0".into())))
        },
    },
    Shape {
        name: "lists nested to the end",
        most: FULL,
        payload: |bytes| {
            pod(EVERY_RULE, &format!("\"a\": {}{}", "[".repeat(bytes / 2), "]".repeat(bytes / 2)))
        },
    },
    Shape {
        name: "unknown fields",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &fill(bytes, |number| format!("\"f{number}\": {{}}"))),
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
            pod(EVERY_RULE, &format!("\"volumes\": [{volumes}], {}", mounts(&fill(bytes / 2, mount))))
        },
    },
    Shape {
        name: "empty mounts",
        most: 3 * ITEMS,
        payload: |bytes| pod(EVERY_RULE, &mounts(&fill(bytes, |_| NOTHING.into()))),
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
        name: "sources of a volume",
        most: FULL,
        payload: |bytes| {
            pod(
                EVERY_RULE,
                &format!("\"volumes\": [{{{}}}]", fill(bytes, |number| format!("\"s{number}\": {{}}"))),
            )
        },
    },
    Shape {
        name: "empty capabilities",
        most: 3 * ITEMS,
        payload: |bytes| pod(EVERY_RULE, &capabilities(&fill(bytes, |_| "\"\"".into()))),
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
        payload: |bytes| pod(EVERY_RULE, &sysctls_and_containers(bytes, NOTHING)),
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
    Shape {
        name: "a long name",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &one("name", &"a".repeat(bytes))),
    },
    Shape {
        name: "a long image",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &one("image", &"a/".repeat(bytes / 2))),
    },
    Shape {
        name: "a long mount path",
        most: FULL,
        payload: |bytes| {
            pod(EVERY_RULE, &mounts(&format!(r#"{{"mountPath": "{}"}}"#, "/..".repeat(bytes / 3))))
        },
    },
    Shape {
        name: "a long host path",
        most: FULL,
        payload: |bytes| {
            pod(
                EVERY_RULE,
                &format!(r#""volumes": [{{"hostPath": {{"path": "{}"}}}}]"#, "/.".repeat(bytes / 2)),
            )
        },
    },
    Shape {
        name: "a long capability",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &capabilities(&format!("\"{}\"", "A".repeat(bytes)))),
    },
    Shape {
        name: "a long sysctl",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &sysctls(&format!(r#"{{"name": "{}"}}"#, "a/".repeat(bytes / 2)))),
    },
    Shape {
        name: "a long number",
        most: FULL,
        payload: |bytes| {
            pod(EVERY_RULE, &format!(r#""securityContext": {{"runAsUser": {}}}"#, "1".repeat(bytes)))
        },
    },
    Shape {
        name: "a long key",
        most: FULL,
        payload: |bytes| {
            fleet(EVERY_RULE, &format!(r#""{}": {{"containers": [{{"name": "a"}}]}}"#, "a".repeat(bytes)))
        },
    },
    Shape {
        name: "escapes that are skipped",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &format!(r#""x": "{}""#, "\\u0041".repeat(bytes / 6))),
    },
    Shape {
        name: "escapes that are read",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &one("name", &"\\n".repeat(bytes / 2))),
    },
    Shape {
        name: "pairs of escapes that are read",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &one("name", &"\\ud83d\\ude00".repeat(bytes / 12))),
    },
    Shape {
        name: "white space",
        most: FULL,
        payload: |bytes| pod(EVERY_RULE, &format!("\"containers\":{}[{{}}]", " \n\t\r".repeat(bytes / 4))),
    },
    Shape {
        name: "words of a probe",
        most: 3 * ITEMS,
        payload: |bytes| pod(EVERY_RULE, &probe(&format!("\"rm\", {}", fill(bytes, |_| "\"\"".into())))),
    },
    Shape {
        name: "a long script of a probe",
        most: FULL,
        payload: |bytes| {
            pod(
                EVERY_RULE,
                &probe(&format!("\"sh\", \"-c\", \"{}rm /x\"", "rm -f /x && ".repeat(bytes / 12))),
            )
        },
    },
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
        name: "fixes",
        most: FULL / 10 * 6,
        payload: |bytes| pod(EVERY_FIX, &containers(&fill(bytes, container))),
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

fn create(settings: &str, kind: &str, fields: &str) -> String {
    format!(r#"{{"request": {{"operation": "CREATE", "kind": {kind}, {fields}}}, "settings": {settings}}}"#)
}

/// Returns the payload to create a pod with these fields in its spec.
fn pod(settings: &str, fields: &str) -> String {
    create(settings, POD, &format!(r#""object": {{"spec": {{{fields}}}}}"#))
}

/// Returns the payload to create an object of a custom kind with these fields.
fn fleet(settings: &str, fields: &str) -> String {
    create(settings, FLEET, &format!(r#""object": {{{fields}}}"#))
}

fn update(kind: &str, old: &str, new: &str) -> String {
    update_by("{}", kind, old, new)
}

fn update_by(settings: &str, kind: &str, old: &str, new: &str) -> String {
    format!(
        r#"{{"request": {{"operation": "UPDATE", "kind": {kind}, "object": {new}, "oldObject": {old}}}, "settings": {settings}}}"#
    )
}

/// Returns the payload for a pod with containers, and settings with exemptions.
fn exempting(bytes: usize, matcher: fn(usize) -> String) -> String {
    pod(&exemptions(matcher), &containers(&fill(bytes, container)))
}

fn exemptions(matcher: fn(usize) -> String) -> String {
    let exemptions = list(|number| format!(r#"{{"reason": "mesh", {}}}"#, matcher(number)));
    format!(r#"{{"exemptions": [{exemptions}]}}"#)
}

/// Returns items with commas between them, of a total size.
fn fill(bytes: usize, item: impl Fn(usize) -> String) -> String {
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
fn list(entry: impl Fn(usize) -> String) -> String {
    (0..ENTRIES).map(entry).collect::<Vec<_>>().join(",")
}

fn containers(items: &str) -> String {
    format!("\"containers\": [{items}]")
}

/// Returns a container in the form that API servers send, of 200 bytes: two megabytes contain 10,000 of them.
fn container(number: usize) -> String {
    format!(
        r#"{{"name": "web-{number}", "image": "registry.example.com/shop/web-{number}:1.29", "imagePullPolicy": "IfNotPresent", "resources": {{}}, "terminationMessagePath": "/dev/termination-log"}}"#
    )
}

/// Returns a container without findings.
fn good_container(number: usize) -> String {
    format!(
        r#"{{"name": "web-{number}", "image": "registry.example.com/shop/web-{number}:1.29", "securityContext": {{"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsUser": 1000}}}}"#
    )
}

/// Returns a container with one field.
fn one(field: &str, value: &str) -> String {
    containers(&format!(r#"{{"{field}": "{value}"}}"#))
}

fn list_of_pods(bytes: usize, container: fn(usize) -> String) -> String {
    format!("\"pods\": [{}]", fill(bytes, |number| format!(r#"{{"containers":[{}]}}"#, container(number))))
}

/// Returns a value in nested pod specs.
fn pods_around(value: String) -> String {
    (0..30).fold(value, |inner, _| format!(r#"{{"containers": [{{"name": "a", "x": {inner}}}]}}"#))
}

/// Returns a pod spec with containers at a path of nearly the maximum length.
fn below_long_keys(items: &str) -> String {
    let key = "k".repeat(99);
    let pod = format!(r#"{{"containers": [{{"name": ""}}, {items}]}}"#);
    format!("\"a\": {}", (0..5).fold(pod, |inner, _| format!("{{\"{key}\": {inner}}}")))
}

fn mounts(items: &str) -> String {
    containers(&format!(r#"{{"volumeMounts": [{items}]}}"#))
}

fn mount(number: usize) -> String {
    format!(r#"{{"name": "volume-{number}", "mountPath": "/srv/data/{number}"}}"#)
}

fn capabilities(items: &str) -> String {
    containers(&format!(r#"{{"securityContext": {{"capabilities": {{"add": [{items}]}}}}}}"#))
}

fn sysctls(items: &str) -> String {
    format!(r#""securityContext": {{"sysctls": [{items}]}}"#)
}

/// Returns two parts, each of half the size.
fn sysctls_and_containers(bytes: usize, container: &str) -> String {
    let sysctls = sysctls(&fill(bytes / 2, |_| NOTHING.into()));
    format!("{sysctls}, {}", containers(&fill(bytes / 2, |_| container.into())))
}

fn probe(command: &str) -> String {
    containers(&format!(r#"{{"startupProbe": {{"exec": {{"command": [{command}]}}}}}}"#))
}
