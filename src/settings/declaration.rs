//! How settings are declared: each as data, with its key, what it accepts, its default and its documentation.
//!
//! The reader of settings, the JSON Schema, Rancher's form and the reference page all come from the declarations.

use std::marker::PhantomData;

use serde_json::{Value, json};

use super::reader::ObjectReader;
use super::setting::names;
pub use super::setting::{ANY_TEXT, Choices, Demand, Format, NOT_EMPTY, Setting, not_empty};

/// `true` or `false`, by default `false`.
#[derive(Debug)]
pub struct Flag;

/// An integer of at most 63 bits that is not negative; nothing by default.
#[derive(Debug)]
pub struct Natural;

/// A string of a format; nothing by default.
#[derive(Debug)]
pub struct Text(pub &'static Format);

/// A list of strings of a format.
#[derive(Debug)]
pub struct Texts {
    /// What each string must be.
    pub format: &'static Format,
    /// The strings by default.
    pub default: &'static [&'static str],
    /// Whether the list may be empty.
    pub may_be_empty: bool,
}

/// A list of strings of a format that means something else when it is unset.
#[derive(Debug)]
pub struct OptionalTexts {
    /// What each string must be.
    pub format: &'static Format,
    /// Whether the list may be empty.
    pub may_be_empty: bool,
}

/// A list of lists of strings, none of them empty; empty by default.
#[derive(Debug)]
pub struct TextLists;

/// One of several words, each with its meaning.
#[derive(Debug)]
pub struct Word<T: 'static> {
    /// The words.
    pub words: &'static [(&'static str, T)],
    /// What is meant by default.
    pub default: T,
}

/// A list of words, each with its meaning.
#[derive(Debug)]
pub struct Words<T: 'static> {
    /// The words.
    pub words: &'static [(&'static str, T)],
    /// What is meant by default.
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
    /// A list of objects, which may be empty.
    pub const ANY: Self = Self { may_be_empty: true, object: PhantomData };

    /// A list of objects, which must not be empty.
    pub const NON_EMPTY: Self = Self { may_be_empty: false, object: PhantomData };
}

/// A setting that must be set.
#[derive(Debug)]
pub struct Required<K> {
    /// What the setting accepts.
    pub kind: K,
    /// What a user who left it out must do: `say why the exemption exists`.
    pub instruction: &'static str,
}

/// An object of the settings: which keys it has, and how it is read.
pub trait ObjectKind {
    /// What it is read into.
    type Value<'s>;

    /// Its keys.
    const SETTINGS: &'static [&'static dyn Declared];

    /// Keys of which at least one must be set; none if there is no such demand.
    const AT_LEAST_ONE_OF: &'static [&'static str] = &[];

    /// What a string must be that stands for an object, if one can.
    const SHORTHAND: Option<&'static Format> = None;

    /// Reads the object. Nothing comes of one in which something is missing, which the reader then knows.
    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<Self::Value<'s>>;

    /// Reads a string that stands for an object and has the format of [`Self::SHORTHAND`].
    fn read_shorthand(_text: &str) -> Option<Self::Value<'_>> {
        None
    }
}

/// A setting as schemas, forms and documents need to know it.
#[derive(Debug)]
pub struct Declaration {
    /// The key.
    pub key: &'static str,
    /// The key in words.
    pub label: &'static str,
    /// What the setting does.
    pub doc: String,
    /// The default, if the setting has one.
    pub default: Option<Value>,
    /// Whether the setting must be set. One that need not be set can be `null`, which means the same.
    pub is_required: bool,
    /// What the setting accepts.
    pub accepts: Accepts,
}

/// What a setting accepts, or an item of a list.
#[derive(Debug)]
pub enum Accepts {
    /// `true` or `false`.
    Flag,
    /// An integer that is not negative.
    Natural,
    /// One of these words, or `false`, which is how YAML reads a bare `off`.
    Mode(Vec<&'static str>),
    /// One of these words.
    Word(Vec<&'static str>),
    /// A string.
    Text(&'static Format),
    /// A list.
    List {
        /// What each item must be.
        item: Box<Accepts>,
        /// Whether the list may be empty.
        may_be_empty: bool,
    },
    /// An object.
    Object(ObjectDeclaration),
    /// Something short that stands for an object, or the object.
    Shorthand(Box<Accepts>, ObjectDeclaration),
}

/// An object as schemas, forms and documents need to know it.
#[derive(Debug)]
pub struct ObjectDeclaration {
    /// Its settings.
    pub settings: Vec<Declaration>,
    /// Keys of which at least one must be set; none if there is no such demand.
    pub at_least_one_of: &'static [&'static str],
}

impl ObjectDeclaration {
    /// The declaration of a kind of object.
    #[must_use]
    pub fn of<T: ObjectKind>() -> Self {
        Self { settings: declarations(T::SETTINGS), at_least_one_of: T::AT_LEAST_ONE_OF }
    }
}

/// The declarations of several settings.
#[must_use]
pub fn declarations(settings: &[&'static dyn Declared]) -> Vec<Declaration> {
    settings.iter().map(|setting| setting.declaration()).collect()
}

/// A setting whose declaration can be asked for.
pub trait Declared: Sync {
    /// The declaration.
    fn declaration(&self) -> Declaration;
}

/// What a kind of setting accepts, for its declaration.
pub trait Describe {
    /// What the setting accepts.
    fn accepts(&self) -> Accepts;

    /// The default, if the setting has one.
    fn default(&self) -> Option<Value>;

    /// Whether the setting must be set.
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
        Some(json!(name_of(self.words, self.default)))
    }
}

impl<T: Copy + PartialEq + Sync> Describe for Words<T> {
    fn accepts(&self) -> Accepts {
        list(Accepts::Word(names(self.words).collect()), self.may_be_empty)
    }

    fn default(&self) -> Option<Value> {
        Some(self.default.iter().map(|meaning| json!(name_of(self.words, *meaning))).collect())
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

fn name_of<T: PartialEq>(words: &[(&'static str, T)], meaning: T) -> Option<&'static str> {
    words.iter().find(|(_, other)| *other == meaning).map(|(name, _)| *name)
}
