//! Parses YAML and JSON like kubectl.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{MessageFormatter, Options, UserMessageFormatter};

use crate::input::{InputError, Position, Problem, Source};

/// Maximum nesting depth of YAML. Manifests are far below it. The parser recurses: in a debug build, the default stack of a
/// thread has room for about 90 levels.
const MAX_DEPTH: usize = 64;
/// Maximum size of a YAML document: the pods of a large cluster in one list.
const MAX_NODES: usize = 10_000_000;
/// Maximum number of values that aliases repeat. Aliases multiply: a few lines can repeat billions of values.
const MAX_REPEATED: usize = 100_000;

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    /// The source of the document.
    pub source: Source,
    /// The content. Never null, because empty documents are skipped.
    pub value: Value,
}

/// Reads every document in the content of a file.
///
/// After a document that cannot be parsed, the next documents are read, if the parser finds where they start.
#[must_use]
pub fn parse(file: &str, text: &[u8]) -> Vec<Result<Document, InputError>> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let values = if is_json(file, text) { json_values(text) } else { yaml_values(text) };
    let several = values.len() > 1;
    (1..)
        .zip(values)
        .map(|(number, value)| {
            let mut source = Source::file(file);
            source.document = several.then_some(number);
            match value {
                Ok(value) => Ok(Document { source, value }),
                Err(problem) => Err(InputError::new(source, problem)),
            }
        })
        .collect()
}

/// Reads the content of a file that is one YAML document with a `T`.
pub(crate) fn parse_as<T: DeserializeOwned>(file: &str, text: &[u8]) -> Result<T, InputError> {
    serde_saphyr::from_slice_with_options(text, yaml_options())
        .map_err(|error| InputError::new(Source::file(file), yaml_error(&error)))
}

/// Flow style YAML starts like JSON, so the file name decides first.
fn is_json(file: &str, text: &[u8]) -> bool {
    let extension = Path::new(file).extension().unwrap_or_default();
    if extension == "json" {
        return true;
    }
    let starts_like_json = matches!(text.trim_ascii_start().first(), Some(b'{' | b'['));
    starts_like_json && extension != "yaml" && extension != "yml"
}

fn json_values(text: &[u8]) -> Vec<Result<Value, Problem>> {
    serde_json::Deserializer::from_slice(text)
        .into_iter::<Value>()
        .filter(|value| !matches!(value, Ok(Value::Null)))
        .map(|value| value.map_err(|error| json_error(&error)))
        .collect()
}

pub(crate) fn json_error(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let message = error.to_string();
    let suffix = format!(" at line {line} column {column}");
    Problem::Syntax {
        position: Some(Position { line: line as u64, column: column as u64 }),
        message: message.strip_suffix(&suffix).unwrap_or(&message).to_owned(),
    }
}

fn yaml_values(mut text: &[u8]) -> Vec<Result<Value, Problem>> {
    serde_saphyr::read_with_options::<_, Value>(&mut text, yaml_options())
        .map(|value| value.map(whole_numbers).map_err(|error| yaml_error(&error)))
        .collect()
}

fn yaml_options() -> Options {
    // kubectl reads YAML 1.1: `yes` and `off` are booleans (the default here) and 0644 is
    // octal.
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_events: MAX_NODES,
            max_nodes: MAX_NODES,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_REPEATED,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        legacy_octal_numbers: true,
        with_snippet: false,
    }
}

/// Removes the fraction of whole numbers, like kubectl: `1.0` becomes `1`.
fn whole_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            // Rust writes 1e3 as `1000`. Large numbers and numbers with a fraction do not parse as integers.
            let digits = number.as_f64().unwrap_or_default().to_string();
            digits.parse::<i64>().map_or(Value::Number(number), Value::from)
        }
        Value::Array(items) => items.into_iter().map(whole_numbers).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, whole_numbers(field))).collect()
        }
        other => other,
    }
}

fn yaml_error(error: &serde_saphyr::Error) -> Problem {
    Problem::Syntax {
        position: error
            .location()
            .map(|location| Position { line: location.line(), column: location.column() }),
        message: yaml_message(error),
    }
}

