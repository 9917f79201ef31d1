//! A long run: evaluates every case, and small versions of the large requests, many times, each time in a fresh instance, like
//! policy servers. The same request must get the same response, and memory must not grow.
//!
//! `make soak EVALUATIONS=1000000`

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use immutable_pods::Interactions;
use immutable_pods::interactions::Exchange;
use immutable_pods_testing::cases::{self, Case, Payload};
use immutable_pods_testing::module::{in_repository, policy};
use immutable_pods_testing::shapes;
use serde_json::{Value, json};

/// Default number of evaluations.
const EVALUATIONS: usize = 1_000_000;

/// Size of the large requests, in bytes.
const LARGE: usize = 4_000;

/// Number of memory checks.
const SAMPLES: usize = 20;

/// Maximum growth of the process, in kilobytes, after every request was evaluated twice.
const GROWTH: u64 = 8 << 10;

/// A prime step, so that consecutive requests have different kinds and settings.
const STRIDE: usize = 1_009;

/// Additional settings for every case.
const SETTINGS: [&str; 3] = [
    "{}",
    r#"{"enforcement": "warn", "onUpdate": "all", "ephemeralContainers": "deny", "interactiveAccess": "deny", "shellRemoval": "deny", "sharedProcessNamespace": "deny"}"#,
    r#"{"readOnlyRootFilesystem": "fix", "allowPrivilegeEscalation": "fix", "runAsNonRoot": "fix", "capabilities": {"mode": "fix", "requiredDrop": ["ALL"]}, "writablePaths": [{"paths": ["/run", "/tmp"]}], "exemptions": [{"reason": "mesh", "images": ["docker.io/istio/*"]}, {"reason": "late", "containers": ["web"], "expires": "2020-01-01"}]}"#,
];

type Failure = Box<dyn Error>;

/// A request and its first response.
struct RepeatedRequest {
    name: String,
    operation: &'static str,
    payload: Vec<u8>,
    exchanges: Vec<Exchange>,
    answer: Option<Vec<u8>>,
}

impl RepeatedRequest {
    fn new(name: String, operation: &'static str, payload: Vec<u8>) -> Self {
        Self { name, operation, payload, exchanges: Vec::new(), answer: None }
    }

