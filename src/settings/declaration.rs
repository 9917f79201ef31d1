//! Declarations of settings as data: key, accepted values, default and documentation.
//!
//! The reader of settings, the JSON Schema, Rancher's form and the reference page use these declarations.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::reader::ObjectReader;
use super::setting::names;
pub use super::setting::{ANY_TEXT, Choices, Demand, Format, NOT_EMPTY, Setting, not_empty};

/// `true` or `false`, by default `false`.
#[derive(Debug)]
pub struct Flag;

/// A non-negative integer of at most 63 bits; unset by default.
#[derive(Debug)]
pub struct Natural;

/// A string of a format; unset by default.
#[derive(Debug)]
pub struct Text(pub &'static Format);

/// A list of strings of a format.
#[derive(Debug)]
pub struct Texts {
    /// The format of each string.
    pub format: &'static Format,
    /// The default strings.
    pub default: &'static [&'static str],
    /// Whether the list may be empty.
    pub may_be_empty: bool,
}

/// A list of strings of a format. An unset list differs from an empty one.
#[derive(Debug)]
pub struct OptionalTexts {
    /// The format of each string.
    pub format: &'static Format,
    /// Whether the list may be empty.
    pub may_be_empty: bool,
}

/// A list of non-empty lists of strings; empty by default.
#[derive(Debug)]
pub struct TextLists;

/// One of several words, each with its meaning.
#[derive(Debug)]
pub struct Word<T: 'static> {
    /// The words.
    pub words: &'static [(&'static str, T)],
    /// The default meaning.
    pub default: T,
}

/// A list of words, each with its meaning.
#[derive(Debug)]
pub struct Words<T: 'static> {
    /// The words.
    pub words: &'static [(&'static str, T)],
    /// The default meaning.
    pub default: &'static [T],
    /// Whether the list may be empty.
    pub may_be_empty: bool,
}

/// A list of objects; empty by default.
#[derive(Debug)]
pub struct Objects<T> {
    /// Whether the list may be empty.
    pub may_be_empty: bool,
    object: PhantomData<fn() -> T>,
}

impl<T> Objects<T> {
    /// Accepts any list of objects.
    pub const ANY: Self = Self { may_be_empty: true, object: PhantomData };

    /// Accepts any list of objects except the empty one.
    pub const NON_EMPTY: Self = Self { may_be_empty: false, object: PhantomData };
}

/// A required setting.
#[derive(Debug)]
pub struct Required<K> {
    /// The accepted values.
    pub kind: K,
    /// What to do if the setting is missing, such as `say why the exemption exists`.
    pub instruction: &'static str,
}

/// A kind of object in the settings.
pub trait ObjectKind {
    /// The type of the object after reading.
    type Value<'s>;

    /// The declarations of the keys.
    const SETTINGS: &'static [&'static dyn Declared];

    /// Keys of which at least one must be set; empty if all may be unset.
    const AT_LEAST_ONE_OF: &'static [&'static str] = &[];

    /// The format of strings that are accepted in place of an object, if there are any.
    const SHORTHAND: Option<&'static Format> = None;

    /// Reads the object. If something is missing, it is reported to the reader, and nothing is returned.
    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<Self::Value<'s>>;

    /// Reads a string in place of an object, in the format of [`Self::SHORTHAND`].
    #[must_use]
    fn read_shorthand(_text: &str) -> Option<Self::Value<'_>> {
        None
    }
}

/// A setting, for schemas, forms and documents.
#[derive(Debug)]
pub struct Declaration {
    /// The key.
    pub key: &'static str,
    /// The label in forms.
    pub label: &'static str,
    /// The documentation.
    pub doc: String,
    /// The default, if the setting has one.
    pub default: Option<Value>,
    /// Whether the setting is required. Any other setting may be `null`, which is equal to unset.
    pub is_required: bool,
    /// The accepted values.
    pub accepts: Accepts,
}

