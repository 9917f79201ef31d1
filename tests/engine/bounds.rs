//! What the largest requests cost that policy servers let through, filled in every way that may keep a reader busy:
//! instructions, memory, and the length of the answer.
//!
//! `make bounds` takes two megabytes of each and prints a table, `make test` takes a sixteenth of that.

#![expect(clippy::panic, clippy::unwrap_used, reason = "an answer that cannot be read ends its test")]

use std::cmp::Reverse;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use immutable_pods_host::ValidationResponse;

use crate::guest::{Guest, POLICY};
use crate::module::{admitted, lines, policy};

#[path = "../../benches/shapes.rs"]
mod shapes;

use shapes::{REPEATING, SHAPES, Shape};

/// The variable that asks for requests of full size.
const FULL_SIZE: &str = "BOUNDS";

/// Which part of the full size is taken where nobody asks for all of it.
const PART: usize = 16;

/// The most instructions, which take about a second.
const INSTRUCTIONS: u64 = 16_000_000_000;

/// The most time that policy servers wait, unless they are told otherwise.
const TIME: Duration = Duration::from_secs(2);

/// The most bytes of memory.
const MEMORY: usize = 128 << 20;

/// The most bytes of an answer, but for the object in it: what is told in the denial, what in warnings, and escapes.
const ANSWER: usize = 600_000;

/// How many percent of what its second quarter costs the last half of a request may. It is twice as long: 200 is linear, and
/// less would mean that a large request is not judged like a small one.
const GROWTH: RangeInclusive<u64> = 150..=230;

/// The deepest nesting of a payload that is read.
const DEPTH: usize = 128;

/// By what the full size is divided.
fn part() -> usize {
    if env::var_os(FULL_SIZE).is_some() { 1 } else { PART }
}

/// What a request of a shape costs.
struct Cost {
    shape: &'static Shape,
    payload: usize,
    instructions: u64,
    /// How many percent of what the second quarter of the request costs its last half does.
    growth: u64,
    memory: usize,
    answer: usize,
    object: usize,
}

impl Cost {
    fn of(shape: &'static Shape) -> Self {
        let most = shape.most / part();
        let [quarter, half] = [4, 2].map(|part| {
            let payload = (shape.payload)(most / part);
            POLICY.call(payload.as_bytes()).unwrap().instructions
        });
        let payload = (shape.payload)(most);
        let whole =
            POLICY.call(payload.as_bytes()).unwrap_or_else(|error| panic!("{}: {error:#}", shape.name));
        let answer: ValidationResponse = serde_json::from_slice(&whole.answer).unwrap();
        let (first, second) = (half.saturating_sub(quarter), whole.instructions.saturating_sub(half));
        Self {
            shape,
            payload: payload.len(),
            instructions: whole.instructions,
            growth: second * 100 / first.max(1),
            memory: whole.memory,
            answer: whole.answer.len(),
            object: answer.mutated_object.map_or(0, |object| object.to_string().len()),
        }
    }
}

static COSTS: LazyLock<Vec<Cost>> = LazyLock::new(|| SHAPES.iter().map(Cost::of).collect());

/// What there is to be seen.
fn table() -> String {
    let mut table = format!(
        "{:54} {:>9} {:>13} {:>7} {:>9} {:>12}\n",
        "request", "kilobytes", "instructions", "growth", "memory", "answer"
    );
    for Cost { shape, payload, instructions, growth, memory, answer, .. } in &*COSTS {
        writeln!(
            table,
            "{:54} {:>6} kB {:>11} M {:>5} % {:>6} MB {:>9} kB",
            shape.name,
            payload / 1000,
            instructions / 1_000_000,
            growth,
            memory >> 20,
            answer / 1000
        )
        .unwrap();
    }
    table
}

#[test]
fn what_a_large_request_costs_is_in_proportion() {
    println!("{}", table());
    let most = INSTRUCTIONS / part() as u64;
    for Cost { shape, instructions, growth, memory, answer, object, .. } in &*COSTS {
        let name = shape.name;
        assert!(*instructions <= most, "{name}: {instructions} instructions");
        // What costs next to nothing grows by chance.
        assert!(GROWTH.contains(growth) || *instructions < 10_000_000, "{name}: grows by {growth} %");
        assert!(*memory <= MEMORY, "{name}: {memory} bytes of memory");
        assert!(*answer <= object + ANSWER, "{name}: {answer} bytes of answer");
    }
}

