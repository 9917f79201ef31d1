//! The settings of the policy, read from a file.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::document;
use crate::input::{InputError, Position, Problem, Source, kind_of};
use crate::yaml::json_error;

/// Reads settings from a YAML or JSON file, which contains only settings, like kwctl. An empty file means `{}`.
///
/// # Errors
///
/// If the file cannot be read, or is not one mapping.
pub fn read(path: &Path) -> Result<Value, InputError> {
    let (file, text) = content(path)?;
    parse(&file, &text)
}

/// Reads settings from JSON, with a name for errors. Null means `{}`.
///
/// # Errors
///
/// If the text is not JSON, or not an object.
pub fn from_json(name: &str, text: &str) -> Result<Value, InputError> {
    let value = serde_json::from_str(text).map_err(|error| json_error(&error, Position::START));
    let settings = value.and_then(|value| match value {
        Value::Null => Ok(Map::new()),
        value => as_mapping(value),
    });
    settings.map(Value::Object).map_err(|problem| InputError::new(Source::file(name), problem))
}

pub(crate) fn content(path: &Path) -> Result<(String, Vec<u8>), InputError> {
    let file = path.display().to_string();
    match fs::read(path) {
        Ok(text) => Ok((file, text)),
        Err(error) => Err(InputError::new(Source::file(file), Problem::Read(error))),
    }
}

fn parse(file: &str, text: &[u8]) -> Result<Value, InputError> {
    let mut documents = document::parse(file, text).into_iter().collect::<Result<Vec<_>, _>>()?;
    if documents.len() > 1 {
        let problem = Problem::SeveralSettings(documents.len());
        return Err(InputError::new(Source::file(file), problem));
    }
    let settings = documents.pop().map_or_else(|| Ok(Map::new()), |document| as_mapping(document.value));
    settings.map(Value::Object).map_err(|problem| InputError::new(Source::file(file), problem))
}

fn as_mapping(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(mapping) => Ok(mapping),
        other => Err(Problem::SettingsNotAMapping(kind_of(&other))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn rejects(text: &str, sentence: &str) {
        let error = parse("settings.yaml", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), sentence);
    }

    #[test]
    fn yaml_and_json_are_read() {
        let settings = json!({"mode": "warn"});
        assert_eq!(parse("s.yaml", b"mode: warn").unwrap(), settings);
        assert_eq!(parse("s.json", b"{\"mode\": \"warn\"}").unwrap(), settings);
    }

    #[test]
    fn an_empty_file_means_no_settings() {
        assert_eq!(parse("s.yaml", b"").unwrap(), json!({}));
        assert_eq!(parse("s.yaml", b"# defaults\n---\nnull\n").unwrap(), json!({}));
        assert_eq!(parse("s.json", b"").unwrap(), json!({}));
    }

    #[test]
    fn other_documents_are_rejected() {
        rejects("[warn]", "settings.yaml: settings: expected a mapping, got a sequence");
        rejects("a: 1\n---\nb: 1\n", "settings.yaml: settings: expected one document, got 2");
        rejects("a: [", "settings.yaml, line 1 column 4: unclosed bracket '['");
    }

    #[test]
    fn settings_do_not_come_from_a_policy_manifest() {
        let manifest = json!({
            "apiVersion": "policies.kubewarden.io/v1",
            "kind": "AdmissionPolicy",
            "spec": {"settings": {"mode": "warn"}},
        });
        assert_eq!(parse("p.yaml", manifest.to_string().as_bytes()).unwrap(), manifest);
    }

    #[test]
    fn json_is_read_without_a_file() {
        let settings = |text| from_json("--settings-json", text).map_err(|error| error.to_string());
        assert_eq!(settings("{\"mode\": \"warn\"}"), Ok(json!({"mode": "warn"})));
        assert_eq!(settings("null"), Ok(json!({})));
        assert_eq!(
            settings("[1]"),
            Err("--settings-json: settings: expected a mapping, got a sequence".to_owned())
        );
        assert_eq!(
            settings("mode: warn"),
            Err("--settings-json, line 1 column 1: expected value".to_owned())
        );
    }

    #[test]
    fn a_missing_file_is_reported() {
        let error = read(Path::new("/nowhere/settings.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/settings.yaml: no such file or folder");
    }
}
