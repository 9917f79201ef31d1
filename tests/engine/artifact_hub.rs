//! `artifacthub-pkg.yml`: the policy as Artifact Hub lists it.
//!
//! It is what `kwctl scaffold artifacthub` makes of the metadata and the form, by the same rules and with the same writer
//! of YAML, so that nobody needs kwctl to keep it. `make check-artifacthub` compares the two.
//!
//! Source: `policy_artifacthub.rs` of Kubewarden's policy-evaluator, and `scaffold/artifacthub.rs` of kwctl.

#![expect(clippy::indexing_slicing, reason = "YAML has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "metadata that kwctl would refuse end the test")]

use std::collections::BTreeMap;
use std::fs;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::documents::{metadata, rewrite};
use crate::module::in_repository;
use crate::questions;

const FILE: &str = "artifacthub-pkg.yml";

/// What kwctl writes above all. There is a blank at the end of the last line.
const HEADER: &str = concat!(
    "# Kubewarden Artifacthub Package config\n",
    "#\n",
    "# Use this config to submit the policy to https://artifacthub.io.\n",
    "#\n",
    "# This config can be saved to its default location with:\n",
    "#   kwctl scaffold artifacthub > artifacthub-pkg.yml \n",
);

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
    fn new(metadata: &Value, questions: String, created_at: String) -> Self {
        let annotation = |key: &str| metadata["annotations"][key].as_str().unwrap().to_owned();
        let version = annotation("io.kubewarden.policy.version");
        let source = annotation("io.kubewarden.policy.source");
        let image = format!("{}:v{version}", annotation("io.kubewarden.policy.ociUrl"));
        let rules: Vec<Rule> = serde_json::from_value(metadata["rules"].clone()).unwrap();
        let keywords = annotation("io.artifacthub.keywords");
        Self {
            name: annotation("io.kubewarden.policy.title"),
            display_name: annotation("io.artifacthub.displayName"),
            created_at,
            description: annotation("io.kubewarden.policy.description"),
            license: annotation("io.kubewarden.policy.license"),
            home_url: annotation("io.kubewarden.policy.url"),
            install: install(&image),
            containers_images: [Image { name: "policy", image }],
            keywords: keywords.split(',').map(|keyword| keyword.trim_matches(' ').to_owned()).collect(),
            links: [
                Link { name: "policy", url: format!("{source}/releases/download/v{version}/policy.wasm") },
                Link { name: "source", url: source },
            ],
            maintainers: annotation("io.kubewarden.policy.author").split(',').map(maintainer).collect(),
            provider: Provider { name: "kubewarden" },
            recommendations: [Recommendation {
                url: "https://artifacthub.io/packages/helm/kubewarden/kubewarden-controller",
            }],
            annotations: BTreeMap::from([
                ("kubewarden/mutation", metadata["mutating"].to_string()),
                ("kubewarden/questions-ui", questions),
                ("kubewarden/resources", annotation("io.artifacthub.resources")),
                ("kubewarden/rules", serde_yaml::to_string(&rules).unwrap()),
            ]),
            version,
        }
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

/// `Name <address>`.
fn maintainer(author: &str) -> Maintainer {
    let (name, address) = author.split_once(" <").unwrap();
    Maintainer { name: name.trim().to_owned(), email: address.strip_suffix('>').unwrap().to_owned() }
}

/// The file with a date.
fn generated(created_at: &str) -> String {
    let package = Package::new(&metadata(), questions::generated(), created_at.to_owned());
    format!("{HEADER}{}", serde_yaml::to_string(&package).unwrap())
}

/// The date of a file, if it has one.
fn date_of(file: &str) -> Option<&str> {
    file.lines().find_map(|line| line.strip_prefix("createdAt: "))
}

#[test]
fn artifact_hub_is_told_what_kwctl_would_tell_it() {
    let written = fs::read_to_string(in_repository(FILE)).unwrap_or_default();
    // The date stays as long as nothing else changes.
    let is_current = date_of(&written).is_some_and(|date| generated(date) == written);
    let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap().to_string();
    if !is_current {
        rewrite(FILE, &generated(&now));
    }
}
