//! The exact text of each report: `UPDATE_EXPECT=1 cargo test -p immutable-pods --test report` rewrites `cli/tests/golden/`.

use std::env;
use std::fs;
use std::path::Path;

use immutable_pods::report::{Format, ReportOptions};
use serde_json::Value;

use crate::{evaluations, full, report};

/// Compares a text with a file. The version of the program does not matter.
#[track_caller]
fn check(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let text = text.replace(immutable_pods::VERSION, "VERSION");
    if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        fs::write(&path, &text).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{file} differs (UPDATE_EXPECT=1 rewrites it):\n{text}");
}

#[test]
fn text() {
    let options = ReportOptions { show_fixes: true, ..ReportOptions::default() };
    check("text.txt", &report(Format::Text, options, &evaluations::all(), &evaluations::errors()));
}

#[test]
fn quiet_text() {
    let options = ReportOptions { quiet: true, ..ReportOptions::default() };
    check("quiet.txt", &report(Format::Text, options, &evaluations::all(), &evaluations::errors()));
}

#[test]
fn json() {
    check("report.json", &full(Format::Json));
}

/// The rules are not part of the file: their documentation changes often.
#[test]
fn sarif() {
    let mut log: Value = serde_json::from_str(&full(Format::Sarif)).unwrap();
    log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap().truncate(1);
    check("report.sarif", &format!("{log:#}\n"));
}

#[test]
fn junit() {
    check("junit.xml", &full(Format::JUnit));
}

#[test]
fn github() {
    check("github.txt", &full(Format::Github));
}

#[test]
fn markdown() {
    check("report.md", &full(Format::Markdown));
}

#[test]
fn openreports() {
    check("openreports.yaml", &full(Format::OpenReports));
}

/// The style and the script are not part of the file.
#[test]
fn html() {
    let page = full(Format::Html);
    let page = without(&page, "<style>", "</style>");
    let page = without(&page, "<script>", "</script>");
    let page = without(&page, "style-src '", "'");
    check("report.html", &without(&page, "script-src '", "'"));
}

/// Returns a text without what is between two texts.
#[track_caller]
fn without(text: &str, before: &str, after: &str) -> String {
    let (head, rest) = text.split_once(before).unwrap();
    let (_, tail) = rest.split_once(after).unwrap();
    [head, before, after, tail].concat()
}
