//! `imageReference`: every image names its version, by a tag that does not move or by a digest.

use std::borrow::Cow;

use super::finding::{Finding, Findings};
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::image_reference::{ImageReference, is_tag_byte};
use crate::kubernetes::pod::{ContainerAt, Pod};
use crate::rules::fix::Fix;
use crate::settings::declaration::{
    Declared, Demand, Format, OptionalTexts, Setting, Texts, Word, not_empty,
};
use crate::settings::image_pattern::ImagePattern;
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::settings::selector::IMAGE_PATTERN;
use crate::settings::wildcard;
use crate::text::quoted;

const REQUIRE: Setting<Word<Require>> = Setting {
    key: "require",
    label: "Required version",
    doc: "`tag` requires a tag or a digest, `digest` requires a digest.",
    kind: Word { words: &[("tag", Require::Tag), ("digest", Require::Digest)], default: Require::Tag },
};

const DENIED_TAGS: Setting<Texts> = Setting {
    key: "deniedTags",
    label: "Denied tags",
    doc: "Tags that can move to another image. `*` matches any characters.",
    kind: Texts { format: &TAG_PATTERN, default: &["latest"], may_be_empty: true },
};

const ALLOWED_REPOSITORIES: Setting<OptionalTexts> = Setting {
    key: "allowedRepositories",
    label: "Allowed repositories",
    doc: "If set, images must come from these repositories: `registry.example.com/shop/*`. `*` matches any characters within one segment \
          of the path.",
    kind: OptionalTexts { format: &IMAGE_PATTERN, may_be_empty: false },
};

const TAG_PATTERN: Format = Format {
    check: check_tag_pattern,
    demands: &[Demand::NotEmpty, Demand::Matches("^[A-Za-z0-9_*][A-Za-z0-9_.*-]*$")],
    choices: None,
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Require {
    Tag,
    Digest,
}

pub(crate) struct ImageReferenceRule<'s> {
    require: Require,
    denied_tags: Cow<'s, [&'s str]>,
    allowed_repositories: Option<Vec<ImagePattern<'s>>>,
}

/// An image of a pod.
#[derive(Clone, Copy)]
enum Image<'p, 'a> {
    OfContainer(ContainerAt<'p, 'a>),
    OfVolume(&'p Pod<'p>, usize, &'p str),
}

impl<'p> Image<'p, '_> {
    fn reference(self) -> &'p str {
        match self {
            Self::OfContainer(at) => &at.container.image,
            Self::OfVolume(_, _, reference) => reference,
        }
    }
}

impl ImageReferenceRule<'_> {
    /// What must change about a reference, if anything.
    fn violation(&self, reference: &str) -> Option<String> {
        let parsed = match ImageReference::parse(reference) {
            Ok(parsed) => parsed,
            Err("is empty") => return Some("must name an image".to_owned()),
            Err(reason) => return Some(format!("must name a valid image: {} {reason}", quoted(reference))),
        };
        let image = quoted(reference);
        match parsed {
            _ if !self.allows_repository(&parsed) => {
                Some(format!("must not use image {image}: its repository is not in allowedRepositories"))
            }
            ImageReference { digest: Some(_), .. } => None,
            _ if self.require == Require::Digest => Some(format!("must pin image {image} by digest")),
            ImageReference { tag: None, .. } => Some(format!("must set a tag or a digest on image {image}")),
            ImageReference { tag: Some(tag), .. } if self.is_denied(tag) => {
                Some(format!("must not use the tag {} without a digest: {image}", quoted(tag)))
            }
            ImageReference { .. } => None,
        }
    }

    fn allows_repository(&self, image: &ImageReference<'_>) -> bool {
        let matches =
            |patterns: &Vec<ImagePattern<'_>>| patterns.iter().any(|pattern| pattern.matches(image));
        self.allowed_repositories.as_ref().is_none_or(matches)
    }

    fn is_denied(&self, tag: &str) -> bool {
        self.denied_tags.iter().any(|pattern| wildcard::matches(pattern, tag))
    }

    /// Whether a reference has a tag and no digest, and is allowed with any digest. A pattern with a tag matches no digest.
    fn can_pin(&self, reference: &str) -> bool {
        ImageReference::parse(reference).is_ok_and(|image| {
            let pinned = ImageReference { digest: Some(""), ..image };
            image.tag.is_some() && image.digest.is_none() && self.allows_repository(&pinned)
        })
    }

    fn check_image<'p>(&self, image: Image<'p, 'p>, is_template: bool, findings: &mut Findings<'p>) {
        let reference = image.reference();
        let can_fix = || !is_template && self.can_pin(reference);
        let finding = if let Some(message) = self.violation(reference) {
            let finding = match image {
                Image::OfContainer(at) => findings.at(at, "image"),
                Image::OfVolume(pod, index, _) => findings.at_volume(pod, index, "image.reference"),
            };
            finding.message(message)
        } else if findings.wants_suggestions() && can_fix() {
            let finding = match image {
                Image::OfContainer(at) => findings.suggest_at(at, "image"),
                Image::OfVolume(pod, index, _) => findings.suggest_at_volume(pod, index, "image.reference"),
            };
            finding.message(format!("could not pin image {} to a digest", quoted(reference)))
        } else {
            return;
        };
        describe(finding.value(reference), image, can_fix());
    }
}

