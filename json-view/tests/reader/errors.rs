//! Errors: message, byte offset and field path.

use json_view::{Error, ErrorKind, PathSegment, ReadJson, Reader, Text, from_slice, views};

use crate::Skipped;

views! {
    struct Pod<'a> {
        containers "containers": Vec<Container<'a>>,
        host_pid "hostPID": Option<bool>,
    }

    struct Container<'a> {
        image "image": Text<'a>,
        user "runAsUser": Option<i64>,
        extra "ex\"tra": Named,
    }
}

/// An object with unknown keys, whose values are lists of integers.
#[derive(Debug, Default)]
struct Named(Vec<i64>);

impl<'a> ReadJson<'a> for Named {
    fn read(&mut self, reader: &mut Reader<'a>) -> Result<(), Error> {
        let mut entries = reader.object()?;
        while let Some(key) = entries.next_key()? {
            match &*key {
                "again" => return Err(entries.duplicate_field(&*key)),
                "forbidden" => return Err(entries.error("must not be there").in_key(&key)),
                _ => entries.read(&mut self.0)?,
            }
        }
        Ok(())
    }
}

/// Returns a path in the form `containers/1/image`.
fn path(error: &Error) -> String {
    let segments = error.path().map(|segment| match segment {
        PathSegment::Key(key) => key.clone(),
        PathSegment::Index(index) => index.to_string(),
    });
    segments.collect::<Vec<_>>().join("/")
}

#[track_caller]
#[expect(clippy::unwrap_used, reason = "a text that is read ends its test")]
fn assert_error<'a, T: ReadJson<'a>>(json: &'a str, kind: ErrorKind, at: &str, message: &str, offset: usize) {
    let error = from_slice::<T>(json.as_bytes()).map(|_| ()).unwrap_err();
    let found = (error.kind(), path(&error), error.message(), error.offset());
    assert_eq!(found, (kind, at.to_owned(), message, offset), "{json}");
    assert_eq!(error.is_syntax(), kind == ErrorKind::Syntax);
    assert_eq!(error.to_string(), format!("{message} at byte {offset}"));
}

