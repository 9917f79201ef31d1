//! `runAsNonRoot`.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::SecurityContext;
use proptest::strategy::BoxedStrategy;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::{FieldPath, Findings};
use super::generators::switch;
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use super::windows_users;
use crate::generators::{of, one_of};

#[derive(Deserialize)]
struct Range {
    min: i64,
    max: i64,
}

fn contains(ranges: &[Range], id: i64) -> bool {
    ranges.iter().any(|range| (range.min..=range.max).contains(&id))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of users")]
struct Settings {
    user_ranges: Vec<Range>,
    groups: bool,
    group_ranges: Vec<Range>,
    allow_in_user_namespace: bool,
    allow_windows_administrators: bool,
    inspect_image: bool,
    require: Required,
    pod_security: bool,
}

/// What a container must set.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Required {
    /// `runAsNonRoot`, or a user other than root.
    #[default]
    Any,
    /// `runAsNonRoot`.
    Field,
}

impl Settings {
    /// Whether the settings allow root because the pod runs in a user namespace.
    fn allows_root(&self, pod: &Pod) -> bool {
        self.allow_in_user_namespace && pod.has_user_namespace()
    }

    fn allows_group(&self, pod: &Pod, group: i64) -> bool {
        if group == 0 && self.allows_root(pod) {
            return true;
        }
        let is_root = group == 0 && self.groups;
        !is_root && (self.group_ranges.is_empty() || contains(&self.group_ranges, group))
    }
}

/// Returns the effective value with its path: the container's value, or else the pod's value.
pub(super) fn effective<T>(
    own: Option<T>,
    pods: Option<T>,
    field: &str,
    pod: &Pod,
    container: &ContainerAt,
) -> Option<(T, FieldPath)> {
    let own = own.map(|value| (value, container.context_path(field)));
    own.or_else(|| pods.map(|value| (value, pod.path.field("securityContext").field(field))))
}

/// `runAsNonRoot`
pub(super) const RUN_AS_NON_ROOT: ReferenceRule = ReferenceRule {
    effects: &[
        ("userRanges", &[Reports]),
        ("groups", &[Reports]),
        ("groupRanges", &[Reports]),
        ("allowInUserNamespace", &[Allows]),
        ("allowWindowsAdministrators", &[Allows]),
        ("require", &[Reports]),
        ("podSecurity", &[Reports]),
    ],
    options: || {
        vec![
            ("userRanges", ranges()),
            ("groups", switch()),
            ("groupRanges", ranges()),
            ("allowInUserNamespace", switch()),
            ("allowWindowsAdministrators", switch()),
            ("require", of(&["field", "field", "any"])),
            ("podSecurity", switch()),
        ]
    },
    ..ReferenceRule::new("runAsNonRoot", run_as_non_root)
};

fn ranges() -> BoxedStrategy<Value> {
    one_of(&json!([
        [],
        [{"min": 1000, "max": 1999}, {"min": 10000, "max": 65535}],
        [{"min": 0, "max": 65535}],
        [{"min": 1000, "max": 1000}],
    ]))
}

fn run_as_non_root(request: &Request<'_>) -> Findings {
    let settings: Settings = options(request.settings, "runAsNonRoot");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            for path in denied_of(&settings, pod, container) {
                if is_unset(&settings, pod, container) && path == container.context_path("runAsNonRoot") {
                    findings.add_unset(path, container.as_responsible(), true);
                } else {
                    findings.add(path, container.as_responsible());
                }
            }
        }
        let groups = if pod.is_windows() { Vec::new() } else { denied_pod_groups(&settings, pod) };
        for path in groups {
            findings.add(path, pod.responsible_containers());
        }
        for path in overridden_values(&settings, pod) {
            findings.add(path, pod.responsible_containers());
        }
    }
    findings
}

/// Returns the paths of what is wrong with a container.
fn denied_of(settings: &Settings, pod: &Pod, container: &ContainerAt) -> BTreeSet<FieldPath> {
    let administrator = windows_users::administrator(pod, container);
    let administrator = administrator.filter(|_| !settings.allow_windows_administrators);
    let is_administrator = administrator.is_some();
    let mut denied = if let Some(path) = administrator {
        vec![Some(path)]
    } else if pod.is_windows() {
        vec![denied_windows_user(pod, container).filter(|_| settings.require == Required::Any)]
    } else {
        vec![denied_user(settings, pod, container), denied_group(settings, pod, container)]
    };
    if settings.require == Required::Field && !settings.allows_root(pod) {
        denied.push(missing_run_as_non_root(pod, container));
    }
    if settings.pod_security && !settings.allows_root(pod) {
        let (own, pods) = (container.context(), pod.spec.security_context.clone().unwrap_or_default());
        let user = effective(own.run_as_user, pods.run_as_user, "runAsUser", pod, container);
        let root = user.filter(|(user, _)| *user == 0 && !is_administrator).map(|(_, path)| path);
        let flag = effective(own.run_as_non_root, pods.run_as_non_root, "runAsNonRoot", pod, container);
        denied.extend([root, flag.filter(|(is_non_root, _)| !is_non_root).map(|(_, path)| path)]);
    }
    denied.into_iter().flatten().collect()
}

