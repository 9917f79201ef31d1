//! Which object controls another one.

use serde_json::{Map, Value};

/// Returns the owner reference of the object's controller: a Deployment controls its `ReplicaSets`, and these control pods.
#[must_use]
pub fn reference(object: &Map<String, Value>) -> Option<&Value> {
    let references = object.get("metadata")?.get("ownerReferences")?.as_array()?;
    references.iter().find(|reference| reference.get("controller") == Some(&Value::Bool(true)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn controller_of(references: &Value) -> Option<Value> {
        let object = json!({"metadata": {"ownerReferences": references}});
        reference(object.as_object()?).cloned()
    }

    #[test]
    fn only_one_owner_controls() {
        let controls = json!({"kind": "ReplicaSet", "name": "web", "controller": true});
        let owns = json!({"kind": "Backup", "name": "web", "controller": false});
        assert_eq!(controller_of(&json!([owns, controls])), Some(controls));
        assert_eq!(controller_of(&json!([owns, {"kind": "Backup"}])), None);
        assert_eq!(controller_of(&json!("controller")), None);
    }
}