/// What shapes that repeat a long string may take of the bounds of others: half a second, and 64 megabytes.
#[test]
fn what_repeats_a_long_string_costs_little() {
    for name in REPEATING {
        let cost = COSTS.iter().find(|cost| cost.shape.name == name).unwrap();
        let instructions = cost.instructions;
        assert!(instructions <= INSTRUCTIONS / 2 / part() as u64, "{name}: {instructions} instructions");
        assert!(cost.memory <= MEMORY / 2, "{name}: {} bytes of memory", cost.memory);
    }
}

#[test]
fn a_request_takes_the_same_each_time() {
    for name in ["containers", "fixes", "an update of images"] {
        let shape = SHAPES.iter().find(|shape| shape.name == name).unwrap();
        let payload = (shape.payload)(20_000);
        let [first, second] = [(), ()].map(|()| POLICY.call(payload.as_bytes()).unwrap());
        assert!(first == second, "{name}");
    }
}

#[test]
fn the_slowest_requests_are_answered_in_time() {
    let guest = Guest::as_served();
    let mut costs: Vec<_> = COSTS.iter().collect();
    costs.sort_by_key(|cost| Reverse(cost.instructions));
    for Cost { shape, .. } in costs.into_iter().take(3) {
        let payload = (shape.payload)(shape.most);
        let start = time_on_processor();
        guest.call(payload.as_bytes()).unwrap();
        let time = time_on_processor().saturating_sub(start);
        println!("{}: {} ms", shape.name, time.as_millis());
        assert!(time < TIME, "{}: {time:?}", shape.name);
    }
}

/// How long this thread has run, whatever else the machine does meanwhile. Systems other than Linux do not tell: there it is
/// no time at all.
fn time_on_processor() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let time = statistics.split(' ').next().unwrap_or_default();
    Duration::from_nanos(time.parse().unwrap_or_default())
}

fn answer(payload: &str) -> ValidationResponse {
    serde_json::from_slice(&POLICY.call(payload.as_bytes()).unwrap().answer).unwrap()
}

/// The lines of the denial of a payload.
fn denial(payload: &str) -> Vec<String> {
    let response = answer(payload);
    assert!(!response.accepted);
    lines(&response).into_iter().map(str::to_owned).collect()
}

/// A payload to create a pod, or an object of a kind that the policy has never heard of, with these fields in its spec.
fn creation(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"request": {{"operation": "CREATE", "kind": {{"group": "", "kind": "{kind}"}}, "object": {{"spec": {{{fields}}}}}}}, "settings": {{}}}}"#
    )
}

#[test]
fn more_items_than_anybody_needs_are_denied() {
    let containers =
        |count: usize| format!("\"containers\": [{}{{}}]", "{\"name\":\"a\"},".repeat(count - 1));
    let sentence = |path: &str| {
        format!(
            "{path}: too many list items: at most 50000 are evaluated per object, fewer when they are deeply nested (denied because it cannot be evaluated)"
        )
    };
    assert!(denial(&creation("Pod", &containers(50_000))).len() > 1);
    assert_eq!(denial(&creation("Pod", &containers(50_001))), [sentence("spec.containers[50000]")]);
    assert_eq!(denial(&creation("Pod", &containers(150_000))), [sentence("spec.containers[50000]")]);
    assert!(denial(&creation("Fleet", &containers(49_999))).len() > 1);
    assert_eq!(denial(&creation("Fleet", &containers(50_000))), [sentence("spec")]);
    assert_eq!(denial(&creation("Fleet", &containers(50_001))), [sentence("spec.containers[50000]")]);
    let pods =
        |count: usize| format!("\"pods\": [{}{{}}]", "{\"containers\":[{\"name\":\"\"}]},".repeat(count));
    assert!(denial(&creation("Fleet", &pods(25_000))).len() > 1);
    assert_eq!(denial(&creation("Fleet", &pods(25_001))), [sentence("spec.pods[25000]")]);

    let key = "k".repeat(99);
    let below = |count: usize| creation("Fleet", &format!("\"{key}\": {{\"a\": {{{}}}}}", containers(count)));
    assert!(denial(&below(24_999)).len() > 1);
    assert_eq!(denial(&below(25_000)), [sentence(&format!("spec.{key}.a"))]);
}

