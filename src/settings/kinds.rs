//! How each kind of setting is read.

use std::borrow::Cow;

use super::declaration::{
    Flag, Natural, ObjectKind, Objects, OptionalTexts, Required, Text, TextLists, Texts, Word, Words,
};
use super::reader::{Cursor, ReadSetting};
use super::setting::ANY_TEXT;
use super::value::SettingValue;

impl ReadSetting for Flag {
    type Value<'s> = bool;

    fn unset<'s>(&self) -> Self::Value<'s> {
        false
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> bool {
        if let SettingValue::Bool(flag) = value {
            return *flag;
        }
        at.refuse_type("true or false", value);
        false
    }
}

impl ReadSetting for Natural {
    type Value<'s> = Option<i64>;

    fn unset<'s>(&self) -> Self::Value<'s> {
        None
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Option<i64> {
        match value {
            SettingValue::Number(Some(number @ 0..)) => return Some(*number),
            SettingValue::Number(Some(number)) => {
                at.refuse(format_args!("expected a non-negative integer, got {number}"));
            }
            SettingValue::Number(None) => at.refuse("expected a non-negative integer of at most 63 bits"),
            other => at.refuse_type("a non-negative integer", other),
        }
        None
    }
}

impl ReadSetting for Text {
    type Value<'s> = Option<&'s str>;

    fn unset<'s>(&self) -> Option<&'s str> {
        None
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Option<&'s str> {
        at.text(value, self.0)
    }
}

impl ReadSetting for Texts {
    type Value<'s> = Cow<'s, [&'s str]>;

    fn unset<'s>(&self) -> Cow<'s, [&'s str]> {
        Cow::Borrowed(self.default)
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Cow<'s, [&'s str]> {
        if !self.may_be_empty {
            at.refuse_empty(value);
        }
        let items = at.items(value, |item, at| at.text(item, self.format));
        items.map_or_else(|| self.unset(), Cow::Owned)
    }
}

impl ReadSetting for OptionalTexts {
    type Value<'s> = Option<Vec<&'s str>>;

    fn unset<'s>(&self) -> Option<Vec<&'s str>> {
        None
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Option<Vec<&'s str>> {
        if !self.may_be_empty {
            at.refuse_empty(value);
        }
        at.items(value, |item, at| at.text(item, self.format))
    }
}

impl ReadSetting for TextLists {
    type Value<'s> = Vec<Vec<&'s str>>;

    fn unset<'s>(&self) -> Vec<Vec<&'s str>> {
        Vec::new()
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Vec<Vec<&'s str>> {
        let read_list = |item: &'s SettingValue<'s>, at: &mut Cursor<'_>| {
            at.refuse_empty(item);
            at.items(item, |item, at| at.text(item, &ANY_TEXT))
        };
        at.items(value, read_list).unwrap_or_default()
    }
}

impl<T: Copy> ReadSetting for Word<T> {
    type Value<'s> = T;

    fn unset<'s>(&self) -> Self::Value<'s> {
        self.default
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> T {
        at.word(value, self.words).unwrap_or(self.default)
    }
}

impl<T: Copy> ReadSetting for Words<T> {
    type Value<'s> = Cow<'static, [T]>;

    fn unset<'s>(&self) -> Self::Value<'s> {
        Cow::Borrowed(self.default)
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Cow<'static, [T]> {
        if !self.may_be_empty {
            at.refuse_empty(value);
        }
        let items = at.items(value, |item, at| at.word(item, self.words));
        items.map_or_else(|| self.unset(), Cow::Owned)
    }
}

impl<T: ObjectKind> ReadSetting for Objects<T> {
    type Value<'s> = Vec<T::Value<'s>>;

    fn unset<'s>(&self) -> Vec<T::Value<'s>> {
        Vec::new()
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Vec<T::Value<'s>> {
        if !self.may_be_empty {
            at.refuse_empty(value);
        }
        at.items(value, read_object::<T>).unwrap_or_default()
    }
}

fn read_object<'s, T: ObjectKind>(value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> Option<T::Value<'s>> {
    match (value, T::SHORTHAND) {
        (SettingValue::Object(entries), _) => {
            let mut reader = at.object(entries);
            let object = T::read(&mut reader);
            reader.finish();
            if !T::AT_LEAST_ONE_OF.is_empty() && !T::AT_LEAST_ONE_OF.iter().any(|key| reader.is_set(key)) {
                reader.refuse_object(format_args!(
                    "at least one of {} is required",
                    T::AT_LEAST_ONE_OF.join(", ")
                ));
            }
            object
        }
        (SettingValue::String(_), Some(format)) => T::read_shorthand(at.text(value, format)?),
        (other, shorthand) => {
            at.refuse_type(if shorthand.is_some() { "a string or an object" } else { "an object" }, other);
            None
        }
    }
}

impl<K: ReadSetting> ReadSetting for Required<K> {
    type Value<'s> = K::Value<'s>;

    fn unset<'s>(&self) -> K::Value<'s> {
        self.kind.unset()
    }

    fn read<'s>(&self, value: &'s SettingValue<'s>, at: &mut Cursor<'_>) -> K::Value<'s> {
        self.kind.read(value, at)
    }

    fn instruction(&self) -> Option<&'static str> {
        Some(self.instruction)
    }
}
