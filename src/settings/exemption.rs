//! `exemptions`: which findings do not count, and in which requests.
//!
//! Every key that an exemption sets must match, each by any of its entries. A pod author can write none of what an exemption
//! matches, except for container names: pair these with images or namespaces.

use std::cell::OnceCell;

use super::date::Date;
use super::declaration::{
    Declared, Demand, Format, NOT_EMPTY, ObjectKind, Objects, OptionalTexts, Required, Setting, Text,
};
use super::reader::ObjectReader;
use super::selector::{CONTAINERS, IMAGES, NAMESPACES, Selector, is_any_of};
use super::value::{EXEMPTIONS, SettingValue};
use crate::text::quoted;

/// The setting `exemptions`.
pub const SETTING: Setting<Objects<Exemption<'static>>> = Setting {
    key: EXEMPTIONS,
    label: "Exemptions",
    doc: "Findings that do not count. Every key that an exemption sets must match, each by any of its entries. An exemption must \
          cover every container that is responsible for a finding. Pair container names with images or namespaces, because pod \
          authors choose the names.",
    kind: Objects::ANY,
};

const REASON: Setting<Required<Text>> = Setting {
    key: "reason",
    label: "Reason",
    doc: "Why the exemption exists. Audit annotations repeat it.",
    kind: Required { kind: Text(&NOT_EMPTY), instruction: "say why the exemption exists" },
};

const EXPIRES: Setting<Text> = Setting {
    key: "expires",
    label: "Expiry date",
    doc: "The day, in UTC, from which the exemption no longer applies: `2027-06-30`.",
    kind: Text(&DATE),
};

/// The setting `rules`. Its entries are checked against the list of rules, which this layer does not know.
pub const RULES: Setting<OptionalTexts> = Setting {
    key: "rules",
    label: "Rules",
    doc: "The rules whose findings do not count; all rules if unset.",
    kind: OptionalTexts { format: &NOT_EMPTY, may_be_empty: false },
};

const USERS: Setting<OptionalTexts> = Setting {
    key: "users",
    label: "User names",
    doc: "Names of the users who send the request. `*` matches any characters within one segment, which ends at a `/`.",
    kind: OptionalTexts { format: &NOT_EMPTY, may_be_empty: false },
};

const GROUPS: Setting<OptionalTexts> = Setting {
    key: "groups",
    label: "User groups",
    doc: "Groups of the users who send the request. `*` matches as in `users`.",
    kind: OptionalTexts { format: &NOT_EMPTY, may_be_empty: false },
};

/// A day that exists.
const DATE: Format = Format {
    check: check_date,
    demands: &[Demand::Matches("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")],
    choices: None,
};

/// An exemption.
#[derive(Debug)]
pub struct Exemption<'s> {
    /// Its index in the settings.
    pub index: usize,
    /// Why it exists.
    pub reason: &'s str,
    /// The first day on which it no longer applies, as it is written and as it is compared.
    pub expires: Option<(&'s str, Date)>,
    /// The rules that it is about; all rules if it names none.
    pub rules: Option<Vec<&'s str>>,
    /// The containers that it is about.
    pub selector: Selector<'s>,
    users: Option<Vec<&'s str>>,
    groups: Option<Vec<&'s str>>,
}

/// What exemptions match of a request, whatever its object is.
#[derive(Clone, Copy, Debug)]
pub struct Requester<'r> {
    /// The namespace of the object; empty if it has none.
    pub namespace: &'r str,
    /// The name of the user who sends the request.
    pub user: &'r str,
    /// The groups of the user.
    pub groups: &'r [json_view::Text<'r>],
}

impl Exemption<'_> {
    /// Whether the exemption is meant for a request.
    #[must_use]
    pub fn is_for(&self, requester: &Requester<'_>) -> bool {
        let has_group = |group: &json_view::Text<'_>| is_any_of(self.groups.as_ref(), group);
        self.selector.includes_namespace(requester.namespace)
            && is_any_of(self.users.as_ref(), requester.user)
            && (self.groups.is_none() || requester.groups.iter().any(has_group))
    }

    /// Whether the exemption is about a rule.
    #[must_use]
    pub fn is_about(&self, rule: &str) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.contains(&rule))
    }
}

