//! Types that generate settings from the bytes of the fuzzer.

use arbitrary::{Arbitrary, Result, Unstructured};
use serde::{Serialize, Serializer};

use super::Field;

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
    PresetName: ["baseline", "restricted", "immutable", "immutable+restricted"];
    Required: ["any", "field"];
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Settings {
    preset: Field<PresetName>,
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
    seccomp_profile: SeccompSettings,
    app_armor_profile: PlainMode,
    se_linux_options: PlainMode,
    host_probes: PlainMode,
    volume_types: PlainMode,
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
    require: Field<Required>,
    pod_security: Field<bool>,
}

#[derive(Arbitrary, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SeccompSettings {
    mode: Mode,
    // A preset can allow containers without a profile, and mode `fix` cannot.
    allow_unset: False,
    pod_security: Field<bool>,
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

/// The value `false`.
#[derive(Arbitrary, Debug)]
struct False;

impl Serialize for False {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        false.serialize(serializer)
    }
}
