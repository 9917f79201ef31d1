//! What a request costs: a fresh instance that judges a pod of one container by every rule, over one that reads nothing.
//!
//! Times differ from machine to machine; what counts is the ratio of the two, from one run, which is printed last.

use std::error::Error;
use std::fs;
use std::path::Path;

use criterion::Criterion;
use immutable_pods_host::Policy;
use immutable_pods_policy::rules::RULES;
use serde_json::{Value, json};

const GROUP: &str = "fresh instance";
const MODULES: [&str; 2] = ["policy", "floor"];

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let request: Value = serde_json::from_slice(&fs::read(root.join("tests/fixtures/requests/pod.json"))?)?;
    let off_by_default = RULES.iter().filter(|rule| rule.mode.is_none());
    let settings: Value = off_by_default.map(|rule| (rule.id, json!("deny"))).collect();
    let payload = serde_json::to_vec(&json!({"request": request, "settings": settings}))?;
    let results = std::env::temp_dir().join(format!("immutable-pods-bench-{}", std::process::id()));

    let mut criterion = Criterion::default().output_directory(&results).configure_from_args();
    let mut group = criterion.benchmark_group(GROUP);
    for module in MODULES {
        let policy = Policy::from_file(&root.join(module).with_extension("wasm"))?;
        let answer = policy.call("validate", &payload)?;
        assert_eq!(answer, br#"{"accepted":true}"#, "{module}");
        group.bench_function(module, |bencher| bencher.iter(|| policy.call("validate", &payload)));
    }
    group.finish();
    criterion.final_summary();

    let [policy, floor] = MODULES.map(|module| median(&results, module));
    println!(
        "\nA request of {} bytes takes {:.2} times as long as one that nobody reads.",
        payload.len(),
        policy? / floor?
    );
    fs::remove_dir_all(&results)?;
    Ok(())
}

/// The median that criterion left behind, in nanoseconds.
fn median(results: &Path, module: &str) -> Result<f64, Box<dyn Error>> {
    let file = results.join(GROUP).join(module).join("new/estimates.json");
    let estimates: Value = serde_json::from_slice(&fs::read(file)?)?;
    let median = estimates.pointer("/median/point_estimate").and_then(Value::as_f64);
    median.ok_or_else(|| "criterion left no median".into())
}
