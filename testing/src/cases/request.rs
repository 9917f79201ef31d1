//! Builds the admission request of an API server from a base and its changes.

use immutable_pods::admission;
use serde_json::Value;

use super::patch::apply;

/// The changes of a case to its base.
pub(super) struct Changes {
    /// Patch from the base to the old object of an update.
    pub(super) old: Option<Value>,
    /// Patch from the old object, or from the base, to the requested object.
    pub(super) patch: Option<Value>,
    /// Patch of the admission request.
    pub(super) request: Option<Value>,
}

/// Builds the request of a case, and the requests to create each of its objects.
pub(super) fn build(start: Value, changes: &Changes) -> Result<(Value, Vec<Value>), String> {
    let (mut request, manifests) = match review(&start) {
        Some(request) => (of_review(request.clone(), changes)?, None),
        None => of_object(start, changes).map(|(request, manifests)| (request, Some(manifests)))?,
    };
    if let Some(change) = &changes.request {
        request = apply(&request, change).map_err(|error| format!("request: {error}"))?;
    }
    let manifests = manifests.unwrap_or_else(|| vec![request.clone()]);
    Ok((request, manifests))
}

/// Returns the request in an `AdmissionReview`.
fn review(object: &Value) -> Option<&Value> {
    let is_review = object.get("kind").is_some_and(|kind| kind == "AdmissionReview");
    object.get("request").filter(|_| is_review)
}

fn of_object(start: Value, changes: &Changes) -> Result<(Value, Vec<Value>), String> {
    let (old, object) = objects(start, changes)?;
    let created = to_create(object).ok_or("the object is not a mapping")?;
    let Some(old) = old else { return Ok((created.clone(), vec![created])) };
    let old = to_create(old).ok_or("the old object is not a mapping")?;
    if old.get("kind") != created.get("kind") {
        return Err("an update cannot change the kind of an object".to_owned());
    }
    let request = admission::update(old.get("object").unwrap_or(&Value::Null), created.clone());
    Ok((request, vec![old, created]))
}

/// Builds a request from a review, which contains everything except the objects.
fn of_review(mut request: Value, changes: &Changes) -> Result<Value, String> {
    let start = request.get("object").cloned().unwrap_or_default();
    if let Some(fields) = request.as_object_mut()
        && (changes.old.is_some() || changes.patch.is_some())
    {
        let (old, object) = objects(start, changes)?;
        fields.insert("object".to_owned(), object);
        if let Some(old) = old {
            fields.insert("oldObject".to_owned(), old);
        }
    }
    Ok(request)
}

/// Returns the old object, if there is one, and the requested object.
fn objects(start: Value, changes: &Changes) -> Result<(Option<Value>, Value), String> {
    let old = changes.old.as_ref().map(|old| apply(&start, old)).transpose();
    let old = old.map_err(|error| format!("old: {error}"))?;
    let start = old.clone().unwrap_or(start);
    let object = match &changes.patch {
        Some(patch) => apply(&start, patch).map_err(|error| format!("patch: {error}"))?,
        None => start,
    };
    Ok((old, object))
}

/// Returns the request that creates an object.
#[must_use]
pub fn to_create(object: Value) -> Option<Value> {
    match object {
        Value::Object(object) => Some(admission::create(object)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"hostPID": true}})
    }

    fn changes(old: Option<Value>, patch: Option<Value>, request: Option<Value>) -> Changes {
        Changes { old, patch, request }
    }

    #[test]
    fn an_object_is_created() {
        let patch = json!({"metadata": {"namespace": "shop"}});
        let (request, manifests) = build(pod(), &changes(None, Some(patch), None)).unwrap();
        assert_eq!(request["operation"], "CREATE");
        assert_eq!(request["namespace"], "shop");
        assert_eq!(request["object"]["spec"], json!({"hostPID": true}));
        assert_eq!(manifests, [request]);
    }

    #[test]
    fn an_update_changes_the_old_object() {
        let old = json!({"spec": {"hostIPC": true}});
        let patch = json!({"spec": {"hostPID": null}});
        let (request, manifests) = build(pod(), &changes(Some(old), Some(patch), None)).unwrap();
        assert_eq!(request["operation"], "UPDATE");
        assert_eq!(request["options"]["kind"], "UpdateOptions");
        assert_eq!(request["oldObject"]["spec"], json!({"hostPID": true, "hostIPC": true}));
        assert_eq!(request["object"]["spec"], json!({"hostIPC": true}));
        assert_eq!(manifests.len(), 2);
    }

    #[test]
    fn an_update_cannot_change_the_kind() {
        let error = build(pod(), &changes(Some(json!({})), Some(json!({"kind": "Job"})), None)).unwrap_err();
        assert_eq!(error, "an update cannot change the kind of an object");
    }

    #[test]
    fn a_review_is_the_request() {
        let request = json!({"operation": "UPDATE", "object": pod(), "oldObject": null});
        let review = json!({"kind": "AdmissionReview", "request": request});
        let (request, _) = build(
            review,
            &changes(
                Some(json!({})),
                Some(json!({"spec": {"hostIPC": true}})),
                Some(json!({"subResource": "resize"})),
            ),
        )
        .unwrap();
        assert_eq!(request["oldObject"], pod());
        assert_eq!(request["object"]["spec"], json!({"hostPID": true, "hostIPC": true}));
        assert_eq!(request["subResource"], "resize");
    }
}
