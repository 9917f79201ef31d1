//! `shellRemoval`.

use k8s_openapi::api::core::v1::Probe;
use serde::Deserialize;
use serde_json::json;

use super::file_paths::FilePath;
use super::findings::Findings;
use super::mounts::{Mount, container_path, is_at_or_below, volume_mounts};
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::one_of;

#[derive(Deserialize)]
#[serde(default)]
struct Options {
    paths: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { paths: vec!["/bin/sh".to_owned(), "/bin/bash".to_owned()] }
    }
}

/// `shellRemoval`
pub(super) const SHELL_REMOVAL: ReferenceRule = ReferenceRule {
    default_mode: "off",
    effects: &[("paths", &[Reports, Allows])],
    options: || {
        vec![(
            "paths",
            one_of(&json!([["/bin/sh"], ["/bin/busybox", "/bin/bash"], ["/bin/sh", "/bin/bash"]])),
        )]
    },
    ..ReferenceRule::new("shellRemoval", shell_removal)
};

fn shell_removal(request: &Request<'_>) -> Findings {
    let Options { paths } = options(request.settings, "shellRemoval");
    let mut findings = Findings::default();
    for pod in request.pods.iter().filter(|pod| !pod.is_windows()) {
        for container in pod.containers.iter().filter(|container| container.can_have_probes) {
            let command = startup_command(container);
            let removed = removed(&command).unwrap_or_default();
            let path = container.path.field("startupProbe");
            if container.context().read_only_root_filesystem == Some(true) {
                if paths.iter().any(|path| removed.contains(path)) {
                    findings.add(path.field("exec.command"), container.as_responsible());
                }
                continue;
            }
            let removes_all = paths.iter().all(|path| removed.contains(path));
            if !removes_all || !is_trusted(pod, container, &command) {
                findings.add(path, container.as_responsible());
                continue;
            }
            let probe = container.spec.startup_probe.clone().unwrap_or_default();
            if fails_for(&probe) > MAX_FAILURE_SECONDS {
                findings.add(path.clone(), container.as_responsible());
            }
            if probe.initial_delay_seconds.unwrap_or_default() > MAX_DELAY_SECONDS {
                findings.add(path.field("initialDelaySeconds"), container.as_responsible());
            }
        }
    }
    findings
}

/// Maximum time before a container removes its shells.
const MAX_DELAY_SECONDS: i32 = 60;

/// Maximum time for which the removal may fail.
const MAX_FAILURE_SECONDS: i64 = 600;

/// Returns the time for which a probe may fail. The API server replaces 0 by the default.
fn fails_for(probe: &Probe) -> i64 {
    let or_default =
        |number: Option<i32>, default: i64| number.filter(|number| *number != 0).map_or(default, i64::from);
    or_default(probe.failure_threshold, 3) * or_default(probe.period_seconds, 10)
}

/// Whether the programs of a command are the programs of the image, and run no other code.
fn is_trusted(pod: &Pod, container: &ContainerAt, command: &[String]) -> bool {
    let variables = container.spec.env.clone().unwrap_or_default();
    let names: Vec<_> = variables.iter().map(|variable| &*variable.name).collect();
    if names.iter().any(|name| name.starts_with("LD_") || name.starts_with("BASH_")) {
        return false;
    }
    let mounts = volume_mounts(pod, container);
    programs(command).iter().all(|program| {
        let is_in_path = program.contains('/') || !names.contains(&"PATH");
        let name = program.rsplit('/').next().unwrap_or_default();
        let files =
            ["/bin", "/usr/bin"].map(|directory| FilePath::parse(&format!("{directory}/{name}"), false));
        let is_below = |mount: &Mount| {
            let target = container_path(pod, &mount.target);
            files.iter().any(|file| is_at_or_below(pod, file, &target))
        };
        is_in_path && !mounts.iter().any(is_below)
    })
}

/// Returns the programs of a command, and of the script if the command is a shell.
fn programs(command: &[String]) -> Vec<String> {
    let program = command.first().cloned().into_iter();
    let script = if command.len() == 3 && !command.first().is_some_and(|word| is_program(word, &["rm"])) {
        command[2].split("&&").filter_map(|line| line.split_whitespace().next()).collect()
    } else {
        Vec::new()
    };
    program.chain(script.into_iter().map(str::to_owned)).collect()
}

fn startup_command(container: &ContainerAt) -> Vec<String> {
    let exec = container.spec.startup_probe.clone().and_then(|probe| probe.exec);
    exec.and_then(|exec| exec.command).unwrap_or_default()
}

/// Returns the files that a command removes. Returns `None` if the command may succeed without removing all of them.
fn removed(command: &[String]) -> Option<Vec<String>> {
    match command {
        [shell, options, script] if is_program(shell, &["sh", "bash"]) => {
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || " /-_.&".contains(letter);
            if !["-c", "-ec"].contains(&&**options) || !script.chars().all(is_plain) {
                return None;
            }
            let commands = script.split("&&").map(removed_by_line);
            Some(commands.collect::<Option<Vec<_>>>()?.concat())
        }
        words => removed_by_words(&words.iter().map(String::as_str).collect::<Vec<_>>()),
    }
}

fn removed_by_line(line: &str) -> Option<Vec<String>> {
    let words: Vec<_> = line.split(' ').filter(|word| !word.is_empty()).collect();
    if line.contains('&') { None } else { removed_by_words(&words) }
}

fn removed_by_words(words: &[&str]) -> Option<Vec<String>> {
    let (program, words) = words.split_first()?;
    if !is_program(program, &["rm"]) {
        return None;
    }
    let end = words.iter().position(|word| *word == "--");
    let (words, operands) = end.map_or((words, &[][..]), |end| (&words[..end], &words[end + 1..]));
    let (options, paths): (Vec<_>, Vec<_>) = words.iter().partition(|word| word.starts_with('-'));
    let is_harmless =
        |option: &&str| *option == "--force" || option.strip_prefix('-').is_some_and(are_harmless);
    options
        .iter()
        .all(is_harmless)
        .then(|| paths.iter().chain(operands).map(|path| (*path).to_owned()).collect())
}

fn are_harmless(letters: &str) -> bool {
    !letters.is_empty() && letters.chars().all(|letter| "frvd".contains(letter))
}

fn is_program(word: &str, names: &[&str]) -> bool {
    let name = word.strip_prefix("/bin/").or_else(|| word.strip_prefix("/usr/bin/")).unwrap_or(word);
    names.contains(&name)
}
