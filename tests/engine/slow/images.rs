//! Rules about images.

use k8s_openapi::api::core::v1::Container;
use serde::Deserialize;

use super::asked::{Asked, Pod};
use super::found::{Found, Holder};
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
            if !settings.accept(judged.container.image.as_deref().unwrap_or_default()) {
                found.add(judged.path.to("image"), [judged.holder()]);
            }
        }
        for (path, volume) in pod.volumes() {
            let Some(image) = &volume.image else { continue };
            if !settings.accept(image.reference.as_deref().unwrap_or_default()) {
                // It brings an image of its own, and is no container with a name.
                found
                    .add(path.to("image.reference"), [Holder { name: None, image: image.reference.clone() }]);
            }
        }
    }
    found
}

#[derive(Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageChange {
    allow_pinning: bool,
    allow_same_repository: bool,
}

impl Default for ImageChange {
    fn default() -> Self {
        Self { allow_pinning: true, allow_same_repository: false }
    }
}

impl ImageChange {
    fn accept(&self, old: &str, new: &str) -> bool {
        if old == new {
            return true;
        }
        let (Some(old), Some(new)) = (Reference::of(old), Reference::of(new)) else { return false };
        let tag = |image: &Reference| image.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let is_pinned = old.digest.is_none() && new.digest.is_some() && tag(&old) == tag(&new);
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
            let image = |container: &Container| container.image.clone().unwrap_or_default();
            let old_image = old_container(old, &judged.container.name);
            if old_image.is_some_and(|old| !settings.accept(&image(&old), &image(&judged.container))) {
                found.add(judged.path.to("image"), [judged.holder()]);
            }
        }
    }
    found
}

/// The container of a name, in whichever list it stood.
fn old_container(old: &Pod, name: &str) -> Option<Container> {
    let same = old.containers.iter().find(|judged| judged.container.name == name);
    same.map(|judged| judged.container.clone())
}
