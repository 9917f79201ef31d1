//! The objects that a cluster has because of other objects: the pods of a Deployment, the Jobs of a `CronJob`.

use std::collections::BTreeMap;

use super::object::JudgedObject;
use crate::admission::Subject;

/// The objects by which controllers are found.
type ByName<'o> = BTreeMap<(&'o str, Option<&'o str>, &'o str), &'o JudgedObject>;

/// Controllers above an object: a `CronJob` has Jobs, which have pods.
const MAX_DEPTH: usize = 4;

/// Returns the number of objects that other objects control.
pub(super) fn count_controlled(objects: &[JudgedObject]) -> usize {
    let by_name = by_name(objects);
    objects.iter().filter(|object| controller_of(object, &by_name).is_some()).count()
}

/// Returns for each object the subject that controls it in the end, or its own.
pub(super) fn owners(objects: &[JudgedObject]) -> Vec<&Subject> {
    let by_name = by_name(objects);
    let owner = |object| {
        let mut owner: &JudgedObject = object;
        for _ in 0..MAX_DEPTH {
            let Some(controller) = controller_of(owner, &by_name) else { break };
            owner = controller;
        }
        &owner.subject
    };
    objects.iter().map(owner).collect()
}

fn by_name(objects: &[JudgedObject]) -> ByName<'_> {
    let mut by_name = BTreeMap::new();
    for object in objects {
        let Subject { kind, namespace, name, .. } = &object.subject;
        by_name.insert((&**kind, namespace.as_deref(), &**name), object);
    }
    by_name
}

/// Returns the controller of an object, if it is judged too. `ReplicaSets` of Deployments are not read from a cluster: their names
/// are those of the Deployments, with a hash that the labels of their pods contain.
fn controller_of<'o>(object: &JudgedObject, by_name: &ByName<'o>) -> Option<&'o JudgedObject> {
    let controller = object.controller.as_ref()?;
    let namespace = object.subject.namespace.as_deref();
    let find = |kind, name| by_name.get(&(kind, namespace, name)).copied();
    find(&controller.kind, &controller.name).or_else(|| {
        let hash = controller.template_hash.as_deref()?;
        let deployment = controller.name.strip_suffix(hash)?.strip_suffix('-')?;
        find("Deployment", deployment).filter(|_| controller.kind == "ReplicaSet")
    })
}
