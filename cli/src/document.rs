//! Reads the documents of a file, in YAML and JSON, like kubectl.

use std::io::BufRead;
use std::sync::Arc;

use serde_json::Value;

use crate::input::{InputError, Problem, Source};
use crate::manifest::Locator;
use crate::yaml::split::Chunks;
use crate::yaml::{Origin, Syntax};

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    /// The source of the document.
    pub source: Source,
    /// The content. Never null, because empty documents are skipped.
    pub value: Value,
    /// The text.
    pub(crate) origin: Arc<Origin>,
}

impl Document {
    /// Returns what finds the fields of the document.
    #[must_use]
    pub fn locator(&self) -> Locator {
        Locator::new(Some(Arc::clone(&self.origin)))
    }
}

/// Reads every document in the content of a file.
///
/// After a YAML document that cannot be parsed, the next documents are read.
#[must_use]
pub fn parse(file: &str, text: &[u8]) -> Vec<Result<Document, InputError>> {
    Documents::new(file, text).collect()
}

/// The documents of a file. At most two of them are in memory.
pub(crate) struct Documents<R> {
    file: String,
    /// Nothing after the last document.
    chunks: Option<Chunks<R>>,
    /// The next document, if it was read to find out whether the file has several.
    ahead: Option<Result<(Value, Origin), Problem>>,
    /// The number of the last document, from 1. Empty documents do not count.
    number: usize,
    has_several: bool,
    /// The problem of the file, if it cannot be read from the start.
    unreadable: Option<Problem>,
}

impl<R: BufRead> Documents<R> {
    /// Starts to read a file with a name.
    pub(crate) fn new(file: &str, reader: R) -> Self {
        let (chunks, unreadable) = match Chunks::new(file, reader) {
            Ok(chunks) => (Some(chunks), None),
            Err(problem) => (None, Some(problem)),
        };
        Self { file: file.to_owned(), chunks, ahead: None, number: 0, has_several: false, unreadable }
    }

    /// Reads the next document that is not empty.
    fn read(&mut self) -> Option<Result<(Value, Origin), Problem>> {
        if let Some(problem) = self.unreadable.take() {
            return Some(Err(problem));
        }
        loop {
            let chunks = self.chunks.as_mut()?;
            let syntax = chunks.syntax();
            let Some(chunk) = chunks.next() else {
                self.chunks = None;
                return None;
            };
            match chunk.and_then(|chunk| Origin::parse(chunk, syntax)) {
                Ok((Value::Null, _)) => {}
                Ok(document) => return Some(Ok(document)),
                Err(problem) => {
                    // A broken JSON value does not show where the next value starts.
                    if syntax == Syntax::Json {
                        self.chunks = None;
                    }
                    return Some(Err(problem));
                }
            }
        }
    }
}

