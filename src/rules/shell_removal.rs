//! `shellRemoval`: a container that can be written to loses its shells when it starts.
//!
//! A finding is a container with a writable root and no `startupProbe` whose exec command removes every path in
//! `paths`; one with a read-only root that has such a probe all the same
//!
//! This is for images that cannot run on a read-only root. The probe succeeds once the shells are gone, and only then
//! does the container count as started: `["rm", "-f", "/bin/sh", "/bin/bash"]`, or the same through a shell, `["sh",
//! "-c", "rm -f /bin/sh && rm -f /bin/bash"]`. A command counts only when it fails unless every path is removed, so
//! nothing but `rm` may stand in it, and no option but `-f`, `-r`, `-v` and `-d`; programs have no path but `/bin` and
//! `/usr/bin`, for elsewhere anybody may have put one. On a read-only root the probe could never succeed, so there it is
//! wrong. Init containers that are no sidecars and ephemeral containers cannot have probes, so nothing is asked of them;
//! nor of Windows pods.
//!
//! Settings:
//!
//! - `paths`: the shells that must be removed.

use std::borrow::Cow;

use super::{Definition, Kind, Rule};
use crate::kubernetes::file_path::check_place;
use crate::kubernetes::pod::{Container, ContainerList, Pod};
use crate::rules::finding::{Finding, list};
use crate::settings::reader::Options;
use json_view::Text;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "shellRemoval", mode: None, can_fix: false, kind: Kind::ShellRemoval };

/// Programs that run the script behind their option `-c`.
const SHELLS: [&str; 6] = ["sh", "ash", "bash", "dash", "ksh", "zsh"];

pub(crate) struct ShellRemoval<'s> {
    paths: Cow<'s, [&'s str]>,
}

impl<'s> ShellRemoval<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        let paths = options.strings("paths", &["/bin/sh", "/bin/bash"], check_place);
        options.refuse_empty("paths");
        Self { paths }
    }

    /// The field that is wrong, and what must be done about it.
    fn judge(&self, container: &Container<'_>) -> Option<(&'static str, String)> {
        let removed = removed_paths(&container.startup_probe.exec.command);
        let is_read_only = container.security_context.read_only_root_filesystem == Some(true);
        let mut left = Vec::new();
        for path in self.paths.iter() {
            match removed.contains(&path.trim_end_matches('/')) {
                true if is_read_only => {
                    let demand =
                        format!("must not remove {path}: on its read-only root the probe can never succeed");
                    return Some(("startupProbe.exec.command", demand));
                }
                false if !is_read_only => left.push(*path),
                _ => {}
            }
        }
        if left.is_empty() {
            return None;
        }
        let left = left.join(", ");
        let demand = format!("must remove {left} by its exec command, or have a read-only root filesystem");
        Some(("startupProbe", demand))
    }
}

impl Rule for ShellRemoval<'_> {
    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if pod.is_windows() {
            return;
        }
        for at in pod.all_containers() {
            if !may_have_probes(at.list, at.container) {
                continue;
            }
            if let Some((field, demand)) = self.judge(at.container) {
                let command = list(&at.container.startup_probe.exec.command);
                Finding::of_container(found, at, field, &command, demand);
            }
        }
    }
}

fn may_have_probes(list: ContainerList, container: &Container<'_>) -> bool {
    match list {
        ContainerList::Init => container.is_sidecar(),
        ContainerList::Regular => true,
        ContainerList::Ephemeral => false,
    }
}

