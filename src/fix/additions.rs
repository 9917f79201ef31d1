//! Additions to JSON, made in the text as it is written: whatever stands there already stays as it is, byte for byte.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write;

use json_view::{self as json, Error, Reader, ValueKind, plain_end};

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

/// What is added to a JSON value.
#[derive(Debug, Default)]
pub enum Additions {
    /// Nothing is.
    #[default]
    Nothing,
    /// The value, in JSON, where it is not there or `null`.
    Value(String),
    /// This to the end of a string.
    Suffix(String),
    /// This, in JSON, in the place of whatever is there.
    Replacement(String),
    /// These to the fields of an object.
    Fields(Vec<Field>),
    /// These to the items of a list, each to its own, and these, in JSON, behind the last one.
    Items(Vec<Additions>, String),
}

impl Additions {
    /// Adds a value, given in JSON, where a path leads. Objects and lists on the way are made where they are missing.
    pub fn add(&mut self, path: &[Step], json: &str) {
        match path.split_last() {
            Some((Step::End, parent)) => {
                if let Some((_, appended)) = self.at(parent).and_then(Self::items) {
                    let separator = if appended.is_empty() { "" } else { "," };
                    appended.extend([separator, json]);
                }
            }
            _ => self.put(path, Self::Value(json.to_owned())),
        }
    }

    /// Adds to the end of a string, where a path leads to one. No character of the text needs an escape in JSON.
    pub fn add_suffix(&mut self, path: &[Step], text: String) {
        self.put(path, Self::Suffix(text));
    }

    /// Puts a value, given in JSON, in the place of the one that a path leads to.
    pub fn replace(&mut self, path: &[Step], json: String) {
        self.put(path, Self::Replacement(json));
    }

    fn put(&mut self, path: &[Step], additions: Self) {
        if let Some(place) = self.at(path) {
            *place = additions;
        }
    }

    /// What is added where a path leads.
    fn at(&mut self, path: &[Step]) -> Option<&mut Self> {
        let mut place = self;
        for step in path {
            place = match step {
                Step::Key(key) => place.field(key),
                Step::Index(index) => place.item(*index),
                Step::End => None,
            }?;
        }
        Some(place)
    }

    fn field(&mut self, key: &'static str) -> Option<&mut Self> {
        if let Self::Nothing = self {
            *self = Self::Fields(Vec::new());
        }
        let Self::Fields(fields) = self else { return None };
        let known = fields.iter().position(|(known, _)| *known == key);
        let place = known.unwrap_or(fields.len());
        if known.is_none() {
            fields.push((key, Self::Nothing));
        }
        fields.get_mut(place).map(|(_, field)| field)
    }

    fn item(&mut self, index: usize) -> Option<&mut Self> {
        let (items, _) = self.items()?;
        while items.len() <= index {
            items.push(Self::Nothing);
        }
        items.get_mut(index)
    }

    fn items(&mut self) -> Option<(&mut Vec<Self>, &mut String)> {
        if let Self::Nothing = self {
            *self = Self::Items(Vec::new(), String::new());
        }
        let Self::Items(items, appended) = self else { return None };
        Some((items, appended))
    }

    /// Appends the value where there is none yet.
    fn push_to(&self, json: &mut String) {
        match self {
            Self::Nothing | Self::Suffix(_) => {}
            Self::Value(value) | Self::Replacement(value) => json.push_str(value),
            Self::Fields(fields) => {
                json.push('{');
                push_fields(json, &mut fields.iter());
                json.push('}');
            }
            Self::Items(_, appended) => json.extend(["[", appended, "]"]),
        }
    }
}

type Field = (&'static str, Additions);

fn push_fields(json: &mut String, fields: &mut dyn Iterator<Item = &Field>) {
    let mut opening = "\"";
    for (key, field) in fields {
        json.extend([opening, key, "\":"]);
        field.push_to(json);
        opening = ",\"";
    }
}

/// A string in JSON.
#[must_use]
pub fn to_json(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_json(&mut json, text);
    json
}

/// Appends a string in JSON.
pub fn push_json(json: &mut String, text: &str) {
    json.push('"');
    let mut done = 0;
    loop {
        let place = plain_end(text.as_bytes(), done);
        json.push_str(text.get(done..place).unwrap_or_default());
        let Some(byte) = text.as_bytes().get(place) else { break };
        push_escaped(json, *byte);
        done = place + 1;
    }
    json.push('"');
}

fn push_escaped(json: &mut String, byte: u8) {
    let escape = match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        b'\x08' => "\\b",
        b'\t' => "\\t",
        b'\n' => "\\n",
        b'\x0c' => "\\f",
        b'\r' => "\\r",
        _ => {
            // Writing to a string cannot fail.
            let _ = write!(json, "\\u{byte:04x}");
            return;
        }
    };
    json.push_str(escape);
}

/// Text to be put into another one.
#[derive(Debug, Default)]
pub struct Insertions {
    places: BinaryHeap<Reverse<Insertion>>,
    /// What is put in at all of the places.
    text: String,
}

/// Ordered by their offsets. A heap puts them in order with a tenth of the code of a sort.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Insertion {
    /// The number of bytes before it.
    offset: usize,
    /// The number of bytes that it takes the place of.
    replaces: usize,
    /// Where its own text begins and ends.
    text: (usize, usize),
}

