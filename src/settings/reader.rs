//! An object of the settings while it is read: strict, and with errors that name the key and what it may be.

use std::borrow::Cow;

use crate::kubernetes::field_path;
use crate::settings::value::Value;
use crate::text::quoted;
use json_view::Text;

/// A key of an object, and its value.
pub type Entry<'s> = (Text<'s>, Value<'s>);

/// What says whether a string is acceptable, or else why it is not.
pub type Check = fn(&str) -> Result<(), String>;

/// Reads the keys of one object. It remembers which keys were asked for, so that the others can be refused.
pub struct Options<'o, 's> {
    place: Place<'o>,
    entries: &'s [Entry<'s>],
    known: Vec<&'static str>,
    errors: &'o mut Vec<String>,
}

/// Where something stands in the settings. It is spelled out only when something is wrong there.
#[derive(Clone, Copy)]
enum Place<'o> {
    Root,
    Key(&'o Place<'o>, &'o str),
    Item(&'o Place<'o>, usize),
}

impl Place<'_> {
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

impl<'o, 's> Options<'o, 's> {
    /// Reads the entries of the settings as a whole, and adds what is wrong to `errors`.
    #[must_use]
    pub fn new(entries: &'s [Entry<'s>], errors: &'o mut Vec<String>) -> Self {
        Self { place: Place::Root, entries, known: Vec::new(), errors }
    }

    /// The value at a key, unless it is absent or `null`, which are the same.
    pub fn get(&mut self, key: &'static str) -> Option<&'s Value<'s>> {
        if self.entries.is_empty() {
            return None;
        }
        if self.known.is_empty() {
            // As many as the settings have at the top, so that the list never grows.
            self.known.reserve(24);
        }
        self.known.push(key);
        self.value(key)
    }

    /// The same, for a key that is asked for besides.
    fn value(&self, key: &str) -> Option<&'s Value<'s>> {
        let (_, value) = self.entries.iter().find(|(name, _)| &**name == key)?;
        (!matches!(value, Value::Null)).then_some(value)
    }

    /// The object at a key, with these entries.
    pub fn within(&mut self, key: &'static str, entries: &'s [Entry<'s>]) -> Options<'_, 's> {
        Options { place: Place::Key(&self.place, key), entries, known: Vec::new(), errors: &mut *self.errors }
    }

    /// A list of objects, each as `read` reads it; empty by default. What `read` makes nothing of is left out.
    pub fn objects<T>(
        &mut self,
        key: &'static str,
        read: impl FnMut(&mut Options<'_, 's>) -> Option<T>,
    ) -> Vec<T> {
        let refuse = |item: &'s Value<'s>| Err(format!("must be an object, not {}", item.type_name()));
        self.objects_or(key, refuse, read)
    }

    /// The same, in which a string alone stands for an object, as `shorthand` says.
    pub fn objects_or_strings<T>(
        &mut self,
        key: &'static str,
        shorthand: impl Fn(&'s str) -> Result<T, String>,
        read: impl FnMut(&mut Options<'_, 's>) -> Option<T>,
    ) -> Vec<T> {
        let read_string = |item: &'s Value<'s>| match item {
            Value::String(text) => shorthand(text),
            other => Err(format!("must be a string or an object, not {}", other.type_name())),
        };
        self.objects_or(key, read_string, read)
    }

    fn objects_or<T>(
        &mut self,
        key: &'static str,
        read_other: impl Fn(&'s Value<'s>) -> Result<T, String>,
        mut read: impl FnMut(&mut Options<'_, 's>) -> Option<T>,
    ) -> Vec<T> {
        let items = self.list(key).unwrap_or_default();
        let list = Place::Key(&self.place, key);
        let mut objects = Vec::with_capacity(items.len());
        // One list of keys serves all objects.
        let mut known = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let place = Place::Item(&list, index);
            let Value::Object(entries) = item else {
                match read_other(item) {
                    Ok(value) => objects.push(value),
                    Err(reason) => report(self.errors, place, &reason),
                }
                continue;
            };
            known.clear();
            let mut own = Options { place, entries, known, errors: &mut *self.errors };
            objects.extend(read(&mut own));
            own.refuse_unknown_keys();
            known = own.known;
        }
        objects
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.get(key) {
            None => default,
            Some(Value::Bool(flag)) => *flag,
            Some(other) => {
                self.refuse(key, &format!("must be true or false, not {}", other.type_name()));
                default
            }
        }
    }

    /// An integer that is not negative.
    pub fn natural(&mut self, key: &'static str) -> Option<i64> {
        match self.get(key)? {
            Value::Number(Some(number @ 0..)) => Some(*number),
            Value::Number(_) => {
                self.refuse(key, "must be an integer from 0 on");
                None
            }
            other => {
                self.refuse(key, &format!("must be an integer, not {}", other.type_name()));
                None
            }
        }
    }

    /// A string that passes the check.
    pub fn string(&mut self, key: &'static str, check: Check) -> Option<&'s str> {
        let checked = checked_string(self.get(key)?, check);
        checked.map_err(|reason| self.refuse(key, &reason)).ok()
    }

    /// One of several words.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, default: T, words: &[(&str, T)]) -> T {
        let value = self.get(key);
        self.word(key, value, default, words)
    }

    /// One of several words, which is the value of a key.
    pub fn word<T: Copy>(
        &mut self,
        key: &'static str,
        value: Option<&Value<'_>>,
        default: T,
        words: &[(&str, T)],
    ) -> T {
        let Some(value) = value else { return default };
        word(value, words).map_err(|reason| self.refuse(key, &reason)).unwrap_or(default)
    }

    /// A list of words.
    pub fn any_of<T: Copy>(
        &mut self,
        key: &'static str,
        default: &'static [T],
        words: &[(&str, T)],
    ) -> Cow<'static, [T]> {
        self.items(key, |item| word(item, words)).map_or(Cow::Borrowed(default), Cow::Owned)
    }

    /// A list of strings, each of which passes the check.
    pub fn strings(
        &mut self,
        key: &'static str,
        default: &'static [&'static str],
        check: Check,
    ) -> Cow<'s, [&'s str]> {
        self.strings_if_given(key, check).map_or(Cow::Borrowed(default), Cow::Owned)
    }

    /// A list of strings, each of which passes the check, if there is one.
    pub fn strings_if_given(&mut self, key: &'static str, check: Check) -> Option<Vec<&'s str>> {
        self.items(key, |item| checked_string(item, check))
    }

    /// A list of lists of strings; empty by default.
    pub fn string_lists(&mut self, key: &'static str) -> Vec<Vec<&'s str>> {
        let read = |item: &'s Value<'s>| {
            let Value::List(strings) = item else {
                return Err(format!("must be a list, not {}", item.type_name()));
            };
            if strings.is_empty() {
                return Err("must not be empty".to_owned());
            }
            strings.iter().map(|string| checked_string(string, |_| Ok(()))).collect()
        };
        self.items(key, read).unwrap_or_default()
    }

    /// To be called last: refuses every key that nobody asked for.
    pub fn refuse_unknown_keys(&mut self) {
        for (key, _) in self.entries {
            if !self.known.contains(&&**key) {
                let mut known: Vec<&str> = Vec::new();
                for asked in &self.known {
                    if !known.contains(asked) {
                        known.push(asked);
                    }
                }
                self.refuse(key, &format!("unknown key{}", choice(key, &known)));
            }
        }
    }

    /// Refuses a list in which nothing stands, where that would mean that nothing ever matches.
    pub fn refuse_empty(&mut self, key: &'static str) {
        if matches!(self.value(key), Some(Value::List(items)) if items.is_empty()) {
            self.refuse(key, "must not be empty");
        }
    }

    /// Refuses an object without a key that it must have.
    pub fn require(&mut self, key: &'static str, why: &str) {
        if self.value(key).is_none() {
            self.refuse(key, &format!("missing: {why}"));
        }
    }

    /// Says what is wrong with this object as a whole.
    pub fn refuse_object(&mut self, reason: &str) {
        report(self.errors, self.place, reason);
    }

    /// Says what is wrong at a key.
    pub fn refuse(&mut self, key: &str, reason: &str) {
        report(self.errors, Place::Key(&self.place, key), reason);
    }

    /// Says what is wrong with an item of the list at a key.
    fn refuse_item(&mut self, key: &str, index: usize, reason: &str) {
        report(self.errors, Place::Item(&Place::Key(&self.place, key), index), reason);
    }

    /// The items of a list that can be read; the others are refused.
    fn items<T>(
        &mut self,
        key: &'static str,
        read: impl Fn(&'s Value<'s>) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let items = self.list(key)?;
        let mut values = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read(item) {
                Ok(value) => values.push(value),
                Err(reason) => self.refuse_item(key, index, &reason),
            }
        }
        Some(values)
    }

    fn list(&mut self, key: &'static str) -> Option<&'s [Value<'s>]> {
        let value = self.get(key)?;
        if let Value::List(items) = value {
            return Some(items);
        }
        self.refuse(key, &format!("must be a list, not {}", value.type_name()));
        None
    }
}

fn report(errors: &mut Vec<String>, place: Place<'_>, reason: &str) {
    let mut message = String::new();
    place.push_to(&mut message);
    message.push_str(": ");
    message.push_str(reason);
    errors.push(message);
}

fn word<T: Copy>(value: &Value<'_>, words: &[(&str, T)]) -> Result<T, String> {
    let names = || words.iter().map(|(name, _)| *name).collect::<Vec<_>>();
    let Value::String(text) = value else {
        return Err(format!("must be one of {}, not {}", names().join(", "), value.type_name()));
    };
    match words.iter().find(|(name, _)| *name == &**text) {
        Some((_, meaning)) => Ok(*meaning),
        None => Err(format!("{} is unknown{}", quoted(text), choice(text, &names()))),
    }
}

fn checked_string<'s>(value: &'s Value<'s>, check: Check) -> Result<&'s str, String> {
    match value {
        Value::String(text) => check(text).map(|()| &**text),
        other => Err(format!("must be a string, not {}", other.type_name())),
    }
}

/// Refuses the empty string, which is never what somebody meant to write.
///
/// # Errors
/// When the text is empty.
pub fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(()) }
}

/// What the user may have meant, and what there is to choose from.
#[must_use]
pub fn choice(text: &str, allowed: &[&str]) -> String {
    format!("{} (allowed: {})", suggestion(text, allowed), allowed.join(", "))
}

/// What the user may have meant, if anything is near: `, did you mean "warn"?`.
fn suggestion(text: &str, allowed: &[&str]) -> String {
    let lower = text.to_ascii_lowercase();
    let distance = |word: &&&str| strsim::osa_distance(&lower, &word.to_ascii_lowercase());
    let nearest = allowed.iter().min_by_key(distance).filter(|word| distance(word) <= word.len() / 3);
    nearest.map_or(String::new(), |word| format!(", did you mean \"{word}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_near() {
        let allowed = ["off", "warn", "deny"];
        assert_eq!(choice("wran", &allowed), ", did you mean \"warn\"? (allowed: off, warn, deny)");
        assert_eq!(choice("DENY", &allowed), ", did you mean \"deny\"? (allowed: off, warn, deny)");
        assert_eq!(choice("audit", &allowed), " (allowed: off, warn, deny)");
        assert_eq!(choice("", &allowed), " (allowed: off, warn, deny)");
    }
}
