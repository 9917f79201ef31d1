//! Compares the presets with Pod Security Admission on generated pods.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use serde_json::Value;

use super::library::{Failed, Library};
use super::minimised::minimised;
use super::pods::pods;
use super::{LEVELS, admitted_by_presets, check_settings, described, recorded};

/// The number of pods with recorded answers.
const RECORDED: usize = 3000;

/// The part of the pods that each level admits, in percent: both answers must be frequent.
const ADMITTED: RangeInclusive<usize> = 20..=80;

/// The number of checks of each level.
const CHECKS: [usize; 2] = [12, 15];

/// Minimum number of pods that fail only one check, for each check.
const MIN_ALONE: usize = 5;

/// Pods with recorded answers. With `RECORD=1`, the answers are recorded first.
pub(super) static ANSWERED: LazyLock<Vec<(Value, Failed)>> = LazyLock::new(|| {
    let pods: Vec<_> = pods().take(RECORDED).collect();
    if records() {
        let mut library = Library::start(true).expect("RECORD=1 needs pod-security or Go");
        let answers: Vec<_> = pods.iter().map(|pod| library.failed(pod)).collect();
        recorded::write(&pods, &answers);
    }
    let answers = recorded::read(&pods);
    pods.into_iter().zip(answers).collect()
});

fn records() -> bool {
    env::var("RECORD").is_ok_and(|value| value == "1")
}

#[test]
fn the_presets_agree_with_pod_security_admission() {
    let wanted = env::var("PODS").ok().map(|number| number.parse().expect("PODS is a number"));
    check_settings();
    let Some(mut library) = Library::start(wanted.is_some()) else {
        eprintln!(
            "skipped: live answers of pod-security, which `make control-plane` builds; recorded ones are used"
        );
        return compare_recorded();
    };
    compare_live(&mut library, wanted.unwrap_or(RECORDED));
}

/// Compares with the answers of the library, and reduces the first pod with another verdict.
#[track_caller]
fn compare_live(library: &mut Library, number: usize) {
    for (index, pod) in pods().take(number).enumerate() {
        if differs(&pod, &library.failed(&pod)) {
            let mut verdicts = |pod: &Value| (admitted_by_presets(pod), admitted(&library.failed(pod)));
            let verdict = verdicts(&pod);
            let smallest = minimised(pod, |pod| verdicts(pod) == verdict);
            let failed = library.failed(&smallest);
            panic!("pod {} of {number}, reduced: {}", index + 1, difference(&smallest, &failed));
        }
    }
    eprintln!("{number} pods: the presets agree with pod-security");
}

#[track_caller]
fn compare_recorded() {
    for (pod, failed) in &*ANSWERED {
        assert!(!differs(pod, failed), "{}", difference(pod, failed));
    }
}

fn admitted(failed: &Failed) -> [bool; 2] {
    failed.each_ref().map(Vec::is_empty)
}

fn differs(pod: &Value, failed: &Failed) -> bool {
    admitted_by_presets(pod) != admitted(failed)
}

fn difference(pod: &Value, failed: &Failed) -> String {
    let (presets, library) = (described(admitted_by_presets(pod)), described(admitted(failed)));
    let checks = LEVELS.iter().zip(failed).map(|(level, checks)| format!("{level}: {}", checks.join(" ")));
    let checks = checks.collect::<Vec<_>>().join("; ");
    format!("{pod}\npresets: {presets}\nPod Security Admission: {library} ({checks})")
}

#[test]
fn generated_pods_fail_each_check() {
    for (index, level) in LEVELS.into_iter().enumerate() {
        let answers = || ANSWERED.iter().map(|(_, failed)| &*failed[index]);
        let percent = answers().filter(|failed| failed.is_empty()).count() * 100 / RECORDED;
        let checks: BTreeSet<&str> = answers().flatten().map(String::as_str).collect();
        let alone = |check: &str| answers().filter(|failed| failed.len() == 1 && failed[0] == check).count();
        let alone: BTreeMap<_, _> = checks.iter().map(|check| (*check, alone(check))).collect();
        eprintln!("{level} admits {percent} % of the pods; pods that fail only one check: {alone:?}");
        assert!(ADMITTED.contains(&percent), "{level} admits {percent} % of the pods");
        assert_eq!(checks.len(), CHECKS[index], "{level}: {checks:?}");
        assert!(alone.values().all(|pods| *pods >= MIN_ALONE), "{level}: {alone:?}");
    }
}

/// An update of the library may give other answers.
#[test]
fn recorded_answers_are_current() {
    let Some(mut library) = Library::start(false) else {
        return eprintln!("skipped: pod-security is not installed (`make control-plane`)");
    };
    for (pod, failed) in &*ANSWERED {
        assert_eq!(library.failed(pod), *failed, "record with RECORD=1: {pod}");
    }
}