impl Insertions {
    /// Finds the places for additions to the JSON value that begins at an offset of a text.
    ///
    /// # Errors
    /// When the value is not JSON, or not of the shape that the paths say.
    pub fn find(&mut self, offset: usize, json: &[u8], additions: &Additions) -> Result<(), Error> {
        json::read_with(json, |reader| self.visit(reader, offset, additions))
    }

    /// The text with everything put in.
    #[must_use]
    pub fn put_into(mut self, text: &[u8]) -> Vec<u8> {
        let mut result = Vec::with_capacity(text.len() + self.text.len());
        let mut done = 0;
        while let Some(Reverse(Insertion { offset, replaces, text: (start, end) })) = self.places.pop() {
            result.extend_from_slice(text.get(done..offset).unwrap_or_default());
            result.extend_from_slice(self.text.as_bytes().get(start..end).unwrap_or_default());
            done = offset + replaces;
        }
        result.extend_from_slice(text.get(done..).unwrap_or_default());
        result
    }

    /// Moves past a value. `base` is the offset at which the reader began.
    fn visit(&mut self, reader: &mut Reader<'_>, base: usize, additions: &Additions) -> Result<(), Error> {
        let next = reader.peek_kind()?;
        let place = reader.position();
        match additions {
            Additions::Nothing => reader.skip(),
            Additions::Suffix(suffix) => {
                reader.skip()?;
                if next == ValueKind::String {
                    let start = self.text.len();
                    self.text.push_str(suffix);
                    self.insert(start, base + reader.position() - 1, 0);
                }
                Ok(())
            }
            Additions::Replacement(json) => {
                reader.skip()?;
                let start = self.text.len();
                self.text.push_str(json);
                self.insert(start, base + place, reader.position() - place);
                Ok(())
            }
            _ if reader.skip_null()? => {
                let replaces = reader.position() - place;
                let start = self.text.len();
                additions.push_to(&mut self.text);
                self.insert(start, base + place, replaces);
                Ok(())
            }
            // What is there already counts.
            Additions::Value(_) => reader.skip(),
            Additions::Fields(fields) => self.visit_object(reader, base, fields),
            Additions::Items(items, appended) => self.visit_list(reader, base, items, appended),
        }
    }

    fn visit_object(&mut self, reader: &mut Reader<'_>, base: usize, fields: &[Field]) -> Result<(), Error> {
        let mut missing: Vec<_> = fields.iter().collect();
        let mut entries = reader.object()?;
        let mut is_empty = true;
        while let Some(key) = entries.next_key()? {
            is_empty = false;
            match missing.iter().position(|(wanted, _)| key == *wanted) {
                Some(place) => {
                    let (_, field) = missing.remove(place);
                    entries.read_with(|reader| self.visit(reader, base, field))?;
                }
                None => entries.read_with(Reader::skip)?,
            }
        }
        if !missing.is_empty() {
            let start = self.start_items(is_empty);
            push_fields(&mut self.text, &mut missing.into_iter());
            self.insert(start, base + reader.position() - 1, 0);
        }
        Ok(())
    }

    fn visit_list(
        &mut self,
        reader: &mut Reader<'_>,
        base: usize,
        present: &[Additions],
        appended: &str,
    ) -> Result<(), Error> {
        let mut present = present.iter();
        let mut list = reader.list()?;
        let mut is_empty = true;
        while list.next_item()? {
            is_empty = false;
            match present.next() {
                Some(item) => list.read_with(|reader| self.visit(reader, base, item))?,
                None => list.read_with(Reader::skip)?,
            }
        }
        if !appended.is_empty() {
            let start = self.start_items(is_empty);
            self.text.push_str(appended);
            self.insert(start, base + reader.position() - 1, 0);
        }
        Ok(())
    }

    /// Where the text begins that goes behind the items of an object or a list.
    fn start_items(&mut self, is_empty: bool) -> usize {
        let start = self.text.len();
        if !is_empty {
            self.text.push(',');
        }
        start
    }

    /// Inserts the text from a start on.
    fn insert(&mut self, start: usize, offset: usize, replaces: usize) {
        self.places.push(Reverse(Insertion { offset, replaces, text: (start, self.text.len()) }));
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{End, Index, Key};
    use super::*;

    fn added(json: &str, paths: &[(&[Step], &str)]) -> String {
        let mut additions = Additions::default();
        for (path, json) in paths {
            additions.add(path, json);
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
    fn puts_a_value_in_the_place_of_another() {
        let text = r#"{"a":[{"b": "c\u0064" ,"e":1}]}"#;
        let mut additions = Additions::default();
        additions.replace(&[Key("a"), Index(0), Key("b")], "\"x\"".to_owned());
        let mut insertions = Insertions::default();
        insertions.find(0, text.as_bytes(), &additions).unwrap();
        assert_eq!(insertions.put_into(text.as_bytes()), br#"{"a":[{"b": "x" ,"e":1}]}"#);
    }

    #[test]
    fn adds_to_one_value_within_another() {
        let text = r#"{"a":{"b":{}}}"#;
        let mut insertions = Insertions::default();
        for (offset, length, key) in [(5, 8, "outer"), (10, 2, "inner")] {
            let mut additions = Additions::default();
            additions.add(&[Key(key)], "1");
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
            additions.add(&[Key("a"), Key("b")], "1");
            assert!(Insertions::default().find(0, json.as_bytes(), &additions).is_err(), "{json}");
        }
    }
}
