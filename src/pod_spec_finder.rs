//! Pod specs in kinds this policy has never heard of: Argo Rollouts, Knative Services, `JobSets`, …
//!
//! Wherever an object has a list `containers` of objects with a `name` or an `image`, it is taken for a pod spec.

use crate::field_path;
use crate::json::{self, Error, Raw, Read, Reader};
use crate::pod::Pod;
use crate::request::describe;
use crate::text::Text;

/// Every pod spec in the object, in document order.
///
/// # Errors
/// When something that looks like a pod spec cannot be read as one, or the object is nested too deeply to search.
pub fn find(object: Raw<'_>) -> Result<Vec<Pod<'_>>, String> {
    let mut pods = Vec::new();
    search(object, &mut String::new(), &mut pods)?;
    Ok(pods)
}

fn search<'a>(value: Raw<'a>, path: &mut String, pods: &mut Vec<Pod<'a>>) -> Result<(), String> {
    let Raw(json) = value;
    let parent = path.len();
    match json.first() {
        Some(b'{') => {
            let Entries(entries) = read(json, path)?;
            if entries.iter().any(|(key, value)| &**key == "containers" && is_container_list(*value)) {
                let at = path.clone().into();
                let pod = json::read_with(json, |reader| Pod::read(at, true, reader));
                let pod = pod.map_err(|failure| describe(&failure, json, path))?;
                pods.push(Pod { index: pods.len(), ..pod });
            }
            for (key, value) in entries {
                field_path::push_key(path, &key);
                search(value, path, pods)?;
                path.truncate(parent);
            }
        }
        Some(b'[') => {
            let items: Vec<Raw> = read(json, path)?;
            for (index, item) in items.into_iter().enumerate() {
                field_path::push_index(path, index);
                search(item, path, pods)?;
                path.truncate(parent);
            }
        }
        _ => {}
    }
    Ok(())
}

fn read<'a, T: Read<'a>>(json: &'a [u8], path: &str) -> Result<T, String> {
    json::from_slice(json).map_err(|failure| describe(&failure, json, path))
}

fn is_container_list(Raw(list): Raw<'_>) -> bool {
    // What cannot be read as a list of objects is no list of containers.
    let items: Vec<Raw> = json::from_slice(list).unwrap_or_default();
    items.into_iter().any(|Raw(item)| {
        json::from_slice(item)
            .is_ok_and(|Entries(entries)| entries.iter().any(|(key, _)| matches!(&**key, "name" | "image")))
    })
}

/// The entries of an object in the order in which they stand, their values unread.
#[derive(Default)]
struct Entries<'a>(Vec<(Text<'a>, Raw<'a>)>);

impl<'a> Read<'a> for Entries<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut keys = reader.object()?;
        while let Some(key) = keys.next(reader)? {
            self.0.push((key.into(), reader.raw()?));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(object: &str) -> Result<Vec<String>, String> {
        Ok(find(Raw(object.as_bytes()))?.into_iter().map(|pod| pod.path.into_owned()).collect())
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
            "spec.pods[0].hostPID: must be a boolean, not a string"
        );
    }
}
