//! A strict reader of the settings, whose errors name the key and the accepted values.
//!
//! All errors are collected, so that users see them at once. The default replaces an invalid value in the meantime.

use std::fmt::Display;

use super::setting::{Format, Setting, names};
use super::suggestion::{alternatives, suggestion};
use super::value::{Entry, PresetSettings, SettingValue};
use crate::kubernetes::field_path;
use crate::text::quoted;

/// A position in the settings. Its path is written only for errors.
#[derive(Clone, Copy)]
enum Position<'o> {
    Root,
    Key(&'o Position<'o>, &'o str),
    Item(&'o Position<'o>, usize),
}

impl Position<'_> {
    fn push_to(&self, path: &mut String) {
        match *self {
            Self::Root => {}
            Self::Key(parent, key) => {
                parent.push_to(path);
                field_path::push_key(path, key);
            }
            Self::Item(parent, index) => {
                parent.push_to(path);
                field_path::push_index(path, index);
            }
        }
    }
}

/// Reads a kind of setting.
pub trait ReadSetting {
    /// The type of the value.
    type Value<'s>;

    /// Returns the value of an unset setting.
    fn unset<'s>(&self) -> Self::Value<'s>;

    /// Reads the value of a setting, and reports errors at the cursor.
    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Self::Value<'s>;

    /// Returns what to do if the setting is missing, provided that it is required.
    fn instruction(&self) -> Option<&'static str> {
        None
    }
}

/// The position of a value, and the errors so far.
pub struct Cursor<'o> {
    position: Position<'o>,
    errors: &'o mut Vec<String>,
}

impl Cursor<'_> {
    /// Reports an error at this position.
    pub(super) fn refuse(&mut self, reason: impl Display) {
        let mut message = String::new();
        self.position.push_to(&mut message);
        self.errors.push(format!("{message}: {reason}"));
    }

    pub(super) fn refuse_type(&mut self, expected: &str, value: &SettingValue<'_>) {
        self.refuse(format_args!("expected {expected}, got {}", value.type_name()));
    }

    fn key<'c>(&'c mut self, key: &'c str) -> Cursor<'c> {
        Cursor { position: Position::Key(&self.position, key), errors: &mut *self.errors }
    }

    fn item(&mut self, index: usize) -> Cursor<'_> {
        Cursor { position: Position::Item(&self.position, index), errors: &mut *self.errors }
    }

    /// Returns the valid items of a list, and reports the others.
    pub(super) fn items<'s, T>(
        &mut self,
        value: &'s SettingValue<'s>,
        read: impl Fn(&'s SettingValue<'s>, &mut Cursor<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = match value {
            SettingValue::List(items) => items,
            SettingValue::Lazy(lazy) => match lazy.get() {
                Ok(list) => return self.items(list, read),
                Err(reason) => {
                    self.refuse(reason);
                    return None;
                }
            },
            other => {
                self.refuse_type("a list", other);
                return None;
            }
        };
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            values.extend(read(item, &mut self.item(index)));
        }
        Some(values)
    }

    pub(super) fn refuse_empty(&mut self, value: &SettingValue<'_>) {
        if matches!(value, SettingValue::List(items) if items.is_empty()) {
            self.refuse("must not be empty");
        }
    }

    /// Reads a string of a format, and reports any other value.
    pub(super) fn text<'s>(&mut self, value: &'s SettingValue<'s>, format: &Format) -> Option<&'s str> {
        let SettingValue::String(text) = value else {
            self.refuse_type("a string", value);
            return None;
        };
        match (format.check)(text) {
            Ok(()) => Some(text),
            Err(reason) => {
                self.refuse(reason);
                None
            }
        }
    }

    /// Reads one of several words as its meaning, and reports any other value.
    pub(super) fn word<T: Copy>(
        &mut self,
        value: &SettingValue<'_>,
        words: &'static [(&'static str, T)],
    ) -> Option<T> {
        let names = || names(words).collect::<Vec<_>>();
        let SettingValue::String(text) = value else {
            self.refuse_type(&format!("one of {}", alternatives(&names())), value);
            return None;
        };
        let meaning = words.iter().find(|(name, _)| name == text).map(|(_, meaning)| *meaning);
        if meaning.is_none() {
            self.refuse(format_args!("unknown value {}{}", quoted(text), suggestion(text, &names())));
        }
        meaning
    }

    /// Returns a reader for an object at this position.
    pub(super) fn object<'c, 's>(&'c mut self, entries: &'s [Entry<'s>]) -> ObjectReader<'c, 's> {
        ObjectReader {
            position: self.position,
            entries,
            preset: PresetValues::default(),
            known: Vec::new(),
            errors: &mut *self.errors,
        }
    }
}

