//! Conformance with RFC 8259, with the categories of public test suites: texts that every parser accepts, texts that every parser
//! rejects, and texts for which the RFC leaves the choice to parsers.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Skipped, Whole, accepts};

/// Valid JSON, which the reader reads and skips.
const ACCEPTED: [(&str, &[u8]); 47] = [
    ("an empty list", b"[]"),
    ("an empty object", b"{}"),
    ("a list that ends with a space", b"[1 ]"),
    ("a list that contains only null", b"[null]"),
    ("a list of different types", b"[null, 1, \"1\", {}]"),
    ("a list with nulls between items", b"[1,null,null,2]"),
    ("lists in lists", b"[[[]],[[]]]"),
    ("an object in a list in an object", b"{\"a\":[{\"b\":{}}]}"),
    ("an empty key", b"{\"\":0}"),
    ("a key of one escape", b"{\"\\u0061\":0}"),
    ("a key with a NUL as an escape", b"{\"a\\u0000b\":42}"),
    ("a key with a quote", b"{\"\\\"\":1}"),
    ("a key that occurs twice", b"{\"a\":\"b\",\"a\":\"c\"}"),
    ("a key and value that occur twice", b"{\"a\":\"b\",\"a\":\"b\"}"),
    ("a long key", b"{\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\":1}"),
    ("line breaks between fields", b"{\n\"a\"\n:\n\"b\"\n,\n\"c\":1\n}"),
    ("carriage returns and tabs", b"\r\t[\r\t1\r\t,\r\t2\r\t]\r\t"),
    ("white space around a value", b" \n\t\r null \n\t\r "),
    ("a number with a fraction", b"[123.456789]"),
    ("a negative integer", b"[-123]"),
    ("zero", b"0"),
    ("minus zero", b"-0"),
    (
        "a negative fraction close to zero",
        b"[-0.000000000000000000000000000000000000000000000000000000000001]",
    ),
    ("an exponent", b"[1e2]"),
    ("an exponent of zero", b"[0e1]"),
    ("a capital exponent", b"[1E22]"),
    ("an exponent with a plus", b"[0e+1]"),
    ("an exponent with a minus", b"[1E-2]"),
    ("a fraction with an exponent", b"[123.456e78]"),
    ("an integer beyond 64 bits", b"[100000000000000000000]"),
    ("true", b"true"),
    ("false", b"false"),
    ("null", b"null"),
    ("a string", b"\"a\""),
    ("an empty string", b"\"\""),
    ("a string of a space", b"\" \""),
    ("every short escape", br#""\"\\\/\b\f\n\r\t""#),
    ("an escaped backslash before a u", br#""\\u0061""#),
    ("an escape of a control character", br#""\u0012""#),
    ("an escape with capital digits", br#""\u00AF\u00af""#),
    ("a surrogate pair", br#""\uD801\udc37""#),
    ("two surrogate pairs", br#""\ud83d\ude39\ud83d\udc8d""#),
    ("an escape of a character that strings must escape", br#""\u0000""#),
    ("an escape of a noncharacter", br#""\uFFFF""#),
    ("UTF-8 of two, three and four bytes", "\"é \u{2028}\u{20ac} 😀\"".as_bytes()),
    ("a DEL, which is not a control character of JSON", b"\"\x7f\""),
    ("comments in a string", b"\"a/*b*/c//d\""),
];

/// Texts that are not JSON. The reader never reads them. The flag states whether it skips them, because skipping only searches for
/// the end of a value.
const REJECTED: [(&str, &[u8], bool); 93] = [
    ("nothing", b"", false),
    ("white space alone", b" ", false),
    ("a word", b"a", false),
    ("the beginning of a word", b"nul", false),
    ("a word with another letter", b"nulll", false),
    ("two words in one", b"truefalse", false),
    ("a capital word", b"TRUE", false),
    ("a word that changes", b"nuxl", false),
    ("NaN", b"NaN", false),
    ("infinity", b"Infinity", false),
    ("minus infinity", b"-Infinity", false),
    ("two values", b"1 2", false),
    ("two objects", b"{} {}", false),
    ("a value and a comma", b"1,", false),
    ("a value and a bracket", b"1]", false),
    ("a comma", b",", false),
    ("a colon", b":", false),
    ("a list that does not end", b"[", false),
    ("a list that does not end after an item", b"[1", false),
    ("a list that does not end after a comma", b"[1,", false),
    ("a list that ends twice", b"[]]", false),
    ("a list that does not begin", b"]", false),
    ("a list in a list that does not end", b"[[]", false),
    ("an object that does not end", b"{", false),
    ("an object that does not end after a key", b"{\"a\"", false),
    ("an object that does not end after a colon", b"{\"a\":", false),
    ("an object that does not end after a value", b"{\"a\":1", false),
    ("an object that ends twice", b"{}}", false),
    ("a string that does not end", b"\"", false),
    ("a string that ends with an escaped quote", br#""\""#, false),
    ("a string that ends with a backslash", br#""\"#, false),
    ("a string in a list that does not end", b"[\"a", false),
    ("a string that an object is in", b"\"{}", false),
    ("a comma before the first item", b"[,1]", true),
    ("a comma after the last item", b"[1,]", true),
    ("two commas", b"[1,,2]", true),
    ("a comma alone", b"[,]", true),
    ("items without a comma", b"[1 2]", true),
    ("a colon between items", b"[1:2]", true),
    ("a list that ends as an object", b"[}", true),
    ("an object that ends as a list", b"{]", true),
    ("brackets that cross", b"[{]}", true),
    ("a key alone", b"{\"a\"}", true),
    ("a key without a value", b"{\"a\":}", true),
    ("a value without a key", b"{:1}", true),
    ("a comma alone in an object", b"{,}", true),
    ("a comma after the last field", b"{\"a\":1,}", true),
    ("two commas between fields", b"{\"a\":1,,\"b\":2}", true),
    ("fields without a comma", b"{\"a\":1 \"b\":2}", true),
    ("two colons", b"{\"a\"::1}", true),
    ("an equals sign", b"{\"a\"=1}", true),
    ("a key that is a number", b"{1:1}", true),
    ("a key that is a word", b"{a:1}", true),
    ("a key that is null", b"{null:1}", true),
    ("a key that is a list", b"{[]:1}", true),
    ("a key in single quotes", b"{'a':1}", true),
    ("a string in single quotes", b"'a'", false),
    ("a comment before a value", b"/**/1", false),
    ("a comment after a value", b"1//", false),
    ("a comment of YAML", b"#\n1", false),
    ("a comment in a list", b"[1/**/]", true),
    ("a number that begins with zero", b"01", false),
    ("a negative number that begins with zero", b"-01", false),
    ("a minus alone", b"-", false),
    ("two minuses", b"--1", false),
    ("a minus before a word", b"-a", false),
    ("a plus", b"+1", false),
    ("a point alone", b".", false),
    ("a point before the first digit", b".5", false),
    ("a point after the last digit", b"1.", false),
    ("a point before an exponent", b"1.e1", false),
    ("two points", b"1.2.3", false),
    ("an exponent without digits", b"1e", false),
    ("an exponent with a sign alone", b"1e+", false),
    ("an exponent with a fraction", b"1e1.5", false),
    ("a hexadecimal number", b"0x1F", false),
    ("a number with separators", b"1_000", false),
    ("a number with full-width digits", "\u{ff11}".as_bytes(), false),
    ("an exponent without digits in a list", b"[0e]", true),
    ("an unknown escape", br#""\x00""#, false),
    ("an escape of a digit", br#""\0""#, false),
    ("an escape of a line break", b"\"\\\n\"", false),
    ("an escape with a capital u", br#""\U0061""#, false),
    ("an escape of three digits", br#""\u006""#, false),
    ("an escape of a letter that is not a digit", br#""\u00G0""#, false),
    ("an escape with a sign", br#""\u+061""#, false),
    ("a surrogate pair whose second half is broken", br#""\uD834\uDd""#, false),
    ("a tab in a string", b"\"\t\"", false),
    ("a line break in a string", b"\"\n\"", false),
    ("a NUL in a string", b"\"\0\"", false),
    ("a control character in a string in a list", b"[\"\x1f\"]", true),
    ("a form feed as white space", b"\x0c1", false),
    ("a no-break space as white space", "\u{a0}1".as_bytes(), false),
];

/// Texts for which parsers may differ: whether the reader reads them, and whether it skips them.
const IMPLEMENTATION_DEFINED: [(&str, &[u8], bool, bool); 22] = [
    ("a number beyond all floats", b"1e400", true, true),
    ("a negative number beyond all floats", b"-1e9999", true, true),
    ("a number below all floats", b"1e-400", true, true),
    ("half of a surrogate pair", br#""\ud800""#, false, true),
    ("the second half of a surrogate pair", br#""\udc00""#, false, true),
    ("a surrogate pair in the wrong order", br#""\udc00\ud800""#, false, true),
    ("two first halves of surrogate pairs", br#""\ud800\ud800""#, false, true),
    ("half of a surrogate pair and a character", br#""\ud800a""#, false, true),
    ("half of a surrogate pair and a short escape", br#""\ud800\n""#, false, true),
    ("half of a surrogate pair and an escape", br#""\ud800\u0061""#, false, true),
    ("half of a surrogate pair in a key", br#"{"\ud800":1}"#, false, true),
    ("a byte that is not UTF-8", b"\"\xff\"", false, true),
    ("UTF-8 that ends early", b"\"\xe0\xff\"", false, true),
    ("UTF-8 that is too long", b"\"\xc0\xaf\"", false, true),
    ("a surrogate in UTF-8", b"\"\xed\xa0\x80\"", false, true),
    ("UTF-8 beyond Unicode", b"\"\xf4\xbf\xbf\xbf\"", false, true),
    ("a key that is not UTF-8", b"{\"\xff\":1}", false, true),
    ("bytes that are not UTF-8 between values", b"[1,\xff]", false, true),
    ("a byte order mark", b"\xef\xbb\xbf{}", false, false),
    ("half of a byte order mark", b"\xef\xbb{}", false, false),
    ("UTF-16, lowest byte first", b"[\0]\0", false, false),
    ("UTF-16, highest byte first", b"\0[\0]", false, false),
];

fn is_json(json: &[u8]) -> bool {
    serde_json::from_slice::<Value>(json).is_ok()
}

#[test]
fn valid_json_is_read_and_skipped() {
    for (case, json) in ACCEPTED {
        assert!(is_json(json), "{case}");
        assert!(accepts::<Whole>(json), "{case}");
        assert!(accepts::<Skipped>(json), "{case}");
    }
}

#[test]
fn invalid_json_is_not_read() {
    for (case, json, is_skipped) in REJECTED {
        assert!(!is_json(json), "{case}");
        assert!(!accepts::<Whole>(json), "{case}");
        assert_eq!(accepts::<Skipped>(json), is_skipped, "{case}");
    }
}

#[test]
fn implementation_defined_texts_are_handled() {
    for (case, json, is_read, is_skipped) in IMPLEMENTATION_DEFINED {
        assert_eq!(accepts::<Whole>(json), is_read, "{case}");
        assert_eq!(accepts::<Skipped>(json), is_skipped, "{case}");
    }
}

#[test]
#[ignore = "it writes files: `make fuzz` runs it"]
fn every_case_is_a_seed() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/json_view");
    fs::create_dir_all(&corpus).unwrap();
    let rejected = REJECTED.map(|(case, json, _)| (case, json));
    let implementation_defined = IMPLEMENTATION_DEFINED.map(|(case, json, ..)| (case, json));
    for (case, json) in ACCEPTED.into_iter().chain(rejected).chain(implementation_defined) {
        fs::write(corpus.join(case.replace(' ', "_")), json).unwrap();
    }
}
