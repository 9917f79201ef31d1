//! The volumes of a pod, and which of them are writable.

use crate::text::printable;
use json_view::{Error, RawValue, ReadJson, Reader, Text, views};

/// Decides whether containers can write to a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writable {
    /// The type: the kubelet mounts the volume read-only, even if a mount is writable.
    Never,
    /// `readOnly` of the volume, and each mount.
    UnlessReadOnly,
    /// Each mount. API servers drop `readOnly` of the volume.
    Always,
}

/// The volume types of Kubernetes.
///
/// Source: `VolumeSource` of `k8s.io/api/core/v1`.
const TYPES: [(&str, Writable); 30] = [
    ("awsElasticBlockStore", Writable::UnlessReadOnly),
    ("azureDisk", Writable::UnlessReadOnly),
    ("azureFile", Writable::UnlessReadOnly),
    ("cephfs", Writable::UnlessReadOnly),
    ("cinder", Writable::UnlessReadOnly),
    ("configMap", Writable::Never),
    ("csi", Writable::UnlessReadOnly),
    ("downwardAPI", Writable::Never),
    ("emptyDir", Writable::Always),
    ("ephemeral", Writable::Always),
    ("fc", Writable::UnlessReadOnly),
    ("flexVolume", Writable::UnlessReadOnly),
    ("flocker", Writable::Always),
    ("gcePersistentDisk", Writable::UnlessReadOnly),
    ("gitRepo", Writable::Always),
    ("glusterfs", Writable::UnlessReadOnly),
    ("hostPath", Writable::Always),
    ("image", Writable::Never),
    ("iscsi", Writable::UnlessReadOnly),
    ("nfs", Writable::UnlessReadOnly),
    ("persistentVolumeClaim", Writable::UnlessReadOnly),
    ("photonPersistentDisk", Writable::Always),
    ("portworxVolume", Writable::UnlessReadOnly),
    ("projected", Writable::Never),
    ("quobyte", Writable::UnlessReadOnly),
    ("rbd", Writable::UnlessReadOnly),
    ("scaleIO", Writable::UnlessReadOnly),
    ("secret", Writable::Never),
    ("storageos", Writable::UnlessReadOnly),
    ("vsphereVolume", Writable::Always),
];

/// The type of a volume that comes from a claim template.
pub const CLAIM: &str = "persistentVolumeClaim";

/// Maximum number of sources in a volume. Each is compared with all before it.
const MAX_SOURCES: usize = 100;

/// The field next to a pod template that contains claim templates.
pub(crate) const CLAIM_TEMPLATES: &str = "volumeClaimTemplates";

/// Returns the known volume types.
pub fn types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().map(|(kind, _)| *kind)
}

/// Returns the known volume types that are writable.
pub fn writable_types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().filter(|(_, writable)| *writable != Writable::Never).map(|(kind, _)| *kind)
}

/// Returns who decides whether a type is writable. Unknown types count as writable.
fn writable(kind: &str) -> Writable {
    TYPES.iter().find(|(known, _)| *known == kind).map_or(Writable::Always, |(_, writable)| *writable)
}

/// `Volume` of `k8s.io/api/core/v1`.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// Name, unique in the pod.
    pub name: Text<'a>,
    /// The volume as it is written.
    pub json: RawValue<'a>,
    /// The sources. API servers accept only one; without a source, the volume is an empty directory.
    pub sources: Vec<VolumeSource<'a>>,
}

/// A source of a volume.
#[derive(Debug)]
pub struct VolumeSource<'a> {
    /// The volume type, which is the key in the volume, such as `emptyDir`.
    pub kind: Text<'a>,
    /// The fields that rules read.
    pub details: Details<'a>,
    /// Whether the volume is writable if its mount is.
    pub is_writable: bool,
}

views! {
    /// Fields that rules read of any source.
    ///
    /// If a future volume type has a field with one of these keys and another JSON type, the pod is refused as unreadable.
    pub struct Details<'a> {
        /// Name of the claim, of a `persistentVolumeClaim`.
        pub claim_name "claimName": Text<'a>,
        /// Path on the node, of a `hostPath`.
        pub path "path": Text<'a>,
        /// Whether the volume is read-only, for types with this field.
        pub read_only "readOnly": bool,
        /// Image reference, of an `image`.
        pub reference "reference": Text<'a>,
    }

    /// `PersistentVolumeClaim` of `k8s.io/api/core/v1` in `volumeClaimTemplates`.
    #[derive(Clone)]
    pub struct ClaimTemplate<'a> {
        /// Metadata of the claims.
        pub metadata "metadata": ClaimMetadata<'a>,
    }

    /// `ObjectMeta` of a claim template.
    #[derive(Clone)]
    pub struct ClaimMetadata<'a> {
        /// Name of the volume in each pod.
        pub name "name": Text<'a>,
    }
}

