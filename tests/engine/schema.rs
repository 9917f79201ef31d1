//! `settings.schema.json`: the settings as editors understand them, so that they complete and check them.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a schema that cannot be used ends its test")]

use std::cell::Cell;
use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Map, Value, json};

use crate::documents::{metadata, read, rewrite};
use crate::fixes;
use crate::fixture::{Fixture, fixtures, of_rules};
use crate::module::policy;
use crate::readme;
use crate::shape::{Demand, Object, Setting, Takes, Text};

const FILE: &str = "settings.schema.json";

/// What the module says about settings that no schema can tell from others: about one value beside another one, or about
/// a name that is none.
const BEYOND: [&str; 9] = [
    "fills in nothing without",
    "has no effect without",
    "writableMounts denies it",
    "can never be allowed",
    "can never be added",
    "no id can lie in it",
    "no user can lie in 0-0",
    "can never match an image: it has",
    // A day that February never has.
    "must be a day such as 2027-06-30, not \"2027-02-",
];

/// Strings that some setting takes, or nearly.
const TEXTS: [&str; 44] = [
    "",
    "/",
    "/tmp",
    "/tmp/",
    "/a//b",
    "/a/../b",
    "/.",
    "/..a",
    "/a.",
    "/data/**",
    "/**",
    "/**/a",
    "/a/***",
    "/a**",
    "/a*/b",
    "/a:b",
    "tmp",
    "64Mi",
    "1.5Gi",
    "0",
    "0.0",
    "0.10",
    "00.01k",
    "1.",
    ".5",
    "1K",
    "1ki",
    "007",
    "10",
    "2027-06-30",
    "2027-02-30",
    "2027-13-01",
    "2027-1-1",
    "0000-01-01",
    "web",
    "web-",
    "-web",
    "Web",
    "team-*",
    "*",
    "latest",
    ".x",
    "*-SNAPSHOT",
    "v1_2",
];

/// The whole schema.
fn generated() -> String {
    let source = &metadata()["annotations"]["io.kubewarden.policy.source"];
    let mut schema = object(Object::of_settings());
    for (key, value) in [
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("$id", format!("{}/raw/main/{FILE}", source.as_str().unwrap()).into()),
        ("title", "Settings of immutable-pods-policy".into()),
        ("description", "An empty object is valid, and means the defaults.".into()),
        ("type", json!(["object", "null"])),
    ] {
        schema[key] = value;
    }
    format!("{schema:#}\n")
}

fn object(object: &Object) -> Value {
    let properties: Map<_, _> =
        object.settings.iter().map(|setting| (setting.key.clone(), property(setting))).collect();
    let required = object.settings.iter().filter(|setting| setting.is_required).map(|setting| &setting.key);
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    let required: Vec<_> = required.collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !object.at_least_one_of.is_empty() {
        // Whoever gives `null` gives nothing.
        let given = |key: &String| json!({"required": [key], "properties": {key: {"not": {"type": "null"}}}});
        schema["anyOf"] = object.at_least_one_of.iter().map(given).collect();
    }
    schema
}

fn property(setting: &Setting) -> Value {
    let mut schema = takes(&setting.takes);
    if !setting.is_required {
        schema = or_null(schema);
    }
    schema["description"] = setting.description.clone().into();
    if let Some(default) = &setting.default {
        schema["default"] = default.clone();
    }
    schema
}

fn or_null(mut schema: Value) -> Value {
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        alternatives.push(json!({"type": "null"}));
    } else if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    } else {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

fn takes(takes: &Takes) -> Value {
    match takes {
        Takes::Flag => json!({"type": "boolean"}),
        Takes::Natural => json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
        Takes::Mode(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({"enum": words.chain([json!(false)]).collect::<Vec<_>>()})
        }
        Takes::Word(words) => json!({"enum": words}),
        Takes::Text(text) => self::text(text),
        Takes::List(list) => {
            let mut schema = json!({"type": "array", "items": self::takes(&list.item)});
            if !list.may_be_empty {
                schema["minItems"] = 1.into();
            }
            schema
        }
        Takes::Object(object) => self::object(object),
        Takes::Short(short, object) => json!({"anyOf": [self::takes(short), self::object(object)]}),
    }
}

fn text(text: &Text) -> Value {
    let choices = json!({"enum": text.choices});
    if text.has_other_spellings {
        return json!({"anyOf": [choices, {"type": "string", "pattern": "^CAP_|[a-z]"}]});
    }
    if !text.choices.is_empty() {
        return choices;
    }
    let mut schema = json!({"type": "string"});
    let mut refused = Vec::new();
    for check in &text.checks {
        match check.demand {
            Demand::NotEmpty => schema["minLength"] = 1.into(),
            Demand::Matches(pattern) => schema["pattern"] = pattern.into(),
            Demand::MatchesNot(pattern) => refused.push(pattern),
        }
    }
    if !refused.is_empty() {
        schema["not"] = json!({"pattern": refused.join("|")});
    }
    schema
}

fn schema() -> Value {
    read(FILE)
}

fn validator() -> &'static Validator {
    static VALIDATOR: LazyLock<Validator> =
        LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());
    &VALIDATOR
}

