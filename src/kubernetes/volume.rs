//! The volumes of a pod, and which of them can be written to.

use crate::text::printable;
use json_view::Text;
use json_view::views;
use json_view::{Error, RawValue, ReadJson, Reader};

/// Who decides whether a volume can be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writable {
    /// Nobody: the kubelet mounts it read-only, whatever a mount asks for.
    Never,
    /// Its own `readOnly`, and each mount.
    UnlessReadOnly,
    /// Each mount. The API server drops a `readOnly` of its own.
    Always,
}

/// The types of volumes.
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

/// The most sources of a volume that are read: each is compared with those before it.
const MOST_SOURCES: usize = 100;

/// The types of volumes that can be written to, among those that are known.
pub fn writable_types() -> impl Iterator<Item = &'static str> {
    TYPES.iter().filter(|(_, writable)| *writable != Writable::Never).map(|(kind, _)| *kind)
}

/// What nobody knows may be written to.
#[inline(never)]
fn writable(kind: &str) -> Writable {
    TYPES.iter().find(|(known, _)| *known == kind).map_or(Writable::Always, |(_, writable)| *writable)
}

/// A `Volume`: its name, and what it is made from.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// `name`
    pub name: Text<'a>,
    /// All of it as it is written.
    pub json: RawValue<'a>,
    /// What it is made from: one source, for Kubernetes knows no volume with more. Without any it is an empty directory.
    pub sources: Vec<VolumeSource<'a>>,
}

/// What a volume is made from.
#[derive(Debug)]
pub struct VolumeSource<'a> {
    /// The type of the volume, as its key in the pod spec: `emptyDir`.
    pub kind: Text<'a>,
    /// What is known of it.
    pub details: Details<'a>,
    /// Whether it can be written to where it is mounted.
    pub is_writable: bool,
}

views! {
    /// What rules read of any source.
    ///
    /// A field of this name that is of another type, in a type of volume that has yet to be invented, would be one
    /// that the policy cannot read.
    pub struct Details<'a> {
        /// `path` of a `hostPath`
        pub path "path": Text<'a>,
        /// `readOnly`, of types that have it
        pub read_only "readOnly": bool,
        /// `reference` of an `image`
        pub reference "reference": Text<'a>,
    }

    /// An item of `volumeClaimTemplates`.
    #[derive(Clone)]
    pub struct ClaimTemplate<'a> {
        /// `metadata`
        pub metadata "metadata": ClaimMetadata<'a>,
    }

    /// `metadata` of a claim.
    #[derive(Clone)]
    pub struct ClaimMetadata<'a> {
        /// `name`
        pub name "name": Text<'a>,
    }
}

impl<'a> Volume<'a> {
    /// The source of this type.
    #[must_use]
    pub fn source(&self, kind: &str) -> Option<&Details<'a>> {
        self.sources.iter().find(|source| &*source.kind == kind).map(|source| &source.details)
    }

    /// The types of what can be written to in it; none when nothing can.
    pub fn writable_types(&self) -> impl Iterator<Item = &str> {
        let default = self.sources.is_empty().then_some("emptyDir");
        let writable = self.sources.iter().filter(|source| source.is_writable);
        writable.map(|source| &*source.kind).chain(default)
    }
}

impl<'a> ReadJson<'a> for Volume<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        ((), self.json) = reader.with_raw(|reader| self.read_fields(reader))?;
        Ok(())
    }
}

impl<'a> Volume<'a> {
    fn read_fields(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut has_name = false;
        let mut nulls: Vec<Text<'a>> = Vec::new();
        let mut entries = reader.object()?;
        while let Some(key) = entries.next_key()? {
            let is_name = key == "name";
            let is_known = self.sources.iter().any(|source| source.kind == key) || nulls.contains(&key);
            if (is_name && has_name) || is_known {
                return Err(entries.duplicate_field(printable(&key)));
            }
            if !is_name && self.sources.len() + nulls.len() == MOST_SOURCES {
                return Err(entries.error("must not have more than 100 sources").in_key(&key));
            }
            let is_null = entries.read_with(Reader::skip_null)?;
            if is_name {
                has_name = true;
                if !is_null {
                    entries.read(&mut self.name)?;
                }
            } else if is_null {
                nulls.push(key);
            } else {
                let mut details = Details::default();
                entries.read(&mut details)?;
                let writable = writable(&key);
                details.read_only &= writable == Writable::UnlessReadOnly;
                let is_writable = !details.read_only && writable != Writable::Never;
                self.sources.push(VolumeSource { kind: key, details, is_writable });
            }
        }
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
    fn knows_what_can_be_written_to() {
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
    fn only_some_types_have_a_field_to_be_read_only_by() {
        for without in ["emptyDir", "hostPath", "ephemeral", "gitRepo", "vsphereVolume", "invented"] {
            let volume = format!(r#"{{"name": "a", "{without}": {{"readOnly": true}}}}"#);
            assert_eq!(writable_types_of(&volume), [without]);
        }
    }

    #[test]
    fn a_volume_of_no_type_is_an_empty_directory() {
        for volume in [r#"{"name": "a"}"#, r#"{"name": "a", "secret": null}"#] {
            assert_eq!(writable_types_of(volume), ["emptyDir"], "{volume}");
        }
    }

    #[test]
    fn a_volume_of_more_types_than_there_are_is_refused() {
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
    fn a_second_type_does_not_hide_the_first() {
        assert_eq!(writable_types_of(r#"{"hostPath": {"path": "/"}, "configMap": {}}"#), ["hostPath"]);
        assert_eq!(writable_types_of(r#"{"configMap": {}, "hostPath": {"path": "/"}}"#), ["hostPath"]);
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways() {
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
