//! The page in a headless browser, if Chromium is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use immutable_pods::report::Format;

use crate::evaluations::HOSTILE;
use crate::full;

#[test]
fn hostile_text_is_escaped() {
    let page = full(Format::Html);
    assert!(!page.contains("<script>alert(1)"));
    assert!(!page.contains(HOSTILE));
    assert_eq!(page.matches("<script>").count(), 1);
}

#[test]
fn the_page_loads_nothing() {
    let page = full(Format::Html);
    for attribute in [" src=", "url(", "@import", "<link", " style=", " onclick="] {
        assert!(!page.contains(attribute), "{attribute}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_page_works_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let (page, picture) = (folder.path().join("report.html"), folder.path().join("report.png"));
    fs::write(&page, full(Format::Html)).unwrap();
    let Some(screen) = chromium(folder.path(), &format!("--screenshot={}", picture.display()), &page) else {
        println!("skipped: chromium is not installed");
        return;
    };
    assert_no_console_error(&screen);
    let picture = fs::read(picture).unwrap();
    assert!(picture.starts_with(b"\x89PNG\r\n\x1a\n"));
    // A blank picture of this size has a few kilobytes.
    assert!(picture.len() > 20_000, "{}", picture.len());

    let document = chromium(folder.path(), "--dump-dom", &page).unwrap();
    assert_no_console_error(&document);
    let document = String::from_utf8_lossy(&document.stdout);
    // The script shows the filter, which is useless without it.
    assert!(document.contains("<form id=\"filter\">"), "{document}");
}

/// Runs Chromium with a task for a page. Returns nothing if Chromium is not installed.
fn chromium(folder: &Path, task: &str, page: &Path) -> Option<Output> {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1280,1000"])
        .args(["--enable-logging=stderr", "--v=0", task])
        .arg(format!("--user-data-dir={}", folder.join("profile").display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .ok()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(output)
}

#[track_caller]
fn assert_no_console_error(output: &Output) {
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.contains("CONSOLE"), "{log}");
}
