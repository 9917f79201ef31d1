//! `imageReference`: every image says which version it is, and no name that moves by itself is used.
//!
//! A finding is an image of a container or an image volume without tag and digest, with a denied tag and no digest,
//! or that no runtime could parse; with `require: digest`, one without digest
//!
//! A fix adds to the tag of an image its current digest, in pods, and gives back a digest that an update takes away
//!
//! References are read as container runtimes read them: `registry:5000/app` has a port and no tag, and a digest must
//! have the length of its algorithm. A digest makes any tag harmless, for the runtime then ignores the tag.
//!
//! For a fix, the policy asks its host, which asks the registry, once for each image that has a tag and no digest; the host
//! must grant it `oci/v1/manifest_digest`, and uses credentials of its own. Only pods are fixed: what makes pods would
//! go on with the digest of the day on which it was made. A tag that cannot be looked up is told in a warning, or with why
//! it is denied.
//!
//! Settings:
//!
//! - `require`: `tag` wants a tag or a digest, `digest` a digest.
//! - `deniedTags`: tags that may be moved to another image, in which `*` stands for any run of characters.

use std::borrow::Cow;

use super::{Definition, Kind, Rule};
use crate::fix::apply::Fix;
use crate::kubernetes::field_path::of_item;
use crate::kubernetes::image_reference::{ImageReference, is_tag_byte};
use crate::kubernetes::pod::Pod;
use crate::kubernetes::volume::Details;
use crate::rules::finding::{Concern, Concerns, Finding};
use crate::rules::settings::Severity;
use crate::settings::reader::Options;
use crate::settings::wildcard;
use crate::text::quoted;

/// The rule's entry in the list.
pub(super) const RULE: Definition = Definition {
    id: "imageReference",
    mode: Some(Severity::Deny),
    can_fix: true,
    kind: Kind::ImageReferenceRule,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Require {
    Tag,
    Digest,
}

pub(crate) struct ImageReferenceRule<'s> {
    require: Require,
    denied_tags: Cow<'s, [&'s str]>,
}

impl<'s> ImageReferenceRule<'s> {
    pub(super) fn new(options: &mut Options<'_, 's>) -> Self {
        Self {
            require: options.one_of(
                "require",
                Require::Tag,
                &[("tag", Require::Tag), ("digest", Require::Digest)],
            ),
            denied_tags: options.strings("deniedTags", &["latest"], check_pattern),
        }
    }

    /// What must change about a reference, if anything.
    fn demand(&self, reference: &str) -> Option<String> {
        let parsed = match ImageReference::parse(reference) {
            Ok(parsed) => parsed,
            Err("is empty") => return Some("must name an image".to_owned()),
            Err(reason) => return Some(format!("must name a valid image: {} {reason}", quoted(reference))),
        };
        let image = || quoted(reference);
        match parsed {
            ImageReference { digest: Some(_), .. } => None,
            _ if self.require == Require::Digest => {
                Some(format!("must pin its image by a digest: {}", image()))
            }
            ImageReference { tag: None, .. } => {
                Some(format!("must give its image a tag or a digest: {}", image()))
            }
            ImageReference { tag: Some(tag), .. } if self.is_denied(tag) => {
                Some(format!("must not use the tag {} without a digest: {}", quoted(tag), image()))
            }
            ImageReference { .. } => None,
        }
    }

    fn is_denied(&self, tag: &str) -> bool {
        self.denied_tags.iter().any(|pattern| wildcard::matches(pattern, tag))
    }

    /// What a fix would better in a reference that needs no change.
    fn wish(&self, reference: &str) -> Option<String> {
        let is_wished = self.demand(reference).is_none() && can_be_pinned(reference);
        is_wished.then(|| format!("could not be given a digest for its image {}", quoted(reference)))
    }

    /// A finding for each image of a pod that something is demanded of.
    fn collect<'p>(
        &self,
        pod: &'p Pod<'_>,
        found: &mut Vec<Finding<'p>>,
        demand: fn(&Self, &str) -> Option<String>,
    ) {
        let may_pin = |reference: &str| !pod.is_template && can_be_pinned(reference);
        for at in pod.all_containers() {
            let image = &at.container.image;
            // In a kind that is not built in, an operator may fill in the image; its pods are judged.
            if pod.is_custom && image.is_empty() {
                continue;
            }
            if let Some(demand) = demand(self, image) {
                let finding = Finding::of_container(found, at, "image", image, demand);
                if may_pin(image) {
                    finding.fix = Some(Fix::pin(at));
                }
            }
        }
        for (index, volume) in pod.spec.volumes.iter().enumerate() {
            let Some(Details { reference, .. }) = volume.source("image") else { continue };
            if let Some(demand) = demand(self, reference) {
                let field = of_item("volumes", index, "image.reference");
                let finding = Finding::of_pod(found, pod, &field, reference, demand);
                finding.name_volume(&volume.name);
                finding.concerns =
                    Concerns::Only(vec![Concern { image: Some(reference), ..Concern::default() }]);
                if may_pin(reference) {
                    finding.fix = Some(Fix::pin_volume(pod, index, reference));
                }
            }
        }
    }
}

impl Rule for ImageReferenceRule<'_> {
    fn improve<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        if !pod.is_template {
            self.collect(pod, found, Self::wish);
        }
    }

    fn restore<'p>(&self, old: &'p Pod<'_>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        for (before, at) in old.containers_kept_by(new) {
            let (old_image, image) = (&*before.container.image, &*at.container.image);
            if has_lost_digest(old_image, image) {
                let finding = Finding::of_container(found, at, "image", image, "has lost its digest");
                finding.fix = Some(Fix::restore(at, old_image));
            }
        }
    }

    fn check<'p>(&self, pod: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        self.collect(pod, found, Self::demand);
    }
}

