//! The files and folders that a path names.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use super::render::Renderer;
use crate::input::{InputError, Problem, Source};

/// A text with manifests.
#[derive(Debug)]
pub(super) enum Input {
    Stdin,
    File(PathBuf),
    /// A folder to render.
    Folder(PathBuf, Renderer),
    Unreadable(InputError),
}

/// Returns the inputs that a path from the command line names.
pub(super) fn of(path: &Path, recursive: bool) -> Vec<Input> {
    if path == Path::new("-") {
        return vec![Input::Stdin];
    }
    if !path.is_dir() {
        return vec![Input::File(path.to_owned())];
    }
    let inputs = in_folder(path, recursive);
    if !inputs.is_empty() {
        return inputs;
    }
    let is_nested = !recursive && !in_folder(path, true).is_empty();
    let problem = if is_nested { Problem::NestedManifests } else { Problem::EmptyFolder };
    vec![Input::Unreadable(InputError::new(Source::file(path.display().to_string()), problem))]
}

/// Returns the inputs in a folder, by name. A folder with a chart or a kustomization is one input.
fn in_folder(folder: &Path, recursive: bool) -> Vec<Input> {
    let max_depth = if recursive { usize::MAX } else { 1 };
    let mut inputs = Vec::new();
    let mut entries = WalkDir::new(folder).max_depth(max_depth).sort_by_file_name().into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                inputs.push(Input::Unreadable(walk_error(folder, error)));
                continue;
            }
        };
        let path = entry.path();
        // The folder of the command line can be a link.
        let is_folder = entry.file_type().is_dir() || entry.depth() == 0;
        if is_folder {
            let is_read = recursive || entry.depth() == 0;
            if let Some(renderer) = Renderer::of(path).filter(|_| is_read) {
                inputs.push(Input::Folder(path.to_owned(), renderer));
                entries.skip_current_dir();
            }
        // Follows links, because a mounted ConfigMap is a folder of links to files.
        } else if is_manifest(path) && path.is_file() {
            inputs.push(Input::File(path.to_owned()));
        }
    }
    inputs
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default();
    ["yaml", "yml", "json"].iter().any(|known| extension == *known)
}

fn walk_error(folder: &Path, error: walkdir::Error) -> InputError {
    let at = Source::file(error.path().unwrap_or(folder).display().to_string());
    InputError::new(at, Problem::Read(error.into()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Creates a folder with empty files.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        folder
    }

    /// Returns the inputs in a folder, with paths below the folder.
    fn inputs(folder: &tempfile::TempDir, recursive: bool) -> Vec<String> {
        let below = |path: &Path| path.strip_prefix(folder.path()).unwrap().display().to_string();
        of(folder.path(), recursive)
            .iter()
            .map(|input| match input {
                Input::Stdin => "stdin".to_owned(),
                Input::File(path) => below(path),
                Input::Folder(path, renderer) => format!("{renderer:?} {}", below(path)),
                Input::Unreadable(error) => error.problem.to_string(),
            })
            .collect()
    }

    #[test]
    fn subfolders_are_read_if_required() {
        let folder = folder(&["c.json", "b/2.yml", "b/1.yaml", "a.yaml", "notes.txt"]);
        assert_eq!(inputs(&folder, false), ["a.yaml", "c.json"]);
        assert_eq!(inputs(&folder, true), ["a.yaml", "b/1.yaml", "b/2.yml", "c.json"]);
    }

    #[test]
    fn a_folder_without_manifests_is_an_error() {
        let empty = folder(&["notes.txt"]);
        for recursive in [false, true] {
            assert_eq!(inputs(&empty, recursive), ["no file in this folder ends in .yaml, .yml or .json"]);
        }
        let nested = folder(&["b/1.yaml"]);
        assert_eq!(
            inputs(&nested, false),
            ["the manifests are in subfolders of this folder: pass --recursive to read them"]
        );
    }

    #[test]
    fn charts_and_kustomizations_are_one_input() {
        let folder = folder(&[
            "a.yaml",
            "web/Chart.yaml",
            "web/templates/pod.yaml",
            "web/charts/db/Chart.yaml",
            "z/kustomization.yml",
            "z/pod.yaml",
        ]);
        assert_eq!(inputs(&folder, true), ["a.yaml", "Helm web", "Kustomize z"]);
        assert_eq!(inputs(&folder, false), ["a.yaml"]);
        assert_eq!(of(&folder.path().join("web"), false).len(), 1);
        fs::write(folder.path().join("Kustomization"), "").unwrap();
        assert_eq!(inputs(&folder, false), ["Kustomize "]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_followed() {
        let folder = folder(&["data/pod"]);
        std::os::unix::fs::symlink("data/pod", folder.path().join("pod.yaml")).unwrap();
        assert_eq!(inputs(&folder, false), ["pod.yaml"]);
    }
}
