//! The controls of the level baseline.

use serde_json::{Value, json};

use super::matrix::Control;

/// The capabilities that baseline lets containers add. Restricted admits only `NET_BIND_SERVICE`.
const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// The other capabilities of Linux, and values that are no canonical names.
const OTHER_CAPABILITIES: [&str; 35] = [
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "DAC_READ_SEARCH",
    "IPC_LOCK",
    "IPC_OWNER",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "NET_ADMIN",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
    "ALL",
    "all",
    "chown",
    "CAP_CHOWN",
    "CAP_NET_BIND_SERVICE",
    "net_bind_service",
    "",
];

const SAFE_SYSCTLS: [&str; 14] = [
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
];

const OTHER_SYSCTLS: [&str; 8] = [
    "kernel.msgmax",
    "kernel.shm_rmid_force",
    "kernel/shm_rmid_forced",
    "net.ipv4.tcp_syncookie",
    "net.ipv4.tcp_syncookies.x",
    "net/ipv4/tcp_syncookies",
    "net.core.somaxconn",
    "vm.swappiness",
];

/// Hosts that a probe must not name, though some of them are the container's own.
const HOSTS: [&str; 8] =
    ["127.0.0.1", "::1", "localhost", "10.0.0.1", "169.254.169.254", "example.com", " ", "0"];

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

const HOOKS: [&str; 2] = ["postStart", "preStop"];

pub(super) fn controls() -> Vec<Control> {
    let mut controls = host_controls();
    controls.extend([capabilities(), host_path_volumes(), host_ports(), sysctls()]);
    controls.extend(handlers());
    controls.extend(app_armor());
    controls.extend(se_linux());
    controls.extend(proc_mount());
    controls.extend(seccomp());
    controls
}

fn host_controls() -> Vec<Control> {
    let flag = |control: Control| control.admits(&json!([false, null])).denies(&json!([true]));
    let process = ["securityContext", "windowsOptions", "hostProcess"];
    let pod_process = ["spec", "securityContext", "windowsOptions", "hostProcess"];
    let mut controls = vec![
        flag(Control::new("hostProcess").pod(&pod_process).container(&process)),
        flag(Control::new("hostProcess on Windows").with(windows()).pod(&pod_process).container(&process)),
        flag(Control::new("privileged").container(&["securityContext", "privileged"])),
    ];
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        controls.push(flag(Control::new(field).pod(&["spec", field])));
        controls.push(flag(Control::new(field).with(json!({"hostUsers": false})).pod(&["spec", field])));
    }
    controls
}

/// Returns the fields of a pod spec that make a pod a Windows pod.
pub(super) fn windows() -> Value {
    json!({"os": {"name": "windows"}})
}

fn capabilities() -> Control {
    let lists = |names: &[&str]| Value::from(names.iter().map(|name| json!([name])).collect::<Vec<_>>());
    let beyond_restricted: Vec<_> =
        DEFAULT_CAPABILITIES.into_iter().filter(|name| *name != "NET_BIND_SERVICE").collect();
    Control::new("capabilities.add")
        .container(&["securityContext", "capabilities", "add"])
        .admits(&json!([null, [], ["NET_BIND_SERVICE"], ["NET_BIND_SERVICE", "NET_BIND_SERVICE"]]))
        .baseline_admits(&lists(&beyond_restricted))
        .baseline_admits(&json!([DEFAULT_CAPABILITIES]))
        .denies(&lists(&OTHER_CAPABILITIES))
        .denies(&json!([["NET_BIND_SERVICE", "NET_ADMIN"], ["SYS_ADMIN", "CHOWN"]]))
}

fn host_path_volumes() -> Control {
    let node = json!({"name": "node", "hostPath": {"path": "/var/log"}});
    let scratch = json!({"name": "scratch", "emptyDir": {}});
    Control::new("hostPath")
        .pod(&["spec", "volumes"])
        .admits(&json!([null, [], [scratch], [{"name": "scratch", "emptyDir": {}, "hostPath": null}]]))
        .denies(
            &json!([[node], [scratch, node], [{"name": "node", "hostPath": {"path": "", "type": "File"}}]]),
        )
}

fn host_ports() -> Control {
    let port =
        |host_port: Value| json!([{"containerPort": 8080}, {"containerPort": 80, "hostPort": host_port}]);
    Control::new("ports")
        .container(&["ports"])
        .only_in(|place| place.list != "ephemeralContainers")
        .admits(&json!([null, [], port(json!(0)), port(json!(null)), [{"containerPort": 80, "hostIP": "127.0.0.1"}]]))
        .denies(&json!([port(json!(80)), port(json!(1)), port(json!(65535))]))
}

