//! Image references, in the grammar of the distribution project.

use std::sync::LazyLock;

use regex::Regex;

/// The grammar of a complete reference.
///
/// Source: `regexp.go` in <https://github.com/distribution/reference>.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    let label = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
    let host = format!(r"(?:{label}(?:\.{label})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?");
    let part = "[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*";
    let tag = "[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}";
    let digest = "sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}|blake3:[0-9a-f]{64}";
    let whole = format!(
        r"\A(?<host>{host})/(?<path>{part}(?:/{part})*)(?::(?<tag>{tag}))?(?:@(?<digest>{digest}))?\z"
    );
    Regex::new(&whole).unwrap()
});

/// Maximum length of a repository path, in characters.
const MAX_PATH_LENGTH: usize = 255;

/// An image reference that container runtimes accept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// The registry and the repository path.
    pub(super) repository: String,
    pub(super) tag: Option<String>,
    /// The digest, with its algorithm.
    pub(super) digest: Option<String>,
}

impl Reference {
    /// Parses an image reference.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_id = text.len() == 64 && text.chars().all(|letter| "0123456789abcdef".contains(letter));
        if is_id {
            return None;
        }
        let complete = complete(text);
        let parts = REFERENCE.captures(&complete)?;
        let part = |name: &str| parts.name(name).map(|part| part.as_str().to_owned());
        let (host, path) = (part("host")?, part("path")?);
        (path.len() <= MAX_PATH_LENGTH).then(|| Self {
            repository: format!("{host}/{path}"),
            tag: part("tag"),
            digest: part("digest"),
        })
    }

    /// Returns the tag, which is `latest` if neither a tag nor a digest is set.
    pub(super) fn effective_tag(&self) -> Option<&str> {
        let implied = if self.digest.is_none() { Some("latest") } else { None };
        self.tag.as_deref().or(implied)
    }
}

/// Returns an image name as runtimes complete it: `nginx` becomes `docker.io/library/nginx`.
pub(super) fn complete(name: &str) -> String {
    let (host, path) = match name.split_once('/') {
        Some((first, rest))
            if first == "localhost" || first.contains(['.', ':']) || first != first.to_lowercase() =>
        {
            (first, rest)
        }
        _ => ("docker.io", name),
    };
    match host {
        "docker.io" | "index.docker.io" if path.contains('/') => format!("docker.io/{path}"),
        "docker.io" | "index.docker.io" => format!("docker.io/library/{path}"),
        _ => format!("{host}/{path}"),
    }
}
