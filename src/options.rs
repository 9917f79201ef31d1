//! An object of the settings while it is read: strict, and with errors that name the key and what it may be.

use crate::field_path;
use crate::text::{Text, quoted};
use crate::value::Value;

/// A key of an object, and its value.
pub type Entry<'a> = (Text<'a>, Value<'a>);

/// Reads the keys of one object. It remembers which keys were asked for, so that the others can be refused.
pub struct Options<'s> {
    /// The key of the object itself; empty for the settings as a whole.
    parent: &'static str,
    entries: &'s [Entry<'s>],
    known: Vec<&'static str>,
    errors: &'s mut Vec<String>,
}

impl<'s> Options<'s> {
    /// Reads the entries of the object at the key `parent`, and adds what is wrong to `errors`.
    #[must_use]
    pub fn new(parent: &'static str, entries: &'s [Entry<'s>], errors: &'s mut Vec<String>) -> Self {
        Self { parent, entries, known: Vec::new(), errors }
    }

    /// The value at a key, unless it is absent or `null`, which are the same.
    pub fn get(&mut self, key: &'static str) -> Option<&'s Value<'s>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        let (_, value) = self.entries.iter().find(|(name, _)| &**name == key)?;
        (!matches!(value, Value::Null)).then_some(value)
    }

    /// The object at a key, if it is one.
    pub fn object(&mut self, key: &'static str) -> Option<Options<'_>> {
        let Value::Object(entries) = self.get(key)? else { return None };
        Some(Options::new(key, entries, self.errors))
    }

    /// One of several words.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, default: T, words: &[(&str, T)]) -> T {
        let Some(value) = self.get(key) else { return default };
        self.word(key, None, value, words).unwrap_or(default)
    }

    /// A list of words; empty by default.
    pub fn any_of<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)]) -> Vec<T> {
        let items = self.list(key).unwrap_or_default();
        let read = |(index, item)| self.word(key, Some(index), item, words);
        items.iter().enumerate().filter_map(read).collect()
    }

    /// A list of strings, each of which passes the check.
    pub fn strings(
        &mut self,
        key: &'static str,
        default: &[&str],
        check: fn(&str) -> Result<(), String>,
    ) -> Vec<String> {
        let Some(items) = self.list(key) else {
            return default.iter().map(|&item| item.to_owned()).collect();
        };
        let mut strings = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let checked = match item {
                Value::String(text) => check(text).map(|()| text.to_string()),
                _ => Err(format!("must be a string, not {}", item.type_name())),
            };
            match checked {
                Ok(text) => strings.push(text),
                Err(reason) => self.error(key, Some(index), &reason),
            }
        }
        strings
    }

    /// To be called last: refuses every key that nobody asked for.
    pub fn refuse_unknown_keys(&mut self) {
        for (key, _) in self.entries {
            if !self.known.contains(&&**key) {
                self.error(key, None, &format!("unknown key{}", suggestion(key, &self.known)));
            }
        }
    }

    fn list(&mut self, key: &'static str) -> Option<&'s [Value<'s>]> {
        let value = self.get(key)?;
        if let Value::List(items) = value {
            return Some(items);
        }
        self.error(key, None, &format!("must be a list, not {}", value.type_name()));
        None
    }

    fn word<T: Copy>(
        &mut self,
        key: &str,
        index: Option<usize>,
        value: &Value<'_>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let names = || words.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        let Value::String(text) = value else {
            let found = value.type_name();
            self.error(key, index, &format!("must be one of {}, not {found}", names().join(", ")));
            return None;
        };
        let word = words.iter().find(|(name, _)| *name == &**text);
        if word.is_none() {
            self.error(key, index, &format!("{} is unknown{}", quoted(text), suggestion(text, &names())));
        }
        word.map(|(_, meaning)| *meaning)
    }

    /// Says what is wrong at a key, or at an item of the list that stands there.
    fn error(&mut self, key: &str, index: Option<usize>, reason: &str) {
        let mut path = self.parent.to_owned();
        field_path::push_key(&mut path, key);
        if let Some(index) = index {
            field_path::push_index(&mut path, index);
        }
        self.errors.push(format!("{path}: {reason}"));
    }
}

/// What the user may have meant, and what there is to choose from.
fn suggestion(text: &str, allowed: &[&str]) -> String {
    let lower = text.to_ascii_lowercase();
    let distance = |word: &&&str| strsim::osa_distance(&lower, &word.to_ascii_lowercase());
    let nearest = allowed.iter().min_by_key(distance).filter(|word| distance(word) <= word.len() / 3);
    let meant = nearest.map_or(String::new(), |word| format!(", did you mean \"{word}\"?"));
    format!("{meant} (allowed: {})", allowed.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let allowed = ["off", "warn", "deny"];
        assert_eq!(suggestion("wran", &allowed), ", did you mean \"warn\"? (allowed: off, warn, deny)");
        assert_eq!(suggestion("DENY", &allowed), ", did you mean \"deny\"? (allowed: off, warn, deny)");
        assert_eq!(suggestion("audit", &allowed), " (allowed: off, warn, deny)");
        assert_eq!(suggestion("", &allowed), " (allowed: off, warn, deny)");
    }
}
