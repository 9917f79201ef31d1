//! The shape of the settings: which keys there are, and what each takes.
//!
//! The module itself tells it. It is given what it cannot take, and says what it wants. So there is no second list of
//! settings, and whatever is made from the shape cannot drift from the code. Descriptions come from the docs in `src`, and
//! defaults from the README, which other tests hold to the code.

#![expect(clippy::panic, reason = "what the module says must be understood, or else its shape is not known")]

use std::sync::LazyLock;

use immutable_pods_policy::rules::RULES;
use serde_json::{Map, Value, json};

use crate::docs::{self, Docs};
use crate::fixture::folder_of;
use crate::module::policy;
use crate::readme;

/// A key, and what it takes.
pub(crate) struct Setting {
    pub(crate) key: String,
    pub(crate) description: String,
    /// What it means to leave it out, where the README shows it.
    pub(crate) default: Option<Value>,
    /// Whether it cannot be left out. What can be left out can be `null`, which means the same.
    pub(crate) is_required: bool,
    pub(crate) takes: Takes,
}

/// What a setting takes, or an item of a list.
pub(crate) enum Takes {
    /// `true` or `false`.
    Flag,
    /// An integer from 0 on.
    Natural,
    /// One of these words, or `false`, which YAML makes of a bare `off`.
    Mode(Vec<String>),
    /// One of these words.
    Word(Vec<String>),
    /// A string.
    Text(Text),
    /// A list of items.
    List(Box<List>),
    /// An object.
    Object(Object),
    /// Something short that stands for an object, or the object.
    Short(Box<Takes>, Object),
}

/// What a string must be.
pub(crate) struct Text {
    /// What there is to choose from, where that can be listed.
    pub(crate) choices: Vec<String>,
    /// Whether the choices can be spelled in other ways.
    pub(crate) has_other_spellings: bool,
    /// What else is asked of it.
    pub(crate) checks: Vec<&'static Check>,
}

pub(crate) struct List {
    pub(crate) item: Takes,
    pub(crate) may_be_empty: bool,
}

pub(crate) struct Object {
    pub(crate) settings: Vec<Setting>,
    /// Keys of which at least one must be given; none where there is no such demand.
    pub(crate) at_least_one_of: Vec<String>,
}

/// A check of strings.
pub(crate) struct Check {
    /// A string that does not pass it.
    refused: &'static str,
    /// What the module says of it.
    says: &'static str,
    /// What it asks for.
    pub(crate) demand: Demand,
}

/// What a check asks for, by a regular expression.
pub(crate) enum Demand {
    NotEmpty,
    Matches(&'static str),
    MatchesNot(&'static str),
}

/// What the module can say of strings. What no regular expression can tell is left to the module.
const CHECKS: [Check; 10] = [
    Check { refused: "", says: "must not be empty", demand: Demand::NotEmpty },
    Check { refused: "", says: "can never match an image: it is empty", demand: Demand::NotEmpty },
    Check { refused: "?", says: "must be an absolute path", demand: Demand::Matches("^/") },
    Check {
        refused: "/a//b",
        says: "must be a path without ., .. and //",
        demand: Demand::MatchesNot(r"//|/\.\.?(/|$)"),
    },
    Check {
        refused: "/**/b",
        says: "may have ** only at the end",
        demand: Demand::MatchesNot(r"\*\*[\s\S]|[^/]\*\*$"),
    },
    Check {
        refused: "/*",
        says: "must be one path, without * and :",
        demand: Demand::MatchesNot(r"[*:]|^/$"),
    },
    Check {
        refused: "?",
        says: "must be a day such as",
        demand: Demand::Matches("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"),
    },
    Check {
        refused: "?",
        says: "must be a size such as",
        demand: Demand::Matches(r"^(0*[1-9][0-9]*(\.[0-9]+)?|0+\.0*[1-9][0-9]*)(k|[KMGTPE]i|[MGTPE])?$"),
    },
    Check {
        refused: "?",
        says: "names are lower case letters, digits and dashes",
        demand: Demand::Matches("^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$"),
    },
    Check {
        refused: "?",
        says: "can never match a tag",
        demand: Demand::Matches("^[A-Za-z0-9_*][A-Za-z0-9_.*-]*$"),
    },
];

/// A key that no object has, and a string that is no choice anywhere.
const UNKNOWN: &str = "?";

impl Object {
    /// The settings as a whole, about which the module is asked once for all tests.
    pub(crate) fn of_settings() -> &'static Self {
        static SETTINGS: LazyLock<Object> = LazyLock::new(|| {
            let root = Place { path: String::new(), keys: Vec::new(), steps: Vec::new() };
            root.object(&readme::settings())
        });
        &SETTINGS
    }
}

/// Where something stands in the settings.
#[derive(Clone)]
struct Place {
    /// As messages write it.
    path: String,
    /// The keys on the way to it.
    keys: Vec<String>,
    /// The same, with the lists between them.
    steps: Vec<Step>,
}

#[derive(Clone)]
enum Step {
    Key(String),
    Item,
}

impl Place {
    fn at(&self, key: &str) -> Self {
        let mut place = self.clone();
        if !place.path.is_empty() {
            place.path.push('.');
        }
        place.path.push_str(key);
        place.keys.push(key.to_owned());
        place.steps.push(Step::Key(key.to_owned()));
        place
    }