#[test]
fn a_type_error_has_a_path() {
    let shape = |json, at, message, offset| assert_error::<Pod>(json, ErrorKind::Shape, at, message, offset);
    shape("3", "", "expected an object, got a number", 0);
    shape(r#"{"containers": {}}"#, "containers", "expected a list, got an object", 15);
    shape(r#"{"containers": [null]}"#, "containers/0", "expected an object, got null", 16);
    shape(r#"{"containers": [{}, []]}"#, "containers/1", "expected an object, got a list", 20);
    shape(
        r#"{"containers": [{"image": true}]}"#,
        "containers/0/image",
        "expected a string, got a boolean",
        26,
    );
    shape(r#"{"hostPID" : "yes"}"#, "hostPID", "expected a boolean, got a string", 13);
}

#[test]
fn an_error_quotes_an_invalid_integer() {
    for (number, end) in [("1.5", 31), ("1e3", 31), ("-9223372036854775809", 48), ("9223372036854775808", 47)]
    {
        let json = format!(r#"{{"containers":[{{"runAsUser":{number}}}]}}"#);
        let message = format!("expected an integer, got {number}");
        assert_error::<Pod>(&json, ErrorKind::Shape, "containers/0/runAsUser", &message, end);
    }
    for number in [i64::MIN, -1, 0, i64::MAX] {
        assert_eq!(from_slice::<i64>(number.to_string().as_bytes()), Ok(number));
    }
    assert_eq!(from_slice::<i64>(b"-0"), Ok(0));
    assert_error::<i64>("true", ErrorKind::Shape, "", "expected an integer, got a boolean", 0);
}

#[test]
fn a_path_contains_keys_without_escapes() {
    let json = r#"{"containers": [{"ex\"tra": {"\u006eice": [1, "x"]}}]}"#;
    assert_error::<Pod>(
        json,
        ErrorKind::Shape,
        "containers/0/ex\"tra/nice/1",
        "expected an integer, got a string",
        46,
    );
}

#[test]
fn a_duplicate_key_is_an_error_of_its_object() {
    let shape = |json, at, message, offset| assert_error::<Pod>(json, ErrorKind::Shape, at, message, offset);
    shape(r#"{"hostPID":null,"hostPID":true}"#, "", "duplicate field `hostPID`", 26);
    shape(r#"{"containers":[{"image":"a","image":"b"}]}"#, "containers/0", "duplicate field `image`", 36);
    shape(
        r#"{"containers":[{"ex\"tra":{"again":3}}]}"#,
        "containers/0/ex\"tra",
        "duplicate field `again`",
        35,
    );
}

#[test]
fn an_error_of_a_caller_has_a_path() {
    assert_error::<Named>(r#"{"forbidden":1}"#, ErrorKind::Shape, "forbidden", "must not be there", 13);
}

#[test]
fn an_invalid_string_is_a_shape_error() {
    let pair = "must not hold half of a surrogate pair";
    assert_error::<Text>(r#""\ud800""#, ErrorKind::Shape, "", pair, 7);
    assert_error::<Vec<Text>>(r#"["", "\udc00x"]"#, ErrorKind::Shape, "1", pair, 12);
    assert_error::<Named>(r#"{"\ud800":1}"#, ErrorKind::Shape, "", pair, 8);
    let error = from_slice::<Vec<Text>>(b"[\"\xff\"]").unwrap_err();
    assert_eq!((path(&error), error.message(), error.offset()), ("0".to_owned(), "must be UTF-8", 3));
}

#[test]
fn a_syntax_error_has_the_offset_of_the_invalid_byte() {
    let syntax =
        |json, at, message, offset| assert_error::<Pod>(json, ErrorKind::Syntax, at, message, offset);
    syntax("", "", "expected a value", 0);
    syntax(" ", "", "expected a value", 1);
    syntax("x", "", "expected a value", 0);
    syntax("{} x", "", "expected nothing more", 3);
    syntax("{", "", "expected a key", 1);
    syntax("{3: 4}", "", "expected a key", 1);
    syntax(r#"{"a" 1}"#, "", "expected a colon", 5);
    syntax(r#"{"a": 1 "b": 2}"#, "", "expected a comma or the end of the list or object", 8);
    syntax(r#"{"hostPID": tru}"#, "hostPID", "expected a value", 12);
    syntax(r#"{"hostPID": nul}"#, "hostPID", "expected a value", 12);
    syntax(r#"{"containers": [{}"#, "containers", "expected a comma or the end of the list or object", 18);
    syntax(r#"{"containers": [{}, "#, "containers/1", "expected a value", 20);
    syntax(r#"{"containers": [{"image": "a}]}"#, "containers/0/image", "the string does not end", 31);
    syntax(r#"{"containers": [{"image": "a\x"}]}"#, "containers/0/image", "an invalid escape", 28);
    syntax(r#"{"containers": [{"runAsUser": -}]}"#, "containers/0/runAsUser", "expected a digit", 31);
}

#[test]
fn an_unterminated_skipped_value_is_a_syntax_error() {
    let syntax =
        |json, message, offset| assert_error::<Skipped>(json, ErrorKind::Syntax, "", message, offset);
    let unclosed = "expected a comma or the end of the list or object";
    syntax("[", unclosed, 1);
    syntax("{\"a\": [1, 2", unclosed, 11);
    syntax("[\"]", unclosed, 3);
    syntax("\"a\tb\"", "a control character in a string", 2);
    syntax("\"a\\u12\"", "an invalid escape", 2);
    syntax("\"a", "the string does not end", 2);
    syntax("1.x", "expected a digit", 2);
    syntax("1.5 x", "expected nothing more", 4);
}

#[test]
fn an_error_can_be_moved_to_an_outer_text() {
    let error = from_slice::<Vec<i64>>(b"[true]").unwrap_err().at_index(7).in_key("list");
    assert_eq!(path(&error), "list/7/0");
    assert_eq!(error.path().len(), 3);
}

#[test]
fn an_error_has_the_size_of_a_pointer() {
    assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
}
