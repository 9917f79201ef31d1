//! Changes to pods that a level may refuse, by topic: fields of the pod and of its containers that belong together.

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::{BoxedStrategy, Union};
use serde_json::{Value, json};

use super::restricted::{ALLOWED_VOLUMES, OTHER_VOLUMES};
use crate::generators::{fields, list, one_of};

/// What a change is made to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Pod,
    /// One container, by a number that may be larger than that of the containers.
    Container(usize),
    /// Each container, so that they override the pod's value.
    Containers,
}

/// A value at a path.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) target: Target,
    pub(super) path: &'static [&'static str],
    pub(super) value: Value,
}

/// Generates changes that belong together.
pub(super) type AnyChange = BoxedStrategy<Vec<Change>>;

fn on_pod(path: &'static [&'static str], values: BoxedStrategy<Value>) -> AnyChange {
    values.prop_map(move |value| vec![Change { target: Target::Pod, path, value }]).boxed()
}

fn on_container(path: &'static [&'static str], values: BoxedStrategy<Value>) -> AnyChange {
    let target = prop_oneof![2 => any::<usize>().prop_map(Target::Container), 1 => Just(Target::Containers)];
    (target, values).prop_map(move |(target, value)| vec![Change { target, path, value }]).boxed()
}

/// Generates a value of the pod that each container overrides.
fn crossed(
    path_of_pod: &'static [&'static str],
    path: &'static [&'static str],
    values: BoxedStrategy<Value>,
) -> AnyChange {
    let changes = move |(of_pod, of_containers)| {
        vec![
            Change { target: Target::Pod, path: path_of_pod, value: of_pod },
            Change { target: Target::Containers, path, value: of_containers },
        ]
    };
    (values.clone(), values).prop_map(changes).boxed()
}

/// Returns the changes of each topic. Good values are frequent, so that most pods have few bad ones.
pub(super) fn topics() -> Vec<Vec<AnyChange>> {
    vec![
        seccomp(),
        app_armor(),
        se_linux(),
        users(),
        capabilities(),
        privileges(),
        hosts(),
        handlers(),
        volumes(),
        kernel(),
        windows(),
    ]
}

fn seccomp() -> Vec<AnyChange> {
    let good = json!({"type": "RuntimeDefault"});
    let profile = one_of(&json!([
        good,
        good,
        {"type": "Localhost", "localhostProfile": "web.json"},
        {"type": "Localhost"},
        null,
        {"type": "Unconfined"},
    ]));
    let annotations = vec![
        ("seccomp.security.alpha.kubernetes.io/pod", one_of(&json!(["unconfined", "runtime/default"]))),
        (
            "container.seccomp.security.alpha.kubernetes.io/web",
            one_of(&json!(["unconfined", "docker/default"])),
        ),
    ];
    vec![
        on_pod(&["spec", "securityContext", "seccompProfile"], profile.clone()),
        on_container(&["securityContext", "seccompProfile"], profile.clone()),
        crossed(
            &["spec", "securityContext", "seccompProfile"],
            &["securityContext", "seccompProfile"],
            profile,
        ),
        on_pod(&["metadata", "annotations"], fields(annotations)),
        on_pod(&["spec", "hostUsers"], one_of(&json!([false, null]))),
    ]
}

fn app_armor() -> Vec<AnyChange> {
    let profile = one_of(&json!([
        {"type": "RuntimeDefault"},
        {"type": "Localhost", "localhostProfile": "web"},
        {"type": "Localhost"},
        null,
        {"type": "Unconfined"},
    ]));
    let values = one_of(&json!([
        "runtime/default",
        "runtime/default",
        "localhost/web",
        "localhost/",
        "",
        null,
        "unconfined",
        "RuntimeDefault",
        "localhost",
        "docker/default",
    ]));
    let annotations = fields(vec![
        ("container.apparmor.security.beta.kubernetes.io/web", values.clone()),
        ("container.apparmor.security.beta.kubernetes.io/absent", values.clone()),
        ("container.apparmor.security.beta.kubernetes.io/", values.clone()),
        ("apparmor.security.beta.kubernetes.io/pod", values),
    ]);
    vec![
        on_pod(&["spec", "securityContext", "appArmorProfile"], profile.clone()),
        on_container(&["securityContext", "appArmorProfile"], profile.clone()),
        crossed(
            &["spec", "securityContext", "appArmorProfile"],
            &["securityContext", "appArmorProfile"],
            profile,
        ),
        on_pod(&["metadata", "annotations"], annotations),
    ]
}