/// Adds what a finding or a suggestion about an image has: the containers that are responsible, and the fix.
fn describe<'p>(finding: &mut Finding<'p>, image: Image<'p, 'p>, can_fix: bool) {
    match image {
        Image::OfContainer(at) => {
            if can_fix {
                finding.fix(Fix::pin(at));
            }
        }
        Image::OfVolume(pod, index, reference) => {
            let responsible =
                ResponsibleContainer { image: Some(reference), ..ResponsibleContainer::default() };
            finding.responsible(vec![responsible]);
            if can_fix {
                finding.fix(Fix::pin_volume(pod, index, reference));
            }
        }
    }
}

impl<'s> Rule<'s> for ImageReferenceRule<'s> {
    const META: RuleMeta = RuleMeta {
        id: "imageReference",
        severity: Severity::Medium,
        default_mode: Mode::Deny,
        can_fix: true,
    };

    const DOCS: RuleDocs = RuleDocs {
        summary: "Every image names its version, by a tag that does not move or by a digest.",
        finding: "an image of a container or of an image volume without tag and digest, with a denied tag and no digest, or that no \
                  runtime can parse; with `require: digest`, an image without digest; an image that is not in `allowedRepositories` if \
                  it is set",
        fix: Some(
            "adds the current digest of its tag to an image, in pods, and gives back a digest that an update removes",
        ),
        why: "\
A tag that moves is another image tomorrow, and each node pulls it at a different time.",
        how: Some(
            "\
References are parsed as container runtimes parse them: `registry:5000/app` has a port and no tag, and a digest must have the length of
its algorithm. With a digest, any tag is accepted, because the runtime ignores the tag. For a fix, the policy server looks up each image
that has a tag and no digest once in its registry, with credentials of its own; its configuration must grant `oci/v1/manifest_digest`.
An image that is not allowed is not looked up. Only pods are fixed: a template would keep the digest of the day on which it was created.
If a tag cannot be looked up, a warning or the denial gives the reason.",
        ),
        limits: Some(
            "\
The policy does not know which tags move: it denies only those in `deniedTags`, unless a digest is required. A digest identifies an image,
but does not say who built it.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&REQUIRE, &DENIED_TAGS, &ALLOWED_REPOSITORIES];

    fn configure(reader: &mut ObjectReader<'_, 's>) -> Self {
        let (require, denied_tags) = (reader.get(&REQUIRE), reader.get(&DENIED_TAGS));
        let repositories = reader.get(&ALLOWED_REPOSITORIES);
        reader.refuse_stars(ALLOWED_REPOSITORIES.key);
        let allowed_repositories =
            repositories.map(|patterns| patterns.into_iter().map(ImagePattern::new).collect());
        Self { require, denied_tags, allowed_repositories }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        match *target {
            Target::Pod(pod) => {
                for at in pod.all_containers() {
                    // A kind that is not built in may leave the image to its controller, whose pods are evaluated.
                    if !(pod.is_custom && at.container.image.is_empty()) {
                        self.check_image(Image::OfContainer(at), pod.is_template, findings);
                    }
                }
                for (index, volume) in pod.spec.volumes.iter().enumerate() {
                    if let Some(image) = volume.source("image") {
                        let image = Image::OfVolume(pod, index, &image.reference);
                        self.check_image(image, pod.is_template, findings);
                    }
                }
            }
            Target::Update { old: Some(old), new } if findings.wants_suggestions() => {
                suggest_lost_digests(old, new, findings);
            }
            Target::Update { .. } | Target::Connect(_) => {}
        }
    }
}

