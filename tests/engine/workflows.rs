//! The workflows that test and release the policy.

#![expect(clippy::unwrap_used, reason = "a test fails on a workflow that does not parse")]

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::cases::names_in;
use crate::documents;
use crate::module::in_repository;

const WORKFLOWS: &str = ".github/workflows";
/// The action that users of the program run.
const ACTION: &str = "action.yml";

/// Returns the workflows with their names.
#[track_caller]
fn workflows() -> Vec<(String, Value)> {
    let read = |name: String| {
        let workflow = documents::read(&format!("{WORKFLOWS}/{name}"));
        (name, workflow)
    };
    let workflows: Vec<_> = names_in(WORKFLOWS).into_iter().map(read).collect();
    assert!(!workflows.is_empty(), "found no workflows");
    workflows
}

/// Returns the lines of all workflows and of the action, because values do not contain comments.
fn lines() -> Vec<String> {
    let workflows = names_in(WORKFLOWS).into_iter().map(|name| format!("{WORKFLOWS}/{name}"));
    let texts =
        workflows.chain([ACTION.to_owned()]).map(|file| fs::read_to_string(in_repository(&file)).unwrap());
    texts.flat_map(|text| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>()).collect()
}

/// Returns whether a text is a commit digest, followed by its version.
fn is_pin(text: &str) -> bool {
    let Some((commit, version)) = text.split_once(" # v") else { return false };
    commit.len() == 40
        && commit.chars().all(|character| matches!(character, '0'..='9' | 'a'..='f'))
        && version.split('.').count() == 3
        && version.split('.').all(|number| number.parse::<u32>().is_ok())
}

/// Returns the make targets that a script runs.
fn targets(script: &str) -> Vec<&str> {
    let commands = script.lines().filter_map(|line| line.trim().strip_prefix("make "));
    let words = commands.flat_map(str::split_whitespace);
    words.filter(|word| !word.contains(['=', '"']) && !word.starts_with('-')).collect()
}

#[test]
fn every_action_is_pinned_to_a_commit() {
    let lines = lines();
    let used: Vec<_> = lines
        .iter()
        .filter_map(|line| line.trim_start_matches("- ").strip_prefix("uses: "))
        .filter(|action| !action.starts_with("./"))
        .collect();
    assert!(!used.is_empty());
    for action in used {
        let pin = action.split_once('@').map_or("", |(_, pin)| pin);
        assert!(is_pin(pin), "must be pinned as in owner/action@<40 digits> # v1.2.3: {action}");
    }
}

#[test]
fn only_a_commit_is_a_pin() {
    assert!(is_pin("0123456789abcdef0123456789abcdef01234567 # v1.2.3"));
    for text in [
        "v1.2.3",
        "0123456789abcdef0123456789abcdef01234567",
        "0123456789abcdef0123456789abcdef01234567 # v1",
        "0123456789abcdef # v1.2.3",
        "0123456789ABCDEF0123456789ABCDEF01234567 # v1.2.3",
    ] {
        assert!(!is_pin(text), "{text}");
    }
}

#[test]
fn every_make_target_exists() {
    let makefile = fs::read_to_string(in_repository("Makefile")).unwrap();
    let known: BTreeSet<_> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '#', '.']))
        .filter_map(|line| line.split_once(':'))
        .flat_map(|(targets, _)| targets.split_whitespace())
        .collect();
    for (file, workflow) in workflows() {
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            for step in job["steps"].as_array().into_iter().flatten() {
                for target in step["run"].as_str().map(targets).unwrap_or_default() {
                    assert!(known.contains(target), "{file}: {name}: make has no target {target}");
                }
            }
        }
    }
    assert_eq!(targets("make a.wasm b\n  make --assume-old=c d E=\"$F\"\nremake x"), ["a.wasm", "b", "d"]);
}

#[test]
fn every_job_has_a_timeout_and_permissions() {
    for (file, workflow) in workflows() {
        assert_eq!(workflow["permissions"], json!({}), "{file}: must grant nothing to all jobs");
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["permissions"].is_object(), "{file}: {name}: must say what it may do");
            // A job that calls another workflow has the limits of that workflow.
            assert!(job["timeout-minutes"].is_u64() || job["uses"].is_string(), "{file}: {name}: must end");
        }
    }
}

#[test]
fn the_workflow_runs_every_check_of_the_local_script() {
    let workflow = documents::read(&format!("{WORKFLOWS}/test.yml"));
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().into_iter().flatten());
    let run: BTreeSet<_> = steps.filter_map(|step| step["run"].as_str()).flat_map(targets).collect();
    let script = fs::read_to_string(in_repository(".ci/run")).unwrap();
    let local = targets(&script);
    assert_eq!(local, ["lint", "test", "e2e-tests", "fuzz"]);
    for target in local {
        assert!(run.contains(target), "test.yml does not run make {target}");
    }
}

#[test]
fn the_action_uses_each_input_and_runs_scripts_that_exist() {
    let action = documents::read(ACTION);
    let text = fs::read_to_string(in_repository(ACTION)).unwrap();
    for input in action["inputs"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("${{{{ inputs.{input} }}}}")), "{input} is not used");
    }
    let scripts: Vec<_> = action["runs"]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["run"].as_str()?.trim_matches('"').strip_prefix("$GITHUB_ACTION_PATH/"))
        .collect();
    assert_eq!(scripts, ["scripts/action/install", "scripts/action/check"]);
    for script in scripts {
        assert!(in_repository(script).is_file(), "{script}");
    }
}

#[test]
fn install_md_lists_the_inputs_of_the_action() {
    let document = fs::read_to_string(in_repository("docs/install.md")).unwrap();
    for input in documents::read(ACTION)["inputs"].as_object().unwrap().keys() {
        assert!(document.contains(&format!("`{input}`")), "docs/install.md does not describe {input}");
    }
}
