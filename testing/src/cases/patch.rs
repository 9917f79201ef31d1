//! Patches in the style of `kubectl patch`: mappings merge, null removes a field, and lists of named items merge by
//! name.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The only field of a mapping whose value replaces the old value without merging.
const REPLACE: &str = "$replace";

/// Lists that merge, with the field that identifies an item, as `patchMergeKey` in the Kubernetes API definitions. Every
/// other list is replaced as a whole.
const MERGED_LISTS: [(&str, &str); 8] = [
    ("containers", "name"),
    ("ephemeralContainers", "name"),
    ("initContainers", "name"),
    ("env", "name"),
    ("imagePullSecrets", "name"),
    ("volumes", "name"),
    ("volumeDevices", "devicePath"),
    ("volumeMounts", "mountPath"),
];

/// Applies a patch to a value.
///
/// # Errors
///
/// If the patch removes a field that does not exist, or if a list item cannot be identified by its name.
pub fn apply(value: &Value, patch: &Value) -> Result<Value, String> {
    apply_at("", Some(value), patch)
}

/// Applies a patch to the value of a field, if there is one.
fn apply_at(field: &str, value: Option<&Value>, patch: &Value) -> Result<Value, String> {
    match patch {
        Value::Object(fields) => match fields.get(REPLACE) {
            Some(replacement) if fields.len() == 1 => literal(replacement),
            Some(_) => Err(format!("{field}: {REPLACE} must be the only field of its mapping")),
            None => merge(value.and_then(Value::as_object), fields),
        },
        Value::Array(items) => match merge_key(field) {
            Some(key) => merge_list(field, key, value, items),
            None => literal(patch),
        },
        scalar => Ok(scalar.clone()),
    }
}

fn merge(value: Option<&Map<String, Value>>, patch: &Map<String, Value>) -> Result<Value, String> {
    let mut merged = value.cloned().unwrap_or_default();
    for (field, patch) in patch {
        if patch.is_null() {
            merged.remove(field).ok_or_else(|| {
                format!(
                    "{field}: the field to remove does not exist (`{REPLACE}: null` sets a field to null)"
                )
            })?;
        } else {
            let changed = apply_at(field, merged.get(field), patch)?;
            merged.insert(field.clone(), changed);
        }
    }
    Ok(merged.into())
}

fn merge_list(field: &str, key: &str, value: Option<&Value>, items: &[Value]) -> Result<Value, String> {
    let mut merged = value.and_then(Value::as_array).cloned().unwrap_or_default();
    if items.is_empty() && value.is_some() {
        return Err(format!("{field}: an empty list changes nothing (`{REPLACE}: []` empties a list)"));
    }
    let mut names = Vec::new();
    for item in items {
        let name = item.get(key).and_then(Value::as_str);
        let name = name.ok_or_else(|| format!("{field}: an item without {key} requires {REPLACE}"))?;
        let is_named = |item: &&mut Value| item.get(key).is_some_and(|found| found == name);
        let mut found = merged.iter_mut().filter(is_named);
        match (found.next(), found.next()) {
            _ if names.contains(&name) => {
                return Err(format!("{field}: duplicate {name} requires {REPLACE}"));
            }
            (Some(_), Some(_)) => return Err(format!("{field}: ambiguous {name} requires {REPLACE}")),
            (Some(known), None) => *known = apply_at("", Some(known), item)?,
            (None, _) => merged.push(apply_at("", None, item)?),
        }
        names.push(name);
    }
    Ok(merged.into())
}

/// Returns a value that is not a patch.
fn literal(value: &Value) -> Result<Value, String> {
    let has_directive = match value {
        Value::Object(fields) => fields.contains_key(REPLACE),
        _ => false,
    };
    if has_directive {
        return Err(format!("{REPLACE} is not allowed in a value that is replaced as a whole"));
    }
    match value {
        Value::Object(fields) => fields.values().try_for_each(|field| literal(field).map(drop))?,
        Value::Array(items) => items.iter().try_for_each(|item| literal(item).map(drop))?,
        _ => {}
    }
    Ok(value.clone())
}

