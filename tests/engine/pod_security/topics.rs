//! Changes to pods that a level may refuse, by topic: fields of the pod and of its containers that belong together.

use proptest::prelude::{Strategy, any};
use proptest::strategy::BoxedStrategy;
use serde_json::{Value, json};

use super::restricted::{ALLOWED_VOLUMES, OTHER_VOLUMES};
use crate::generators::{fields, list, one_of};

/// A value at a path of the pod, or of one of its containers.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) container: Option<usize>,
    pub(super) path: &'static [&'static str],
    pub(super) value: Value,
}

/// Generates one change.
pub(super) type AnyChange = BoxedStrategy<Change>;

fn on_pod(path: &'static [&'static str], values: BoxedStrategy<Value>) -> AnyChange {
    values.prop_map(move |value| Change { container: None, path, value }).boxed()
}

fn on_container(path: &'static [&'static str], values: BoxedStrategy<Value>) -> AnyChange {
    let change = move |(container, value)| Change { container: Some(container), path, value };
    (any::<usize>(), values).prop_map(change).boxed()
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
        on_container(&["securityContext", "seccompProfile"], profile),
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
        on_container(&["securityContext", "appArmorProfile"], profile),
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
        on_container(&["securityContext", "seLinuxOptions"], options),
        on_pod(&["spec", "securityContext", "seLinuxOptions"], one_of(&json!([null, {}]))),
    ]
}

fn users() -> Vec<AnyChange> {
    let flag = one_of(&json!([true, true, true, null, false]));
    let user = one_of(&json!([1, 1000, 65534, null, 0]));
    let group = one_of(&json!([0, 1000, null]));
    vec![
        on_pod(&["spec", "securityContext", "runAsNonRoot"], flag.clone()),
        on_container(&["securityContext", "runAsNonRoot"], flag),
        on_pod(&["spec", "securityContext", "runAsUser"], user.clone()),
        on_container(&["securityContext", "runAsUser"], user),
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
        on_container(&["ports"], list(port, 2)),
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
    let volumes = vec![of(&ALLOWED_VOLUMES), of(&ALLOWED_VOLUMES), others, of(&OTHER_VOLUMES), node];
    let volume = proptest::strategy::Union::new(volumes).boxed();
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
        on_container(&["securityContext", "windowsOptions"], options),
        on_container(&["securityContext", "capabilities"], one_of(&json!([null, {}]))),
        on_container(&["securityContext", "allowPrivilegeEscalation"], one_of(&json!([null]))),
        on_pod(&["spec", "securityContext", "seccompProfile"], one_of(&json!([null]))),
    ]
}