/// Returns the paths of wrong values of the pod that every container overrides.
fn overridden_values(settings: &Settings, pod: &Pod) -> Vec<FieldPath> {
    if !settings.pod_security || settings.allows_root(pod) {
        return Vec::new();
    }
    let context = pod.spec.security_context.clone().unwrap_or_default();
    let all = |overrides: fn(SecurityContext) -> bool| {
        pod.containers.iter().all(|container| overrides(container.context()))
    };
    let denied = [
        ("runAsUser", context.run_as_user == Some(0) && all(|own| own.run_as_user.is_some())),
        ("runAsNonRoot", context.run_as_non_root == Some(false) && all(|own| own.run_as_non_root.is_some())),
    ];
    let path = pod.path.field("securityContext");
    denied.into_iter().filter(|(_, is_denied)| *is_denied).map(|(field, _)| path.field(field)).collect()
}

fn denied_user(settings: &Settings, pod: &Pod, container: &ContainerAt) -> Option<FieldPath> {
    let (own, pods) = (container.context(), pod.spec.security_context.clone().unwrap_or_default());
    match effective(own.run_as_user, pods.run_as_user, "runAsUser", pod, container) {
        Some((0, path)) => (!settings.allows_root(pod)).then_some(path),
        Some((user, path)) => {
            let is_allowed = settings.user_ranges.is_empty() || contains(&settings.user_ranges, user);
            (!is_allowed).then_some(path)
        }
        None if !settings.user_ranges.is_empty() => Some(container.context_path("runAsUser")),
        None if settings.allows_root(pod) => None,
        None => missing_run_as_non_root(pod, container),
    }
}

/// Whether `runAsNonRoot` is unset on the container and on the pod, so that a fix could set it.
fn is_unset(settings: &Settings, pod: &Pod, container: &ContainerAt) -> bool {
    let (own, pods) = (container.context(), pod.spec.security_context.clone().unwrap_or_default());
    !settings.inspect_image && own.run_as_non_root.is_none() && pods.run_as_non_root.is_none()
}

/// Returns the path at which `runAsNonRoot: true` is missing.
fn missing_run_as_non_root(pod: &Pod, container: &ContainerAt) -> Option<FieldPath> {
    let (own, pods) = (container.context(), pod.spec.security_context.clone().unwrap_or_default());
    match effective(own.run_as_non_root, pods.run_as_non_root, "runAsNonRoot", pod, container) {
        Some((true, _)) => None,
        Some((false, path)) => Some(path),
        None => Some(container.context_path("runAsNonRoot")),
    }
}

fn denied_group(settings: &Settings, pod: &Pod, container: &ContainerAt) -> Option<FieldPath> {
    let (own, pods) = (container.context(), pod.spec.security_context.clone().unwrap_or_default());
    let effective = effective(own.run_as_group, pods.run_as_group, "runAsGroup", pod, container);
    if let Some((group, path)) = effective {
        return (!settings.allows_group(pod, group)).then_some(path);
    }
    // The group of the image is usually 0.
    let is_required = settings.groups && !settings.allows_root(pod);
    let is_denied = is_required || !settings.group_ranges.is_empty();
    is_denied.then(|| container.context_path("runAsGroup"))
}

fn denied_pod_groups(settings: &Settings, pod: &Pod) -> Vec<FieldPath> {
    let context = pod.spec.security_context.clone().unwrap_or_default();
    let path = pod.path.field("securityContext");
    let supplemental = context.supplemental_groups.unwrap_or_default().into_iter().enumerate();
    let supplemental =
        supplemental.map(|(index, group)| (group, path.field("supplementalGroups").item(index)));
    let all = context.fs_group.map(|group| (group, path.field("fsGroup"))).into_iter().chain(supplemental);
    all.filter(|(group, _)| !settings.allows_group(pod, *group)).map(|(_, path)| path).collect()
}

fn denied_windows_user(pod: &Pod, container: &ContainerAt) -> Option<FieldPath> {
    let missing = missing_run_as_non_root(pod, container)?;
    windows_users::effective_name(pod, container).is_none().then_some(missing)
}
