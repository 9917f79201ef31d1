//! Bounds for the largest requests that policy servers accept, in shapes that may be expensive to evaluate: instructions,
//! memory and response size.
//!
//! `make bounds` evaluates two megabytes of each shape and prints a table. `make test` evaluates a sixteenth of that.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails on a response that does not parse")]

use std::cmp::Reverse;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use std::time::Duration;

use immutable_pods::ValidationResponse;
use immutable_pods_testing::shapes::{self, REPEATING, Shape};

use crate::guest::{Guest, POLICY};
use crate::module::{admitted, lines, policy};

/// The environment variable that selects requests of full size.
const FULL_SIZE: &str = "BOUNDS";

/// The divisor of the full size that applies by default.
const DEFAULT_DIVISOR: usize = 16;

/// Maximum number of instructions of a request, which take about a second.
const MAX_INSTRUCTIONS: u64 = 16_000_000_000;

/// Maximum evaluation time, which is the default timeout of policy servers.
const MAX_TIME: Duration = Duration::from_secs(2);

/// Maximum memory of an instance, in bytes.
const MAX_MEMORY: usize = 128 << 20;

/// Maximum size of a response without the object, in bytes: findings, warnings and escapes.
const MAX_RESPONSE_BYTES: usize = 600_000;

/// Cost of the second half of a request, in percent of the cost of the second quarter. The half is twice as long, so 200 is
/// linear. A smaller value would mean that large requests are evaluated differently.
const GROWTH: RangeInclusive<u64> = 150..=230;

/// Maximum nesting depth of a payload.
const MAX_DEPTH: usize = 128;

/// The divisor of the full size.
fn divisor() -> usize {
    if env::var_os(FULL_SIZE).is_some() { 1 } else { DEFAULT_DIVISOR }
}

/// The cost of a request of a shape.
struct Cost {
    shape: &'static Shape,
    payload: usize,
    instructions: u64,
    /// The cost of the second half of the request, in percent of the cost of the second quarter.
    growth: u64,
    memory: usize,
    answer: usize,
    object: usize,
}

