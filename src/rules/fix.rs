//! The fix of a finding, as data: which field changes, and how.
//!
//! Rules only describe fixes. [`crate::fix`] looks up what a fix needs and applies it to the object.

use crate::kubernetes::container::ContainerList;
use crate::kubernetes::pod::{ContainerAt, Pod};

/// The container field whose fix also mounts the writable paths of the settings.
pub const READ_ONLY_ROOT: &str = "securityContext.readOnlyRootFilesystem";

/// A change of one field that resolves a finding.
#[derive(Clone, Debug)]
pub struct Fix<'p> {
    /// The field that changes.
    pub field: FixField<'p>,
    /// How the field changes.
    pub change: Change<'p>,
}

/// The field that a fix changes.
#[derive(Clone, Copy, Debug)]
pub enum FixField<'p> {
    /// A field of a pod spec. The keys below the pod spec are separated by dots.
    Pod(&'p Pod<'p>, &'static str),
    /// A field of a container. The keys below the container are separated by dots.
    Container(ContainerAt<'p, 'p>, &'static str),
    /// The options of the mount at an index of a container's volume mounts.
    MountOptions(ContainerAt<'p, 'p>, usize),
    /// The image reference of the image volume at an index of a pod's volumes.
    ImageVolume(&'p Pod<'p>, usize),
}

/// The value that a fix gives a field.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// A flag.
    Flag(bool),
    /// A string.
    Text(&'static str),
}

/// How a fix changes a field.
#[derive(Clone, Debug)]
pub enum Change<'p> {
    /// Sets the field if it is unset.
    Set(Value),
    /// Appends these items to the list, which is created if it is missing.
    Append(Vec<String>),
    /// Appends the current digest to this image, which is the value of the field.
    Pin(&'p str),
    /// Replaces the image in the field by this one, whose digest an update has removed.
    Restore(&'p str),
}

impl<'p> Fix<'p> {
    /// Sets a container field that is unset.
    #[must_use]
    pub fn set(at: ContainerAt<'p, 'p>, field: &'static str, flag: bool) -> Self {
        Self { field: FixField::Container(at, field), change: Change::Set(Value::Flag(flag)) }
    }

    /// Sets a string in a container that is unset.
    #[must_use]
    pub fn set_text(at: ContainerAt<'p, 'p>, field: &'static str, text: &'static str) -> Self {
        Self { field: FixField::Container(at, field), change: Change::Set(Value::Text(text)) }
    }

    /// Sets a string in a pod spec that is unset.
    #[must_use]
    pub fn set_text_of_pod(pod: &'p Pod<'p>, field: &'static str, text: &'static str) -> Self {
        Self { field: FixField::Pod(pod, field), change: Change::Set(Value::Text(text)) }
    }

    /// Appends items to a list in a container.
    #[must_use]
    pub fn append(at: ContainerAt<'p, 'p>, field: &'static str, items: Vec<String>) -> Self {
        Self { field: FixField::Container(at, field), change: Change::Append(items) }
    }

    /// Appends options to a mount of a container.
    #[must_use]
    pub fn append_mount_options(at: ContainerAt<'p, 'p>, index: usize, options: Vec<String>) -> Self {
        Self { field: FixField::MountOptions(at, index), change: Change::Append(options) }
    }

    /// Whether the fix needs the digest of an image.
    #[must_use]
    pub fn needs_digest(&self) -> bool {
        matches!(self.change, Change::Pin(_))
    }

    /// Pins the image of a container to its current digest.
    #[must_use]
    pub fn pin(at: ContainerAt<'p, 'p>) -> Self {
        Self { field: FixField::Container(at, "image"), change: Change::Pin(&at.container.image) }
    }

    /// Pins the image of an image volume to its current digest.
    #[must_use]
    pub fn pin_volume(pod: &'p Pod<'p>, index: usize, reference: &'p str) -> Self {
        Self { field: FixField::ImageVolume(pod, index), change: Change::Pin(reference) }
    }

    /// Restores the image that a container had before an update.
    #[must_use]
    pub fn restore(at: ContainerAt<'p, 'p>, image: &'p str) -> Self {
        Self { field: FixField::Container(at, "image"), change: Change::Restore(image) }
    }

    /// Returns the pod that the field belongs to.
    #[must_use]
    pub fn pod(&self) -> &'p Pod<'p> {
        match self.field {
            FixField::Container(at, _) | FixField::MountOptions(at, _) => at.pod,
            FixField::Pod(pod, _) | FixField::ImageVolume(pod, _) => pod,
        }
    }

    /// Returns the list of the container that the field belongs to.
    #[must_use]
    pub fn list(&self) -> Option<ContainerList> {
        match self.field {
            FixField::Container(at, _) | FixField::MountOptions(at, _) => Some(at.list),
            FixField::Pod(..) | FixField::ImageVolume(..) => None,
        }
    }

    /// Returns the container that gets a read-only root filesystem, if the fix is about that.
    #[must_use]
    pub fn makes_read_only(&self) -> Option<ContainerAt<'p, 'p>> {
        match self.field {
            FixField::Container(at, READ_ONLY_ROOT) => Some(at),
            _ => None,
        }
    }
}
