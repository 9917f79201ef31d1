//! What is asked of a release before it is made.

#![expect(clippy::unwrap_used, reason = "a script that cannot be run ends its test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::module::in_repository;

/// The files that name version 1.2.3, as it is to be released.
const FILES: [(&str, &str); 4] = [
    (
        "Cargo.toml",
        "[workspace.package]\nversion = \"9.9.9\"\n\n[package]\nname = \"a\"\nversion = \"1.2.3\"\n\n[dependencies]\nversion = \"8\"\n",
    ),
    ("metadata.yml", "annotations:\n  io.kubewarden.policy.version: 1.2.3\n"),
    ("artifacthub-pkg.yml", "version: 1.2.3\nname: a\n"),
    (
        "CHANGELOG.md",
        "# Changelog\n\n## Unreleased\n\n## 1.2.3 (2027-01-02)\n\n- New.\n\n## 1.2.2\n\n- Old.\n",
    ),
];

/// A folder with the scripts and the files, some of them changed.
fn repository(name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(folder.join("scripts")).unwrap();
    for script in ["release-check", "release-notes"].map(|script| format!("scripts/{script}")) {
        fs::copy(in_repository(&script), folder.join(&script)).unwrap();
    }
    for (file, text) in FILES.iter().chain(changes) {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

fn run(folder: &Path, script: &str, version: &str) -> Output {
    Command::new(folder.join("scripts").join(script)).arg(version).output().unwrap()
}

/// What the check has to say.
#[track_caller]
fn refusals(folder: &Path, version: &str) -> String {
    let output = run(folder, "release-check", version);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_version_that_all_files_name_can_be_released() {
    let folder = repository("agreed", &[]);
    for version in ["v1.2.3", "1.2.3"] {
        let output = run(&folder, "release-check", version);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_file_that_names_another_version_is_told_of() {
    assert_eq!(
        refusals(&repository("all", &[]), "v1.3.0"),
        "Cargo.toml: says version 1.2.3, must say 1.3.0\n\
         metadata.yml: says version 1.2.3, must say 1.3.0\n\
         artifacthub-pkg.yml: says version 1.2.3, must say 1.3.0\n\
         CHANGELOG.md: must have an entry \"## 1.3.0\" that says what changed\n"
    );
}

#[test]
fn an_entry_that_says_nothing_is_none() {
    let changelog = ("CHANGELOG.md", "# Changelog\n\n## 1.2.3\n\n## 1.2.2\n\n- Old.\n");
    assert_eq!(
        refusals(&repository("empty", &[changelog]), "v1.2.3"),
        "CHANGELOG.md: must have an entry \"## 1.2.3\" that says what changed\n"
    );
}

#[test]
fn no_version_is_no_release() {
    let metadata = ("metadata.yml", "annotations: {}\n");
    assert_eq!(
        refusals(&repository("none", &[metadata]), "v1.2.3"),
        "metadata.yml: says version nothing, must say 1.2.3\n"
    );
    assert_eq!(refusals(&repository("no-tag", &[]), ""), "must be told a version, such as v1.2.3\n");
}

#[test]
fn the_notes_are_what_the_changelog_says_of_the_version() {
    let output = run(&repository("notes", &[]), "release-notes", "1.2.3");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "\n- New.\n\n");
}

#[test]
fn what_users_are_told_to_verify_is_this_version() {
    let text = fs::read_to_string(in_repository("docs/verify.md")).unwrap();
    let is_version =
        |word: &&str| word.starts_with('v') && word.ends_with(|last: char| last.is_ascii_digit());
    let versions: Vec<_> = text.split([':', '/', '\n', ' ']).filter(is_version).collect();
    assert!(!versions.is_empty());
    for version in versions {
        assert!(["v1", concat!("v", env!("CARGO_PKG_VERSION"))].contains(&version), "{version}");
    }
}