/// Values of a preset, for the keys that an object does not set.
#[derive(Clone, Copy, Default)]
struct PresetValues<'s> {
    /// The name of the preset.
    name: &'static str,
    entries: &'s [Entry<'s>],
}

/// Reads the keys of one object. It records the requested keys, and finally refuses all others.
pub struct ObjectReader<'o, 's> {
    position: Position<'o>,
    entries: &'s [Entry<'s>],
    preset: PresetValues<'s>,
    known: Vec<&'static str>,
    errors: &'o mut Vec<String>,
}

impl<'o, 's> ObjectReader<'o, 's> {
    /// Creates a reader for the settings, which adds errors to `errors`.
    #[must_use]
    pub fn new(entries: &'s [Entry<'s>], errors: &'o mut Vec<String>) -> Self {
        Self { position: Position::Root, entries, preset: PresetValues::default(), known: Vec::new(), errors }
    }

    /// Creates a reader for the settings, with the values of their preset.
    #[must_use]
    pub fn of_document(
        entries: &'s [Entry<'s>],
        preset: &'s PresetSettings<'s>,
        errors: &'o mut Vec<String>,
    ) -> Self {
        let preset = PresetValues { name: preset.name, entries: &preset.entries };
        Self { preset, ..Self::new(entries, errors) }
    }

    /// Returns the value of a setting, which is that of an unset setting if the key is absent.
    pub fn get<K: ReadSetting>(&mut self, setting: &'static Setting<K>) -> K::Value<'s> {
        let Some(value) = self.value(setting.key) else {
            if let Some(instruction) = setting.kind.instruction() {
                self.refuse(setting.key, format_args!("missing: {instruction}"));
            }
            return setting.kind.unset();
        };
        self.read(setting, value)
    }

    /// Reads a value as a setting.
    pub fn read<K: ReadSetting>(
        &mut self,
        setting: &'static Setting<K>,
        value: &'s SettingValue<'s>,
    ) -> K::Value<'s> {
        setting.kind.read(value, &mut self.cursor().key(setting.key))
    }

    /// Returns the value at a key, unless the key is absent or `null`.
    pub fn value(&mut self, key: &'static str) -> Option<&'s SettingValue<'s>> {
        if self.entries.is_empty() && self.preset.entries.is_empty() {
            return None;
        }
        self.known.push(key);
        self.entry(key).or_else(|| find(self.preset.entries, key))
    }

    fn entry(&self, key: &str) -> Option<&'s SettingValue<'s>> {
        find(self.entries, key)
    }

    /// Returns the name of the preset, if it has a value for a key.
    #[must_use]
    pub fn preset_with(&self, key: &str) -> Option<&'static str> {
        find(self.preset.entries, key).map(|_| self.preset.name)
    }

    /// Returns whether the object has any key.
    #[must_use]
    pub fn has_entries(&self) -> bool {
        !self.entries.is_empty()
    }

    /// The keys that were asked for.
    #[cfg(test)]
    pub(crate) fn known_keys(&self) -> &[&'static str] {
        &self.known
    }

    /// Returns whether a key is set.
    #[must_use]
    pub fn is_set(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Returns the index of the object in its list, or 0 if the object is not in a list.
    #[must_use]
    pub fn index(&self) -> usize {
        match self.position {
            Position::Item(_, index) => index,
            Position::Root | Position::Key(..) => 0,
        }
    }

    /// Returns a reader for the object at a key.
    pub fn within(&mut self, key: &'static str, entries: &'s [Entry<'s>]) -> ObjectReader<'_, 's> {
        let preset = match find(self.preset.entries, key) {
            Some(SettingValue::Object(entries)) => PresetValues { entries, ..self.preset },
            _ => PresetValues::default(),
        };
        ObjectReader {
            position: Position::Key(&self.position, key),
            entries,
            preset,
            known: Vec::new(),
            errors: &mut *self.errors,
        }
    }

    fn cursor(&mut self) -> Cursor<'_> {
        Cursor { position: self.position, errors: &mut *self.errors }
    }

    /// Refuses unknown and duplicate keys. This must be the last call.
    pub fn finish(&mut self) {
        for (index, (key, _)) in self.entries.iter().enumerate() {
            if !self.known.contains(&&**key) {
                let mut known = self.known.clone();
                known.dedup();
                self.refuse(key, format_args!("unknown key{}", suggestion(key, &known)));
            } else if self.entries.iter().take(index).any(|(other, _)| other == key) {
                self.refuse(key, "duplicate key");
            }
        }
    }

    /// Reports an error at a key. If its value is that of a preset, the error says so.
    pub fn refuse(&mut self, key: &str, reason: impl Display) {
        match self.preset_with(key).filter(|_| !self.is_set(key)) {
            None => self.cursor().key(key).refuse(reason),
            Some(preset) => {
                let reason = format_args!("{reason} (preset {} sets {key})", quoted(preset));
                self.cursor().key(key).refuse(reason);
            }
        }
    }

    /// Reports an error at a key of an object in a list.
    pub fn refuse_in_item(&mut self, list: &str, index: usize, key: &str, reason: impl Display) {
        self.cursor().key(list).item(index).key(key).refuse(reason);
    }

    /// Reports an error in an item of a list that an object in a list contains.
    pub fn refuse_in_list(
        &mut self,
        list: &str,
        index: usize,
        key: &str,
        position: usize,
        reason: impl Display,
    ) {
        self.cursor().key(list).item(index).key(key).item(position).refuse(reason);
    }

    /// Refuses the items of a list that match everything: the key would have no effect.
    pub fn refuse_stars(&mut self, key: &str) {
        let Some(SettingValue::List(items)) = self.entry(key) else { return };
        for (index, item) in items.iter().enumerate() {
            if let SettingValue::String(text) = item
                && text.starts_with('*')
                && text.bytes().all(|byte| byte == b'*')
            {
                let reason = "matches everything, write a narrower pattern or remove";
                self.cursor().key(key).item(index).refuse(format_args!("{} {reason} {key}", quoted(text)));
            }
        }
    }

    /// Reports an error in the object as a whole.
    pub fn refuse_object(&mut self, reason: impl Display) {
        self.cursor().refuse(reason);
    }

    /// Reads one of several words as its meaning.
    pub fn word<T: Copy>(
        &mut self,
        key: &str,
        value: &SettingValue<'_>,
        words: &'static [(&'static str, T)],
    ) -> Option<T> {
        self.cursor().key(key).word(value, words)
    }
}