impl Cost {
    fn of(shape: &'static Shape) -> Self {
        let size = shape.most / divisor();
        let [quarter, half] = [4, 2].map(|part| {
            let payload = (shape.payload)(size / part);
            POLICY.call(payload.as_bytes()).unwrap().instructions
        });
        let payload = (shape.payload)(size);
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

static COSTS: LazyLock<Vec<Cost>> = LazyLock::new(|| shapes::all().map(Cost::of).collect());

/// Returns a table of all costs.
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
fn costs_of_large_requests_are_linear_and_bounded() {
    println!("{}", table());
    let max_instructions = MAX_INSTRUCTIONS / divisor() as u64;
    for Cost { shape, instructions, growth, memory, answer, object, .. } in &*COSTS {
        let name = shape.name;
        assert!(*instructions <= max_instructions, "{name}: {instructions} instructions");
        // The growth of a very small cost is random.
        assert!(GROWTH.contains(growth) || *instructions < 10_000_000, "{name}: growth is {growth} %");
        assert!(*memory <= MAX_MEMORY, "{name}: {memory} bytes of memory");
        assert!(*answer <= object + MAX_RESPONSE_BYTES, "{name}: {answer} bytes of answer");
    }
}

/// Shapes that repeat a long string may use half of the bounds: half a second and 64 megabytes.
#[test]
fn repeated_long_strings_cost_little() {
    for name in REPEATING {
        let cost = COSTS.iter().find(|cost| cost.shape.name == name).unwrap();
        let instructions = cost.instructions;
        assert!(
            instructions <= MAX_INSTRUCTIONS / 2 / divisor() as u64,
            "{name}: {instructions} instructions"
        );
        assert!(cost.memory <= MAX_MEMORY / 2, "{name}: {} bytes of memory", cost.memory);
    }
}

#[test]
fn a_request_has_the_same_cost_each_time() {
    for name in ["containers", "fixes", "an update of images"] {
        let shape = shapes::all().find(|shape| shape.name == name).unwrap();
        let payload = (shape.payload)(20_000);
        let [first, second] = [(), ()].map(|()| POLICY.call(payload.as_bytes()).unwrap());
        assert!(first == second, "{name}");
    }
}

#[test]
fn the_most_expensive_requests_finish_within_the_timeout() {
    let guest = Guest::as_served();
    let mut costs: Vec<_> = COSTS.iter().collect();
    costs.sort_by_key(|cost| Reverse(cost.instructions));
    for Cost { shape, .. } in costs.into_iter().take(3) {
        let payload = (shape.payload)(shape.most);
        let start = processor_time();
        guest.call(payload.as_bytes()).unwrap();
        let time = processor_time().saturating_sub(start);
        println!("{}: {} ms", shape.name, time.as_millis());
        assert!(time < MAX_TIME, "{}: {time:?}", shape.name);
    }
}

/// Returns the processor time of this thread, which does not depend on the load of the machine. Returns zero on systems
/// other than Linux, which do not report processor time.
fn processor_time() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let time = statistics.split(' ').next().unwrap_or_default();
    Duration::from_nanos(time.parse().unwrap_or_default())
}

fn answer(payload: &str) -> ValidationResponse {
    serde_json::from_slice(&POLICY.call(payload.as_bytes()).unwrap().answer).unwrap()
}

/// Returns the findings of a denied payload.
fn denial(payload: &str) -> Vec<String> {
    let response = answer(payload);
    assert!(!response.accepted);
    lines(&response).into_iter().map(str::to_owned).collect()
}

/// Returns a payload that creates an object of a kind with these fields in its spec.
fn creation(kind: &str, fields: &str) -> String {
    format!(
        r#"{{"request": {{"operation": "CREATE", "kind": {{"group": "", "kind": "{kind}"}}, "object": {{"spec": {{{fields}}}}}}}, "settings": {{}}}}"#
    )
}

#[test]
fn objects_with_too_many_items_are_denied() {
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
fn a_truncated_denial_gives_the_number_of_omitted_findings() {
    let payload = creation("Pod", &format!("\"containers\": [{}{{}}]", "{},".repeat(9_999)));
    let message = answer(&payload).message.unwrap();
    assert!(message.starts_with("40000 findings in "), "{message}");
    let shown = message.lines().count() - 2;
    assert!(message.ends_with(&format!("… and {} more findings", 40_000 - shown)), "{message}");
    assert!((15_000..=16 * 1024).contains(&message.len()), "{}", message.len());
    let response = answer(&payload.replace("\"settings\": {}", "\"settings\": {\"enforcement\": \"warn\"}"));
    assert!(response.accepted);
    // All containers have the same empty name, so one name covers all of them.
    assert_eq!(response.warnings.len(), 4);
    assert!(response.warnings[0].contains(", and 9999 more in container \"\" ["), "{:?}", response.warnings);
}

#[test]
fn warnings_stay_within_the_limit_of_api_servers() {
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

/// Payloads that contain a nested value in place of the `@`.
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
fn payloads_that_are_nested_too_deeply_are_denied() {
    for payload in NESTING {
        let (before, after) = payload.split_once('@').unwrap();
        let opened = before.matches('{').count() - before.matches('}').count();
        let nested = |depth: usize| format!("{before}{}{}{after}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(answer(&nested(MAX_DEPTH - opened)), admitted(), "{payload}");
        let limit = before.len() + MAX_DEPTH - opened + 1;
        for depth in [MAX_DEPTH - opened + 1, 1_000, 1_000_000] {
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
fn settings_that_are_nested_too_deeply_are_rejected() {
    let rejection = |depth: usize| {
        let settings = format!("{{\"a\": {}{}}}", "[".repeat(depth), "]".repeat(depth));
        String::from_utf8(policy().call("validate_settings", settings.as_bytes()).unwrap()).unwrap()
    };
    assert!(rejection(MAX_DEPTH - 1).contains("a: unknown key"));
    for depth in [MAX_DEPTH, 1_000_000] {
        assert_eq!(
            rejection(depth),
            format!(
                r#"{{"valid":false,"message":"the settings cannot be parsed as JSON: nested too deeply at byte {}"}}"#,
                6 + MAX_DEPTH
            )
        );
    }
}
