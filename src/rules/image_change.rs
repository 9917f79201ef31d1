//! `imageChange`: a running pod keeps its images.

use std::cell::LazyCell;

use super::finding::Findings;
use super::responsible::ResponsibleContainer;
use super::rule::{Rule, RuleDocs, RuleMeta, Severity, Target};
use crate::kubernetes::image_reference::ImageReference;
use crate::kubernetes::pod_status::RunningImages;
use crate::settings::declaration::{Declared, Flag, Setting};
use crate::settings::mode::Mode;
use crate::settings::reader::ObjectReader;
use crate::text::quoted;

const ALLOW_PINNING: Setting<Flag> = Setting {
    key: "allowPinning",
    label: "Allow pinning",
    doc: "Allows a tag to gain the digest that the container runs (`app:1` → `app:1@sha256:…`), as the status of the old pod reports \
          it.",
    kind: Flag,
};

const ALLOW_SAME_REPOSITORY: Setting<Flag> = Setting {
    key: "allowSameRepository",
    label: "Allow other tags of the same repository",
    doc: "Allows the tag and the digest to change, but not the repository.",
    kind: Flag,
};

pub(crate) struct ImageChange {
    allow_pinning: bool,
    allow_same_repository: bool,
}

impl ImageChange {
    /// Whether an image can be replaced by another one. `running` gives the digest that the container runs.
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

impl Rule<'_> for ImageChange {
    const META: RuleMeta =
        RuleMeta { id: "imageChange", severity: Severity::Medium, default_mode: Mode::Deny, can_fix: false };

    const DOCS: RuleDocs = RuleDocs {
        summary: "A running pod keeps its images.",
        finding: "an update of a Pod that changes the image of a container",
        fix: None,
        why: "\
`image` is one of the few fields of a Pod that an update can change (`kubectl set image pod/…`): the kubelet then restarts the
container with another image, and the pod author does not notice. Change the object that creates the pods instead: templates can
change.",
        how: Some(
            "\
Containers are compared by name, and images as they are written. A lost digest is a change too, because the kubelet restarts
the container with whatever the tag means now; with `imageReference` in mode `fix`, the image gets its digest back. An exemption must
cover both the old image and the new one.

The rule needs UPDATE of `pods` in the `rules` of the policy's manifest.",
        ),
        limits: Some(
            "\
A new object does not have an old image, so a template and a pod that is created again can have another image.",
        ),
    };

    const SETTINGS: &'static [&'static dyn Declared] = &[&ALLOW_PINNING, &ALLOW_SAME_REPOSITORY];

    fn configure(reader: &mut ObjectReader<'_, '_>) -> Self {
        Self {
            allow_pinning: reader.get(&ALLOW_PINNING),
            allow_same_repository: reader.get(&ALLOW_SAME_REPOSITORY),
        }
    }

    fn check<'p>(&self, target: &Target<'p>, findings: &mut Findings<'p>) {
        let Target::Update { old: Some(old), new } = *target else { return };
        if new.is_template {
            return;
        }
        let running = LazyCell::new(|| RunningImages::of(old));
        for (before, container) in old.containers_kept_by(new) {
            let (old_image, image) = (&*before.container.image, &*container.container.image);
            if self.allows(old_image, image, || running.digest_of(container)) {
                continue;
            }
            findings
                .at(container, "image")
                .message(format!("must keep the image {}, not run {}", quoted(old_image), quoted(image)))
                .value(image)
                .responsible(vec![ResponsibleContainer::of(container), ResponsibleContainer::of(before)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::kubernetes::pod::Pod;
    use serde_json::{Value, json};

    use super::super::RuleId;
    use super::super::testing::check_change;
    use super::*;
    use json_view::{self as json, RawValue};

    const DIGEST: &str = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "@sha256:1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn pod(image: &str) -> Value {
        json!({"containers": [{"name": "web", "image": image}]})
    }

    #[track_caller]
    fn allows(settings: &Value, old: &str, new: &str) -> bool {
        let lines = check_change(RuleId::ImageChange, settings, Some(&pod(old)), &pod(new));
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
        before.status = RawValue(status.as_bytes());
        let spec = pod(new).to_string();
        let after =
            json::read_with(spec.as_bytes(), |reader| Pod::read("spec".into(), false, reader)).unwrap();
        let mut findings = Findings::default();
        rule.check(&Target::Update { old: Some(&before), new: &after }, &mut findings);
        findings.list.is_empty()
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
            check_change(RuleId::ImageChange, &json!({}), Some(&old), &pod),
            [
                r#"spec.initContainers[0].image: init container "a" must keep the image "a:1", not run "a:2" [imageChange]"#,
                r#"spec.containers[0].image: container "b" must keep the image "b:1", not run "b:2" [imageChange]"#,
                r#"spec.ephemeralContainers[0].image: ephemeral container "d" must keep the image "d:1", not run "d:2" [imageChange]"#,
            ]
        );
        assert_eq!(check_change(RuleId::ImageChange, &json!({}), Some(&pod), &pod), [""; 0]);
        assert_eq!(check_change(RuleId::ImageChange, &json!({}), None, &pod), [""; 0]);
    }

    #[test]
    fn a_new_container_changes_no_image() {
        let old = json!({"containers": [{"name": "web", "image": "web:1"}]});
        let new = json!({"containers": [{"name": "web", "image": "web:1"}],
                         "ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]});
        assert_eq!(check_change(RuleId::ImageChange, &json!({}), Some(&old), &new), [""; 0]);
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