/// Returns the value at a key, unless the key is absent or `null`.
fn find<'s>(entries: &'s [Entry<'s>], key: &str) -> Option<&'s SettingValue<'s>> {
    let (_, value) = entries.iter().find(|(name, _)| name == key)?;
    (!matches!(value, SettingValue::Null)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::super::value::SettingsDocument;
    use super::*;
    use crate::settings::declaration::{
        Declared, Flag, NOT_EMPTY, Natural, ObjectKind, Objects, Required, Texts,
    };

    const FLAG: Setting<Flag> = Setting { key: "flag", label: "", doc: "", kind: Flag };
    const NUMBER: Setting<Natural> = Setting { key: "number", label: "", doc: "", kind: Natural };
    const NAMES: Setting<Texts> = Setting {
        key: "names",
        label: "",
        doc: "",
        kind: Texts { format: &NOT_EMPTY, default: &["a"], may_be_empty: false },
    };
    const PAIRS: Setting<Objects<Pair>> = Setting { key: "pairs", label: "", doc: "", kind: Objects::ANY };
    const LEFT: Setting<Required<Natural>> = Setting {
        key: "left",
        label: "",
        doc: "",
        kind: Required { kind: Natural, instruction: "a pair has two sides" },
    };

    struct Pair;

    impl ObjectKind for Pair {
        type Value<'s> = i64;

        const SETTINGS: &'static [&'static dyn Declared] = &[&LEFT];

        fn read(reader: &mut ObjectReader<'_, '_>) -> Option<i64> {
            reader.get(&LEFT)
        }
    }

    fn read(json: &str) -> (bool, Option<i64>, Vec<String>, Vec<i64>, Vec<String>) {
        let document = SettingsDocument::parse(json.as_bytes()).unwrap().settings;
        let SettingValue::Object(entries) = &document else { panic!("{json}") };
        let mut errors = Vec::new();
        let mut reader = ObjectReader::new(entries, &mut errors);
        let flag = reader.get(&FLAG);
        let number = reader.get(&NUMBER);
        let names = reader.get(&NAMES).iter().map(|&name| name.to_owned()).collect();
        let pairs = reader.get(&PAIRS);
        reader.finish();
        (flag, number, names, pairs, errors)
    }

    fn errors(json: &str) -> Vec<String> {
        read(json).4
    }

    #[test]
    fn set_values_are_read() {
        let (flag, number, names, pairs, errors) =
            read(r#"{"flag": true, "number": 7, "names": ["b", "c"], "pairs": [{"left": 1}]}"#);
        assert_eq!((flag, number, pairs, errors), (true, Some(7), vec![1], Vec::new()));
        assert_eq!(names, ["b", "c"]);
    }

    #[test]
    fn unset_and_null_mean_the_default() {
        for json in ["{}", r#"{"flag": null, "number": null, "names": null, "pairs": null}"#] {
            let (flag, number, names, pairs, errors) = read(json);
            assert_eq!((flag, number, pairs, errors), (false, None, Vec::new(), Vec::new()));
            assert_eq!(names, ["a"]);
        }
    }

    #[test]
    fn all_errors_are_reported_with_their_paths() {
        assert_eq!(
            errors(
                r#"{"flag": 1, "number": -1, "names": ["", 2, "b"], "pairs": [{"left": "x"}, {}, 3, {"left": 1, "lef": 2}]}"#
            ),
            [
                "flag: expected true or false, got a number",
                "number: expected a non-negative integer, got -1",
                "names[0]: must not be empty",
                "names[1]: expected a string, got a number",
                "pairs[0].left: expected a non-negative integer, got a string",
                "pairs[1].left: missing: a pair has two sides",
                "pairs[2]: expected an object, got a number",
                "pairs[3].lef: unknown key, did you mean \"left\"?",
            ]
        );
    }

    #[test]
    fn a_list_that_must_not_be_empty_is_refused() {
        assert_eq!(errors(r#"{"names": []}"#), ["names: must not be empty"]);
    }

    #[test]
    fn unknown_and_duplicate_keys_are_refused() {
        assert_eq!(
            errors(r#"{"flag": true, "other": 1, "flag": false}"#),
            ["other: unknown key (allowed: flag, number, names, pairs)", "flag: duplicate key"]
        );
    }
}