impl<'a> Volume<'a> {
    /// Returns the source of this type.
    #[must_use]
    pub fn source(&self, kind: &str) -> Option<&Details<'a>> {
        self.sources.iter().find(|source| &*source.kind == kind).map(|source| &source.details)
    }

    /// Returns the types of the sources.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|source| &*source.kind).chain(self.default_type())
    }

    /// Returns the types of the writable sources.
    pub fn writable_types(&self) -> impl Iterator<Item = &str> {
        let writable = self.sources.iter().filter(|source| source.is_writable);
        writable.map(|source| &*source.kind).chain(self.default_type())
    }

    /// Returns the type that API servers give a volume without a source.
    fn default_type(&self) -> Option<&'static str> {
        self.sources.is_empty().then_some("emptyDir")
    }

    fn read_fields(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut has_name = false;
        let mut nulls: Vec<Text<'a>> = Vec::new();
        let mut object = reader.object()?;
        while let Some(key) = object.next_key()? {
            let is_name = key == "name";
            let is_known = self.sources.iter().any(|source| source.kind == key) || nulls.contains(&key);
            if (is_name && has_name) || is_known {
                return Err(object.duplicate_field(printable(&key)));
            }
            if !is_name && self.sources.len() + nulls.len() == MAX_SOURCES {
                return Err(object.error("must not have more than 100 sources").in_key(&key));
            }
            let is_null = object.read_with(Reader::skip_null)?;
            if is_name {
                has_name = true;
                if !is_null {
                    object.read(&mut self.name)?;
                }
            } else if is_null {
                nulls.push(key);
            } else {
                let mut details = Details::default();
                object.read(&mut details)?;
                let writable = writable(&key);
                details.read_only &= writable == Writable::UnlessReadOnly;
                let is_writable = !details.read_only && writable != Writable::Never;
                self.sources.push(VolumeSource { kind: key, details, is_writable });
            }
        }
        Ok(())
    }
}

impl<'a> ReadJson<'a> for Volume<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        ((), self.json) = reader.with_raw(|reader| self.read_fields(reader))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use json_view as json;

    fn writable_types_of(volume: &str) -> Vec<String> {
        let volume: Volume = json::from_slice(volume.as_bytes()).unwrap();
        volume.writable_types().map(str::to_owned).collect()
    }

    #[test]
    fn writable_types_are_known() {
        assert_eq!(writable_types_of(r#"{"name": "a", "emptyDir": {}}"#), ["emptyDir"]);
        assert_eq!(writable_types_of(r#"{"hostPath": {"path": "/x"}, "name": "a"}"#), ["hostPath"]);
        assert_eq!(writable_types_of(r#"{"name": "a", "flexVolume": {"readOnly": false}}"#), ["flexVolume"]);
        assert_eq!(writable_types_of(r#"{"name": "a", "invented": {}}"#), ["invented"]);
        for read_only in ["configMap", "secret", "downwardAPI", "projected", "image"] {
            assert_eq!(writable_types_of(&format!(r#"{{"name": "a", "{read_only}": {{}}}}"#)), [""; 0]);
        }
        for own in ["persistentVolumeClaim", "csi", "nfs"] {
            assert_eq!(
                writable_types_of(&format!(r#"{{"name": "a", "{own}": {{"readOnly": true}}}}"#)),
                [""; 0]
            );
        }
    }

    #[test]
    fn a_read_only_field_that_the_type_lacks_is_ignored() {
        for without in ["emptyDir", "hostPath", "ephemeral", "gitRepo", "vsphereVolume", "invented"] {
            let volume = format!(r#"{{"name": "a", "{without}": {{"readOnly": true}}}}"#);
            assert_eq!(writable_types_of(&volume), [without]);
        }
    }

    #[test]
    fn a_volume_without_a_source_is_an_empty_directory() {
        for volume in [r#"{"name": "a"}"#, r#"{"name": "a", "secret": null}"#] {
            assert_eq!(writable_types_of(volume), ["emptyDir"], "{volume}");
        }
    }

    #[test]
    fn too_many_sources_are_refused() {
        let read = |count: usize| {
            let sources: Vec<_> = (0..count).map(|number| format!("\"s{number}\": null")).collect();
            let volume = format!("{{\"name\": \"a\", {}}}", sources.join(","));
            json::from_slice::<Volume>(volume.as_bytes())
                .map(|_| ())
                .map_err(|error| error.message().to_owned())
        };
        assert_eq!(read(100), Ok(()));
        assert_eq!(read(101).unwrap_err(), "must not have more than 100 sources");
    }

    #[test]
    fn a_second_source_does_not_hide_the_first() {
        assert_eq!(writable_types_of(r#"{"hostPath": {"path": "/"}, "configMap": {}}"#), ["hostPath"]);
        assert_eq!(writable_types_of(r#"{"configMap": {}, "hostPath": {"path": "/"}}"#), ["hostPath"]);
    }

    #[test]
    fn duplicate_fields_are_refused() {
        for twice in [
            r#"{"name": "a", "name": "b"}"#,
            r#"{"nfs": {}, "nfs": {"readOnly": true}}"#,
            r#"{"nfs": null, "nfs": {}}"#,
            r#"{"nfs": {}, "nfs": null}"#,
        ] {
            assert!(json::from_slice::<Volume>(twice.as_bytes()).is_err(), "{twice}");
        }
        let wrong = json::from_slice::<Volume>(br#"{"nfs": 3}"#).unwrap_err();
        assert_eq!(wrong.message(), "expected an object, got a number");
    }
}
