//! `shellRemoval`: containers with a writable root filesystem remove their shells when they start.

use std::borrow::Cow;

use super::finding::{Findings, list};
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::container::{Container, ContainerList, Probe};
use crate::kubernetes::pod::ContainerAt;
use crate::settings::declaration::{Declared, Setting, Texts};
use crate::settings::mode::Mode;
use crate::settings::path_pattern::FILE;
use crate::settings::reader::ObjectReader;
use crate::text::{printable, quoted};
use json_view::Text;

const PATHS: Setting<Texts> = Setting {
    key: "paths",
    label: "Paths of shells",
    doc: "The shells that containers must remove.",
    kind: Texts { format: &FILE, default: &["/bin/sh", "/bin/bash"], may_be_empty: false },
};

/// Programs that run the script after their option `-c`.
const SHELLS: [&str; 6] = ["sh", "ash", "bash", "dash", "ksh", "zsh"];

/// Directories of the system in which programs are trusted. On most systems, the first one is a link to the second one.
const DIRECTORIES: [&str; 2] = ["/bin", "/usr/bin"];

/// Maximum delay before the first probe, in seconds: until then, the container has its shells.
const MAX_DELAY: i64 = 60;

/// Maximum time in which the probe can fail before the kubelet restarts the container, in seconds.
const MAX_FAILURE_TIME: i64 = 600;

pub(crate) struct ShellRemoval<'s> {
    paths: Cow<'s, [&'s str]>,
}

impl ShellRemoval<'_> {
    /// Returns the fields that are wrong, each with what the container must do.
    fn violations(&self, at: ContainerAt<'_, '_>) -> Vec<(&'static str, String)> {
        let container = at.container;
        let probe = &container.startup_probe;
        let removal = Removal::of(&probe.exec.command);
        let is_removed = |path: &&&str| removal.paths.contains(&path.trim_end_matches('/'));
        if container.security_context.read_only_root_filesystem == Some(true) {
            let violation = |path| {
                let message =
                    format!("must not remove {path}: on its read-only root the probe can never succeed");
                ("startupProbe.exec.command", message)
            };
            return self.paths.iter().find(is_removed).map(violation).into_iter().collect();
        }
        let distrust =
            if self.paths.iter().any(|path| is_removed(&path)) { removal.distrust(at) } else { None };
        let is_left = |path: &&&str| distrust.is_some() || !is_removed(path);
        let left: Vec<_> = self.paths.iter().filter(is_left).copied().collect();
        if left.is_empty() {
            return limit_violations(probe);
        }
        let reason = distrust.map(|reason| format!(": {reason}")).unwrap_or_default();
        let left = left.join(", ");
        let message =
            format!("must remove {left} by its exec command, or have a read-only root filesystem{reason}");
        vec![("startupProbe", message)]
    }
}

/// Returns what is wrong with the times of a probe that removes every path.
fn limit_violations(probe: &Probe<'_>) -> Vec<(&'static str, String)> {
    let or_default = |number: i64, default| if number == 0 { default } else { number };
    let threshold = or_default(probe.failure_threshold, 3);
    let seconds = threshold.saturating_mul(or_default(probe.period_seconds, 10));
    let mut violations = Vec::new();
    if probe.initial_delay_seconds > MAX_DELAY {
        let message = format!("must set it to at most {MAX_DELAY}, not {}", probe.initial_delay_seconds);
        violations.push(("startupProbe.initialDelaySeconds", message));
    }
    if seconds > MAX_FAILURE_TIME {
        let limit = "(failureThreshold × periodSeconds)";
        let message = format!("must fail for at most {MAX_FAILURE_TIME} seconds {limit}, not {seconds}");
        violations.push(("startupProbe", message));
    }
    violations
}

impl<'s> Rule<'s> for ShellRemoval<'s> {
    const META: RuleMeta =
        RuleMeta { id: "shellRemoval", severity: Severity::Medium, default_mode: Mode::Off, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Containers with a writable root filesystem remove their shells when they start.",
        finding: "a container with a writable root filesystem, and without a `startupProbe` whose exec command removes every path in \
                  `paths`; a container with a read-only root filesystem and such a probe",
        fix: None,
        why: "\
This rule is for images that cannot run on a read-only root filesystem: without a shell, an attacker has fewer tools in the container.",
        how: Some(
            "\
The probe succeeds when the shells are gone, and only then the container counts as started: `[\"rm\", \"-f\", \"/bin/sh\", \"/bin/bash\"]`, or
the same through a shell, `[\"sh\", \"-c\", \"rm -f /bin/sh && rm -f /bin/bash\"]`. A command counts only if it fails unless every path is
removed: it must consist of `rm` with no options but `-f`, `-r`, `-v` and `-d`, and programs must be in `/bin` or `/usr/bin` if they have a
path, because other directories can contain anything. It does not count if the container sets `PATH` and a program has no path, if it sets a
variable of the loader or of Bash (`LD_…`, `BASH_…`), or if it mounts a volume over a program. The probe must start after at most 60 seconds,
and fail for at most 600. On a read-only root filesystem the probe can never succeed, so it is a finding there.",
        ),
        limits: Some(
            "\
Only root can remove `/bin/sh`: with another user, the probe never succeeds. Init containers that are not sidecars, and ephemeral
containers, are skipped because they cannot have probes. Windows pods are skipped too. Other programs in the image can still be shells.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&PATHS];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        Self { paths: reader.get(&PATHS) }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Some(pod) = target.linux_pod() else { return };
        for container in pod.all_containers() {
            if !can_have_probes(container.list, container.container) {
                continue;
            }
            for (field, message) in self.violations(container) {
                let command = list(&container.container.startup_probe.exec.command);
                findings.at(container, field).message(message).value(command);
            }
        }
    }
}

