//! The labels of namespaces.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::selector::Labels;

/// The label of every namespace that contains its name.
pub const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// The namespaces whose labels are known.
#[derive(Debug, Clone, Default)]
pub struct Namespaces(HashMap<String, BTreeMap<String, String>>);

impl Namespaces {
    /// Adds a `Namespace`. Returns whether the object is one.
    pub fn add(&mut self, object: &Map<String, Value>) -> bool {
        let is_namespace = object.get("kind").is_some_and(|kind| kind == "Namespace")
            && object.get("apiVersion").is_some_and(|version| version == "v1");
        let name = object.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
        let Some(name) = name.filter(|_| is_namespace) else { return false };
        self.0.insert(name.to_owned(), labels_of(&Value::Object(object.clone())));
        true
    }

    /// Returns the labels of a namespace. If it was not added, only the label with its name is known.
    #[must_use]
    pub fn labels(&self, namespace: &str) -> Labels {
        let given = self.0.get(namespace);
        let mut known = given.cloned().unwrap_or_default();
        known.insert(NAME_LABEL.to_owned(), namespace.to_owned());
        Labels { known, may_have_others: given.is_none() }
    }
}

/// Returns the labels of an object.
#[must_use]
pub fn labels_of(object: &Value) -> BTreeMap<String, String> {
    let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
    let strings = labels.into_iter().flatten().filter_map(|(key, value)| Some((key, value.as_str()?)));
    strings.map(|(key, value)| (key.clone(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_namespace_has_its_labels_and_its_name() {
        let mut namespaces = Namespaces::default();
        let shop = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "web"}}});
        assert!(namespaces.add(shop.as_object().unwrap()));
        let labels = namespaces.labels("shop");
        assert_eq!(labels.known.get("team").map(String::as_str), Some("web"));
        assert_eq!(labels.known.get(NAME_LABEL).map(String::as_str), Some("shop"));
        assert!(!labels.may_have_others);
    }

    #[test]
    fn of_another_namespace_only_the_name_is_known() {
        let labels = Namespaces::default().labels("bank");
        assert_eq!(labels.known.len(), 1);
        assert!(labels.may_have_others);
    }

    #[test]
    fn other_objects_are_not_namespaces() {
        for object in [
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}),
            json!({"apiVersion": "example.com/v1", "kind": "Namespace", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "Namespace"}),
        ] {
            assert!(!Namespaces::default().add(object.as_object().unwrap()), "{object}");
        }
    }
}
