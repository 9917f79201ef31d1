//! The built-in kinds that hold a pod spec, and where in them it stands.

use k8s_openapi::Resource;
use k8s_openapi::api::{apps::v1 as apps, batch::v1 as batch, core::v1 as core};

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
    /// Its API group; empty for the core group.
    pub group: &'static str,
    /// Its kind, as objects name it.
    pub kind: &'static str,
    /// Its plural name, as webhook rules and URLs name it.
    pub resource: &'static str,
    /// The path from the object to its pod spec.
    pub pod_spec: &'static str,
}

impl Workload {
    /// Whether pods are made from it, rather than that it is one.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.kind != core::Pod::KIND
    }

    /// Whether pods get volumes from claim templates that stand beside their template.
    #[must_use]
    pub fn has_claim_templates(&self) -> bool {
        self.kind == apps::StatefulSet::KIND
    }

    /// Whether it is a pod.
    #[must_use]
    pub fn is_pod(&self) -> bool {
        !self.is_template()
    }

    /// Whether a controller that owns such an object compares its template with the controller's own.
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
/// Versions make no difference: the pod spec has stood at the same place in each version of a group.
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

/// The built-in kind of this name in this API group.
#[must_use]
pub fn find(group: &str, kind: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.kind == kind && workload.group == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_kind_in_its_own_group_only() {
        assert_eq!(find("", "Pod").unwrap().pod_spec, "spec");
        assert_eq!(find("batch", "CronJob").unwrap().resource, "cronjobs");
        assert!(find("apps", "Pod").is_none());
        assert!(find("extensions", "Deployment").is_none());
        assert!(find("batch.volcano.sh", "Job").is_none());
    }
}
