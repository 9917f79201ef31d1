//! The metadata of an object, as far as a verdict can depend on it.

use json_view::{self as json, Error, RawValue, ReadJson, Reader, Text, views};

/// The start of the keys of annotations that set the AppArmor profile of a container. The name of the container follows.
///
/// Source: `DeprecatedAppArmorBetaContainerAnnotationKeyPrefix` of `k8s.io/api/core/v1`.
pub const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

/// An annotation.
#[derive(Debug)]
pub struct Annotation<'a> {
    /// The key.
    pub key: Text<'a>,
    /// The value.
    pub value: Text<'a>,
}

/// The metadata of an object. It is parsed only if a verdict depends on it, which is rare.
///
/// Metadata that cannot be parsed counts as empty: without a controller, and not deleted.
#[derive(Clone, Copy, Debug)]
pub enum Metadata<'a> {
    /// The metadata as it is written.
    Own(RawValue<'a>),
    /// The object that contains the metadata, as it is written.
    Of(RawValue<'a>),
}

views! {
    /// `ObjectMeta` of `k8s.io/apimachinery/pkg/apis/meta/v1`.
    struct ObjectMeta<'a> {
        annotations "annotations": Annotations<'a>,
        deletion_timestamp "deletionTimestamp": Text<'a>,
        name "name": Text<'a>,
        owner_references "ownerReferences": Vec<OwnerReference<'a>>,
    }

    /// The annotations that are read.
    ///
    /// Source: `ConfigMirrorAnnotationKey` of `k8s.io/kubernetes/pkg/kubelet/types`.
    struct Annotations<'a> {
        mirror "kubernetes.io/config.mirror": RawValue<'a>,
    }

    /// `ObjectMeta` of `k8s.io/apimachinery/pkg/apis/meta/v1`, for its annotations alone.
    struct AnnotatedMeta<'a> {
        annotations "annotations": AppArmorAnnotations<'a>,
    }

    /// `OwnerReference` of `k8s.io/apimachinery/pkg/apis/meta/v1`.
    struct OwnerReference<'a> {
        controller "controller": RawValue<'a>,
    }

    /// An object of any kind.
    struct Object<'a> {
        metadata "metadata": RawValue<'a>,
    }
}

/// The annotations that set the AppArmor profile of a container.
#[derive(Debug, Default)]
struct AppArmorAnnotations<'a>(Vec<Annotation<'a>>);

impl<'a> ReadJson<'a> for AppArmorAnnotations<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut annotations = reader.object()?;
        while let Some(key) = annotations.next_key()? {
            if !key.starts_with(APP_ARMOR_PREFIX) {
                annotations.read_with(Reader::skip)?;
            } else if !annotations.read_with(Reader::skip_null)? {
                let value = annotations.read_with(Reader::string)?;
                self.0.push(Annotation { key, value });
            }
        }
        Ok(())
    }
}

impl Default for Metadata<'_> {
    fn default() -> Self {
        Self::Own(RawValue::default())
    }
}

impl<'a> Metadata<'a> {
    /// Returns whether a controller manages the object: one of its owners has `controller: true`.
    #[must_use]
    pub fn has_controller(self) -> bool {
        self.parse().owner_references.iter().any(|owner| owner.controller.0 == b"true")
    }

