//! Measures the cost of a request in a fresh instance of the policy, compared with a guest that reads nothing (the floor) and
//! with a typical policy that checks a single field.
//!
//! Times differ between machines, so only ratios within one run are reported. A complete run is stored, and
//! `docs/performance.md` shows it.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use criterion::{Criterion, SamplingMode};
use immutable_pods::Policy;
use immutable_pods_testing::performance::{self, Cost, Results, Sizes};
use immutable_pods_testing::requests::{Scenario, growth, scenarios};
use immutable_pods_testing::wasmtime::Wasmtime;
use jiff::Timestamp;
use serde::Deserialize;

/// The requests for the typical policy, which does not have exemptions and fixes.
const TYPICAL: [&str; 4] = ["Pod", "Pod, denied", "Deployment", "Deployment, denied"];

const ACCEPTED: &[u8] = br#"{"accepted":true}"#;

/// Number of runs. Each figure is the median, because single runs differ by up to a tenth.
const RUNS: usize = 5;

type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = serde_json::from_slice(&fs::read(repository.join("tests/cases/requests/pod.json"))?)?;
    let samples = std::env::temp_dir().join(format!("immutable-pods-bench-{}", std::process::id()));
    let (scenarios, growth) = (scenarios(&recorded), growth(&recorded));
    let (mut runs, mut growing) = (Vec::new(), Vec::new());
    for run in 1..=RUNS {
        eprintln!("run {run} of {RUNS}");
        for (name, scenarios, runs) in [("costs", &scenarios, &mut runs), ("growth", &growth, &mut growing)] {
            let samples = samples.join(format!("{run}-{name}"));
            fs::create_dir_all(&samples)?;
            measure(repository, scenarios, &samples)?;
            runs.push(costs(scenarios, &samples));
        }
    }
    let results = Results {
        machine: machine(),
        date: Timestamp::now().strftime("%F").to_string(),
        bytes: sizes(repository)?,
        costs: medians(&runs),
        growth: medians(&growing),
    };
    fs::remove_dir_all(&samples)?;
    if results.costs.is_empty() {
        return Ok(());
    }
    println!("{}", results.tables());
    // A run of a part, or a quick run, is not stored.
    if std::env::args().skip(1).all(|argument| argument == "--bench") {
        fs::write(repository.join(performance::RESULTS), serde_json::to_string_pretty(&results)? + "\n")?;
        performance::update(repository)?;
    }
    Ok(())
}

/// Measures every guest with its requests. Criterion writes its samples into a folder.
fn measure(repository: &Path, scenarios: &[Scenario], samples: &Path) -> Result<(), Failure> {
    let guest = |name| {
        Ok::<_, String>(Policy::new(Wasmtime::from_file(&repository.join(name).with_extension("wasm"))?))
    };
    let (floor, policy, typical) = (guest("floor")?, guest("policy")?, guest("typical")?);
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        // Short samples, so that other processes do not disturb all of them.
        .sample_size(150)
        .nresamples(2000)
        .output_directory(samples)
        .configure_from_args();
    for scenario in scenarios {
        let mut group = criterion.benchmark_group(group(scenario));
        group.sampling_mode(SamplingMode::Flat);
        for (name, guest) in [("floor", &floor), ("policy", &policy), ("typical", &typical)] {
            if name == "typical" && !TYPICAL.contains(&scenario.name) {
                continue;
            }
            let ask = || guest.call("validate", &scenario.payload);
            check(name, scenario, &ask()?)?;
            group.bench_function(name, |bencher| bencher.iter(ask));
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}

/// Checks that the measured response is correct.
fn check(guest: &str, scenario: &Scenario, answer: &[u8]) -> Result<(), Failure> {
    let is_right = match guest {
        "floor" => answer == ACCEPTED,
        _ => scenario.verdict.is_in(&serde_json::from_slice(answer)?),
    };
    if is_right {
        return Ok(());
    }
    Err(format!("{}: unexpected response of {guest}: {}", group(scenario), String::from_utf8_lossy(answer))
        .into())
}

/// Returns criterion's name of a request.
fn group(scenario: &Scenario) -> String {
    format!("{}, {} containers", scenario.name, scenario.containers)
}

/// Returns the costs of all measured requests.
fn costs(scenarios: &[Scenario], samples: &Path) -> Vec<Cost> {
    let mut first = None;
    let cost = |scenario: &Scenario| {
        let time = |guest| time(&samples.join(group(scenario)).join(guest));
        let (floor, policy) = (time("floor")?, time("policy")?);
        Some(Cost {
            request: scenario.name.to_owned(),
            containers: scenario.containers,
            bytes: scenario.payload.len().try_into().ok()?,
            floor: rounded(floor / *first.get_or_insert(floor)),
            policy: rounded(policy / floor),
            typical: time("typical").map(|typical| rounded(typical / floor)),
        })
    };
    scenarios.iter().filter_map(cost).collect()
}

/// Returns the median of each figure over the runs.
fn medians(runs: &[Vec<Cost>]) -> Vec<Cost> {
    let first = runs.first().map_or(&[][..], Vec::as_slice);
    let of = |index: usize, figure: fn(&Cost) -> Option<f64>| {
        let mut figures: Vec<_> = runs.iter().filter_map(|run| figure(run.get(index)?)).collect();
        figures.sort_by(f64::total_cmp);
        figures.get(figures.len() / 2).copied()
    };
    let median = |(index, cost): (usize, &Cost)| Cost {
        request: cost.request.clone(),
        containers: cost.containers,
        bytes: cost.bytes,
        floor: of(index, |cost| Some(cost.floor)).unwrap_or(cost.floor),
        policy: of(index, |cost| Some(cost.policy)).unwrap_or(cost.policy),
        typical: of(index, |cost| cost.typical),
    };
    first.iter().enumerate().map(median).collect()
}

/// Returns the time of a call in the fastest sample in nanoseconds, or `None` if it was not measured. Other processes can
/// only make a sample slower.
fn time(benchmark: &Path) -> Option<f64> {
    let sample: Sample = serde_json::from_slice(&fs::read(benchmark.join("new/sample.json")).ok()?).ok()?;
    let times = sample.times.iter().zip(&sample.iters).map(|(time, calls)| time / calls);
    times.min_by(f64::total_cmp)
}

/// A sample file of criterion: numbers of calls, and their total times.
#[derive(Deserialize)]
struct Sample {
    iters: Vec<f64>,
    times: Vec<f64>,
}

/// Rounds to two decimals.
fn rounded(ratio: f64) -> f64 {
    (ratio * 100.0).round() / 100.0
}

fn sizes(repository: &Path) -> Result<Sizes, Failure> {
    let size = |name| -> Result<u32, Failure> {
        Ok(fs::metadata(repository.join(name).with_extension("wasm"))?.len().try_into()?)
    };
    Ok(Sizes { floor: size("floor")?, policy: size("policy")?, typical: size("typical")? })
}

/// Returns a description of the machine, as far as the operating system provides it.
fn machine() -> String {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {cores} cores, {}", std::env::consts::OS)
}
