//! `settings.schema.json`: the schema with which editors complete and check settings.

#![expect(clippy::indexing_slicing, reason = "JSON has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a schema that is not valid")]

use std::cell::Cell;
use std::sync::LazyLock;

use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::settings::declaration::{Accepts, Declaration, Format, ObjectDeclaration};
use immutable_pods_testing::cases::Case;
use jsonschema::Validator;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::BoxedStrategy;
use proptest::test_runner::{TestCaseError, TestError, TestRunner};
use serde_json::{Map, Value, json};

use crate::cases;
use crate::documents::read;
use crate::fixes;
use crate::markdown::documents;
use crate::module::policy;
use crate::pages::yaml_blocks;

const FILE: &str = "settings.schema.json";

/// Errors of the module that a schema cannot express: about two settings that contradict each other, or about invalid names.
const NOT_IN_SCHEMA: [&str; 14] = [
    "also matches registries of other owners",
    "a name in a path has at most",
    "a path has at most",
    "container runtimes mount their own files",
    "whose requests do not contain images",
    "matches everything, write a narrower pattern",
    "has no effect without",
    "writableMounts denies it",
    "can never be allowed",
    "can never be added",
    "empty range",
    "range 0-0 allows no user",
    "can never match an image: it has",
    // A day that does not exist in February.
    "expected a day such as 2027-06-30, got \"2027-02-",
];

/// Strings that are valid in some setting, or almost.
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

fn schema() -> Value {
    read(FILE)
}

fn validator() -> &'static Validator {
    static VALIDATOR: LazyLock<Validator> =
        LazyLock::new(|| jsonschema::draft202012::new(&schema()).unwrap());
    &VALIDATOR
}

/// Returns the errors of the module for settings.
#[track_caller]
fn errors(settings: &Value) -> Vec<String> {
    let message = policy().validate_settings(settings).unwrap().message.unwrap_or_default();
    message.lines().map(str::to_owned).collect()
}

/// Checks that the schema agrees with the module: the schema accepts all valid settings, and rejects invalid settings unless
/// a schema cannot express the error.
pub(crate) fn check(settings: &Value) -> Result<(), String> {
    let errors = errors(settings);
    let error =
        validator().validate(settings).err().map(|error| format!("{}: {error}", error.instance_path()));
    match error {
        Some(error) if errors.is_empty() => Err(format!("the schema refuses {settings}: {error}")),
        None if !errors.iter().all(|error| is_not_in_schema(error)) => {
            Err(format!("the schema accepts {settings}, and the module says {errors:?}"))
        }
        _ => Ok(()),
    }
}

fn is_not_in_schema(error: &str) -> bool {
    // The schema only knows the usual spelling of capabilities.
    let name = error.split('"').nth(1).unwrap_or_default();
    let is_unusual = name.starts_with("CAP_") || name.bytes().any(|byte| byte.is_ascii_lowercase());
    NOT_IN_SCHEMA.iter().any(|text| error.contains(text))
        || (is_unusual && error.contains("is not a capability"))
}