    /// Evaluates the request in a fresh instance, and compares the response with the first one.
    fn evaluate(&mut self) -> Result<(), Failure> {
        let interactions = Interactions::new(self.exchanges.iter().cloned());
        let answer = policy().replaying(&interactions).call(self.operation, &self.payload)?;
        match &self.answer {
            None => self.answer = Some(answer),
            Some(first) if *first == answer => {}
            Some(first) => {
                let [first, answer] = [first, &answer].map(|answer| String::from_utf8_lossy(answer));
                return Err(
                    format!("{}: first response\n{first}\nlater response\n{answer}", self.name).into()
                );
            }
        }
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let number = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let evaluations = number.map_or(Ok(EVALUATIONS), |number| number.parse())?;
    let mut requests = all_requests()?;
    let warm = 2 * requests.len();
    if evaluations < warm {
        return Err(format!("{} requests need at least {warm} evaluations", requests.len()).into());
    }
    println!("{evaluations} evaluations of {} requests", requests.len());
    let mut progress = Progress::new(evaluations);
    let mut samples = Vec::new();
    let interval = (evaluations - warm).div_ceil(SAMPLES).max(1);
    for number in 0..evaluations {
        let index = number * STRIDE % requests.len();
        requests.get_mut(index).ok_or("no requests")?.evaluate()?;
        let done = number + 1;
        if done >= warm && ((done - warm).is_multiple_of(interval) || done == evaluations) {
            samples.push(resident()?);
        }
        progress.show(done, samples.last())?;
    }
    progress.end()?;
    let evaluated: usize = requests.iter().filter(|request| request.answer.is_some()).count();
    println!("{evaluations} evaluations of {evaluated} requests: every response equals the first");
    check_memory(&samples)
}

/// Prints the memory, and returns whether it grew.
fn check_memory(samples: &[u64]) -> Result<(), Failure> {
    let series: Vec<_> = samples.iter().map(u64::to_string).collect();
    println!(
        "resident memory in kB, first after two evaluations of every request, then at regular intervals:"
    );
    println!("{}", series.join(" "));
    let first = samples.first().ok_or("no memory samples")?;
    let highest = samples.iter().max().unwrap_or(first);
    let grown = highest - first;
    println!("first {first} kB, maximum {highest} kB: growth {grown} kB, limit {GROWTH} kB");
    if grown > GROWTH {
        return Err("memory grew beyond the limit".into());
    }
    Ok(())
}

/// Returns all requests.
fn all_requests() -> Result<Vec<RepeatedRequest>, Failure> {
    let mut requests = Vec::new();
    let folder = in_repository("tests/cases");
    for case in cases::read(&folder)? {
        add_requests(&case, &mut requests);
    }
    for Payload { id, bytes, .. } in cases::payloads(&folder)? {
        requests.push(RepeatedRequest::new(id, "validate", bytes));
    }
    for shape in shapes::all() {
        requests.push(RepeatedRequest::new(
            shape.name.to_owned(),
            "validate",
            (shape.payload)(LARGE).into_bytes(),
        ));
    }
    // The step must not skip requests.
    while requests.len().is_multiple_of(STRIDE) {
        requests.pop();
    }
    Ok(requests)
}

/// Adds the requests of a case: its request with several settings, and the validation of its settings.
fn add_requests(case: &Case, requests: &mut Vec<RepeatedRequest>) {
    let Case { id, request, settings, exchanges, .. } = case;
    let payload =
        |settings: &Value| json!({"request": request, "settings": settings}).to_string().into_bytes();
    let own = RepeatedRequest::new(id.clone(), "validate", payload(settings));
    requests.push(RepeatedRequest { exchanges: exchanges.clone(), ..own });
    let settings = settings.to_string().into_bytes();
    requests.push(RepeatedRequest::new(format!("the settings of {id}"), "validate_settings", settings));
    for settings in SETTINGS {
        let settings = serde_json::from_str(settings).unwrap_or_default();
        requests.push(RepeatedRequest::new(
            format!("{id} with settings {settings}"),
            "validate",
            payload(&settings),
        ));
    }
}

/// Returns the memory of the process, in kilobytes.
fn resident() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number =
        line.and_then(|line| line.split_whitespace().next()).ok_or("/proc/self/status has no VmRSS")?;
    Ok(number.parse()?)
}

/// Progress of the run: one line on a terminal, a few lines elsewhere.
struct Progress {
    evaluations: usize,
    start: Instant,
    shown: Option<Instant>,
    /// Time between two updates.
    pause: Duration,
}

impl Progress {
    fn new(evaluations: usize) -> Self {
        let pause = Duration::from_secs(if io::stdout().is_terminal() { 1 } else { 60 });
        Self { evaluations, start: Instant::now(), shown: None, pause }
    }

    fn show(&mut self, done: usize, memory: Option<&u64>) -> io::Result<()> {
        if self.shown.is_some_and(|shown| shown.elapsed() < self.pause) {
            return Ok(());
        }
        self.shown = Some(Instant::now());
        let memory = memory.map_or(String::new(), |memory| format!(", {memory} kB of memory"));
        let line = format!("{done} of {}, {} s{memory}", self.evaluations, self.start.elapsed().as_secs());
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            write!(out, "\r\u{1b}[K{line}")?;
            out.flush()
        } else {
            writeln!(out, "{line}")
        }
    }

    fn end(&self) -> io::Result<()> {
        let seconds = self.start.elapsed().as_secs();
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            write!(out, "\r\u{1b}[K")?;
        }
        writeln!(out, "{seconds} s")
    }
}