    /// Returns the name of the object; empty if an API server is to generate it.
    #[must_use]
    pub fn name(self) -> Text<'a> {
        self.parse().name
    }

    /// Returns whether the object is being deleted and waits for its finalizers.
    #[must_use]
    pub fn is_deleted(self) -> bool {
        !self.parse().deletion_timestamp.is_empty()
    }

    /// Returns whether the object is annotated as the mirror of a static pod.
    #[must_use]
    pub fn has_mirror_annotation(self) -> bool {
        !self.parse().annotations.mirror.0.is_empty()
    }

    /// Returns the annotations that set the AppArmor profile of a container.
    ///
    /// # Errors
    /// If the metadata cannot be read.
    pub fn app_armor_annotations(self) -> Result<Vec<Annotation<'a>>, Error> {
        let RawValue(json) = self.own();
        if json.is_empty() || json == b"null" {
            return Ok(Vec::new());
        }
        let meta: AnnotatedMeta<'_> = json::from_slice(json)?;
        Ok(meta.annotations.0)
    }

    fn own(self) -> RawValue<'a> {
        match self {
            Self::Own(json) => json,
            Self::Of(RawValue(object)) => json::from_slice::<Object<'_>>(object).unwrap_or_default().metadata,
        }
    }

    fn parse(self) -> ObjectMeta<'a> {
        json::from_slice(self.own().0).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(json: &str) -> Metadata<'_> {
        Metadata::Own(RawValue(json.as_bytes()))
    }

    #[test]
    fn a_controller_among_the_owners_is_found() {
        for (owners, expected) in [
            (r#"[{"kind": "Deployment", "controller": true}]"#, true),
            (r#"[{"controller": false}, {"controller": true}]"#, true),
            (r#"[{"controller": false}]"#, false),
            (r#"[{"kind": "Deployment"}]"#, false),
            (r#"[{"controller": "true"}]"#, false),
            (r#"[{"controller": null}]"#, false),
            ("[]", false),
            ("null", false),
        ] {
            let json = format!(r#"{{"name": "web", "ownerReferences": {owners}}}"#);
            assert_eq!(metadata(&json).has_controller(), expected, "{owners}");
        }
    }

    #[test]
    fn a_deletion_timestamp_means_deleted() {
        assert!(metadata(r#"{"deletionTimestamp": "2026-11-01T00:00:00Z"}"#).is_deleted());
        for alive in [r#"{"deletionTimestamp": null}"#, r#"{"deletionTimestamp": ""}"#, "{}", ""] {
            assert!(!metadata(alive).is_deleted(), "{alive}");
        }
    }

    #[test]
    fn mirror_pods_are_annotated() {
        let annotated =
            |value: &str| format!(r#"{{"annotations": {{"kubernetes.io/config.mirror": {value}}}}}"#);
        assert!(metadata(&annotated("\"0123\"")).has_mirror_annotation());
        assert!(metadata(&annotated("\"\"")).has_mirror_annotation());
        assert!(!metadata(&annotated("null")).has_mirror_annotation());
        assert!(!metadata(r#"{"labels": {"kubernetes.io/config.mirror": "0123"}}"#).has_mirror_annotation());
    }

    #[test]
    fn annotations_of_app_armor_are_found() {
        let annotations = |json: &str| {
            let list = metadata(json).app_armor_annotations().map_err(|error| error.to_string())?;
            Ok::<_, String>(
                list.iter().map(|found| format!("{}={}", &*found.key, &*found.value)).collect::<Vec<_>>(),
            )
        };
        let key = format!("{APP_ARMOR_PREFIX}web");
        assert_eq!(
            annotations(&format!(r#"{{"annotations": {{"a": 1, "{key}": "unconfined"}}}}"#)),
            Ok(vec![format!("{key}=unconfined")])
        );
        let unset = format!(r#"{{"annotations": {{"{key}": null}}}}"#);
        for none in ["", "null", "{}", r#"{"annotations": null}"#, r#"{"labels": {}}"#, &unset] {
            assert_eq!(annotations(none), Ok(Vec::new()), "{none}");
        }
        for unreadable in ["[]", r#"{"annotations": []}"#, &format!(r#"{{"annotations": {{"{key}": 1}}}}"#)] {
            assert!(annotations(unreadable).is_err_and(|error: String| !error.is_empty()), "{unreadable}");
        }
    }

    #[test]
    fn metadata_that_cannot_be_parsed_counts_as_empty() {
        for unreadable in [
            r#"{"ownerReferences": [{"controller": true}], "ownerReferences": []}"#,
            r#"{"ownerReferences": {"controller": true}, "deletionTimestamp": 3}"#,
            "[]",
            "null",
            "{",
        ] {
            assert!(!metadata(unreadable).has_controller(), "{unreadable}");
            assert!(!metadata(unreadable).is_deleted(), "{unreadable}");
        }
    }

    #[test]
    fn metadata_is_found_in_the_object() {
        let object = br#"{"spec": {}, "metadata": {"deletionTimestamp": "now"}}"#;
        assert!(Metadata::Of(RawValue(object)).is_deleted());
        assert!(!Metadata::Of(RawValue(b"[]")).is_deleted());
    }
}
