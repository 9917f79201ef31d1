//! The README, which Artifact Hub and registries show too: they know no other file of the repository.

use std::fs;

use immutable_pods::rules::documentation;
use immutable_pods_policy::rules::RuleId;

use crate::markdown::document;
use crate::module::in_repository;

const README: &str = "README.md";

/// Maximum size of the README in bytes.
const MAX_BYTES: usize = 8_000;

#[test]
fn the_readme_is_short() {
    let bytes = fs::read(in_repository(README)).unwrap_or_default().len();
    assert!((1..=MAX_BYTES).contains(&bytes), "{bytes} bytes");
}

/// Another test checks that the targets exist.
#[test]
fn every_link_is_absolute() {
    let readme = document(README);
    assert!(readme.links.len() > RuleId::ALL.len(), "{} links", readme.links.len());
    for link in &readme.links {
        assert!(link.starts_with("https://"), "{link}");
    }
    let text = fs::read_to_string(in_repository(README)).unwrap_or_default();
    for html in ["src=", "href="] {
        assert!(!text.contains(html), "HTML can contain relative links: {html}");
    }
}

#[test]
fn every_rule_has_a_link_to_its_page() {
    let links = document(README).links;
    for rule in RuleId::ALL {
        assert!(links.contains(&documentation(*rule)), "{rule:?}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let text = fs::read_to_string(in_repository(README)).unwrap_or_default();
    let versions: Vec<_> =
        text.split('/').filter(|segment| segment.starts_with("v0.") || segment.starts_with("v1.")).collect();
    assert!(!versions.is_empty());
    for version in versions {
        assert_eq!(version, concat!("v", env!("CARGO_PKG_VERSION")));
    }
}
