//! Compares generated scalars and documents.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::library::{Answer, Library};
use crate::{are_same, read};

/// The beginnings of errors for what this program refuses although kubectl reads it.
const REFUSALS: &[&str] = &[
    "duplicate key ",
    "expected a string as a key, ",
    "kubectl ignores a document after ",
    "kubectl reads the key ",
    "kubectl reads the colon after ",
    "kubectl reads this character ",
    "kubectl reads this `?` ",
    "the tag ",
];

/// Compares values that a strategy generates. The same values are generated in each run.
fn compare(strategy: &impl Strategy<Value = String>, cases: usize) {
    compare_unless(is_refused, strategy, cases);
}

/// Compares values that a strategy generates, unless they are read as the first argument says.
fn compare_unless(is_left_out: fn(&Answer) -> bool, strategy: &impl Strategy<Value = String>, cases: usize) {
    let Some(library) = Library::build() else { return };
    let mut runner = TestRunner::deterministic();
    let yaml: Vec<String> = (0..cases).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    let answers = library.answers(&yaml);
    let read_by_kubectl = answers.iter().filter(|answer| matches!(answer, Answer::Json(_))).count();
    assert!(read_by_kubectl > cases / 5, "only {read_by_kubectl} of {cases} documents are valid");
    let differences: Vec<_> = yaml
        .iter()
        .zip(answers)
        .map(|(yaml, answer)| (yaml, answer, read(yaml)))
        // What kubectl refuses does not reach a cluster.
        .filter(|(_, kubectl, _)| matches!(kubectl, Answer::Json(_)))
        .filter(|(_, kubectl, here)| !are_same(here, kubectl) && !is_left_out(here))
        .collect();
    assert!(differences.is_empty(), "{} differ: {:#?}", differences.len(), differences);
}

fn is_refused(here: &Answer) -> bool {
    let Answer::Error(error) = here else { return false };
    let message = error.split_once(": ").map_or("", |(_, message)| message);
    REFUSALS.iter().any(|refusal| message.starts_with(refusal))
}

/// Returns a strategy for plain scalars that look like values of other types.
fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-+]?[0-9_]{1,6}",
        "[-+]?0[xob]?[0-9a-f_]{0,6}",
        "[-+]?[0-9_]{0,3}\\.[0-9_]{0,3}([eE][-+]?[0-9_]{0,3})?",
        "[-+]?[0-9]{15,22}",
        "[yYnNoOtTfF~.<-][a-zA-Z]{0,4}",
        "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ][0-9:.]{1,8}Z?)?",
        "[0-9a-z.:/_-]{1,8}",
    ]
}

/// Returns a strategy for keys that are strings for everyone.
fn key() -> impl Strategy<Value = String> {
    "[a-m][a-z]{2,4}"
}

/// Returns a strategy for values, in any style, at an indentation.
fn block(indentation: usize, depth: u32) -> BoxedStrategy<String> {
    let space = " ".repeat(indentation);
    let leaf = prop_oneof![
        scalar().prop_map(|scalar| format!(" {scalar}\n")),
        quoted(space.clone()),
        "[|>][-+]?".prop_flat_map({
            let space = space.clone();
            move |header| {
                let space = space.clone();
                proptest::collection::vec("[a-z#:]{0,3}( [a-z]{1,3})?", 1..4).prop_map(move |lines| {
                    let lines: Vec<String> = lines.iter().map(|line| format!("{space}{line}\n")).collect();
                    let lines = lines.concat();
                    format!(" {header}\n{lines}")
                })
            }
        }),
        flow(2).prop_map(|flow| format!(" {flow}\n")),
    ];
    if depth == 0 {
        return leaf.boxed();
    }
    let mapping = {
        let space = space.clone();
        proptest::collection::vec((key(), block(indentation + 2, depth - 1)), 1..3).prop_map(move |entries| {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{space}{key}:{value}")).collect();
            let entries = entries.concat();
            format!("\n{entries}")
        })
    };
    let sequence =
        proptest::collection::vec(block(indentation + 2, depth - 1), 1..3).prop_map(move |items| {
            let items: Vec<String> = items.iter().map(|item| format!("{space}-{item}")).collect();
            let items = items.concat();
            format!("\n{items}")
        });
    prop_oneof![2 => leaf, 2 => mapping, 1 => sequence].boxed()
}