impl<R: BufRead> Iterator for Documents<R> {
    type Item = Result<Document, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let document = match self.ahead.take() {
            Some(document) => document,
            None => self.read()?,
        };
        self.number += 1;
        if self.number == 1 {
            self.ahead = self.read();
            self.has_several = self.ahead.is_some();
        }
        let mut source = Source::file(&self.file);
        source.document = self.has_several.then_some(self.number);
        Some(match document {
            Ok((value, origin)) => Ok(Document { source, value, origin: Arc::new(origin) }),
            Err(problem) => Err(InputError::new(source, problem)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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
            "base: &base {a: 1, b: 2}\nbig:\n  <<: *base\n  b: 3\n",
            &[json!({"base": {"a": 1, "b": 2}, "big": {"a": 1, "b": 3}})],
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
    fn a_broken_collection_costs_one_document() {
        let text = "data: {x: [1}\n---\nspec: {}\n---\nb: [\n";
        assert_eq!(
            read("a.yaml", text),
            [
                Err("a.yaml, document 1, line 1 column 11: mismatched bracket '[' closed by '}'".to_owned()),
                Ok(json!({"spec": {}})),
                Err("a.yaml, document 3, line 5 column 4: unclosed bracket '['".to_owned()),
            ]
        );
    }

    #[test]
    fn quoted_text_continues_at_any_indentation() {
        let text =
            "env:\n  - name: BANNER\n    value: 'a long text: that\n  was folded'\n    other: \"a\n\n\tb\"\n";
        let banner = json!({"name": "BANNER", "value": "a long text: that was folded", "other": "a\nb"});
        reads("a.yaml", text, &[json!({"env": [banner]})]);
    }

    #[test]
    fn a_dash_is_a_value_in_a_flow_collection() {
        reads("a.yaml", "[tar, xf, -]", &[json!(["tar", "xf", "-"])]);
        rejects(
            "a.yaml",
            "[?x]",
            "a.yaml, line 1 column 2: kubectl reads this `?` as the start of a key: quote the text",
        );
    }

    #[test]
    fn a_second_document_needs_a_separator() {
        rejects(
            "a.yaml",
            "a: 1\n...\nb: 1\n",
            "a.yaml, line 3 column 1: kubectl ignores a document after `...`: separate documents with `---`",
        );
        rejects(
            "a.yaml",
            "--- {a: 1}\n",
            "a.yaml, line 1 column 5: expected a new line after `---`, got `{a: 1}`",
        );
    }

    #[test]
    fn surrogate_escapes_are_read_in_json_only() {
        let text = "{\"a\": \"\\ud83d\\ude00\"}";
        for file in ["a.json", "a.yaml", "stdin"] {
            reads(file, text, &[json!({"a": "😀"})]);
        }
        rejects("a.yaml", "{\"a\": 1, \"a\": 2}", "a.yaml, line 1 column 10: duplicate key `a` in a mapping");
        rejects(
            "a.yaml",
            "a: \"\\ud83d\\ude00\"",
            "a.yaml, line 1 column 4: kubectl does not read `\\ud800` to `\\udfff`: write the character, or `\\U` and 8 digits",
        );
        reads("a.yaml", "a: \"\\\\ud83d 😀\"", &[json!({"a": "\\ud83d 😀"})]);
    }

    #[test]
    fn characters_that_end_a_line_for_kubectl_are_rejected() {
        rejects(
            "a.yaml",
            "a: 1\n# b\u{2028}c: 1\n",
            "a.yaml, line 2 column 4: kubectl reads this character as the end of a line: write its escape in double quotes",
        );
    }

    #[test]
    fn anchors_and_tags_are_checked() {
        rejects(
            "a.yaml",
            "a: &x [*x]\n",
            "a.yaml, line 1 column 8: the alias is in the value that it repeats",
        );
        rejects("a.yaml", "a: !env x\n", "a.yaml, line 1 column 4: the tag `!env` is not supported");
        rejects("a.yaml", "a: !!int x\n", "a.yaml, line 1 column 10: `x` is not a value of type `!!int`");
        rejects(
            "a.yaml",
            "<<: 1\n",
            "a.yaml, line 1 column 5: `<<`: expected a mapping or a sequence of mappings",
        );
        rejects(
            "a.yaml",
            "? [a]\n: 1\n",
            "a.yaml, line 1 column 3: expected a string as a key, got a sequence",
        );
        rejects(
            "a.yaml",
            "on: push\n",
            "a.yaml, line 1 column 1: kubectl reads the key `on` as `true`: quote it",
        );
    }

    #[test]
    fn utf_16_is_read() {
        let text = "\u{feff}a: é\n---\nb: 1\n";
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read("a.yaml", bytes), [Ok(json!({"a": "é"})), Ok(json!({"b": 1}))]);
    }

    #[test]
    fn two_documents_at_most_are_in_memory() {
        let endless = std::io::repeat(b'\n').take(5).chain(EndlessPods::default());
        let documents = Documents::new("stdin", std::io::BufReader::new(endless)).take(100);
        assert_eq!(documents.filter_map(Result::ok).count(), 100);
    }

    /// Documents without an end.
    #[derive(Default)]
    struct EndlessPods(usize);

    impl std::io::Read for EndlessPods {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            for byte in &mut *buffer {
                *byte = b"a: 1\n---\n"[self.0 % 9];
                self.0 += 1;
            }
            Ok(buffer.len())
        }
    }

    #[test]
    fn yaml_errors_are_one_line_with_a_position() {
        rejects("a.yaml", "a: [1\n", "a.yaml, line 1 column 4: unclosed bracket '['");
        rejects(
            "a.yaml",
            "a: b: c\n",
            "a.yaml, line 1 column 5: mapping values are not allowed in this context",
        );
        rejects(
            "a.yaml",
            "a: *x\n",
            "a.yaml, line 1 column 4: the alias `*x` does not have an anchor above it",
        );
        rejects("a.yaml", "a: .inf\n", "a.yaml, line 1 column 4: value `.inf` is not a finite number");
    }

    #[test]
    fn json_errors_are_one_line_with_a_position() {
        rejects("a.json", "{\"a\": 1,}", "a.json, line 1 column 9: trailing comma");
        rejects("a.json", "a: 1", "a.json, line 1 column 1: expected value");
    }

    #[test]
    fn text_in_another_encoding_is_rejected() {
        rejects("a.yaml", b"a: \xff\n", "a.yaml, line 1 column 4: not UTF-8 text");
    }

    #[test]
    fn deep_nesting_is_rejected() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read("a.yaml", nested(64))[0].is_ok());
        rejects("a.yaml", nested(65), "a.yaml, line 1 column 65: nested deeper than 64 levels");
        rejects("a.yaml", nested(100_000), "a.yaml, line 1 column 65: nested deeper than 64 levels");
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