fn se_linux() -> Vec<AnyChange> {
    let types = one_of(&json!([
        "container_t",
        "container_init_t",
        "container_kvm_t",
        "container_engine_t",
        "",
        null,
        "spc_t",
        "Container_t",
        "container_t ",
    ]));
    let options = fields(vec![
        ("type", types),
        ("user", one_of(&json!(["", "", null, null, "system_u"]))),
        ("role", one_of(&json!(["", "", null, null, "system_r"]))),
        ("level", one_of(&json!(["s0:c1,c2", "", null]))),
    ]);
    vec![
        on_pod(&["spec", "securityContext", "seLinuxOptions"], options.clone()),
        on_container(&["securityContext", "seLinuxOptions"], options.clone()),
        crossed(
            &["spec", "securityContext", "seLinuxOptions"],
            &["securityContext", "seLinuxOptions"],
            options,
        ),
        on_pod(&["spec", "securityContext", "seLinuxOptions"], one_of(&json!([null, {}]))),
    ]
}

fn users() -> Vec<AnyChange> {
    let flag = one_of(&json!([true, true, true, null, false]));
    let user = one_of(&json!([1, 1000, 65534, null, 0]));
    let group = one_of(&json!([0, 1000, null]));
    vec![
        on_pod(&["spec", "securityContext", "runAsNonRoot"], flag.clone()),
        on_container(&["securityContext", "runAsNonRoot"], flag.clone()),
        crossed(&["spec", "securityContext", "runAsNonRoot"], &["securityContext", "runAsNonRoot"], flag),
        on_pod(&["spec", "securityContext", "runAsUser"], user.clone()),
        on_container(&["securityContext", "runAsUser"], user.clone()),
        crossed(&["spec", "securityContext", "runAsUser"], &["securityContext", "runAsUser"], user),
        on_pod(&["spec", "securityContext", "fsGroup"], group.clone()),
        on_container(&["securityContext", "runAsGroup"], group),
        on_pod(&["spec", "hostUsers"], one_of(&json!([false, false, true, null]))),
    ]
}

fn capabilities() -> Vec<AnyChange> {
    let add = one_of(&json!([
        null,
        [],
        ["NET_BIND_SERVICE"],
        ["NET_BIND_SERVICE"],
        ["CHOWN"],
        ["SETPCAP", "NET_BIND_SERVICE"],
        ["CAP_NET_BIND_SERVICE"],
        ["net_bind_service"],
        ["chown"],
        ["CAP_CHOWN"],
        ["NET_RAW"],
        ["ALL"],
        ["all"],
        [""],
    ]));
    let drop = one_of(&json!([
        ["ALL"],
        ["ALL"],
        ["ALL"],
        ["NET_RAW", "ALL"],
        ["ALL", "all"],
        ["all"],
        ["CAP_ALL"],
        ["NET_RAW"],
        [],
        null,
    ]));
    let both = fields(vec![("add", one_of(&json!([null, ["NET_BIND_SERVICE"]]))), ("drop", drop.clone())]);
    vec![
        on_container(&["securityContext", "capabilities", "add"], add),
        on_container(&["securityContext", "capabilities", "drop"], drop),
        on_container(&["securityContext", "capabilities"], both),
    ]
}

fn privileges() -> Vec<AnyChange> {
    let proc_mount = one_of(&json!(["Default", "Default", null, "Unmasked", "Unmasked"]));
    vec![
        on_container(
            &["securityContext", "allowPrivilegeEscalation"],
            one_of(&json!([false, false, true, null])),
        ),
        on_container(&["securityContext", "privileged"], one_of(&json!([false, false, null, true]))),
        on_container(&["securityContext", "procMount"], proc_mount),
        on_pod(&["spec", "hostUsers"], one_of(&json!([false, false, true, null]))),
        on_container(&["securityContext"], one_of(&json!([null, {}]))),
    ]
}

