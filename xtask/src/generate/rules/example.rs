//! Examples on the page of a rule: test cases as settings, a request and the verdict.

use immutable_pods_testing::cases::Case;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use serde_saphyr::FlowSeq;
use similar::{ChangeTag, TextDiff};

/// Returns a denied case with its denial.
pub(super) fn denied(case: &Case) -> Result<String, String> {
    let settings = settings_block(case)?;
    let request = request(case, "denied")?;
    let findings = block(findings_info(case), &case.deny.join("\n"));
    Ok(format!("{}\n\n{settings}{request}\n\nThe findings:\n\n{findings}", case.why))
}

/// Returns the info string of findings. Tests of documents evaluate the object above; other requests are only test cases.
fn findings_info(case: &Case) -> &'static str {
    if field(&case.request, "/operation") == "CREATE" { "text" } else { "text of a test case" }
}

/// Returns an admitted case. Its settings are shown if they are not those of the example above.
pub(super) fn admitted(case: &Case, above: &Case) -> Result<String, String> {
    let settings = if case.settings == above.settings { String::new() } else { settings_block(case)? };
    Ok(format!("{}\n\n{settings}{}", case.why, request(case, "admitted")?))
}

/// Returns a fixed case as the difference of the requested and the admitted object.
pub(super) fn fixed(case: &Case) -> Result<String, String> {
    let fixed = case.fixed.as_ref().ok_or_else(|| format!("{}: expected a fix", case.id))?;
    let diff = diff(field(&case.request, "/object"), fixed)?;
    Ok(format!("{}\n\n{}{diff}", case.why, settings_block(case)?))
}

/// Returns the settings of a case, or that it has the default settings.
fn settings_block(case: &Case) -> Result<String, String> {
    if has_defaults(case) {
        return Ok("With the default settings:\n\n".to_owned());
    }
    Ok(format!("With these settings:\n\n{}\n\n", block("yaml", &yaml(&case.settings)?)))
}

fn has_defaults(case: &Case) -> bool {
    case.settings.as_object().is_some_and(serde_json::Map::is_empty)
}

/// Returns the request of a case: a new object, the difference that an update makes, or a connection.
fn request(case: &Case, verdict: &str) -> Result<String, String> {
    let request = &case.request;
    let (object, old) = (field(request, "/object"), field(request, "/oldObject"));
    match field(request, "/operation").as_str() {
        Some("CREATE") => {
            let by_settings = if has_defaults(case) { "" } else { " by the settings above" };
            Ok(block(&format!("yaml {verdict}{by_settings}"), &yaml(object)?))
        }
        Some("UPDATE") => diff(old, object),
        Some("CONNECT") => {
            let user = field(request, "/userInfo/username").as_str().unwrap_or_default();
            let object = block("yaml foreign", &yaml(object)?);
            Ok(format!("The request of `{user}`:\n\n{object}"))
        }
        operation => Err(format!("{}: unexpected operation {operation:?}", case.id)),
    }
}

/// Returns a field, or null if it is unset.
fn field<'a>(request: &'a Value, pointer: &str) -> &'a Value {
    request.pointer(pointer).unwrap_or(&Value::Null)
}

fn block(info: &str, text: &str) -> String {
    format!("```{info}\n{}\n```", text.trim_end())
}

/// Returns the second object, with the lines that are not in the first one marked.
fn diff(before: &Value, after: &Value) -> Result<String, String> {
    let (before, after) = (yaml(before)?, yaml(after)?);
    let lines = TextDiff::from_lines(&before, &after);
    let lines = lines.iter_all_changes().map(|change| {
        let mark = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        format!("{mark} {}", change.value())
    });
    Ok(block("diff", &lines.collect::<String>()))
}

fn yaml(value: &Value) -> Result<String, String> {
    serde_saphyr::to_string(&Written(value)).map_err(|error| error.to_string())
}

/// The keys with which mappings begin, as people write them.
const FIRST: [&str; 5] = ["apiVersion", "kind", "name", "metadata", "mode"];

/// A value as people write it.
struct Written<'a>(&'a Value);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
                FlowSeq(items).serialize(serializer)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Written)),
            Value::Object(fields) => {
                let mut keys: Vec<_> = fields.keys().collect();
                let position =
                    |key: &str| FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len());
                keys.sort_by_key(|key| (position(key), *key));
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for key in keys {
                    map.serialize_entry(key, &fields.get(key).map(Written))?;
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_written_as_people_do() {
        let value =
            json!({"args": ["a", "1"], "kind": "b", "ports": [{"containerPort": 80, "name": "http"}]});
        let expected = "kind: b\nargs: [a, \"1\"]\nports:\n- name: http\n  containerPort: 80\n";
        assert_eq!(yaml(&value).unwrap(), expected);
    }

    #[test]
    fn a_diff_marks_lines() {
        let diff = diff(&json!({"a": 1, "b": 2}), &json!({"a": 1, "b": 3})).unwrap();
        assert_eq!(diff, "```diff\n  a: 1\n- b: 2\n+ b: 3\n```");
    }
}