fn suggest_lost_digests<'p>(old: &'p Pod<'p>, new: &'p Pod<'p>, findings: &mut Findings<'p>) {
    for (before, at) in old.containers_kept_by(new) {
        let (old_image, image) = (&*before.container.image, &*at.container.image);
        if has_lost_digest(old_image, image) {
            let finding = findings.suggest_at(at, "image");
            finding.message("has lost its digest").value(image).fix(Fix::restore(at, old_image));
        }
    }
}

/// Whether an image is the same as before, without the digest that it had.
fn has_lost_digest(old: &str, new: &str) -> bool {
    let (Ok(old), Ok(new)) = (ImageReference::parse(old), ImageReference::parse(new)) else { return false };
    old.digest.is_some() && new.digest.is_none() && old.repository == new.repository && old.tag == new.tag
}

fn check_tag_pattern(pattern: &str) -> Result<(), String> {
    not_empty(pattern)?;
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

    use super::super::RuleId;
    use super::super::testing::{check, errors};

    const SHA256: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// What is demanded of a container with this image, without path and rule.
    fn demand(settings: &Value, image: &str) -> Option<String> {
        let lines = check(
            RuleId::ImageReferenceRule,
            settings,
            &json!({"containers": [{"name": "a", "image": image}]}),
        );
        assert!(lines.len() <= 1);
        let line = lines.first()?;
        let demand = line.strip_prefix("spec.containers[0].image: container \"a\" ").unwrap();
        Some(demand.strip_suffix(" [imageReference]").unwrap().to_owned())
    }

    #[test]
    fn wants_a_tag_or_a_digest() {
        let settings = json!({});
        let untagged = |image: &str| Some(format!("must set a tag or a digest on image \"{image}\""));
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
            assert_eq!(demand(&settings, image), Some(format!("must pin image \"{image}\" by digest")));
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
        assert_eq!(
            check(RuleId::ImageReferenceRule, &json!({}), &json!({"containers": [{"name": "a"}]})).len(),
            1
        );
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
            check(RuleId::ImageReferenceRule, &json!({}), &pod),
            [
                r#"spec.initContainers[0].image: init container "a" must set a tag or a digest on image "a" [imageReference]"#,
                r#"spec.ephemeralContainers[0].image: ephemeral container "c" must set a tag or a digest on image "c" [imageReference]"#,
                r#"spec.volumes[1].image.reference: volume "e" must set a tag or a digest on image "e" [imageReference]"#,
                r#"spec.volumes[3].image.reference: volume "g" must name an image [imageReference]"#,
            ]
        );
    }

    #[test]
    fn refuses_patterns_that_match_no_tag() {
        assert_eq!(
            errors(
                RuleId::ImageReferenceRule,
                &json!({"deniedTags": ["ok", "", "app:latest", "-x", "*", 1]})
            ),
            [
                "imageReference.deniedTags[1]: must not be empty",
                r#"imageReference.deniedTags[2]: "app:latest" can never match a tag"#,
                r#"imageReference.deniedTags[3]: "-x" can never match a tag"#,
                "imageReference.deniedTags[5]: expected a string, got a number",
            ]
        );
    }
}
