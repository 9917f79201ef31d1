//! The settings of the policy, read from a file.
//!
//! A `ClusterAdmissionPolicy` or an `AdmissionPolicy` provides its settings.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::document;
use crate::input::{InputError, Position, Problem, Source, kind_of};
use crate::policies::manifest::KubewardenKind;
use crate::yaml::json_error;

/// Reads settings from a YAML or JSON file, which can be a policy manifest. An empty file and a manifest without settings mean
/// `{}`.
///
/// # Errors
///
/// If the file cannot be read, is not one mapping, or is the manifest of a policy group.
pub fn read(path: &Path) -> Result<Value, InputError> {
    let (file, text) = content(path)?;
    parse(&file, &text)
}

/// Reads settings from a YAML or JSON file that contains only settings, like kwctl. An empty file means `{}`.
///
/// # Errors
///
/// If the file cannot be read, or is not one mapping.
pub fn read_bare(path: &Path) -> Result<Value, InputError> {
    let (file, text) = content(path)?;
    document_in(&file, &text).map(Value::Object)
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
    let settings = settings_in(document_in(file, text)?);
    settings.map(Value::Object).map_err(|problem| InputError::new(Source::file(file), problem))
}

/// Returns the document in a file, or an empty document.
fn document_in(file: &str, text: &[u8]) -> Result<Map<String, Value>, InputError> {
    let mut documents = document::parse(file, text).into_iter().collect::<Result<Vec<_>, _>>()?;
    if documents.len() > 1 {
        let problem = Problem::SeveralSettings(documents.len());
        return Err(InputError::new(Source::file(file), problem));
    }
    let Some(document) = documents.pop() else { return Ok(Map::new()) };
    as_mapping(document.value).map_err(|problem| InputError::new(Source::file(file), problem))
}

fn as_mapping(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(mapping) => Ok(mapping),
        other => Err(Problem::SettingsNotAMapping(kind_of(&other))),
    }
}

/// Returns the settings in a document: the settings of a policy manifest, or the document itself.
fn settings_in(document: Map<String, Value>) -> Result<Map<String, Value>, Problem> {
    match KubewardenKind::of(&document) {
        Some(KubewardenKind::ClusterPolicy | KubewardenKind::Policy) => {
            let spec = mapping(document, "spec", "spec")?;
            mapping(spec, "settings", "spec.settings")
        }
        Some(KubewardenKind::ClusterGroup | KubewardenKind::Group) => {
            let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default();
            Err(Problem::SettingsOfAGroup(kind.to_owned()))
        }
        Some(KubewardenKind::Server) | None => Ok(document),
    }
}

/// Returns the mapping in a field, or an empty mapping if the field is missing.
fn mapping(
    mut fields: Map<String, Value>,
    field: &str,
    path: &'static str,
) -> Result<Map<String, Value>, Problem> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(mapping)) => Ok(mapping),
        Some(other) => Err(Problem::PolicyFieldNotAMapping { field: path, found: kind_of(&other) }),
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

    /// Returns a policy manifest.
    fn manifest(kind: &str, rest: &str) -> String {
        format!("apiVersion: policies.kubewarden.io/v1\nkind: {kind}\n{rest}")
    }

    #[test]
    fn the_settings_of_a_policy_manifest_are_read() {
        for kind in ["ClusterAdmissionPolicy", "AdmissionPolicy"] {
            let settings = |rest| parse("p.yaml", manifest(kind, rest).as_bytes()).unwrap();
            let spec = "metadata: {name: p}\nspec: {module: m, mutating: true, settings: {mode: warn}}";
            assert_eq!(settings(spec), json!({"mode": "warn"}));
            for without in
                ["", "spec:", "spec: {module: m}", "spec: {settings: null}", "spec: {settings: {}}"]
            {
                assert_eq!(settings(without), json!({}), "{without}");
            }
        }
    }

    #[test]
    fn similar_documents_are_settings() {
        for text in [
            "{apiVersion: policies.kubewarden.io/v1, spec: {}}",
            "{apiVersion: policies.kubewarden.io/v1, kind: PolicyServer, spec: {}}",
            "{apiVersion: example.com/v1, kind: ClusterAdmissionPolicy, spec: {}}",
            "{kind: ClusterAdmissionPolicyGroup, spec: {}}",
        ] {
            assert_eq!(parse("s.yaml", text.as_bytes()).unwrap()["spec"], json!({}), "{text}");
        }
    }

    #[test]
    fn settings_that_are_not_a_mapping_are_rejected() {
        rejects(
            &manifest("AdmissionPolicy", "spec: {settings: [warn]}"),
            "settings.yaml: `spec.settings`: expected a mapping, got a sequence",
        );
        rejects(
            &manifest("ClusterAdmissionPolicy", "spec: warn"),
            "settings.yaml: `spec`: expected a mapping, got a string",
        );
    }

    #[test]
    fn a_policy_group_is_rejected() {
        for kind in ["ClusterAdmissionPolicyGroup", "AdmissionPolicyGroup"] {
            rejects(
                &manifest(kind, "spec: {policies: {}}"),
                &format!(
                    "settings.yaml: this {kind} has settings for each of its policies: pass a file with the `settings` of one policy in `spec.policies`"
                ),
            );
        }
    }

    #[test]
    fn other_documents_are_rejected() {
        rejects("[warn]", "settings.yaml: settings: expected a mapping, got a sequence");
        rejects("a: 1\n---\nb: 1\n", "settings.yaml: settings: expected one document, got 2");
        rejects("a: [", "settings.yaml, line 1 column 4: unclosed bracket '['");
    }

    #[test]
    fn bare_settings_do_not_come_from_a_policy_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("policy.yaml");
        fs::write(&file, manifest("AdmissionPolicy", "spec: {settings: {mode: warn}}")).unwrap();
        assert_eq!(read(&file).unwrap(), json!({"mode": "warn"}));
        assert_eq!(
            read_bare(&file).unwrap(),
            json!({
                "apiVersion": "policies.kubewarden.io/v1",
                "kind": "AdmissionPolicy",
                "spec": {"settings": {"mode": "warn"}},
            })
        );
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