/// Returns the message of a YAML error.
pub(crate) fn yaml_message(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::{Error, budget::BudgetBreach};
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("duplicate key `{key}` in a mapping")
        }
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("nested deeper than {MAX_DEPTH} levels")
        }
        Error::AliasReplayLimitExceeded { .. } => {
            format!("aliases repeat more than {MAX_REPEATED} values")
        }
        Error::AliasError { error, .. } => yaml_message(error),
        // The parser reads from memory, so only the encoding can be wrong.
        Error::IOError { .. } | Error::InvalidUtf8Input => "not UTF-8 text".to_owned(),
        error => UserMessageFormatter.format_message(error).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(file: &str, text: impl AsRef<[u8]>) -> Vec<Result<Value, String>> {
        parse(file, text.as_ref())
            .into_iter()
            .map(|document| document.map(|document| document.value).map_err(|error| error.to_string()))
            .collect()
    }

    #[track_caller]
    fn reads(file: &str, text: &str, values: &[Value]) {
        let expected: Vec<Result<Value, String>> = values.iter().cloned().map(Ok).collect();
        assert_eq!(read(file, text), expected);
    }

    #[track_caller]
    fn rejects(file: &str, text: impl AsRef<[u8]>, sentence: &str) {
        assert_eq!(read(file, text), [Err(sentence.to_owned())]);
    }

    #[test]
    fn yaml_is_parsed_like_kubectl() {
        reads(
            "a.yaml",
            "[yes, Off, 0644, 0o17, 0x1f, 1_000, 1.5, 1e3, 1.0, 12:30, 2001-01-01, ~]",
            &[json!([true, false, 420, 15, 31, 1000, 1.5, 1000, 1, "12:30", "2001-01-01", null])],
        );
        reads("a.yaml", "['yes', \"0644\", !!str 5]", &[json!(["yes", "0644", "5"])]);
    }

    #[test]
    fn yaml_numbers_keep_fractions_and_size() {
        reads(
            "a.yaml",
            "[0.5, -5, 18446744073709551615, 1e300]",
            &[json!([0.5, -5, 18_446_744_073_709_551_615_u64, 1e300])],
        );
    }

    #[test]
    fn merge_keys_are_merged() {
        reads(
            "a.yaml",
            "base: &base {x: 1, y: 2}\nbig:\n  <<: *base\n  y: 3\n",
            &[json!({"base": {"x": 1, "y": 2}, "big": {"x": 1, "y": 3}})],
        );
    }

    #[test]
    fn empty_documents_are_skipped() {
        reads(
            "a.yaml",
            "# only a comment\n---\na: 1\n---\n---\nnull\n---\nb: 2\n---\n",
            &[json!({"a": 1}), json!({"b": 2})],
        );
        reads("a.yaml", "", &[]);
        reads("a.json", " \n", &[]);
    }

    #[test]
    fn several_documents_are_numbered() {
        let sources = |text: &str| -> Vec<String> {
            parse("a.yaml", text.as_bytes())
                .into_iter()
                .map(|document| document.unwrap().source.to_string())
                .collect()
        };
        assert_eq!(sources("---\na: 1\n"), ["a.yaml"]);
        assert_eq!(sources("a: 1\n---\nb: 1\n"), ["a.yaml, document 1", "a.yaml, document 2"]);
    }

    #[test]
    fn a_stream_of_json_values_is_read() {
        reads("a.json", "{\"a\": 1}\n{\"b\": 1.0} null", &[json!({"a": 1}), json!({"b": 1.0})]);
    }

    #[test]
    fn the_file_name_decides_before_the_content() {
        reads("flow.yaml", "{a: yes}", &[json!({"a": true})]);
        reads("flow.yml", "[a]", &[json!(["a"])]);
        reads("stdin", "\u{feff} {\"a\": 1}", &[json!({"a": 1})]);
        reads("stdin", "a: 1", &[json!({"a": 1})]);
        rejects("stdin", "{a: yes}", "stdin, line 1 column 2: key must be a string");
    }

    #[test]
    fn an_unreadable_document_does_not_hide_the_next() {
        assert_eq!(
            read("a.yaml", "a: 1\na: 2\n---\nb: 1\n"),
            [
                Err("a.yaml, document 1, line 2 column 1: duplicate key `a` in a mapping".to_owned()),
                Ok(json!({"b": 1})),
            ]
        );
    }

    #[test]
    fn yaml_errors_are_one_line_with_a_position() {
        rejects("a.yaml", "a: [1\n", "a.yaml, line 1 column 4: unclosed bracket '['");
        rejects(
            "a.yaml",
            "a: b: c\n",
            "a.yaml, line 1 column 5: mapping values are not allowed in this context",
        );
        rejects("a.yaml", "a: *x\n", "a.yaml, line 1 column 4: reference to unknown value");
        rejects("a.yaml", "a: .inf\n", "a.yaml, line 1 column 4: value `.inf` is not a finite number");
    }

    #[test]
    fn json_errors_are_one_line_with_a_position() {
        rejects("a.json", "{\"a\": 1,}", "a.json, line 1 column 9: trailing comma");
        rejects("a.json", "a: 1", "a.json, line 1 column 1: expected value");
    }

    #[test]
    fn text_in_another_encoding_is_rejected() {
        rejects("a.yaml", b"a: \xff\n", "a.yaml: not UTF-8 text");
    }

    #[test]
    fn deep_nesting_is_rejected() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read("a.yaml", nested(MAX_DEPTH))[0].is_ok());
        rejects("a.yaml", nested(MAX_DEPTH + 1), "a.yaml, line 1 column 65: nested deeper than 64 levels");
        rejects("a.yaml", nested(100_000), "a.yaml, line 1 column 256: recursion limit exceeded");
        rejects("a.json", nested(100_000), "a.json, line 1 column 128: recursion limit exceeded");
    }

    #[test]
    fn multiplying_aliases_are_rejected() {
        let mut lines = vec!["a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned()];
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            let items = [alias.as_str(); 10].join(", ");
            lines.push(format!("a{level}: &a{level} [{items}]"));
        }
        rejects(
            "a.yaml",
            lines.join("\n"),
            "a.yaml, line 5 column 45: aliases repeat more than 100000 values",
        );
    }
}
