//! The documents that show the results of `make bench`.

use immutable_pods_testing::performance::{self, Cost, Results, Sizes};

use crate::module::in_repository;

#[test]
fn documents_show_the_measured_costs() {
    let outdated = performance::update(&in_repository("")).unwrap();
    assert!(
        outdated.is_empty(),
        "{outdated:?} did not agree with benches/results.json and were rewritten: commit them and run the tests again"
    );
}

#[test]
fn a_missed_bound_is_reported() {
    // Each container costs twice as much as an empty request in the floor guest, and each exemption a tenth of that.
    let cost = |request: &str, containers: u32, exemptions: u32| {
        let floor = 1.0 + f64::from(containers);
        let policy = (floor + f64::from(2 * containers) + f64::from(exemptions) / 10.0) / floor;
        Cost {
            request: request.to_owned(),
            containers,
            bytes: 10_000,
            floor,
            policy,
            typical: Some(5.0 * policy),
        }
    };
    let mut costs = Vec::from([1, 4, 32, 128].map(|containers| cost("Pod", containers, 0)));
    costs.push(cost("Pod, every rule", 1, 0));
    costs.push(cost("Pod, every rule, 50 exemptions", 1, 50));
    let bytes = Sizes { floor: 50_000, policy: 200_000, typical: 900_000 };
    let (machine, date) = ("one".to_owned(), "2026-01-31".to_owned());
    let tables = Results { machine, date, bytes, costs, growth: Vec::new() }.tables();
    for row in [
        "| this policy | Pod | 2.00 | 2.60 | 2.94 | 2.98 |",
        "| this policy | Pod, every rule, 50 exemptions | 4.50 | – | – | – |",
        "| 1 container, relative to the floor | at most 1.5 | 2.00 | no |",
        "| cost per container among 128, relative to 32 | at most 1.15 | 1.00 | yes |",
        "| cost per container from the 33rd on, relative to the 5th to 32nd | at most 1.15 | 1.00 | yes |",
        "| admitted with 50 exemptions, relative to none | at most 1.15 | 2.25 | no |",
        "| typical policy, relative to this policy | at least 3.3 | 5.00 | yes |",
        "| module size in kB | at most 550 | 200.00 | yes |",
    ] {
        assert!(tables.contains(row), "{row} is not in\n{tables}");
    }
}
