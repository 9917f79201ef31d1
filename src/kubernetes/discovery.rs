//! Discovery of pod specs in objects of custom kinds: Argo Rollouts, Knative Services, `JobSets`, …
//!
//! An object at any depth counts as a pod spec if it has a list `containers` or `initContainers` whose items look like containers.
//! The top-level `metadata` and `status` are not searched, because no pod is created from them.

use json_view::{self as json, DEFAULT_MAX_ITEMS, Error, RawValue, ReadJson, Reader, Text, ValueKind};

use crate::kubernetes::field_path;
use crate::kubernetes::metadata::Metadata;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::unreadable::{TOO_MANY_ITEMS, describe};
use crate::kubernetes::volume::{CLAIM_TEMPLATES, ClaimTemplate};
use crate::text::printable;

/// Fields that identify a container. A container without name and image may get them from its controller.
const CONTAINER_FIELDS: [&str; 5] = ["name", "image", "securityContext", "volumeMounts", "volumeDevices"];

/// Top-level fields from which no pod is created: what API servers maintain, and what controllers report.
const NOT_SEARCHED: [&str; 2] = ["metadata", "status"];

/// Length of a path, in bytes, for which each item below counts once more: every finding repeats the path.
const PATH_BYTES_PER_ITEM: usize = 100;

/// The pod specs found so far.
#[derive(Default)]
struct FoundPods<'a> {
    pods: Vec<Pod<'a>>,
    /// The number of pod specs and of the items in their lists, weighted by the length of their paths.
    items: usize,
}

impl<'a> FoundPods<'a> {
    fn check_items(&self, path: &str) -> Result<(), String> {
        if self.items <= DEFAULT_MAX_ITEMS {
            return Ok(());
        }
        Err(format!("{}: {TOO_MANY_ITEMS}", printable(path)))
    }

    /// Adds claim templates to all pods except the first ones. A value that is not a list of claim templates adds none.
    fn add_claim_templates(&mut self, first: usize, json: &'a [u8]) {
        let templates: Vec<ClaimTemplate> = json::from_slice(json).unwrap_or_default();
        for pod in self.pods.iter_mut().skip(first) {
            self.items += templates.len();
            if self.items <= DEFAULT_MAX_ITEMS {
                pod.claim_templates.extend_from_slice(&templates);
            }
        }
    }
}

/// Returns every pod spec in the object, in document order.
///
/// # Errors
/// If an apparent pod spec cannot be read, if the object is nested too deeply, or if it contains too many items.
pub fn find(object: RawValue<'_>) -> Result<Vec<Pod<'_>>, String> {
    let mut found = FoundPods::default();
    search(object, &mut String::new(), RawValue::default(), &mut found)?;
    Ok(found.pods)
}

/// Searches a value. `metadata` is the metadata that the pods of a pod spec get.
fn search<'a>(
    value: RawValue<'a>,
    path: &mut String,
    metadata: RawValue<'a>,
    found: &mut FoundPods<'a>,
) -> Result<(), String> {
    let RawValue(json) = value;
    if !matches!(json.first(), Some(b'{' | b'[')) {
        return Ok(());
    }
    let pods_before = found.pods.len();
    let mut claim_templates = None;
    let Members(members) = read_pod(json, path, metadata, found).map_err(|error| describe(&error, path))?;
    found.check_items(path)?;
    let parent = path.len();
    // No pod gets the metadata of the object itself.
    let of_template = members.iter().find(|(key, _)| parent > 0 && key.as_deref() == Some("metadata"));
    let of_template = of_template.map(|(_, metadata)| *metadata).unwrap_or_default();
    for (index, (key, member)) in members.into_iter().enumerate() {
        let mut is_spec = false;
        match key {
            Some(key) if parent == 0 && NOT_SEARCHED.contains(&&*key) => continue,
            Some(key) => {
                is_spec = &*key == "spec";
                field_path::push_key(path, &key);
                if &*key == CLAIM_TEMPLATES {
                    claim_templates = Some(member);
                }
            }
            None => field_path::push_index(path, index),
        }
        search(member, path, if is_spec { of_template } else { RawValue::default() }, found)?;
        path.truncate(parent);
    }
    if let Some(RawValue(json)) = claim_templates {
        found.add_claim_templates(pods_before, json);
        found.check_items(path)?;
    }
    Ok(())
}

