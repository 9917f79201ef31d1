//! Generates JSON from arbitrary bytes: mostly valid, in any notation.

use arbitrary::Arbitrary;

/// A JSON document.
#[derive(Arbitrary)]
pub(crate) struct Document<'a> {
    value: Node<'a>,
    notation: Notation,
    /// An offset, and the byte that replaces the byte at that offset.
    damage: Option<(u16, u8)>,
}

#[derive(Arbitrary)]
enum Node<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Number {
        integer: u32,
        fraction: Option<u8>,
        exponent: Option<i8>,
    },
    Text(&'a str),
    /// A string with this number of characters, to cover the chunk size of the reader.
    Long(u8),
    List(Vec<Node<'a>>),
    Object(Vec<(Key<'a>, Node<'a>)>),
    /// Nested lists.
    Nested(u8, Box<Node<'a>>),
}

#[derive(Arbitrary)]
enum Key<'a> {
    Known(KnownKey),
    Other(&'a str),
}

/// The keys of the target's views, and similar keys.
#[derive(Arbitrary)]
enum KnownKey {
    Empty,
    Short,
    Escaped,
    Eight,
    Nine,
    OtherNine,
    Ten,
    Raw,
}

impl KnownKey {
    fn text(&self) -> &'static str {
        match self {
            Self::Empty => "",
            Self::Short => "a",
            Self::Escaped => "\"\u{e9}\n",
            Self::Eight => "abcdefgh",
            Self::Nine => "abcdefghi",
            Self::OtherNine => "abcdefghj",
            Self::Ten => "abcdefghij",
            Self::Raw => "raw",
        }
    }
}

/// The notation of values.
#[derive(Arbitrary)]
struct Notation {
    /// Whether strings escape all characters.
    escapes: bool,
    /// White space between tokens.
    space: Space,
}

#[derive(Arbitrary)]
enum Space {
    None,
    One,
    Lines,
}

impl Document<'_> {
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut json = String::new();
        self.notation.value(&mut json, &self.value);
        let mut json = json.into_bytes();
        if let Some((offset, byte)) = self.damage
            && let Some(damaged) = json.get_mut(usize::from(offset))
        {
            *damaged = byte;
        }
        json
    }
}

impl Notation {
    fn token(&self, json: &mut String, token: &str) {
        json.push_str(match self.space {
            Space::None => "",
            Space::One => " ",
            Space::Lines => "\r\n\t",
        });
        json.push_str(token);
    }

    fn value(&self, json: &mut String, node: &Node<'_>) {
        match node {
            Node::Null => self.token(json, "null"),
            Node::Bool(value) => self.token(json, &value.to_string()),
            Node::Integer(value) => self.token(json, &value.to_string()),
            Node::Number { integer, fraction, exponent } => {
                let fraction = fraction.map_or(String::new(), |fraction| format!(".{fraction}"));
                let exponent = exponent.map_or(String::new(), |exponent| format!("e{exponent:+}"));
                self.token(json, &format!("-{integer}{fraction}{exponent}"));
            }
            Node::Text(text) => self.string(json, text),
            Node::Long(length) => self.string(json, &"x".repeat(usize::from(*length))),
            Node::List(items) => {
                self.token(json, "[");
                for (index, item) in items.iter().enumerate() {
                    self.separator(json, index);
                    self.value(json, item);
                }
                self.token(json, "]");
            }
            Node::Object(fields) => {
                self.token(json, "{");
                for (index, (key, value)) in fields.iter().enumerate() {
                    self.separator(json, index);
                    match key {
                        Key::Known(key) => self.string(json, key.text()),
                        Key::Other(key) => self.string(json, key),
                    }
                    self.token(json, ":");
                    self.value(json, value);
                }
                self.token(json, "}");
            }
            Node::Nested(depth, inner) => {
                // Slightly more than the maximum depth.
                let depth = usize::from(*depth % 132);
                json.push_str(&"[".repeat(depth));
                self.value(json, inner);
                json.push_str(&"]".repeat(depth));
            }
        }
    }

    fn separator(&self, json: &mut String, index: usize) {
        if index > 0 {
            self.token(json, ",");
        }
    }

    fn string(&self, json: &mut String, text: &str) {
        if self.escapes {
            let units = text.encode_utf16().map(|unit| format!("\\u{unit:04x}"));
            self.token(json, &format!("\"{}\"", units.collect::<String>()));
        } else {
            self.token(json, &serde_json::Value::from(text).to_string());
        }
    }
}
