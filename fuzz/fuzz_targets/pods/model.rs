//! Types that generate requests from the bytes of the fuzzer: all fields that rules read, and some other fields.

#![expect(clippy::unwrap_used, reason = "generated values are valid JSON")]

use arbitrary::{Arbitrary, Result, Unstructured};
use immutable_pods_policy::kubernetes::workload::WORKLOADS;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use immutable_pods_testing::laws::Case;

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
}

// Values in settings.
words! {
    Mode: ["off", "warn", "deny", "fix", "fix"];
    // The mode of rules without fixes, or with fixes that replace values. They are mostly off, because they would deny nearly
    // every request.
    PlainMode: ["off", "off", "off", "off", "warn", "deny"];
    Enforcement: ["deny", "warn"];
    OnUpdate: ["changes", "all"];
    Medium: ["Memory"];
    Size: ["64Mi", "1", "0.5Gi"];
    WritableDirectory: ["/run", "/run/", "/tmp", "/var/cache/nginx", "/data/x", "/usr/lib/x"];
    ContainerPattern: ["web", "istio-*", "*"];
    ImagePattern: ["nginx", "nginx:1.*", "registry.example.com:5000/shop/*", "quay.io/app"];
    NamespacePattern: ["shop", "kube-*"];
    RuleId: ["readOnlyRootFilesystem", "capabilities", "runAsNonRoot", "writableMounts"];
    Reason: ["the mesh", "\u{7}\u{202e}"];
    Day: ["1999-12-31", "9999-12-31"];
    RequiredCapability: ["ALL", "NET_RAW", "cap_mknod", "MKNOD"];
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
    #[serde(skip_serializing_if = "Option::is_none")]
    future: Field<Unknown>,
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
struct Probe {
    exec: Field<Exec>,
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
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    enforcement: Field<Enforcement>,
    on_update: Field<OnUpdate>,
    read_only_root_filesystem: Field<Mode>,
    allow_privilege_escalation: Field<Mode>,
    run_as_non_root: RunAsNonRoot,
    capabilities: CapabilitySettings,
    privileged: PlainMode,
    host_namespaces: PlainMode,
    image_reference: PlainMode,
    image_change: PlainMode,
    host_path_volumes: PlainMode,
    writable_mounts: PlainMode,
    proc_mount: PlainMode,
    sysctls: PlainMode,
    ephemeral_containers: PlainMode,
    shell_removal: PlainMode,
    shared_process_namespace: PlainMode,
    writable_paths: Field<Vec<WritablePaths>>,
    exemptions: Field<Vec<Exemption>>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunAsNonRoot {
    mode: Mode,
    groups: Field<bool>,
    allow_in_user_namespace: Field<bool>,
    inspect_image: Field<bool>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CapabilitySettings {
    mode: Mode,
    required_drop: [RequiredCapability; 2],
    allowed_add: Field<Vec<RequiredCapability>>,
}

#[derive(Arbitrary, Debug, Serialize)]
struct WritablePaths {
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[ImagePattern; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    containers: Option<[ContainerPattern; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<[NamespacePattern; 1]>,
    paths: [WritablePath; 2],
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(untagged)]
enum WritablePath {
    Plain(WritableDirectory),
    Sized {
        path: WritableDirectory,
        #[serde(rename = "sizeLimit")]
        size_limit: Size,
        medium: Field<Medium>,
    },
}

#[derive(Arbitrary, Debug, Serialize)]
struct Exemption {
    reason: Reason,
    containers: [ContainerPattern; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    images: Option<[ImagePattern; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<[RuleId; 2]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<Day>,
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
    claims: [OrAny<VolumeName>; 1],
    spec: PodSpec,
}

impl Review {
    pub(crate) fn into_case(self) -> Case {
        let workload = WORKLOADS.get(usize::from(self.kind) % (WORKLOADS.len() + 1));
        let (group, kind) = workload.map_or(("example.com", "Fleet"), |known| (known.group, known.kind));
        let path = workload.map_or("spec.harbour.crew", |known| known.pod_spec);
        let claims = json!(self.claims.each_ref().map(|name| json!({"metadata": {"name": name}})));
        let write = |spec: &PodSpec| {
            let spec = self.style.write(spec);
            let siblings = format!(r#""future":{},"volumeClaimTemplates":{claims}"#, self.sibling.0);
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
