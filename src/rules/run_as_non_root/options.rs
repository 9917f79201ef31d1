//! The options of the rule.

use crate::settings::declaration::{Declared, Flag, Objects, Setting, Word};
use crate::settings::range::Range;

/// Every option, in the order of the documentation.
pub(super) const SETTINGS: &[&dyn Declared] = &[
    &REQUIRE,
    &USER_RANGES,
    &GROUPS,
    &GROUP_RANGES,
    &ALLOW_IN_USER_NAMESPACE,
    &ALLOW_WINDOWS_ADMINISTRATORS,
    &INSPECT_IMAGE,
    &NAMED_USERS,
    &POD_SECURITY,
];

pub(super) const REQUIRE: Setting<Word<Required>> = Setting {
    key: "require",
    label: "Required fields",
    doc: "`field` requires `runAsNonRoot: true`, with which the kubelet refuses to start an image that runs as root. `any` also accepts \
          a `runAsUser` other than 0.",
    kind: Word { words: &[("any", Required::Any), ("field", Required::Field)], default: Required::Any },
};

pub(super) const USER_RANGES: Setting<Objects<Range>> = Setting {
    key: "userRanges",
    label: "User id ranges",
    doc: "If set, `runAsUser` must be set to a UID in one of these ranges: `[{min: 10000, max: 65535}]`.",
    kind: Objects::ANY,
};

pub(super) const GROUPS: Setting<Flag> = Setting {
    key: "groups",
    label: "Deny group 0",
    doc: "Denies GID 0 in `runAsGroup`, `fsGroup` and `supplementalGroups`. `runAsGroup` must be set, because a container without a \
          group usually has GID 0.",
    kind: Flag,
};

pub(super) const GROUP_RANGES: Setting<Objects<Range>> = Setting {
    key: "groupRanges",
    label: "Group id ranges",
    doc: "If set, `runAsGroup` must be set to a GID in one of these ranges, and so must `fsGroup` and `supplementalGroups` if they are \
          set.",
    kind: Objects::ANY,
};

pub(super) const ALLOW_IN_USER_NAMESPACE: Setting<Flag> = Setting {
    key: "allowInUserNamespace",
    label: "Allow root in user namespaces",
    doc: "Allows root in pods with `hostUsers: false`, in which root has no privileges on the node.",
    kind: Flag,
};

pub(super) const ALLOW_WINDOWS_ADMINISTRATORS: Setting<Flag> = Setting {
    key: "allowWindowsAdministrators",
    label: "Allow administrators on Windows",
    doc: "Allows `ContainerAdministrator` and other administrators in `windowsOptions.runAsUserName`.",
    kind: Flag,
};

pub(super) const POD_SECURITY: Setting<Flag> = Setting {
    key: "podSecurity",
    label: "Count every value",
    doc: "Counts each UID 0 and each `runAsNonRoot: false`, even if another field overrides it, and those of Windows pods, as Pod Security \
          Admission does.",
    kind: Flag,
};

pub(super) const INSPECT_IMAGE: Setting<Flag> = Setting {
    key: "inspectImage",
    label: "Look up users of images",
    doc: "Uses the `USER` of the image if the pod spec sets no user: a number other than 0 passes. The policy server looks up each image \
          once in its registry, with credentials of its own; its configuration must grant `oci/v1/oci_manifest_config`. A failed \
          look-up is a finding. Images of Windows pods are not looked up.",
    kind: Flag,
};

pub(super) const NAMED_USERS: Setting<Word<NamedUsers>> = Setting {
    key: "namedUsers",
    label: "Named users of images",
    doc: "With `inspectImage`, `allow` accepts a `USER` that is a name other than `root`, which can mean any UID.",
    kind: Word {
        words: &[("deny", NamedUsers::Deny), ("allow", NamedUsers::Allow)],
        default: NamedUsers::Deny,
    },
};

/// What a container must set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Required {
    /// `runAsNonRoot` or `runAsUser`.
    Any,
    /// `runAsNonRoot`.
    Field,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NamedUsers {
    Deny,
    Allow,
}
