//! `settings.schema.json`: the schema with which editors complete and check settings.

use immutable_pods_policy::rules::policy_settings;
use immutable_pods_policy::settings::declaration::{Accepts, Declaration, Demand, Format, ObjectDeclaration};
use serde_json::{Map, Value, json};

use super::metadata::Metadata;

pub(super) const FILE: &str = "settings.schema.json";

/// Returns the file.
pub(super) fn generate() -> Result<String, String> {
    let repository = Metadata::read()?.annotation("io.kubewarden.policy.source")?;
    let mut schema = settings();
    for (key, value) in [
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("$id", format!("{repository}/raw/main/{FILE}").into()),
        ("title", "Settings of immutable-pods-policy".into()),
        ("description", "An empty object is valid, and means the defaults.".into()),
        ("type", json!(["object", "null"])),
    ] {
        set(&mut schema, key, value);
    }
    Ok(format!("{schema:#}\n"))
}

/// Returns the schema of the settings.
pub(super) fn settings() -> Value {
    object(&policy_settings::declaration())
}

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(key.to_owned(), value);
    }
}

fn object(object: &ObjectDeclaration) -> Value {
    let properties: Map<_, _> =
        object.settings.iter().map(|setting| (setting.key.to_owned(), property(setting))).collect();
    let required: Vec<_> =
        object.settings.iter().filter(|setting| setting.is_required).map(|setting| setting.key).collect();
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        set(&mut schema, "required", json!(required));
    }
    if !object.at_least_one_of.is_empty() {
        // `null` means that the key is unset.
        let is_set = |key: &&str| {
            let not_null = Map::from_iter([((*key).to_owned(), json!({"not": {"type": "null"}}))]);
            json!({"required": [key], "properties": not_null})
        };
        set(&mut schema, "anyOf", object.at_least_one_of.iter().map(is_set).collect());
    }
    schema
}

fn property(setting: &Declaration) -> Value {
    let mut schema = accepts(&setting.accepts);
    if !setting.is_required {
        schema = or_null(schema);
    }
    set(&mut schema, "description", setting.doc.clone().into());
    if let Some(default) = &setting.default {
        set(&mut schema, "default", default.clone());
    }
    schema
}

fn or_null(mut schema: Value) -> Value {
    if let Some(alternatives) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        alternatives.push(json!({"type": "null"}));
    } else if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    } else {
        let types = json!([schema.get("type"), "null"]);
        set(&mut schema, "type", types);
    }
    schema
}

fn accepts(accepted: &Accepts) -> Value {
    match accepted {
        Accepts::Flag => json!({"type": "boolean"}),
        Accepts::Natural => json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
        Accepts::Mode(words) => {
            let words = words.iter().map(|word| json!(word));
            json!({"enum": words.chain([json!(false)]).collect::<Vec<_>>()})
        }
        Accepts::Word(words) => json!({"enum": words}),
        Accepts::Text(format) => text(format),
        Accepts::List { item, may_be_empty } => {
            let mut schema = json!({"type": "array", "items": accepts(item)});
            if !may_be_empty {
                set(&mut schema, "minItems", 1.into());
            }
            schema
        }
        Accepts::Object(declaration) => object(declaration),
        Accepts::Shorthand(short, declaration) => json!({"anyOf": [accepts(short), object(declaration)]}),
    }
}

fn text(format: &Format) -> Value {
    if let Some(choices) = format.choices.map(|choices| choices()) {
        let words = json!({"enum": choices.words});
        return match choices.other_spellings {
            Some(pattern) => json!({"anyOf": [words, {"type": "string", "pattern": pattern}]}),
            None => words,
        };
    }
    let mut schema = json!({"type": "string"});
    let mut refused = Vec::new();
    for demand in format.demands {
        match demand {
            Demand::NotEmpty => set(&mut schema, "minLength", 1.into()),
            Demand::Matches(pattern) => set(&mut schema, "pattern", (*pattern).into()),
            Demand::MatchesNot(pattern) => refused.push(*pattern),
        }
    }
    if !refused.is_empty() {
        set(&mut schema, "not", json!({"pattern": refused.join("|")}));
    }
    schema
}
