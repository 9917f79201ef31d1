//! `questions.yaml`: Rancher's form for the settings must send settings that the module accepts.

#![expect(clippy::indexing_slicing, reason = "YAML has no fields for the compiler to check")]
#![expect(clippy::unwrap_used, reason = "a test fails on a form that does not parse")]

use immutable_pods_policy::rules::{RULES, policy_settings};
use immutable_pods_policy::settings::declaration::{Accepts, ObjectDeclaration};
use serde_json::{Map, Value, json};

use crate::documents::read;
use crate::module::policy;
use crate::settings::defaults;

const FILE: &str = "charts/immutable-pods-policy/questions.yaml";

/// Returns all questions, including nested questions, with their full variables, such as `exemptions[].reason`.
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

/// Returns the settings that an unchanged form sends.
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
    let mut variables: Vec<_> = questions().into_iter().map(|(variable, _)| variable).collect();
    keys.sort();
    variables.sort();
    assert_eq!(variables, keys);
}

#[test]
fn the_form_sends_the_defaults() {
    let untouched = untouched();
    assert_eq!(untouched, defaults());
    let verdict = policy().validate_settings(&untouched).unwrap();
    assert_eq!((verdict.valid, verdict.message), (true, None));
}

#[test]
fn the_module_accepts_every_choice_of_the_form() {
    // Settings that some choices require.
    let required = [
        ("capabilities.mode=fix", "capabilities.requiredDrop", json!(["ALL"])),
        ("interactiveAccess.allowStdin=true", "interactiveAccess.allowedCommands", json!([["ls"]])),
        ("runAsNonRoot.namedUsers=allow", "runAsNonRoot.inspectImage", json!(true)),
    ];
    let mut choices = 0;
    for (variable, question) in questions().into_iter().filter(|(variable, _)| !variable.contains('[')) {
        let options = question["options"].as_array().cloned().unwrap_or_default();
        let flags = if question["type"] == "boolean" { vec![json!(true), json!(false)] } else { Vec::new() };
        for choice in options.into_iter().chain(flags) {
            let mut settings = untouched();
            let value = choice.as_str().map_or_else(|| choice.to_string(), str::to_owned);
            let chosen = format!("{variable}={value}");
            for (_, key, value) in required.iter().filter(|(choice, ..)| *choice == chosen) {
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
fn every_question_has_a_description_and_only_switches_and_numbers_have_tooltips() {
    let mut tooltips = 0;
    for (variable, question) in questions() {
        assert!(question["description"].as_str().is_some_and(|text| text.ends_with('.')), "{variable}");
        if let Some(tooltip) = question.get("tooltip") {
            // The components of other types do not show it.
            assert!(question["type"] == "boolean" || question["type"] == "int", "{variable}");
            assert!(tooltip.as_str().is_some_and(|text| text.ends_with('.')), "{variable}");
            tooltips += 1;
        }
    }
    assert!(tooltips > 5, "{tooltips} tooltips");
}

#[test]
fn only_rules_with_fixes_offer_the_mode_fix() {
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

/// The form sends `null` for unanswered questions in a new list entry.
#[test]
fn unanswered_questions_in_a_list_entry_are_ignored() {
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
