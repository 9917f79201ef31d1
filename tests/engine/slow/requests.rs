//! Requests and settings that nobody wrote, about everything that rules read. What is likely to matter is likely to come
//! up: the same few names, paths and images stand in pods and in settings, and beside them those that nearly match.
//!
//! An API server would take all of it, or at least read it by its types.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use super::TWINS;
use crate::generated::{fields, list, of, one_of, set};

/// A digest, of which there are others.
const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// The kinds, each with the API group and the paths to its pod specs.
const KINDS: [(&str, &str, &[&str]); 10] = [
    ("", "Pod", &["/spec"]),
    ("", "PodTemplate", &["/template/spec"]),
    ("", "ReplicationController", &["/spec/template/spec"]),
    ("apps", "Deployment", &["/spec/template/spec"]),
    ("apps", "ReplicaSet", &["/spec/template/spec"]),
    ("apps", "StatefulSet", &["/spec/template/spec"]),
    ("apps", "DaemonSet", &["/spec/template/spec"]),
    ("batch", "Job", &["/spec/template/spec"]),
    ("batch", "CronJob", &["/spec/jobTemplate/spec/template/spec"]),
    ("fleet.example.com", "Deployment", &["/spec/ships/1", "/spec/ships/1/crew.v1"]),
];

/// A request, and the settings that it is judged by.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// The request.
    pub(super) request: Value,
    /// The settings.
    pub(super) settings: Value,
}

/// Any case.
pub(super) fn case() -> impl Strategy<Value = Case> {
    let request = prop_oneof![8 => about_objects(), 2 => about_connections()];
    (request, user(), settings()).prop_map(|(mut request, user, settings)| {
        request["uid"] = "1".into();
        for (key, value) in user.as_object().into_iter().flatten() {
            request[key] = value.clone();
        }
        Case { request, settings }
    })
}

/// Who asks, and in which namespace.
fn user() -> BoxedStrategy<Value> {
    let user = fields(vec![
        ("username", of(&["alice", "system:serviceaccount:ci:deployer", "oidc:ops/alice"])),
        ("groups", list(of(&["developers", "breakglass", "system:masters"]), 2)),
    ]);
    fields(vec![("userInfo", user), ("namespace", of(&["shop", "mesh-system", "mesh-system-2"]))])
}

