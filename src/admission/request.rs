//! Admission requests as far as the policy evaluates them.

use json_view::{RawValue, Text, views};

use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::object::Object;
use crate::kubernetes::operation::Operation;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::workload::{GroupKind, MutableFields, Workload};

/// An admission request.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// The namespace of the object; empty for cluster-scoped objects.
    pub namespace: Text<'a>,
    /// The user who sends the request.
    pub user: UserInfo<'a>,
    /// What the request does to pods.
    pub operation: Operation<'a>,
    /// The metadata of the object.
    pub metadata: Metadata<'a>,
    /// The metadata of the object that an update replaces.
    pub old_metadata: Metadata<'a>,
    /// The kind of the object.
    pub kind: GroupKind<'a>,
    /// The object, if a fix can change it before it is admitted.
    pub mutable_object: Option<MutableObject<'a>>,
}

views! {
    /// `UserInfo` of `k8s.io/api/authentication/v1`.
    pub struct UserInfo<'a> {
        /// Name of the user or service account.
        pub username "username": Text<'a>,
        /// Groups of the user.
        pub groups "groups": Vec<Text<'a>>,
    }
}

/// Decides what an object contains, instead of the author of the request. A fix must not change such an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    /// A controller that compares the object with its template: a Deployment whose `ReplicaSet` differs creates another
    /// `ReplicaSet`, without end.
    Controller,
    /// A file on a node. The kubelet runs the pod from this file, whatever the API server admits.
    File,
}

impl Request<'_> {
    /// Returns the manager of the object, if the author of the request does not decide what it contains.
    #[must_use]
    pub fn manager(&self) -> Option<Manager> {
        let workload = self.kind.workload();
        if workload.is_some_and(Workload::is_pod) {
            return self.is_mirror_pod().then_some(Manager::File);
        }
        let is_compared = workload.is_none_or(Workload::is_compared_by_its_controller);
        (is_compared && self.metadata.has_controller()).then_some(Manager::Controller)
    }

    fn is_mirror_pod(&self) -> bool {
        let (Operation::Create(new) | Operation::Update { new, .. }) = &self.operation else { return false };
        self.metadata.has_mirror_annotation() && new.iter().all(Pod::is_bound)
    }
}

/// An object that a fix can change before it is admitted.
#[derive(Debug)]
pub struct MutableObject<'a> {
    kind: GroupKind<'a>,
    /// The object as it is written.
    pub json: RawValue<'a>,
    /// The fields that a fix may change.
    pub mutable_fields: MutableFields,
}

impl<'a> MutableObject<'a> {
    pub(super) fn new(kind: GroupKind<'a>, json: RawValue<'a>, mutable_fields: MutableFields) -> Self {
        Self { kind, json, mutable_fields }
    }

    /// Reads the pod specs of another version of the object.
    ///
    /// # Errors
    /// If that version cannot be read. The message is one sentence that begins with the path of the field.
    pub fn pods_of<'b>(&self, json: &'b [u8]) -> Result<Vec<Pod<'b>>, String> {
        Object::Raw(RawValue(json)).into_pods(&self.kind, "")
    }
}
