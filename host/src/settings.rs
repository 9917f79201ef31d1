//! The settings of the policy, read from a file.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

use crate::document;
use crate::input::{InputError, Problem, Source, kind_of};

/// Reads settings from a YAML or JSON file. An empty file means `{}`.
///
/// # Errors
///
/// When the file cannot be read, or holds anything but one mapping.
pub fn read(path: &Path) -> Result<Value, InputError> {
    let file = path.display().to_string();
    let text = fs::read(path).map_err(|error| InputError::new(Source::file(&file), Problem::Read(error)))?;
    parse(&file, &text)
}

fn parse(file: &str, text: &[u8]) -> Result<Value, InputError> {
    let mut documents = document::parse(file, text).into_iter().collect::<Result<Vec<_>, _>>()?;
    if documents.len() > 1 {
        let problem = Problem::SeveralSettings(documents.len());
        return Err(InputError::new(Source::file(file), problem));
    }
    match documents.pop().map(|document| document.value) {
        None => Ok(Value::Object(Map::new())),
        Some(settings @ Value::Object(_)) => Ok(settings),
        Some(other) => {
            Err(InputError::new(Source::file(file), Problem::SettingsNotAMapping(kind_of(&other))))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn refuses(text: &str, sentence: &str) {
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
    fn nothing_means_no_settings() {
        assert_eq!(parse("s.yaml", b"").unwrap(), json!({}));
        assert_eq!(parse("s.yaml", b"# defaults\n---\nnull\n").unwrap(), json!({}));
        assert_eq!(parse("s.json", b"").unwrap(), json!({}));
    }

    #[test]
    fn anything_but_one_mapping_is_refused() {
        refuses("[warn]", "settings.yaml: settings must be a mapping, and this is a sequence");
        refuses("a: 1\n---\nb: 1\n", "settings.yaml: settings must be one document, and this file holds 2");
        refuses("a: [", "settings.yaml, line 1 column 4: unclosed bracket '['");
    }

    #[test]
    fn a_missing_file_is_refused() {
        let error = read(Path::new("/nowhere/settings.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "/nowhere/settings.yaml: no such file or folder");
    }
}
