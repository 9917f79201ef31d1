//! Types that generate requests from the bytes of the fuzzer: all fields that rules read, and some other fields.

#![expect(clippy::unwrap_used, reason = "generated values are valid JSON")]

use arbitrary::{Arbitrary, Result, Unstructured};
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use immutable_pods_testing::laws::Case;

use settings::Settings;

/// A field that may be unset or `null`.
type Field<T> = Option<Option<T>>;

/// Defines types for strings from a list.
macro_rules! words {
    ($($name:ident: [$($word:expr),* $(,)?];)*) => {$(
        #[derive(Debug, Serialize)]
        struct $name(&'static str);

        impl Arbitrary<'_> for $name {
            fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
                bytes.choose(&[$($word),*]).copied().map(Self)
            }
        }
    )*};
}

mod settings;

// Values in pods.
words! {
    ContainerName: [
        "web", "a", "istio-proxy", "", "Not A Label", "a-name-that-is-as-long-as-a-label-may-be-in-kubernetes-0123456789",
    ];
    Image: [
        "nginx", "nginx:1.29", "docker.io/library/nginx:1.29", "registry.example.com:5000/shop/web:1.4", "nginx:latest",
        "quay.io/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "No Image", "",
    ];
    Path: [
        "/run", "/tmp", "/var/cache/nginx", "/var", "/data/", "//run/./x/..", "/", "/usr/bin", "/etc", "tmp", "..",
        r"C:\Windows\System32", "/proc/1", "/run/x",
    ];
    // The last two are names that the policy generates for `web` and `/run`.
    VolumeName: ["data", "logs", "", "writable-web-run-bc7528a1", "writable-web-run-bc7528a1-0-1"];
    Capability: ["ALL", "NET_BIND_SERVICE", "SYS_ADMIN", "cap_net_raw", "NET_RAW", "MKNOD", "all", "CAP_ALL"];
    Sysctl: ["kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies", "kernel/msgmax", "net.ipv4.conf.eth0/1.forwarding"];
    System: ["linux", "windows", "Windows"];
    RestartPolicy: ["Always", "OnFailure"];
    ProcMount: ["Default", "Unmasked"];
    UserName: ["ContainerUser", "NT AUTHORITY\\SYSTEM"];
    Argument: ["rm", "/bin/rm", "-f", "/bin/sh", "/bin/bash", "sh", "-c"];
    Namespace: ["shop", "", "kube-system"];
    ProfileType: ["RuntimeDefault", "Localhost", "Unconfined", ""];
    ProfileName: ["web.json", "profiles/web.json", ""];
    SeLinuxType: ["container_t", "spc_t", ""];
    SeLinuxWord: ["", "system_u"];
    Host: ["", "localhost", "db.example.com"];
    AnnotationName: ["web", "a", ""];
    AnnotationValue: ["runtime/default", "localhost/web", "unconfined", ""];
}

/// A string from a list, or sometimes any string.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum OrAny<T> {
    Known(T),
    Any(String),
}

impl<'a, T: Arbitrary<'a>> Arbitrary<'a> for OrAny<T> {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> Result<Self> {
        if bytes.ratio(1, 12)? {
            bytes.arbitrary().map(Self::Any)
        } else {
            bytes.arbitrary().map(Self::Known)
        }
    }
}

/// Values of unknown fields, in formats that a parser may not preserve.
const UNKNOWN: [&str; 9] = [
    "1.0",
    "1e3",
    "-0.0",
    "12345678901234567890123",
    "null",
    "[ ]",
    "{ \"volumes\" : [ null , 0.100 ] }",
    r#""\ud83d\ude00\u0041\"\\""#,
    r#"{"securityContext":{"readOnlyRootFilesystem":null},"containers":[1,{}]}"#,
];

#[derive(Debug)]
struct Unknown(&'static str);

impl Arbitrary<'_> for Unknown {
    fn arbitrary(bytes: &mut Unstructured<'_>) -> Result<Self> {
        bytes.choose(&UNKNOWN).map(|json| Self(json))
    }
}

impl Serialize for Unknown {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        raw(self.0).serialize(serializer)
    }
}

fn raw(json: &str) -> Box<RawValue> {
    serde_json::from_str(json).unwrap()
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(skip_serializing_if = "Option::is_none")]
    future: Field<Unknown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volumes: Field<Vec<Volume>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_containers: Field<Vec<Container>>,
    containers: Vec<Container>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ephemeral_containers: Field<Vec<Container>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_context: Field<PodSecurityContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Field<Named<System>>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "hostPID")]
    host_pid: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_network: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_users: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    share_process_namespace: Field<bool>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct Named<T> {
    name: OrAny<T>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodSecurityContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_non_root: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user: Field<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_group: Field<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fs_group: Field<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplemental_groups: Field<Vec<u8>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sysctls: Field<Vec<Named<Sysctl>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows_options: Field<WindowsOptions>,
    #[serde(flatten)]
    profiles: Profiles,
    #[serde(skip_serializing_if = "Option::is_none")]
    future: Field<Unknown>,
}