fn about_connections() -> BoxedStrategy<Value> {
    let commands = json!([
        ["nginx", "-t"],
        ["cat", "/etc/nginx/nginx.conf"],
        ["cat", "/etc/passwd"],
        ["cat"],
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
        ("tty", one_of(&json!([true, false, false, null]))),
        ("stdin", one_of(&json!([true, false]))),
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

fn about_objects() -> BoxedStrategy<Value> {
    let operation = of(&["CREATE", "CREATE", "CREATE", "CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]);
    let subresource = of(&["", "", "", "", "", "", "resize", "status"]);
    let kind = prop_oneof![Just(KINDS[0]), Just(KINDS[5]), Just(KINDS[9]), select(&KINDS[..])];
    let old = (pod_spec(), vec(option::of(related_image()), 9), any::<u8>());
    (kind, vec(pod_spec(), 2), old, operation, subresource)
        .prop_map(|((group, kind, places), specs, (other, images, chance), operation, subresource)| {
            let new = object(kind, places, &specs);
            let old = match chance % 4 {
                0 => new.clone(),
                1 => object(kind, places, &[other]),
                _ => object(kind, places, &specs.iter().map(|spec| before(spec, &images, chance)).collect::<Vec<_>>()),
            };
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

fn object(kind: &str, places: &[&str], specs: &[Value]) -> Value {
    let mut object = json!({
        "kind": kind,
        "metadata": {"name": "web", "containers": ["web"], "annotations": {"containers": "web"}},
        "spec": {"volumeClaimTemplates": [{"metadata": {"name": "claimed"}}], "containers": []},
    });
    for (place, spec) in places.iter().zip(specs) {
        let path: Vec<_> = place.split('/').skip(1).collect();
        let mut spec = spec.clone();
        if places.len() > 1 && spec["containers"] == json!([]) {
            spec["initContainers"] = Value::Null;
        }
        set(&mut object, &path, &spec);
    }
    object
}

/// What a pod spec may have been before an update: other images, other flags, no debug containers.
fn before(spec: &Value, images: &[Option<Value>], chance: u8) -> Value {
    let mut spec = spec.clone();
    let mut images = images.iter();
    for place in ["containers", "initContainers", "ephemeralContainers"] {
        let Some(containers) = spec[place].as_array_mut() else { continue };
        for container in containers.iter_mut() {
            if let Some(Some(image)) = images.next() {
                container["image"] = image.clone();
            }
        }
        if chance & 4 == 0 {
            containers.reverse();
        }
        if chance & 8 == 0 && place == "ephemeralContainers" {
            containers.pop();
        }
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

/// Mostly what it should be, so that one thing that is wrong does not drown in others.
fn flag(good: bool) -> BoxedStrategy<Value> {
    prop_oneof![4 => Just(json!(good)), 1 => Just(json!(!good)), 1 => Just(Value::Null)].boxed()
}

fn id() -> BoxedStrategy<Value> {
    one_of(&json!([0, 0, 1, 999, 1000, 1500, 1999, 2000, 9999, 10000, 65535, 65536, 2_147_483_647, null]))
}

fn windows_options() -> BoxedStrategy<Value> {
    let names = [
        "ContainerAdministrator",
        "containeradministrator",
        "User Manager\\ContainerAdministrator",
        "ContainerUser",
        "NT AUTHORITY\\ContainerUser",
        "ContainerAdministrator\\jane",
        "ContainerAdministrators",
        "",
    ];
    let names = select(names.to_vec()).prop_map(Value::from).boxed();
    let others = one_of(&json!([null, {}]));
    let given = fields(vec![("hostProcess", one_of(&json!([true, false, null]))), ("runAsUserName", names)]);
    prop_oneof![2 => others, 2 => given].boxed()
}

fn capabilities() -> BoxedStrategy<Value> {
    let added = of(&[
        "NET_BIND_SERVICE",
        "net_bind_service",
        "CAP_NET_BIND_SERVICE",
        "Cap_Net_Bind_Service",
        "NET_BIND",
        "NET_BIND_SERVICE2",
        "NET_ADMIN",
        "cap_sys_admin",
        "SYS_MODULE",
        "CHOWN",
        "CAP_CHOWN",
        "ALL",
        "all",
        "CAP_ALL",
        "CAP_CAP_CHOWN",
        "CAP_",
        "",
        "*",
    ]);
    let dropped = of(&["ALL", "all", "CAP_ALL", "NET_RAW", "net_raw", "CAP_NET_RAW", "MKNOD", "mknod", "SYS_CHROOT", "*"]);
    fields(vec![("add", list(added, 2)), ("drop", list(dropped, 3))])
}

fn security_context() -> BoxedStrategy<Value> {
    fields(vec![
        ("readOnlyRootFilesystem", flag(true)),
        ("allowPrivilegeEscalation", flag(false)),
        ("privileged", flag(false)),
        ("runAsNonRoot", flag(true)),
        ("runAsUser", id()),
        ("runAsGroup", id()),
        ("procMount", of(&["Default", "Default", "Unmasked", "default", "Tomorrow"])),
        ("capabilities", capabilities()),
        ("windowsOptions", windows_options()),
        ("seccompProfile", Just(json!({"type": "RuntimeDefault"})).boxed()),
    ])
}

/// Commands that remove shells, or nearly.
fn command() -> BoxedStrategy<Value> {
    let program = select(vec!["rm", "rm", "rm", "/bin/rm", "/usr/bin/rm", "./rm", "/tmp/rm", "/usr/local/bin/rm", "echo", "rmdir"]);
    let options = select(vec!["-f", "-f", "-rf", "-v -d", "--force", "-fv --", "--", "", "-i", "-fi", "--help", "-x", "--forced"]);
    let path = select(vec!["/bin/sh", "/bin/sh", "/bin/bash", "/bin/bash", "/bin/busybox", "/bin/sh/", "/bin/shx", "bin/sh", "/usr/bin/sh"]);
    let line = (program, options, vec(path, 1..4)).prop_map(|(program, options, paths)| {
        let words = [vec![program], options.split(' ').collect(), paths].concat();
        words.into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    });
    let separator = select(vec![" && ", " && ", " && ", "&&", "  &&\t", " ; ", " || ", " & ", " | ", "\n", "&&&"]);
    let end = select(vec!["", "", "", "", " ", " # gone", " || true", " &", " > /dev/null", " $X", " 'x'", " && true"]);
    let script = (vec(line.clone(), 1..3), separator, end).prop_map(|(lines, separator, end)| {
        lines.iter().map(|line| line.join(" ")).collect::<Vec<_>>().join(separator) + end
    });
    let shell = select(vec!["sh", "bash", "/bin/sh", "/usr/bin/bash", "/tmp/sh", "./sh", "echo"]);
    let shell_options = select(vec!["-c", "-c", "-c", "-ec", "-x", ""]);
    let through_shell = (shell, shell_options, script).prop_map(|(shell, options, script)| json!([shell, options, script]));
    prop_oneof![line.prop_map(Value::from), through_shell, one_of(&json!([[], null, ["rm -f /bin/sh /bin/bash"], ["rm"]]))]
        .boxed()
}

fn probe() -> BoxedStrategy<Value> {
    let exec = command().prop_map(|command| json!({"exec": {"command": command}, "periodSeconds": 1})).boxed();
    prop_oneof![4 => exec, 1 => one_of(&json!([null, {}, {"exec": {}}, {"httpGet": {"path": "/", "port": 80}}]))].boxed()
}

/// References to images: names and what may stand behind them, legal or not.
fn image() -> BoxedStrategy<Value> {
    let long = |letters: usize| "a".repeat(letters);
    let names: Vec<String> = [
        "nginx",
        "docker.io/nginx",
        "docker.io/library/nginx",
        "index.docker.io/library/nginx",
        "istio/proxyv2",
        "library/nginx",
        "registry.example.com/mesh/proxy",
        "registry.example.com/mesh/proxy",
        "registry.example.com/mesh/deep/proxy",
        "registry.example.com:5000/mesh/proxy",
        "Registry.example.com/mesh/proxy",
        "docker.io/registry.example.com/mesh/proxy",
        "registry:5000/app",
        "localhost/app",
        "localhost:5000/app",
        "localhost",
        "Upper/app",
        "app--x/y__z/a.b_c-d",
        "[::1]:5000/app",
        "[2001:DB8::1]/app",
        "xn--bcher-kva.example/a",
        "a.b",
        "docker.io",
        // Nobody can parse what follows.
        "Nginx",
        "registry.example.com/Web",
        "a//b",
        "/a",
        "a/",
        "-a",
        "a-",
        "_a",
        "a___b",
        "a..b",
        "a._b",
        "a.b/-c",
        "-host.example.com/a",
        "host-.example.com/a",
        "host..com/a",
        "host.com:/a",
        "host.com:http/a",
        "[::g]/a",
        "https://registry.example.com/a",
        " nginx",
        "ngin\u{445}",
        "",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([format!("r.io/{}", long(250)), format!("r.io/{}", long(256)), format!("{}/a", "b".repeat(60))])
    .collect();
    let versions: Vec<String> = ["", ":1.29", ":1.29", ":1.29", ":latest", ":LATEST", ":1.4-SNAPSHOT", ":SNAPSHOT", ":edge", ":edge-2"]
        .into_iter()
        .chain([":", ":.1", ":-1", ":_1", ":a b", ":1+2", ":1:2", ":1\n", " ", "@", "@sha256", "@sha256:", ":1@", "@sha256:zz"])
        .map(str::to_owned)
        .chain([
            format!(":{}", long(128)),
            format!(":{}", long(129)),
            format!("@{DIGEST}"),
            format!("@{DIGEST}"),
            format!(":latest@{DIGEST}"),
            format!(":@{DIGEST}"),
            format!("@{DIGEST}0"),
            format!("@{}", DIGEST.trim_end_matches('8')),
            format!("@{}", DIGEST.to_uppercase().replace("SHA", "sha")),
            format!("@{}", DIGEST.replace("sha256", "sha384")),
            format!("@{}", DIGEST.replace("sha256", "sha512")),
            format!("@{}", DIGEST.replace("sha256", "SHA256")),
            format!("@md5:{}", long(32)),
            format!("@sha384:{}", long(96)),
            format!(":1@sha512:{}", long(128)),
            format!("@sha512:{}", long(127)),
            format!("@{DIGEST}:1"),
            format!("@{DIGEST}@{DIGEST}"),
        ])
        .collect();
    let made = (select(names), select(versions)).prop_map(|(name, version)| Value::from(name + &version)).boxed();
    let bare = DIGEST.trim_start_matches("sha256:");
    let odd = one_of(&json!([bare, format!("x/{bare}"), format!("x/{bare}:1"), null]));
    prop_oneof![6 => made, 6 => related_image(), 1 => odd].boxed()
}

/// Images that have something to do with each other.
fn related_image() -> BoxedStrategy<Value> {
    let other = DIGEST.replace('9', "0");
    one_of(&json!([
        "nginx",
        "nginx:latest",
        "nginx:1.29",
        "nginx:1.30",
        "docker.io/library/nginx:1.29",
        format!("nginx@{DIGEST}"),
        format!("nginx:latest@{DIGEST}"),
        format!("nginx:1.29@{DIGEST}"),
        format!("nginx:1.29@{other}"),
        format!("docker.io/nginx:1.29@{DIGEST}"),
        "registry.example.com/mesh/proxy:2.0",
        "registry.example.com/mesh/proxy:2.0.1",
        format!("registry.example.com/mesh/proxy:2.0@{DIGEST}"),
    ]))
}

/// Paths that are protected, allowed, denied or near one of them, each spelled in some way.
fn path() -> BoxedStrategy<Value> {
    let place = select(vec![
        "/", "/tmp", "/tmp/x", "/tmpfs", "/usr", "/usr/bin", "/usr/bin/env", "/usr/local", "/usr/local/apache2/logs",
        "/usr/local/lib/x", "/lib", "/lib64/x", "/library", "/etc", "/etc/passwd", "/etc/passwd-", "/etc/ssl/certs",
        "/proc/sys", "/sys", "/boot", "/opt", "/opt/web", "/opt/web/plugins", "/opt/web2", "/srv", "/srv/a", "/srv/a/data",
        "/srv/a/b/data", "/srv/a/data/x", "/cache", "/cache/x", "/var", "/var/log", "/var/log/audit", "/var/log/audit/x",
        "/var/logs", "/var/lib/kubelet", "/var/run/docker.sock", "/dev/xvda", "/VAR/LOG", "/Usr/Bin", "/data", "/*", "/srv/*",
    ]);
    let spelled: [fn(&str) -> String; 14] = [
        str::to_owned,
        str::to_owned,
        str::to_owned,
        str::to_owned,
        |path| format!("{path}/"),
        |path| path.replace('/', "//"),
        |path| path.replace('/', "/./"),
        |path| format!("/x/..{path}"),
        |path| format!("/../..{path}/."),
        |path| format!("{path}/.."),
        |path| format!("{path}/../../bin"),
        |path| format!("{path}/..data"),
        |path| path.trim_start_matches('/').to_owned(),
        |path| format!("./{path}"),
    ];
    (place, select(spelled.to_vec())).prop_map(|(place, spell)| Value::from(spell(place))).boxed()
}

/// Paths as Windows has them.
fn windows_path() -> BoxedStrategy<Value> {
    of(&[
        "C:\\",
        "c:/",
        "C:\\Windows",
        "c:/WINDOWS/System32",
        "C:\\data\\..\\Windows",
        "C:\\data",
        "C:\\Data\\x",
        "C:\\data2",
        "C:\\ProgramData",
        "D:\\data",
        "D:\\usr\\bin",
        "d:/",
        "\\Windows",
        "/windows",
        "\\opt\\web\\plugins",
        "c:\\opt/web\\..\\web2",
        "C:\\\\tmp\\.\\x",
        "C:\\srv\\A\\data",
        "c:\\CACHE\\x",
    ])
}

fn volume_name() -> BoxedStrategy<Value> {
    of(&["data", "data", "logs", "node", "node", "site", "claimed"])
}

fn container(windows: bool) -> BoxedStrategy<Value> {
    let path = if windows { prop_oneof![windows_path(), path()].boxed() } else { path() };
    let mount = (volume_name(), path.clone(), one_of(&json!([true, false, false, null, null])))
        .prop_map(|(name, path, read_only)| json!({"name": name, "mountPath": path, "readOnly": read_only}));
    let device = (volume_name(), path).prop_map(|(name, path)| json!({"name": name, "devicePath": path}));
    fields(vec![
        ("image", image()),
        ("image", related_image()),
        ("restartPolicy", of(&["Always", "Always", "OnFailure", "always"])),
        ("securityContext", security_context()),
        ("securityContext", security_context()),
        ("startupProbe", probe()),
        ("livenessProbe", probe()),
        ("volumeMounts", list(mount.boxed(), 3)),
        ("volumeDevices", list(device.boxed(), 1)),
    ])
}

fn volume(windows: bool) -> BoxedStrategy<Value> {
    let source = one_of(&json!([
        {},
        {"emptyDir": {}},
        {"emptyDir": {"medium": "Memory"}},
        {"emptyDir": {}, "hostPath": null},
        {"configMap": {"name": "x"}},
        {"secret": {"secretName": "x"}},
        {"downwardAPI": {"items": []}},
        {"projected": {"sources": []}},
        {"persistentVolumeClaim": {"claimName": "x"}},
        {"persistentVolumeClaim": {"claimName": "x", "readOnly": true}},
        {"ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"csi": {"driver": "x"}},
        {"csi": {"driver": "x", "readOnly": true}},
        {"nfs": {"server": "x", "path": "/etc", "readOnly": false}},
        {"nfs": {"server": "x", "path": "/", "readOnly": true}},
        {"cephfs": {"monitors": ["x"], "readOnly": true}},
        {"iscsi": {"iqn": "x", "lun": 0, "targetPortal": "x"}},
        {"gitRepo": {"repository": "x"}},
        {"azureFile": {"secretName": "x", "shareName": "x", "readOnly": true}},
        {"flexVolume": {"driver": "x", "readOnly": null}},
        {"vsphereVolume": {"volumePath": "x"}},
    ]));
    let path = if windows { prop_oneof![windows_path(), path(), of(&["\\\\.\\pipe\\docker_engine"])].boxed() } else { path() };
    let host_path = path.prop_map(|path| json!({"hostPath": {"path": path, "type": "Directory"}})).boxed();
    let image_volume = image().prop_map(|image| json!({"image": {"reference": image}})).boxed();
    prop_oneof![4 => source, 3 => host_path, 1 => image_volume].boxed()
}

fn sysctl() -> BoxedStrategy<Value> {
    let name = of(&[
        "kernel.shm_rmid_forced",
        "net.ipv4.tcp_syncookies",
        "net/ipv4/tcp_wmem",
        "net.ipv4.tcp_notsent_lowat",
        "net.ipv4.tcp_syncookies2",
        "net.ipv4",
        "NET.IPV4.TCP_WMEM",
        "vm.swappiness",
        "vm/swappiness",
        "net.core.somaxconn",
        "net/core/somaxconn",
        "net.core.bpf_jit_enable",
        "net.core_private.x",
        "net/ipv4/conf/eth0.1/rp_filter",
        "net.ipv4.conf.eth0/1.rp_filter",
        "net.ipv4.conf.eth0.1.rp_filter",
        "kernel/msgmax",
        "*",
    ]);
    name.prop_map(|name| json!({"name": name, "value": "1"})).boxed()
}

fn pod_spec() -> BoxedStrategy<Value> {
    prop_oneof![3 => pod_spec_of(false), 1 => pod_spec_of(true)].boxed()
}

fn pod_spec_of(windows: bool) -> BoxedStrategy<Value> {
    let context = fields(vec![
        ("runAsNonRoot", flag(true)),
        ("runAsUser", id()),
        ("runAsGroup", id()),
        ("fsGroup", id()),
        ("supplementalGroups", list(one_of(&json!([0, 999, 1000, 10000])), 2)),
        ("sysctls", list(sysctl(), 2)),
        ("windowsOptions", windows_options()),
    ]);
    let others = fields(vec![
        ("securityContext", context.clone()),
        ("securityContext", context),
        ("hostNetwork", flag(false)),
        ("hostPID", flag(false)),
        ("hostIPC", flag(false)),
        ("hostUsers", one_of(&json!([false, false, true, null]))),
        ("shareProcessNamespace", flag(false)),
    ]);
    let containers = (
        vec(container(windows), 0..3),
        vec(container(windows), 0..3),
        vec(container(windows), 0..3),
    );
    let names = Just(vec!["web", "proxy", "istio-init", "istio-proxy", "debug", "mesh-a", "Web", "web-2"]).prop_shuffle();
    let volumes = (Just(vec!["data", "logs", "node", "site"]).prop_shuffle(), vec(volume(windows), 0..4));
    let os = of(if windows { &["windows"] } else { &["linux", "", "Windows"] });
    (containers, names, volumes, others, os)
        .prop_map(|((regular, init, ephemeral), names, (volume_names, volumes), mut spec, os)| {
            let mut names = names.into_iter();
            let mut named = |containers: Vec<Value>| -> Value {
                let pairs = containers.into_iter().zip(names.by_ref());
                pairs.map(|(container, name)| with_name(container, name)).collect()
            };
            spec["containers"] = named(regular);
            spec["initContainers"] = named(init);
            spec["ephemeralContainers"] = named(ephemeral);
            spec["volumes"] =
                volumes.into_iter().zip(volume_names).map(|(volume, name)| with_name(volume, name)).collect();
            if os != "" {
                spec["os"] = json!({"name": os});
            }
            spec
        })
        .boxed()
}

fn with_name(mut value: Value, name: &str) -> Value {
    value["name"] = name.into();
    value
}

/// Some of these values, in their order.
fn some_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::subsequence(values, 0..=values.len()).prop_map(Value::from).boxed()
}

/// Settings of every rule.
fn settings() -> BoxedStrategy<Value> {
    let rules: Vec<_> = TWINS.iter().map(|(rule, _)| rule_settings(rule)).collect();
    let switches = fields(vec![
        ("enforcement", one_of(&json!(["deny", "deny", "warn"]))),
        ("onUpdate", of(&["changes", "all"])),
        ("exemptions", vec(exemption(), 0..4).prop_map(Value::from).boxed()),
    ]);
    (rules, switches)
        .prop_map(|(rules, mut settings)| {
            for ((rule, _), options) in TWINS.iter().zip(rules) {
                if let Some(options) = options {
                    settings[*rule] = options;
                }
            }
            settings
        })
        .boxed()
}

/// What the settings say of a rule: nothing, a mode alone, or an object.
fn rule_settings(rule: &str) -> BoxedStrategy<Option<Value>> {
    let bare = one_of(&json!(["deny", "deny", "warn", "off", false])).prop_map(Some);
    let mode = ("mode", one_of(&json!(["deny", "deny", "deny", "warn", "off", false])));
    let object = fields([options(rule), vec![mode]].concat()).prop_map(Some);
    prop_oneof![2 => Just(None), 2 => bare, 6 => object].boxed()
}

/// The options of a rule.
fn options(rule: &str) -> Vec<(&'static str, BoxedStrategy<Value>)> {
    let switch = || one_of(&json!([true, true, false]));
    let ranges = || {
        one_of(&json!([
            [],
            [{"min": 1000, "max": 1999}, {"min": 10000, "max": 65535}],
            [{"min": 0, "max": 65535}],
            [{"min": 1000, "max": 1000}],
        ]))
    };
    match rule {
        "runAsNonRoot" => vec![
            ("userRanges", ranges()),
            ("groups", switch()),
            ("groupRanges", ranges()),
            ("allowInUserNamespace", switch()),
        ],
        "hostNamespaces" => vec![("allow", some_of(&["hostNetwork", "hostPID", "hostIPC"]))],
        "imageReference" => vec![
            ("require", of(&["tag", "tag", "digest"])),
            ("deniedTags", some_of(&["latest", "edge", "*-SNAPSHOT", "1.*9", "_*"])),
        ],
        "imageChange" => vec![("allowPinning", switch()), ("allowSameRepository", switch())],
        "hostPathVolumes" => {
            let allowed = json!([
                [],
                [{"pathPrefix": "/"}],
                [{"pathPrefix": "/var/log/"}],
                [{"pathPrefix": "/var", "readOnly": true}, {"pathPrefix": "/var/log"}],
                [{"pathPrefix": "/var/log", "readOnly": false}, {"pathPrefix": "/var/log/audit", "readOnly": true}],
                [{"pathPrefix": "/", "readOnly": true}, {"pathPrefix": "/data"}],
            ]);
            vec![
                ("allowed", one_of(&allowed)),
                ("denied", some_of(&["/etc", "/var/run/docker.sock", "/var/log/audit/x", "/windows"])),
            ]
        }
        "writableMounts" => {
            let types = ["emptyDir", "persistentVolumeClaim", "ephemeral", "nfs", "csi", "hostPath"];
            let allowed = ["/tmp/", "/srv/*/data", "/cache/**", "/var/l*", "/opt/web2", "/data", "/usr"];
            vec![
                ("protectedPaths", some_of(&["/opt/web/", "/usr/bin", "/Windows", "/var/log/audit"])),
                ("allowedPaths", prop_oneof![Just(Value::Null), some_of(Box::leak(Box::new(allowed)))].boxed()),
                ("allowedTypes", some_of(Box::leak(Box::new(types)))),
            ]
        }
        "capabilities" => vec![
            ("requiredDrop", some_of(&["NET_RAW", "CAP_MKNOD", "sys_chroot"])),
            ("requiredDrop", Just(json!(["ALL"])).boxed()),
            ("allowedAdd", some_of(&["NET_BIND_SERVICE", "cap_chown", "KILL"])),
            ("allowedAdd", one_of(&json!([["*"], []]))),
            ("deniedAdd", some_of(&["CAP_SYS_MODULE", "sys_admin"])),
        ],
        "procMount" => vec![("allowInUserNamespace", switch())],
        "sysctls" => vec![
            ("allowed", some_of(&["net.core.*", "kernel/msg*", "net/ipv4/conf/eth0.1/*", "*.swappiness"])),
            ("denied", some_of(&["net.core.bpf_*", "net/ipv4/tcp_s*", "kernel.shm"])),
        ],
        "interactiveAccess" => vec![
            ("subresources", proptest::sample::subsequence(vec!["exec", "attach", "portforward", "proxy"], 1..=4).prop_map(Value::from).boxed()),
            ("allowedCommands", one_of(&json!([[], [["nginx", "-t"], ["cat", "/etc/nginx/*"]], [["cat", "*"]], [["*"], ["sh", "-c", "*-t"]]]))),
        ],
        "shellRemoval" => vec![("paths", one_of(&json!([["/bin/sh"], ["/bin/busybox", "/bin/bash"], ["/bin/sh", "/bin/bash"]])))],
        _ => Vec::new(),
    }
}

fn exemption() -> BoxedStrategy<Value> {
    let matchers = fields(vec![
        ("images", some_one_of(&["nginx", "istio/*", "registry.example.com/mesh/*", "registry.example.com/mesh/proxy:2.0", "docker.io/library/ng*", "nginx:1.*", "*"])),
        ("images", Just(json!([format!("nginx@{DIGEST}")])).boxed()),
        ("containers", some_one_of(&["web", "istio-*", "mesh-a", "*"])),
        ("namespaces", some_one_of(&["shop", "mesh-*"])),
        ("users", some_one_of(&["alice", "system:serviceaccount:ci:*", "oidc:*", "oidc:ops/*"])),
        ("groups", some_one_of(&["breakglass", "system:*"])),
    ]);
    let rules = vec(select(TWINS.iter().map(|(rule, _)| *rule).collect::<Vec<_>>()), 1..4);
    let others = fields(vec![
        ("expires", of(&["2020-02-29", "9999-12-31"])),
        ("rules", rules.prop_map(|mut rules| { rules.sort_unstable(); rules.dedup(); Value::from(rules) }).boxed()),
    ]);
    (matchers, others)
        .prop_map(|(mut matchers, others)| {
            if matchers.as_object().is_some_and(serde_json::Map::is_empty) {
                matchers["namespaces"] = json!(["shop"]);
            }
            for (key, value) in others.as_object().into_iter().flatten() {
                matchers[key] = value.clone();
            }
            matchers["reason"] = "somebody has to".into();
            matchers
        })
        .boxed()
}

/// One or two of these values.
fn some_one_of(values: &'static [&'static str]) -> BoxedStrategy<Value> {
    proptest::sample::subsequence(values, 1..=2).prop_map(Value::from).boxed()
}
