//! Generators of pod specs.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use super::images::{image, related_image};
use super::paths::{path, windows_path};
use super::probes::{lifecycle, network_probe, probe};
use crate::generators::{fields, list, of, one_of};
use crate::reference::REFERENCE_RULES;

/// Generates a boolean that is mostly the secure value, so that most pods have few findings.
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
        "NT AUTHORITY\\System",
        "system",
        "SYSTEM2",
        "CORP/LocalSystem",
        "Administrator@corp.example.com",
        "Administrator. .",
        "administrators",
        "S-1-5-18",
        "s-1-5-93-2-1",
        "S-1-5-21-1-2-3-500",
        "S-1-5-21-1-2-3-501",
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
        "NET_BIND_SERVICE",
        "NET_BIND_SERVICE",
        "net_bind_service",
        "CAP_NET_BIND_SERVICE",
        "Cap_Net_Bind_Service",
        "NET_BIND",
        "NET_BIND_SERVICE2",
        "NET_ADMIN",
        "cap_sys_admin",
        "SYS_MODULE",
        "SYS_MODULE",
        "SYS_ADMIN",
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
    let dropped = of(&[
        "ALL",
        "all",
        "CAP_ALL",
        "NET_RAW",
        "net_raw",
        "CAP_NET_RAW",
        "MKNOD",
        "mknod",
        "SYS_CHROOT",
        "*",
    ]);
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
        ("procMount", of(&["Default", "Default", "Unmasked", "default", "Tomorrow", ""])),
        ("capabilities", capabilities()),
        ("windowsOptions", windows_options()),
        ("seccompProfile", profile()),
        ("appArmorProfile", profile()),
        ("seLinuxOptions", se_linux_options()),
    ])
}

/// Generates seccomp and AppArmor profiles, mostly the one of the runtime.
fn profile() -> BoxedStrategy<Value> {
    one_of(&json!([
        {"type": "RuntimeDefault"},
        {"type": "RuntimeDefault"},
        {"type": "RuntimeDefault"},
        {"type": "Localhost", "localhostProfile": "profiles/web.json"},
        {"type": "Localhost", "localhostProfile": "web.json"},
        {"type": "Localhost"},
        {"type": "Unconfined"},
        {"type": "Unconfined", "localhostProfile": "profiles/web.json"},
        {"type": "runtimedefault"},
        {"type": "runtime/default"},
        {"type": ""},
        {"localhostProfile": "profiles/web.json"},
        {},
        null,
    ]))
}

fn se_linux_options() -> BoxedStrategy<Value> {
    let types = of(&[
        "container_t",
        "container_t",
        "container_t",
        "container_init_t",
        "container_kvm_t",
        "container_engine_t",
        "spc_t",
        "Container_t",
        "",
    ]);
    fields(vec![
        ("type", types.clone()),
        ("type", types),
        ("user", of(&["", "", "", "system_u"])),
        ("role", of(&["", "", "", "system_r"])),
        ("level", of(&["s0:c123,c456"])),
    ])
}

fn volume_name() -> BoxedStrategy<Value> {
    of(&["data", "data", "logs", "node", "node", "site", "claimed"])
}

fn mount_fields() -> BoxedStrategy<Value> {
    let parts = of(&["", "", "", ".", "a/..", "a", "a/", "a/b", "./a/b", "ab", "c"]);
    let options = one_of(&json!([
        null,
        [],
        ["noexec"],
        ["noexec", "nosuid"],
        ["nosuid", "noexec", "nodev"],
        ["nodev"],
        ["NOEXEC", "ro"],
    ]));
    fields(vec![
        ("readOnly", one_of(&json!([true, true, false, null]))),
        ("readOnly", one_of(&json!([true, false]))),
        ("subPath", parts),
        ("subPathExpr", one_of(&json!(["$(A)", "", null, null, null]))),
        ("recursiveReadOnly", of(&["Enabled", "Enabled", "IfPossible", "Disabled", ""])),
        ("bindMountOptions", options),
    ])
}

