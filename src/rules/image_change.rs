//! `imageChange`: a running pod keeps the images it was made with.
//!
//! A finding is an UPDATE of a Pod that changes the image of a container it already had
//!
//! `image` is one of the few fields of a Pod that can be changed in place (`kubectl set image pod/…`): the kubelet
//! then restarts the container with another image, and the author of the pod never knows. Change the object that creates
//! the pods instead: templates may change. Containers are compared by their names, and images as they are written. A lost
//! digest is a change as well, because the kubelet restarts the container with whatever the tag means now; with
//! `imageReference` in mode `fix`, the image gets its digest back. An exemption counts only if it covers both the old image
//! and the new one.
//!
//! Settings:
//!
//! - `allowPinning`: whether a tag may gain the digest that the container runs (`app:1` → `app:1@sha256:…`), which the status
//!   of the old pod contains.
//! - `allowSameRepository`: whether the tag and the digest may change, while the repository stays.

use std::cell::LazyCell;

use super::{Definition, Kind, Rule};
use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::pod_status::RunningImages;
use crate::rules::finding::{Concerns, Finding};
use crate::rules::settings::Severity;
use crate::settings::reader::Options;
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
            allow_pinning: options.flag("allowPinning", false),
            allow_same_repository: options.flag("allowSameRepository", false),
        }
    }

    /// Whether an image may become another one, for a container that runs the image of a digest.
    fn allows<'a>(&self, old: &str, new: &str, running: impl FnOnce() -> Option<&'a str>) -> bool {
        if old == new {
            return true;
        }
        let (Ok(before), Ok(after)) = (ImageReference::parse(old), ImageReference::parse(new)) else {
            return false;
        };
        let is_pinned = || {
            before.digest.is_none()
                && before.effective_tag() == after.effective_tag()
                && after.digest.is_some()
                && after.digest == running()
        };
        before.repository == after.repository
            && (self.allow_same_repository || (self.allow_pinning && is_pinned()))
    }
}

impl Rule for ImageChange {
    fn check_change<'p>(&self, old: Option<&'p Pod<'_>>, new: &'p Pod<'_>, found: &mut Vec<Finding<'p>>) {
        let Some(old) = old.filter(|_| !new.is_template) else { return };
        let running = LazyCell::new(|| RunningImages::of(old));
        for (before, at) in old.containers_kept_by(new) {
            let (old_image, image) = (&*before.container.image, &*at.container.image);
            if self.allows(old_image, image, || running.digest_of(at)) {
                continue;
            }
            let demand = format!("must keep the image {}, not run {}", quoted(old_image), quoted(image));
            let finding = Finding::of_container(found, at, "image", image, demand);
            finding.concerns = Concerns::Only(vec![at.concern(), before.concern()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::check_change;
    use super::*;
    use json_view::{self as json, Raw};

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

    /// Whether a container that runs the image of this id may have its image pinned.
    fn may_pin(image_id: &str, old: &str, new: &str) -> bool {
        let rule = ImageChange { allow_pinning: true, allow_same_repository: false };
        let spec = pod(old).to_string();
        let status = json!({"containerStatuses": [{"name": "web", "imageID": image_id}]}).to_string();
        let mut before =
            json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        before.status = Raw(status.as_bytes());
        let spec = pod(new).to_string();
        let after =
            json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let mut found = Vec::new();
        rule.check_change(Some(&before), &after, &mut found);
        found.is_empty()
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
    fn a_tag_may_gain_the_digest_that_runs() {
        let pinned = |image: &str| format!("{image}{DIGEST}");
        for running in
            [&*pinned("docker.io/library/app"), &pinned("docker-pullable://mirror/app"), &DIGEST[1..]]
        {
            assert!(may_pin(running, "app:1", &pinned("app:1")), "{running}");
            assert!(may_pin(running, "app", &pinned("app")), "{running}");
            assert!(may_pin(running, "app", &pinned("docker.io/library/app:latest")), "{running}");
            assert!(!may_pin(running, "app:1", &format!("app:1{OTHER}")), "{running}");
        }
        for unknown in ["", "app", OTHER, "docker.io/library/app:1"] {
            assert!(!may_pin(unknown, "app:1", &pinned("app:1")), "{unknown}");
        }
        for settings in [json!({}), json!({"allowPinning": false}), json!({"allowPinning": true})] {
            assert!(!allows(&settings, "app:1", &pinned("app:1")), "{settings}");
        }
        for (old, new) in [
            ("app:1", pinned("app:2")),
            ("app:1", pinned("app")),
            ("app:1", pinned("evil/app:1")),
            ("app:1", "app".to_owned()),
            (&*pinned("app:1"), format!("app:1{OTHER}")),
            (&pinned("app:1"), "app:1".to_owned()),
            ("app:1", "docker.io/library/app:1".to_owned()),
        ] {
            assert!(!may_pin(DIGEST, old, &new), "{old} {new}");
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
