//! `docs/versions.md`: the versions of Kubernetes and Kubewarden that tests run.

use std::fs;
use std::path::Path;

use crate::in_repository;

pub(super) const FILE: &str = "docs/versions.md";

const TEMPLATE: &str = include_str!("../../templates/versions.md");

/// The folder in which tests pin the versions of Kubernetes, and the workflow in which they pin that of Kubewarden.
const KUBERNETES: &str = "e2e-tests/control-plane/kubernetes";
const WORKFLOW: &str = ".github/workflows/test.yml";

/// Returns the page.
///
/// # Errors
/// If a version is not pinned.
pub(super) fn generate() -> Result<String, String> {
    let kubewarden = pinned(WORKFLOW, "  KUBEWARDEN: v")?;
    let [newest, others @ ..] = &kubernetes()?[..] else {
        return Err(format!("{KUBERNETES}: expected a version"));
    };
    Ok(TEMPLATE
        .replace("@kubewarden@", &kubewarden)
        .replace("@newest@", newest)
        .replace("@others@", &others.join(", ")))
}

/// Returns the versions of Kubernetes, from the newest to the oldest.
fn kubernetes() -> Result<Vec<String>, String> {
    let files = fs::read_dir(in_repository(KUBERNETES)).map_err(|error| format!("{KUBERNETES}: {error}"))?;
    let names = files.flatten().map(|file| file.file_name().to_string_lossy().into_owned());
    let mut versions = names
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "mod"))
        .map(|name| pinned(&format!("{KUBERNETES}/{name}"), "require k8s.io/kubernetes v"))
        .collect::<Result<Vec<_>, _>>()?;
    versions
        .sort_by_key(|version| version.split('.').map(str::parse::<u16>).collect::<Result<Vec<_>, _>>().ok());
    versions.reverse();
    Ok(versions)
}

/// Returns the word after the beginning of a line of a file.
fn pinned(file: &str, beginning: &str) -> Result<String, String> {
    let text = fs::read_to_string(in_repository(file)).map_err(|error| format!("{file}: {error}"))?;
    let rest = text.lines().find_map(|line| line.strip_prefix(beginning));
    let version = rest.and_then(|rest| rest.split_whitespace().next());
    version.map(str::to_owned).ok_or_else(|| format!("{file}: expected a line {beginning:?}"))
}