fn handlers() -> Vec<Control> {
    let mut controls = Vec::new();
    let hooks = HOOKS.map(|hook| vec!["lifecycle", hook]);
    for path in PROBES.map(|probe| vec![probe]).into_iter().chain(hooks) {
        for handler in ["httpGet", "tcpSocket"] {
            let with_host = |host: &Value| json!({handler: {"port": 8080, "host": host}});
            let control = Control::new(format!("{} of {}", handler, path.join(".")));
            let good =
                json!([null, {handler: {"port": 8080}}, with_host(&"".into()), with_host(&Value::Null)]);
            let bad: Vec<_> = HOSTS.iter().map(|host| with_host(&json!(host))).collect();
            controls.push(
                control
                    .container(&path)
                    .only_in(|place| place.list == "containers" || place.restart_policy.is_some())
                    .admits(&good)
                    .denies(&bad.into()),
            );
        }
    }
    let header = json!({"httpGet": {"port": 80, "httpHeaders": [{"name": "Host", "value": "example.com"}]}});
    let others =
        json!([header, {"exec": {"command": ["true"]}}, {"grpc": {"port": 80, "service": "example.com"}}]);
    controls.push(
        Control::new("startupProbe")
            .container(&["startupProbe"])
            .only_in(|place| place.list == "containers")
            .admits(&others),
    );
    controls
}

fn app_armor() -> [Control; 2] {
    let profile = Control::new("appArmorProfile")
        .pod(&["spec", "securityContext", "appArmorProfile"])
        .container(&["securityContext", "appArmorProfile"])
        .admits(&json!([null, {"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "web"}]))
        .denies(&json!([{"type": "Unconfined"}]));
    let key = |name: &str| format!("container.apparmor.security.beta.kubernetes.io/{name}");
    // The annotation counts for a container that does not exist, too.
    let of = |value: &str| json!([{key("web"): value}, {key("other"): value, "app": "web"}]);
    let good = ["runtime/default", "localhost/web", "localhost/", ""].map(of);
    let bad = ["unconfined", "Unconfined", "runtime/default2", "localhost", "RuntimeDefault"].map(of);
    let annotations = Control::new("AppArmor annotations").pod(&["metadata", "annotations"]);
    let annotations = good.iter().fold(annotations, Control::admits);
    [profile, bad.iter().fold(annotations, Control::denies)]
}

fn se_linux() -> Vec<Control> {
    let at = |field: &'static str| {
        Control::new(format!("seLinuxOptions.{field}"))
            .pod(&["spec", "securityContext", "seLinuxOptions", field])
            .container(&["securityContext", "seLinuxOptions", field])
            .admits(&json!(["", null]))
    };
    let types = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
    vec![
        at("type").admits(&json!(types)).denies(&json!([
            "spc_t",
            "container_t2",
            "CONTAINER_T",
            "unconfined_t"
        ])),
        at("user").denies(&json!(["system_u", "container_t"])),
        at("role").denies(&json!(["system_r", "container_t"])),
        at("level").admits(&json!(["s0:c1,c2"])),
    ]
}

fn proc_mount() -> [Control; 2] {
    let control = || {
        Control::new("procMount")
            .container(&["securityContext", "procMount"])
            .admits(&json!([null, "Default"]))
    };
    let in_user_namespace = control().with(json!({"hostUsers": false}));
    [control().denies(&json!(["Unmasked"])), in_user_namespace.baseline_admits(&json!(["Unmasked"]))]
}

fn seccomp() -> Vec<Control> {
    let profiles = json!([{"type": "RuntimeDefault"}, {"type": "Localhost", "localhostProfile": "web.json"}]);
    let control =
        || Control::new("seccompProfile").admits(&profiles).denies(&json!([{"type": "Unconfined"}]));
    let annotations = json!([
        {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"},
        {"container.seccomp.security.alpha.kubernetes.io/web": "unconfined"},
    ]);
    vec![
        control().pod(&["spec", "securityContext", "seccompProfile"]).baseline_admits(&json!([null])),
        control().container(&["securityContext", "seccompProfile"]).admits(&json!([null])),
        // Kubernetes does not read them any more.
        Control::new("seccomp annotations").pod(&["metadata", "annotations"]).admits(&annotations),
    ]
}

fn sysctls() -> Control {
    let lists = |names: &[&str]| {
        Value::from(names.iter().map(|name| json!([{"name": name, "value": "1"}])).collect::<Vec<_>>())
    };
    let all: Vec<_> = SAFE_SYSCTLS.iter().map(|name| json!({"name": name, "value": "0"})).collect();
    Control::new("sysctls")
        .pod(&["spec", "securityContext", "sysctls"])
        .admits(&json!([null, [], all]))
        .admits(&lists(&SAFE_SYSCTLS))
        .denies(&lists(&OTHER_SYSCTLS))
        .denies(&json!([[{"name": "net.ipv4.tcp_rmem", "value": "1"}, {"name": "kernel.sem", "value": "1"}]]))
}
