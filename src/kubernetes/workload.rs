//! The built-in kinds with a pod spec, and the path of the pod spec in each.

use k8s_openapi::Resource;
use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};

use json_view::{Text, views};

/// The fields of an object that a fix may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MutableFields {
    /// Every field that is unset.
    Unset,
    /// Container images, to restore a digest: API servers reject all other changes in an update of a pod.
    Images,
}

/// A built-in kind with one pod spec.
#[derive(Debug)]
pub struct Workload {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The kind, such as `Deployment`.
    pub kind: &'static str,
    /// The resource in webhook rules and URLs, such as `deployments`.
    pub resource: &'static str,
    /// The path of the pod spec in the object.
    pub pod_spec: &'static str,
}

impl Workload {
    /// Returns whether a controller creates pods from the object; otherwise the object is a pod.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.kind != core::Pod::KIND
    }

    /// Returns whether claim templates next to the pod template add volumes to each pod.
    #[must_use]
    pub fn has_claim_templates(&self) -> bool {
        self.kind == apps::StatefulSet::KIND
    }

    /// Returns whether the kind is `Pod`.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        !self.is_template()
    }

    /// Returns whether the controller of an object compares its template with the controller's own.
    ///
    /// Source: `FindNewReplicaSet` in `pkg/controller/deployment/util` of Kubernetes.
    #[must_use]
    pub fn is_compared_by_its_controller(&self) -> bool {
        self.kind == apps::ReplicaSet::KIND
    }

    /// Returns what a fix may change in an update, if anything. API servers reject changes of a pod except of its images, and
    /// changes of a job's template.
    #[must_use]
    pub fn mutable_fields_in_updates(&self) -> Option<MutableFields> {
        match self.kind {
            core::Pod::KIND => Some(MutableFields::Images),
            batch::Job::KIND => None,
            _ => Some(MutableFields::Unset),
        }
    }
}

/// Every built-in kind with a pod spec.
///
/// The path of the pod spec is the same in all versions of a group.
pub const WORKLOADS: [Workload; 9] = [
    workload::<core::Pod>("spec"),
    workload::<core::PodTemplate>("template.spec"),
    workload::<core::ReplicationController>("spec.template.spec"),
    workload::<apps::Deployment>("spec.template.spec"),
    workload::<apps::ReplicaSet>("spec.template.spec"),
    workload::<apps::StatefulSet>("spec.template.spec"),
    workload::<apps::DaemonSet>("spec.template.spec"),
    workload::<batch::Job>("spec.template.spec"),
    workload::<batch::CronJob>("spec.jobTemplate.spec.template.spec"),
];

const fn workload<T: Resource>(pod_spec: &'static str) -> Workload {
    Workload { group: T::GROUP, kind: T::KIND, resource: T::URL_PATH_SEGMENT, pod_spec }
}

/// Returns the built-in kind with this name in this API group.
#[must_use]
pub fn find(group: &str, kind: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.kind == kind && workload.group == group)
}

views! {
    /// `GroupVersionKind` of `k8s.io/apimachinery/pkg/apis/meta/v1`, without the version.
    #[derive(Clone)]
    pub struct GroupKind<'a> {
        /// API group; empty for the core group.
        pub group "group": Text<'a>,
        /// Name of the kind, such as `Deployment`.
        pub kind "kind": Text<'a>,
    }
}

impl GroupKind<'_> {
    /// Returns the built-in kind, if it has a pod spec.
    #[must_use]
    pub fn workload(&self) -> Option<&'static Workload> {
        find(&self.group, &self.kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_only_in_its_group() {
        assert_eq!(find("", "Pod").unwrap().pod_spec, "spec");
        assert_eq!(find("batch", "CronJob").unwrap().resource, "cronjobs");
        assert!(find("apps", "Pod").is_none());
        assert!(find("extensions", "Deployment").is_none());
        assert!(find("batch.volcano.sh", "Job").is_none());
    }
}
