//! Additions to JSON, made in the text as it is written: whatever stands there already stays as it is, byte for byte.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;

use crate::json::{self, Error, Failure, Reader};

/// A step from a JSON value to one in it.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// To the value at a key of an object.
    Key(&'static str),
    /// To an item that a list has.
    Index(usize),
    /// Behind the last item of a list.
    End,
}

/// What is added to a JSON value: to one that is not there or `null`, to the fields of an object, to the items of a list,
/// to the end of a string.
#[derive(Debug, Default)]
pub struct Additions {
    value: Option<String>,
    suffix: Option<String>,
    fields: Vec<(&'static str, Additions)>,
    items: Vec<Additions>,
    appended: Vec<String>,
}

impl Additions {
    /// Adds a value, given in JSON, where a path leads. Objects and lists on the way are made where they are missing.
    pub fn add(&mut self, path: &[Step], json: String) {
        match path.split_last() {
            Some((Step::End, parent)) => self.at(parent, |list| list.appended.push(json)),
            _ => self.at(path, |place| place.value = Some(json)),
        }
    }

    /// Adds to the end of a string, where a path leads to one. No character of the text needs an escape in JSON.
    pub fn add_suffix(&mut self, path: &[Step], text: String) {
        self.at(path, |place| place.suffix = Some(text));
    }

    /// Does something to what is added where a path leads.
    fn at(&mut self, path: &[Step], change: impl FnOnce(&mut Self)) {
        let mut place = self;
        for step in path {
            let next = match step {
                Step::Key(key) => place.field(key),
                Step::Index(index) => place.item(*index),
                Step::End => None,
            };
            let Some(next) = next else { return };
            place = next;
        }
        change(place);
    }

    fn field(&mut self, key: &'static str) -> Option<&mut Self> {
        let known = self.fields.iter().position(|(known, _)| *known == key);
        let place = known.unwrap_or(self.fields.len());
        if known.is_none() {
            self.fields.push((key, Self::default()));
        }
        self.fields.get_mut(place).map(|(_, field)| field)
    }

    fn item(&mut self, index: usize) -> Option<&mut Self> {
        while self.items.len() <= index {
            self.items.push(Self::default());
        }
        self.items.get_mut(index)
    }

    fn is_empty(&self) -> bool {
        let Self { value, suffix, fields, items, appended } = self;
        value.is_none() && suffix.is_none() && fields.is_empty() && items.is_empty() && appended.is_empty()
    }

    /// The value where there is none yet.
    #[must_use]
    pub fn to_json(&self) -> String {
        if let Some(value) = &self.value {
            return value.clone();
        }
        if self.fields.is_empty() {
            return format!("[{}]", self.appended.join(","));
        }
        let fields: Vec<_> = self.fields.iter().map(|(key, field)| field.to_field(key)).collect();
        format!("{{{}}}", fields.join(","))
    }

    fn to_field(&self, key: &str) -> String {
        format!("\"{key}\":{}", self.to_json())
    }
}

/// A string in JSON.
#[must_use]
pub fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    let mut done = 0;
    for (place, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' | b'\\' => byte,
            b'\x08' => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            b'\x0c' => b'f',
            b'\r' => b'r',
            ..b' ' => b'u',
            _ => continue,
        };
        json.push_str(text.get(done..place).unwrap_or_default());
        json.push('\\');
        json.push(char::from(escape));
        if escape == b'u' {
            // Writing to a string cannot fail.
            let _ = write!(json, "{byte:04x}");
        }
        done = place + 1;
    }
    json.push_str(text.get(done..).unwrap_or_default());
    json.push('"');
    json
}

/// Text to be put into another one.
#[derive(Debug, Default)]
pub struct Insertions(BinaryHeap<Reverse<Insertion>>);

/// Ordered by their offsets. A heap puts them in order with a tenth of the code of a sort.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Insertion {
    /// The number of bytes before it.
    offset: usize,
    /// The number of bytes that it takes the place of.
    replaces: usize,
    text: String,
}

impl Insertions {
    /// Finds the places for additions to the JSON value that begins at an offset of a text.
    ///
    /// # Errors
    /// When the value is not JSON, or not of the shape that the paths say.
    pub fn find(&mut self, offset: usize, json: &[u8], additions: &Additions) -> Result<(), Failure> {
        json::read_with(json, |reader| self.visit(reader, offset, additions))
    }

