//! The reader agrees with `serde_json` about syntax and values.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use serde_json::Value;

use crate::{Skipped, Whole, accepts};

const SAMPLE: &str = r#" {"a": [true, false, null, -0, 1.5e+3, 10E-2, "", [], {}], "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00": "é😀 and plain text",
        "nested": {"x": [[{"y": {}}], "0123456\"789\\", "01234567"]}, "z": 0} "#;

/// Checks that the reader reads and skips JSON, and does not read anything else. Skipping only searches for the end of a value,
/// so the reader may skip text that is not JSON.
#[track_caller]
fn assert_agreement(json: &[u8]) {
    let shown = String::from_utf8_lossy(json);
    let theirs = serde_json::from_slice::<Value>(json);
    assert!(theirs.is_err() || accepts::<Skipped>(json), "not skipped: {shown}");
    match (theirs, json_view::from_slice::<Whole>(json)) {
        (Ok(theirs), Ok(Whole(ours))) => assert_eq!(ours, theirs, "{shown}"),
        // `serde_json` rejects numbers beyond the range of floats.
        (Err(error), Ok(_)) => {
            assert!(error.to_string().starts_with("number out of range"), "read: {shown}");
        }
        (theirs, Err(error)) => assert!(theirs.is_err(), "not read: {shown}: {error}"),
    }
}

#[test]
fn every_small_change_to_a_text_is_read_like_serde_json() {
    let sample = SAMPLE.as_bytes();
    assert_agreement(sample);
    for position in 0..sample.len() {
        assert_agreement(&sample[..position]);
        assert_agreement(&[&sample[..position], &sample[position + 1..]].concat());
        for byte in *b"\"\\{}[]:,0-.eu n\x00\x1f\x7f\x80\xff\n" {
            assert_agreement(&[&sample[..position], &[byte], &sample[position + 1..]].concat());
            assert_agreement(&[&sample[..position], &[byte], &sample[position..]].concat());
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..8)
                .prop_map(|entries| entries.into_iter().collect()),
        ]
    })
}

/// Escapes every character that is not plain ASCII.
fn with_escapes(json: &str) -> String {
    let mut escaped = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(plain @ b' '..=b'~') => escaped.push(plain.into()),
            // Writing to a string does not fail.
            _ => _ = write!(escaped, "\\u{unit:04X}"),
        }
    }
    escaped
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, rng_seed: RngSeed::Fixed(17), ..Config::default() })]

    #[test]
    fn every_value_is_read_in_any_notation(value in any_value()) {
        let compact = value.to_string();
        assert_agreement(compact.as_bytes());
        assert_agreement(with_escapes(&compact).as_bytes());
        assert_agreement(serde_json::to_string_pretty(&value).unwrap_or_default().as_bytes());
    }

    #[test]
    fn almost_valid_json_is_read_like_serde_json(
        json in "([\\[\\]{},: ]|\"[a-z\\\\\"éu0-9]{0,9}\"|-?[0-9.eE+-]{1,5}|true|false|null|nul){0,30}",
    ) {
        assert_agreement(json.as_bytes());
    }
}
