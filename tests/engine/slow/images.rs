//! Rules about images.

use k8s_openapi::api::core::v1::PodStatus;
use serde::Deserialize;

use super::asked::{Asked, Judged, Pod};
use super::found::{Found, Holder, Holders};
use super::patterns::fits;
use super::references::Reference;
use super::settings::options;

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageReference {
    require: String,
    denied_tags: Vec<String>,
}

impl Default for ImageReference {
    fn default() -> Self {
        Self { require: "tag".to_owned(), denied_tags: vec!["latest".to_owned()] }
    }
}

impl ImageReference {
    /// Whether a fix could give an image of a pod the digest that its tag means.
    fn could_be_pinned(asked: &Asked<'_>, image: &str) -> bool {
        let reference = Reference::of(image);
        asked.is_of_pod() && reference.is_some_and(|image| image.tag.is_some() && image.digest.is_none())
    }

    fn accept(&self, image: &str) -> bool {
        let Some(reference) = Reference::of(image) else { return false };
        if reference.digest.is_some() {
            return true;
        }
        match reference.tag {
            Some(tag) => self.require == "tag" && !self.denied_tags.iter().any(|pattern| fits(pattern, &tag)),
            None => false,
        }
    }
}

/// `imageReference`
pub(super) fn image_reference(asked: &Asked<'_>) -> Found {
    let settings: ImageReference = options(asked.settings, "imageReference");
    let mut found = Found::default();
    for pod in asked.pods.iter() {
        for judged in &pod.containers {
            let image = judged.container.image.as_deref().unwrap_or_default();
            // An operator completes the containers of its own kinds.
            let is_completed = image.is_empty() && !asked.is_built_in();
            if !is_completed && !settings.accept(image) {
                let can_be_filled = ImageReference::could_be_pinned(asked, image);
                found.add_unset(judged.path.to("image"), judged.holder(), can_be_filled);
            }
        }
        for (path, volume) in pod.volumes() {
            let Some(image) = &volume.image else { continue };
            let reference = image.reference.as_deref().unwrap_or_default();
            if !settings.accept(reference) {
                // It brings an image of its own, and is not a container with a name.
                let holder = Holder { image: image.reference.clone(), ..Holder::default() };
                let can_be_filled = ImageReference::could_be_pinned(asked, reference);
                found.add_unset(path.to("image.reference"), holder, can_be_filled);
            }
        }
    }
    found
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageChange {
    allow_pinning: bool,
    allow_same_repository: bool,
}

impl ImageChange {
    /// Whether an image may take the place of an old one. `running` is the digest that the container runs.
    fn accept(&self, old: &str, new: &str, running: Option<&str>) -> bool {
        if old == new {
            return true;
        }
        let (Some(old), Some(new)) = (Reference::of(old), Reference::of(new)) else { return false };
        let tag = |image: &Reference| image.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let gains_what_runs =
            old.digest.is_none() && new.digest.is_some() && new.digest.as_deref() == running;
        let is_pinned = gains_what_runs && tag(&old) == tag(&new);
        old.repository == new.repository && (self.allow_same_repository || (self.allow_pinning && is_pinned))
    }
}

/// `imageChange`
pub(super) fn image_change(asked: &Asked<'_>) -> Found {
    let settings: ImageChange = options(asked.settings, "imageChange");
    let mut found = Found::default();
    if !asked.is_of_pod() {
        return found;
    }
    for pod in asked.pods.iter() {
        let Some(old) = asked.old_pod(pod) else { continue };
        for judged in &pod.containers {
            let Some(old) = old_container(old, judged) else { continue };
            let image = |judged: &Judged| judged.container.image.clone().unwrap_or_default();
            let running = running_digest(asked, judged);
            if !settings.accept(&image(old), &image(judged), running.as_deref()) {
                // An exemption must cover the old image as well as the new one.
                let all = vec![judged.holder(), old.holder()];
                found.add(judged.path.to("image"), Holders { all, are_whole_pod: false });
            }
        }
    }
    found
}

/// The container of the same list and name.
fn old_container<'p>(old: &'p Pod, new: &Judged) -> Option<&'p Judged> {
    old.containers.iter().find(|old| old.is_same(new))
}

/// The digest that a container runs, as the kubelet has reported it.
fn running_digest(asked: &Asked<'_>, judged: &Judged) -> Option<String> {
    let status: PodStatus = asked.field("/oldObject/status");
    let statuses = match &*judged.list {
        "initContainers" => status.init_container_statuses,
        "ephemeralContainers" => status.ephemeral_container_statuses,
        _ => status.container_statuses,
    };
    let status = statuses?.into_iter().find(|status| status.name == judged.container.name)?;
    status.image_id.rsplit('@').next().map(str::to_owned)
}
