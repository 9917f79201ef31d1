//! `imageReference` and `imageChange`.

use k8s_openapi::api::core::v1::PodStatus;
use proptest::prelude::{Just, Strategy};
use serde::Deserialize;
use serde_json::{Value, json};

use super::exemptions::matches_image;
use super::findings::{Findings, ResponsibleContainer, ResponsibleContainers};
use super::generators::{some_of, switch};
use super::image_references::Reference;
use super::patterns::matches;
use super::request::{ContainerAt, Pod, Request};
use super::rule::Effect::{Allows, Reports};
use super::rule::ReferenceRule;
use super::settings::options;
use crate::generators::{of, one_of};

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageReferenceOptions {
    require: String,
    denied_tags: Vec<String>,
    allowed_repositories: Option<Vec<String>>,
}

impl Default for ImageReferenceOptions {
    fn default() -> Self {
        Self { require: "tag".to_owned(), denied_tags: vec!["latest".to_owned()], allowed_repositories: None }
    }
}

impl ImageReferenceOptions {
    /// Whether a fix could pin an image to the digest of its tag.
    fn could_be_pinned(&self, request: &Request<'_>, image: &str) -> bool {
        let reference = Reference::parse(image);
        request.is_about_pod()
            && self.allows_repository(image)
            && reference.is_some_and(|image| image.tag.is_some() && image.digest.is_none())
    }

    fn allows_repository(&self, image: &str) -> bool {
        let allowed = self.allowed_repositories.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|pattern| matches_image(pattern, image)))
    }

    fn allows(&self, image: &str) -> bool {
        let Some(reference) = Reference::parse(image) else { return false };
        if !self.allows_repository(image) {
            return false;
        }
        if reference.digest.is_some() {
            return true;
        }
        match reference.tag {
            Some(tag) => {
                self.require == "tag" && !self.denied_tags.iter().any(|pattern| matches(pattern, &tag))
            }
            None => false,
        }
    }
}

/// `imageReference`
pub(super) const IMAGE_REFERENCE: ReferenceRule = ReferenceRule {
    effects: &[
        ("require", &[Reports]),
        ("deniedTags", &[Reports, Allows]),
        ("allowedRepositories", &[Reports]),
    ],
    options: || {
        vec![
            ("require", of(&["tag", "tag", "digest"])),
            ("deniedTags", some_of(&["latest", "edge", "*-SNAPSHOT", "1.*9", "_*"])),
            ("allowedRepositories", one_of(&repositories())),
        ]
    },
    ..ReferenceRule::new("imageReference", image_reference)
};

fn repositories() -> Value {
    json!([
        null,
        null,
        ["nginx", "registry.example.com/mesh/*"],
        ["nginx", "registry.example.com/mesh/proxy:2.0", "*.example.com/*/proxy"],
        ["nginx", "istio/*", "localhost/app", "registry.example.com/mesh/deep/*"],
    ])
}

fn image_reference(request: &Request<'_>) -> Findings {
    let settings: ImageReferenceOptions = options(request.settings, "imageReference");
    let mut findings = Findings::default();
    for pod in request.pods.iter() {
        for container in &pod.containers {
            let image = container.spec.image.as_deref().unwrap_or_default();
            // An operator may set the image of containers in custom kinds.
            let is_set_by_operator = image.is_empty() && !request.is_built_in();
            if !is_set_by_operator && !settings.allows(image) {
                let is_fixable = settings.could_be_pinned(request, image);
                findings.add_unset(container.path.field("image"), container.as_responsible(), is_fixable);
            }
        }
        for (path, volume) in pod.volumes() {
            let Some(image) = &volume.image else { continue };
            let reference = image.reference.as_deref().unwrap_or_default();
            if !settings.allows(reference) {
                // An image volume has an image of its own, but is not a container with a name.
                let responsible = ResponsibleContainer {
                    image: image.reference.clone(),
                    ..ResponsibleContainer::default()
                };
                let is_fixable = settings.could_be_pinned(request, reference);
                findings.add_unset(path.field("image.reference"), responsible, is_fixable);
            }
        }
    }
    findings
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageChangeOptions {
    allow_pinning: bool,
    allow_same_repository: bool,
}

impl ImageChangeOptions {
    /// Whether an image may replace an old image. `running` is the digest of the running container.
    fn allows(&self, old: &str, new: &str, running: Option<&str>) -> bool {
        if old == new {
            return true;
        }
        let (Some(old), Some(new)) = (Reference::parse(old), Reference::parse(new)) else { return false };
        let tag = |image: &Reference| image.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let pins_running_digest =
            old.digest.is_none() && new.digest.is_some() && new.digest.as_deref() == running;
        let is_pinned = pins_running_digest && tag(&old) == tag(&new);
        old.repository == new.repository && (self.allow_same_repository || (self.allow_pinning && is_pinned))
    }
}

/// `imageChange`
pub(super) const IMAGE_CHANGE: ReferenceRule = ReferenceRule {
    effects: &[("allowPinning", &[Allows]), ("allowSameRepository", &[Allows])],
    options: || {
        vec![
            ("allowPinning", Just(json!(true)).boxed()),
            ("allowPinning", Just(json!(true)).boxed()),
            ("allowPinning", one_of(&json!([true, false]))),
            ("allowSameRepository", switch()),
        ]
    },
    ..ReferenceRule::new("imageChange", image_change)
};

fn image_change(request: &Request<'_>) -> Findings {
    let settings: ImageChangeOptions = options(request.settings, "imageChange");
    let mut findings = Findings::default();
    if !request.is_about_pod() {
        return findings;
    }
    for pod in request.pods.iter() {
        let Some(old) = request.old_pod(pod) else { continue };
        for container in &pod.containers {
            let Some(old) = old_container(old, container) else { continue };
            let image = |container: &ContainerAt| container.spec.image.clone().unwrap_or_default();
            let running = running_digest(request, container);
            if !settings.allows(&image(old), &image(container), running.as_deref()) {
                // An exemption must cover both the old and the new image.
                let all = vec![container.as_responsible(), old.as_responsible()];
                findings
                    .add(container.path.field("image"), ResponsibleContainers { all, are_whole_pod: false });
            }
        }
    }
    findings
}

/// Returns the old container with the same list and name.
fn old_container<'p>(old: &'p Pod, new: &ContainerAt) -> Option<&'p ContainerAt> {
    old.containers.iter().find(|old| old.is_same(new))
}

/// Returns the digest of a running container from the status that the kubelet reports.
fn running_digest(request: &Request<'_>, container: &ContainerAt) -> Option<String> {
    let status: PodStatus = request.field("/oldObject/status");
    let statuses = match &*container.list {
        "initContainers" => status.init_container_statuses,
        "ephemeralContainers" => status.ephemeral_container_statuses,
        _ => status.container_statuses,
    };
    let status = statuses?.into_iter().find(|status| status.name == container.spec.name)?;
    status.image_id.rsplit('@').next().map(str::to_owned)
}
