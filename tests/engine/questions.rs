//! `questions-ui.yml`: the form that Rancher shows for the settings.
//!
//! What its extension for Kubewarden makes of the file decides how it is written:
//!
//! - Questions are flat, with dots in their variables: below a question of type `map[`, a new choice in one list throws all
//!   the other answers away.
//! - Groups have no headings, so that labels must tell where a setting stands. They do it as messages do.
//! - `!=` is not understood in `show_if`.
//! - An empty answer is not sent, so that a list that was emptied means its default. Within a list everything is sent, so
//!   that what is not answered there must be `null`.
//! - There is no input for a list of lists.

#![expect(clippy::indexing_slicing, reason = "YAML has no fields for the compiler to check")]
#![expect(clippy::panic, reason = "a form that cannot be read ends its test")]
#![expect(clippy::unwrap_used, reason = "a form that cannot be read ends its test")]

use immutable_pods_policy::rules::RULES;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::documents::{read, rewrite};
use crate::module::policy;
use crate::readme;
use crate::shape::{Object, Setting, Takes};

const FILE: &str = "questions-ui.yml";

/// The group of what is asked first.
const GENERAL: &str = "General";

/// The most choices that a description repeats.
const MOST_CHOICES: usize = 24;

#[derive(Serialize)]
struct Form {
    questions: Vec<Question>,
}

/// A question. Keys and types are those of Rancher's charts.
#[derive(Serialize)]
struct Question {
    variable: String,
    label: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    r#type: &'static str,
    default: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<u8>,
    #[serde(skip_serializing_if = "is_false")]
    required: bool,
    #[serde(skip_serializing_if = "is_false")]
    hide_input: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    show_if: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sequence_questions: Vec<Question>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The file as it must be.
pub(crate) fn generated() -> String {
    let mut questions = Vec::new();
    for setting in &Object::of_settings().settings {
        match &setting.takes {
            Takes::Short(_, options) => questions.extend(of_rule(setting, options)),
            // A group stands where its first question does.
            Takes::List(_) => questions.push(in_group(&setting.key, question(setting))),
            _ => questions.push(in_group(GENERAL, question(setting))),
        }
    }
    let form = serde_saphyr::to_string(&Form { questions }).unwrap();
    format!("# Generated from the settings by the tests.\n{form}")
}

/// The mode of a rule, and its other settings wherever it is on.
fn of_rule(rule: &Setting, options: &Object) -> Vec<Question> {
    let id = &rule.key;
    let mut questions = Vec::new();
    let mut shown = None;
    for setting in &options.settings {
        let mut question = question(setting);
        if let Takes::Mode(modes) = &setting.takes {
            question.description = format!("{} {}", rule.description, question.description);
            let on = modes.iter().filter(|mode| *mode != "off").map(|mode| format!("{id}.mode={mode}"));
            shown = Some(on.collect::<Vec<_>>().join("||"));
        } else {
            question.show_if.clone_from(&shown);
        }
        question.variable = format!("{id}.{}", setting.key);
        question.label.clone_from(&question.variable);
        questions.push(in_group(id, question));
    }
    questions
}

fn in_group(group: &str, question: Question) -> Question {
    Question { group: Some(group.to_owned()), ..question }
}

fn question(setting: &Setting) -> Question {
    let mut question = Question {
        variable: setting.key.clone(),
        label: setting.key.clone(),
        description: setting.description.clone(),
        group: None,
        r#type: "string",
        default: setting.default.clone().unwrap_or_default(),
        options: Vec::new(),
        min: None,
        required: setting.is_required,
        hide_input: false,
        show_if: None,
        sequence_questions: Vec::new(),
    };
    match &setting.takes {
        Takes::Flag => question.r#type = "boolean",
        Takes::Natural => (question.r#type, question.min) = ("int", Some(0)),
        Takes::Mode(words) | Takes::Word(words) => {
            question.r#type = "enum";
            question.options.clone_from(words);
        }
        Takes::Text(_) => {}
        Takes::List(list) => ask_for_list(&mut question, &list.item),
        Takes::Object(_) | Takes::Short(..) => panic!("{}: no form can ask for an object", setting.key),
    }
    question
}

fn ask_for_list(question: &mut Question, item: &Takes) {
    match item {
        Takes::Text(text) => choose_from(question, &text.choices),
        Takes::Word(words) => choose_from(question, words),
        Takes::Object(object) | Takes::Short(_, object) => {
            question.r#type = "sequence[";
            question.sequence_questions = object.settings.iter().map(self::question).collect();
        }
        _ => {
            question.hide_input = true;
            question.description += " This form cannot ask for it: edit the policy as YAML.";
        }
    }
}

fn choose_from(question: &mut Question, choices: &[String]) {
    question.r#type = "array[";
    if (1..=MOST_CHOICES).contains(&choices.len()) {
        question.description.push_str(&[" Any of ", &choices.join(", "), "."].concat());
    }
    if question.default.as_array().is_some_and(|list| !list.is_empty()) {
        question.description += " An empty list is not sent: it means the default.";
    }
}

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
fn the_form_is_that_of_the_settings() {
    rewrite(FILE, &generated());
}

/// Asks the module once more, and apart from what the form is made from.
#[test]
fn the_form_has_a_question_for_every_setting() {
    let questions = questions();
    let keys_at = |place: &Value| {
        let answer = policy().validate_settings(place).unwrap().message.unwrap();
        let (_, keys) = answer.split_once("?]: unknown key (allowed: ").unwrap();
        keys.lines().next().unwrap().trim_end_matches(')').split(", ").map(str::to_owned).collect::<Vec<_>>()
    };
    let mut asked = 0;
    let mut check = |prefix: &str, place: Value| {
        for key in keys_at(&place).into_iter().filter(|key| RULES.iter().all(|rule| rule.id != key)) {
            let variable = format!("{prefix}{key}");
            assert!(
                questions.iter().any(|(known, _)| *known == variable),
                "{FILE} has no question for {variable}"
            );
            asked += 1;
        }
    };
    check("", json!({"?": 1}));
    for rule in RULES {
        check(&format!("{}.", rule.id), json!({rule.id: {"?": 1}}));
    }
    for (list, place) in [
        ("runAsNonRoot.userRanges", json!({"runAsNonRoot": {"userRanges": [{"?": 1}]}})),
        ("runAsNonRoot.groupRanges", json!({"runAsNonRoot": {"groupRanges": [{"?": 1}]}})),
        ("hostPathVolumes.allowed", json!({"hostPathVolumes": {"allowed": [{"?": 1}]}})),
        ("exemptions", json!({"exemptions": [{"?": 1}]})),
        ("writablePaths", json!({"writablePaths": [{"?": 1}]})),
        ("writablePaths[].paths", json!({"writablePaths": [{"paths": [{"?": 1}]}]})),
    ] {
        check(&format!("{list}[]."), place);
    }
    assert_eq!(asked, questions.len(), "every question is about a setting, and no setting has two");
}

#[test]
fn the_form_sends_the_defaults() {
    let untouched = untouched();
    // Another test holds these to what `{}` means.
    assert_eq!(untouched, readme::settings());
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
        assert_eq!(question["default"], if rule.mode.is_some() { "deny" } else { "off" }, "{variable}");
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
