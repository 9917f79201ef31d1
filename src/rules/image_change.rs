//! `imageChange`: a running pod keeps the images it was made with.
//!
//! A finding is an UPDATE of a Pod that changes the image of a container it already had
//!
//! `image` is one of the few fields of a Pod that can be changed in place (`kubectl set image pod/…`): the kubelet
//! then restarts the container with another image, and whoever made the pod never knows. Change the object that makes
//! the pods instead. Containers are told apart by their names, and images by how they are written. Templates may
//! change: that makes new pods.
//!
//! Settings:
//!
//! - `allowPinning`: whether a tag may gain a digest (`app:1` → `app:1@sha256:…`), as some admission controllers do
//!   it.
//! - `allowSameRepository`: whether the tag and the digest may change, while the repository stays.

use super::{Definition, Kind, Rule};
use crate::finding::Finding;
use crate::image_reference::ImageReference;
use crate::options::Options;
use crate::places::Places;
use crate::pod::{Container, Pod};
use crate::settings::Severity;
use crate::text::quoted;

/// The rule's entry in the list.
pub(super) const RULE: Definition =
    Definition { id: "imageChange", mode: Some(Severity::Deny), can_fix: false, kind: Kind::ImageChange };

pub(crate) struct ImageChange {
    allow_pinning: bool,
    allow_same_repository: bool,
}

impl ImageChange {
    pub(super) fn new(options: &mut Options<'_, '_>) -> Self {
        Self {
            allow_pinning: options.flag("allowPinning", true),
            allow_same_repository: options.flag("allowSameRepository", false),
        }
    }

    fn allows(&self, old: &str, new: &str) -> bool {
        if old == new {
            return true;
        }
        let (Ok(old), Ok(new)) = (ImageReference::parse(old), ImageReference::parse(new)) else {
            return false;
        };
        let gains_digest =
            old.digest.is_none() && new.digest.is_some() && old.effective_tag() == new.effective_tag();
        old.repository == new.repository
            && (self.allow_same_repository || (self.allow_pinning && gains_digest))
    }
}

impl Rule for ImageChange {
    fn check_change<'p>(&self, old: Option<&Pod<'_>>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let Some(old) = old.filter(|_| !new.is_template) else { return };
        let known: Vec<_> = old.all_containers().map(|at| at.container).collect();
        let places = Places::of(known.iter().map(|container| &*container.name));
        for at in new.all_containers() {
            let image = &at.container.image;
            let before = places.get(&at.container.name).and_then(|place| known.get(place));
            let Some(Container { image: before, .. }) = before else { continue };
            if !self.allows(before, image) {
                let demand = format!("must keep the image {}, not run {}", quoted(before), quoted(image));
                Finding::of_container(found, at, "image", image, demand);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::check_change;
    use super::*;

    const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "@sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn pod(image: &str) -> Value {
        json!({"containers": [{"name": "web", "image": image}]})
    }

    #[track_caller]
    fn allows(settings: &Value, old: &str, new: &str) -> bool {
        let lines = check_change(&RULE, settings, Some(&pod(old)), &pod(new));
        assert!(lines.len() <= 1, "{lines:?}");
        lines.is_empty()
    }

    #[test]
    fn an_image_stays_as_it_is() {
        let pod = json!({
            "initContainers": [{"name": "a", "image": "a:2"}],
            "containers": [{"name": "b", "image": "b:2"}, {"name": "c", "image": "c:1"}],
            "ephemeralContainers": [{"name": "d", "image": "d:2"}],
        });
        let old = json!({
            "initContainers": [{"name": "a", "image": "a:1"}],
            "containers": [{"name": "c", "image": "c:1"}, {"name": "b", "image": "b:1"}],
            "ephemeralContainers": [{"name": "d", "image": "d:1"}],
        });
        assert_eq!(
            check_change(&RULE, &json!({}), Some(&old), &pod),
            [
                r#"spec.initContainers[0].image: init container "a" must keep the image "a:1", not run "a:2" [imageChange]"#,
                r#"spec.containers[0].image: container "b" must keep the image "b:1", not run "b:2" [imageChange]"#,
                r#"spec.ephemeralContainers[0].image: ephemeral container "d" must keep the image "d:1", not run "d:2" [imageChange]"#,
            ]
        );
        assert_eq!(check_change(&RULE, &json!({}), Some(&pod), &pod), [""; 0]);
        assert_eq!(check_change(&RULE, &json!({}), None, &pod), [""; 0]);
    }

    #[test]
    fn a_new_container_changes_no_image() {
        let old = json!({"containers": [{"name": "web", "image": "web:1"}]});
        let new = json!({"containers": [{"name": "web", "image": "web:1"}],
                         "ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]});
        assert_eq!(check_change(&RULE, &json!({}), Some(&old), &new), [""; 0]);
    }

    #[test]
    fn a_tag_may_gain_its_digest() {
        let pinned = |image: &str| format!("{image}{DIGEST}");
        assert!(allows(&json!({}), "app:1", &pinned("app:1")));
        assert!(allows(&json!({}), "app", &pinned("app")));
        assert!(allows(&json!({}), "app", &pinned("docker.io/library/app:latest")));
        assert!(!allows(&json!({"allowPinning": false}), "app:1", &pinned("app:1")));
        for (old, new) in [
            ("app:1", pinned("app:2")),
            ("app:1", pinned("app")),
            ("app:1", pinned("evil/app:1")),
            ("app:1", "app".to_owned()),
            (&*pinned("app:1"), format!("app:1{OTHER}")),
            (&pinned("app:1"), "app:1".to_owned()),
            ("app:1", "docker.io/library/app:1".to_owned()),
        ] {
            assert!(!allows(&json!({}), old, &new), "{old} {new}");
        }
    }

    #[test]
    fn the_repository_may_be_what_counts() {
        let settings = json!({"allowSameRepository": true});
        assert!(allows(&settings, "app:1", "app:2"));
        assert!(allows(&settings, "app:1", "docker.io/library/app:2"));
        assert!(allows(&settings, &format!("app{DIGEST}"), &format!("app{OTHER}")));
        assert!(!allows(&settings, "app:1", "evil/app:1"));
        assert!(!allows(&settings, "app:1", "App:1"));
        assert!(!allows(&settings, "app:1", ""));
    }
}