    fn item(&self) -> Self {
        let mut place = self.clone();
        // Of what stands in a list of lists, messages name the inner list.
        if !matches!(self.steps.last(), Some(Step::Item)) {
            place.path.push_str("[0]");
        }
        place.steps.push(Step::Item);
        place
    }

    /// What the module says about settings with a value here: where it is wrong, from here on, and why.
    #[track_caller]
    fn objections(&self, value: Value) -> Vec<(String, String)> {
        let settings = self.steps.iter().rfold(value, |inner, step| match step {
            Step::Key(key) => json!({key: inner}),
            Step::Item => json!([inner]),
        });
        let answer =
            policy().validate_settings(&settings).unwrap_or_else(|error| panic!("{settings}: {error}"));
        let lines = answer.message.unwrap_or_default();
        let here = lines.lines().filter_map(|line| line.strip_prefix(&self.path)?.split_once(": "));
        here.map(|(place, reason)| (place.to_owned(), reason.to_owned())).collect()
    }

    /// Why a value is wrong as a whole, if it is.
    #[track_caller]
    fn objection(&self, value: impl Into<Value>) -> Option<String> {
        let objections = self.objections(value.into()).into_iter();
        objections.filter(|(place, _)| place.is_empty()).map(|(_, reason)| reason).next()
    }

    /// The keys of the object that can stand here, if one can.
    #[track_caller]
    fn known_keys(&self) -> Option<Vec<String>> {
        let unknown = format!("[{UNKNOWN}]");
        let objections = self.objections(json!({UNKNOWN: 1}));
        let (_, reason) = objections.iter().find(|(place, _)| *place == unknown)?;
        Some(listed(reason))
    }

    #[track_caller]
    fn takes(&self, defaults: &Value) -> Takes {
        // There is nothing that takes such a number.
        let wish = self.objection(1.5).unwrap_or_else(|| panic!("{}: takes 1.5", self.path));
        let short = match wish.strip_suffix(", not a number").unwrap_or(&wish) {
            "must be true or false" => Takes::Flag,
            "must be an integer from 0 on" => Takes::Natural,
            "must be a string" | "must be a string or an object" => Takes::Text(self.text()),
            "must be a list" => Takes::List(Box::new(self.list(defaults))),
            "must be an object" => return Takes::Object(self.object(defaults)),
            wish => match wish.strip_prefix("must be one of ") {
                Some(words) => self.one_of(words),
                None => panic!("{}: what does the module mean? {wish}", self.path),
            },
        };
        match self.known_keys() {
            Some(_) => Takes::Short(Box::new(short), self.object(defaults)),
            None => short,
        }
    }

    #[track_caller]
    fn one_of(&self, words: &str) -> Takes {
        let words = words.split(", ").map(str::to_owned).collect();
        if self.objection(false).is_none() { Takes::Mode(words) } else { Takes::Word(words) }
    }

    #[track_caller]
    fn text(&self) -> Text {
        let choices = self.objection(UNKNOWN).map(|reason| listed(&reason)).unwrap_or_default();
        let in_lower_case = choices.first().map(|choice| choice.to_lowercase());
        let has_other_spellings = in_lower_case
            .is_some_and(|choice| !choices.contains(&choice) && self.objection(choice).is_none());
        let says =
            |check: &&Check| self.objection(check.refused).is_some_and(|says| says.contains(check.says));
        let checks = if choices.is_empty() { CHECKS.iter().filter(says).collect() } else { Vec::new() };
        Text { choices, has_other_spellings, checks }
    }

    #[track_caller]
    fn list(&self, defaults: &Value) -> List {
        List { item: self.item().takes(defaults), may_be_empty: self.objection(json!([])).is_none() }
    }

