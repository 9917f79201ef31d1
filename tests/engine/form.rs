//! `questions-ui.yml`: the form that Rancher shows for the settings sends what the module accepts.

#![expect(clippy::indexing_slicing, reason = "YAML has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a form that cannot be read ends its test")]

use immutable_pods_policy::rules::{RULES, policy_settings};
use immutable_pods_policy::settings::declaration::{Accepts, ObjectDeclaration};
use serde_json::{Map, Value, json};

use crate::documents::read;
use crate::module::policy;
use crate::settings::defaults;

const FILE: &str = "questions-ui.yml";

/// Every question of the file, and those within them, with their variables in full: `exemptions[].reason`.
#[track_caller]
fn questions() -> Vec<(String, Value)> {
    fn collect(list: &Value, prefix: &str, all: &mut Vec<(String, Value)>) {
        for question in list.as_array().into_iter().flatten() {
            let variable = format!("{prefix}{}", question["variable"].as_str().unwrap());
            collect(&question["sequence_questions"], &format!("{variable}[]."), all);
            all.push((variable, question.clone()));
        }
    }
    let mut all = Vec::new();
    collect(&read(FILE)["questions"], "", &mut all);
    all
}

/// The settings that the form sends when nobody has changed anything.
#[track_caller]
fn untouched() -> Value {
    let mut settings = json!({});
    for (variable, question) in questions().into_iter().filter(|(variable, _)| !variable.contains('[')) {
        set(&mut settings, &variable, question["default"].clone());
    }
    settings
}

fn set(settings: &mut Value, variable: &str, value: Value) {
    match variable.split_once('.') {
        Some((rule, key)) => settings[rule][key] = value,
        None => settings[variable] = value,
    }
}

#[test]
fn the_form_has_a_question_for_every_setting() {
    fn collect(object: &ObjectDeclaration, prefix: &str, keys: &mut Vec<String>) {
        for setting in &object.settings {
            let key = format!("{prefix}{}", setting.key);
            match &setting.accepts {
                Accepts::Shorthand(_, object) => collect(object, &format!("{key}."), keys),
                Accepts::List { item, .. } => {
                    if let Accepts::Object(object) | Accepts::Shorthand(_, object) = &**item {
                        collect(object, &format!("{key}[]."), keys);
                    }
                    keys.push(key);
                }
                _ => keys.push(key),
            }
        }
    }
    let mut keys = Vec::new();
    collect(&policy_settings::declaration(), "", &mut keys);
    let mut asked: Vec<_> = questions().into_iter().map(|(variable, _)| variable).collect();
    keys.sort();
    asked.sort();
    assert_eq!(asked, keys);
}

#[test]
fn the_form_sends_the_defaults() {
    let untouched = untouched();
    assert_eq!(untouched, defaults());
    let verdict = policy().validate_settings(&untouched).unwrap();
    assert_eq!((verdict.valid, verdict.message), (true, None));
}

#[test]
fn every_choice_of_the_form_is_accepted() {
    // What some choices are refused without.
    let needed = [
        ("capabilities.mode=fix", "capabilities.requiredDrop", json!(["ALL"])),
        ("runAsNonRoot.namedUsers=allow", "runAsNonRoot.inspectImage", json!(true)),
    ];
    let mut choices = 0;
    for (variable, question) in questions().into_iter().filter(|(variable, _)| !variable.contains('[')) {
        let options = question["options"].as_array().cloned().unwrap_or_default();
        let flags = if question["type"] == "boolean" { vec![json!(true), json!(false)] } else { Vec::new() };
        for choice in options.into_iter().chain(flags) {
            let mut settings = untouched();
            let chosen = format!("{variable}={}", choice.as_str().unwrap_or_default());
            for (_, key, value) in needed.iter().filter(|(needy, ..)| *needy == chosen) {
                set(&mut settings, key, value.clone());
            }
            set(&mut settings, &variable, choice);
            assert_eq!(policy().validate_settings(&settings).unwrap().message, None, "{chosen}");
            choices += 1;
        }
    }
    assert!(choices > 60, "{choices}");
}

#[test]
fn only_rules_that_fix_have_the_choice() {
    let questions = questions();
    for rule in RULES {
        let variable = format!("{}.mode", rule.id);
        let (_, question) = questions.iter().find(|(known, _)| *known == variable).unwrap();
        let modes: &[_] =
            if rule.can_fix { &["off", "warn", "deny", "fix"] } else { &["off", "warn", "deny"] };
        assert_eq!(question["options"], json!(modes), "{variable}");
        assert_eq!(question["default"], rule.default_mode.name(), "{variable}");
    }
}

/// A new entry of a list, with some of its questions answered, is what the module takes: whatever else is sent is `null`.
#[test]
fn what_is_not_answered_in_an_entry_does_not_count() {
    let questions = questions();
    let entry = |list: &str, answers: Value| {
        let prefix = format!("{list}[].");
        let own = questions.iter().filter_map(|(variable, question)| {
            let key = variable.strip_prefix(&prefix).filter(|key| !key.contains('['))?;
            Some((key.to_owned(), question["default"].clone()))
        });
        let mut entry = own.collect::<Map<_, _>>();
        entry.extend(answers.as_object().cloned().unwrap());
        entry
    };
    for (list, answers) in [
        ("runAsNonRoot.userRanges", json!({"min": 1, "max": 2})),
        ("runAsNonRoot.groupRanges", json!({"min": 1, "max": 2})),
        ("hostPathVolumes.allowed", json!({"pathPrefix": "/var/log"})),
        ("exemptions", json!({"reason": "a", "users": ["b"]})),
        ("writablePaths", json!({"paths": ["/tmp"]})),
        ("writablePaths", json!({"paths": [entry("writablePaths[].paths", json!({"path": "/tmp"}))]})),
    ] {
        let mut settings = json!({});
        set(&mut settings, list, json!([entry(list, answers)]));
        assert_eq!(policy().validate_settings(&settings).unwrap().message, None, "{settings}");
    }
}
