//! What requests cost, in instructions of WebAssembly: what the engine counts as fuel in a call of `validate`, over what it
//! counts where a guest reads nothing. Unlike times, instructions are the same each time, so there can be a bound to them.

#![expect(clippy::unwrap_used, reason = "a guest that does not run ends its test")]

use std::fmt::Write as _;
use std::fs;
use std::sync::LazyLock;

use immutable_pods_host::ValidationResponse;

use crate::guest::{Guest, Outcome, POLICY};
use crate::module::in_repository;

#[path = "../../benches/requests.rs"]
mod requests;

use requests::{Scenario, scenarios};

/// How many instructions each request took when this was written. Who makes the policy faster, or has a reason to make it
/// slower, puts here what the failing test prints.
const MEASURED: [(&str, u32, u64); 22] = [
    ("Pod", 1, 145_870),
    ("Pod", 4, 260_660),
    ("Pod", 32, 1_353_224),
    ("Pod", 128, 5_106_629),
    ("Pod, denied", 1, 207_867),
    ("Pod, denied", 4, 399_923),
    ("Pod, denied", 32, 2_367_443),
    ("Pod, denied", 128, 8_591_307),
    ("Deployment", 1, 136_011),
    ("Deployment", 4, 243_156),
    ("Deployment", 32, 1_258_872),
    ("Deployment", 128, 4_768_133),
    ("Deployment, denied", 1, 170_536),
    ("Deployment, denied", 4, 344_548),
    ("Deployment, denied", 32, 2_100_644),
    ("Deployment, denied", 128, 7_634_820),
    ("Pod, 50 exemptions", 1, 185_356),
    ("Pod, 50 exemptions", 32, 1_392_506),
    ("Pod, denied, 50 exemptions", 1, 1_473_055),
    ("Pod, denied, 50 exemptions", 32, 4_510_777),
    ("Pod, fixed", 1, 424_805),
    ("Pod, fixed", 32, 5_526_907),
];

/// By how many percent a request may take more.
const TOLERANCE: u64 = 5;

/// How many percent of what a container costs among 32 it may cost among 128.
const AMONG_MANY: u64 = 115;

/// How many percent of what a request costs without exemptions it may cost with 50: they are read only where something is
/// found.
const EXEMPTING: [(&str, u64); 2] = [("Pod", 130), ("Pod, denied", 900)];

/// A request, what the policy answers, and how many instructions that takes.
struct Count {
    scenario: Scenario,
    answer: ValidationResponse,
    /// Of the policy.
    all: u64,
    /// Of the policy alone, without those that every guest takes.
    own: u64,
}

/// Every request that the benchmark makes.
static COUNTS: LazyLock<Vec<Count>> = LazyLock::new(|| {
    let floor = Guest::new("floor", "benches/floor/src");
    let count = |scenario: Scenario| {
        let unavoidable = floor.call(&scenario.payload).unwrap().instructions;
        let Outcome { answer, instructions: all, .. } = POLICY.call(&scenario.payload).unwrap();
        let answer = serde_json::from_slice(&answer).unwrap();
        assert!(
            scenario.verdict.is_in(&answer),
            "{}, {} containers: {answer:?}",
            scenario.name,
            scenario.containers
        );
        Count { scenario, answer, all, own: all - unavoidable }
    };
    requests().into_iter().map(count).collect()
});

fn requests() -> Vec<Scenario> {
    let recorded = fs::read(in_repository("tests/cases/requests/pod.json")).unwrap();
    scenarios(&serde_json::from_slice(&recorded).unwrap())
}

fn count(name: &str, containers: u32) -> &'static Count {
    let is_it = |count: &&Count| (count.scenario.name, count.scenario.containers) == (name, containers);
    COUNTS.iter().find(is_it).unwrap()
}

/// What [`MEASURED`] would have to be.
fn table() -> String {
    let mut table = format!("const MEASURED: [(&str, u32, u64); {}] = [\n", COUNTS.len());
    for Count { scenario, own, .. } in &*COUNTS {
        writeln!(table, "    ({:?}, {}, {}),", scenario.name, scenario.containers, grouped(*own)).unwrap();
    }
    table + "];"
}

/// A number with an underscore between its thousands.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{}_{:03}", grouped(number / 1000), number % 1000),
    }
}

#[test]
fn no_request_takes_more_instructions_than_it_did() {
    let measured: Vec<_> =
        COUNTS.iter().map(|count| (count.scenario.name, count.scenario.containers)).collect();
    assert_eq!(
        MEASURED.map(|(name, containers, _)| (name, containers)).to_vec(),
        measured,
        "put this in:\n{}",
        table()
    );
    for (name, containers, measured) in MEASURED {
        let own = count(name, containers).own;
        assert!(
            own * 100 <= measured * (100 + TOLERANCE),
            "{name}, {containers} containers: {own} instructions are more than {TOLERANCE} % above {measured}. \
             If there is a reason for it, put this in:\n{}",
            table()
        );
    }
}

#[test]
fn instructions_are_the_same_each_time() {
    let Count { scenario, all, .. } = count("Pod, denied, 50 exemptions", 32);
    assert_eq!(POLICY.call(&scenario.payload).unwrap().instructions, *all);
}

#[test]
fn a_container_costs_the_same_among_many() {
    for name in ["Pod", "Pod, denied", "Deployment", "Deployment, denied"] {
        let [few, many] = [32, 128].map(|containers| count(name, containers).own / u64::from(containers));
        assert!(
            many * 100 <= few * AMONG_MANY,
            "{name}: {few} instructions among 32 containers, {many} among 128"
        );
    }
}

#[test]
fn exemptions_that_do_not_apply_cost_little() {
    for (name, most) in EXEMPTING {
        for containers in [1, 32] {
            let without = count(name, containers);
            let with = count(&format!("{name}, 50 exemptions"), containers);
            assert_eq!(with.answer, without.answer);
            assert!(
                with.all * 100 <= without.all * most,
                "{name}, {containers} containers: {} instructions with exemptions, {} without",
                with.all,
                without.all
            );
        }
    }
}