    #[track_caller]
    fn object(&self, defaults: &Value) -> Object {
        let keys = self.known_keys().unwrap_or_else(|| panic!("{}: takes no object", self.path));
        let lacking = self.objections(json!({}));
        let is_required = |key: &str| {
            lacking.iter().any(|(place, reason)| *place == format!(".{key}") && reason.starts_with("missing"))
        };
        let one_of = lacking.iter().find_map(|(_, reason)| reason.strip_prefix("must name at least one of "));
        let settings = keys.iter().map(|key| self.at(key).setting(is_required(key), defaults));
        Object {
            settings: settings.collect(),
            at_least_one_of: one_of.unwrap_or_default().split_terminator(", ").map(str::to_owned).collect(),
        }
    }

    #[track_caller]
    fn setting(&self, is_required: bool, defaults: &Value) -> Setting {
        Setting {
            key: self.keys.last().cloned().unwrap_or_default(),
            description: self.description(),
            default: self.default(defaults),
            is_required,
            takes: self.takes(defaults),
        }
    }

    /// What the docs say about it.
    #[track_caller]
    fn description(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(String::as_str).collect();
        let rule = |id: &str| RULES.iter().find(|rule| rule.id == id);
        let (file, key) = match keys[..] {
            [id] if let Some(rule) = rule(id) => return Docs::of(rule).summary(),
            [key @ "writablePaths"] => ("settings/writable_paths".to_owned(), key.to_owned()),
            [key @ "exemptions"] => ("evaluation/exemptions".to_owned(), key.to_owned()),
            [.., key @ "mode"] | [key] => ("rules/settings".to_owned(), key.to_owned()),
            [.., key @ ("images" | "containers" | "namespaces")] => {
                ("settings/selector".to_owned(), key.to_owned())
            }
            [id, ref rest @ ..] if rule(id).is_some() => (format!("rules/{}", folder_of(id)), rest.join(".")),
            ["writablePaths", ref rest @ ..] => ("settings/writable_paths".to_owned(), rest.join(".")),
            [_, ref rest @ ..] => ("evaluation/exemptions".to_owned(), rest.join(".")),
            [] => panic!("the settings are described as a whole"),
        };
        docs::description(&format!("src/{file}.rs"), &key)
    }

    /// The default at these keys. An object has none of its own: its keys have them.
    #[track_caller]
    fn default(&self, defaults: &Value) -> Option<Value> {
        let default = self.keys.iter().try_fold(defaults, |defaults, key| defaults.get(key))?;
        self.known_keys().is_none().then(|| default.clone())
    }
}

/// What there is to choose from, as a message lists it at its end.
fn listed(reason: &str) -> Vec<String> {
    let listed = reason.split_once("(allowed: ").and_then(|(_, listed)| listed.strip_suffix(')'));
    listed.unwrap_or_default().split_terminator(", ").map(str::to_owned).collect()
}

#[test]
fn the_shape_is_that_of_the_settings() {
    let Object { settings, at_least_one_of } = Object::of_settings();
    let keys: Vec<_> = settings.iter().map(|setting| &*setting.key).collect();
    let rules = RULES.iter().map(|rule| rule.id);
    let expected: Vec<_> =
        ["enforcement", "onUpdate"].into_iter().chain(rules).chain(["writablePaths", "exemptions"]).collect();
    assert_eq!(keys, expected);
    assert!(at_least_one_of.is_empty());
    assert!(settings.iter().all(|setting| !setting.is_required));
    // Everything in the README's block is a default, and nothing else is.
    let defaults: Map<_, _> =
        settings.iter().map(|setting| (setting.key.clone(), default_of(setting))).collect();
    assert_eq!(Value::Object(defaults), readme::settings());
}

/// The default of a setting, with those of what stands in it.
fn default_of(setting: &Setting) -> Value {
    match &setting.takes {
        Takes::Short(_, object) | Takes::Object(object) => {
            object.settings.iter().map(|inner| (inner.key.clone(), default_of(inner))).collect()
        }
        _ => setting.default.clone().unwrap_or_default(),
    }
}

#[test]
fn every_check_is_in_use() {
    let mut used = Vec::new();
    for setting in &Object::of_settings().settings {
        checks_of(&setting.takes, &mut used);
    }
    for check in &CHECKS {
        assert!(used.contains(&check.says), "nothing is said to be wrong because it {}", check.says);
    }
}

fn checks_of(takes: &Takes, used: &mut Vec<&str>) {
    match takes {
        Takes::Flag | Takes::Natural | Takes::Mode(_) | Takes::Word(_) => {}
        Takes::Text(text) => used.extend(text.checks.iter().map(|check| check.says)),
        Takes::List(list) => checks_of(&list.item, used),
        Takes::Object(object) => object.settings.iter().for_each(|inner| checks_of(&inner.takes, used)),
        Takes::Short(short, object) => {
            checks_of(short, used);
            object.settings.iter().for_each(|inner| checks_of(&inner.takes, used));
        }
    }
}
