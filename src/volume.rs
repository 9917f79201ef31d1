//! The volumes of a pod, and which of them can be written to.

use std::borrow::Cow;

use crate::json::{Error, Read, Reader};
use crate::text::{Text, printable};
use crate::view::views;

/// Types of volumes that the kubelet mounts read-only, whatever a mount asks for.
const READ_ONLY: [&str; 5] = ["configMap", "downwardAPI", "image", "projected", "secret"];

/// Types of volumes with a `readOnly` of their own. In others the API server drops a field of this name.
///
/// Source: `VolumeSource` of `k8s.io/api/core/v1`.
const MAY_BE_READ_ONLY: [&str; 18] = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "gcePersistentDisk",
    "glusterfs",
    "iscsi",
    "nfs",
    "persistentVolumeClaim",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
];

/// A `Volume`: its name, and what it is made from.
#[derive(Debug, Default)]
pub struct Volume<'a> {
    /// `name`
    pub name: Text<'a>,
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
        let writable = self.sources.iter().filter(|source| source.is_writable());
        writable.map(|source| &*source.kind).chain(default)
    }
}

impl VolumeSource<'_> {
    fn is_writable(&self) -> bool {
        !self.details.read_only && !READ_ONLY.contains(&&*self.kind)
    }
}

impl<'a> Read<'a> for Volume<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut has_name = false;
        let mut nulls: Vec<Cow<'a, str>> = Vec::new();
        let mut keys = reader.object()?;
        while let Some(key) = keys.next(reader)? {
            let is_name = key == "name";
            let is_known = self.sources.iter().any(|source| *source.kind == key) || nulls.contains(&key);
            if (is_name && has_name) || is_known {
                return Err(reader.duplicate(&printable(&key)));
            }
            if is_name {
                has_name = true;
                reader.field(&mut self.name)?;
            } else if reader.null()? {
                nulls.push(key);
            } else {
                let mut details = Details::default();
                details.read(reader)?;
                details.read_only &= MAY_BE_READ_ONLY.contains(&&*key);
                self.sources.push(VolumeSource { kind: key.into(), details });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn writable_types(volume: &str) -> Vec<String> {
        let volume: Volume = json::from_slice(volume.as_bytes()).unwrap();
        volume.writable_types().map(str::to_owned).collect()
    }

    #[test]
    fn knows_what_can_be_written_to() {
        assert_eq!(writable_types(r#"{"name": "a", "emptyDir": {}}"#), ["emptyDir"]);
        assert_eq!(writable_types(r#"{"hostPath": {"path": "/x"}, "name": "a"}"#), ["hostPath"]);
        assert_eq!(writable_types(r#"{"name": "a", "flexVolume": {"readOnly": false}}"#), ["flexVolume"]);
        assert_eq!(writable_types(r#"{"name": "a", "invented": {}}"#), ["invented"]);
        for read_only in ["configMap", "secret", "downwardAPI", "projected", "image"] {
            assert_eq!(writable_types(&format!(r#"{{"name": "a", "{read_only}": {{}}}}"#)), [""; 0]);
        }
        for own in ["persistentVolumeClaim", "csi", "nfs"] {
            assert_eq!(
                writable_types(&format!(r#"{{"name": "a", "{own}": {{"readOnly": true}}}}"#)),
                [""; 0]
            );
        }
    }

    #[test]
    fn only_some_types_have_a_field_to_be_read_only_by() {
        for without in ["emptyDir", "hostPath", "ephemeral", "gitRepo", "vsphereVolume", "invented"] {
            let volume = format!(r#"{{"name": "a", "{without}": {{"readOnly": true}}}}"#);
            assert_eq!(writable_types(&volume), [without]);
        }
    }

    #[test]
    fn a_volume_of_no_type_is_an_empty_directory() {
        for volume in [r#"{"name": "a"}"#, r#"{"name": "a", "secret": null}"#] {
            assert_eq!(writable_types(volume), ["emptyDir"], "{volume}");
        }
    }

    #[test]
    fn a_second_type_does_not_hide_the_first() {
        assert_eq!(writable_types(r#"{"hostPath": {"path": "/"}, "configMap": {}}"#), ["hostPath"]);
        assert_eq!(writable_types(r#"{"configMap": {}, "hostPath": {"path": "/"}}"#), ["hostPath"]);
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
        assert_eq!(wrong.message, "must be an object, not a number");
    }
}