/// What a command certainly removes when it succeeds; nothing when that cannot be told.
fn removed_paths<'c>(command: &'c [Text<'_>]) -> Vec<&'c str> {
    let words: Vec<&str> = command.iter().map(|word| &**word).collect();
    let mut removed = Vec::new();
    let is_certain = match *words {
        [shell, option, script, ..] if SHELLS.contains(&program(shell)) && is_script_option(option) => {
            is_removal_script(script, &mut removed)
        }
        _ => is_rm(&words, &mut removed),
    };
    if is_certain { removed } else { Vec::new() }
}

/// The name of a program where systems keep theirs. Elsewhere anybody may have put one, so there it has no name that counts.
fn program(path: &str) -> &str {
    match path.rsplit_once('/') {
        None => path,
        Some(("/bin" | "/usr/bin", name)) => name,
        Some(_) => "",
    }
}

/// `-c`, alone or behind options that only make failing easier or the shell louder.
fn is_script_option(option: &str) -> bool {
    let letters = option.strip_prefix('-').and_then(|letters| letters.strip_suffix('c'));
    letters.is_some_and(|letters| letters.bytes().all(|letter| matches!(letter, b'e' | b'u' | b'x')))
}

/// Whether a script is one `rm` after the other, of these paths. In a script with any other command, or with anything
/// that a shell expands, an `rm` may fail unseen or remove something else.
fn is_removal_script<'c>(script: &'c str, removed: &mut Vec<&'c str>) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'/' | b'.' | b'_' | b'-' | b'&');
    if !script.bytes().all(is_plain) {
        return false;
    }
    let mut parts = script.split('&');
    while let Some(command) = parts.next() {
        let words: Vec<_> = command.split(' ').filter(|word| !word.is_empty()).collect();
        if !is_rm(&words, removed) {
            return false;
        }
        // Ampersands come in pairs, and between those of a pair stands nothing.
        match parts.next() {
            None => return true,
            Some("") => {}
            Some(_) => return false,
        }
    }
    false
}

/// Whether a command is an `rm`, of these paths.
#[inline(never)]
fn is_rm<'c>(words: &[&'c str], removed: &mut Vec<&'c str>) -> bool {
    let Some((path, arguments)) = words.split_first() else { return false };
    if program(path) != "rm" {
        return false;
    }
    let mut options_end = false;
    for &argument in arguments {
        match argument {
            "--" if !options_end => options_end = true,
            _ if options_end || !argument.starts_with('-') => removed.push(argument),
            "--force" | "--recursive" | "--verbose" | "--dir" => {}
            // Others, such as --help, have it succeed and remove nothing.
            _ if is_harmless_option(argument) => {}
            _ => return false,
        }
    }
    true
}

