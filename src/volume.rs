//! The volumes of a pod, and which of them can be written to.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

use crate::text::{Text, quoted};
use crate::view::{read_once, views};

/// Types of volumes that the kubelet mounts read-only, whatever a mount asks for.
const READ_ONLY: [&str; 5] = ["configMap", "downwardAPI", "image", "projected", "secret"];

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
        /// `readOnly`
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

impl<'de: 'a, 'a> Deserialize<'de> for Volume<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(VolumeVisitor)
    }
}

struct VolumeVisitor;

impl<'de> Visitor<'de> for VolumeVisitor {
    type Value = Volume<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut name = None;
        let mut sources: Vec<VolumeSource> = Vec::new();
        while let Some(kind) = map.next_key::<Text>()? {
            if &*kind == "name" {
                read_once(&mut map, "name", &mut name)?;
                continue;
            }
            if sources.iter().any(|source| source.kind == kind) {
                return Err(M::Error::custom(format_args!("duplicate key {}", quoted(&kind))));
            }
            if let Some(details) = map.next_value()? {
                sources.push(VolumeSource { kind, details });
            }
        }
        Ok(Volume { name: name.flatten().unwrap_or_default(), sources })
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
        for twice in [r#"{"name": "a", "name": "b"}"#, r#"{"nfs": {}, "nfs": {"readOnly": true}}"#] {
            assert!(json::from_slice::<Volume>(twice.as_bytes()).is_err(), "{twice}");
        }
        let wrong = json::from_slice::<Volume>(br#"{"nfs": 3}"#).unwrap_err();
        assert_eq!(wrong.message, "must be an object, not a number");
    }
}
