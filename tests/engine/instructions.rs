//! The instruction gate: bounds for the WebAssembly instructions of a `validate` call, above the instructions of a guest that
//! does not read the request. Unlike times, instruction counts are equal in every run.

#![expect(clippy::unwrap_used, reason = "a test fails on a guest that does not run")]

use std::fmt::Write as _;
use std::fs;
use std::sync::LazyLock;

use immutable_pods::ValidationResponse;
use immutable_pods_testing::requests::{Scenario, scenarios};

use crate::guest::{Guest, Outcome, POLICY};
use crate::module::in_repository;

/// Measured number of instructions of each request. After an improvement, or a justified increase, replace this table with the
/// table that the failing test prints.
const MEASURED: [(&str, u32, u64); 26] = [
    ("Pod", 1, 177_827),
    ("Pod", 4, 338_650),
    ("Pod", 32, 1_859_430),
    ("Pod", 128, 7_078_289),
    ("Pod, denied", 1, 250_268),
    ("Pod, denied", 4, 487_732),
    ("Pod, denied", 32, 2_789_877),
    ("Pod, denied", 128, 9_860_507),
    ("Deployment", 1, 166_406),
    ("Deployment", 4, 314_282),
    ("Deployment", 32, 1_713_239),
    ("Deployment", 128, 6_535_157),
    ("Deployment, denied", 1, 211_334),
    ("Deployment, denied", 4, 425_594),
    ("Deployment, denied", 32, 2_503_992),
    ("Deployment, denied", 128, 8_670_182),
    ("Pod, every rule", 1, 277_104),
    ("Pod, every rule", 32, 2_574_232),
    ("Pod, denied, every rule", 1, 398_615),
    ("Pod, denied, every rule", 32, 3_991_431),
    ("Pod, every rule, 50 exemptions", 1, 317_242),
    ("Pod, every rule, 50 exemptions", 32, 2_614_370),
    ("Pod, denied, every rule, 50 exemptions", 1, 1_655_876),
    ("Pod, denied, every rule, 50 exemptions", 32, 6_262_198),
    ("Pod, fixed", 1, 937_679),
    ("Pod, fixed", 32, 10_846_946),
];

/// Maximum increase of the instructions of a request, in percent.
const TOLERANCE: u64 = 5;

/// Maximum instructions per container among 128 containers, in percent of the instructions among 32.
const MAX_AMONG_MANY: u64 = 115;

/// Maximum instructions with 50 exemptions, in percent of the instructions without. The policy parses exemptions only if there
/// are findings.
const MAX_WITH_EXEMPTIONS: [(&str, u64); 2] = [("Pod, every rule", 130), ("Pod, denied, every rule", 900)];

/// A request with its response and its number of instructions.
struct Count {
    scenario: Scenario,
    answer: ValidationResponse,
    /// Instructions of the policy.
    all: u64,
    /// Instructions of the policy, without the instructions of the floor guest.
    own: u64,
}

/// The counts of every request of the benchmark.
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
    let is_requested =
        |count: &&Count| (count.scenario.name, count.scenario.containers) == (name, containers);
    COUNTS.iter().find(is_requested).unwrap()
}

/// Returns the current content of [`MEASURED`].
fn table() -> String {
    let mut table = format!("const MEASURED: [(&str, u32, u64); {}] = [\n", COUNTS.len());
    for Count { scenario, own, .. } in &*COUNTS {
        writeln!(table, "    ({:?}, {}, {}),", scenario.name, scenario.containers, grouped(*own)).unwrap();
    }
    table + "];"
}

/// Returns a number with underscores between thousands.
fn grouped(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{}_{:03}", grouped(number / 1000), number % 1000),
    }
}

#[test]
fn requests_take_at_most_the_measured_instructions() {
    let measured: Vec<_> =
        COUNTS.iter().map(|count| (count.scenario.name, count.scenario.containers)).collect();
    assert_eq!(
        MEASURED.map(|(name, containers, _)| (name, containers)).to_vec(),
        measured,
        "replace MEASURED with:\n{}",
        table()
    );
    for (name, containers, measured) in MEASURED {
        let own = count(name, containers).own;
        assert!(
            own * 100 <= measured * (100 + TOLERANCE),
            "{name}, {containers} containers: expected at most {TOLERANCE} % above {measured} instructions, got {own}. \
             If the increase is justified, replace MEASURED with:\n{}",
            table()
        );
    }
}

#[test]
fn instruction_counts_are_equal_in_every_run() {
    let Count { scenario, all, .. } = count("Pod, denied, every rule, 50 exemptions", 32);
    assert_eq!(POLICY.call(&scenario.payload).unwrap().instructions, *all);
}

#[test]
fn the_cost_per_container_stays_constant() {
    for name in ["Pod", "Pod, denied", "Deployment", "Deployment, denied"] {
        let [few, many] = [32, 128].map(|containers| count(name, containers).own / u64::from(containers));
        assert!(
            many * 100 <= few * MAX_AMONG_MANY,
            "{name}: {few} instructions among 32 containers, {many} among 128"
        );
    }
}

#[test]
fn exemptions_that_do_not_apply_cost_little() {
    for (name, max) in MAX_WITH_EXEMPTIONS {
        for containers in [1, 32] {
            let without = count(name, containers);
            let with = count(&format!("{name}, 50 exemptions"), containers);
            assert_eq!(with.answer, without.answer);
            assert!(
                with.all * 100 <= without.all * max,
                "{name}, {containers} containers: {} instructions with exemptions, {} without",
                with.all,
                without.all
            );
        }
    }
}