/// What the module has against the settings.
#[track_caller]
fn objections(settings: &Value) -> Vec<String> {
    let message = policy().validate_settings(settings).unwrap().message.unwrap_or_default();
    message.lines().map(str::to_owned).collect()
}

/// Whether the schema and the module agree, as far as a schema can: it refuses nothing that the module accepts, and
/// accepts of what the module refuses only what is beyond it.
pub(crate) fn check(settings: &Value) -> Result<(), String> {
    let objections = objections(settings);
    let error =
        validator().validate(settings).err().map(|error| format!("{}: {error}", error.instance_path()));
    match error {
        Some(error) if objections.is_empty() => Err(format!("the schema refuses {settings}: {error}")),
        None if !objections.iter().all(|objection| is_beyond(objection)) => {
            Err(format!("the schema accepts {settings}, and the module says {objections:?}"))
        }
        _ => Ok(()),
    }
}

fn is_beyond(objection: &str) -> bool {
    // Of capabilities, the schema knows the usual spelling alone.
    let name = objection.split('"').nth(1).unwrap_or_default();
    let is_unusual = name.starts_with("CAP_") || name.bytes().any(|byte| byte.is_ascii_lowercase());
    BEYOND.iter().any(|beyond| objection.contains(beyond))
        || (is_unusual && objection.contains("is no capability"))
}

#[test]
fn the_schema_is_that_of_the_settings() {
    rewrite(FILE, &generated());
}

