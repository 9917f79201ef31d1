//! Limits of a reader: nesting depth and list items.

use json_view::{DEFAULT_MAX_ITEMS, ErrorKind, MAX_DEPTH, RawValue, ReadJson};

use crate::{Skipped, Whole, accepts};

#[test]
fn values_nest_at_most_128_levels_deep() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for (depth, fits) in [(127, true), (128, true), (129, false), (100_000, false)] {
        assert_eq!(accepts::<Skipped>(nested(depth).as_bytes()), fits, "skipped {depth}");
        assert_eq!(accepts::<Whole>(nested(depth).as_bytes()), fits, "read {depth}");
        assert_eq!(accepts::<Vec<RawValue>>(nested(depth).as_bytes()), fits, "skipped in a list {depth}");
    }
    assert_eq!(MAX_DEPTH, 128);
}

#[test]
fn values_may_nest_one_level_deeper_than_serde_json_reads_them() {
    let is_read_by_serde_json = |depth: usize| {
        let json = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        serde_json::from_str::<serde_json::Value>(&json).is_ok()
    };
    assert_eq!([127, 128].map(is_read_by_serde_json), [true, false]);
}

#[test]
fn brackets_in_strings_do_not_nest() {
    let json = format!("[\"{}\", \"\\\"{}\"]", "[".repeat(1000), "{".repeat(1000));
    assert!(accepts::<Skipped>(json.as_bytes()));
    assert!(accepts::<Whole>(json.as_bytes()));
}

#[test]
fn the_error_for_deep_nesting_has_the_offset_of_the_bracket() {
    let json = "[".repeat(1000);
    for error in [
        json_view::from_slice::<Skipped>(json.as_bytes()).unwrap_err(),
        json_view::from_slice::<Whole>(json.as_bytes()).unwrap_err(),
        json_view::from_slice::<Vec<Skipped>>(json.as_bytes()).unwrap_err(),
    ] {
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::Syntax, "nested too deeply at byte 129".into())
        );
    }
}

#[test]
fn the_item_limit_applies_to_all_lists_together() {
    let read = |json: &str, max_items: usize| {
        json_view::read_with(json.as_bytes(), |reader| {
            reader.set_max_items(max_items);
            let mut lists: Vec<Vec<i64>> = Vec::new();
            lists.read(reader)?;
            Ok((lists, reader.item_count()))
        })
    };
    assert_eq!(read("[[1], [2, 3]]", 5).unwrap(), (vec![vec![1], vec![2, 3]], 5));
    let error = read("[[1], [2, 3]]", 4).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyItems);
    assert_eq!(error.to_string(), "too many list items: at most 4 are read at byte 9");
    assert_eq!(format!("{:?}", error.path().collect::<Vec<_>>()), "[Index(1), Index(1)]");
}

#[test]
fn skipped_items_do_not_count() {
    let json = "[1, 2, 3]";
    let skipped = json_view::read_with(json.as_bytes(), |reader| {
        reader.set_max_items(0);
        reader.skip()
    });
    assert_eq!(skipped, Ok(()));
}

#[test]
fn a_reader_keeps_50_000_items_by_default() {
    let list = |length: usize| format!("[0{}]", ",0".repeat(length - 1));
    assert!(accepts::<Vec<i64>>(list(DEFAULT_MAX_ITEMS).as_bytes()));
    assert!(!accepts::<Vec<i64>>(list(DEFAULT_MAX_ITEMS + 1).as_bytes()));
    assert_eq!(DEFAULT_MAX_ITEMS, 50_000);
}
