//! Pod specs in kinds this policy has never heard of: Argo Rollouts, Knative Services, `JobSets`, …
//!
//! Wherever an object has a list `containers` of objects with a `name` or an `image`, it is taken for a pod spec.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::field_path;
use crate::pod::Pod;
use crate::request::describe;
use crate::text::Text;

/// The deepest nesting that is searched: twice what any kind known to the authors needs, and shallow enough for the
/// guest's stack. What is deeper is denied.
const MAX_DEPTH: usize = 64;

/// Every pod spec in the object, in document order.
///
/// # Errors
/// When something that looks like a pod spec cannot be read as one, or the object is nested too deeply to search.
pub fn find(object: &RawValue) -> Result<Vec<Pod<'_>>, String> {
    let mut pods = Vec::new();
    search(object, &mut String::new(), MAX_DEPTH, &mut pods)?;
    Ok(pods)
}

fn search<'a>(
    value: &'a RawValue,
    path: &mut String,
    depth: usize,
    pods: &mut Vec<Pod<'a>>,
) -> Result<(), String> {
    let json = value.get().as_bytes();
    let Some(depth) = depth.checked_sub(1) else {
        return Err(format!("{path}: nested too deeply to be searched for pod specs"));
    };
    let parent = path.len();
    match json.first() {
        Some(b'{') => {
            let Entries(entries) = read(json, path)?;
            if entries.iter().any(|(key, value)| &**key == "containers" && is_container_list(value)) {
                pods.push(Pod { path: path.clone().into(), spec: read(json, path)? });
            }
            for (key, value) in entries {
                field_path::push_key(path, &key);
                search(value, path, depth, pods)?;
                path.truncate(parent);
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = read(json, path)?;
            for (index, item) in items.into_iter().enumerate() {
                field_path::push_index(path, index);
                search(item, path, depth, pods)?;
                path.truncate(parent);
            }
        }
        _ => {}
    }
    Ok(())
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8], path: &str) -> Result<T, String> {
    serde_json::from_slice(json).map_err(|error| describe(&error, json, path))
}

fn is_container_list(value: &RawValue) -> bool {
    // What cannot be read as a list of objects is no list of containers.
    let items: Vec<&RawValue> = serde_json::from_slice(value.get().as_bytes()).unwrap_or_default();
    items.iter().any(|item| {
        serde_json::from_slice(item.get().as_bytes())
            .is_ok_and(|Entries(entries)| entries.iter().any(|(key, _)| matches!(&**key, "name" | "image")))
    })
}

/// The entries of an object in the order in which they stand, their values unread.
struct Entries<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = fields.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(object: &str) -> Result<Vec<String>, String> {
        let raw: &RawValue = serde_json::from_str(object).unwrap();
        Ok(find(raw)?.into_iter().map(|pod| pod.path.into_owned()).collect())
    }

    #[test]
    fn finds_every_pod_spec_at_any_depth() {
        let jobset = r#"{"spec": {"replicatedJobs": [
            {"template": {"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}}},
            {"template": {"spec": {"template": {"spec": {"containers": [{"image": "b"}]}}}}}]}}"#;
        assert_eq!(
            found(jobset).unwrap(),
            [
                "spec.replicatedJobs[0].template.spec.template.spec",
                "spec.replicatedJobs[1].template.spec.template.spec"
            ]
        );
    }

    #[test]
    fn passes_over_what_is_no_pod_spec() {
        for object in [
            "{}",
            "[]",
            "\"text\"",
            r#"{"spec": {"containers": 3}}"#,
            r#"{"spec": {"containers": ["a", 1, null, [], {"id": 1}]}}"#,
            r#"{"kind": "ConfigMap", "data": {"pod.yaml": "{\"containers\": [{\"name\": \"a\"}]}"}}"#,
        ] {
            assert_eq!(found(object).unwrap(), [""; 0], "{object}");
        }
    }

    #[test]
    fn is_not_misled_by_escapes_or_by_a_second_list() {
        assert_eq!(found(r#"{"a": {"container\u0073": [{"n\u0061me": "x"}]}}"#).unwrap(), ["a"]);
        assert_eq!(
            found(r#"{"a": {"containers": [], "containers": [{"name": "x"}]}}"#).unwrap_err(),
            "a: duplicate field `containers`"
        );
    }

    #[test]
    fn says_where_a_pod_spec_cannot_be_read() {
        assert_eq!(
            found(r#"{"spec": {"pods": [{"containers": [{"name": "x"}], "hostPID": "no"}]}}"#).unwrap_err(),
            r#"spec.pods[0].hostPID: invalid type: string "no", expected a boolean"#
        );
    }

    #[test]
    fn gives_up_on_what_is_nested_too_deeply() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(found(&nested(64)).unwrap(), [""; 0]);
        assert_eq!(
            found(&nested(100_000)).unwrap_err(),
            format!("{}: nested too deeply to be searched for pod specs", "[0]".repeat(64))
        );
    }
}