/// The values that a setting or a list item accepts.
#[derive(Debug)]
pub enum Accepts {
    /// `true` or `false`.
    Flag,
    /// A non-negative integer.
    Natural,
    /// One of these words, or `false`, which is how YAML reads a bare `off`.
    Mode(Vec<&'static str>),
    /// One of these words.
    Word(Vec<&'static str>),
    /// A string.
    Text(&'static Format),
    /// A list.
    List {
        /// The accepted items.
        item: Box<Accepts>,
        /// Whether the list may be empty.
        may_be_empty: bool,
    },
    /// An object.
    Object(ObjectDeclaration),
    /// An object, or a short form of it.
    Shorthand(Box<Accepts>, ObjectDeclaration),
}

/// An object, for schemas, forms and documents.
#[derive(Debug)]
pub struct ObjectDeclaration {
    /// The declarations of the keys.
    pub settings: Vec<Declaration>,
    /// Keys of which at least one must be set; empty if all may be unset.
    pub at_least_one_of: &'static [&'static str],
}

impl ObjectDeclaration {
    /// Returns the declaration of a kind of object.
    #[must_use]
    pub fn of<T: ObjectKind>() -> Self {
        Self { settings: declarations(T::SETTINGS), at_least_one_of: T::AT_LEAST_ONE_OF }
    }
}

/// Returns the declarations of several settings.
#[must_use]
pub fn declarations(settings: &[&'static dyn Declared]) -> Vec<Declaration> {
    settings.iter().map(|setting| setting.declaration()).collect()
}

/// A setting of any kind.
pub trait Declared: Sync {
    /// Returns the declaration.
    fn declaration(&self) -> Declaration;
}

/// Describes a kind of setting for its declaration.
pub trait Describe {
    /// Returns the accepted values.
    fn accepts(&self) -> Accepts;

    /// Returns the default, if the setting has one.
    fn default(&self) -> Option<Value>;

    /// Returns whether the setting is required.
    fn is_required(&self) -> bool {
        false
    }
}

impl<K: Describe + Sync> Declared for Setting<K> {
    fn declaration(&self) -> Declaration {
        Declaration {
            key: self.key,
            label: self.label,
            doc: self.doc.to_owned(),
            default: self.kind.default(),
            is_required: self.kind.is_required(),
            accepts: self.kind.accepts(),
        }
    }
}

impl Describe for Flag {
    fn accepts(&self) -> Accepts {
        Accepts::Flag
    }

    fn default(&self) -> Option<Value> {
        Some(json!(false))
    }
}

impl Describe for Natural {
    fn accepts(&self) -> Accepts {
        Accepts::Natural
    }

    fn default(&self) -> Option<Value> {
        None
    }
}

impl Describe for Text {
    fn accepts(&self) -> Accepts {
        Accepts::Text(self.0)
    }

    fn default(&self) -> Option<Value> {
        None
    }
}

impl Describe for Texts {
    fn accepts(&self) -> Accepts {
        list(Accepts::Text(self.format), self.may_be_empty)
    }

    fn default(&self) -> Option<Value> {
        Some(json!(self.default))
    }
}

impl Describe for OptionalTexts {
    fn accepts(&self) -> Accepts {
        list(Accepts::Text(self.format), self.may_be_empty)
    }

    fn default(&self) -> Option<Value> {
        Some(Value::Null)
    }
}

impl Describe for TextLists {
    fn accepts(&self) -> Accepts {
        list(list(Accepts::Text(&ANY_TEXT), false), true)
    }

    fn default(&self) -> Option<Value> {
        Some(json!([]))
    }
}

impl<T: Copy + PartialEq + Sync> Describe for Word<T> {
    fn accepts(&self) -> Accepts {
        Accepts::Word(names(self.words).collect())
    }

    fn default(&self) -> Option<Value> {
        Some(json!(name_of(self.words, &self.default)))
    }
}

impl<T: Copy + PartialEq + Sync> Describe for Words<T> {
    fn accepts(&self) -> Accepts {
        list(Accepts::Word(names(self.words).collect()), self.may_be_empty)
    }

    fn default(&self) -> Option<Value> {
        Some(self.default.iter().map(|meaning| json!(name_of(self.words, meaning))).collect())
    }
}

impl<T: ObjectKind> Describe for Objects<T> {
    fn accepts(&self) -> Accepts {
        let object = ObjectDeclaration::of::<T>();
        let item = match T::SHORTHAND {
            Some(format) => Accepts::Shorthand(Box::new(Accepts::Text(format)), object),
            None => Accepts::Object(object),
        };
        list(item, self.may_be_empty)
    }

    fn default(&self) -> Option<Value> {
        Some(json!([]))
    }
}

impl<K: Describe> Describe for Required<K> {
    fn accepts(&self) -> Accepts {
        self.kind.accepts()
    }

    fn default(&self) -> Option<Value> {
        None
    }

    fn is_required(&self) -> bool {
        true
    }
}

fn list(item: Accepts, may_be_empty: bool) -> Accepts {
    Accepts::List { item: Box::new(item), may_be_empty }
}

fn name_of<T: PartialEq>(words: &[(&'static str, T)], meaning: &T) -> Option<&'static str> {
    words.iter().find(|(_, other)| other == meaning).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::exemption::Exemption;

    const WORDS: &[(&str, u8)] = &[("one", 1), ("two", 2), ("three", 3)];

    #[test]
    fn an_optional_setting_declares_its_default() {
        let none = Texts { format: &ANY_TEXT, default: &[], may_be_empty: true };
        let texts = Texts { default: &["a", "b"], ..none };
        let optional = OptionalTexts { format: &ANY_TEXT, may_be_empty: true };
        let words = Words { words: WORDS, default: &[3, 1], may_be_empty: false };
        let kinds: [(&dyn Describe, Option<Value>); 10] = [
            (&Flag, Some(json!(false))),
            (&Natural, None),
            (&Text(&ANY_TEXT), None),
            (&none, Some(json!([]))),
            (&texts, Some(json!(["a", "b"]))),
            (&optional, Some(json!(null))),
            (&TextLists, Some(json!([]))),
            (&Word { words: WORDS, default: 2 }, Some(json!("two"))),
            (&words, Some(json!(["three", "one"]))),
            (&Objects::<Exemption<'_>>::ANY, Some(json!([]))),
        ];
        for (index, (kind, default)) in kinds.into_iter().enumerate() {
            assert_eq!((kind.default(), kind.is_required()), (default, false), "{index}");
        }
    }

    #[test]
    fn a_required_setting_has_no_default() {
        let required = Required { kind: Flag, instruction: "set it" };
        assert_eq!((required.default(), required.is_required()), (None, true));
    }
}