    /// The text with everything put in.
    #[must_use]
    pub fn put_into(mut self, text: &[u8]) -> Vec<u8> {
        let added: usize = self.0.iter().map(|Reverse(insertion)| insertion.text.len()).sum();
        let mut result = Vec::with_capacity(text.len() + added);
        let mut done = 0;
        while let Some(Reverse(Insertion { offset, replaces, text: inserted })) = self.0.pop() {
            result.extend_from_slice(text.get(done..offset).unwrap_or_default());
            result.extend_from_slice(inserted.as_bytes());
            done = offset + replaces;
        }
        result.extend_from_slice(text.get(done..).unwrap_or_default());
        result
    }

    /// Moves past a value. `base` is the offset at which the reader began.
    fn visit(&mut self, reader: &mut Reader<'_>, base: usize, additions: &Additions) -> Result<(), Error> {
        if additions.is_empty() {
            return reader.skip();
        }
        let next = reader.peek();
        let start = reader.position();
        if let Some(suffix) = &additions.suffix {
            reader.skip()?;
            if next == Some(b'"') {
                self.insert_before_end(reader, base, suffix.clone());
            }
            return Ok(());
        }
        if reader.null()? {
            let replaces = reader.position() - start;
            self.0.push(Reverse(Insertion { offset: base + start, replaces, text: additions.to_json() }));
            return Ok(());
        }
        if additions.value.is_some() {
            // What is there already counts.
            return reader.skip();
        }
        if additions.fields.is_empty() {
            self.visit_list(reader, base, additions)
        } else {
            self.visit_object(reader, base, additions)
        }
    }

    fn visit_object(
        &mut self,
        reader: &mut Reader<'_>,
        base: usize,
        additions: &Additions,
    ) -> Result<(), Error> {
        let mut missing: Vec<_> = additions.fields.iter().collect();
        let mut keys = reader.object()?;
        let mut is_empty = true;
        while let Some(key) = keys.next(reader)? {
            is_empty = false;
            match missing.iter().position(|(wanted, _)| *wanted == key) {
                Some(place) => self.visit(reader, base, &missing.remove(place).1)?,
                None => reader.skip()?,
            }
        }
        let fields: Vec<_> = missing.iter().map(|(key, field)| field.to_field(key)).collect();
        self.insert_items(reader, base, is_empty, &fields);
        Ok(())
    }

    fn visit_list(
        &mut self,
        reader: &mut Reader<'_>,
        base: usize,
        additions: &Additions,
    ) -> Result<(), Error> {
        let mut present = additions.items.iter();
        let mut items = reader.list()?;
        let mut is_empty = true;
        while items.next(reader)? {
            is_empty = false;
            match present.next() {
                Some(item) => self.visit(reader, base, item)?,
                None => reader.skip()?,
            }
        }
        self.insert_items(reader, base, is_empty, &additions.appended);
        Ok(())
    }

    fn insert_items(&mut self, reader: &Reader<'_>, base: usize, is_empty: bool, new: &[String]) {
        if !new.is_empty() {
            let comma = if is_empty { "" } else { "," };
            self.insert_before_end(reader, base, format!("{comma}{}", new.join(",")));
        }
    }

