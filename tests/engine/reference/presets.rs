//! The settings of each preset, written from the sources of Pod Security Admission.
//!
//! Source: `policy/check_*.go` in `k8s.io/pod-security-admission` of Kubernetes 1.37.

use std::sync::LazyLock;

use serde_json::{Value, json};

/// The names of the presets.
pub(super) const NAMES: [&str; 4] = ["baseline", "restricted", "immutable", "immutable+restricted"];

/// Capabilities that the baseline level accepts: those that container runtimes grant, without `NET_RAW`.
const BASELINE_CAPABILITIES: [&str; 13] = [
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

/// Volume types that the restricted level accepts.
const RESTRICTED_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Rules that no level of the Pod Security Standards has, and that deny or warn by default.
const NOT_STANDARD: [&str; 5] =
    ["readOnlyRootFilesystem", "imageReference", "imageChange", "writableMounts", "writablePrograms"];

/// Returns the settings of the preset that settings name. Every key that is not set has its default.
pub(super) fn preset_of(settings: &Value) -> &'static Value {
    static PRESETS: LazyLock<[Value; 4]> =
        LazyLock::new(|| [baseline(), restricted(), json!({}), immutable_and_restricted()]);
    let name = settings.get("preset").and_then(Value::as_str).unwrap_or("immutable");
    let index = NAMES.iter().position(|known| *known == name).unwrap();
    &PRESETS[index]
}

/// The checks of both levels.
fn standard() -> Value {
    let types = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];
    json!({
        // Pod Security Admission judges a significant update in full.
        "onUpdate": "all",
        "privileged": {"mode": "deny"},
        "hostNamespaces": {"mode": "deny"},
        "hostPathVolumes": {"mode": "deny"},
        "hostPorts": {"mode": "deny"},
        "hostProbes": {"mode": "deny"},
        "seLinuxOptions": {"mode": "deny", "allowedTypes": types},
        "appArmorProfile": {"mode": "deny", "allowed": ["RuntimeDefault", "Localhost"], "podSecurity": true},
        "seccompProfile": {"mode": "deny", "allowed": ["RuntimeDefault", "Localhost"], "podSecurity": true},
        "capabilities": {"mode": "deny", "podSecurity": true},
        "procMount": {"mode": "deny", "podSecurity": true},
        "sysctls": {"mode": "deny", "podSecurity": true},
    })
}

fn baseline() -> Value {
    let mut settings = standard();
    for rule in NOT_STANDARD.iter().chain(&["allowPrivilegeEscalation", "runAsNonRoot"]) {
        settings[rule]["mode"] = "off".into();
    }
    settings["capabilities"]["allowedAdd"] = json!(BASELINE_CAPABILITIES);
    settings["seccompProfile"]["allowUnset"] = true.into();
    // Only this level relaxes the check in a user namespace.
    settings["procMount"]["allowInUserNamespace"] = true.into();
    settings
}

/// The checks of the restricted level. The check of volumes replaces that of host paths, which fails for the same pods.
fn restricted_checks() -> Value {
    let mut settings = standard();
    settings["allowPrivilegeEscalation"] = json!({"mode": "deny"});
    settings["runAsNonRoot"] = json!({"mode": "deny", "require": "field", "podSecurity": true});
    settings["capabilities"]["requiredDrop"] = json!(["ALL"]);
    settings["capabilities"]["allowedAdd"] = json!(["NET_BIND_SERVICE"]);
    settings["volumeTypes"] = json!({"mode": "deny", "allowed": RESTRICTED_VOLUMES});
    settings
}

fn restricted() -> Value {
    let mut settings = restricted_checks();
    for rule in NOT_STANDARD {
        settings[rule]["mode"] = "off".into();
    }
    // In a user namespace, the checks of users pass. They never read the names of Windows users.
    settings["runAsNonRoot"]["allowInUserNamespace"] = true.into();
    settings["runAsNonRoot"]["allowWindowsAdministrators"] = true.into();
    settings
}

/// The defaults of this policy with the checks of the restricted level, without what only that level relaxes.
fn immutable_and_restricted() -> Value {
    restricted_checks()
}