fn container(windows: bool) -> BoxedStrategy<Value> {
    let path = prop_oneof![if windows { 5 } else { 1 } => windows_path(), 5 => path()].boxed();
    let mount = (volume_name(), path.clone(), mount_fields())
        .prop_map(|(name, path, mut mount)| {
            mount["name"] = name;
            mount["mountPath"] = path;
            mount
        })
        .boxed();
    let messages =
        prop_oneof![3 => of(&["", "/dev/termination-log", "dev/./termination-log"]), 2 => path.clone()];
    let device = (volume_name(), path).prop_map(|(name, path)| json!({"name": name, "devicePath": path}));
    let of_rules = REFERENCE_RULES.iter().flat_map(|rule| (rule.container_fields)());
    let common = vec![
        ("image", prop_oneof![1 => image(), 2 => related_image()].boxed()),
        ("image", related_image()),
        ("restartPolicy", of(&["Always", "Always", "OnFailure", "always"])),
        ("securityContext", security_context()),
        ("securityContext", security_context()),
        ("startupProbe", probe()),
        ("livenessProbe", probe()),
        ("readinessProbe", network_probe()),
        ("lifecycle", lifecycle()),
        ("volumeMounts", list(mount, 3)),
        ("terminationMessagePath", messages.boxed()),
        ("volumeDevices", list(device.boxed(), 1)),
    ];
    fields(common.into_iter().chain(of_rules).collect())
}

fn volume(windows: bool) -> BoxedStrategy<Value> {
    let source = one_of(&json!([
        {},
        {"emptyDir": {}},
        {"emptyDir": {"medium": "Memory"}},
        {"emptyDir": {}, "hostPath": null},
        {"configMap": {"name": "x"}},
        {"configMap": {"name": "x"}},
        {"configMap": {"name": "x"}},
        {"secret": {"secretName": "x"}},
        {"downwardAPI": {"items": []}},
        {"projected": {"sources": []}},
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
    let path = if windows {
        prop_oneof![windows_path(), path(), of(&["\\\\.\\pipe\\docker_engine"])].boxed()
    } else {
        path()
    };
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

/// Generates any pod spec, for Linux or for Windows.
pub(super) fn pod_spec() -> BoxedStrategy<Value> {
    prop_oneof![3 => pod_spec_of(false), 1 => pod_spec_of(true)].boxed()
}

fn pod_spec_of(windows: bool) -> BoxedStrategy<Value> {
    let context = fields(vec![
        ("runAsNonRoot", flag(true)),
        ("runAsUser", id()),
        ("runAsGroup", id()),
        ("fsGroup", id()),
        ("supplementalGroups", list(one_of(&json!([0, 999, 1000, 10000])), 2)),
        ("sysctls", list(sysctl(), 3)),
        ("sysctls", list(sysctl(), 3)),
        ("windowsOptions", windows_options()),
        ("seccompProfile", profile()),
        ("seccompProfile", profile()),
        ("appArmorProfile", profile()),
        ("seLinuxOptions", se_linux_options()),
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
    let containers =
        (vec(container(windows), 0..3), vec(container(windows), 0..3), vec(container(windows), 0..3));
    let names = Just(vec!["web", "proxy", "istio-init", "istio-proxy", "debug", "mesh-a", "Web", "web-2"])
        .prop_shuffle();
    let volumes = (Just(vec!["data", "logs", "node", "site"]).prop_shuffle(), vec(volume(windows), 0..4));
    let os = of(if windows { &["windows"] } else { &["linux", "", "Windows"] });
    (containers, names, volumes, others, os)
        .prop_map(|((regular, init, ephemeral), names, (volume_names, volumes), mut spec, os)| {
            let mut names = names.into_iter();
            let mut with_names = |containers: Vec<Value>| -> Value {
                let pairs = containers.into_iter().zip(names.by_ref());
                pairs.map(|(container, name)| with_name(container, name)).collect()
            };
            spec["containers"] = with_names(regular);
            spec["initContainers"] = with_names(init);
            spec["ephemeralContainers"] = with_names(ephemeral);
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
