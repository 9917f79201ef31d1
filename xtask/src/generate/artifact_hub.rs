//! `artifacthub-pkg.yml`: the entry of the policy in Artifact Hub.
//!
//! The file equals the output of `kwctl scaffold artifacthub` for the metadata and the form, but generating it does not require
//! kwctl. `make check-artifacthub` compares both.
//!
//! Source: `policy_artifacthub.rs` of Kubewarden's policy-evaluator, and `scaffold/artifacthub.rs` of kwctl.

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::in_repository;

pub(super) const FILE: &str = "artifacthub-pkg.yml";

/// The beginning of kwctl's output. The last line ends with a space.
const HEADER: &str = concat!(
    "# Kubewarden Artifacthub Package config\n",
    "#\n",
    "# Use this config to submit the policy to https://artifacthub.io.\n",
    "#\n",
    "# This config can be saved to its default location with:\n",
    "#   kwctl scaffold artifacthub > artifacthub-pkg.yml \n",
);

/// The metadata of the policy that other files repeat.
#[derive(Deserialize)]
pub(super) struct Metadata {
    rules: Vec<Rule>,
    mutating: bool,
    annotations: BTreeMap<String, String>,
}

/// Reads the metadata of the policy.
///
/// # Errors
/// If `metadata.yml` cannot be read.
pub(super) fn metadata() -> Result<Metadata, String> {
    let file = "metadata.yml";
    let text = fs::read_to_string(in_repository(file)).map_err(|error| format!("{file}: {error}"))?;
    serde_saphyr::from_str(&text).map_err(|error| format!("{file}: {error}"))
}

impl Metadata {
    /// Returns an annotation.
    ///
    /// # Errors
    /// If the metadata does not contain it.
    pub(super) fn annotation(&self, key: &str) -> Result<String, String> {
        self.annotations.get(key).cloned().ok_or_else(|| format!("metadata.yml: missing annotation {key}"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    version: String,
    name: String,
    display_name: String,
    created_at: String,
    description: String,
    license: String,
    #[serde(rename = "homeURL")]
    home_url: String,
    containers_images: [Image; 1],
    keywords: Vec<String>,
    links: [Link; 2],
    install: String,
    maintainers: Vec<Maintainer>,
    provider: Provider,
    recommendations: [Recommendation; 1],
    annotations: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Image {
    name: &'static str,
    image: String,
}

#[derive(Serialize)]
struct Link {
    name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Maintainer {
    name: String,
    email: String,
}

#[derive(Serialize)]
struct Provider {
    name: &'static str,
}

#[derive(Serialize)]
struct Recommendation {
    url: &'static str,
}

/// A rule of the metadata, with its keys in kwctl's order.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
}

impl Package {
    fn new(metadata: &Metadata, questions: String, created_at: String) -> Result<Self, String> {
        let annotation = |key: &str| metadata.annotation(key);
        let version = annotation("io.kubewarden.policy.version")?;
        let source = annotation("io.kubewarden.policy.source")?;
        let image = format!("{}:v{version}", annotation("io.kubewarden.policy.ociUrl")?);
        let rules = serde_yaml::to_string(&metadata.rules).map_err(|error| error.to_string())?;
        let keywords = annotation("io.artifacthub.keywords")?;
        let authors = annotation("io.kubewarden.policy.author")?;
        Ok(Self {
            name: annotation("io.kubewarden.policy.title")?,
            display_name: annotation("io.artifacthub.displayName")?,
            created_at,
            description: annotation("io.kubewarden.policy.description")?,
            license: annotation("io.kubewarden.policy.license")?,
            home_url: annotation("io.kubewarden.policy.url")?,
            install: install(&image),
            containers_images: [Image { name: "policy", image }],
            keywords: keywords.split(',').map(|keyword| keyword.trim_matches(' ').to_owned()).collect(),
            links: [
                Link { name: "policy", url: format!("{source}/releases/download/v{version}/policy.wasm") },
                Link { name: "source", url: source },
            ],
            maintainers: authors.split(',').map(maintainer).collect::<Result<_, _>>()?,
            provider: Provider { name: "kubewarden" },
            recommendations: [Recommendation {
                url: "https://artifacthub.io/packages/helm/kubewarden/kubewarden-controller",
            }],
            annotations: BTreeMap::from([
                ("kubewarden/mutation", metadata.mutating.to_string()),
                ("kubewarden/questions-ui", questions),
                ("kubewarden/resources", annotation("io.artifacthub.resources")?),
                ("kubewarden/rules", rules),
            ]),
            version,
        })
    }
}

fn install(image: &str) -> String {
    format!(
        "The policy can be obtained using [kwctl](https://docs.kubewarden.io/howtos/install-kwctl):\n\
         ```console\n\
         kwctl pull {image}\n\
         ```\n\
         Then, generate the policy manifest and tune it to your liking. For example:\n\
         ```console\n\
         kwctl scaffold manifest -t ClusterAdmissionPolicy registry://{image}\n\
         ```\n"
    )
}

/// Parses `Name <address>`.
fn maintainer(author: &str) -> Result<Maintainer, String> {
    let parts = author.split_once(" <").and_then(|(name, rest)| Some((name, rest.strip_suffix('>')?)));
    let (name, email) =
        parts.ok_or_else(|| format!("metadata.yml: expected \"Name <address>\", got {author:?}"))?;
    Ok(Maintainer { name: name.trim().to_owned(), email: email.to_owned() })
}

/// Returns the file. The date only changes if something else changes.
pub(super) fn generate(written: &str) -> Result<String, String> {
    let date = written.lines().find_map(|line| line.strip_prefix("createdAt: "));
    if let Some(date) = date
        && dated(date)? == written
    {
        return Ok(written.to_owned());
    }
    let now = Timestamp::from_second(Timestamp::now().as_second()).map_err(|error| error.to_string())?;
    dated(&now.to_string())
}

fn dated(created_at: &str) -> Result<String, String> {
    let package = Package::new(&metadata()?, super::form::generate()?, created_at.to_owned())?;
    let yaml = serde_yaml::to_string(&package).map_err(|error| error.to_string())?;
    Ok(format!("{HEADER}{yaml}"))
}