/// Fields that pods and containers have in common.
#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Profiles {
    #[serde(skip_serializing_if = "Option::is_none")]
    seccomp_profile: Field<Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_armor_profile: Field<Profile>,
    #[serde(skip_serializing_if = "Option::is_none")]
    se_linux_options: Field<SeLinuxOptions>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile {
    #[serde(skip_serializing_if = "Option::is_none", rename = "type")]
    kind: Field<OrAny<ProfileType>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    localhost_profile: Field<OrAny<ProfileName>>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct SeLinuxOptions {
    #[serde(rename = "type")]
    kind: Field<OrAny<SeLinuxType>>,
    user: Field<SeLinuxWord>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WindowsOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    host_process: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user_name: Field<OrAny<UserName>>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    // In a custom kind, an object without a name is not a container.
    name: OrAny<ContainerName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Field<OrAny<Image>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_policy: Field<OrAny<RestartPolicy>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_mounts: Field<Vec<VolumeMount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_devices: Field<Vec<VolumeDevice>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security_context: Field<SecurityContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    startup_probe: Field<Probe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    liveness_probe: Field<Probe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    future: Field<Unknown>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeMount {
    name: OrAny<VolumeName>,
    mount_path: OrAny<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_path: Field<OrAny<Path>>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct VolumeDevice {
    name: OrAny<VolumeName>,
    device_path: OrAny<Path>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Probe {
    exec: Field<Exec>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_get: Field<NetworkAction>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_socket: Field<NetworkAction>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct NetworkAction {
    host: Field<OrAny<Host>>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct Exec {
    command: Field<Vec<OrAny<Argument>>>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    future: Field<Unknown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_only_root_filesystem: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow_privilege_escalation: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privileged: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_non_root: Field<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_user: Field<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_as_group: Field<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proc_mount: Field<OrAny<ProcMount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Field<Capabilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows_options: Field<WindowsOptions>,
    #[serde(flatten)]
    profiles: Profiles,
}

#[derive(Arbitrary, Debug, Serialize)]
struct Capabilities {
    #[serde(skip_serializing_if = "Option::is_none")]
    add: Field<Vec<OrAny<Capability>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drop: Field<Vec<OrAny<Capability>>>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct Volume {
    name: OrAny<VolumeName>,
    #[serde(flatten)]
    source: Source,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Source {
    EmptyDir {},
    ConfigMap {},
    PersistentVolumeClaim {},
    HostPath { path: OrAny<Path> },
    Csi {},
    Image { reference: OrAny<Image> },
    Nfs {},
}

/// The old object.
#[derive(Arbitrary, Debug)]
enum Old {
    Nothing,
    Same,
    Other(Box<PodSpec>),
}

/// The format of the object's JSON.
#[derive(Arbitrary, Debug)]
enum Style {
    Compact,
    Spaced,
    /// With an escape in a key.
    Escaped,
}

/// A request, and the settings to evaluate the request with.
#[derive(Arbitrary, Debug)]
pub(crate) struct Review {
    settings: Settings,
    /// Index of a built-in kind. The index after the last one selects a custom kind.
    kind: u8,
    namespace: Namespace,
    style: Style,
    old: Old,
    /// Value of an unknown field in every object around the pod spec.
    sibling: Unknown,
    /// An AppArmor annotation of every object around the pod spec.
    annotation: (AnnotationName, AnnotationValue),
    claims: [OrAny<VolumeName>; 1],
    spec: PodSpec,
}

impl Review {
    pub(crate) fn into_case(self) -> Case {
        let workload = WORKLOADS.get(usize::from(self.kind) % (WORKLOADS.len() + 1));
        let (group, kind) = workload.map_or(("example.com", "Fleet"), |known| (known.group, known.kind));
        let path = workload.map_or("spec.harbour.crew", |known| known.pod_spec);
        let claims = json!(self.claims.each_ref().map(|name| json!({"metadata": {"name": name}})));
        let (name, value) = (&self.annotation.0.0, &self.annotation.1.0);
        let key = format!("container.apparmor.security.beta.kubernetes.io/{name}");
        let metadata = json!({"annotations": {key: value}});
        let write = |spec: &PodSpec| {
            let spec = self.style.write(spec);
            let siblings = format!(
                r#""future":{},"metadata":{metadata},"volumeClaimTemplates":{claims}"#,
                self.sibling.0
            );
            path.rsplit('.').fold(spec, |inner, key| format!("{{{siblings},\"{key}\":{inner}}}"))
        };
        let object = write(&self.spec);
        let old: Option<Value> = match &self.old {
            Old::Nothing => None,
            Old::Same => Some(serde_json::from_str(&object).unwrap()),
            Old::Other(spec) => Some(serde_json::from_str(&write(spec)).unwrap()),
        };
        let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
        let request = json!({
            "uid": "1", "kind": {"group": group, "version": "v1", "kind": kind}, "namespace": self.namespace,
            "operation": operation, "userInfo": {"username": "jane"}, "oldObject": old,
        });
        Case { request, object, settings: serde_json::to_value(&self.settings).unwrap() }
    }
}

impl Style {
    fn write(&self, spec: &PodSpec) -> String {
        match self {
            Self::Compact => serde_json::to_string(spec).unwrap(),
            Self::Spaced => serde_json::to_string_pretty(spec).unwrap(),
            Self::Escaped => serde_json::to_string(spec)
                .unwrap()
                .replace("\"securityContext\":", r#""security\u0043ontext":"#),
        }
    }
}
