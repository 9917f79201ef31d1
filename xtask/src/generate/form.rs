//! `questions.yaml`: the form that Rancher shows for the settings.
//!
//! Rancher's extension for Kubewarden (<https://github.com/rancher/kubewarden-ui>, `components/Questions`) requires this format:
//!
//! - Questions are flat, with dots in their variables: in a question of type `map[`, a new choice in one list resets all other
//!   answers.
//! - Rancher shows no headings for groups, so each label begins with the name of its rule.
//! - `show_if` does not support `!=`.
//! - Rancher does not send an empty answer, so an empty list means its default. Within a list it sends everything, so an unanswered
//!   question must be `null`.
//! - The form does not support lists of lists.
//! - Only switches and numbers show a tooltip. Every question shows its description.

use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::settings::declaration::{Accepts, Declaration, ObjectDeclaration};
use serde::Serialize;
use serde_json::Value;

pub(super) const FILE: &str = "charts/immutable-pods-policy/questions.yaml";

/// The group of the general settings.
const GENERAL: &str = "General";

/// Maximum number of choices in a description.
const MAX_CHOICES: usize = 24;

#[derive(Serialize)]
struct Form {
    questions: Vec<Question>,
}

/// A question, with the keys and types of Rancher's charts.
#[derive(Serialize)]
struct Question {
    variable: String,
    label: String,
    description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tooltip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    r#type: &'static str,
    default: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<&'static str>,
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

/// Returns the file.
pub(super) fn generate() -> Result<String, String> {
    let mut questions = Vec::new();
    for setting in &policy_settings::declaration().settings {
        match &setting.accepts {
            Accepts::Shorthand(_, options) => questions.extend(of_rule(setting, options)),
            Accepts::List { .. } => questions.push(in_group(setting.label, question(setting))),
            _ => questions.push(in_group(GENERAL, question(setting))),
        }
    }
    let form = serde_saphyr::to_string(&Form { questions }).map_err(|error| error.to_string())?;
    Ok(format!("# Generated from the declarations of the settings: cargo xtask generate\n{form}"))
}

/// Returns the questions for a rule: its mode, and its other settings if the rule is on.
fn of_rule(rule: &Declaration, options: &ObjectDeclaration) -> Vec<Question> {
    let id = rule.key;
    let mut questions = Vec::new();
    let mut shown = None;
    for setting in &options.settings {
        let mut question = question(setting);
        if let Accepts::Mode(modes) = &setting.accepts {
            question.description = format!("{} {}", rule.doc, question.description);
            let on = modes.iter().filter(|mode| **mode != "off").map(|mode| format!("{id}.mode={mode}"));
            shown = Some(on.collect::<Vec<_>>().join("||"));
        } else {
            question.show_if.clone_from(&shown);
        }
        question.variable = format!("{id}.{}", setting.key);
        question.label = format!("{id}: {}", setting.label);
        questions.push(in_group(id, question));
    }
    questions
}

fn in_group(group: &str, question: Question) -> Question {
    Question { group: Some(group.to_owned()), ..question }
}

fn question(setting: &Declaration) -> Question {
    let mut question = Question {
        variable: setting.key.to_owned(),
        label: setting.label.to_owned(),
        description: setting.doc.clone(),
        tooltip: None,
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
    match &setting.accepts {
        Accepts::Flag => {
            question.r#type = "boolean";
            move_details(&mut question);
        }
        Accepts::Natural => {
            (question.r#type, question.min) = ("int", Some(0));
            move_details(&mut question);
        }
        Accepts::Mode(words) | Accepts::Word(words) => {
            question.r#type = "enum";
            question.options.clone_from(words);
        }
        Accepts::List { item, .. } => ask_for_list(&mut question, item),
        // Forms do not support objects. Only rules are objects.
        Accepts::Text(_) | Accepts::Object(_) | Accepts::Shorthand(..) => {}
    }
    question
}

/// Keeps the first sentence of the description, and moves the others into the tooltip.
fn move_details(question: &mut Question) {
    if let Some((first, details)) = question.description.split_once(". ") {
        question.tooltip = Some(details.to_owned());
        question.description = format!("{first}.");
    }
}

fn ask_for_list(question: &mut Question, item: &Accepts) {
    match item {
        Accepts::Text(format) => {
            choose_from(question, &format.choices.map(|choices| choices().words).unwrap_or_default());
        }
        Accepts::Word(words) => choose_from(question, words),
        Accepts::Object(object) | Accepts::Shorthand(_, object) => {
            question.r#type = "sequence[";
            question.sequence_questions = object.settings.iter().map(self::question).collect();
        }
        _ => {
            question.hide_input = true;
            question.description += " This form cannot ask for it: edit the policy as YAML.";
        }
    }
}

fn choose_from(question: &mut Question, choices: &[&str]) {
    question.r#type = "array[";
    if (1..=MAX_CHOICES).contains(&choices.len()) {
        question.description += &[" Any of ", &choices.join(", "), "."].concat();
    }
    if question.default.as_array().is_some_and(|list| !list.is_empty()) {
        question.description += " An empty list is not sent: it means the default.";
    }
}
