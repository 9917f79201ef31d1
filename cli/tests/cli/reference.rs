//! The commands that print what the program knows: `explain`, `schema`, `completions` and `version`.

use immutable_pods_policy::rules::RULES;
use serde_json::Value;

use crate::{Folder, Outcome};

#[track_caller]
fn run(arguments: &[&str]) -> Outcome {
    Outcome::of(&Folder::with(&[]).command(arguments).output().unwrap())
}

/// Returns what a command prints without an error.
#[track_caller]
fn printed(arguments: &[&str]) -> String {
    let outcome = run(arguments);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(!outcome.stdout.contains('\u{1b}'));
    outcome.stdout
}

#[test]
fn explain_lists_every_rule_with_its_severity() {
    let list = printed(&["explain"]);
    assert_eq!(list.lines().count(), RULES.len());
    for (line, rule) in list.lines().zip(RULES) {
        let mut words = line.split_whitespace();
        assert_eq!((words.next(), words.next()), (Some(rule.id), Some(rule.severity.as_str())));
    }
}

#[test]
fn explain_describes_a_rule() {
    let text = printed(&["explain", "HOSTPORTS"]);
    let parts: Vec<_> = text.split("\n\n").collect();
    assert!(parts[0].starts_with("hostPorts: "), "{text}");
    assert_eq!(parts[1], "severity medium, mode `off` by default");
    let headings = [
        "Why",
        "What a finding is",
        "How it decides",
        "How to fix",
        "Settings",
        "Standards",
        "Documentation",
    ];
    let found: Vec<_> = parts.iter().filter(|part| headings.contains(part)).copied().collect();
    assert_eq!(found, headings, "{text}");
    assert!(text.contains("\n- allowed: a list, each item: an object, default []\n"), "{text}");
    assert!(text.contains("\n  - min: a non-negative integer, required\n"), "{text}");
    assert!(text.contains("\n- CIS Kubernetes Benchmark: 5.2.12\n"), "{text}");
    assert!(text.ends_with("/immutable-pods-policy/rules/hostPorts\n"), "{text}");
}

#[test]
fn explain_accepts_a_line_of_a_report() {
    let line = "12:3 warning: spec.hostPID: the pod must not set it to true [hostNamespaces]";
    let text = printed(&["explain", line]);
    assert!(text.starts_with("hostNamespaces: "), "{text}");
    assert!(text.contains("\nChange `spec.hostPID`: the pod must not set it to true.\n"), "{text}");
    let words: Vec<_> = line.split(' ').collect();
    assert_eq!(printed(&[&["explain"], &words[..]].concat()), text);
}

#[test]
fn explain_suggests_a_rule() {
    assert_eq!(
        run(&["explain", "hostPort"]),
        Outcome::new(2, "", "error: unknown rule \"hostPort\", did you mean \"hostPorts\"?\n")
    );
    assert_eq!(
        run(&["explain", "spec.a: must \u{1b}[2J\n"]),
        Outcome::new(2, "", "error: expected a rule, or a finding that ends in the rule in brackets\n")
    );
    let outcome = run(&["explain", "\u{1b}[2J\n\u{7}"]);
    let sentence = "error: unknown rule \"\\u{1b}[2J\\n\\u{7}\" (allowed: readOnlyRootFilesystem, ";
    assert!(outcome.stderr.starts_with(sentence), "{}", outcome.stderr);
    assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(2), 1));
}

#[test]
fn schema_prints_json_schemas() {
    for (arguments, title) in [
        (&["schema"][..], "Settings of immutable-pods-policy"),
        (&["schema", "settings"], "Settings of immutable-pods-policy"),
        (&["schema", "output"], "Output of immutable-pods check --output json"),
    ] {
        let schema: Value = serde_json::from_str(&printed(arguments)).unwrap();
        assert_eq!(schema["title"], title);
        assert!(jsonschema::meta::is_valid(&schema));
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        assert!(script.contains("immutable-pods") && script.contains("explain"), "{shell}");
    }
}

#[test]
fn version_prints_rules_and_protocol() {
    let version: Value = serde_json::from_str(&printed(&["version", "--json"])).unwrap();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(version["protocol"], "v1");
    assert_eq!(version["rules"].as_array().unwrap().len(), RULES.len());
    let lines = printed(&["version"]);
    let first = concat!("immutable-pods ", env!("CARGO_PKG_VERSION"), "\nprotocol: v1\nrules: ");
    assert!(lines.starts_with(first), "{lines}");
}
