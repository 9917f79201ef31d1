//! The checks before a release.

#![expect(clippy::unwrap_used, reason = "a test fails on a script that does not run")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::module::in_repository;

/// Files with version 1.2.3.
const FILES: [(&str, &str); 10] = [
    (
        "Cargo.toml",
        "[workspace.package]\nversion = \"9.9.9\"\n\n[package]\nname = \"a\"\nversion = \"1.2.3\"\n\n[dependencies]\nversion = \"8\"\n",
    ),
    ("cli/Cargo.toml", "[package]\nname = \"a\"\nversion = \"1.2.3\"\n\n[dependencies]\nversion = \"8\"\n"),
    ("metadata.yml", "annotations:\n  io.kubewarden.policy.version: 1.2.3\n"),
    ("artifacthub-pkg.yml", "version: 1.2.3\nname: a\n"),
    ("action.yml", "inputs:\n  a:\n    default: 8\n  version:\n    description: a\n    default: 1.2.3\n"),
    (".pre-commit-hooks.yaml", "- id: a\n  entry: ghcr.io/a/b:v1.2.3 check\n- id: b\n  entry: a check\n"),
    ("charts/immutable-pods-policy/Chart.yaml", "apiVersion: v2\nversion: 1.2.3\nappVersion: 1.2.3\n"),
    ("charts/immutable-pods-policy/values.yaml", "module:\n  tag: v1.2.3\n"),
    (
        "charts/hauler.yaml",
        "spec:\n  images:\n  - name: ghcr.io/a/b:v1.2.3\n---\nspec:\n  charts:\n  - name: b\n    version: 1.2.3\n",
    ),
    (
        "CHANGELOG.md",
        "# Changelog\n\n## Unreleased\n\n## 1.2.3 (2027-01-02)\n\n- New.\n\n## 1.2.2\n\n- Old.\n",
    ),
];

/// Creates a folder with the scripts and the files, with changes.
fn repository(name: &str, changes: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    for subfolder in ["scripts/dist", "cli", "charts/immutable-pods-policy"] {
        fs::create_dir_all(folder.join(subfolder)).unwrap();
    }
    for script in ["release-check", "release-notes", "dist/version"].map(|script| format!("scripts/{script}"))
    {
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

/// Returns the errors of the check.
#[track_caller]
fn refusals(folder: &Path, version: &str) -> String {
    let output = run(folder, "release-check", version);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_version_in_all_files_passes() {
    let folder = repository("agreed", &[]);
    for version in ["v1.2.3", "1.2.3"] {
        let output = run(&folder, "release-check", version);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_file_with_another_version_is_reported() {
    assert_eq!(
        refusals(&repository("all", &[]), "v1.3.0"),
        "Cargo.toml: expected version 1.3.0, got 1.2.3\n\
         cli/Cargo.toml: expected version 1.3.0, got 1.2.3\n\
         metadata.yml: expected version 1.3.0, got 1.2.3\n\
         artifacthub-pkg.yml: expected version 1.3.0, got 1.2.3\n\
         action.yml: expected version 1.3.0, got 1.2.3\n\
         .pre-commit-hooks.yaml: expected version 1.3.0, got 1.2.3\n\
         charts/immutable-pods-policy/Chart.yaml, version: expected version 1.3.0, got 1.2.3\n\
         charts/immutable-pods-policy/Chart.yaml, appVersion: expected version 1.3.0, got 1.2.3\n\
         charts/immutable-pods-policy/values.yaml, module.tag: expected version 1.3.0, got 1.2.3\n\
         charts/hauler.yaml, module: expected version 1.3.0, got 1.2.3\n\
         charts/hauler.yaml, chart: expected version 1.3.0, got 1.2.3\n\
         CHANGELOG.md: expected an entry \"## 1.3.0\" that describes the changes\n"
    );
}

#[test]
fn an_empty_changelog_entry_is_reported() {
    let changelog = ("CHANGELOG.md", "# Changelog\n\n## 1.2.3\n\n## 1.2.2\n\n- Old.\n");
    assert_eq!(
        refusals(&repository("empty", &[changelog]), "v1.2.3"),
        "CHANGELOG.md: expected an entry \"## 1.2.3\" that describes the changes\n"
    );
}

#[test]
fn a_missing_version_is_reported() {
    let metadata = ("metadata.yml", "annotations: {}\n");
    assert_eq!(
        refusals(&repository("none", &[metadata]), "v1.2.3"),
        "metadata.yml: expected version 1.2.3, got none\n"
    );
    assert_eq!(refusals(&repository("no-tag", &[]), ""), "expected a version, such as v1.2.3\n");
}

#[test]
fn the_release_notes_are_the_changelog_entry() {
    let output = run(&repository("notes", &[]), "release-notes", "1.2.3");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "\n- New.\n\n");
}

/// Texts before a version of this project.
const BEFORE_VERSIONS: [&str; 9] = [
    "immutable-pods-policy:v",
    "immutable-pods-policy/cli:v",
    "immutable-pods-policy@v",
    "immutable-pods-policy --tag v",
    "releases/download/v",
    "refs/tags/v",
    "rev: v",
    "=immutable-pods-",
    "dist/immutable-pods-",
];

#[test]
fn documents_name_the_version_of_the_package() {
    for file in ["docs/verify.md", "docs/install.md", "docs/contributing/releasing.md"] {
        let text = fs::read_to_string(in_repository(file)).unwrap();
        let named: Vec<_> = BEFORE_VERSIONS.iter().flat_map(|before| text.split(before).skip(1)).collect();
        assert!(!named.is_empty(), "{file}");
        for version in named {
            let line = version.lines().next();
            assert!(version.starts_with(env!("CARGO_PKG_VERSION")), "{file}: {line:?}");
        }
    }
}