/// Reads an object or a list, and adds it to the found pods if it is a pod spec.
fn read_pod<'a>(
    json: &'a [u8],
    path: &str,
    metadata: RawValue<'a>,
    found: &mut FoundPods<'a>,
) -> Result<Members<'a>, Error> {
    let Members(members) = json::from_slice(json)?;
    let is_list = |key: &str| matches!(key, "containers" | "initContainers");
    if members.iter().any(|(key, member)| key.as_deref().is_some_and(is_list) && is_container_list(*member)) {
        let pod = json::read_with(json, |reader| {
            let pod = Pod::read(path.to_owned().into(), true, reader)?;
            found.items += (1 + reader.item_count()) * (1 + path.len() / PATH_BYTES_PER_ITEM);
            Ok(pod)
        })?;
        let template_metadata = Metadata::Own(metadata);
        found.pods.push(Pod { index: found.pods.len(), is_custom: true, template_metadata, ..pod });
    }
    Ok(Members(members))
}

/// Returns whether a value is a list with a container. A value that cannot be read is not.
fn is_container_list(RawValue(list): RawValue<'_>) -> bool {
    let Members(items) = json::from_slice(list).unwrap_or_default();
    items.into_iter().any(|(key, RawValue(item))| key.is_none() && is_container(item))
}

fn is_container(item: &[u8]) -> bool {
    let Members(fields) = json::from_slice(item).unwrap_or_default();
    fields.iter().any(|(key, _)| key.as_deref().is_some_and(|key| CONTAINER_FIELDS.contains(&key)))
}

/// The fields of an object or the items of a list, unread and in document order. Other values have no members.
#[derive(Default)]
struct Members<'a>(Vec<(Option<Text<'a>>, RawValue<'a>)>);

impl<'a> ReadJson<'a> for Members<'a> {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        match reader.peek_kind()? {
            ValueKind::Object => {
                let mut entries = reader.object()?;
                while let Some(key) = entries.next_key()? {
                    self.0.push((Some(key), entries.read_with(Reader::raw)?));
                }
            }
            ValueKind::List => {
                let mut list = reader.list()?;
                while list.next_item()? {
                    self.0.push((None, list.read_with(Reader::raw)?));
                }
            }
            _ => reader.skip()?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(object: &str) -> Result<Vec<String>, String> {
        Ok(find(RawValue(object.as_bytes()))?.into_iter().map(|pod| pod.path.into_owned()).collect())
    }

    #[test]
    fn pod_specs_at_any_depth_are_found() {
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
    fn containers_without_a_name_are_found() {
        for list in
            [r#""initContainers": [{"image": "a"}]"#, r#""containers": [{}, {"securityContext": {}}]"#]
        {
            assert_eq!(found(&format!("{{\"spec\": {{{list}}}}}")).unwrap(), ["spec"], "{list}");
        }
    }

    #[test]
    fn claim_templates_belong_to_the_pods_next_to_them() {
        let set = r#"{"spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            "template": {"spec": {"containers": [{"name": "a"}]}}},
            "other": {"volumeClaimTemplates": "none", "containers": [{"name": "b"}]}}"#;
        let pods = find(RawValue(set.as_bytes())).unwrap();
        let names: Vec<Vec<_>> = pods
            .iter()
            .map(|pod| pod.claim_templates.iter().map(|claim| &*claim.metadata.name).collect())
            .collect();
        assert_eq!(names, [vec!["data"], vec![]]);
    }

    #[test]
    fn other_objects_are_not_pod_specs() {
        for object in [
            "{}",
            "[]",
            "\"text\"",
            r#"{"spec": {"containers": 3}}"#,
            r#"{"spec": {"containers": ["a", 1, null, [], {"id": 1}]}}"#,
            r#"{"spec": {"initContainers": ["a", {"id": 1}], "ephemeralContainers": [{"name": "a"}]}}"#,
            r#"{"kind": "ConfigMap", "data": {"pod.yaml": "{\"containers\": [{\"name\": \"a\"}]}"}}"#,
        ] {
            assert_eq!(found(object).unwrap(), [""; 0], "{object}");
        }
    }

    #[test]
    fn escaped_keys_are_found_and_duplicate_keys_are_refused() {
        assert_eq!(found(r#"{"a": {"container\u0073": [{"n\u0061me": "x"}]}}"#).unwrap(), ["a"]);
        assert_eq!(
            found(r#"{"a": {"containers": [], "containers": [{"name": "x"}]}}"#).unwrap_err(),
            "a: duplicate field `containers`"
        );
    }

    #[test]
    fn errors_begin_with_the_path() {
        assert_eq!(
            found(r#"{"spec": {"pods": [{"containers": [{"name": "x"}], "hostPID": "no"}]}}"#).unwrap_err(),
            "spec.pods[0].hostPID: expected a boolean, got a string"
        );
    }
}
