//! `metadata.yml`: the metadata of the policy that generated files repeat.

use std::collections::BTreeMap;
use std::fs;

use serde::{Deserialize, Serialize};

use crate::in_repository;

/// The metadata of the policy.
#[derive(Deserialize)]
pub(super) struct Metadata {
    rules: Vec<Rule>,
    mutating: bool,
    annotations: BTreeMap<String, String>,
}

/// A webhook rule, with its keys in kwctl's order.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
}

/// A maintainer, as Artifact Hub and Helm write it.
#[derive(Serialize)]
pub(super) struct Maintainer {
    name: String,
    email: String,
}

impl Metadata {
    /// Reads the metadata.
    ///
    /// # Errors
    /// If `metadata.yml` cannot be read.
    pub(super) fn read() -> Result<Self, String> {
        let file = "metadata.yml";
        let text = fs::read_to_string(in_repository(file)).map_err(|error| format!("{file}: {error}"))?;
        serde_saphyr::from_str(&text).map_err(|error| format!("{file}: {error}"))
    }

    /// Returns an annotation.
    ///
    /// # Errors
    /// If the metadata does not contain it.
    pub(super) fn annotation(&self, key: &str) -> Result<String, String> {
        self.annotations.get(key).cloned().ok_or_else(|| format!("metadata.yml: missing annotation {key}"))
    }

    /// Returns the version of the policy.
    ///
    /// # Errors
    /// If the metadata does not contain it.
    pub(super) fn version(&self) -> Result<String, String> {
        self.annotation("io.kubewarden.policy.version")
    }

    /// Returns the repository of the module in its registry, such as `ghcr.io/owner/policy`.
    ///
    /// # Errors
    /// If the metadata does not contain it.
    pub(super) fn oci_url(&self) -> Result<String, String> {
        self.annotation("io.kubewarden.policy.ociUrl")
    }

    /// Returns the words by which catalogs find the policy.
    ///
    /// # Errors
    /// If the metadata does not contain them.
    pub(super) fn keywords(&self) -> Result<Vec<String>, String> {
        let keywords = self.annotation("io.artifacthub.keywords")?;
        Ok(keywords.split(',').map(|keyword| keyword.trim_matches(' ').to_owned()).collect())
    }

    /// Returns the maintainers.
    ///
    /// # Errors
    /// If the metadata does not contain them in the form `Name <address>`.
    pub(super) fn maintainers(&self) -> Result<Vec<Maintainer>, String> {
        self.annotation("io.kubewarden.policy.author")?.split(',').map(maintainer).collect()
    }

    /// Returns the webhook rules as YAML, as kwctl writes them.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) fn rules(&self) -> Result<String, String> {
        serde_yaml::to_string(&self.rules).map_err(|error| error.to_string())
    }

    /// Returns whether the policy is registered as a mutating policy, `true` or `false`.
    pub(super) fn mutation(&self) -> String {
        self.mutating.to_string()
    }
}

/// Parses `Name <address>`.
fn maintainer(author: &str) -> Result<Maintainer, String> {
    let parts = author.split_once(" <").and_then(|(name, rest)| Some((name, rest.strip_suffix('>')?)));
    let (name, email) =
        parts.ok_or_else(|| format!("metadata.yml: expected \"Name <address>\", got {author:?}"))?;
    Ok(Maintainer { name: name.trim().to_owned(), email: email.to_owned() })
}