fn merge_key(field: &str) -> Option<&'static str> {
    MERGED_LISTS.iter().find(|(list, _)| *list == field).map(|(_, key)| *key)
}

/// Returns the patch from a value to another value, or `None` if they are equal.
#[must_use]
pub fn diff(old: &Value, new: &Value) -> Option<Value> {
    diff_at("", Some(old), new)
}

fn diff_at(field: &str, old: Option<&Value>, new: &Value) -> Option<Value> {
    if old == Some(new) {
        return None;
    }
    let replacement = Value::Object(Map::from_iter([(REPLACE.to_owned(), new.clone())]));
    let patch = match new {
        Value::Null => return Some(replacement),
        Value::Object(fields) => diff_of_maps(old.and_then(Value::as_object), fields),
        Value::Array(items) => match merge_key(field) {
            Some(key) => match diff_of_lists(key, old, items) {
                Some(patch) => patch,
                None => return Some(replacement),
            },
            None => return Some(new.clone()),
        },
        scalar => return Some(scalar.clone()),
    };
    // A patch that removes many fields is harder to read than the remaining value.
    let is_shorter = old.is_some() && replacement.to_string().len() < patch.to_string().len();
    Some(if is_shorter { replacement } else { patch })
}

fn diff_of_maps(old: Option<&Map<String, Value>>, new: &Map<String, Value>) -> Value {
    let mut patch = Map::new();
    for field in old.into_iter().flat_map(Map::keys).filter(|field| !new.contains_key(*field)) {
        patch.insert(field.clone(), Value::Null);
    }
    for (field, new) in new {
        if let Some(change) = diff_at(field, old.and_then(|old| old.get(field)), new) {
            patch.insert(field.clone(), change);
        }
    }
    patch.into()
}

/// Returns the patch of a list that merges. Returns `None` if an item moves or is removed, or if its name is ambiguous.
fn diff_of_lists(key: &str, old: Option<&Value>, new: &[Value]) -> Option<Value> {
    let old = match old {
        Some(Value::Array(old)) => Some(old.as_slice()),
        Some(_) => return None,
        None => None,
    };
    if old.is_some() && new.is_empty() {
        return None;
    }
    let (known, names) = (names(key, old.unwrap_or_default())?, names(key, new)?);
    if !names.starts_with(&known) {
        return None;
    }
    let mut items: Vec<Value> = Vec::new();
    for (index, (name, new)) in names.iter().zip(new).enumerate() {
        let old = old.and_then(|old| old.get(index));
        if let Some(Value::Object(mut change)) = diff_at("", old, new) {
            if change.contains_key(REPLACE) {
                return None;
            }
            change.insert(key.to_owned(), (*name).into());
            items.push(change.into());
        }
    }
    Some(items.into())
}