impl ObjectKind for Exemption<'static> {
    type Value<'s> = Exemption<'s>;

    const SETTINGS: &'static [&'static dyn Declared] =
        &[&REASON, &EXPIRES, &RULES, &IMAGES, &CONTAINERS, &NAMESPACES, &USERS, &GROUPS];

    const AT_LEAST_ONE_OF: &'static [&'static str] =
        &["images", "containers", "namespaces", "users", "groups"];

    fn read<'s>(reader: &mut ObjectReader<'_, 's>) -> Option<Exemption<'s>> {
        let reason = reader.get(&REASON);
        let expires = reader.get(&EXPIRES).and_then(|day| Some((day, Date::parse(day)?)));
        let rules = reader.get(&RULES);
        let selector = Selector::read(reader);
        let users = reader.get(&USERS);
        let groups = reader.get(&GROUPS);
        for key in Self::AT_LEAST_ONE_OF {
            reader.refuse_stars(key);
        }
        // An empty reason is reported, so it never counts.
        let (index, reason) = (reader.index(), reason.unwrap_or_default());
        Some(Exemption { index, reason, expires, rules, selector, users, groups })
    }
}

/// Checks the name of a rule, which this layer does not know.
pub type CheckRule = fn(&str) -> Result<(), String>;

/// Every exemption of the settings, in their order. They are parsed when the first one is needed.
#[derive(Debug)]
pub struct Exemptions<'s> {
    value: Option<&'s SettingValue<'s>>,
    /// Checks the name of a rule.
    check_rule: CheckRule,
    list: OnceCell<Result<Vec<Exemption<'s>>, String>>,
}

impl<'s> Exemptions<'s> {
    /// Reads the key `exemptions`, later if it is a list.
    pub fn read(reader: &mut ObjectReader<'_, 's>, check_rule: CheckRule) -> Self {
        let value = reader.value(EXEMPTIONS);
        if let Some(other) = value.filter(|value| !matches!(value, SettingValue::Lazy(_))) {
            reader.refuse(EXEMPTIONS, format_args!("expected a list, got {}", other.type_name()));
        }
        Self { value, check_rule, list: OnceCell::new() }
    }

    /// The exemptions.
    ///
    /// # Errors
    /// Everything that is wrong with them, one sentence per line.
    pub fn list(&self) -> Result<&[Exemption<'s>], &str> {
        self.list.get_or_init(|| self.parse()).as_deref().map_err(String::as_str)
    }

    fn parse(&self) -> Result<Vec<Exemption<'s>>, String> {
        let Some(SettingValue::Lazy(lazy)) = self.value else { return Ok(Vec::new()) };
        let value = lazy.get().map_err(|reason| format!("{EXEMPTIONS}: {reason}"))?;
        let mut errors = Vec::new();
        let mut reader = ObjectReader::new(&[], &mut errors);
        let list = reader.read(&SETTING, value);
        for exemption in &list {
            for (place, id) in exemption.rules.iter().flatten().enumerate() {
                if let Err(reason) = (self.check_rule)(id) {
                    reader.refuse_in_list(EXEMPTIONS, exemption.index, RULES.key, place, reason);
                }
            }
        }
        if errors.is_empty() { Ok(list) } else { Err(errors.join("\n")) }
    }

    /// Whether an exemption is about a rule.
    #[must_use]
    pub fn has_one_about(&self, rule: &str) -> bool {
        self.list().unwrap_or_default().iter().any(|exemption| exemption.is_about(rule))
    }
}

fn check_date(text: &str) -> Result<(), String> {
    match Date::parse(text) {
        Some(_) => Ok(()),
        None => Err(format!("expected a day such as 2027-06-30, got {}", quoted(text))),
    }
}
