//! Objects in requests: which of their fields are read, and their pod specs.

use json_view::{self as json, Error, KnownKey, RawValue, Reader};

use crate::kubernetes::discovery;
use crate::kubernetes::field_path;
use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::unreadable::describe;
use crate::kubernetes::volume::CLAIM_TEMPLATES;
use crate::kubernetes::workload::{GroupKind, Workload};

/// An object of a request.
#[derive(Debug)]
pub(crate) enum Object<'a> {
    /// An object of a built-in kind, read in the same pass as the request.
    Workload(&'static Workload, WorkloadParts<'a>),
    /// An object as it is written, because its kind is not built in or follows it in the request.
    Raw(RawValue<'a>),
}

/// The fields that are read of an object of a built-in kind.
#[derive(Debug, Default)]
pub(crate) struct WorkloadParts<'a> {
    metadata: Metadata<'a>,
    pod: Option<Pod<'a>>,
}

impl<'a> Object<'a> {
    /// Reads an object of a built-in kind, and keeps any other object as it is written.
    pub(crate) fn read(
        reader: &mut Reader<'a>,
        workload: Option<&'static Workload>,
    ) -> Result<Option<Self>, Error> {
        match workload {
            Some(workload) => Ok(Some(Self::Workload(workload, WorkloadParts::read(reader, workload)?))),
            None => Ok(Some(Self::Raw(reader.raw()?))),
        }
    }

    /// Returns the metadata, unparsed.
    pub(crate) fn metadata(&self) -> Metadata<'a> {
        match self {
            Self::Workload(_, parts) => parts.metadata,
            Self::Raw(raw) => Metadata::Of(*raw),
        }
    }

    /// Returns the pod specs. `base` is the path of the object in messages.
    ///
    /// # Errors
    /// If a pod spec cannot be read, or if a built-in kind has none.
    pub(crate) fn into_pods(self, kind: &GroupKind<'_>, base: &str) -> Result<Vec<Pod<'a>>, String> {
        let (workload, parts) = match self {
            Self::Workload(workload, parts) => (workload, parts),
            Self::Raw(raw) => {
                let Some(workload) = kind.workload() else { return discovery::find(raw) };
                let parts = json::read_with(raw.0, |reader| WorkloadParts::read(reader, workload));
                (workload, parts.map_err(|error| describe(&error, base))?)
            }
        };
        let pod = parts.pod.ok_or_else(|| {
            let mut path = base.to_owned();
            field_path::push_path(&mut path, workload.pod_spec);
            format!("{path}: missing")
        })?;
        Ok(vec![pod])
    }
}

impl<'a> WorkloadParts<'a> {
    fn read(reader: &mut Reader<'a>, workload: &'static Workload) -> Result<Self, Error> {
        let (key, rest) = workload.pod_spec.split_once('.').unwrap_or((workload.pod_spec, ""));
        let known = [KnownKey::new(key), KnownKey::new("metadata"), KnownKey::new("status")];
        let mut parts = Self::default();
        let mut status = RawValue::default();
        let mut fields = reader.fields(&known)?;
        while let Some(index) = fields.next_field()? {
            match index {
                0 => parts.pod = fields.read_with(|reader| read_pod(reader, workload, rest))?,
                1 => parts.metadata = Metadata::Own(fields.read_with(Reader::raw)?),
                _ => fields.read(&mut status)?,
            }
        }
        if let Some(pod) = &mut parts.pod {
            (pod.status, pod.metadata) = (status, parts.metadata);
        }
        Ok(parts)
    }
}

/// Reads the pod spec at the rest of its path, if there is one, and skips everything else.
fn read_pod<'a>(reader: &mut Reader<'a>, workload: &Workload, path: &str) -> Result<Option<Pod<'a>>, Error> {
    if path.is_empty() {
        return Pod::read(workload.pod_spec.into(), workload.is_template(), reader).map(Some);
    }
    if path == "spec" {
        return read_template(reader, workload);
    }
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let mut found = None;
    let mut claim_templates = Vec::new();
    let has_claim_templates = key == "template" && workload.has_claim_templates();
    let (pod, claims) = ([KnownKey::new(key)], [KnownKey::new(key), KnownKey::new(CLAIM_TEMPLATES)]);
    let mut fields = if has_claim_templates { reader.fields(&claims)? } else { reader.fields(&pod)? };
    while let Some(index) = fields.next_field()? {
        if index == 0 {
            found = fields.read_with(|reader| read_pod(reader, workload, rest))?;
        } else {
            fields.read(&mut claim_templates)?;
        }
    }
    if has_claim_templates && let Some(pod) = &mut found {
        pod.claim_templates = claim_templates;
    }
    Ok(found)
}

/// Reads a pod template: a pod spec, and the metadata of its pods.
fn read_template<'a>(reader: &mut Reader<'a>, workload: &Workload) -> Result<Option<Pod<'a>>, Error> {
    let mut found = None;
    let mut metadata = RawValue::default();
    let mut fields = reader.fields(const { &[KnownKey::new("spec"), KnownKey::new("metadata")] })?;
    while let Some(index) = fields.next_field()? {
        if index == 0 {
            found = fields.read_with(|reader| read_pod(reader, workload, ""))?;
        } else {
            fields.read(&mut metadata)?;
        }
    }
    if let Some(pod) = &mut found {
        pod.template_metadata = Metadata::Own(metadata);
    }
    Ok(found)
}
