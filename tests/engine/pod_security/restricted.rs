//! The controls that the level restricted adds.

use serde_json::{Value, json};

use super::baseline::windows;
use super::matrix::{Case, Control, Verdict, crossed};

/// The volume types that restricted admits.
pub(super) const ALLOWED_VOLUMES: [&str; 9] = [
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

/// The other volume types, without `hostPath`, which baseline denies.
pub(super) const OTHER_VOLUMES: [&str; 20] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
    "glusterfs",
    "iscsi",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

const ESCALATION: [&str; 2] = ["securityContext", "allowPrivilegeEscalation"];
const CAPABILITIES: [&str; 2] = ["securityContext", "capabilities"];
const NON_ROOT: [&str; 2] = ["securityContext", "runAsNonRoot"];
const USER: [&str; 2] = ["securityContext", "runAsUser"];
const SECCOMP: [&str; 2] = ["securityContext", "seccompProfile"];

pub(super) fn controls() -> Vec<Control> {
    let mut controls = vec![volumes()];
    controls.push(
        Control::new("allowPrivilegeEscalation")
            .container(&ESCALATION)
            .admits(&json!([false]))
            .baseline_admits(&json!([true, null])),
    );
    controls.push(
        Control::new("capabilities")
            .container(&CAPABILITIES)
            .admits(&json!([{"drop": ["ALL"]}, {"drop": ["CHOWN", "ALL"]}, {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}]))
            .baseline_admits(&json!([null, {}, {"drop": null}, {"drop": []}, {"drop": ["all"]}, {"drop": ["CAP_ALL"]}]))
            .baseline_admits(&json!([{"drop": ["NET_RAW"]}, {"add": ["NET_BIND_SERVICE"]}, {"drop": ["ALL"], "add": ["CHOWN"]}])),
    );
    controls.extend(users());
    controls.extend(in_user_namespaces());
    controls.extend(on_windows());
    controls
}

fn volumes() -> Control {
    let lists = |types: &[&str]| {
        let list = |volume_type: &&str| json!([{"name": "scratch"}, {"name": "tested", *volume_type: {}}]);
        Value::from(types.iter().map(list).collect::<Vec<_>>())
    };
    // A volume without a type is an emptyDir.
    Control::new("volumes")
        .pod(&["spec", "volumes"])
        .admits(&lists(&ALLOWED_VOLUMES))
        .admits(&json!([[{"name": "scratch"}], [{"name": "scratch", "nfs": null}]]))
        .baseline_admits(&lists(&OTHER_VOLUMES))
}

fn users() -> Vec<Control> {
    let user = Control::new("runAsUser").pod(&["spec", "securityContext", "runAsUser"]).container(&USER);
    let groups = json!([{"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"},
        "runAsGroup": 0, "fsGroup": 0, "supplementalGroups": [0]}]);
    vec![
        // A user other than root is not enough.
        Control::new("securityContext")
            .pod(&["spec", "securityContext"])
            .admits(&groups)
            .baseline_admits(&json!([{"runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}])),
        Control::new("runAsNonRoot")
            .pod(&["spec", "securityContext", "runAsNonRoot"])
            .admits(&json!([true]))
            .baseline_admits(&json!([false, null])),
        Control::new("runAsNonRoot")
            .container(&NON_ROOT)
            .admits(&json!([true, null]))
            .baseline_admits(&json!([false])),
        user.admits(&json!([1, 1000, 65534, null])).baseline_admits(&json!([0])),
    ]
}

/// Returns the fields that may have any value in a user namespace, and fields that matter there all the same.
fn in_user_namespaces() -> Vec<Control> {
    let user_namespace = || json!({"hostUsers": false, "securityContext": {"runAsNonRoot": null}});
    let host_users = Control::new("hostUsers").with(json!({"securityContext": {"runAsNonRoot": null}}));
    vec![
        host_users.pod(&["spec", "hostUsers"]).admits(&json!([false])).baseline_admits(&json!([true, null])),
        Control::new("runAsNonRoot in a user namespace")
            .with(user_namespace())
            .pod(&["spec", "securityContext", "runAsNonRoot"])
            .container(&NON_ROOT)
            .admits(&json!([true, false, null])),
        Control::new("runAsUser in a user namespace")
            .with(user_namespace())
            .pod(&["spec", "securityContext", "runAsUser"])
            .container(&USER)
            .admits(&json!([0, 1, null])),
        Control::new("allowPrivilegeEscalation in a user namespace")
            .with(user_namespace())
            .container(&ESCALATION)
            .baseline_admits(&json!([true, null])),
        Control::new("seccompProfile in a user namespace")
            .with(user_namespace())
            .pod(&["spec", "securityContext", "seccompProfile"])
            .baseline_admits(&json!([null]))
            .denies(&json!([{"type": "Unconfined"}])),
    ]
}

/// Returns the fields that Windows does not have, and fields that matter there all the same.
fn on_windows() -> Vec<Control> {
    let as_user = |name: &str| json!({"runAsUserName": name});
    let windows_options = |control: Control| control.pod(&["spec", "securityContext", "windowsOptions"]);
    let os = Control::new("os").with(json!({"securityContext": {"seccompProfile": null}}));
    vec![
        os.pod(&["spec", "os"])
            .admits(&json!([{"name": "windows"}]))
            .baseline_admits(&json!([null, {"name": "linux"}])),
        Control::new("allowPrivilegeEscalation on Windows")
            .with(windows())
            .container(&ESCALATION)
            .admits(&json!([false, null])),
        Control::new("capabilities on Windows")
            .with(windows())
            .container(&CAPABILITIES)
            .admits(&json!([null])),
        Control::new("seccompProfile on Windows")
            .with(windows())
            .pod(&["spec", "securityContext", "seccompProfile"])
            .admits(&json!([null])),
        Control::new("runAsNonRoot on Windows")
            .with(windows())
            .pod(&["spec", "securityContext", "runAsNonRoot"])
            .admits(&json!([true]))
            .baseline_admits(&json!([false, null])),
        windows_options(Control::new("runAsUserName on Windows").with(windows())).admits(&json!([
            null,
            as_user("ContainerUser"),
            as_user("ContainerAdministrator")
        ])),
        windows_options(Control::new("runAsUserName in place of runAsNonRoot"))
            .with(json!({"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": null}}))
            .baseline_admits(&json!([as_user("ContainerUser")])),
    ]
}

/// Returns pods whose containers override the value of the pod. Each value counts.
pub(super) fn crossed_cases() -> Vec<Case> {
    let (good, local) =
        (json!({"type": "RuntimeDefault"}), json!({"type": "Localhost", "localhostProfile": "a"}));
    let unconfined = json!({"type": "Unconfined"});
    let app_armor = ["securityContext", "appArmorProfile"];
    let se_linux = ["securityContext", "seLinuxOptions"];
    let (container_type, other_type) = (json!({"type": "container_t"}), json!({"type": "spc_t"}));
    vec![
        crossed(&SECCOMP, &Value::Null, &good, Verdict::Admitted),
        crossed(&SECCOMP, &good, &local, Verdict::Admitted),
        crossed(&SECCOMP, &Value::Null, &Value::Null, Verdict::DeniedByRestricted),
        crossed(&SECCOMP, &unconfined, &good, Verdict::Denied),
        crossed(&SECCOMP, &good, &unconfined, Verdict::Denied),
        crossed(&NON_ROOT, &Value::Null, &json!(true), Verdict::Admitted),
        crossed(&NON_ROOT, &json!(true), &json!(true), Verdict::Admitted),
        crossed(&NON_ROOT, &json!(false), &json!(true), Verdict::DeniedByRestricted),
        crossed(&NON_ROOT, &json!(true), &json!(false), Verdict::DeniedByRestricted),
        crossed(&NON_ROOT, &Value::Null, &Value::Null, Verdict::DeniedByRestricted),
        crossed(&USER, &json!(0), &json!(1000), Verdict::DeniedByRestricted),
        crossed(&USER, &json!(1000), &json!(0), Verdict::DeniedByRestricted),
        crossed(&USER, &json!(1000), &json!(1001), Verdict::Admitted),
        crossed(&app_armor, &unconfined, &good, Verdict::Denied),
        crossed(&app_armor, &good, &unconfined, Verdict::Denied),
        crossed(&se_linux, &other_type, &container_type, Verdict::Denied),
        crossed(&se_linux, &container_type, &other_type, Verdict::Denied),
    ]
}