#[test]
fn a_denial_that_nobody_would_read_to_its_end_says_how_much_is_left() {
    let payload = creation("Pod", &format!("\"containers\": [{}{{}}]", "{},".repeat(9_999)));
    let message = answer(&payload).message.unwrap();
    assert!(message.starts_with("40000 findings in "), "{message}");
    let shown = message.lines().count() - 2;
    assert!(message.ends_with(&format!("… and {} more findings", 40_000 - shown)), "{message}");
    assert!((15_000..=16 * 1024).contains(&message.len()), "{}", message.len());
    let response = answer(&payload.replace("\"settings\": {}", "\"settings\": {\"enforcement\": \"warn\"}"));
    assert!(response.accepted);
    // None of the containers has a name, so that naming one names all of them.
    assert_eq!(response.warnings.len(), 4);
    assert!(response.warnings[0].contains(", and 9999 more in container \"\" ["), "{:?}", response.warnings);
}

#[test]
fn warnings_fit_into_what_api_servers_pass_on() {
    let container = |index: usize| format!("{{\"name\": \"container-{index}\", \"image\": \"a\"}}");
    for containers in [8, 40, 400] {
        let list: Vec<_> = (0..containers).map(container).collect();
        let payload = creation("Pod", &format!("\"containers\": [{}]", list.join(","))).replace(
            "\"settings\": {}",
            "\"settings\": {\"enforcement\": \"warn\", \"capabilities\": {\"requiredDrop\": [\"ALL\"]}}",
        );
        let warnings = answer(&payload).warnings;
        let characters: usize = warnings.iter().map(|warning| warning.chars().count()).sum();
        assert!(characters <= 2_000, "{containers} containers: {characters} characters");
        for rule in [
            "readOnlyRootFilesystem",
            "allowPrivilegeEscalation",
            "runAsNonRoot",
            "imageReference",
            "capabilities",
        ] {
            assert!(warnings.iter().any(|warning| warning.ends_with(&format!("[{rule}]"))), "{warnings:?}");
        }
    }
}

/// Payloads that are read wherever something nests in place of the `@`.
const NESTING: [&str; 8] = [
    r#"{"request": {"operation": "CREATE", "kind": {"group": "", "kind": "Pod"}, "object": {"metadata": {"annotations": {"a": @}}, "spec": {"containers": []}}}}"#,
    r#"{"request": {"operation": "CREATE", "kind": {"group": "", "kind": "Pod"}, "object": {"spec": {"affinity": @, "containers": []}}}}"#,
    r#"{"request": {"operation": "CREATE", "kind": {"group": "x", "kind": "Fleet"}, "object": {"spec": {"a": @}}}}"#,
    r#"{"request": {"operation": "UPDATE", "kind": {"group": "", "kind": "Pod"}, "object": {"spec": {"containers": []}}, "oldObject": {"status": @, "spec": {"containers": []}}}}"#,
    r#"{"request": {"operation": "UPDATE", "kind": {"group": "x", "kind": "Fleet"}, "object": {}, "oldObject": {"a": @}}}"#,
    r#"{"request": {"operation": "DELETE", "kind": {"group": "", "kind": "Pod"}, "oldObject": @}}"#,
    r#"{"request": {"operation": "CREATE", "userInfo": {"extra": @}, "kind": {"group": "", "kind": "Pod"}, "object": {"spec": {"containers": []}}}}"#,
    r#"{"settings": {"exemptions": @}, "request": {"operation": "DELETE", "kind": {"group": "", "kind": "Pod"}}}"#,
];

#[test]
fn nesting_is_read_to_its_limit_and_denied_beyond() {
    for payload in NESTING {
        let (before, behind) = payload.split_once('@').unwrap();
        let opened = before.matches('{').count() - before.matches('}').count();
        let nested = |depth: usize| format!("{before}{}{}{behind}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(answer(&nested(DEPTH - opened)), admitted(), "{payload}");
        let limit = before.len() + DEPTH - opened + 1;
        for depth in [DEPTH - opened + 1, 1_000, 1_000_000] {
            assert_eq!(
                denial(&nested(depth)),
                [format!(
                    "the request cannot be read as JSON: nested too deeply at byte {limit} (denied because it cannot be evaluated)"
                )],
                "{payload}"
            );
        }
    }
}

#[test]
fn settings_are_read_to_their_limit_and_refused_beyond() {
    let refused = |depth: usize| {
        let settings = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        String::from_utf8(policy().call("validate_settings", settings.as_bytes()).unwrap()).unwrap()
    };
    assert!(refused(DEPTH - 1).contains("a: unknown key"));
    for depth in [DEPTH, 1_000_000] {
        assert_eq!(
            refused(depth),
            format!(
                r#"{{"valid":false,"message":"the settings cannot be parsed as JSON: nested too deeply at byte {}"}}"#,
                6 + DEPTH
            )
        );
    }
}