fn is_harmless_option(argument: &str) -> bool {
    let letters = argument.strip_prefix('-').unwrap_or_default();
    !letters.is_empty() && letters.bytes().all(|letter| matches!(letter, b'f' | b'r' | b'R' | b'v' | b'd'))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    fn container(command: &Value) -> Value {
        json!({"name": "a", "startupProbe": {"exec": {"command": command}}})
    }

    fn findings(container: &Value) -> Vec<String> {
        check(&RULE, &json!({}), &json!({"containers": [container]}))
    }

    fn left(shells: &str) -> String {
        format!(
            "spec.containers[0].startupProbe: container \"a\" must remove {shells} by its exec command, \
             or have a read-only root filesystem [shellRemoval]"
        )
    }

    #[test]
    fn wants_every_shell_removed() {
        assert_eq!(findings(&json!({"name": "a"})), [left("/bin/sh, /bin/bash")]);
        assert_eq!(findings(&container(&json!(["rm", "/bin/sh"]))), [left("/bin/bash")]);
        for command in [
            json!(["rm", "-f", "/bin/sh", "/bin/bash"]),
            json!(["/bin/rm", "-fv", "--", "/bin/bash", "/bin/sh"]),
            json!(["sh", "-c", "rm -f /bin/sh /bin/bash"]),
            json!(["/bin/bash", "-ec", "  rm  --force /bin/sh&&/usr/bin/rm /bin/bash "]),
        ] {
            assert_eq!(findings(&container(&command)), [""; 0], "{command}");
        }
    }

    #[test]
    fn is_not_taken_in_by_what_may_fail_unseen() {
        for command in [
            json!(["rm", "--help", "/bin/sh", "/bin/bash"]),
            // No directories, so that rm finds nothing to remove, and with -f does not mind.
            json!(["rm", "-f", "/bin/sh/", "/bin/bash/"]),
            json!(["rm", "-i", "/bin/sh", "/bin/bash"]),
            json!(["rm", "-", "/bin/sh", "/bin/bash", "-x"]),
            json!(["/tmp/rm", "-f", "/bin/sh", "/bin/bash"]),
            json!(["./rm", "-f", "/bin/sh", "/bin/bash"]),
            json!(["/tmp/sh", "-c", "rm -f /bin/sh /bin/bash"]),
            json!(["echo", "rm", "/bin/sh", "/bin/bash"]),
            json!(["rm /bin/sh /bin/bash"]),
            json!(["sh", "-c", "rm /bin/sh /bin/bash; true"]),
            json!(["sh", "-c", "rm /bin/sh /bin/bash || true"]),
            json!(["sh", "-c", "rm /bin/sh /bin/bash &"]),
            json!(["sh", "-c", "rm /bin/sh /bin/bash & rm /x"]),
            json!(["sh", "-c", "exit && rm /bin/sh /bin/bash"]),
            json!(["sh", "-c", "rm $NOTHING # /bin/sh /bin/bash"]),
            json!(["sh", "-c", "true\nrm /bin/sh /bin/bash"]),
            json!(["sh", "-nc", "rm /bin/sh /bin/bash"]),
            json!(["sh", "rm", "/bin/sh", "/bin/bash"]),
            json!(["python", "-c", "rm /bin/sh /bin/bash"]),
            json!([]),
        ] {
            assert_eq!(findings(&container(&command)), [left("/bin/sh, /bin/bash")], "{command}");
        }
    }

    #[test]
    fn a_read_only_root_needs_no_removal_and_bears_none() {
        let read_only = json!({"readOnlyRootFilesystem": true});
        assert_eq!(findings(&json!({"name": "a", "securityContext": read_only})), [""; 0]);
        let mut container = container(&json!(["rm", "-f", "/bin/bash", "/tmp/x"]));
        container["securityContext"] = read_only;
        assert_eq!(
            findings(&container),
            ["spec.containers[0].startupProbe.exec.command: container \"a\" must not remove /bin/bash: \
              on its read-only root the probe can never succeed [shellRemoval]"]
        );
        container["startupProbe"]["exec"]["command"] = json!(["rm", "-f", "/tmp/x"]);
        assert_eq!(findings(&container), [""; 0]);
    }

    #[test]
    fn asks_only_containers_that_can_have_probes() {
        let pod = json!({
            "initContainers": [{"name": "a"}, {"name": "b", "restartPolicy": "Always"}],
            "containers": [{"name": "c"}],
            "ephemeralContainers": [{"name": "d"}],
        });
        let lines = check(&RULE, &json!({"paths": ["/bin/zsh"]}), &pod);
        let demand =
            "must remove /bin/zsh by its exec command, or have a read-only root filesystem [shellRemoval]";
        assert_eq!(
            lines,
            [
                format!("spec.initContainers[1].startupProbe: sidecar \"b\" {demand}"),
                format!("spec.containers[0].startupProbe: container \"c\" {demand}"),
            ]
        );
        let windows = json!({"os": {"name": "windows"}, "containers": [{"name": "a"}]});
        assert_eq!(check(&RULE, &json!({}), &windows), [""; 0]);
    }

    #[test]
    fn paths_are_absolute() {
        assert_eq!(
            errors(&RULE, &json!({"paths": ["sh"]})),
            [r#"shellRemoval.paths[0]: must be an absolute path, not "sh""#]
        );
        assert_eq!(errors(&RULE, &json!({"paths": []})), ["shellRemoval.paths: must not be empty"]);
    }
}
