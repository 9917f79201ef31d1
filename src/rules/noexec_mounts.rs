//! `noexecMounts`: containers cannot run programs from writable mounts.

use std::borrow::Cow;
use std::cell::LazyCell;

use super::finding::Findings;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::VolumeMount;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::Fix;
use crate::settings::declaration::{Declared, Setting, Texts, Words};
use crate::settings::mode::Mode;
use crate::settings::path_pattern::{PATH_PATTERN, is_within};
use crate::settings::reader::ObjectReader;
use crate::text::quoted;

const REQUIRED: Setting<Words<&str>> = Setting {
    key: "required",
    label: "Required mount options",
    doc: "The options that every writable mount must have: `noexec`, `nosuid`, `nodev`.",
    kind: Words {
        words: &[("noexec", "noexec"), ("nosuid", "nosuid"), ("nodev", "nodev")],
        default: &["noexec", "nosuid"],
        may_be_empty: false,
    },
};

const ALLOWED_PATHS: Setting<Texts> = Setting {
    key: "allowedPaths",
    label: "Allowed paths",
    doc: "Paths at which mounts need no options, and below which they need none. `*` matches any characters within one segment; a \
          trailing `/**` matches only what is below.",
    kind: Texts { format: &PATH_PATTERN, default: &[], may_be_empty: true },
};

/// The end of a message about a mount without any option.
const MAY_BE_DROPPED: &str =
    "; the cluster may have dropped the field: it needs the VolumeBindMountOptions gate";

/// The rule with its settings, which also decide about the options of mounts that a fix adds.
#[derive(Debug)]
pub struct NoexecMounts<'s> {
    required: Cow<'static, [&'static str]>,
    allowed_paths: Cow<'s, [&'s str]>,
}

impl NoexecMounts<'_> {
    /// Returns the options that a writable mount at a path must have.
    #[must_use]
    pub fn options_at(&self, pod: &Pod<'_>, path: &str) -> &[&'static str] {
        let at = pod.file_path(path);
        let is_allowed = self.allowed_paths.iter().any(|pattern| is_within(&at, pattern));
        if pod.is_windows() || is_allowed { &[] } else { &self.required }
    }

    fn check_mount<'p>(
        &self,
        at: ContainerAt<'p, 'p>,
        index: usize,
        mount: &'p VolumeMount<'p>,
        findings: &mut Findings<'p>,
    ) {
        let (path, options) = (&*mount.mount_path, &mount.bind_mount_options);
        let required = self.options_at(at.pod, path).iter();
        let missing: Vec<_> =
            required.copied().filter(|name| !options.iter().any(|option| &**option == *name)).collect();
        if missing.is_empty() {
            return;
        }
        let reason = if options.is_empty() { MAY_BE_DROPPED } else { "" };
        let message = format!("must mount {} with {}{reason}", quoted(path), missing.join(", "));
        let finding = findings.at(at, &of_item("volumeMounts", index, "bindMountOptions"));
        let missing = missing.into_iter().map(str::to_owned).collect();
        // Another volume at the same path is another finding.
        finding.message(message).value([path, "\n", &mount.name].concat());
        finding.fix(Fix::append_mount_options(at, index, missing));
    }
}

impl<'s> Rule<'s> for NoexecMounts<'s> {
    const META: RuleMeta =
        RuleMeta { id: "noexecMounts", severity: Severity::Medium, default_mode: Mode::Off, can_fix: true };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers cannot run programs from writable mounts.",
        finding: "a writable mount whose `bindMountOptions` do not contain every option in `required`, and whose path is not in \
                  `allowedPaths`",
        fix: Some("appends the missing options to `bindMountOptions`"),
        why: "\
On a read-only root filesystem, an attacker can still write a program to a volume and run it. `noexec` prevents that.",
        how: Some(
            "\
Writable mounts are those of `writableMounts`; raw devices and Windows pods do not have the field. Mounts that a fix adds for
`writablePaths` get the options whenever the rule is on.

**Clusters.** The field exists since Kubernetes 1.37, as an alpha feature: API servers and kubelets need the feature gate
`VolumeBindMountOptions`, which is off by default, and the container runtime must support the options. An API server without the gate
shows the field to mutating webhooks, and drops it before validating webhooks and before the object is stored, without a warning. An older
one rejects a manifest with the field, or ignores the field, and drops what a fix adds. There, mode `fix` has no effect, although the audit
annotation lists the fix, and mode `deny` denies every pod with a writable mount. The message says that the cluster may have dropped the
field. Custom kinds keep the field, so they are admitted, and then their pods are denied.

**Roll out.** First enable the gate on all API servers and nodes. While only some API servers have it, Deployments with the field create
ReplicaSets without end, and pods with the field stay pending while no node has it. Then set mode `warn`: a warning that says that the
cluster may have dropped the field, about a manifest that contains the field, means that an API server lacks the gate. Add the paths of
plugins and of compiled code to `allowedPaths`, then set mode `fix`, and register a second policy in mode `deny` last.",
        ),
        limits: Some(
            "\
An interpreter in the image still runs a script from such a volume.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&REQUIRED, &ALLOWED_PATHS];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let mut required = reader.get(&REQUIRED);
        let mut known = Vec::new();
        if let Cow::Owned(names) = &mut required {
            names.retain(|name| {
                let is_new = !known.contains(name);
                known.push(*name);
                is_new
            });
        }
        Self { required, allowed_paths: reader.get(&ALLOWED_PATHS) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.linux_pod() else { return };
        let volumes = LazyCell::new(|| {
            let is_writable: Vec<_> =
                pod.spec.volumes.iter().map(|volume| volume.writable_types().next().is_some()).collect();
            (pod.volumes_by_name(), is_writable)
        });
        // A volume that the pod spec does not contain comes from a claim template.
        let is_writable = |name: &str| {
            let (names, is_writable) = &*volumes;
            names.get(name).and_then(|index| is_writable.get(index)).is_none_or(|writable| *writable)
        };
        for at in pod.all_containers() {
            for (index, mount) in at.container.volume_mounts.iter().enumerate() {
                if !mount.read_only && is_writable(&mount.name) {
                    self.check_mount(at, index, mount, findings);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::RuleId;
    use super::super::testing::check;

    #[test]
    fn an_option_that_the_settings_repeat_is_required_once() {
        let settings = json!({"required": ["nodev", "noexec", "nodev"]});
        let mount = json!({"name": "x", "mountPath": "/x", "bindMountOptions": ["nosuid"]});
        let pod = json!({"containers": [{"name": "a", "volumeMounts": [mount]}]});
        assert_eq!(
            check(RuleId::NoexecMounts, &settings, &pod),
            ["spec.containers[0].volumeMounts[0].bindMountOptions: container \"a\" \
              must mount \"/x\" with nodev, noexec [noexecMounts]"]
        );
    }
}
