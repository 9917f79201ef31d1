//! `shellRemoval`.

use serde::Deserialize;
use serde_json::json;

use super::findings::Findings;
use super::request::{ContainerAt, Request};
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
    is_on_by_default: false,
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
            let removed = removed(&startup_command(container)).unwrap_or_default();
            let probe = container.path.field("startupProbe");
            if container.context().read_only_root_filesystem == Some(true) {
                if paths.iter().any(|path| removed.contains(path)) {
                    findings.add(probe.field("exec.command"), container.as_responsible());
                }
            } else if !paths.iter().all(|path| removed.contains(path)) {
                findings.add(probe, container.as_responsible());
            }
        }
    }
    findings
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