fn hosts() -> Vec<AnyChange> {
    let flag = one_of(&json!([false, false, null, true]));
    let port = fields(vec![
        ("hostPort", one_of(&json!([0, 0, null, 80, 65535]))),
        ("containerPort", one_of(&json!([80, 8080]))),
        ("hostIP", one_of(&json!(["127.0.0.1", "", null]))),
    ]);
    vec![
        on_pod(&["spec", "hostNetwork"], flag.clone()),
        on_pod(&["spec", "hostPID"], flag.clone()),
        on_pod(&["spec", "hostIPC"], flag),
        on_pod(&["spec", "hostUsers"], one_of(&json!([false, null]))),
        on_pod(&["spec", "shareProcessNamespace"], one_of(&json!([true, null]))),
        on_container(&["ports"], list(port.clone(), 2)),
        on_container(&["ports"], list(port, 1)),
    ]
}

fn handlers() -> Vec<AnyChange> {
    let host = one_of(&json!([
        "",
        "",
        "",
        null,
        null,
        null,
        "127.0.0.1",
        "::1",
        "localhost",
        "10.0.0.1",
        "example.com",
        " ",
    ]));
    let header = one_of(&json!([null, [{"name": "Host", "value": "example.com"}]]));
    let port = one_of(&json!([80, "http"]));
    let http = fields(vec![("host", host.clone()), ("port", port.clone()), ("httpHeaders", header)]);
    let tcp = fields(vec![("host", host), ("port", port)]);
    let action = fields(vec![
        ("httpGet", http),
        ("tcpSocket", tcp),
        ("exec", one_of(&json!([{"command": ["true"]}]))),
    ]);
    let hooks = fields(vec![("postStart", action.clone()), ("preStop", action.clone())]);
    let grpc = one_of(&json!([{"grpc": {"port": 80, "service": "example.com"}}, null]));
    vec![
        on_container(&["livenessProbe"], action.clone()),
        on_container(&["readinessProbe"], action.clone()),
        on_container(&["startupProbe"], action),
        on_container(&["startupProbe"], grpc),
        on_container(&["lifecycle"], hooks),
    ]
}

fn volumes() -> Vec<AnyChange> {
    let of = |types: &[&'static str]| {
        let volumes = types.iter().map(|volume_type| json!({"name": volume_type, *volume_type: {}}));
        one_of(&volumes.collect::<Vec<_>>().into())
    };
    let others = one_of(&json!([{"name": "none"}, {"name": "null", "nfs": null, "emptyDir": null}]));
    let node = one_of(&json!([{"name": "node", "hostPath": {"path": "/var/log"}}]));
    let volumes = vec![
        of(&ALLOWED_VOLUMES),
        of(&ALLOWED_VOLUMES),
        others,
        of(&OTHER_VOLUMES),
        of(&OTHER_VOLUMES),
        node,
    ];
    let volume = Union::new(volumes).boxed();
    vec![on_pod(&["spec", "volumes"], list(volume, 2))]
}

fn kernel() -> Vec<AnyChange> {
    let name = one_of(&json!([
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_rmem",
        "net.ipv4.tcp_wmem",
        "net.ipv4.tcp_slow_start_after_idle",
        "net.ipv4.tcp_notsent_lowat",
        "net/ipv4/tcp_syncookies",
        "net.ipv4/tcp_syncookies",
        "kernel/shm_rmid_forced",
        "kernel.msgmax",
        "net.core.somaxconn",
        "vm.swappiness",
    ]));
    let sysctl = name.prop_map(|name| json!({"name": name, "value": "1"})).boxed();
    vec![
        on_pod(&["spec", "securityContext", "sysctls"], list(sysctl, 2)),
        on_pod(&["spec", "os"], one_of(&json!([null, {"name": "linux"}, {"name": "windows"}]))),
    ]
}

fn windows() -> Vec<AnyChange> {
    let options = fields(vec![
        ("hostProcess", one_of(&json!([false, false, null, true]))),
        ("runAsUserName", one_of(&json!(["ContainerUser", "ContainerAdministrator", "", null]))),
    ]);
    vec![
        on_pod(
            &["spec", "os"],
            one_of(&json!([{"name": "windows"}, {"name": "windows"}, {"name": "linux"}, null])),
        ),
        on_pod(&["spec", "securityContext", "windowsOptions"], options.clone()),
        on_container(&["securityContext", "windowsOptions"], options.clone()),
        crossed(
            &["spec", "securityContext", "windowsOptions"],
            &["securityContext", "windowsOptions"],
            options,
        ),
        on_container(&["securityContext", "capabilities"], one_of(&json!([null, {}]))),
        on_container(&["securityContext", "allowPrivilegeEscalation"], one_of(&json!([null]))),
        on_pod(&["spec", "securityContext", "seccompProfile"], one_of(&json!([null]))),
    ]
}