#[test]
fn the_schema_is_one() {
    let schema = schema();
    assert!(jsonschema::meta::validate(&schema).is_ok());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_schema_describes_every_key() {
    fn check(schema: &Value, path: &str) {
        // Other objects only say which keys must be given.
        let is_whole = schema["additionalProperties"] == false;
        for (key, property) in schema["properties"].as_object().filter(|_| is_whole).into_iter().flatten() {
            let path = format!("{path}.{key}");
            let is_described = property["description"].as_str().is_some_and(|text| text.ends_with('.'));
            assert!(is_described, "{path} has no description");
            check_within(property, &path);
        }
    }
    fn check_within(schema: &Value, path: &str) {
        check(schema, path);
        let alternatives = schema["anyOf"].as_array().into_iter().flatten();
        alternatives.chain(schema.get("items")).for_each(|inner| check_within(inner, path));
    }
    check(&schema(), "");
}

#[test]
fn the_schema_accepts_every_setting_that_is_shown() {
    let examples = ["policies/fix-mutating.yaml", "policies/fix-validating.yaml", "registry/policy.yaml"];
    let examples = examples.into_iter().map(|file| read(&format!("examples/{file}")));
    let blocks = readme::yaml_blocks().chain(examples).chain([read("settings.example.yaml")]);
    let settings = blocks.filter_map(|block| match block.get("apiVersion") {
        Some(_) => block.pointer("/spec/settings").cloned(),
        None => Some(block),
    });
    let settings: Vec<_> = settings.collect();
    assert!(settings.len() > 8, "{settings:?}");
    for settings in settings {
        assert!(validator().is_valid(&settings), "{settings}");
    }
}

#[test]
fn the_schema_agrees_with_the_module_on_the_settings_of_fixtures() {
    let of_rules = ["pass", "fail", "fix"].into_iter().flat_map(of_rules).map(|(_, fixture)| fixture);
    let shared = ["exemptions", "fixes", "neutral", "updates"].into_iter().flat_map(fixtures);
    for Fixture { name, settings, .. } in of_rules.chain(shared) {
        assert_eq!(check(&settings), Ok(()), "{name}");
    }
}

#[test]
fn the_schema_agrees_with_the_module_on_every_setting() {
    let tried = tried_in(Object::of_settings());
    assert!(tried.len() > 2000, "{}", tried.len());
    for settings in tried {
        assert_eq!(check(&settings), Ok(()));
    }
}

/// What is worth trying where something is taken, right and wrong.
fn tried(takes: &Takes) -> Vec<Value> {
    let mut tried = values();
    match takes {
        Takes::Flag | Takes::Natural => {}
        Takes::Mode(words) | Takes::Word(words) => tried.extend(words.iter().map(|word| json!(word))),
        Takes::Text(text) => {
            tried.extend(TEXTS.map(Value::from));
            tried.extend(text.choices.iter().map(|choice| json!(choice)));
        }
        Takes::List(list) => tried.extend(self::tried(&list.item).into_iter().map(|item| json!([item]))),
        Takes::Object(object) => tried.extend(tried_in(object)),
        Takes::Short(short, object) => {
            tried.extend(self::tried(short));
            tried.extend(tried_in(object));
        }
    }
    tried
}

/// The object with no more in it than it needs, with one thing added, taken away or changed.
fn tried_in(object: &Object) -> Vec<Value> {
    let least = least(object);
    let mut all = vec![least.clone(), with(&least, "unknown", json!(1))];
    for setting in &object.settings {
        all.extend(tried(&setting.takes).into_iter().map(|value| with(&least, &setting.key, value)));
    }
    for key in least.as_object().into_iter().flat_map(Map::keys) {
        let mut lacking = least.clone();
        lacking.as_object_mut().unwrap().remove(key);
        all.push(lacking);
    }
    all
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[key] = value;
    object
}

/// An object with what it needs.
fn least(object: &Object) -> Value {
    let needed =
        |setting: &&Setting| setting.is_required || object.at_least_one_of.first() == Some(&setting.key);
    let some = |setting: &Setting| {
        let schema = takes(&setting.takes);
        let value = tried(&setting.takes).into_iter().find(|value| jsonschema::is_valid(&schema, value));
        (setting.key.clone(), value.unwrap())
    };
    object.settings.iter().filter(needed).map(some).collect()
}

#[test]
fn the_schema_agrees_with_the_module_on_generated_settings() {
    let valid = Cell::new(0);
    let mut runner = TestRunner::new(fixes::config());
    let cases = runner.config().cases;
    let result = runner.run(&of_object(Object::of_settings()), |settings| {
        valid.set(valid.get() + u32::from(objections(&settings).is_empty()));
        check(&settings).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
    let valid = valid.get();
    assert!((cases / 5..cases * 4 / 5).contains(&valid), "{valid} of {cases} were valid");
}

/// An object that may lack what it needs, and may have what it does not know.
fn of_object(object: &Object) -> BoxedStrategy<Value> {
    let (required, optional): (Vec<_>, Vec<_>) =
        object.settings.iter().partition(|setting| setting.is_required);
    let of_setting = |setting: &&Setting| {
        let value = prop_oneof![16 => of(&setting.takes), 1 => Just(Value::Null), 1 => anything()];
        (setting.key.clone(), value.boxed())
    };
    let required: Vec<_> =
        required.iter().map(of_setting).map(|(key, value)| weighted(0.95, (Just(key), value))).collect();
    let optional: Vec<_> = optional.iter().map(of_setting).map(|(key, value)| (Just(key), value)).collect();
    let most = optional.len().min(4);
    let unknown =
        weighted(0.03, (select(&["mod", "Mode", "path", "a b"][..]).prop_map(str::to_owned), anything()));
    let some = subsequence(optional, 0..=most).prop_flat_map(|some| some);
    (required, some, unknown)
        .prop_map(|(required, some, unknown)| {
            let all = required.into_iter().flatten().chain(some).chain(unknown);
            Value::Object(all.collect::<Map<_, _>>())
        })
        .boxed()
}

fn of(takes: &Takes) -> BoxedStrategy<Value> {
    match takes {
        Takes::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Takes::Natural => select(&[0, 1, 10_000, i64::MAX, -1][..]).prop_map(Value::from).boxed(),
        Takes::Mode(words) => {
            prop_oneof![4 => select(words.clone()).prop_map(Value::from), 1 => Just(json!(false))].boxed()
        }
        Takes::Word(words) => select(words.clone()).prop_map(Value::from).boxed(),
        Takes::Text(text) => {
            let texts = select(&TEXTS[..]).prop_map(Value::from);
            if text.choices.is_empty() {
                let schema = self::text(text);
                let passes = |text: &&str| jsonschema::is_valid(&schema, &json!(text));
                let passing: Vec<_> = TEXTS.into_iter().filter(passes).collect();
                return prop_oneof![8 => select(passing).prop_map(Value::from), 1 => texts].boxed();
            }
            let choices = select(text.choices.clone());
            let spelled = choices.clone().prop_map(|choice| choice.to_lowercase());
            prop_oneof![24 => choices.prop_map(Value::from), 1 => spelled.prop_map(Value::from), 1 => texts]
                .boxed()
        }
        Takes::List(list) => {
            let item = prop_oneof![40 => of(&list.item), 1 => anything()];
            vec(item, 0..=2).prop_map(Value::from).boxed()
        }
        Takes::Object(object) => of_object(object),
        Takes::Short(short, object) => prop_oneof![of(short), of_object(object)].boxed(),
    }
}

fn anything() -> BoxedStrategy<Value> {
    select(values()).boxed()
}

/// Values of every type. There is no `1.0` among them, which is an integer to a schema and none to the module.
fn values() -> Vec<Value> {
    let values =
        json!([null, true, false, 0, -1, 1.5, "", "off", "/tmp", [], [[]], [1], ["a"], {}, {"mode": "deny"}]);
    values.as_array().cloned().unwrap()
}