fn can_have_probes(list: ContainerList, container: &Container<'_>) -> bool {
    match list {
        ContainerList::Init => container.is_sidecar(),
        ContainerList::Regular => true,
        ContainerList::Ephemeral => false,
    }
}

/// What a command certainly removes if it succeeds.
#[derive(Default)]
struct Removal<'c> {
    /// The removed paths; none if the command may remove something else.
    paths: Vec<&'c str>,
    /// The programs that the command runs, as they are written, in their order, each once: a script may repeat them thousands of times.
    programs: Vec<&'c str>,
}

impl<'c> Removal<'c> {
    fn of(command: &'c [Text<'_>]) -> Self {
        let words: Vec<&str> = command.iter().map(|word| &**word).collect();
        let mut removal = Self::default();
        let is_certain = match *words {
            [shell, option, script, ..] if SHELLS.contains(&program(shell)) && is_script_option(option) => {
                removal.add_program(shell);
                is_removal_script(script, &mut removal)
            }
            _ => is_rm(&words, &mut removal),
        };
        if is_certain { removal } else { Self::default() }
    }

    fn add_program(&mut self, program: &'c str) {
        if !self.programs.contains(&program) {
            self.programs.push(program);
        }
    }

    /// Returns why the programs of the command may do something else, if they may.
    fn distrust(&self, at: ContainerAt<'_, '_>) -> Option<String> {
        let variables = at.container.env.all();
        let mut names = variables.iter().map(|variable| &*variable.name);
        let is_bare = |program: &&&str| !program.contains('/');
        if let Some(program) = self.programs.iter().find(is_bare)
            && names.clone().any(|name| name == "PATH")
        {
            return Some(format!("PATH is set, so {} can be any program", quoted(program)));
        }
        let is_of_loader = |name: &&str| name.starts_with("LD_") || name.starts_with("BASH_");
        if let (Some(program), Some(name)) = (self.programs.first(), names.find(is_of_loader)) {
            return Some(format!("{} is set, so {} can run any code", printable(name), quoted(program)));
        }
        self.programs.iter().find_map(|written| {
            let path = DIRECTORIES.map(|directory| format!("{directory}/{}", program(written)));
            let path = path.iter().find(|path| is_mounted_over(at, path))?;
            Some(format!(
                "a volume is mounted over {}, so {} can be any program",
                quoted(path),
                quoted(written)
            ))
        })
    }
}

/// Whether a container has a mount at a path or above it.
fn is_mounted_over(at: ContainerAt<'_, '_>, path: &str) -> bool {
    at.container.volume_mounts.iter().any(|mount| at.pod.file_path(&mount.mount_path).contains(path))
}

/// The name of a program in a directory of the system. Other directories can contain anything, so there it has no name.
fn program(path: &str) -> &str {
    match path.rsplit_once('/') {
        None => path,
        Some(("/bin" | "/usr/bin", name)) => name,
        Some(_) => "",
    }
}

/// Whether an option is `-c`, alone or after options that only make failing easier or the shell more verbose.
fn is_script_option(option: &str) -> bool {
    let letters = option.strip_prefix('-').and_then(|letters| letters.strip_suffix('c'));
    letters.is_some_and(|letters| letters.bytes().all(|letter| matches!(letter, b'e' | b'u' | b'x')))
}

/// Whether a script consists of `rm` commands joined by `&&`, and of nothing that a shell expands. In any other script, an `rm` may
/// fail without notice or remove something else.
fn is_removal_script<'c>(script: &'c str, removal: &mut Removal<'c>) -> bool {
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'/' | b'.' | b'_' | b'-' | b'&');
    script.bytes().all(is_plain)
        && script.split("&&").all(|command| {
            let words: Vec<_> = command.split(' ').filter(|word| !word.is_empty()).collect();
            !command.contains('&') && is_rm(&words, removal)
        })
}

/// Whether a command is an `rm`; the program and its paths are added to `removal`.
fn is_rm<'c>(words: &[&'c str], removal: &mut Removal<'c>) -> bool {
    let Some((path, arguments)) = words.split_first() else { return false };
    if program(path) != "rm" {
        return false;
    }
    removal.add_program(path);
    let mut options_end = false;
    for &argument in arguments {
        match argument {
            "--" if !options_end => options_end = true,
            _ if options_end || !argument.starts_with('-') => removal.paths.push(argument),
            "--force" | "--recursive" | "--verbose" | "--dir" => {}
            // With any other option, such as --help, the command may succeed and remove nothing.
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

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    fn container(command: &Value) -> Value {
        json!({"name": "a", "startupProbe": {"exec": {"command": command}}})
    }

    fn findings(container: &Value) -> Vec<String> {
        check(RuleId::ShellRemoval, &json!({}), &json!({"containers": [container]}))
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
        let lines = check(RuleId::ShellRemoval, &json!({"paths": ["/bin/zsh"]}), &pod);
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
        assert_eq!(check(RuleId::ShellRemoval, &json!({}), &windows), [""; 0]);
    }

    #[test]
    fn paths_are_absolute() {
        assert_eq!(
            errors(RuleId::ShellRemoval, &json!({"paths": ["sh"]})),
            [r#"shellRemoval.paths[0]: expected an absolute path, got "sh""#]
        );
        assert_eq!(
            errors(RuleId::ShellRemoval, &json!({"paths": []})),
            ["shellRemoval.paths: must not be empty"]
        );
    }
}
