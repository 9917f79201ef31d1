//! Compares the reader of requests with `serde_json`: values, skipping and error offsets, on arbitrary bytes and on JSON that is
//! generated from them.

#![no_main]
#![expect(clippy::panic, clippy::unwrap_used, reason = "a difference is a failure")]

mod document;
mod whole;

use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use document::Document;
use json_view::{Error, ErrorKind, PathSegment, RawValue, Reader, Text, from_slice, read_with, views};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use whole::{Entries, Whole};

views! {
    /// Similar keys, of all lengths that have a comparison of their own.
    struct Known<'a> {
        empty "": Option<Whole>,
        short "a": Option<Whole>,
        escaped "\"\u{e9}\n": Option<Whole>,
        eight "abcdefgh": Option<Whole>,
        nine "abcdefghi": Option<Whole>,
        other_nine "abcdefghj": Option<Whole>,
        raw "raw": RawValue<'a>,
    }

    /// Fields whose types may differ from the document.
    struct Typed<'a> {
        number "a": Option<i64>,
        flags "abcdefgh": Vec<bool>,
        texts "abcdefghi": Vec<Text<'a>>,
        inner "": Option<Box<Typed<'a>>>,
    }
}

fuzz_target!(|data: &[u8]| {
    check(data);
    if let Ok(document) = Document::arbitrary(&mut Unstructured::new(data)) {
        check(&document.to_json());
    }
});

fn check(json: &[u8]) {
    let theirs = serde_json::from_slice::<Value>(json);
    check_skipping(json);
    check_reading(json, &theirs);
    if let Ok(value) = theirs {
        check_raw(json, &value);
        check_view(json);
        check_types(json, &value);
    }
}

/// Checks that the reader skips a value to the same end as `serde_json`.
fn check_skipping(json: &[u8]) {
    let mut stream = serde_json::Deserializer::from_slice(json).into_iter::<IgnoredAny>();
    let is_value = stream.next().is_some_and(|value| value.is_ok());
    let mut end = Err(None);
    let skipped = read_with(json, |reader| {
        end = reader.skip().map(|()| reader.position()).map_err(Some);
        Ok(())
    });
    match (is_value, end) {
        (true, Ok(end)) => assert_eq!(end, stream.byte_offset(), "the end of the skipped value differs"),
        (true, Err(error)) => assert!(is_too_deep(error.as_ref()), "not skipped: {error:?}"),
        (false, _) => {}
    }
    assert_offset(json, skipped.err().as_ref());
}

/// Whether the reader rejects a value for its depth, which `serde_json` does not limit for ignored values.
fn is_too_deep(error: Option<&Error>) -> bool {
    error.is_some_and(|error| error.message() == "nested too deeply")
}

/// Checks that the reader reads the same values as `serde_json`, and rejects everything else.
fn check_reading(json: &[u8], theirs: &serde_json::Result<Value>) {
    match (theirs, from_slice::<Whole>(json)) {
        (Ok(theirs), Ok(ours)) => assert_eq!(ours.value, *theirs, "the value differs"),
        (Ok(_), Err(error)) => panic!("not read: {error:?}"),
        (Err(error), Ok(_)) => {
            // The number exceeds the range of floats, or the text nests one level deeper than the limit of `serde_json`.
            let message = error.to_string();
            let is_exempt = ["number out of range", "recursion limit exceeded"];
            assert!(is_exempt.iter().any(|reason| message.starts_with(reason)), "read: {message}");
        }
        (Err(_), Err(error)) => assert_offset(json, Some(&error)),
    }
}

fn assert_offset(json: &[u8], error: Option<&Error>) {
    assert!(error.is_none_or(|error| error.offset() <= json.len()), "an error after the end: {error:?}");
}

