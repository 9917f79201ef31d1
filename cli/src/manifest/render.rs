//! Renders charts and kustomizations with the programs that users render them with.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::input::Problem;

/// Maximum length of the name of a release.
const MAX_RELEASE: usize = 53;

/// The programs that render folders. A name without a folder is searched in `PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renderers {
    /// The program that renders charts.
    pub helm: PathBuf,
    /// The program that renders kustomizations.
    pub kubectl: PathBuf,
}

impl Default for Renderers {
    fn default() -> Self {
        Self { helm: "helm".into(), kubectl: "kubectl".into() }
    }
}

/// What renders a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Renderer {
    Helm,
    Kustomize,
}

impl Renderer {
    /// Returns what renders a folder, if it contains a chart or a kustomization.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let contains = |file: &&str| folder.join(file).is_file();
        if contains(&"Chart.yaml") {
            return Some(Self::Helm);
        }
        ["kustomization.yaml", "kustomization.yml", "Kustomization"]
            .iter()
            .any(contains)
            .then_some(Self::Kustomize)
    }

    fn not_installed(self) -> Problem {
        match self {
            Self::Helm => Problem::NoRenderer { folder: "a Helm chart", program: "helm" },
            Self::Kustomize => Problem::NoRenderer { folder: "a kustomization", program: "kubectl" },
        }
    }

    fn failed(self, message: String) -> Problem {
        let program = match self {
            Self::Helm => "helm template",
            Self::Kustomize => "kubectl kustomize",
        };
        Problem::NotRendered { program, message }
    }
}

impl Renderers {
    /// Returns the manifests of a folder.
    pub(super) fn render(&self, renderer: Renderer, folder: &Path) -> Result<Vec<u8>, Problem> {
        let mut command = self.command(renderer, folder);
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(renderer.not_installed()),
            Err(error) => return Err(renderer.failed(error.to_string())),
        };
        if !output.status.success() {
            let error = error_line(&String::from_utf8_lossy(&output.stderr));
            return Err(renderer.failed(error.unwrap_or_else(|| output.status.to_string())));
        }
        Ok(output.stdout)
    }

    fn command(&self, renderer: Renderer, folder: &Path) -> Command {
        // A path that begins with `-` would be an option.
        let argument: OsString = Path::new(".").join(folder).into();
        match renderer {
            Renderer::Helm => {
                let mut command = Command::new(&self.helm);
                command.args([OsString::from("template"), release(folder).into(), argument]);
                command
            }
            Renderer::Kustomize => {
                let mut command = Command::new(&self.kubectl);
                command.args([OsString::from("kustomize"), argument]);
                command
            }
        }
    }
}

/// Returns the name of a release for a folder. Names are those of DNS.
fn release(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name: String = name
        .chars()
        .map(|character| if character.is_ascii_alphanumeric() { character } else { '-' })
        .take(MAX_RELEASE)
        .collect();
    match name.trim_matches('-') {
        "" => "release".to_owned(),
        name => name.to_owned(),
    }
}

/// Returns the last line that a program called an error, or the last line.
fn error_line(text: &str) -> Option<String> {
    let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty()).rev();
    let marked = |line: &'_ str| {
        ["Error: ", "error: "].iter().find_map(|prefix| line.strip_prefix(prefix)).map(str::to_owned)
    };
    lines().find_map(marked).or_else(|| lines().next().map(str::to_owned))
}

/// Returns the template that helm names above a document.
pub(super) fn template(text: &str) -> Option<String> {
    text.lines().find_map(|line| line.strip_prefix("# Source: ")).map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_has_a_valid_name() {
        assert_eq!(release(Path::new("charts/Web_App")), "web-app");
        assert_eq!(release(Path::new("..")), "release");
        assert_eq!(release(Path::new(&"x".repeat(60))).len(), MAX_RELEASE);
    }

    #[test]
    fn the_error_of_a_program_is_one_line() {
        let helm = "walk.go:75: found symbolic link\nError: bad template\n\nUse --debug flag\n";
        assert_eq!(error_line(helm).as_deref(), Some("bad template"));
        assert_eq!(error_line("one\ntwo\n\n").as_deref(), Some("two"));
        assert_eq!(error_line(" \n"), None);
    }

    #[test]
    fn a_program_that_is_not_installed_is_named() {
        let renderers = Renderers { helm: "/nowhere/helm".into(), kubectl: "/nowhere/kubectl".into() };
        let sentence = |renderer| renderers.render(renderer, Path::new("web")).unwrap_err().to_string();
        assert_eq!(sentence(Renderer::Helm), "a Helm chart: install helm to render it");
        assert_eq!(sentence(Renderer::Kustomize), "a kustomization: install kubectl to render it");
    }

    #[test]
    fn a_folder_is_never_an_option() {
        let command = Renderers::default().command(Renderer::Helm, Path::new("-x"));
        let arguments: Vec<_> = command.get_args().collect();
        assert_eq!(arguments, ["template", "x", "./-x"]);
    }
}
