//! `artifacthub-pkg.yml`: the entry of the policy in Artifact Hub.
//!
//! The file equals the output of `kwctl scaffold artifacthub` for the metadata, except for the provider and the recommended chart:
//! kwctl always writes those of the Kubewarden project, and of its versions before 1.37. Generating the file does not require
//! kwctl. `make check-artifacthub` compares both.
//!
//! Sources: `policy_artifacthub.rs` of Kubewarden's policy-evaluator, `scaffold/artifacthub.rs` of kwctl, and
//! <https://github.com/artifacthub/hub/blob/master/docs/metadata/artifacthub-pkg.yml>.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::metadata::{Maintainer, Metadata};

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

/// The chart that installs Kubewarden since 1.37. The charts before it are deprecated.
const KUBEWARDEN_CHART: &str = "https://artifacthub.io/packages/helm/kubewarden/admission-controller";

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
struct Provider {
    name: &'static str,
}

#[derive(Serialize)]
struct Recommendation {
    url: &'static str,
}

impl Package {
    fn new(metadata: &Metadata, created_at: String) -> Result<Self, String> {
        let annotation = |key: &str| metadata.annotation(key);
        let version = metadata.version()?;
        let source = annotation("io.kubewarden.policy.source")?;
        let image = format!("{}:v{version}", metadata.oci_url()?);
        Ok(Self {
            name: annotation("io.kubewarden.policy.title")?,
            display_name: annotation("io.artifacthub.displayName")?,
            created_at,
            description: annotation("io.kubewarden.policy.description")?,
            license: annotation("io.kubewarden.policy.license")?,
            home_url: annotation("io.kubewarden.policy.url")?,
            install: install(&image),
            containers_images: [Image { name: "policy", image }],
            keywords: metadata.keywords()?,
            links: [
                Link { name: "policy", url: format!("{source}/releases/download/v{version}/policy.wasm") },
                Link { name: "source", url: source },
            ],
            maintainers: metadata.maintainers()?,
            provider: Provider { name: "immutable-pods" },
            recommendations: [Recommendation { url: KUBEWARDEN_CHART }],
            annotations: BTreeMap::from([
                ("kubewarden/mutation", metadata.mutation()),
                ("kubewarden/resources", annotation("io.artifacthub.resources")?),
                ("kubewarden/rules", metadata.rules()?),
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
    let package = Package::new(&Metadata::read()?, created_at.to_owned())?;
    let yaml = serde_yaml::to_string(&package).map_err(|error| error.to_string())?;
    Ok(format!("{HEADER}{yaml}"))
}