    /// Inserts before the bracket or the quote that was read last.
    fn insert_before_end(&mut self, reader: &Reader<'_>, base: usize, text: String) {
        self.0.push(Reverse(Insertion { offset: base + reader.position() - 1, replaces: 0, text }));
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{End, Index, Key};
    use super::*;

    fn added(json: &str, paths: &[(&[Step], &str)]) -> String {
        let mut additions = Additions::default();
        for (path, json) in paths {
            additions.add(path, (*json).to_owned());
        }
        let mut insertions = Insertions::default();
        insertions.find(0, json.as_bytes(), &additions).unwrap();
        String::from_utf8(insertions.put_into(json.as_bytes())).unwrap()
    }

    #[test]
    fn adds_fields_behind_those_that_are_there() {
        assert_eq!(added("{}", &[(&[Key("a")], "1")]), r#"{"a":1}"#);
        assert_eq!(added(r#"{ "b": 1.0 }"#, &[(&[Key("a")], "1")]), r#"{ "b": 1.0 ,"a":1}"#);
        assert_eq!(added("{}", &[(&[Key("b")], "1"), (&[Key("a")], "2")]), r#"{"b":1,"a":2}"#);
    }

    #[test]
    fn makes_what_is_missing_on_the_way() {
        let additions: [(&[Step], &str); 4] = [
            (&[Key("a"), Key("b"), Key("c")], "true"),
            (&[Key("a"), Key("d"), End], "1"),
            (&[Key("a"), Key("b"), Key("e")], "false"),
            (&[Key("a"), Key("d"), End], "0"),
        ];
        assert_eq!(added("{}", &additions), r#"{"a":{"b":{"c":true,"e":false},"d":[1,0]}}"#);
        assert_eq!(
            added(r#"{"a": {"d": [2]}}"#, &additions),
            r#"{"a": {"d": [2,1,0],"b":{"c":true,"e":false}}}"#
        );
        assert_eq!(
            added(r#"{"a": {"b": {}, "d": [ ]}}"#, &additions),
            r#"{"a": {"b": {"c":true,"e":false}, "d": [ 1,0]}}"#
        );
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let additions: [(&[Step], &str); 2] = [(&[Key("a"), Key("b")], "1"), (&[Key("c"), End], "2")];
        assert_eq!(added(r#"{"a": null , "c":null}"#, &additions), r#"{"a": {"b":1} , "c":[2]}"#);
        assert_eq!(added(r#"{"a": {"b": null}}"#, &additions), r#"{"a": {"b": 1},"c":[2]}"#);
    }

    #[test]
    fn finds_the_items_of_lists() {
        let additions: [(&[Step], &str); 3] = [
            (&[Key("a"), Index(10), Key("x")], "10"),
            (&[Key("a"), Index(2), Key("x")], "2"),
            (&[Key("a"), Index(0), Key("x")], "0"),
        ];
        let list = ["{}"; 12].join(",");
        assert_eq!(
            added(&format!(r#"{{"a":[{list}]}}"#), &additions),
            r#"{"a":[{"x":0},{},{"x":2},{},{},{},{},{},{},{},{"x":10},{}]}"#
        );
        assert_eq!(added(r#"{"a":[{},null,{}]}"#, &additions), r#"{"a":[{"x":0},null,{"x":2}]}"#);
    }

    #[test]
    fn leaves_what_is_set() {
        assert_eq!(added(r#"{"a":false}"#, &[(&[Key("a")], "true")]), r#"{"a":false}"#);
    }

    #[test]
    fn finds_keys_that_are_written_with_escapes() {
        assert_eq!(added(r#"{"\u0061":{}}"#, &[(&[Key("a"), Key("b")], "1")]), r#"{"\u0061":{"b":1}}"#);
    }

    #[test]
    fn adds_to_the_end_of_a_string() {
        let added = |json: &str| {
            let mut additions = Additions::default();
            additions.add_suffix(&[Key("a"), Index(0)], "-x".to_owned());
            let mut insertions = Insertions::default();
            insertions.find(0, json.as_bytes(), &additions).unwrap();
            String::from_utf8(insertions.put_into(json.as_bytes())).unwrap()
        };
        assert_eq!(added(r#"{"a":["b\u0063","d"]}"#), r#"{"a":["b\u0063-x","d"]}"#);
        for other in [r#"{"a":[null]}"#, r#"{"a":[3]}"#, r#"{"a":[]}"#] {
            assert_eq!(added(other), other);
        }
    }

    #[test]
    fn adds_to_one_value_within_another() {
        let text = r#"{"a":{"b":{}}}"#;
        let mut insertions = Insertions::default();
        for (offset, length, key) in [(5, 8, "outer"), (10, 2, "inner")] {
            let mut additions = Additions::default();
            additions.add(&[Key(key)], "1".to_owned());
            insertions.find(offset, &text.as_bytes()[offset..offset + length], &additions).unwrap();
        }
        assert_eq!(insertions.put_into(text.as_bytes()), br#"{"a":{"b":{"inner":1},"outer":1}}"#);
    }

    #[test]
    fn writes_strings_as_serde_json_does() {
        for character in ('\0'..='\u{100}').chain(['\u{2028}', '😀']) {
            for text in [format!("{character}"), format!("é{character}{character}é")] {
                assert_eq!(to_json(&text), serde_json::to_string(&text).unwrap());
            }
        }
        assert_eq!(to_json(""), "\"\"");
    }

    #[test]
    fn refuses_another_shape() {
        for json in ["[]", "1", r#"{"a":[]}"#, "{"] {
            let mut additions = Additions::default();
            additions.add(&[Key("a"), Key("b")], "1".to_owned());
            assert!(Insertions::default().find(0, json.as_bytes(), &additions).is_err(), "{json}");
        }
    }
}
