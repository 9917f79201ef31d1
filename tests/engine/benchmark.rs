//! The documents that show what `make bench` measured.

use crate::module::in_repository;

#[path = "../../benches/report.rs"]
mod report;

#[test]
fn the_documents_show_what_was_measured() {
    let outdated = report::update(&in_repository("")).unwrap();
    assert!(
        outdated.is_empty(),
        "{outdated:?} did not show what benches/results.json says, and were rewritten: run the tests again, and commit them"
    );
}