/// Whether an image is the same as before, but for a digest that it had.
fn has_lost_digest(old: &str, new: &str) -> bool {
    let (Ok(old), Ok(new)) = (ImageReference::parse(old), ImageReference::parse(new)) else { return false };
    old.digest.is_some() && new.digest.is_none() && old.repository == new.repository && old.tag == new.tag
}

/// Whether a reference has a tag that a digest could stand behind.
fn can_be_pinned(reference: &str) -> bool {
    ImageReference::parse(reference).is_ok_and(|image| image.tag.is_some() && image.digest.is_none())
}

fn check_pattern(pattern: &str) -> Result<(), String> {
    if pattern.is_empty() {
        return Err("must not be empty".to_owned());
    }
    let never_matches =
        pattern.starts_with(['.', '-']) || !pattern.bytes().all(|byte| byte == b'*' || is_tag_byte(byte));
    if never_matches {
        return Err(format!("{} can never match a tag", quoted(pattern)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::{check, errors};
    use super::*;

    const SHA256: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// What is demanded of a container with this image, without path and rule.
    fn demand(settings: &Value, image: &str) -> Option<String> {
        let lines = check(&RULE, settings, &json!({"containers": [{"name": "a", "image": image}]}));
        assert!(lines.len() <= 1);
        let line = lines.first()?;
        let demand = line.strip_prefix("spec.containers[0].image: container \"a\" ").unwrap();
        Some(demand.strip_suffix(" [imageReference]").unwrap().to_owned())
    }

    #[test]
    fn wants_a_tag_or_a_digest() {
        let settings = json!({});
        let untagged = |image: &str| Some(format!("must give its image a tag or a digest: \"{image}\""));
        assert_eq!(demand(&settings, "nginx"), untagged("nginx"));
        assert_eq!(demand(&settings, "registry:5000/app"), untagged("registry:5000/app"));
        for image in [
            "nginx:1.29",
            "registry:5000/app:1",
            &format!("nginx@{SHA256}"),
            &format!("nginx:latest@{SHA256}"),
        ] {
            assert_eq!(demand(&settings, image), None, "{image}");
        }
    }

    #[test]
    fn refuses_denied_tags() {
        let latest = r#"must not use the tag "latest" without a digest: "nginx:latest""#;
        assert_eq!(demand(&json!({}), "nginx:latest").as_deref(), Some(latest));
        assert_eq!(demand(&json!({"deniedTags": []}), "nginx:latest"), None);
        let settings = json!({"deniedTags": ["*-SNAPSHOT", "edge"]});
        assert_eq!(demand(&settings, "app:latest"), None);
        assert_eq!(demand(&settings, &format!("app:edge@{SHA256}")), None);
        assert_eq!(
            demand(&settings, "app:1.0-SNAPSHOT").as_deref(),
            Some(r#"must not use the tag "1.0-SNAPSHOT" without a digest: "app:1.0-SNAPSHOT""#)
        );
    }

    #[test]
    fn may_require_a_digest() {
        let settings = json!({"require": "digest"});
        for image in ["nginx", "nginx:1.29", "nginx:latest"] {
            assert_eq!(
                demand(&settings, image),
                Some(format!("must pin its image by a digest: \"{image}\""))
            );
        }
        assert_eq!(demand(&settings, &format!("nginx:1.29@{SHA256}")), None);
    }

    #[test]
    fn refuses_what_no_runtime_could_pull() {
        assert_eq!(demand(&json!({}), "").as_deref(), Some("must name an image"));
        assert_eq!(
            demand(&json!({}), "nginx@sha256:12").as_deref(),
            Some(r#"must name a valid image: "nginx@sha256:12" has a digest of the wrong length"#)
        );
        assert_eq!(check(&RULE, &json!({}), &json!({"containers": [{"name": "a"}]})).len(), 1);
    }

    #[test]
    fn sees_every_container_and_image_volume() {
        let pod = json!({
            "initContainers": [{"name": "a", "image": "a"}],
            "containers": [{"name": "b", "image": "b:1"}],
            "ephemeralContainers": [{"name": "c", "image": "c"}],
            "volumes": [{"name": "d", "emptyDir": {}}, {"name": "e", "image": {"reference": "e"}},
                        {"name": "f", "image": {"reference": "f:1"}}, {"name": "g", "image": {}}],
        });
        assert_eq!(
            check(&RULE, &json!({}), &pod),
            [
                r#"spec.initContainers[0].image: init container "a" must give its image a tag or a digest: "a" [imageReference]"#,
                r#"spec.ephemeralContainers[0].image: ephemeral container "c" must give its image a tag or a digest: "c" [imageReference]"#,
                r#"spec.volumes[1].image.reference: volume "e" must give its image a tag or a digest: "e" [imageReference]"#,
                r#"spec.volumes[3].image.reference: volume "g" must name an image [imageReference]"#,
            ]
        );
    }

    #[test]
    fn refuses_patterns_that_match_no_tag() {
        assert_eq!(
            errors(&RULE, &json!({"deniedTags": ["ok", "", "app:latest", "-x", "*", 1]})),
            [
                "imageReference.deniedTags[1]: must not be empty",
                r#"imageReference.deniedTags[2]: "app:latest" can never match a tag"#,
                r#"imageReference.deniedTags[3]: "-x" can never match a tag"#,
                "imageReference.deniedTags[5]: must be a string, not a number",
            ]
        );
    }
}
