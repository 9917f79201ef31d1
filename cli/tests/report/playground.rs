//! The playground of the site shows the report in JSON with words of its own. They are the words of the report for people.

use std::collections::BTreeMap;

use immutable_pods::evaluation::{Evaluation, PolicyOutcome, PolicyResult, Verdict};
use immutable_pods::report::{Format, ReportOptions};
use immutable_pods::schemas::OUTPUT;
use serde::Serialize;
use serde_json::Value;

use crate::{evaluations, report};

/// Words by what they are in JSON.
type Words = BTreeMap<String, String>;

/// Returns a table of the playground: `{ deny: 'denied', … }`.
fn table(name: &str) -> Words {
    let text = include_str!("../../../site/playground/words.ts");
    let (_, table) = text.split_once(&format!("export const {name}: ")).unwrap();
    let (_, table) = table.split_once("= {").unwrap();
    let (rows, _) = table.split_once('}').unwrap();
    let pieces: Vec<_> = rows.split('\'').collect();
    let key = |piece: &str| piece.trim_matches(|character: char| !character.is_alphanumeric()).to_owned();
    pieces.chunks_exact(2).map(|row| (key(row[0]), row[1].to_owned())).collect()
}

/// Returns what the schema of the report in JSON allows in a field.
fn allowed(pointer: &str) -> Vec<String> {
    let schema: Value = serde_json::from_str(OUTPUT).unwrap();
    let mut values: Vec<String> = serde_json::from_value(schema.pointer(pointer).unwrap().clone()).unwrap();
    values.sort();
    values
}

/// Checks a table of the playground, which has a word for each value that the schema allows.
#[track_caller]
fn agrees(name: &str, words: &Words, field: &str) {
    let table = table(name);
    assert_eq!(table, *words);
    assert_eq!(table.into_keys().collect::<Vec<_>>(), allowed(&format!("/$defs/{field}/enum")));
}

fn in_json(value: impl Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn verdicts_have_the_words_of_the_program() {
    let verdicts = evaluations::all().into_iter().map(|evaluation| evaluation.verdict);
    let words = verdicts.map(|verdict| (in_json(verdict), verdict.as_str().to_owned())).collect();
    agrees("VERDICTS", &words, "object/properties/verdict");
}

#[test]
fn levels_have_the_words_of_the_program() {
    let levels = evaluations::all().into_iter().flat_map(|evaluation| evaluation.findings);
    let word = |label: Option<&str>| {
        label.map_or(Verdict::Denied.as_str(), |label| label.trim_end_matches(':')).to_owned()
    };
    let words = levels.map(|finding| (in_json(finding.level), word(finding.level.label()))).collect();
    agrees("LEVELS", &words, "finding/properties/level");
}

#[test]
fn outcomes_have_the_words_of_the_program() {
    let outcomes = evaluations::all().into_iter().flat_map(|evaluation| evaluation.policies);
    let words = outcomes.map(|policy| outcome(&policy.outcome)).collect();
    agrees("OUTCOMES", &words, "policy/properties/outcome");
}

/// Returns an outcome in both reports. People read it if there are several policies.
fn outcome(outcome: &PolicyOutcome) -> (String, String) {
    let policy =
        |name: &str| PolicyResult { name: name.to_owned(), outcome: outcome.clone(), notes: Vec::new() };
    let evaluation =
        Evaluation { policies: vec![policy("a"), policy("b")], ..evaluations::all().swap_remove(0) };
    let written = |format| report(format, ReportOptions::default(), std::slice::from_ref(&evaluation), &[]);
    let json: Value = serde_json::from_str(&written(Format::Json)).unwrap();
    let text = written(Format::Text);
    let line = text.lines().find_map(|line| line.trim().strip_prefix("policy a: ")).unwrap();
    let word = line.split(':').next().unwrap();
    (in_json(&json["objects"][0]["policies"][0]["outcome"]), word.to_owned())
}
