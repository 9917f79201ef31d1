//! `runAsNonRoot`: users and groups.

use serde::Deserialize;

use super::asked::{Asked, Judged, Pod};
use super::found::{Found, Path};
use super::settings::options;

#[derive(Deserialize)]
struct Range {
    min: i64,
    max: i64,
}

fn hold(ranges: &[Range], id: i64) -> bool {
    ranges.iter().any(|range| (range.min..=range.max).contains(&id))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    user_ranges: Vec<Range>,
    groups: bool,
    group_ranges: Vec<Range>,
    allow_in_user_namespace: bool,
    inspect_image: bool,
}

impl Settings {
    /// Whether root is nobody on the node, and accepted for it.
    fn accept_root(&self, pod: &Pod) -> bool {
        self.allow_in_user_namespace && pod.has_user_namespace()
    }

    fn accept_group(&self, pod: &Pod, group: i64) -> bool {
        if group == 0 && self.accept_root(pod) {
            return true;
        }
        let is_root = group == 0 && self.groups;
        !is_root && (self.group_ranges.is_empty() || hold(&self.group_ranges, group))
    }
}

/// A container's value or else the pod's, and the path of the one that counts.
fn effective<T>(
    own: Option<T>,
    pods: Option<T>,
    field: &str,
    pod: &Pod,
    judged: &Judged,
) -> Option<(T, Path)> {
    let own = own.map(|value| (value, judged.context_path(field)));
    own.or_else(|| pods.map(|value| (value, pod.path.to("securityContext").to(field))))
}

/// `runAsNonRoot`
pub(super) fn run_as_non_root(asked: &Asked<'_>) -> Found {
    let settings: Settings = options(asked.settings, "runAsNonRoot");
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for judged in &pod.containers {
            let wrong = if pod.is_windows() {
                vec![wrong_user_of_windows(pod, judged)]
            } else {
                vec![wrong_user(&settings, pod, judged), wrong_group(&settings, pod, judged)]
            };
            for path in wrong.into_iter().flatten() {
                if is_unset(&settings, pod, judged) && path == judged.context_path("runAsNonRoot") {
                    found.add_unset(path, judged.holder(), true);
                } else {
                    found.add(path, judged.holder());
                }
            }
        }
        if !pod.is_windows() {
            for path in wrong_groups_of_the_pod(&settings, pod) {
                found.add(path, pod.holders());
            }
        }
    }
    found
}

fn wrong_user(settings: &Settings, pod: &Pod, judged: &Judged) -> Option<Path> {
    let (own, pods) = (judged.context(), pod.spec.security_context.clone().unwrap_or_default());
    match effective(own.run_as_user, pods.run_as_user, "runAsUser", pod, judged) {
        Some((0, path)) => (!settings.accept_root(pod)).then_some(path),
        Some((user, path)) => {
            let is_right = settings.user_ranges.is_empty() || hold(&settings.user_ranges, user);
            (!is_right).then_some(path)
        }
        None if !settings.user_ranges.is_empty() => Some(judged.context_path("runAsUser")),
        None if settings.accept_root(pod) => None,
        None => promise(pod, judged),
    }
}

/// Whether neither the container nor its pod says anything, so that a fix could.
fn is_unset(settings: &Settings, pod: &Pod, judged: &Judged) -> bool {
    let (own, pods) = (judged.context(), pod.spec.security_context.clone().unwrap_or_default());
    !settings.inspect_image && own.run_as_non_root.is_none() && pods.run_as_non_root.is_none()
}

/// The path of what should be `runAsNonRoot: true`, if it is not.
fn promise(pod: &Pod, judged: &Judged) -> Option<Path> {
    let (own, pods) = (judged.context(), pod.spec.security_context.clone().unwrap_or_default());
    match effective(own.run_as_non_root, pods.run_as_non_root, "runAsNonRoot", pod, judged) {
        Some((true, _)) => None,
        Some((false, path)) => Some(path),
        None => Some(judged.context_path("runAsNonRoot")),
    }
}

fn wrong_group(settings: &Settings, pod: &Pod, judged: &Judged) -> Option<Path> {
    let (own, pods) = (judged.context(), pod.spec.security_context.clone().unwrap_or_default());
    match effective(own.run_as_group, pods.run_as_group, "runAsGroup", pod, judged) {
        Some((group, path)) => (!settings.accept_group(pod, group)).then_some(path),
        None => (!settings.group_ranges.is_empty()).then(|| judged.context_path("runAsGroup")),
    }
}

fn wrong_groups_of_the_pod(settings: &Settings, pod: &Pod) -> Vec<Path> {
    let context = pod.spec.security_context.clone().unwrap_or_default();
    let path = pod.path.to("securityContext");
    let supplemental = context.supplemental_groups.unwrap_or_default().into_iter().enumerate();
    let supplemental = supplemental.map(|(index, group)| (group, path.to("supplementalGroups").item(index)));
    let all = context.fs_group.map(|group| (group, path.to("fsGroup"))).into_iter().chain(supplemental);
    all.filter(|(group, _)| !settings.accept_group(pod, *group)).map(|(_, path)| path).collect()
}

fn wrong_user_of_windows(pod: &Pod, judged: &Judged) -> Option<Path> {
    let own = judged.context().windows_options.unwrap_or_default().run_as_user_name;
    let context = pod.spec.security_context.clone().unwrap_or_default();
    let pods = context.windows_options.unwrap_or_default().run_as_user_name;
    // A name that is empty is none.
    let (own, pods) = (own.filter(|name| !name.is_empty()), pods.filter(|name| !name.is_empty()));
    let promise = promise(pod, judged)?;
    match effective(own, pods, "windowsOptions.runAsUserName", pod, judged) {
        Some((name, path)) => {
            let name = name.rsplit('\\').next().unwrap_or_default().to_lowercase();
            ["containeradministrator", "system"].contains(&&*name).then_some(path)
        }
        None => Some(promise),
    }
}