/// Returns a strategy for objects.
pub(crate) fn pod() -> impl Strategy<Value = String> {
    let specs = proptest::collection::btree_map(key(), block(4, 3), 1..4);
    specs.prop_map(|entries| {
        let entries: Vec<_> = entries.iter().map(|(key, value)| format!("  {key}:{value}")).collect();
        format!("kind: Pod\napiVersion: v1\nspec:\n{}", entries.concat())
    })
}

/// Returns a strategy for quoted texts on several lines, with any indentation.
fn quoted(space: String) -> impl Strategy<Value = String> {
    let lines = proptest::collection::vec(("[a-z:# -]{0,4}", 0..6_usize), 1..4);
    ("['\"]", lines).prop_map(move |(quote, lines)| {
        let text: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, (line, less))| {
                // A first column could be the start of a document.
                let indentation = if index == 0 { 0 } else { space.len().saturating_sub(*less).max(1) };
                format!("{}{line}", " ".repeat(indentation))
            })
            .collect();
        format!(" {quote}{}{quote}\n", text.join("\n"))
    })
}

/// Returns a strategy for flow collections.
fn flow(depth: u32) -> BoxedStrategy<String> {
    let leaf = prop_oneof![scalar(), "\"[a-z ]{0,3}\"", "'[a-z:, ]{0,3}'"].boxed();
    if depth == 0 {
        return leaf;
    }
    let items =
        proptest::collection::vec(flow(depth - 1), 0..3).prop_map(|items| format!("[{}]", items.join(", ")));
    let entries = proptest::collection::vec((key(), flow(depth - 1)), 0..3).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("{{{}}}", entries.join(", "))
    });
    prop_oneof![leaf, items, entries].boxed()
}

#[test]
fn scalars_are_read_like_kubectl() {
    compare(&scalar().prop_map(|scalar| format!("a: {scalar}\n")), 3000);
}

#[test]
fn keys_are_read_like_kubectl() {
    compare(&scalar().prop_map(|key| format!("{key}: a\n")), 2000);
}

#[test]
fn tags_are_read_like_kubectl() {
    let tagged = ("!!(str|int|float|bool|null)", scalar());
    compare(&tagged.prop_map(|(tag, scalar)| format!("a: {tag} {scalar}\n")), 2000);
}

#[test]
fn documents_are_read_like_kubectl() {
    let document = proptest::collection::vec((key(), block(2, 3)), 1..3);
    let document = document.prop_map(|entries| {
        entries.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().concat()
    });
    compare(&document, 1500);
}

#[test]
fn indicators_are_read_like_kubectl_or_refused() {
    let text =
        "[&!*|>'\"\\[{?]?[-?:,\\[\\]{}#&*!|>'\"%@`~.0-9a-c<\\\\ ]{0,6}(\n {1,4}[-a-c:'\"#,\\]} ]{1,5}){0,2}";
    let document = ("(a: |a:\n  - )", text).prop_map(|(key, text)| format!("{key}{text}\nb: 1\n"));
    compare_unless(|here| matches!(here, Answer::Error(_)), &document, 4000);
}

#[test]
fn quoted_texts_are_read_like_kubectl() {
    let value = quoted("        ".to_owned());
    let pod = proptest::collection::vec(value, 1..4).prop_map(|values| {
        let values: Vec<String> =
            values.iter().map(|value| format!("      - name:{value}        more: 1\n")).collect();
        let values = values.concat();
        format!("spec:\n  list:\n    - env:\n{values}")
    });
    compare(&pod, 1000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused(text in "[-?:,\\[\\]{}#&*!|>'\"%@`~.0-9a-c<\\\\ \\t\\r\\n\u{85}\u{feff}é]{0,60}") {
        read(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>(), name in "a\\.(yaml|json|txt)") {
        let _ = immutable_pods::document::parse(&name, &bytes);
    }
}

#[test]
fn merges_are_read_like_kubectl() {
    let entry = prop_oneof!["[abc]: [0-9]", "<<: \\*[pqr]", "<<: \\[\\*[pq], \\*[pqr]\\]"];
    let document = proptest::collection::vec(entry, 1..5).prop_map(|entries| {
        let entries: Vec<String> = entries.iter().map(|entry| format!("  {entry}\n")).collect();
let entries = entries.concat();
        format!("one: &p {{a: 11, b: 12}}\ntwo: &q {{b: 22, c: 23}}\nthree: &r\n  <<: *q\n  a: 31\nfour:\n{entries}")
    });
    compare(&document, 500);
}