#[test]
fn the_schema_is_valid() {
    let schema = schema();
    assert!(jsonschema::meta::validate(&schema).is_ok());
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_schema_describes_every_key() {
    fn check(schema: &Value, path: &str) {
        // Other objects only list required keys.
        let is_whole = schema["additionalProperties"] == false;
        for (key, property) in schema["properties"].as_object().filter(|_| is_whole).into_iter().flatten() {
            let path = format!("{path}.{key}");
            let is_described = property["description"].as_str().is_some_and(|text| text.ends_with('.'));
            assert!(is_described, "{path}: missing description");
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
fn the_schema_accepts_all_documented_settings() {
    let examples = ["policies/fix-mutating.yaml", "policies/fix-validating.yaml", "registry/policy.yaml"];
    let examples = examples.into_iter().map(|file| read(&format!("examples/{file}")));
    let pages = documents();
    let blocks = pages.iter().flat_map(yaml_blocks).chain(examples).chain([read("settings.example.yaml")]);
    let settings = blocks.filter_map(|block| match block.get("apiVersion") {
        Some(_) => block.pointer("/spec/settings").cloned(),
        None => Some(block),
    });
    let settings: Vec<_> = settings.collect();
    assert!(settings.len() > 50, "{settings:?}");
    for settings in settings {
        assert!(validator().is_valid(&settings), "{settings}");
    }
}

#[test]
fn the_schema_agrees_with_the_module_on_the_settings_of_cases() {
    for Case { id, settings, .. } in cases::all() {
        assert_eq!(check(settings), Ok(()), "{id}");
    }
}

#[test]
fn the_schema_agrees_with_the_module_on_every_setting() {
    let candidates = candidate_objects(&policy_settings::declaration());
    assert!(candidates.len() > 2000, "{}", candidates.len());
    for settings in candidates {
        assert_eq!(check(&settings), Ok(()));
    }
}

/// Returns valid and invalid values of a setting.
fn candidates(accepts: &Accepts) -> Vec<Value> {
    let mut candidates = values();
    match accepts {
        Accepts::Flag | Accepts::Natural => {}
        Accepts::Mode(words) | Accepts::Word(words) => {
            candidates.extend(words.iter().map(|word| json!(word)));
        }
        Accepts::Text(text) => {
            candidates.extend(TEXTS.map(Value::from));
            candidates.extend(choices_of(text).into_iter().map(Value::from));
        }
        Accepts::List { item, .. } => {
            candidates.extend(self::candidates(item).into_iter().map(|item| json!([item])));
        }
        Accepts::Object(object) => candidates.extend(candidate_objects(object)),
        Accepts::Shorthand(short, object) => {
            candidates.extend(self::candidates(short));
            candidates.extend(candidate_objects(object));
        }
    }
    candidates
}

/// Returns the minimal object with one key added, removed or changed.
fn candidate_objects(object: &ObjectDeclaration) -> Vec<Value> {
    let minimal = minimal(object);
    let mut all = vec![minimal.clone(), with(&minimal, "unknown", json!(1))];
    for setting in &object.settings {
        all.extend(candidates(&setting.accepts).into_iter().map(|value| with(&minimal, setting.key, value)));
    }
    for key in minimal.as_object().into_iter().flat_map(Map::keys) {
        let mut incomplete = minimal.clone();
        incomplete.as_object_mut().unwrap().remove(key);
        all.push(incomplete);
    }
    all
}

fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut object = object.clone();
    object[key] = value;
    object
}

/// Returns an object with only its required keys.
fn minimal(object: &ObjectDeclaration) -> Value {
    let is_required =
        |setting: &&Declaration| setting.is_required || object.at_least_one_of.first() == Some(&setting.key);
    let some = |setting: &Declaration| {
        let value =
            candidates(&setting.accepts).into_iter().find(|value| is_accepted(&setting.accepts, value));
        (setting.key.to_owned(), value.unwrap())
    };
    object.settings.iter().filter(is_required).map(some).collect()
}

/// Whether a value is valid for a required setting.
fn is_accepted(accepts: &Accepts, value: &Value) -> bool {
    match accepts {
        Accepts::Natural => value.is_u64(),
        Accepts::Text(format) => value.as_str().is_some_and(|text| (format.check)(text).is_ok()),
        Accepts::List { item, .. } => value
            .as_array()
            .is_some_and(|list| !list.is_empty() && list.iter().all(|value| is_accepted(item, value))),
        Accepts::Shorthand(short, _) => is_accepted(short, value),
        _ => false,
    }
}

/// Returns the allowed strings, if the format lists them.
fn choices_of(format: &Format) -> Vec<&'static str> {
    format.choices.map(|choices| choices().words).unwrap_or_default()
}

#[test]
fn the_schema_agrees_with_the_module_on_generated_settings() {
    let valid = Cell::new(0);
    let mut runner = TestRunner::new(fixes::config());
    let cases = runner.config().cases;
    let result = runner.run(&of_object(&policy_settings::declaration()), |settings| {
        valid.set(valid.get() + u32::from(errors(&settings).is_empty()));
        check(&settings).map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(error) => panic!("{error}"),
    }
    let valid = valid.get();
    assert!((cases / 5..cases * 4 / 5).contains(&valid), "{valid} of {cases} settings are valid");
}

/// Generates an object that may lack required keys and may have unknown keys.
fn of_object(object: &ObjectDeclaration) -> BoxedStrategy<Value> {
    let (required, optional): (Vec<_>, Vec<_>) =
        object.settings.iter().partition(|setting| setting.is_required);
    let of_setting = |setting: &&Declaration| {
        let value = prop_oneof![16 => of(&setting.accepts), 1 => Just(Value::Null), 1 => anything()];
        (setting.key.to_owned(), value.boxed())
    };
    let required: Vec<_> =
        required.iter().map(of_setting).map(|(key, value)| weighted(0.95, (Just(key), value))).collect();
    let optional: Vec<_> = optional.iter().map(of_setting).map(|(key, value)| (Just(key), value)).collect();
    let max = optional.len().min(4);
    let unknown =
        weighted(0.03, (select(&["mod", "Mode", "path", "a b"][..]).prop_map(str::to_owned), anything()));
    let some = subsequence(optional, 0..=max).prop_flat_map(|some| some);
    (required, some, unknown)
        .prop_map(|(required, some, unknown)| {
            let all = required.into_iter().flatten().chain(some).chain(unknown);
            Value::Object(all.collect::<Map<_, _>>())
        })
        .boxed()
}

fn of(accepts: &Accepts) -> BoxedStrategy<Value> {
    match accepts {
        Accepts::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Accepts::Natural => select(&[0, 1, 10_000, i64::MAX, -1][..]).prop_map(Value::from).boxed(),
        Accepts::Mode(words) => {
            prop_oneof![4 => select(words.clone()).prop_map(Value::from), 1 => Just(json!(false))].boxed()
        }
        Accepts::Word(words) => select(words.clone()).prop_map(Value::from).boxed(),
        Accepts::Text(text) => {
            let texts = select(&TEXTS[..]).prop_map(Value::from);
            let choices = choices_of(text);
            if choices.is_empty() {
                let passing: Vec<_> =
                    TEXTS.into_iter().filter(|example| (text.check)(example).is_ok()).collect();
                return prop_oneof![8 => select(passing).prop_map(Value::from), 1 => texts].boxed();
            }
            let choices = select(choices);
            let spelled = choices.clone().prop_map(str::to_lowercase);
            prop_oneof![24 => choices.prop_map(Value::from), 1 => spelled.prop_map(Value::from), 1 => texts]
                .boxed()
        }
        Accepts::List { item, .. } => {
            let item = prop_oneof![40 => of(item), 1 => anything()];
            vec(item, 0..=2).prop_map(Value::from).boxed()
        }
        Accepts::Object(object) => of_object(object),
        Accepts::Shorthand(short, object) => prop_oneof![of(short), of_object(object)].boxed(),
    }
}

fn anything() -> BoxedStrategy<Value> {
    select(values()).boxed()
}

/// Returns values of every type, except `1.0`, which is an integer in JSON Schema but not in the module.
fn values() -> Vec<Value> {
    let values =
        json!([null, true, false, 0, -1, 1.5, "", "off", "/tmp", [], [[]], [1], ["a"], {}, {"mode": "deny"}]);
    values.as_array().cloned().unwrap()
}
