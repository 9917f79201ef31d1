//! Pod specs in kinds this policy has never heard of: Argo Rollouts, Knative Services, `JobSets`, …
//!
//! Wherever an object has a list `containers` or `initContainers` of what looks like containers, it is taken for a pod
//! spec; but not in its own `metadata` and `status`, from which no pod is made.

use crate::admission::request::{CLAIM_TEMPLATES, TOO_MANY_ITEMS, describe};
use crate::kubernetes::field_path;
use crate::kubernetes::pod::Pod;
use crate::kubernetes::volume::ClaimTemplate;
use crate::text::printable;
use json_view::Text;
use json_view::{self as json, DEFAULT_MAX_ITEMS, Error, RawValue, ReadJson, Reader, ValueKind};

/// The fields by which a container is known. One without a name and an image may get them from whoever makes the pod.
const CONTAINER_FIELDS: [&str; 5] = ["name", "image", "securityContext", "volumeMounts", "volumeDevices"];

/// What no pod is made from at the top of an object: what its controller reports, and what the API server keeps.
const NOT_SEARCHED: [&str; 2] = ["metadata", "status"];

/// The length of a path that makes what stands below it count twice: every finding repeats the path.
const LONG_PATH: usize = 100;

/// The pod specs that have been found.
#[derive(Default)]
struct Found<'a> {
    pods: Vec<Pod<'a>>,
    /// Their number, and that of the items in their lists, each as often as the length of its path makes it count.
    items: usize,
}

impl Found<'_> {
    fn check_items(&self, path: &str) -> Result<(), String> {
        if self.items <= DEFAULT_MAX_ITEMS {
            return Ok(());
        }
        Err(format!("{}: {TOO_MANY_ITEMS}", printable(path)))
    }
}

impl<'a> Found<'a> {
    /// Adds claim templates to the pods that have been found since they were so many.
    fn add_claim_templates(&mut self, known: usize, json: &'a [u8]) {
        // What cannot be read is no list of claim templates.
        let templates: Vec<ClaimTemplate> = json::from_slice(json).unwrap_or_default();
        for pod in self.pods.iter_mut().skip(known) {
            self.items += templates.len();
            if self.items <= DEFAULT_MAX_ITEMS {
                pod.claim_templates.extend_from_slice(&templates);
            }
        }
    }
}

/// Every pod spec in the object, in document order.
///
/// # Errors
/// When something that looks like a pod spec cannot be read as one, or the object is nested too deeply to search, or too much
/// is found.
pub fn find(object: RawValue<'_>) -> Result<Vec<Pod<'_>>, String> {
    let mut found = Found::default();
    search(object, &mut String::new(), &mut found)?;
    Ok(found.pods)
}

fn search<'a>(value: RawValue<'a>, path: &mut String, found: &mut Found<'a>) -> Result<(), String> {
    let RawValue(json) = value;
    if !matches!(json.first(), Some(b'{' | b'[')) {
        return Ok(());
    }
    let known = found.pods.len();
    let mut claim_templates = None;
    let Parts(parts) = read_pod(json, path, found).map_err(|error| describe(&error, path))?;
    found.check_items(path)?;
    let parent = path.len();
    for (index, (key, part)) in parts.into_iter().enumerate() {
        match key {
            Some(key) if parent == 0 && NOT_SEARCHED.contains(&&*key) => continue,
            Some(key) => {
                field_path::push_key(path, &key);
                if &*key == CLAIM_TEMPLATES {
                    claim_templates = Some(part);
                }
            }
            None => field_path::push_index(path, index),
        }
        search(part, path, found)?;
        path.truncate(parent);
    }
    if let Some(RawValue(json)) = claim_templates {
        found.add_claim_templates(known, json);
        found.check_items(path)?;
    }
    Ok(())
}

/// Reads an object or a list, which may be a pod spec.
fn read_pod<'a>(json: &'a [u8], path: &str, found: &mut Found<'a>) -> Result<Parts<'a>, Error> {
    let Parts(parts) = json::from_slice(json)?;
    let is_list = |key: &str| matches!(key, "containers" | "initContainers");
    if parts.iter().any(|(key, part)| key.as_deref().is_some_and(is_list) && is_container_list(*part)) {
        let pod = json::read_with(json, |reader| {
            let pod = Pod::read(path.to_owned().into(), true, reader)?;
            found.items += (1 + reader.item_count()) * (1 + path.len() / LONG_PATH);
            Ok(pod)
        })?;
        found.pods.push(Pod { index: found.pods.len(), is_custom: true, ..pod });
    }
    Ok(Parts(parts))
}

fn is_container_list(RawValue(list): RawValue<'_>) -> bool {
    // What cannot be read is no list of containers.
    let Parts(items) = json::from_slice(list).unwrap_or_default();
    items.into_iter().any(|(key, RawValue(item))| key.is_none() && is_container(item))
}

fn is_container(item: &[u8]) -> bool {
    let Parts(fields) = json::from_slice(item).unwrap_or_default();
    fields.iter().any(|(key, _)| key.as_deref().is_some_and(|key| CONTAINER_FIELDS.contains(&key)))
}

/// The entries of an object or the items of a list in the order in which they stand, unread. What is neither has none.
#[derive(Default)]
struct Parts<'a>(Vec<(Option<Text<'a>>, RawValue<'a>)>);

impl<'a> ReadJson<'a> for Parts<'a> {
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
    fn knows_containers_that_are_yet_to_get_a_name() {
        for list in
            [r#""initContainers": [{"image": "a"}]"#, r#""containers": [{}, {"securityContext": {}}]"#]
        {
            assert_eq!(found(&format!("{{\"spec\": {{{list}}}}}")).unwrap(), ["spec"], "{list}");
        }
    }

    #[test]
    fn finds_the_claim_templates_beside_a_template() {
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
    fn passes_over_what_is_no_pod_spec() {
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
            "spec.pods[0].hostPID: expected a boolean, got a string"
        );
    }
}