/// Returns the names of the items, if all items have distinct names.
fn names<'v>(key: &str, items: &'v [Value]) -> Option<Vec<&'v str>> {
    let names: Vec<_> = items.iter().map(|item| item.get(key)?.as_str()).collect::<Option<_>>()?;
    let is_unique = names.iter().collect::<BTreeSet<_>>().len() == names.len();
    is_unique.then_some(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Asserts the result of a patch, and that the difference of both values is a patch with the same result.
    #[track_caller]
    fn applies(value: &Value, patch: &Value, expected: &Value) {
        assert_eq!(apply(value, patch).as_ref(), Ok(expected));
        let diff = diff(value, expected).unwrap_or_else(|| json!({}));
        assert_eq!(apply(value, &diff).as_ref(), Ok(expected), "{diff}");
    }

    #[track_caller]
    fn fails(value: &Value, patch: &Value, message: &str) {
        assert_eq!(apply(value, patch), Err(message.to_owned()));
    }

    #[test]
    fn mappings_merge() {
        applies(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"b": 3}}), &json!({"a": {"b": 3, "c": 2}}));
        applies(&json!({"a": 1}), &json!({"a": {"b": {}}}), &json!({"a": {"b": {}}}));
    }

    #[test]
    fn null_removes_a_field() {
        applies(&json!({"a": {"b": 1, "c": 2}}), &json!({"a": {"b": null}}), &json!({"a": {"c": 2}}));
        fails(
            &json!({"a": 1}),
            &json!({"b": null}),
            "b: the field to remove does not exist (`$replace: null` sets a field to null)",
        );
    }

    #[test]
    fn a_field_can_be_set_to_null() {
        applies(&json!({"a": 1}), &json!({"a": {"$replace": null}}), &json!({"a": null}));
        applies(&json!({}), &json!({"a": {"b": {"$replace": null}}}), &json!({"a": {"b": null}}));
    }

    #[test]
    fn a_value_can_be_replaced_as_a_whole() {
        let value = json!({"a": {"b": 1, "c": 2}, "containers": [{"name": "x"}]});
        let expected = json!({"a": {"d": null}, "containers": []});
        let patch = json!({"a": {"$replace": {"d": null}}, "containers": {"$replace": []}});
        applies(&value, &patch, &expected);
        fails(
            &value,
            &json!({"a": {"$replace": 1, "b": 2}}),
            "a: $replace must be the only field of its mapping",
        );
        fails(
            &value,
            &json!({"a": {"$replace": {"b": {"$replace": 1}}}}),
            "$replace is not allowed in a value that is replaced as a whole",
        );
    }

    #[test]
    fn containers_merge_by_name() {
        applies(
            &json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}),
            &json!({"containers": [{"name": "b", "image": "z"}, {"name": "c"}]}),
            &json!({"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "z"}, {"name": "c"}]}),
        );
    }

    #[test]
    fn mounts_merge_by_path() {
        applies(
            &json!({"volumeMounts": [{"name": "a", "mountPath": "/x"}, {"name": "a", "mountPath": "/y"}]}),
            &json!({"volumeMounts": [{"mountPath": "/y", "readOnly": true}]}),
            &json!({"volumeMounts": [
                {"name": "a", "mountPath": "/x"}, {"name": "a", "mountPath": "/y", "readOnly": true},
            ]}),
        );
    }

    #[test]
    fn other_lists_are_replaced() {
        applies(&json!({"args": ["a", "b"]}), &json!({"args": ["c"]}), &json!({"args": ["c"]}));
        applies(&json!({"args": ["a"]}), &json!({"args": []}), &json!({"args": []}));
    }

    #[test]
    fn an_item_without_a_distinct_name_is_an_error() {
        let value = json!({"containers": [{"name": "a"}, {"name": "a"}]});
        fails(
            &value,
            &json!({"containers": [{"image": "x"}]}),
            "containers: an item without name requires $replace",
        );
        fails(&value, &json!({"containers": [{"name": "a"}]}), "containers: ambiguous a requires $replace");
        fails(
            &value,
            &json!({"containers": [{"name": "b"}, {"name": "b"}]}),
            "containers: duplicate b requires $replace",
        );
        fails(
            &value,
            &json!({"containers": []}),
            "containers: an empty list changes nothing (`$replace: []` empties a list)",
        );
    }

    #[test]
    fn differences_of_lists_that_cannot_merge_are_replacements() {
        let (a, b) = (json!({"name": "a"}), json!({"name": "b"}));
        for (old, new) in [
            (json!([a, b]), json!([b, a])),
            (json!([a, b]), json!([b])),
            (json!([a]), json!([])),
            (json!([a, a]), json!([a, a, b])),
            (json!([a]), json!([a, {"image": "x"}])),
            (json!("text"), json!([a])),
            (json!([a]), json!([{"name": "a", "x": null}, null])),
        ] {
            let (old, new) = (json!({"volumes": old}), json!({"volumes": new}));
            let patch = diff(&old, &new).unwrap();
            assert_eq!(patch["volumes"]["$replace"], new["volumes"], "{patch}");
            applies(&old, &patch, &new);
        }
    }

    #[test]
    fn equal_values_have_no_difference() {
        let value = json!({"containers": [{"name": "a", "args": [1, null]}]});
        assert_eq!(diff(&value, &value.clone()), None);
    }
}
