//! The documents of an image: index, manifest and configuration, as far as they are needed.
//!
//! Sources: <https://github.com/opencontainers/image-spec> and <https://github.com/moby/docker-image-spec>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::platform::Platform;

/// An index of images, or the manifest of one: `index.json`, or a blob to which it refers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct IndexOrManifest {
    /// What an index refers to.
    pub(super) manifests: Option<Vec<Descriptor>>,
    /// The configuration, of a manifest.
    pub(super) config: Option<Descriptor>,
    /// The layers of a manifest, the lowest first.
    pub(super) layers: Vec<Descriptor>,
}

/// A reference to a blob.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) digest: String,
    pub(super) platform: Option<Platform>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

/// An image in `manifest.json` of `docker save`. The values are names of files in the archive.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct DockerImage {
    pub(super) config: String,
    pub(super) repo_tags: Option<Vec<String>>,
    pub(super) layers: Vec<String>,
}

/// The configuration of an image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    #[serde(flatten)]
    pub(super) platform: Platform,
    pub(super) config: Option<ContainerConfiguration>,
}

/// How containers of an image run.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct ContainerConfiguration {
    pub(super) user: Option<String>,
    pub(super) env: Option<Vec<String>>,
    pub(super) working_dir: Option<String>,
    pub(super) volumes: Option<Map<String, Value>>,
}

impl Descriptor {
    /// Returns the name of the file with the blob. Nothing if the digest is not one, so that it cannot lead elsewhere.
    pub(super) fn file(&self) -> Option<String> {
        let (algorithm, encoded) = self.digest.split_once(':')?;
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        (is_plain(algorithm) && is_plain(encoded)).then(|| format!("blobs/{algorithm}/{encoded}"))
    }

    /// Returns the descriptor with the annotations of the index that contains it, unless it has its own.
    pub(super) fn within(mut self, index: &Self) -> Self {
        let mut annotations = index.annotations.clone().unwrap_or_default();
        annotations.extend(self.annotations.take().unwrap_or_default());
        self.annotations = Some(annotations);
        self
    }

    /// Returns whether the descriptor is about another image, such as its provenance, and not an image itself.
    ///
    /// Source: <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>
    pub(super) fn is_attestation(&self) -> bool {
        let has_type = self.annotation("vnd.docker.reference.type").is_some();
        has_type || self.platform.as_ref().is_some_and(|platform| platform.os == "unknown")
    }

    /// Returns the name of the image, or its tag alone.
    pub(super) fn name(&self) -> Option<&str> {
        let name = self.annotation("io.containerd.image.name");
        name.or_else(|| self.annotation("org.opencontainers.image.ref.name"))
    }

    fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(digest: &str) -> Option<String> {
        Descriptor { digest: digest.to_owned(), ..Descriptor::default() }.file()
    }

    #[test]
    fn a_digest_does_not_lead_out_of_the_layout() {
        assert_eq!(file("sha256:0a"), Some("blobs/sha256/0a".to_owned()));
        for digest in ["", "sha256", "sha256:", ":0a", "sha256:../../x", "../x:0a", "sha256:/etc/passwd"] {
            assert_eq!(file(digest), None, "{digest}");
        }
    }
}
