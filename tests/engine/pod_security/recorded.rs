//! Recorded answers of Pod Security Admission to the first generated pods, for machines without its program.

use std::fs;

use serde_json::{Value, json};

use super::LEVELS;
use super::library::Failed;
use crate::module::in_repository;

const FILE: &str = "tests/engine/pod_security/recorded.json";

/// Number of pods on one line of the file.
const PER_LINE: usize = 25;

/// Returns the recorded answers for pods.
#[track_caller]
pub(super) fn read(pods: &[Value]) -> Vec<Failed> {
    let text = fs::read_to_string(in_repository(FILE)).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        recorded["pods"],
        fingerprint(pods),
        "the generated pods have changed: record the answers to them with RECORD=1"
    );
    let [baseline, restricted] = LEVELS.map(|level| decoded(&recorded[level]));
    assert_eq!((baseline.len(), restricted.len()), (pods.len(), pods.len()), "{FILE}");
    baseline.into_iter().zip(restricted).map(|(baseline, restricted)| [baseline, restricted]).collect()
}

/// Writes the answers for pods.
pub(super) fn write(pods: &[Value], answers: &[Failed]) {
    let mut recorded = json!({"pods": fingerprint(pods)});
    for (index, level) in LEVELS.into_iter().enumerate() {
        recorded[level] = encoded(answers.iter().map(|failed| &*failed[index]));
    }
    let text = serde_json::to_string_pretty(&recorded).unwrap();
    fs::write(in_repository(FILE), text + "\n").unwrap();
}

/// Encodes the failed checks of each pod as a hexadecimal number with one bit for each check.
fn encoded<'a>(answers: impl Iterator<Item = &'a [String]> + Clone) -> Value {
    let mut checks: Vec<_> = answers.clone().flatten().collect();
    checks.sort();
    checks.dedup();
    let numbers: Vec<_> = answers
        .map(|failed| {
            let bits = checks.iter().enumerate().filter(|(_, check)| failed.contains(check));
            let number = bits.fold(0_u32, |number, (bit, _)| number | (1 << bit));
            format!("{number:0width$x}", width = digits(checks.len()))
        })
        .collect();
    let lines: Vec<_> = numbers.chunks(PER_LINE).map(<[_]>::concat).collect();
    json!({"checks": checks, "failed": lines})
}

fn decoded(level: &Value) -> Vec<Vec<String>> {
    let checks: Vec<String> = serde_json::from_value(level["checks"].clone()).unwrap();
    let lines: Vec<String> = serde_json::from_value(level["failed"].clone()).unwrap();
    let text = lines.concat();
    let numbers = text.as_bytes().chunks(digits(checks.len()));
    let number = |digits| u32::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    let failed = |number: u32| {
        let checks = checks.iter().enumerate();
        checks.filter(|(bit, _)| (number >> bit) & 1 == 1).map(|(_, check)| check.clone()).collect()
    };
    numbers.map(number).map(failed).collect()
}

/// Returns the number of hexadecimal digits for one bit a check.
fn digits(checks: usize) -> usize {
    checks.div_ceil(4)
}

/// Returns a hash of pods (FNV-1a), so that answers to other pods are not taken for theirs.
fn fingerprint(pods: &[Value]) -> String {
    let texts: String = pods.iter().map(Value::to_string).collect();
    let hash = texts.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
