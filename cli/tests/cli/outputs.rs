//! `check --output` and `check --quiet`.

use serde_json::Value;

use crate::{Folder, Outcome, guest, pod};

fn folder() -> Folder {
    Folder::with(&[
        ("bad.yaml", "a: 1\na: 2\n"),
        ("denied.yaml", &pod("DENY")),
        ("warned.yaml", &pod("WARN")),
        ("web.yaml", &pod("web")),
    ])
}

fn output(format: &str) -> Outcome {
    folder().check(&["--output", format, "bad.yaml", "denied.yaml", "warned.yaml", "web.yaml"])
}

#[test]
fn every_format_has_the_same_exit_code_and_errors() {
    for format in ["text", "json", "sarif", "junit", "github", "markdown", "openreports", "html"] {
        let outcome = output(format);
        assert_eq!(outcome.code, Some(2), "{format}");
        assert_eq!(
            outcome.stderr, "error: bad.yaml, line 2 column 1: duplicate key `a` in a mapping\n",
            "{format}"
        );
        assert!(outcome.stdout.contains("spec.hostNetwork"), "{format}: {}", outcome.stdout);
    }
}

#[test]
fn json_is_one_valid_document() {
    let document: Value = serde_json::from_str(&output("json").stdout).unwrap();
    let schema: Value = serde_json::from_str(immutable_pods::schemas::OUTPUT).unwrap();
    assert!(jsonschema::is_valid(&schema, &document), "{document:#}");
    let verdicts: Vec<_> =
        document["objects"].as_array().unwrap().iter().map(|object| &object["verdict"]).collect();
    assert_eq!(verdicts, ["denied", "admitted", "admitted"]);
    assert_eq!(document["summary"]["warnings"], 1);
    assert_eq!(document["unreadable"][0]["line"], 2);
}

#[test]
fn only_text_has_colors() {
    let colored = |format: &str| {
        let arguments =
            ["check", "--module", guest(), "--color", "always", "--output", format, "denied.yaml"];
        let output = folder().command(&arguments).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(colored("text"));
    for format in ["json", "sarif", "junit", "github", "markdown", "openreports", "html"] {
        assert!(!colored(format), "{format}");
    }
}

#[test]
fn quiet_prints_denials_and_the_summary() {
    assert_eq!(
        folder().check(&["--quiet", "denied.yaml", "warned.yaml", "web.yaml"]),
        Outcome::new(
            1,
            "denied.yaml: Pod default/DENY denied\n    \
                 1:1 spec.containers[0].image: the tag `latest` moves [image-tag]\n    \
                 1:1 spec.hostNetwork: the pod shares the network of its node [host-network]\n\
             3 objects: 2 admitted, 1 denied, 1 warning\n",
            "",
        )
    );
}

#[test]
fn an_unknown_format_is_exit_code_2() {
    let outcome = output("pdf");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""));
    assert!(outcome.stderr.contains("invalid value 'pdf' for '--output <FORMAT>'"), "{}", outcome.stderr);
}
