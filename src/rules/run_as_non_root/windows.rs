//! The users of Windows containers.

use super::{Resolution, Violation};
use crate::kubernetes::pod::{ContainerAt, Pod};

/// The users that can do anything in a container. `SYSTEM` is short for `NT AUTHORITY\SYSTEM`.
const ADMINISTRATORS: [&str; 4] = ["ContainerAdministrator", "SYSTEM", "LocalSystem", "Administrator"];

/// The same users by their security identifiers. The identifier of an `Administrator` contains the number of its machine.
const IDENTIFIERS: [(&str, &str); 2] = [("S-1-5-93-2-1", "ContainerAdministrator"), ("S-1-5-18", "SYSTEM")];

/// Maximum length of a user name with its domain, in bytes. API servers accept 361 characters; a pod may repeat a longer name in
/// thousands of containers.
const MAX_USER_NAME_LENGTH: usize = 2048;

/// Returns whether a container or its pod names a Windows user.
pub(super) fn has_user_name(pod: &Pod<'_>, at: ContainerAt<'_, '_>) -> bool {
    !effective_name(pod, at).0.is_empty()
}

/// Returns the violation of a container whose Windows user is an administrator. A pod without `os` can run on Windows.
pub(super) fn administrator_violation<'p>(
    pod: &'p Pod<'_>,
    at: ContainerAt<'p, '_>,
) -> Option<Violation<'p>> {
    if &*pod.spec.os.name == "linux" {
        return None;
    }
    let (name, is_inherited) = effective_name(pod, at);
    let user = administrator(name)?;
    Some(Violation {
        is_inherited,
        field: "securityContext.windowsOptions.runAsUserName",
        value: name,
        message: format!("must not run as {user}"),
        resolution: Resolution::None,
    })
}

/// Returns the user name of a container, and whether it is that of the pod. It is empty if it is unset.
fn effective_name<'p>(pod: &'p Pod<'_>, at: ContainerAt<'p, '_>) -> (&'p str, bool) {
    match &*at.container.security_context.windows_options.run_as_user_name {
        "" => (&pod.spec.security_context.windows_options.run_as_user_name, true),
        own => (own, false),
    }
}

/// Returns the administrator that a name means, if any. Windows ignores the case, the domain, and dots and spaces at the end.
fn administrator(user_name: &str) -> Option<&'static str> {
    if user_name.is_empty() || user_name.len() > MAX_USER_NAME_LENGTH {
        return None;
    }
    let (_, name) = user_name.rsplit_once(['\\', '/']).unwrap_or(("", user_name));
    let (name, _) = name.split_once('@').unwrap_or((name, ""));
    let name = name.trim_start().trim_end_matches(|end: char| end == '.' || end.is_whitespace());
    let is_same = |other: &str| name.eq_ignore_ascii_case(other);
    let identified = IDENTIFIERS.into_iter().find(|(id, _)| is_same(id)).map(|(_, user)| user);
    let named = || ADMINISTRATORS.into_iter().find(|user| is_same(user));
    identified.or_else(named).or_else(|| is_administrator_id(name).then_some("Administrator"))
}

/// Returns whether a name is the security identifier of the administrator of a machine or domain.
fn is_administrator_id(name: &str) -> bool {
    let start = name.split_at_checked("S-1-5-21-".len());
    start.is_some_and(|(start, rest)| start.eq_ignore_ascii_case("S-1-5-21-") && rest.ends_with("-500"))
}