/// Checks that raw items of a list are unchanged.
fn check_raw(json: &[u8], value: &Value) {
    if let Value::Array(items) = value {
        let raw = read_with(json, |reader| {
            let mut list = reader.list()?;
            let mut raw = Vec::new();
            while list.next_item()? {
                raw.push(list.read_with(Reader::raw)?);
            }
            Ok(raw)
        });
        let raw: Vec<_> = raw.unwrap().into_iter().map(|RawValue(item)| item).collect();
        let theirs: Vec<&serde_json::value::RawValue> = serde_json::from_slice(json).unwrap();
        assert!(
            theirs.iter().map(|item| item.get().as_bytes()).eq(raw.iter().copied()),
            "the raw items differ"
        );
        let parsed = raw.iter().map(|item| serde_json::from_slice::<Value>(item).unwrap());
        assert!(parsed.eq(items.iter().cloned()), "the values of the raw items differ");
    }
}

/// Checks that a view has the values of its keys, unless a key is a duplicate.
fn check_view(json: &[u8]) {
    let Ok(Entries(entries)) = serde_json::from_slice(json) else { return };
    let known = ["", "a", "\"\u{e9}\n", "abcdefgh", "abcdefghi", "abcdefghj", "raw"];
    let mut expected: BTreeMap<&str, Value> = BTreeMap::new();
    let mut duplicate = None;
    for (key, value) in entries {
        let Some(key) = known.iter().find(|known| **known == key) else { continue };
        if expected.insert(key, value).is_some() {
            duplicate = duplicate.or(Some(key));
        }
    }
    match (from_slice::<Known>(json), duplicate) {
        (Ok(view), None) => {
            let Known { empty, short, escaped, eight, nine, other_nine, raw } = view;
            let raw = (!raw.0.is_empty()).then(|| serde_json::from_slice(raw.0).unwrap());
            let values =
                [empty, short, escaped, eight, nine, other_nine].map(|field| field.map(|whole| whole.value));
            for (key, value) in known.iter().zip(values.into_iter().chain([raw])) {
                let expected = expected.remove(key).unwrap_or_default();
                assert_eq!(value.unwrap_or_default(), expected, "the field {key:?} has another value");
            }
        }
        (Err(error), Some(key)) => {
            assert_eq!(error.message(), format!("duplicate field `{key}`"));
            assert_eq!(error.path().len(), 0, "the error belongs to the object");
        }
        (view, duplicate) => panic!("{view:?}, although this key is a duplicate: {duplicate:?}"),
    }
}

/// Checks that a type error has the path of a value with another type.
fn check_types(json: &[u8], value: &Value) {
    let Err(error) = from_slice::<Typed>(json) else { return };
    assert_eq!(error.kind(), ErrorKind::Shape, "{error:?}");
    assert_offset(json, Some(&error));
    let is_duplicate = error.message().starts_with("duplicate field");
    let Whole { has_duplicates, .. } = from_slice(json).unwrap();
    assert!(has_duplicates || !is_duplicate, "no key is a duplicate: {error:?}");
    if has_duplicates {
        // `Value` keeps only one of two equal keys.
        return;
    }
    let found = error.path().try_fold(value, |value, segment| match segment {
        PathSegment::Key(key) => value.get(key),
        PathSegment::Index(index) => value.get(index),
    });
    let found = found.unwrap_or_else(|| panic!("the value does not exist: {error:?}"));
    let last = error.path().last();
    let has_expected_type = match (last, error.path().rev().nth(1)) {
        (None, _) => found.is_object(),
        (Some(PathSegment::Key(key)), _) if key == "a" => found.is_i64(),
        (Some(PathSegment::Key(key)), _) if key.is_empty() => found.is_object(),
        (Some(PathSegment::Key(_)), _) => found.is_array(),
        (Some(PathSegment::Index(_)), Some(PathSegment::Key(key))) if key == "abcdefgh" => found.is_boolean(),
        (Some(PathSegment::Index(_)), _) => found.is_string(),
    };
    assert!(!has_expected_type, "the value has the expected type: {error:?}");
}
