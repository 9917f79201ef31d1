//! The users of Windows containers.

use super::findings::FieldPath;
use super::request::{ContainerAt, Pod};
use super::run_as_non_root::effective;

/// Users that have all rights in a Windows container.
const ADMINISTRATORS: [&str; 6] =
    ["containeradministrator", "system", "localsystem", "administrator", "s-1-5-18", "s-1-5-93-2-1"];

/// Returns the effective user name of a container with its path. An empty name counts as unset.
pub(super) fn effective_name(pod: &Pod, container: &ContainerAt) -> Option<(String, FieldPath)> {
    let own = container.context().windows_options.unwrap_or_default().run_as_user_name;
    let context = pod.spec.security_context.clone().unwrap_or_default();
    let pods = context.windows_options.unwrap_or_default().run_as_user_name;
    let (own, pods) = (own.filter(|name| !name.is_empty()), pods.filter(|name| !name.is_empty()));
    effective(own, pods, "windowsOptions.runAsUserName", pod, container)
}

/// Returns the path of the user name of a container that runs as an administrator. On Linux, the name has no effect.
pub(super) fn administrator(pod: &Pod, container: &ContainerAt) -> Option<FieldPath> {
    let is_linux = pod.spec.os.as_ref().is_some_and(|os| os.name == "linux");
    let (name, path) = effective_name(pod, container)?;
    (!is_linux && is_administrator(&name)).then_some(path)
}

fn is_administrator(name: &str) -> bool {
    let name = name.rsplit(['\\', '/']).next().unwrap_or_default();
    let name = name.split('@').next().unwrap_or_default().trim();
    let name = name.trim_end_matches(|letter: char| letter == '.' || letter.is_whitespace()).to_lowercase();
    let is_local_administrator = name.starts_with("s-1-5-21-") && name.ends_with("-500");
    is_local_administrator || ADMINISTRATORS.contains(&&*name)
}
